//! Whether a short series still rises or falls: the slope of a straight line against its own error.
//!
//! Source: Student's t of the slope of an ordinary regression on the number of the value.

use super::describe::mean;
use super::student::limit_1_percent;

/// A straight line through a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Change from the first value to the last, as a share of the mean.
    pub change: f64,
    /// Slope over its standard error.
    pub t: f64,
    /// Whether chance makes such a slope less than once in a hundred times.
    pub significant: bool,
}

/// The trend of a series; `None` with fewer than four values or a mean of zero.
pub fn trend(series: &[f64]) -> Option<Trend> {
    let n = series.len() as f64;
    let level = mean(series).filter(|m| *m != 0.0 && series.len() >= 4)?;
    let middle = (n - 1.0) / 2.0;
    let at = |i: usize| i as f64 - middle;
    let squares: f64 = (0..series.len()).map(|i| at(i).powi(2)).sum();
    let slope = series.iter().enumerate().map(|(i, y)| at(i) * (y - level)).sum::<f64>() / squares;
    let rest = series.iter().enumerate().map(|(i, y)| (y - level - slope * at(i)).powi(2)).sum::<f64>();
    let error = (rest / (n - 2.0) / squares).sqrt();
    let t = if slope == 0.0 { 0.0 } else { slope / error };
    let significant = t.abs() > limit_1_percent(n - 2.0);
    Some(Trend { change: slope * (n - 1.0) / level, t, significant })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_and_noise_is_not() {
        let falling = trend(&[10.0, 9.1, 7.9, 7.0, 6.1]).unwrap();
        assert!(falling.significant && (falling.change + 0.49).abs() < 0.02, "{falling:?}");
        assert!(!trend(&[5.0, 6.0, 4.5, 5.5, 5.1]).unwrap().significant);
        assert_eq!(trend(&[3.0; 6]).unwrap(), Trend { change: 0.0, t: 0.0, significant: false });
        assert_eq!(trend(&[1.0, 2.0, 3.0]), None);
    }

    #[test]
    fn one_in_a_hundred_stationary_series_looks_like_a_trend() {
        let mut random = fastrand::Rng::with_seed(8);
        let mut alarm = || {
            let noise = |r: &mut fastrand::Rng| (0..12).map(|_| r.f64()).sum::<f64>() - 5.0;
            trend(&(0..7).map(|_| noise(&mut random)).collect::<Vec<_>>()).is_some_and(|t| t.significant)
        };
        let alarms = (0..10_000).filter(|_| alarm()).count();
        assert!((60..=140).contains(&alarms), "{alarms} of 10000");
    }
}
