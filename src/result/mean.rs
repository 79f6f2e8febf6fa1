//! Median of a few runs, and how far their mean may be from the true one.

use crate::analysis::describe::{mean, sd};
use crate::analysis::student::limit_5_percent;

/// Fewer runs tell no interval: of two it is six times as wide as the two lie apart.
const LEAST_RUNS: usize = 3;

/// The 95 % interval (Student's t) of the mean of independent runs; `None` of fewer than three.
pub fn mean_interval(runs: &[f64]) -> Option<(f64, f64)> {
    let (mean, sd) = mean(runs).zip(sd(runs)).filter(|_| runs.len() >= LEAST_RUNS)?;
    let n = runs.len() as f64;
    let reach = limit_5_percent(n - 1.0) * sd / n.sqrt();
    Some((mean - reach, mean + reach))
}

/// The middle value, or the mean of the two in the middle; `None` of nothing.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    crate::analysis::describe::median(&values.into_iter().collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_runs_tell_an_interval_and_two_do_not() {
        let (low, high) = mean_interval(&[9.0, 10.0, 11.0]).unwrap();
        // Student's t of two degrees of freedom over the root of three.
        assert!(
            (high - low - 2.0 * 4.303 / 3.0_f64.sqrt()).abs() < 1e-12 && (low + high - 20.0).abs() < 1e-12
        );
        assert_eq!((mean_interval(&[9.0, 11.0]), mean_interval(&[])), (None, None));
        assert_eq!(mean_interval(&[4.0; 5]), Some((4.0, 4.0)));
        assert_eq!((median([3.0, 1.0, 2.0]), median([4.0, 1.0]), median([])), (Some(2.0), Some(2.5), None));
    }
}
