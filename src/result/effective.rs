//! How many samples a quantile stands on, and what is said of one that falls among what never came.
//!
//! Copies of one publish are not independent: a target that stalls is late for every receiver of a
//! message at once. So fan-out copies are one cluster, and what counts is publishes (method, rule 25).

use super::{GroupResult, Quantiles, RunResult};

/// A quantile is shown with so many effective samples beyond it: fewer make it a coin toss.
pub const BEYOND_TO_SHOW: u64 = 10;
/// An objective on a quantile is judged with so many: the number beyond is then known to about 20 %
/// (95 %, binomial).
pub const BEYOND_TO_GATE: u64 = 100;

/// How many of `effective` samples lie beyond quantile `q`.
pub fn beyond(effective: u64, q: f64) -> u64 {
    // 1 - 0.99 is a hair below 0.01: without the margin 1,000 samples would not do for p99.
    (effective as f64 * (1.0 - q) + 1e-6) as u64
}

/// Delivery times with all that is needed to say what one of their quantiles is.
#[derive(Clone, Copy, Debug)]
pub struct Deliveries {
    /// Of what came.
    pub quantiles: Quantiles,
    /// Receipts that never came.
    pub lost: u64,
    /// Publishes; `None`: a file of a build that did not count them, so that each receipt counts.
    pub effective: Option<u64>,
    /// What never came was given at least so long.
    pub censored_at_ns: Option<u64>,
}

impl Deliveries {
    /// Those of a run.
    pub fn of_run(run: &RunResult) -> Deliveries {
        Deliveries {
            quantiles: run.delivery,
            lost: run.ledger.lost,
            effective: run.delivery_effective_count,
            censored_at_ns: run.delivery_censored_at_ns,
        }
    }

    /// Those of one group.
    pub fn of_group(group: &GroupResult) -> Deliveries {
        Deliveries {
            quantiles: group.delivery,
            lost: group.ledger.lost,
            effective: group.delivery_effective_count,
            censored_at_ns: group.delivery_censored_at_ns,
        }
    }

    /// Receipts, those that never came included.
    pub fn samples(&self) -> u64 {
        self.quantiles.count + self.lost
    }

    /// Samples that are independent as far as is known.
    pub fn effective(&self) -> u64 {
        self.effective.map_or(self.samples(), |n| n.min(self.samples()))
    }

    /// Whether quantile `q` (1.0: the greatest) is one of those that never came, so that it can only be
    /// told to be later than [`Deliveries::censored_at_ns`].
    pub fn is_among_the_lost(&self, q: f64) -> bool {
        self.lost > 0 && q * self.samples() as f64 > self.quantiles.count as f64
    }

    /// The least that quantile `q` can be, where it is among those that never came and is shown at all.
    pub fn at_least_ns(&self, q: f64) -> Option<u64> {
        let shown = q >= 1.0 || beyond(self.effective(), q) >= BEYOND_TO_SHOW;
        self.censored_at_ns.filter(|_| shown && self.is_among_the_lost(q))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliveries(count: u64, lost: u64, effective: Option<u64>) -> Deliveries {
        let quantiles = Quantiles { count, ..Quantiles::default() };
        Deliveries { quantiles, lost, effective, censored_at_ns: Some(2_000_000_000) }
    }

    #[test]
    fn beyond_counts_whole_samples() {
        assert_eq!((beyond(1_000, 0.99), beyond(999, 0.99), beyond(10_000, 0.999)), (10, 9, 10));
        assert_eq!(beyond(10_000, 0.99), 100);
        assert_eq!(beyond(0, 0.5), 0);
    }

    #[test]
    fn two_percent_withheld_make_p99_later_than_the_timeout() {
        let some = deliveries(98_000, 2_000, Some(2_000));
        assert_eq!((some.at_least_ns(0.5), some.at_least_ns(0.99)), (None, Some(2_000_000_000)));
        assert_eq!(some.at_least_ns(1.0), Some(2_000_000_000));
        // p99.9 is among them, too, but 2,000 publishes have 2 beyond it.
        assert!(some.is_among_the_lost(0.999) && some.at_least_ns(0.999).is_none());
        let none = deliveries(98_000, 0, Some(2_000));
        assert!(!none.is_among_the_lost(1.0) && none.at_least_ns(1.0).is_none());
    }

    #[test]
    fn when_nothing_came_every_quantile_is_among_the_lost() {
        let all = deliveries(0, 500, Some(100));
        assert_eq!((all.at_least_ns(0.5), all.at_least_ns(0.99)), (Some(2_000_000_000), None));
    }

    #[test]
    fn copies_do_not_make_more_of_a_publish() {
        assert_eq!(deliveries(50_000, 0, Some(200)).effective(), 200);
        assert_eq!(deliveries(100, 0, Some(200)).effective(), 100);
        assert_eq!(deliveries(50_000, 7, None).effective(), 50_007);
    }
}
