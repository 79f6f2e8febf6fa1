//! Whether to believe a run. Pure: a result and some evidence in, a verdict with reasons out.
//!
//! Thresholds are those of the method (rules 4, 5 and 22); each is a constant here, with its unit.

use crate::model::{Nanos, Side};
use crate::result::{RunResult, Verdict};

/// Least share of the offered messages that must have been published.
const LEAST_ACHIEVED: f64 = 0.99;
/// Most CPU that the workers may use of their cores.
const MOST_CPU_SHARE: f64 = 0.70;
/// Loop lag and send lag (p99) up to this are never blamed.
const LAG_FLOOR: Nanos = Nanos::from_millis(1);
/// Beyond the floor, lag may be this share of the reported delivery p99 before it is told ...
const LAG_SUSPECT: f64 = 0.10;
/// ... and this share before the generator counts as what was measured.
const LAG_INVALID: f64 = 0.50;
/// Share of the time that the generator may be kept waiting for a CPU before it is told ...
const RUN_DELAY_SUSPECT: f64 = 0.02;
/// ... and before the run is no result.
const RUN_DELAY_INVALID: f64 = 0.15;
/// Polls that could not be sent because the one before was still under way.
const MOST_POLLS_SKIPPED: f64 = 0.01;

/// What the result itself does not hold.
pub(super) struct Evidence {
    /// Whether the live count of received messages equals the ledger's.
    pub(super) closes: bool,
    /// Clients that were subscribed when `measure` began.
    pub(super) subscribed_at_start: u32,
    /// Poll ticks without a request.
    pub(super) polls_skipped: u64,
    /// Whether generator and target shared a core.
    pub(super) shared_core: bool,
}

/// Judges `run` and writes verdict and reasons into it.
pub(super) fn judge(run: &mut RunResult, evidence: &Evidence) {
    let mut findings = Vec::new();
    accounts(run, evidence, &mut findings);
    load(run, evidence, &mut findings);
    generator(run, evidence, &mut findings);
    run.verdict = findings.iter().map(|f| f.0).max().unwrap_or(Verdict::Valid);
    // The gravest first.
    findings.sort_by_key(|f| std::cmp::Reverse(f.0));
    run.reasons = findings.into_iter().map(|f| f.1).collect();
}

type Findings = Vec<(Verdict, String)>;

fn accounts(run: &RunResult, evidence: &Evidence, findings: &mut Findings) {
    if !evidence.closes {
        findings.push((
            Verdict::Invalid,
            "the ledger does not close: a fault of pushbench, please report it".to_owned(),
        ));
    }
    if run.operations.values().any(|o| o.started != o.finished + o.failed + o.open) {
        findings.push((
            Verdict::Invalid,
            "started operations are not finished + failed + open: a fault of pushbench, please report it"
                .to_owned(),
        ));
    }
    if run.foreign > 0 {
        findings.push((
            Verdict::Suspect,
            format!("{} received stamps were broken or of another run", run.foreign),
        ));
    }
    if run.partial {
        findings.push((Verdict::Suspect, format!("cut short after {:.1} s of measuring", run.measured_s)));
    }
}

fn load(run: &RunResult, evidence: &Evidence, findings: &mut Findings) {
    let missing = run.clients.saturating_sub(evidence.subscribed_at_start);
    if missing > 0 && run.measured_s > 0.0 {
        let grade = if missing == run.clients { Verdict::Invalid } else { Verdict::Suspect };
        let text = format!("{missing} of {} clients were not subscribed when measuring began", run.clients);
        findings.push((grade, text));
    }
    let harness = run.failures_by_side.get(Side::Harness.key()).copied().unwrap_or(0);
    if harness > 0 {
        findings
            .push((Verdict::Invalid, format!("{harness} failures of the generator itself, see failures")));
    }
    if run.offered_per_s > 0.0 && run.achieved_per_s < LEAST_ACHIEVED * run.offered_per_s {
        let text = format!(
            "only {:.1} of {:.1} messages a second were published: what was asked for was not done",
            run.achieved_per_s, run.offered_per_s
        );
        // When the target refused them, that is the target's answer, not the generator's limit.
        findings.push((if harness > 0 { Verdict::Invalid } else { Verdict::Suspect }, text));
    }
    if run.published > 0 && run.ledger.expected > 0 && run.ledger.delivered == 0 {
        findings.push((
            Verdict::Suspect,
            "nothing that was published arrived: is it the right channel?".to_owned(),
        ));
    }
    if evidence.polls_skipped as f64 > MOST_POLLS_SKIPPED * run.polls.sent as f64 {
        let text = format!(
            "{} polls were skipped: the answer to the one before was still under way",
            evidence.polls_skipped
        );
        findings.push((Verdict::Suspect, text));
    }
}

fn generator(run: &RunResult, evidence: &Evidence, findings: &mut Findings) {
    let g = &run.generator;
    if evidence.shared_core {
        findings.push((Verdict::Suspect, "generator and target shared one core".to_owned()));
    }
    if g.cpu_share >= MOST_CPU_SHARE {
        let text = format!(
            "generator-bound: it used {:.0} % of its cores (limit {:.0} %); use fewer clients, a lower rate or more cores",
            g.cpu_share * 100.0,
            MOST_CPU_SHARE * 100.0
        );
        findings.push((Verdict::Invalid, text));
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
        findings.push((grade, text));
    }
}

fn lag(run: &RunResult, what: &str, p99_ns: Option<u64>, findings: &mut Findings) {
    let Some(lag) = p99_ns.filter(|l| *l > LAG_FLOOR.0) else { return };
    let delivery = run.delivery.p99_ns.unwrap_or(0) as f64;
    let share = if delivery > 0.0 { lag as f64 / delivery } else { 1.0 };
    if share <= LAG_SUSPECT {
        return;
    }
    let grade = if share > LAG_INVALID && delivery > 0.0 { Verdict::Invalid } else { Verdict::Suspect };
    let beside =
        run.delivery.p99_ns.map_or(String::new(), |d| format!(" beside a delivery p99 of {}", Nanos(d)));
    findings.push((grade, format!("generator: {what} up to {} late (p99){beside}", Nanos(lag))));
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
        let mut evidence =
            Evidence { closes: true, subscribed_at_start: 10, polls_skipped: 0, shared_core: false };
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
    fn less_than_offered_is_told_and_dropped_arrivals_are_invalid() {
        let mut run = good();
        run.achieved_per_s = 190.0;
        assert_eq!(judged(run.clone(), |_| {}).verdict, Verdict::Suspect);
        run.failures_by_side.insert("harness".to_owned(), 100);
        assert_eq!(judged(run, |_| {}).verdict, Verdict::Invalid);
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
