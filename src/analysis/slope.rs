//! A slope with its interval: what one more connection costs, from levels at several counts.
//!
//! Source: ordinary least squares of a straight line (Gauss; Draper and Smith, Applied Regression Analysis,
//! chapter 1), and for several series of the same thing their common slope with a level of its own for each
//! (analysis of covariance, Snedecor and Cochran, Statistical Methods, chapter 18). The interval is that of
//! Student's t on what the lines leave over: it supposes that the points err independently. What a heap
//! keeps from point to point does not, so it is a least interval, and repeats tell more than points.

use super::student::limit_5_percent;

/// Fewest different places of one series: three points always lie near some line.
pub const LEAST_POINTS: usize = 4;

/// A slope, and where it lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// Units of `y` for one of `x`.
    pub value: f64,
    /// Lower end of the interval; equal to `value` where every point lies on its line.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The farthest that a point lies from the line of its series, in units of `y`.
    pub residual_max: f64,
}

/// Sums of one series around its own means.
struct Sums {
    xx: f64,
    xy: f64,
    mean_x: f64,
    mean_y: f64,
}

/// The common slope of series of points `(x, y)`, each with a level of its own. Series with fewer than
/// [`LEAST_POINTS`] different `x` are left out. `None` without a series, and where a number is not finite.
pub fn common(series: &[Vec<(f64, f64)>]) -> Option<Slope> {
    let used: Vec<(&Vec<(f64, f64)>, Sums)> =
        series.iter().filter(|s| places(s) >= LEAST_POINTS).map(|s| (s, sums(s))).collect();
    let all = |of: fn(&Sums) -> f64| used.iter().map(|(_, s)| of(s)).sum::<f64>();
    let (xx, xy) = (all(|s| s.xx), all(|s| s.xy));
    let value = xy / xx;
    let left = |s: &Sums, (x, y): (f64, f64)| y - s.mean_y - value * (x - s.mean_x);
    let residuals: Vec<f64> = used.iter().flat_map(|(p, s)| p.iter().map(move |p| left(s, *p))).collect();
    let degrees = residuals.len() as f64 - used.len() as f64 - 1.0;
    let variance = residuals.iter().map(|r| r * r).sum::<f64>() / degrees;
    let half = limit_5_percent(degrees) * (variance / xx).sqrt();
    let residual_max = residuals.iter().fold(0.0, |most: f64, r| most.max(r.abs()));
    let found = Slope { value, low: value - half, high: value + half, residual_max };
    (found.low.is_finite() && found.high.is_finite()).then_some(found)
}

/// The slope of one series.
pub fn of(points: &[(f64, f64)]) -> Option<Slope> {
    common(&[points.to_vec()])
}

/// Different `x`; none when a number is not finite.
fn places(points: &[(f64, f64)]) -> usize {
    if points.iter().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
        return 0;
    }
    let mut places: Vec<f64> = points.iter().map(|p| p.0).collect();
    places.sort_unstable_by(f64::total_cmp);
    places.dedup();
    places.len()
}

fn sums(points: &[(f64, f64)]) -> Sums {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (mean_x, mean_y) = (mean(|p| p.0), mean(|p| p.1));
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>();
    Sums {
        xx: sum(&|p| (p.0 - mean_x).powi(2)),
        xy: sum(&|p| (p.0 - mean_x) * (p.1 - mean_y)),
        mean_x,
        mean_y,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} is not {b}");
    }

    #[test]
    fn a_line_by_hand() {
        // x 1 2 3 4 5, y 2 1 4 3 5: Sxx 10, Sxy 8, residual sum of squares 3.6, t(3) 3.182.
        let found = of(&[(1.0, 2.0), (2.0, 1.0), (3.0, 4.0), (4.0, 3.0), (5.0, 5.0)]).unwrap();
        close(found.value, 0.8);
        close(found.high - found.value, 3.182 * (1.2f64 / 10.0).sqrt());
        close(found.value - found.low, found.high - found.value);
        // At x 2 the line is 2.2 and the point 1.
        close(found.residual_max, 1.2);
    }

    #[test]
    fn an_exact_line_has_no_width() {
        let exact: Vec<(f64, f64)> = [250.0, 500.0, 1000.0, 2000.0].map(|x| (x, 7e6 + 10_240.0 * x)).into();
        let found = of(&exact).unwrap();
        close(found.value, 10_240.0);
        assert!(found.high - found.low < 1e-6 && found.residual_max < 1e-6, "{found:?}");
    }

    #[test]
    fn what_is_no_ladder_has_no_slope() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]), None, "too few");
        assert_eq!(of(&[(1.0, 1.0), (2.0, 2.0), (2.0, 2.5), (3.0, 3.0)]), None, "too few places");
        assert_eq!(of(&[(1.0, 1.0), (2.0, 2.0), (3.0, f64::NAN), (4.0, 4.0)]), None);
        assert_eq!(common(&[]), None);
    }

    #[test]
    fn series_share_a_slope_and_keep_their_levels() {
        let at = |level: f64| [1.0, 2.0, 4.0, 8.0].map(|x| (x, level + 3.0 * x)).to_vec();
        close(common(&[at(0.0), at(1e6), at(-5.0)]).unwrap().value, 3.0);
        // A broken series is left out; its level would not be known.
        close(common(&[at(0.0), vec![(1.0, 9.0), (2.0, 9.0)]]).unwrap().value, 3.0);
        // Two series of slopes 2 and 4 have 3, and tell how little they agree.
        let of = |slope: f64| [1.0, 2.0, 3.0, 4.0].map(|x| (x, slope * x)).to_vec();
        let found = common(&[of(2.0), of(4.0)]).unwrap();
        close(found.value, 3.0);
        // Residuals are -1.5, -0.5, 0.5 and 1.5 twice: squares 10 over 8 - 2 - 1 degrees; Sxx 10.
        close(found.high - found.value, 2.571 * (2.0f64 / 10.0).sqrt());
    }

    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says() {
        let mut random = fastrand::Rng::with_seed(5);
        let mut normal = || (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
        let mut once = || {
            let points: Vec<(f64, f64)> =
                [250.0, 500.0, 1000.0, 2000.0].map(|x| (x, 1e6 + 5_000.0 * x + 2e4 * normal())).into();
            of(&points).is_some_and(|s| s.low <= 5_000.0 && 5_000.0 <= s.high)
        };
        let held = (0..4_000).filter(|_| once()).count();
        // 95 % of 4000 are 3800, with a standard deviation of 13.8.
        assert!((3_745..=3_855).contains(&held), "{held}");
    }
}
