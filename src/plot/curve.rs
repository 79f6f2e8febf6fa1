//! The percentile curve of a case: x = 1 / (1 - q). What never came lies beyond all that did, and a curve
//! ends where too few publishes lie beyond.

use super::axis::Axis;
use super::case::{Case, Run};
use super::text;
use crate::result::median;
use crate::result::{BEYOND_TO_SHOW, Deliveries, LatencyInterval};
use hdrhistogram::Histogram;

/// Points of a curve for each decade of 1 / (1 - q).
const POINTS: i32 = 48;
/// 0 %, 50 %, 75 %, 90 %, 99 % and so on, as 1 / (1 - q).
const PERCENTILES: [f64; 12] = [1.0, 2.0, 4.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Below a microsecond no delivery time is measured.
const FLOOR_NS: f64 = 1_000.0;

/// A case's curve; empty when too few samples were had.
pub(super) struct Curve {
    /// 1 / (1 - q) and the least, median and greatest of the runs, nanoseconds.
    pub(super) points: Vec<(f64, f64, f64, f64)>,
    pub(super) samples: u64,
    /// Where the curve ends at what never came: the time that was given, nanoseconds.
    pub(super) at_least_ns: Option<f64>,
}

/// The times of one run.
struct Times {
    came: Histogram<u64>,
    /// With those that never came.
    all: f64,
    /// The greatest 1 / (1 - q) with enough beyond it, and the one at which the lost begin.
    limits: (f64, f64),
}

impl Times {
    fn of(run: Run<'_>, of: fn(&LatencyInterval) -> &Histogram<u64>) -> Times {
        let mut came = Histogram::new(3).expect("3 digits are allowed");
        for interval in run.latency() {
            came.add(of(interval)).expect("a histogram that grows takes every value");
        }
        let lost = run.result.ledger.lost as f64;
        let all = came.len() as f64 + lost;
        let effective = Deliveries::of_run(run.result).effective.map_or(all, |n| (n as f64).min(all));
        let among_the_lost = if lost > 0.0 { all / lost } else { f64::MAX };
        Times { came, all, limits: (effective / BEYOND_TO_SHOW as f64, among_the_lost) }
    }

    fn limit(&self) -> f64 {
        self.limits.0.min(self.limits.1)
    }

    fn value(&self, inverse: f64) -> f64 {
        let of_those_that_came = (1.0 - 1.0 / inverse) * self.all / self.came.len().max(1) as f64;
        (self.came.value_at_quantile(of_those_that_came.min(1.0)) as f64).max(FLOOR_NS)
    }
}

impl Curve {
    /// That of a case, of one of the two delivery times.
    pub(super) fn of(case: &Case<'_>, of: fn(&LatencyInterval) -> &Histogram<u64>) -> Curve {
        let all: Vec<Times> = case.runs.iter().map(|r| Times::of(*r, of)).collect();
        let samples = all.iter().map(|t| t.came.len()).sum();
        let runs: Vec<Times> = all.into_iter().filter(|t| t.limits.0 >= 2.0 && !t.came.is_empty()).collect();
        let limit = runs.iter().map(Times::limit).fold(f64::MAX, f64::min);
        if runs.is_empty() || limit <= 1.0 {
            return Curve { points: Vec::new(), samples, at_least_ns: None };
        }
        let points = grid(limit).into_iter().map(|inverse| {
            let at: Vec<f64> = runs.iter().map(|t| t.value(inverse)).collect();
            let (lo, hi) = at.iter().fold((f64::MAX, 0.0_f64), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
            (inverse, lo, median(at).unwrap_or(lo), hi)
        });
        let meets_the_lost = runs.iter().any(|t| t.limits.1 <= limit && t.limits.1 < t.limits.0);
        let given = case.runs.iter().filter_map(|r| r.result.delivery_censored_at_ns).min();
        let at_least_ns = given.filter(|_| meets_the_lost).map(|ns| ns as f64);
        Curve { points: points.collect(), samples, at_least_ns }
    }

    /// Its value at a percentile.
    pub(super) fn at(&self, inverse: f64) -> Option<f64> {
        self.points.iter().find(|p| p.0 >= inverse * 0.999).map(|p| p.2)
    }

    /// The same in words; `≥` where it falls among what never came.
    pub(super) fn said(&self, inverse: f64) -> Option<String> {
        let among_the_lost = || self.at_least_ns.map(|ns| format!("≥ {}", text::time(ns)));
        self.at(inverse).map(text::time).or_else(among_the_lost)
    }
}

/// The places at which a curve is looked at.
fn grid(limit: f64) -> Vec<f64> {
    let grid = (0..).map(|i| 10_f64.powf(f64::from(i) / f64::from(POINTS)));
    let mut grid: Vec<f64> = grid.take_while(|x| *x < limit * 0.999).collect();
    grid.extend(PERCENTILES.into_iter().filter(|x| *x < limit));
    grid.push(limit);
    grid.sort_by(f64::total_cmp);
    grid
}

/// The percentiles that an axis names.
pub(super) fn percentiles(x: Axis) -> Vec<f64> {
    PERCENTILES.into_iter().filter(|v| *v <= x.hi * 1.001).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{case::cases, fixture};

    #[test]
    fn a_curve_ends_where_ten_publishes_lie_beyond() {
        let mut results = fixture::three_cases();
        results.summary.runs[2].delivery_effective_count = Some(600);
        let cases = cases(&results);
        let end = |i: usize| Curve::of(&cases[i], |l| &l.delivery).points.last().map(|p| p.0);
        assert_eq!(end(2), Some(60.0));
        assert!(end(1) > Some(1_000.0), "{:?}", end(1));
    }

    #[test]
    fn what_never_came_ends_a_curve_and_lifts_it() {
        let mut results = fixture::three_cases();
        let before = Curve::of(&cases(&results)[2], |l| &l.delivery);
        let run = &mut results.summary.runs[2];
        let came: u64 = results.details[2].latency.iter().map(|l| l.delivery.len()).sum();
        (run.ledger.lost, run.delivery_censored_at_ns) = (came / 19, Some(2_000_000_000));
        let after = Curve::of(&cases(&results)[2], |l| &l.delivery);
        let end = after.points.last().map_or(0.0, |p| p.0);
        assert!((end / 20.0 - 1.0).abs() < 0.01, "1 of 20 never came: {end}");
        assert!(after.at(10.0) > before.at(10.0));
        assert_eq!(after.said(100.0).as_deref(), Some("≥ 2 s"));
        assert!(before.said(100.0).is_some_and(|p99| !p99.starts_with('≥')));
    }
}
