//! Whether to believe a run. Pure: a result and some evidence in, a verdict with reasons out.
//!
//! Thresholds are those of the method (rules 4, 5 and 22); each is a constant here, with its unit.

use crate::model::{Nanos, Op, Side};
use crate::result::{RunResult, Verdict};

/// Least share of the offered messages that must have been published.
const LEAST_ACHIEVED: f64 = 0.99;
/// The same when the target was away for a while and its clients came back.
const LEAST_ACHIEVED_AROUND_AN_OUTAGE: f64 = 0.8;
/// Most CPU that the workers together, or any one of them, may use of their cores.
const MOST_CPU_SHARE: f64 = 0.70;
/// Loop lag and send lag (p99) up to this are never blamed.
const LAG_FLOOR: Nanos = Nanos::from_millis(1);
/// Beyond the floor, lag may be this share of the reported delivery p99 before it is told ...
const LAG_SUSPECT: f64 = 0.10;
/// ... and this share before the generator counts as what was measured.
const LAG_INVALID: f64 = 0.25;
/// Share of the time that the generator may be kept waiting for a CPU before it is told ...
const RUN_DELAY_SUSPECT: f64 = 0.02;
/// ... and before the run is no result.
const RUN_DELAY_INVALID: f64 = 0.05;
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
}

/// Judges `run` and writes verdict and reasons into it.
pub(super) fn judge(run: &mut RunResult, evidence: &Evidence) {
    let mut findings = Findings::default();
    accounts(run, evidence, &mut findings);
    subscribers(run, evidence, &mut findings);
    load(run, evidence, &mut findings);
    generator(run, evidence, &mut findings);
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
            "{:.1} % of the messages never came: they count as later than all that did, and a quantile among them is not shown",
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
    if run.ahead > 0 {
        let text = format!(
            "{} messages tell a time after their receipt: the target's clock is ahead of ours",
            run.ahead
        );
        findings.theirs(Verdict::Suspect, text);
    }
}

fn generator(run: &RunResult, evidence: &Evidence, findings: &mut Findings) {
    let g = &run.generator;
    if evidence.shared_core {
        findings.ours(Verdict::Suspect, "generator and target shared one core".to_owned());
    }
    let share = g.cpu_share.max(g.worker_cpu_share_max);
    if share >= MOST_CPU_SHARE {
        let text = format!(
            "generator-bound: it used {:.0} % of its cores (limit {:.0} %); use fewer clients, a lower rate or more cores",
            share * 100.0,
            MOST_CPU_SHARE * 100.0
        );
        findings.ours(Verdict::Invalid, text);
    }
    lag(run, "its loop woke", g.loop_lag_p99_ns, findings);
    lag(run, "messages were sent", g.send_lag_p99_ns, findings);
    if g.run_delay_share >= RUN_DELAY_SUSPECT {
        let grade = if g.run_delay_share >= RUN_DELAY_INVALID { Verdict::Invalid } else { Verdict::Suspect };
        let text = format!(
            "the generator waited {:.1} % of the time for a CPU (limit {:.0} %): something else runs on its cores",
            g.run_delay_share * 100.0,
            RUN_DELAY_SUSPECT * 100.0
        );
        findings.ours(grade, text);
    }
}

fn lag(run: &RunResult, what: &str, p99_ns: Option<u64>, findings: &mut Findings) {
    let Some(lag) = p99_ns.filter(|l| *l > LAG_FLOOR.0) else { return };
    let delivery = run.delivery.p99_ns.filter(|d| *d > 0);
    let share = delivery.map_or(LAG_SUSPECT * 2.0, |d| lag as f64 / d as f64);
    if share <= LAG_SUSPECT {
        return;
    }
    let grade = if share > LAG_INVALID { Verdict::Invalid } else { Verdict::Suspect };
    let beside = delivery.map_or(String::new(), |d| format!(" beside a delivery p99 of {}", Nanos(d)));
    findings.ours(grade, format!("generator: {what} up to {} late (p99){beside}", Nanos(lag)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Operations;

    fn good() -> RunResult {
        let mut run = RunResult {
            clients: 10,
            measured_s: 10.0,
            offered_per_s: 200.0,
            achieved_per_s: 200.0,
            ..RunResult::default()
        };
        run.delivery.p99_ns = Some(2_000_000);
        run.generator.loop_lag_p99_ns = Some(150_000);
        run.generator.send_lag_p99_ns = Some(150_000);
        run.generator.cpu_share = 0.2;
        run
    }

    fn judged(mut run: RunResult, change: impl FnOnce(&mut Evidence)) -> RunResult {
        let mut evidence = Evidence {
            closes: true,
            staying: 10,
            subscribed_at_start: 10,
            subscribed_at_end: 10,
            come_back: false,
            planned_s: 10.0,
            polls_skipped: 0,
            shared_core: false,
        };
        change(&mut evidence);
        judge(&mut run, &evidence);
        run
    }

    #[test]
    fn nothing_against_it_is_valid() {
        let run = judged(good(), |_| {});
        assert_eq!((run.verdict, run.reasons.len()), (Verdict::Valid, 0));
    }

    #[test]
    fn a_generator_at_its_limit_is_invalid_not_slow() {
        let mut run = good();
        run.generator.cpu_share = 0.93;
        assert_eq!(judged(run, |_| {}).verdict, Verdict::Invalid);
        let mut run = good();
        run.generator.loop_lag_p99_ns = Some(1_500_000);
        assert_eq!(judged(run, |_| {}).verdict, Verdict::Invalid);
        let mut run = good();
        run.generator.send_lag_p99_ns = Some(1_500_000);
        run.delivery.p99_ns = Some(12_000_000);
        assert_eq!(judged(run, |_| {}).verdict, Verdict::Suspect);
    }

    #[test]
    fn less_than_offered_is_invalid_whoever_did_it_and_told_apart() {
        let mut run = good();
        run.achieved_per_s = 190.0;
        let refused = judged(run.clone(), |_| {});
        assert_eq!((refused.verdict, refused.generator_limited), (Verdict::Invalid, false));
        run.failures_by_side.insert("harness".to_owned(), 100);
        let starved = judged(run, |_| {});
        assert_eq!((starved.verdict, starved.generator_limited), (Verdict::Invalid, true));
    }

    #[test]
    fn the_busiest_of_several_workers_counts() {
        let mut run = good();
        run.generator.worker_cpu_share_max = 0.95;
        let judged = judged(run, |_| {});
        assert_eq!((judged.verdict, judged.generator_limited), (Verdict::Invalid, true));
    }

    #[test]
    fn sessions_that_ended_are_told_though_nothing_was_lost() {
        let judged = judged(good(), |e| e.subscribed_at_end = 4);
        assert_eq!(judged.verdict, Verdict::Suspect);
        assert!(judged.reasons[0].starts_with("6 of 10 sessions ended"), "{:?}", judged.reasons);
    }

    #[test]
    fn a_storm_that_came_back_is_no_finding_but_who_gave_up_is() {
        let mut run = good();
        (run.reconnects.count, run.reconnects.attempts, run.ledger.missed) = (10, 25, 400);
        run.operations
            .insert("session".to_owned(), Operations { started: 20, finished: 0, failed: 10, open: 10 });
        assert_eq!(judged(run.clone(), |e| e.come_back = true).verdict, Verdict::Valid);
        let late = judged(run.clone(), |e| (e.come_back, e.subscribed_at_end) = (true, 7));
        assert!(late.reasons[0].starts_with("3 of 10 clients had not come back"), "{:?}", late.reasons);
        run.reconnects.gave_up = 2;
        let judged = judged(run, |e| e.come_back = true);
        assert_eq!(judged.verdict, Verdict::Suspect);
        assert!(judged.reasons[0].starts_with("2 times a client gave up"), "{:?}", judged.reasons);
    }

    #[test]
    fn clients_that_come_and_go_are_not_missed() {
        let populations =
            |e: &mut Evidence| (e.staying, e.subscribed_at_start, e.subscribed_at_end) = (0, 0, 0);
        let mut run = good();
        run.operations
            .insert("connect".to_owned(), Operations { started: 9, finished: 9, failed: 0, open: 0 });
        assert_eq!(judged(run.clone(), populations).verdict, Verdict::Valid);
        run.operations
            .insert("connect".to_owned(), Operations { started: 9, finished: 0, failed: 9, open: 0 });
        assert_eq!(judged(run, populations).verdict, Verdict::Invalid);
    }

    #[test]
    fn lost_messages_are_told() {
        let mut run = good();
        (run.ledger.expected, run.ledger.delivered, run.ledger.lost) = (1_000, 980, 20);
        assert_eq!(judged(run, |_| {}).verdict, Verdict::Suspect);
    }

    #[test]
    fn books_that_do_not_close_are_invalid() {
        assert_eq!(judged(good(), |e| e.closes = false).verdict, Verdict::Invalid);
        let mut run = good();
        run.operations.insert("poll".to_owned(), Operations { started: 5, finished: 3, failed: 1, open: 0 });
        assert_eq!(judged(run, |_| {}).verdict, Verdict::Invalid);
    }

    #[test]
    fn missing_subscribers_are_told() {
        assert_eq!(judged(good(), |e| e.subscribed_at_start = 9).verdict, Verdict::Suspect);
        assert_eq!(judged(good(), |e| e.subscribed_at_start = 0).verdict, Verdict::Invalid);
    }
}
