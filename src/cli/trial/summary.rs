//! What a trial came to, in a few lines.

use super::tally::Tally;
use crate::model::{Failure, Nanos};
use crate::result::RunResult;
use crate::scenario::Plan;
use std::fmt::Write;

/// What a trial came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    offered: bool,
    published: u64,
    publish_failed: u64,
    delivered: u64,
    early: u64,
    lost: u64,
    /// When it could receive: as the dialect says, or else when it had attached.
    ready: Option<Nanos>,
    /// Keys and counts.
    failures: Vec<(String, u64)>,
    /// What the run says in words, such as how the program that publishes ended.
    notes: Vec<String>,
    /// Rules of the dialect.
    rules: usize,
}

impl Judged {
    /// Whether the dialect works: subscribed, everything came, nothing failed.
    pub(super) fn good(&self) -> bool {
        let fed = !self.offered || (self.delivered > 0 && self.lost == 0 && self.publish_failed == 0);
        fed && self.failures.is_empty() && self.ready.is_some()
    }
}

/// Judges a trial by its run.
pub(super) fn judge(plan: &Plan, run: Option<&RunResult>, tally: &Tally) -> Judged {
    let Some(run) = run else { return Judged::default() };
    let dialect = plan.runs.first().and_then(|r| r.groups.first()).and_then(|g| g.dialect.as_deref());
    let attached = (run.connect.count > 0).then_some(run.connect.max_ns).flatten().map(Nanos);
    Judged {
        offered: run.offered_per_s > 0.0,
        published: run.published,
        publish_failed: run.publish_failed,
        delivered: run.ledger.delivered,
        early: run.ledger.early,
        lost: run.ledger.lost,
        ready: if dialect.is_some() { tally.ready } else { attached },
        failures: run.failures.iter().map(|(key, count)| (key.clone(), *count)).collect(),
        notes: run.notes.clone(),
        rules: dialect.map_or(0, |d| d.rules.len()),
    }
}

/// The lines of a summary.
pub(super) fn text(judged: &Judged, tally: &Tally) -> String {
    let mut lines = vec![("ready", ready(judged)), ("messages", messages(judged, tally))];
    if judged.rules > 0 {
        lines.push(("rules", rules(judged.rules, tally)));
    }
    lines.push(("bytes", bytes(tally)));
    lines.extend(judged.failures.iter().map(|(key, count)| ("failed", failure(key, *count))));
    lines.extend(judged.notes.iter().map(|note| ("note", note.clone())));
    lines.extend(tally.over.iter().map(|how| ("over", how.clone())));
    lines.push(("verdict", verdict(judged, tally)));
    let mut text = String::from("\n");
    for (head, rest) in lines {
        let _ = writeln!(text, "{head:<10}{rest}");
    }
    text
}

fn ready(judged: &Judged) -> String {
    judged.ready.map_or_else(|| "never".to_owned(), |at| format!("after {at}"))
}

fn messages(judged: &Judged, tally: &Tally) -> String {
    let plain = match tally.plain {
        0 => String::new(),
        n => format!("{n} delivered without a stamp"),
    };
    if !judged.offered {
        let none = "pushbench publishes nothing in this scenario";
        return if plain.is_empty() { none.to_owned() } else { format!("{none}; {plain}") };
    }
    let mut text =
        format!("{} published, {} delivered, {} lost", judged.published, judged.delivered, judged.lost);
    let more =
        [(judged.publish_failed, "not taken by the target"), (judged.early, "came before it was ready")];
    for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(text, ", {count} {what}");
    }
    if plain.is_empty() { text } else { format!("{text}; {plain}") }
}

fn rules(count: usize, tally: &Tally) -> String {
    let idle: Vec<String> =
        (1..=count).filter(|n| !tally.rules.contains_key(n)).map(|n| n.to_string()).collect();
    let fired: u32 = tally.rules.values().sum();
    let never = if idle.is_empty() { String::new() } else { format!("; never fired: {}", idle.join(", ")) };
    let unmatched = match tally.unmatched {
        0 => String::new(),
        1 => "; one unit known by none".to_owned(),
        n => format!("; {n} units known by none"),
    };
    format!("{count}, fired {fired} times{never}{unmatched}")
}

fn bytes(tally: &Tally) -> String {
    let s = if tally.connections == 1 { "" } else { "s" };
    format!("{} in, {} out, over {} connection{s}", tally.bytes_in, tally.bytes_out, tally.connections)
}

fn failure(key: &str, count: u64) -> String {
    let known = Failure::ALL.iter().find(|f| f.key() == key);
    let meaning = known.map_or("", |f| f.meaning().trim());
    let times = if count == 1 { String::new() } else { format!("{count} times ") };
    format!("{times}{key}: {meaning}")
}

fn verdict(judged: &Judged, tally: &Tally) -> String {
    match (judged.good(), tally.unmatched) {
        (true, 0) => "it works".to_owned(),
        (true, _) => "it works; look at what no rule knows".to_owned(),
        (false, _) if judged.ready.is_none() => "it never became ready".to_owned(),
        (false, _) if judged.offered && judged.delivered == 0 => {
            format!("ready, but nothing came{}", cause(judged, tally))
        }
        (false, _) => format!("it does not work yet{}", cause(judged, tally)),
    }
}

/// Why it does not work: how the session was over, or else what failed.
fn cause(judged: &Judged, tally: &Tally) -> String {
    let classes: Vec<&str> = judged.failures.iter().map(|(key, _)| key.as_str()).collect();
    match (classes.as_slice(), tally.over.first()) {
        ([], None) if tally.unmatched > 0 => ": look at what no rule knows".to_owned(),
        ([], None) => String::new(),
        ([], Some(how)) => format!(": {how}"),
        (classes, None) => format!(": {}", classes.join(", ")),
        (classes, Some(how)) => format!(": {} ({how})", classes.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Said;

    fn fine() -> Judged {
        Judged {
            offered: true,
            published: 3,
            delivered: 3,
            ready: Some(Nanos::from_millis(4)),
            rules: 3,
            ..Judged::default()
        }
    }

    #[test]
    fn a_good_trial_says_so_and_which_rules_never_fired() {
        let mut tally = Tally { connections: 1, bytes_in: 20, bytes_out: 10, ..Tally::default() };
        tally.count(&Said::Rule(2, "x".into(), String::new()), Nanos::ZERO);
        insta::assert_snapshot!(text(&fine(), &tally));
    }

    #[test]
    fn a_bad_trial_says_what_is_wrong() {
        let judged = Judged {
            delivered: 0,
            lost: 3,
            ready: None,
            failures: vec![("not_ready".into(), 1), ("reset".into(), 2)],
            ..fine()
        };
        let mut tally = Tally::default();
        tally.count(&Said::Unmatched(b"?".to_vec()), Nanos::ZERO);
        tally.count(&Said::Over("rule 3 (prefix \"44\") says fail".into()), Nanos::ZERO);
        insta::assert_snapshot!(text(&judged, &tally));
    }

    #[test]
    fn the_verdict_names_the_cause() {
        let nothing = || Judged { delivered: 0, lost: 3, ..fine() };
        let told = |judged: &Judged, tally: &Tally| verdict(judged, tally);
        assert_eq!(told(&nothing(), &Tally::default()), "ready, but nothing came");
        let looped = Judged { failures: vec![("rule_loop".into(), 1)], ..nothing() };
        assert_eq!(told(&looped, &Tally::default()), "ready, but nothing came: rule_loop");
        let over = Tally { over: vec!["rule 1 (any): more than 64 sends".into()], ..Tally::default() };
        assert_eq!(
            told(&looped, &over),
            "ready, but nothing came: rule_loop (rule 1 (any): more than 64 sends)"
        );
        let unknown = Tally { unmatched: 2, ..Tally::default() };
        assert_eq!(told(&nothing(), &unknown), "ready, but nothing came: look at what no rule knows");
        let ended = Judged { notes: vec!["the program ended with exit status: 3".into()], ..nothing() };
        assert!(text(&ended, &Tally::default()).contains("note      the program ended with exit status: 3"));
    }

    #[test]
    fn everything_must_be_well_for_a_good_one() {
        assert!(fine().good());
        assert!(!Judged { lost: 1, ..fine() }.good());
        assert!(!Judged { delivered: 0, ..fine() }.good());
        assert!(!Judged { publish_failed: 1, ..fine() }.good());
        assert!(!Judged { ready: None, ..fine() }.good());
        assert!(!Judged { failures: vec![("reset".into(), 1)], ..fine() }.good());
        assert!(Judged { offered: false, delivered: 0, ..fine() }.good());
    }
}
