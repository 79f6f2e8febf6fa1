//! Whether to believe a run. Pure: a result and some evidence in, a verdict with reasons out.
//!
//! Thresholds are those of the method (rules 4, 5 and 22); each is a constant here, with its unit.

mod bytes;
mod censoring;
mod clock;
mod events;
mod generator;
mod interval;
pub(super) mod limits;
mod plausible;
mod sends;
mod steady;

pub(super) use interval::judge_intervals;
pub(super) use plausible::SecondLook;

use crate::model::{Op, Side};
use crate::result::{RunResult, Verdict};

/// Least share of the offered messages that must have been published.
const LEAST_ACHIEVED: f64 = 0.99;
/// The same when the target was away for a while and its clients came back.
const LEAST_ACHIEVED_AROUND_AN_OUTAGE: f64 = 0.8;
/// Polls that could not be sent because the one before was still under way.
const MOST_POLLS_SKIPPED: f64 = 0.01;
/// Share of the expected messages that may be lost before quantiles have holes.
const LOST_TOLD: f64 = 0.001;

/// What the result itself does not hold.
pub(super) struct Evidence {
    /// Whether the live count of received messages equals the ledger's.
    pub(super) closes: bool,
    /// Clients that were to stay all the time.
    pub(super) staying: u32,
    /// Of these, subscribed when `measure` began.
    pub(super) subscribed_at_start: u32,
    /// Of these, subscribed when it ended.
    pub(super) subscribed_at_end: u32,
    /// Whether all clients have a policy by which they come back.
    pub(super) come_back: bool,
    /// Seconds of `measure` that were planned.
    pub(super) planned_s: f64,
    /// Poll ticks without a request.
    pub(super) polls_skipped: u64,
    /// Whether generator and target shared a core.
    pub(super) shared_core: bool,
    /// Whether each event was written while it ran.
    pub(super) events: bool,
    /// What was got in a second way.
    pub(super) second: SecondLook,
}

/// Judges `run` and writes verdict and reasons into it.
pub(super) fn judge(run: &mut RunResult, evidence: &Evidence) {
    let mut findings = Findings::default();
    accounts(run, evidence, &mut findings);
    censoring::judge(run, &mut findings);
    subscribers(run, evidence, &mut findings);
    load(run, evidence, &mut findings);
    generator::judge(run, evidence, &mut findings);
    steady::judge(run, evidence, &mut findings);
    plausible::judge(run, evidence, &mut findings);
    interval::judge(run, &mut findings);
    bytes::judge(run, &mut findings);
    events::judge(evidence, &mut findings);
    clock::judge(run, &mut findings);
    sends::note(run);
    run.verdict = findings.0.iter().map(|f| f.grade).max().unwrap_or(Verdict::Valid);
    run.generator_limited = findings.0.iter().any(|f| f.grade == Verdict::Invalid && f.ours);
    // The gravest first.
    findings.0.sort_by_key(|f| std::cmp::Reverse(f.grade));
    run.reasons = findings.0.into_iter().map(|f| f.text).collect();
}

#[derive(Default)]
struct Findings(Vec<Finding>);

struct Finding {
    grade: Verdict,
    /// Whether it is the generator's fault, or that of its machine.
    ours: bool,
    text: String,
}

impl Findings {
    /// Something about the target, or about what was asked for.
    fn theirs(&mut self, grade: Verdict, text: String) {
        self.0.push(Finding { grade, ours: false, text });
    }

    /// Something about the generator.
    fn ours(&mut self, grade: Verdict, text: String) {
        self.0.push(Finding { grade, ours: true, text });
    }
}

fn accounts(run: &RunResult, evidence: &Evidence, findings: &mut Findings) {
    if !evidence.closes {
        let text = "the ledger does not close: a fault of pushbench, please report it".to_owned();
        findings.ours(Verdict::Invalid, text);
    }
    if run.operations.values().any(|o| o.started != o.finished + o.failed + o.open) {
        let text =
            "started operations are not finished + failed + open: a fault of pushbench, please report it";
        findings.ours(Verdict::Invalid, text.to_owned());
    }
    if run.foreign > 0 {
        let text = format!("{} received stamps were broken or of another run", run.foreign);
        findings.theirs(Verdict::Suspect, text);
    }
    if run.partial {
        let text = match run.measured_s < evidence.planned_s - 0.01 {
            true => {
                format!("cut short after {:.1} s of {:.1} s of measuring", run.measured_s, evidence.planned_s)
            }
            false => "cut short in the drain, when measuring was done".to_owned(),
        };
        findings.theirs(Verdict::Suspect, text);
    }
    let lost = run.ledger.lost as f64 / run.ledger.expected.max(1) as f64;
    if lost > LOST_TOLD {
        let text = format!(
            "{:.1} % of the messages never came: they count as later than all that did, and a quantile among them is told as at least the time they were given",
            lost * 100.0
        );
        findings.theirs(Verdict::Suspect, text);
    }
}

fn subscribers(run: &RunResult, evidence: &Evidence, findings: &mut Findings) {
    if run.measured_s == 0.0 {
        return;
    }
    let why = leading_failure(run);
    let attached = run.operations.get(Op::Connect.key()).is_none_or(|o| o.started == 0 || o.finished > 0);
    let missing = evidence.staying.saturating_sub(evidence.subscribed_at_start);
    if !attached {
        findings.theirs(Verdict::Invalid, format!("no client ever attached{why}"));
    } else if missing > 0 {
        let grade = if missing == run.clients { Verdict::Invalid } else { Verdict::Suspect };
        let text = format!(
            "{missing} of {} clients were not subscribed when measuring began{why}",
            evidence.staying
        );
        findings.theirs(grade, text);
    }
    if run.reconnects.gave_up > 0 {
        let text = format!(
            "{} times a client gave up coming back{why}: {} messages were published with nobody there",
            run.reconnects.gave_up, run.ledger.unattached
        );
        findings.theirs(Verdict::Suspect, text);
    }
    let ended = evidence.subscribed_at_start.saturating_sub(evidence.subscribed_at_end);
    if ended > 0 {
        findings.theirs(Verdict::Suspect, ended_text(run, evidence, ended, &why));
    }
}

/// Sessions that came back are no finding: the policy is what was measured.
fn ended_text(run: &RunResult, evidence: &Evidence, ended: u32, why: &str) -> String {
    let (all, nobody) = (evidence.subscribed_at_start, run.ledger.unattached);
    match evidence.come_back {
        true => format!("{ended} of {all} clients had not come back when measuring ended{why}"),
        false => format!(
            "{ended} of {all} sessions ended during measuring{why}, and clients do not reconnect: {nobody} \
             messages were published with nobody there to lose them"
        ),
    }
}

/// The commonest failure, as an addition to a sentence.
fn leading_failure(run: &RunResult) -> String {
    let most = run.failures.iter().max_by_key(|f| f.1);
    most.map_or(String::new(), |(key, count)| format!(" (mostly {key}: {count})"))
}

fn load(run: &RunResult, evidence: &Evidence, findings: &mut Findings) {
    let harness = run.failures_by_side.get(Side::Harness.key()).copied().unwrap_or(0);
    if harness > 0 {
        let why = leading_failure(run);
        findings.ours(Verdict::Invalid, format!("{harness} failures of the generator itself{why}"));
    }
    unpublished(run, evidence, findings);
    if run.published > 0 && run.ledger.expected > 0 && run.ledger.delivered == 0 {
        let text = "nothing that was published arrived: is it the right channel?".to_owned();
        findings.theirs(Verdict::Suspect, text);
    }
    if run.publisher == "none" {
        by_target(run, findings);
    }
    if evidence.polls_skipped as f64 > MOST_POLLS_SKIPPED * run.polls.sent as f64 {
        let text = format!(
            "{} polls were skipped: the answer to the one before was still under way",
            evidence.polls_skipped
        );
        findings.theirs(Verdict::Suspect, text);
    }
}

/// A feed that was not given whole. A target that went away under clients that come back took its
/// publish endpoint along: that is what such a run is about, as long as most of the feed was given.
fn unpublished(run: &RunResult, evidence: &Evidence, findings: &mut Findings) {
    let (offered, achieved) = (run.offered_per_s, run.achieved_per_s);
    if offered <= 0.0 || achieved >= LEAST_ACHIEVED * offered {
        return;
    }
    let why = leading_failure(run);
    let text = format!("only {achieved:.1} of {offered:.1} messages a second were published{why}");
    let away = evidence.come_back && run.reconnects.count > 0;
    if away && achieved >= LEAST_ACHIEVED_AROUND_AN_OUTAGE * offered {
        let text = format!("{text}: the target was away, and what it did not take was nobody's to receive");
        findings.theirs(Verdict::Suspect, text);
    } else {
        findings.theirs(Verdict::Invalid, format!("{text}: what was asked for was not done"));
    }
}

/// What a target published by itself.
fn by_target(run: &RunResult, findings: &mut Findings) {
    if run.bytes.messages == 0 {
        let text = "nothing came that the target publishes by itself: is it the right channel?".to_owned();
        findings.theirs(Verdict::Suspect, text);
    }
    if run.unstamped > 0 {
        let text = format!(
            "{} messages had no {} where `publish.none` says",
            run.unstamped,
            run.cooperation.replace(" and ", " or no ")
        );
        findings.theirs(Verdict::Suspect, text);
    }
    // Of a clock with a known error it is another question, and another finding.
    if run.ahead > 0 && run.delivery_epsilon_ns().is_none() {
        let text = format!(
            "{} messages tell a time after their receipt: the target's clock is ahead of ours",
            run.ahead
        );
        findings.theirs(Verdict::Suspect, text);
    }
}

#[cfg(test)]
mod tests;
