//! A histogram of times that keeps its exact ends.

use crate::model::Nanos;
use hdrhistogram::Histogram;

/// The greatest time that is kept apart: one hour. Greater ones are held here.
const HIGHEST_NS: u64 = 3_600_000_000_000;

/// Times in nanoseconds, 3 significant digits, 1 ns to 1 h, with exact least and greatest. Takes
/// its 260 KB only when the first time comes. Merged, never averaged.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    histogram: Option<Box<Histogram<u64>>>,
    ends: Option<(u64, u64)>,
}

impl Timing {
    /// A histogram with the bounds that all of pushbench uses, so that any two can be added.
    pub fn empty_histogram() -> Histogram<u64> {
        Histogram::new_with_bounds(1, HIGHEST_NS, 3).expect("constant bounds are sound")
    }

    /// Adds one time. About 10 ns; allocates only the first time.
    pub fn record(&mut self, time: Nanos) {
        let h = self.histogram.get_or_insert_with(|| Box::new(Timing::empty_histogram()));
        h.saturating_record(time.0);
        let (least, greatest) = self.ends.unwrap_or((time.0, time.0));
        self.ends = Some((least.min(time.0), greatest.max(time.0)));
    }

    /// Adds all of another's times: commutative and associative.
    pub fn merge(&mut self, other: &Timing) {
        let Some(theirs) = &other.histogram else { return };
        match &mut self.histogram {
            Some(ours) => ours.add(theirs.as_ref()).expect("bounds are the same"),
            None => self.histogram = Some(theirs.clone()),
        }
        self.ends = match (self.ends, other.ends) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }

    /// How many times were added.
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, |h| h.len())
    }

    /// The histogram; an empty one when nothing was added.
    pub fn histogram(&self) -> Histogram<u64> {
        self.histogram.as_ref().map_or_else(Timing::empty_histogram, |h| h.as_ref().clone())
    }

    /// Exact least time.
    pub fn min_ns(&self) -> Option<u64> {
        self.ends.map(|e| e.0)
    }

    /// Exact greatest time.
    pub fn max_ns(&self) -> Option<u64> {
        self.ends.map(|e| e.1)
    }

    /// How many times were greater than this, to 3 digits.
    pub fn count_above(&self, time: Nanos) -> u64 {
        let above = |h: &Histogram<u64>| h.len() - h.count_between(0, h.highest_equivalent(time.0));
        self.histogram.as_ref().map_or(0, |h| above(h))
    }

    /// The quantile `q` however few times there are: for the health of a single second, where a
    /// handful is all there is. Never for a time that is reported as measured.
    pub fn quantile_of_few_ns(&self, q: f64) -> Option<u64> {
        let (h, (least, greatest)) = (self.histogram.as_ref()?, self.ends?);
        Some(h.value_at_quantile(q).clamp(least, greatest))
    }

    /// The quantile `q` in `0.0..=1.0`, or `None` with fewer than 10 samples beyond it (method,
    /// rule 25), so that nobody quotes one that a single message made.
    pub fn quantile_ns(&self, q: f64) -> Option<u64> {
        let h = self.histogram.as_ref()?;
        let beyond = h.len() as f64 * (1.0 - q);
        let (least, greatest) = self.ends?;
        (beyond >= 10.0 - 1e-9).then(|| h.value_at_quantile(q).clamp(least, greatest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(times: &[u64]) -> Timing {
        let mut t = Timing::default();
        times.iter().for_each(|n| t.record(Nanos(*n)));
        t
    }

    fn same(a: &Timing, b: &Timing) -> bool {
        a.histogram() == b.histogram() && a.ends == b.ends
    }

    proptest! {
        #[test]
        fn merging_commutes_and_associates(a: Vec<u32>, b: Vec<u32>, c: Vec<u32>) {
            let [a, b, c] = [a, b, c].map(|v| of(&v.into_iter().map(u64::from).collect::<Vec<_>>()));
            let merged = |x: &Timing, y: &Timing| { let mut m = x.clone(); m.merge(y); m };
            prop_assert!(same(&merged(&a, &b), &merged(&b, &a)));
            prop_assert!(same(&merged(&merged(&a, &b), &c), &merged(&a, &merged(&b, &c))));
            prop_assert_eq!(merged(&a, &b).count(), a.count() + b.count());
        }
    }

    #[test]
    fn a_quantile_needs_ten_samples_beyond_it() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(of(&hundred).quantile_ns(0.9), Some(90));
        assert_eq!(of(&hundred).quantile_ns(0.99), None);
        assert_eq!(of(&hundred).max_ns(), Some(100));
        assert_eq!(Timing::default().quantile_ns(0.5), None);
    }

    #[test]
    fn of_few_nearly_the_greatest_and_what_is_above() {
        let few = of(&[1, 5, 1_000, 2_000_000]);
        assert_eq!(few.quantile_of_few_ns(0.99), Some(2_000_000));
        assert_eq!((few.count_above(Nanos(1_000)), few.count_above(Nanos(999))), (1, 2));
        assert_eq!(Timing::default().quantile_of_few_ns(0.5), None);
        assert_eq!(Timing::default().count_above(Nanos(0)), 0);
    }
}
