//! What may be said of a comparison: regression, equivalent, or not known yet.
//!
//! A metric is one that is worse when it is greater. Shifts are logarithms of ratios, tolerances shares.

/// Pairs of runs below which nothing is said: with fewer no exact test can reach 5 %.
pub const LEAST_PAIRS: usize = 6;
/// The factor between noise and what a comparison finds 4 times in 5 at 5 %: 1.96 + 0.84.
const DETECTABLE: f64 = 2.80;
/// Pairs that a small number of them is worth less, since the noise itself has to be estimated (Guenther 1981:
/// `1.96^2 / 2`). Without it 10 pairs find 3 of 4 and not 4 of 5.
const UNKNOWN_NOISE: f64 = 1.92;
/// How much of its runs a rank test makes use of, beside the t test (Pitman: 3 / pi).
const EFFICIENCY: f64 = 0.955;

/// An estimate and where the truth lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The likeliest value.
    pub estimate: f64,
    /// It is hardly below this; may be infinite.
    pub low: f64,
    /// It is hardly above this; may be infinite.
    pub high: f64,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Worse by more than the tolerance, for sure.
    Regression,
    /// Better by more than the tolerance, for sure: a gate passes.
    Improvement,
    /// The difference is within the tolerance, for sure.
    Equivalent,
    /// Not known: so many pairs in all should tell.
    Inconclusive {
        /// Pairs needed to find a shift of the size of the tolerance.
        needed: u64,
    },
    /// Too few pairs to say anything, whatever they show.
    InsufficientRuns,
}

/// Decides by the interval of a shift (logarithm of new over old) over `pairs` pairs whose log ratios have
/// this standard deviation. `tolerance` is a share: 0.05 for 5 %.
pub fn decide(shift: &Interval, pairs: usize, sd: f64, tolerance: f64) -> Decision {
    let (worse, better) = ((1.0 + tolerance).ln(), -(1.0 + tolerance).ln());
    match shift {
        _ if pairs < LEAST_PAIRS => Decision::InsufficientRuns,
        s if s.low > worse => Decision::Regression,
        s if s.high < better => Decision::Improvement,
        s if s.low >= better && s.high <= worse => Decision::Equivalent,
        _ => Decision::Inconclusive { needed: needed_pairs(sd, tolerance) },
    }
}

/// Pairs with which a shift of `tolerance` is found 4 times in 5: `(2.80 sd / ln(1 + tolerance))^2 / 0.955`
/// and two for the unknown noise, at least [`LEAST_PAIRS`].
pub fn needed_pairs(sd: f64, tolerance: f64) -> u64 {
    let n = (DETECTABLE * sd / (1.0 + tolerance).ln()).powi(2) / EFFICIENCY + UNKNOWN_NOISE;
    (n.ceil() as u64).max(LEAST_PAIRS as u64)
}

/// The least shift, as a share, that `pairs` pairs with log ratios of this standard deviation find 4 times
/// in 5. A gate with a smaller tolerance cannot do what it says.
pub fn detectable_paired(sd: f64, pairs: usize) -> f64 {
    (DETECTABLE * sd / worth(pairs as f64, UNKNOWN_NOISE).sqrt()).exp_m1()
}

/// The same of two groups of `runs` runs each with this coefficient of variation.
pub fn detectable_unpaired(variation: f64, runs: usize) -> f64 {
    DETECTABLE * variation * (2.0 / worth(runs as f64, UNKNOWN_NOISE / 2.0)).sqrt()
}

/// What so many runs are worth to a rank test that does not know their noise.
fn worth(runs: f64, unknown: f64) -> f64 {
    ((runs - unknown) * EFFICIENCY).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(low: f64, high: f64) -> Interval {
        Interval { estimate: (low + high) / 2.0, low, high }
    }

    #[test]
    fn the_interval_decides_and_not_the_estimate() {
        let at = |low, high| decide(&of(low, high), 10, 0.03, 0.05);
        assert_eq!(at(0.06, 0.2), Decision::Regression);
        assert_eq!(at(-0.2, -0.06), Decision::Improvement);
        assert_eq!(at(-0.04, 0.04), Decision::Equivalent);
        assert!(matches!(at(0.02, 0.2), Decision::Inconclusive { .. }));
        assert!(matches!(at(f64::NEG_INFINITY, f64::INFINITY), Decision::Inconclusive { .. }));
        assert_eq!(decide(&of(0.5, 0.6), 5, 0.0, 0.05), Decision::InsufficientRuns);
    }

    #[test]
    fn no_tolerance_means_any_shift_for_sure() {
        assert_eq!(decide(&of(0.0, 0.0), 10, 0.0, 0.0), Decision::Equivalent);
        assert_eq!(decide(&of(1e-9, 1e-9), 10, 0.0, 0.0), Decision::Regression);
    }

    #[test]
    fn how_many_and_how_little() {
        // The published factors for 10 and 20 runs, before what rank tests and unknown noise cost.
        for (n, unpaired, paired) in [(10, 1.25, 0.89), (20, 0.89, 0.63)] {
            let cost = |unknown: f64| (worth(n as f64, unknown) / n as f64).sqrt();
            assert!((detectable_unpaired(0.1, n) * cost(UNKNOWN_NOISE / 2.0) - 0.1 * unpaired).abs() < 0.001);
            assert!((detectable_paired(0.1, n).ln_1p() * cost(UNKNOWN_NOISE) - 0.1 * paired).abs() < 0.001);
        }
        let sd = 0.1;
        let n = needed_pairs(sd, 0.05);
        assert!(detectable_paired(sd, n as usize) <= 0.05 && detectable_paired(sd, n as usize - 1) > 0.05);
        assert_eq!(needed_pairs(0.0, 0.05), 6);
    }
}
