//! One-sample Kolmogorov-Smirnov test: does a sample follow a given distribution?
//!
//! Source: Kolmogorov 1933; limits of `sqrt(n) D` from Smirnov's table (1948), good from about 35 values.

/// Limit of `sqrt(n) D` that a true sample exceeds once in a hundred times.
pub const BOUND_1_PERCENT: f64 = 1.63;
/// Limit of `sqrt(n) D` that a true sample exceeds once in a thousand times.
pub const BOUND_01_PERCENT: f64 = 1.95;

/// How far a sample lies from a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ks {
    /// Values in the sample.
    pub n: u64,
    /// Greatest distance between the sample's distribution and the given one, 0 to 1.
    pub d: f64,
}

impl Ks {
    /// `sqrt(n) D`, to be held against one of the bounds.
    pub fn scaled(&self) -> f64 {
        (self.n as f64).sqrt() * self.d
    }

    /// Whether the sample may come from the distribution, by a bound such as [`BOUND_01_PERCENT`].
    pub fn passes(&self, bound: f64) -> bool {
        self.scaled() < bound
    }

    /// The chance of so great a distance in a true sample (Kolmogorov's limit distribution).
    pub fn p_value(&self) -> f64 {
        let x = self.scaled();
        if x < 0.2 {
            return 1.0;
        }
        let term = |k: i32| (-1f64).powi(k - 1) * (-2.0 * f64::from(k * k) * x * x).exp();
        (2.0 * (1..=100).map(term).sum::<f64>()).clamp(0.0, 1.0)
    }
}

/// Holds a sample against the distribution function `cdf` (continuous, rising from 0 to 1). `None` of
/// an empty sample.
pub fn against(sample: &[f64], cdf: impl Fn(f64) -> f64) -> Option<Ks> {
    let mut sorted = sample.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distance = |(i, x): (usize, &f64)| {
        let at = cdf(*x);
        ((i + 1) as f64 / n - at).max(at - i as f64 / n)
    };
    let d = sorted.iter().enumerate().map(distance).fold(0.0, f64::max);
    (!sorted.is_empty()).then_some(Ks { n: sorted.len() as u64, d })
}

/// Holds a sample against the uniform distribution from `low` to `high`.
pub fn uniform(sample: &[f64], low: f64, high: f64) -> Option<Ks> {
    against(sample, |x| ((x - low) / (high - low)).clamp(0.0, 1.0))
}

/// Holds a histogram against `cdf`: pairs of a bin's upper end and its count, in rising order. Only at
/// the ends of bins is the sample's distribution known, so only there it is looked at: the distance can
/// be too small by what the distribution gains within one bin, never too great.
pub fn of_bins(bins: impl IntoIterator<Item = (f64, u64)>, cdf: impl Fn(f64) -> f64) -> Option<Ks> {
    let bins: Vec<(f64, u64)> = bins.into_iter().collect();
    let n: u64 = bins.iter().map(|b| b.1).sum();
    let mut below = 0;
    let distance = |(end, count): &(f64, u64)| {
        below += count;
        (below as f64 / n as f64 - cdf(*end)).abs()
    };
    let d = bins.iter().map(distance).fold(0.0, f64::max);
    (n > 0).then_some(Ks { n, d })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(n: usize, seed: u64) -> Vec<f64> {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..n).map(|_| random.f64()).collect()
    }

    #[test]
    fn a_worked_example() {
        // Sheskin-like: ECDF steps of 0.2 against the diagonal.
        let ks = uniform(&[0.44, 0.81, 0.14, 0.05, 0.93], 0.0, 1.0).unwrap();
        assert!((ks.d - 0.26).abs() < 1e-12, "{ks:?}");
    }

    #[test]
    fn published_limits_belong_to_their_chances() {
        let at = |scaled: f64| Ks { n: 1, d: scaled }.p_value();
        assert!((at(BOUND_1_PERCENT) - 0.01).abs() < 0.000_5, "{}", at(BOUND_1_PERCENT));
        assert!((at(BOUND_01_PERCENT) - 0.001).abs() < 0.000_05, "{}", at(BOUND_01_PERCENT));
        assert!((at(1.36) - 0.05).abs() < 0.001);
    }

    #[test]
    fn a_true_sample_fails_as_rarely_as_said_and_a_false_one_always() {
        let failed =
            (0..500).filter(|s| !uniform(&drawn(500, *s), 0.0, 1.0).unwrap().passes(BOUND_1_PERCENT));
        assert!(failed.count() <= 14, "a true sample");
        let bent: Vec<f64> = drawn(10_000, 1).into_iter().map(|x| x.powf(1.1)).collect();
        assert!(!uniform(&bent, 0.0, 1.0).unwrap().passes(BOUND_01_PERCENT));
    }

    #[test]
    fn bins_tell_what_the_sample_tells_but_for_their_width() {
        let sample = drawn(20_000, 7);
        let count = |k: u32| sample.iter().filter(|x| (**x * 1000.0) as u32 == k).count() as u64;
        let bins: Vec<(f64, u64)> = (0..1000).map(|k| (f64::from(k + 1) / 1000.0, count(k))).collect();
        let (whole, binned) = (uniform(&sample, 0.0, 1.0).unwrap(), of_bins(bins, |x| x).unwrap());
        assert!(binned.d <= whole.d + 1e-9 && whole.d - binned.d < 0.001 + 1e-9);
        assert_eq!(of_bins([], |x| x), None);
    }
}
