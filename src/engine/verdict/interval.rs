//! Whether to believe one second, and what bad seconds mean for their run. Pure.

use super::Findings;
use super::limits::*;
use crate::model::Nanos;
use crate::result::{Interval, RunResult, Verdict};

/// Judges the intervals of `measure` against the limits, and against the delivery p99 that the run
/// reports; writes verdict and reasons into them.
pub(in crate::engine) fn judge_intervals(intervals: &mut [Interval], reported_p99_ns: Option<u64>) {
    for interval in intervals.iter_mut().filter(|i| i.phase == "measure") {
        let found = findings(interval, reported_p99_ns);
        interval.verdict = Some(found.iter().map(|f| f.0).max().unwrap_or(Verdict::Valid));
        interval.reasons = found.into_iter().map(|f| f.1).collect::<Vec<_>>().join("; ");
    }
}

type Found = Option<(Verdict, String)>;

fn findings(i: &Interval, reported_p99_ns: Option<u64>) -> Vec<(Verdict, String)> {
    let long = i.length_s >= SHORTEST_S;
    let steal = i.steal_share.filter(|s| *s * i.length_s > STEAL_TICK_S * 1.5);
    let steal_limits = (STEAL_SUSPECT, STEAL_INVALID);
    let delay_limits = (RUN_DELAY_SUSPECT, RUN_DELAY_INVALID);
    [
        cpu(i).filter(|_| long),
        // Of fewer ticks than that no p99 is to be had: it would be the worst of them.
        lag("its loop woke", i.loop_lag_p99_ns, reported_p99_ns).filter(|_| long),
        share("the host took its cores", steal.filter(|_| long), steal_limits),
        share("it waited for a CPU", i.run_delay_share.filter(|_| long), delay_limits),
        drops(i),
        unsent(i),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn cpu(i: &Interval) -> Found {
    let used = i.generator_cpu_share.into_iter().chain(i.worker_cpu_share_max).fold(0.0, f64::max);
    (used >= MOST_CPU_SHARE).then(|| {
        let text = format!(
            "generator used {:.0} % of its cores (limit {:.0} %)",
            used * 100.0,
            MOST_CPU_SHARE * 100.0
        );
        (Verdict::Invalid, text)
    })
}

fn lag(what: &str, p99_ns: Option<u64>, reported_p99_ns: Option<u64>) -> Found {
    let beside = reported_p99_ns.unwrap_or(0) as f64;
    let limit = |part: f64| (LAG_FLOOR.0 as f64 * part / LAG_SUSPECT).max(beside * part);
    let lag = p99_ns.filter(|lag| *lag as f64 > limit(LAG_SUSPECT))?;
    let grade = if lag as f64 > limit(LAG_INVALID) { Verdict::Invalid } else { Verdict::Suspect };
    let allowed = Nanos(limit(LAG_SUSPECT) as u64);
    Some((grade, format!("generator: {what} up to {} late (p99, limit {allowed})", Nanos(lag))))
}

fn share(what: &str, share: Option<f64>, (suspect, invalid): (f64, f64)) -> Found {
    let share = share.filter(|s| *s >= suspect)?;
    let grade = if share >= invalid { Verdict::Invalid } else { Verdict::Suspect };
    Some((
        grade,
        format!("generator: {what} {:.1} % of the time (limit {:.0} %)", share * 100.0, suspect * 100.0),
    ))
}

/// The counter is the whole machine's: the packets may have been somebody else's.
fn drops(i: &Interval) -> Found {
    let dropped = i.softnet_drops.filter(|n| *n > 0)?;
    Some((Verdict::Suspect, format!("the kernel dropped {dropped} packets in its receive queues")))
}

fn unsent(i: &Interval) -> Found {
    let text = format!("{} messages could not be sent when they were due", i.sends_dropped);
    (i.sends_dropped > 0).then_some((Verdict::Suspect, text))
}

/// What the intervals mean for the run.
pub(super) fn judge(run: &RunResult, findings: &mut Findings) {
    let (bad, all) = (run.health.intervals_invalid, run.health.intervals);
    if bad == 0 {
        return;
    }
    let several = bad > 1 && f64::from(bad) > INVALID_INTERVALS * f64::from(all);
    let grade = if several || 2 * bad >= all { Verdict::Invalid } else { Verdict::Suspect };
    let text =
        format!("in {bad} of {all} seconds the generator or its machine was the limit: see intervals.csv");
    findings.ours(grade, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Health;

    fn good() -> Interval {
        Interval {
            phase: "measure".into(),
            length_s: 1.0,
            loop_lag_p99_ns: Some(900_000),
            generator_cpu_share: Some(0.4),
            worker_cpu_share_max: Some(0.6),
            steal_share: Some(0.0),
            run_delay_share: Some(0.01),
            softnet_drops: Some(0),
            ..Interval::default()
        }
    }

    /// The verdict on a good interval with this change, beside a reported p99 of 5 ms.
    fn with(change: impl FnOnce(&mut Interval)) -> (Option<Verdict>, String) {
        let mut interval = good();
        change(&mut interval);
        judge_intervals(std::slice::from_mut(&mut interval), Some(5_000_000));
        (interval.verdict, interval.reasons)
    }

    fn verdict(change: impl FnOnce(&mut Interval)) -> Verdict {
        with(change).0.unwrap()
    }

    #[test]
    fn a_good_second_is_valid_and_only_measure_is_judged() {
        assert_eq!(with(|_| {}), (Some(Verdict::Valid), String::new()));
        assert_eq!(with(|i| (i.phase, i.generator_cpu_share) = ("warmup".into(), Some(1.0))).0, None);
    }

    #[test]
    fn cpu_of_all_cores_and_of_the_busiest_worker() {
        assert_eq!(verdict(|i| i.generator_cpu_share = Some(0.69)), Verdict::Valid);
        assert_eq!(verdict(|i| i.generator_cpu_share = Some(0.70)), Verdict::Invalid);
        assert_eq!(verdict(|i| i.worker_cpu_share_max = Some(0.91)), Verdict::Invalid);
        let (_, reasons) = with(|i| i.worker_cpu_share_max = Some(0.91));
        assert_eq!(reasons, "generator used 91 % of its cores (limit 70 %)");
    }

    #[test]
    fn lag_above_a_millisecond_and_a_tenth_of_what_is_reported() {
        let lag = |ns, p99| {
            let mut i = Interval { loop_lag_p99_ns: Some(ns), ..good() };
            judge_intervals(std::slice::from_mut(&mut i), p99);
            i.verdict.unwrap()
        };
        assert_eq!(lag(1_000_000, Some(5_000_000)), Verdict::Valid);
        assert_eq!(lag(1_100_000, Some(5_000_000)), Verdict::Suspect);
        assert_eq!(lag(2_600_000, Some(5_000_000)), Verdict::Invalid);
        assert_eq!(lag(9_000_000, Some(100_000_000)), Verdict::Valid, "a tenth of 100 ms is 10 ms");
        assert_eq!(lag(12_000_000, Some(100_000_000)), Verdict::Suspect);
        assert_eq!(lag(26_000_000, Some(100_000_000)), Verdict::Invalid);
        assert_eq!(lag(2_600_000, None), Verdict::Invalid);
    }

    #[test]
    fn steal_beyond_one_tick() {
        assert_eq!(verdict(|i| i.steal_share = Some(0.01)), Verdict::Valid, "one tick of a second");
        assert_eq!(verdict(|i| i.steal_share = Some(0.02)), Verdict::Suspect);
        assert_eq!(verdict(|i| i.steal_share = Some(0.05)), Verdict::Invalid);
        assert_eq!(verdict(|i| i.steal_share = None), Verdict::Valid, "a kernel that does not tell");
    }

    #[test]
    fn run_delay() {
        assert_eq!(verdict(|i| i.run_delay_share = Some(0.019)), Verdict::Valid);
        assert_eq!(verdict(|i| i.run_delay_share = Some(0.02)), Verdict::Suspect);
        assert_eq!(verdict(|i| i.run_delay_share = Some(0.05)), Verdict::Invalid);
    }

    #[test]
    fn drops_and_sends() {
        assert_eq!(verdict(|i| i.softnet_drops = Some(1)), Verdict::Suspect);
        assert_eq!(verdict(|i| i.sends_dropped = 1), Verdict::Suspect);
    }

    #[test]
    fn short_intervals_have_no_shares() {
        let short = |i: &mut Interval| {
            (i.length_s, i.run_delay_share, i.generator_cpu_share) = (0.1, Some(0.9), Some(0.9));
            i.loop_lag_p99_ns = Some(5_000_000);
        };
        assert_eq!(verdict(short), Verdict::Valid);
    }

    #[test]
    fn reasons_are_joined_and_the_worst_counts() {
        let (grade, reasons) = with(|i| {
            (i.run_delay_share, i.generator_cpu_share, i.softnet_drops) = (Some(0.03), Some(0.8), Some(2))
        });
        assert_eq!((grade, reasons.split("; ").count()), (Some(Verdict::Invalid), 3));
    }

    #[test]
    fn bad_seconds_of_a_run() {
        let grade = |bad, all| {
            let health = Health { intervals: all, intervals_invalid: bad, ..Health::default() };
            let mut findings = Findings::default();
            judge(&RunResult { health, ..RunResult::default() }, &mut findings);
            findings.0.first().map(|f| f.grade)
        };
        assert_eq!(grade(0, 10), None);
        assert_eq!(grade(1, 10), Some(Verdict::Suspect));
        assert_eq!(grade(2, 60), Some(Verdict::Suspect));
        assert_eq!(grade(2, 10), Some(Verdict::Invalid));
        assert_eq!(grade(4, 60), Some(Verdict::Invalid));
        assert_eq!(grade(1, 2), Some(Verdict::Invalid));
    }
}
