//! Quantiles of a histogram, and the rule that says which of them may be shown.

use super::Quantiles;
use super::effective::{BEYOND_TO_SHOW, beyond};
use hdrhistogram::Histogram;

impl Quantiles {
    /// The quantiles of `hist`, a histogram of nanoseconds.
    ///
    /// A quantile with fewer than 10 samples beyond it is `None`: p50 wants 20 samples, p99 1,000,
    /// p99.9 10,000. The histogram rounds to 3 digits, so the least and the greatest are told
    /// exactly by the caller; left out, they are the histogram's.
    pub fn of(hist: &Histogram<u64>, exact_min: Option<u64>, exact_max: Option<u64>) -> Quantiles {
        Quantiles::with_missing(hist, exact_min, exact_max, 0)
    }

    /// As [`Quantiles::of`], with so many more samples that never came: they are later than all that
    /// did, so a quantile that falls among them is `None` (method, rule 10: what never came stays in
    /// the percentiles), as is the greatest. `count` and the mean are of what came.
    pub fn with_missing(
        hist: &Histogram<u64>,
        exact_min: Option<u64>,
        exact_max: Option<u64>,
        missing: u64,
    ) -> Quantiles {
        Quantiles::clustered(hist, exact_min, exact_max, missing, u64::MAX)
    }

    /// As [`Quantiles::with_missing`], where the samples are copies of only `effective` independent
    /// ones: those are what has to lie beyond a quantile (method, rule 25).
    pub fn clustered(
        hist: &Histogram<u64>,
        exact_min: Option<u64>,
        exact_max: Option<u64>,
        missing: u64,
        effective: u64,
    ) -> Quantiles {
        let count = hist.len();
        if count == 0 {
            return Quantiles::default();
        }
        let at = |q: f64| {
            let of_those_that_came = q * (count + missing) as f64 / count as f64;
            let enough = beyond(effective.min(count + missing), q) >= BEYOND_TO_SHOW;
            let there = enough && of_those_that_came <= 1.0;
            there.then(|| hist.value_at_quantile(of_those_that_came))
        };
        // A bucket's highest value may lie above the greatest that was recorded.
        let max = exact_max.unwrap_or_else(|| hist.max());
        Quantiles {
            count,
            min_ns: Some(exact_min.unwrap_or_else(|| hist.min())),
            p50_ns: at(0.5).map(|v| v.min(max)),
            p90_ns: at(0.9).map(|v| v.min(max)),
            p99_ns: at(0.99).map(|v| v.min(max)),
            p999_ns: at(0.999).map(|v| v.min(max)),
            max_ns: (missing == 0).then_some(max),
            mean_ns: Some(hist.mean()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_so_many(n: u64) -> Quantiles {
        let mut hist = Histogram::new(3).unwrap();
        (1..=n).for_each(|v| hist.record(v * 1_000_003).unwrap());
        Quantiles::of(&hist, Some(1_000_003), Some(n * 1_000_003))
    }

    #[test]
    fn a_quantile_needs_ten_samples_beyond_it() {
        assert_eq!(of_so_many(19).p50_ns, None);
        assert!(of_so_many(20).p50_ns.is_some());
        assert_eq!(of_so_many(99).p90_ns, None);
        assert!(of_so_many(100).p90_ns.is_some());
        assert_eq!(of_so_many(999).p99_ns, None);
        assert!(of_so_many(1_000).p99_ns.is_some());
        assert_eq!(of_so_many(9_999).p999_ns, None);
        assert!(of_so_many(10_000).p999_ns.is_some());
    }

    #[test]
    fn min_and_max_are_exact_and_bound_the_rest() {
        let q = of_so_many(3);
        assert_eq!((q.count, q.min_ns, q.max_ns), (3, Some(1_000_003), Some(3_000_009)));
        let mean = q.mean_ns.unwrap();
        assert!((mean / 2_000_006.0 - 1.0).abs() < 1e-3, "{mean}");
        let mut same = Histogram::<u64>::new(3).unwrap();
        same.record_n(1_000_003, 30_000).unwrap();
        assert_eq!(Quantiles::of(&same, None, Some(1_000_003)).p999_ns, Some(1_000_003));
    }

    #[test]
    fn copies_of_one_publish_are_one_sample() {
        let mut hist = Histogram::<u64>::new(3).unwrap();
        // 900 publishes with 50 receivers each: 45,000 receipts.
        hist.record_n(1_000_003, 45_000).unwrap();
        let q = Quantiles::clustered(&hist, None, None, 0, 900);
        assert_eq!((q.p50_ns.is_some(), q.p90_ns.is_some()), (true, true));
        assert_eq!((q.count, q.p99_ns, q.p999_ns), (45_000, None, None));
        assert!(Quantiles::clustered(&hist, None, None, 0, 1_000).p99_ns.is_some());
    }

    #[test]
    fn what_never_came_stays_in_the_percentiles() {
        let mut hist = Histogram::<u64>::new(3).unwrap();
        (1..=9_800_u64).for_each(|v| hist.record(v * 1_000).unwrap());
        let q = Quantiles::with_missing(&hist, None, None, 200);
        // Of 10,000 messages, number 5,000 and number 9,000 came; number 9,900 did not.
        let near = |value: Option<u64>, wanted: f64| (value.unwrap() as f64 / wanted - 1.0).abs() < 2e-3;
        assert!(near(q.p50_ns, 5_000_000.0) && near(q.p90_ns, 9_000_000.0), "{q:?}");
        assert_eq!((q.p99_ns, q.max_ns), (None, None));
    }

    proptest::proptest! {
        /// Method, rules 3 and 12: nothing is filled in, and losing a message betters no percentile.
        #[test]
        fn losing_more_never_betters_a_percentile(times: Vec<u32>, missing in 0_u64..5_000, more in 0_u64..5_000) {
            let mut hist = Histogram::<u64>::new(3).unwrap();
            times.iter().for_each(|t| hist.record(u64::from(*t) + 1).unwrap());
            let [few, many] =
                [missing, missing + more].map(|m| Quantiles::with_missing(&hist, None, None, m));
            proptest::prop_assert_eq!(few.count, times.len() as u64);
            let pairs = [(few.p50_ns, many.p50_ns), (few.p90_ns, many.p90_ns), (few.p99_ns, many.p99_ns)];
            for (few, many) in pairs {
                if let (Some(few), Some(many)) = (few, many) {
                    proptest::prop_assert!(many >= few, "{many} < {few}");
                }
            }
        }
    }

    #[test]
    fn of_nothing_nothing_is_said() {
        assert_eq!(Quantiles::of(&Histogram::new(3).unwrap(), None, None), Quantiles::default());
    }
}
