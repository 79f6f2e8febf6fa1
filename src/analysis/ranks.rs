//! Two groups of runs that are no pairs (history against today): Mann and Whitney's test and the shift
//! between the groups.
//!
//! Source: Mann and Whitney 1947, ties by the permutation distribution of middle ranks; the shift is the median
//! of all differences (Hodges and Lehmann 1963) with Moses' exact interval.

use super::decide::Interval;
use super::describe::median_of_sorted;
use super::signed::{doubled_ranks, drawn_sums, lower_tail, two_sided};

/// Values in both groups together up to which chances are counted exactly; beyond, the normal
/// approximation with its correction for ties holds to the third digit.
const EXACT_UP_TO: usize = 60;

/// Two-sided chance of so unlike groups without a difference. 1 when a group is empty.
pub fn mann_whitney_p(first: &[f64], second: &[f64]) -> f64 {
    if first.is_empty() || second.is_empty() {
        return 1.0;
    }
    let ranks = doubled_ranks(&[first, second].concat());
    let seen: usize = ranks[..first.len()].iter().sum();
    match ranks.len() <= EXACT_UP_TO {
        true => two_sided(&drawn_sums(&ranks, first.len()), seen),
        false => normal_p(&ranks, first.len(), seen),
    }
}

/// The normal approximation: ranks drawn without replacement have a known mean and variance.
fn normal_p(doubled: &[usize], chosen: usize, seen: usize) -> f64 {
    let (n, m) = (doubled.len() as f64, chosen as f64);
    let ranks: Vec<f64> = doubled.iter().map(|r| *r as f64 / 2.0).collect();
    let mean = ranks.iter().sum::<f64>() / n;
    let spread = ranks.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let error = (m * (n - m) / n * spread).sqrt();
    let distance = ((seen as f64 / 2.0 - m * mean).abs() - 0.5).max(0.0);
    if error > 0.0 { 2.0 * upper_tail(distance / error) } else { 1.0 }
}

/// Chance of a standard normal value above `z >= 0` (Abramowitz and Stegun 26.2.17, error below 8e-8).
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let weights = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let sum = weights.iter().fold(0.0, |sum, w| t * (sum + w));
    sum * (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

/// How far the second group lies above the first, with an interval that errs at most `alpha`. `None` when a
/// group is empty; without limits when the groups are too small for any.
pub fn shift(first: &[f64], second: &[f64], alpha: f64) -> Option<Interval> {
    let mut differences: Vec<f64> = first.iter().flat_map(|a| second.iter().map(move |b| b - a)).collect();
    differences.sort_unstable_by(f64::total_cmp);
    let estimate = median_of_sorted(&differences)?;
    let ranks: Vec<usize> = (1..=first.len() + second.len()).collect();
    let chances = drawn_sums(&ranks, first.len());
    // The least possible sum of ranks is U = 0.
    let least = first.len() * (first.len() + 1) / 2;
    let (low, high) = match lower_tail(&chances[least..], alpha / 2.0) {
        Some(k) if 2 * k < differences.len() => (differences[k], differences[differences.len() - 1 - k]),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    };
    Some(Interval { estimate, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smallest_possible_p_values_are_the_published_ones() {
        let least = |n: u32| {
            let (low, high): (Vec<f64>, Vec<f64>) =
                (0..n).map(|i| (f64::from(i), f64::from(i) + 100.0)).unzip();
            mann_whitney_p(&low, &high)
        };
        for (n, p) in [(3, 2.0 / 20.0), (4, 2.0 / 70.0), (5, 2.0 / 252.0)] {
            assert!((least(n) - p).abs() < 1e-12, "{n}: {}", least(n));
        }
        assert_eq!(mann_whitney_p(&[], &[1.0]), 1.0);
    }

    #[test]
    fn a_textbook_example() {
        // Hollander and Wolfe, table 4.1 (permeability of membranes): W = 30 for the 5 of gestational age,
        // two-sided p 0.2544; the shift -0.305.
        let at_term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let early = [1.15, 0.88, 0.90, 0.74, 1.21];
        assert!((mann_whitney_p(&at_term, &early) - 0.2544).abs() < 0.000_1);
        assert!((shift(&at_term, &early, 0.05).unwrap().estimate + 0.305).abs() < 1e-9);
    }

    #[test]
    fn the_approximation_meets_the_count() {
        let mut random = fastrand::Rng::with_seed(2);
        let mut drawn = |n: usize, by: f64| (0..n).map(|_| random.f64() + by).collect::<Vec<f64>>();
        let (a, b) = (drawn(30, 0.0), drawn(30, 0.15));
        let ranks = doubled_ranks(&[a.clone(), b.clone()].concat());
        let seen = ranks[..30].iter().sum();
        let (exact, near) = (mann_whitney_p(&a, &b), normal_p(&ranks, 30, seen));
        assert!((exact - near).abs() < 0.002, "{exact} {near}");
        assert!((upper_tail(1.959_964) - 0.025).abs() < 1e-6);
    }

    #[test]
    fn the_interval_of_a_shift_is_as_wide_as_the_table_says() {
        // n = m = 5 at 5 %: U = 2 is the critical value, so the third smallest and greatest difference.
        let first = [1.0, 2.0, 4.0, 8.0, 16.0];
        let second: Vec<f64> = first.iter().map(|x| x + 0.5).collect();
        let mut all: Vec<f64> = first.iter().flat_map(|a| second.iter().map(move |b| b - a)).collect();
        all.sort_unstable_by(f64::total_cmp);
        let found = shift(&first, &second, 0.05).unwrap();
        assert_eq!((found.low, found.high), (all[2], all[22]));
        assert_eq!(shift(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 0.05).unwrap().low, f64::NEG_INFINITY);
    }
}
