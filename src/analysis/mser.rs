//! Where a series stops being a warm-up: the Marginal Standard Error Rule, and MSER-5 by its batches.
//!
//! Source: White, "An effective truncation heuristic for bias reduction in simulation output", 1997; White,
//! Cobb and Spratt 2000 for batches of five. The cut is where the standard error of the mean of what is
//! kept is least. A cut at the far end of what is looked at (half the series) proves nothing.

/// Values from which on batches of five are used. A run's series of whole seconds is mostly shorter; each
/// second already is a mean over many messages, which is what batches are for.
pub const BATCHED_FROM: usize = 50;

/// Where to cut a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truncation {
    /// Values to leave out at the beginning.
    pub cut: usize,
    /// Squared standard error of the mean of the rest, by the rule: sum of squares over `n^2`.
    pub statistic: f64,
    /// Whether the cut is as late as the rule looks: the series is not known to have settled.
    pub at_limit: bool,
}

/// The cut by batches of five when the series is long enough, by single values else. `None` with fewer
/// than three values.
pub fn mser(series: &[f64]) -> Option<Truncation> {
    let batch = if series.len() >= BATCHED_FROM { 5 } else { 1 };
    mser_of_batches(series, batch)
}

/// The cut by means of `batch` values, at most half of the batches. A last batch that is not full is left
/// out of the statistic. `None` with fewer than three batches.
pub fn mser_of_batches(series: &[f64], batch: usize) -> Option<Truncation> {
    let batch = batch.max(1);
    let means: Vec<f64> =
        series.chunks_exact(batch).map(|values| values.iter().sum::<f64>() / batch as f64).collect();
    if means.len() < 3 {
        return None;
    }
    let limit = means.len() / 2;
    let statistics = (0..=limit).map(|cut| (cut, statistic(&means[cut..])));
    // The earliest of equal ones: nothing is left out without need.
    let (cut, statistic) =
        statistics.reduce(|best, next| if next.1 < best.1 { next } else { best }).expect("cut 0 is one");
    Some(Truncation { cut: cut * batch, statistic, at_limit: cut == limit })
}

/// Sum of squares about the mean over the square of how many: White's rule.
pub fn statistic(kept: &[f64]) -> f64 {
    let n = kept.len() as f64;
    let mean = kept.iter().sum::<f64>() / n;
    kept.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Behind the first value all are alike: nothing is left that varies.
        let found = mser(&[10.0, 2.5, 2.5, 2.5, 2.5]).unwrap();
        assert_eq!(found, Truncation { cut: 1, statistic: 0.0, at_limit: false });
        assert_eq!(mser(&[1.0, 1.0]), None);
        assert_eq!(mser(&[1.0; 8]).unwrap().cut, 0);
        assert_eq!(statistic(&[1.0, 3.0]), 0.5);
    }

    fn noisy(n: usize, seed: u64, level: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..n).map(|i| level(i) * (1.0 + 0.1 * (random.f64() - 0.5))).collect()
    }

    #[test]
    fn a_slow_beginning_is_cut_where_it_ends() {
        for seed in 0..200 {
            let series = noisy(20, seed, |i| if i < 5 { 10.0 } else { 1.0 });
            let found = mser(&series).unwrap();
            // Never too early; how late, is the noise's choice.
            assert!((5..=10).contains(&found.cut), "seed {seed}: {found:?}");
        }
    }

    #[test]
    fn batches_of_five_cut_at_a_multiple_of_five() {
        let series = noisy(203, 1, |i| 1.0 + 20.0 * (-(i as f64) / 8.0).exp());
        let found = mser(&series).unwrap();
        assert!(found.cut.is_multiple_of(5) && (20..=60).contains(&found.cut), "{found:?}");
    }

    #[test]
    fn what_still_falls_is_cut_at_the_limit() {
        let found = mser(&noisy(30, 4, |i| 40.0 - i as f64)).unwrap();
        assert!(found.at_limit, "{found:?}");
    }
}
