//! Mean, spread and order statistics of a plain sample.

/// Arithmetic mean; `None` of nothing.
pub fn mean(sample: &[f64]) -> Option<f64> {
    (!sample.is_empty()).then(|| sample.iter().sum::<f64>() / sample.len() as f64)
}

/// Standard deviation with `n - 1` below the line; `None` with fewer than two values.
pub fn sd(sample: &[f64]) -> Option<f64> {
    let n = sample.len();
    let mean = mean(sample).filter(|_| n > 1)?;
    Some((sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt())
}

/// The middle value, or the mean of the two in the middle; `None` of nothing.
pub fn median(sample: &[f64]) -> Option<f64> {
    let mut sorted = sample.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    median_of_sorted(&sorted)
}

/// The same of a sample that is in order.
pub(super) fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    (n > 0).then(|| (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0)
}

/// The least value that at least the share `q` of the sample does not exceed (the "nearest rank", which
/// HDR histograms use too); `None` of nothing.
pub fn quantile(sample: &[f64], q: f64) -> Option<f64> {
    let mut sorted = sample.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (q.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Correlation of each value with the one after it, about the sample's mean; 0 where nothing varies or
/// there are fewer than three values.
pub fn lag_one(sample: &[f64]) -> f64 {
    let Some(mean) = mean(sample).filter(|_| sample.len() > 2) else { return 0.0 };
    let squares: f64 = sample.iter().map(|x| (x - mean).powi(2)).sum();
    let products: f64 = sample.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
    if squares > 0.0 { products / squares } else { 0.0 }
}

/// How many independent values would tell as much as this sample of correlated neighbours about its mean:
/// `n (1 - r) / (1 + r)` with the lag-one correlation, freed of what it lacks in short samples (Kendall 1954:
/// `(1 + 3 r) / n`), from 0 to 0.9. At least 1 of a sample that is not empty.
pub fn independent(sample: &[f64]) -> f64 {
    let n = sample.len() as f64;
    let r = lag_one(sample);
    let r = (r + (1.0 + 3.0 * r) / n).clamp(0.0, 0.9);
    (n * (1.0 - r) / (1.0 + r)).max(1.0).min(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_small_sample() {
        let sample = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&sample), Some(5.0));
        assert!((sd(&sample).unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(median(&sample), Some(4.5));
        assert_eq!(quantile(&sample, 0.5), Some(4.0));
        assert_eq!((quantile(&sample, 0.0), quantile(&sample, 1.0)), (Some(2.0), Some(9.0)));
    }

    #[test]
    fn of_nothing_there_is_nothing() {
        assert_eq!((mean(&[]), sd(&[1.0]), median(&[]), quantile(&[], 0.5)), (None, None, None, None));
    }

    #[test]
    fn neighbours_that_alternate_are_correlated_against_each_other() {
        assert!(lag_one(&[1.0, -1.0, 1.0, -1.0, 1.0, -1.0]) < -0.8);
        assert!(lag_one(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) > 0.4);
        assert_eq!(lag_one(&[3.0; 9]), 0.0);
        assert_eq!(independent(&[1.0, -1.0, 1.0, -1.0, 1.0, -1.0]), 6.0);
        assert!(independent(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) < 2.0);
    }
}
