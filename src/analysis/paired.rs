//! Two versions of something, measured in pairs: how much the second differs from the first.
//!
//! The estimate is that of Hodges and Lehmann 1963 (the median of the means of all pairs of differences) on
//! logarithms of the ratios; its interval is exact (Tukey: the ordered Walsh averages, by the distribution of
//! Wilcoxon's signed ranks under flipped signs). One value a run and metric: messages of one run are no
//! independent values.

use super::decide::Interval;
use super::describe::{median_of_sorted, sd};
use super::signed::{doubled_ranks, lower_tail, signed_sums, two_sided};

/// What pairs of runs say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Pairs.
    pub pairs: usize,
    /// Logarithm of second over first: `exp(x) - 1` is the shift as a share.
    pub shift: Interval,
    /// Standard deviation of the logarithms.
    pub sd: f64,
    /// Chance of so uneven signs without a difference, two-sided, exact.
    pub p_value: f64,
}

/// Compares pairs `(first, second)` of positive values; the interval errs at most `alpha`. `None` with fewer
/// than two pairs or a value that is not above zero. With so few pairs that no interval can be that sure it is
/// without limits.
pub fn compare(pairs: &[(f64, f64)], alpha: f64) -> Option<Paired> {
    if pairs.iter().any(|(a, b)| *a <= 0.0 || *b <= 0.0) {
        return None;
    }
    let logs: Vec<f64> = pairs.iter().map(|(a, b)| (b / a).ln()).collect();
    Some(Paired {
        pairs: logs.len(),
        sd: sd(&logs)?,
        shift: hodges_lehmann(&logs, alpha)?,
        p_value: signed_rank_p(&logs),
    })
}

/// Centre of a sample of differences, with its exact interval. `None` of nothing.
pub fn hodges_lehmann(differences: &[f64], alpha: f64) -> Option<Interval> {
    let n = differences.len();
    let mut walsh: Vec<f64> =
        (0..n).flat_map(|i| (i..n).map(move |j| (differences[i] + differences[j]) / 2.0)).collect();
    walsh.sort_unstable_by(f64::total_cmp);
    let estimate = median_of_sorted(&walsh)?;
    let ranks: Vec<usize> = (1..=n).collect();
    let (low, high) = match lower_tail(&signed_sums(&ranks), alpha / 2.0) {
        Some(k) => (walsh[k], walsh[walsh.len() - 1 - k]),
        None => (f64::NEG_INFINITY, f64::INFINITY),
    };
    Some(Interval { estimate, low, high })
}

/// Wilcoxon's signed-rank test, two-sided and exact, ties included; differences of zero are left out, and
/// 1 of nothing else.
pub fn signed_rank_p(differences: &[f64]) -> f64 {
    let moved: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let ranks = doubled_ranks(&moved.iter().map(|d| d.abs()).collect::<Vec<_>>());
    let positive = moved.iter().zip(&ranks).filter(|(d, _)| **d > 0.0).map(|(_, r)| r).sum();
    two_sided(&signed_sums(&ranks), positive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::steady::noise::normal;

    #[test]
    fn smallest_possible_p_values_are_the_published_ones() {
        let least = |n: u32| signed_rank_p(&(1..=n).map(f64::from).collect::<Vec<_>>());
        for (n, p) in [(5, 0.0625), (6, 0.03125), (8, 0.0078125), (10, 0.001_953_125)] {
            assert!((least(n) - p).abs() < 1e-15, "{n}: {}", least(n));
        }
        assert_eq!((signed_rank_p(&[]), signed_rank_p(&[0.0, 0.0])), (1.0, 1.0));
    }

    #[test]
    #[expect(clippy::approx_constant, reason = "a score of the book's that happens to be 3.14")]
    fn a_textbook_example() {
        // Hollander and Wolfe, table 3.1 (depression scores): T+ = 5 of n = 9, two-sided p 0.0391; the
        // estimate -0.46 and the 96.1 % interval (-0.786, -0.010).
        let first = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
        let second = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
        let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| b - a).collect();
        assert!((signed_rank_p(&differences) - 0.039_062_5).abs() < 1e-9);
        let found = hodges_lehmann(&differences, 0.05).unwrap();
        assert!((found.estimate + 0.46).abs() < 1e-9, "{found:?}");
        assert!((found.low + 0.786).abs() < 0.000_6 && (found.high + 0.010).abs() < 0.000_6, "{found:?}");
    }

    #[test]
    fn the_interval_holds_the_truth_as_often_as_said() {
        let mut random = fastrand::Rng::with_seed(11);
        let mut holds = || {
            let pairs: Vec<(f64, f64)> =
                (0..10).map(|_| (1.0, 1.2 * (0.1 * normal(&mut random)).exp())).collect();
            let shift = compare(&pairs, 0.05).unwrap().shift;
            shift.low <= 1.2f64.ln() && 1.2f64.ln() <= shift.high
        };
        let held = (0..2_000).filter(|_| holds()).count();
        assert!((1_880..=1_940).contains(&held), "{held} of 2000 at 95.1 %");
    }

    #[test]
    fn five_pairs_prove_nothing_at_five_percent() {
        let pairs = [(1.0, 2.0); 5];
        let found = compare(&pairs, 0.05).unwrap();
        assert_eq!((found.shift.low, found.shift.high), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(compare(&[(1.0, 0.0), (1.0, 1.0)], 0.05), None);
    }
}
