//! What a trial came to, in a few lines.

use super::lines::{Tally, Teller};
use crate::result::RunResult;
use std::fmt::Write;

/// What a trial came to.
pub(super) struct Judged {
    published: u64,
    publish_failed: u64,
    delivered: u64,
    early: u64,
    lost: u64,
    attached_ns: Option<u64>,
    failures: Vec<(String, u64)>,
    offered: bool,
}

impl Judged {
    /// Whether the dialect works: subscribed, everything came, nothing failed.
    pub(super) fn good(&self) -> bool {
        let fed = !self.offered || (self.delivered > 0 && self.lost == 0 && self.publish_failed == 0);
        fed && self.failures.is_empty() && self.attached_ns.is_some()
    }
}

/// Judges a trial by its run.
pub(super) fn judge(run: Option<&RunResult>, _tally: &Tally) -> Judged {
    let nothing = RunResult::default();
    let run = run.unwrap_or(&nothing);
    Judged {
        published: run.published,
        publish_failed: run.publish_failed,
        delivered: run.ledger.delivered,
        early: run.ledger.early,
        lost: run.ledger.lost,
        attached_ns: (run.connect.count > 0).then_some(run.connect.max_ns).flatten(),
        failures: run.failures.iter().map(|(key, count)| (key.clone(), *count)).collect(),
        offered: run.offered_per_s > 0.0,
    }
}

/// The lines of a summary.
pub(super) fn text(judged: &Judged, seen: &Teller) -> String {
    let tally = seen.tally();
    let mut text = String::from("\n");
    let mut line = |head: &str, rest: String| {
        let _ = writeln!(text, "{head:<12}{rest}");
    };
    if judged.offered {
        let failed = match judged.publish_failed {
            0 => String::new(),
            n => format!(", {n} not taken"),
        };
        let early = match judged.early {
            0 => String::new(),
            n => format!(", {n} before it was subscribed"),
        };
        line(
            "messages",
            format!("{} published{failed}, {} delivered, {} lost{early}", judged.published, judged.delivered, judged.lost),
        );
    } else {
        line("messages", "nothing is published by this scenario".to_owned());
    }
    line("bytes", format!("{} in, {} out, {} connections", tally.bytes_in, tally.bytes_out, tally.connections));
    for (key, count) in &judged.failures {
        line("failed", format!("{count} x {key}"));
    }
    if judged.attached_ns.is_none() {
        line("failed", "the client never attached".to_owned());
    }
    line("verdict", if judged.good() { "it works".to_owned() } else { "it does not work yet".to_owned() });
    text
}
