//! The runs of a case second by second: the median of its repeats at each second.

use super::case::{Case, Run};
use crate::result::median;
use crate::result::{Interval, Verdict};
use std::collections::BTreeMap;

/// One second of a case. A value is missing where no repeat has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Second {
    /// Its middle, seconds since the first connect was due.
    pub(super) at_s: f64,
    /// Its end.
    pub(super) end_s: f64,
    pub(super) p50_ns: Option<f64>,
    pub(super) p99_ns: Option<f64>,
    pub(super) delivered_per_s: Option<f64>,
    pub(super) loop_lag_ns: Option<f64>,
    pub(super) generator_cpu: Option<f64>,
    pub(super) steal: Option<f64>,
    pub(super) attempts_per_s: Option<f64>,
    pub(super) lost_per_s: Option<f64>,
    /// Clients attached at its end.
    pub(super) attached: Option<f64>,
}

/// The seconds of a case, in order.
pub(super) fn seconds(case: &Case<'_>) -> Vec<Second> {
    let mut by_second: BTreeMap<i64, Vec<&Interval>> = BTreeMap::new();
    for interval in case.runs.iter().flat_map(|r| r.intervals()).filter(|i| i.length_s > 0.0) {
        by_second.entry(interval.start_s.round() as i64).or_default().push(interval);
    }
    by_second.values().map(|intervals| second(intervals)).collect()
}

fn second(intervals: &[&Interval]) -> Second {
    let of = |value: fn(&Interval) -> Option<f64>| median(intervals.iter().filter_map(|i| value(i)));
    Second {
        at_s: of(|i| Some(i.start_s + i.length_s / 2.0)).unwrap_or_default(),
        end_s: of(|i| Some(i.start_s + i.length_s)).unwrap_or_default(),
        p50_ns: of(|i| i.delivery_p50_ns.map(|v| v as f64)),
        p99_ns: of(|i| i.delivery_p99_ns.map(|v| v as f64)),
        delivered_per_s: of(|i| Some(i.delivered as f64 / i.length_s)),
        loop_lag_ns: of(|i| i.loop_lag_max_ns.map(|v| v as f64)),
        generator_cpu: of(|i| i.generator_cpu_share),
        steal: of(|i| i.steal_share),
        attempts_per_s: of(|i| Some(i.attempts as f64 / i.length_s)),
        lost_per_s: of(|i| Some(i.sessions_lost as f64 / i.length_s)),
        attached: of(|i| Some(f64::from(i.attached))),
    }
}

/// A phase and the seconds from which to which it went.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Phase {
    pub(super) name: String,
    pub(super) from_s: f64,
    pub(super) to_s: f64,
}

/// The phases of the longest run.
pub(super) fn phases(cases: &[Case<'_>]) -> Vec<Phase> {
    let runs = cases.iter().flat_map(|c| &c.runs);
    let longest = runs.max_by_key(|r| r.intervals().len()).map_or(&[][..], |r: &Run<'_>| r.intervals());
    let mut phases: Vec<Phase> = Vec::new();
    for i in longest {
        let to_s = i.start_s + i.length_s;
        match phases.last_mut() {
            Some(phase) if phase.name == i.phase => phase.to_s = to_s,
            _ => phases.push(Phase { name: i.phase.clone(), from_s: i.start_s, to_s }),
        }
    }
    phases
}

/// Where any run of these cases was invalid, seconds from and to; stretches that touch are one.
pub(super) fn invalid_stretches(cases: &[Case<'_>]) -> Vec<(f64, f64)> {
    let intervals = cases.iter().flat_map(|c| &c.runs).flat_map(|r| r.intervals());
    let mut bad: Vec<(f64, f64)> = intervals
        .filter(|i| i.verdict == Some(Verdict::Invalid))
        .map(|i| (i.start_s, i.start_s + i.length_s))
        .collect();
    bad.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut joined: Vec<(f64, f64)> = Vec::new();
    for (from, to) in bad {
        match joined.last_mut() {
            Some(last) if from <= last.1 + 1e-6 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// Stretches of points that follow each other without a gap.
pub(super) fn stretches(points: impl Iterator<Item = (f64, Option<f64>)>) -> Vec<Vec<(f64, f64)>> {
    let mut all = vec![Vec::new()];
    for (x, y) in points {
        match y {
            Some(y) => all.last_mut().expect("never empty").push((x, y)),
            None => all.push(Vec::new()),
        }
    }
    all.retain(|stretch| !stretch.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{case::cases, fixture};

    #[test]
    fn phases_follow_each_other() {
        let results = fixture::three_cases();
        let names: Vec<_> = phases(&cases(&results)).into_iter().map(|p| (p.name, p.to_s)).collect();
        let expected = [("connect", 5.0), ("warmup", 10.0), ("measure", 40.0), ("drain", 42.0)];
        assert_eq!(names, expected.map(|(name, to)| (name.to_owned(), to)));
    }

    #[test]
    fn invalid_seconds_of_all_runs_are_joined() {
        let mut results = fixture::three_cases();
        for (run, second) in [(0, 20), (1, 21), (2, 21), (0, 30)] {
            results.details[run].intervals[second].verdict = Some(Verdict::Invalid);
        }
        assert_eq!(invalid_stretches(&cases(&results)), [(20.0, 22.0), (30.0, 31.0)]);
    }

    #[test]
    fn a_second_without_deliveries_breaks_the_line() {
        let points = [(0.0, Some(1.0)), (1.0, Some(2.0)), (2.0, None), (3.0, Some(4.0))];
        assert_eq!(stretches(points.into_iter()), [vec![(0.0, 1.0), (1.0, 2.0)], vec![(3.0, 4.0)]]);
    }
}
