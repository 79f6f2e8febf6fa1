//! Whether the first and the second half of a measured window tell the same.
//!
//! Two conditions make them differ, and both must hold: the ratio of the halves is beyond the tolerance
//! (what is small does not matter, however certain), and it is beyond what chance makes of such noise (what
//! is uncertain proves nothing, however large). Chance: Student's t of the logarithms at 1 %, the number of
//! values in each half reduced by their correlation (`describe::independent`). A block bootstrap would be the same in long windows, and too narrow in halves of three to ten seconds.

use super::describe::{independent, mean, median};
use super::student::limit_1_percent;

/// The limit of chance is raised by this: the correlation is itself a guess.
const GUESSED: f64 = 1.25;
/// Windows that each half needs at least.
pub const LEAST_OF_A_HALF: usize = 3;

/// The two halves of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Halves {
    /// Median of the first half's windows.
    pub first: f64,
    /// Median of the second half's windows.
    pub second: f64,
    /// Second over first.
    pub ratio: f64,
    /// Ratios this far from 1 are what chance makes: `exp(t limit x standard error)`.
    pub chance: f64,
    /// Whether they tell the same.
    pub agree: bool,
}

/// Holds the halves of a series of positive window values against each other. The middle one of an odd
/// number is left out. `None` with fewer than six windows or a value that is not above zero.
pub fn halves(series: &[f64], tolerance: f64) -> Option<Halves> {
    let half = series.len() / 2;
    if half < LEAST_OF_A_HALF || series.iter().any(|x| *x <= 0.0) {
        return None;
    }
    let logs: Vec<f64> = series.iter().map(|x| x.ln()).collect();
    let (early, late) = (&logs[..half], &logs[logs.len() - half..]);
    let first = median(&series[..half])?;
    let second = median(&series[series.len() - half..])?;
    let (shift, beyond) = student(early, late)?;
    let ratio = second / first;
    let outside = |log: f64| log.abs() > (1.0 + tolerance).ln();
    let agree = !(outside(ratio.ln()) && outside(shift) && shift.abs() > beyond);
    Some(Halves { first, second, ratio, chance: beyond.exp(), agree })
}

/// Difference of the means, and what chance makes of it. Spread and correlation are those of both halves
/// together, each about its own mean: a half alone is too short to tell them.
fn student(early: &[f64], late: &[f64]) -> Option<(f64, f64)> {
    let (first, second) = (mean(early)?, mean(late)?);
    let about = |half: &[f64], level: f64| half.iter().map(|x| x - level).collect::<Vec<f64>>();
    let rest = [about(early, first), about(late, second)].concat();
    let share = independent(&rest) / rest.len() as f64;
    let effective = (early.len() as f64 * share).max(LEAST_OF_A_HALF as f64 * 0.8);
    let variance = rest.iter().map(|x| x * x).sum::<f64>() / (rest.len() - 2) as f64;
    let limit = GUESSED * limit_1_percent((2.0 * effective - 2.0).max(3.0));
    Some((second - first, limit * (2.0 * variance / effective).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::steady::noise::Noise;

    #[test]
    fn a_step_of_a_fifth_is_seen_and_one_of_a_twentieth_is_none() {
        let steps = |by: f64| (0..12).map(move |i| if i < 6 { 1.0 } else { by } + 0.01 * f64::from(i % 3));
        let found = halves(&steps(1.2).collect::<Vec<_>>(), 0.1).unwrap();
        assert!(!found.agree && (found.ratio - 1.2).abs() < 0.01, "{found:?}");
        assert!(halves(&steps(1.05).collect::<Vec<_>>(), 0.1).unwrap().agree);
        assert!(halves(&[1.0, 1.0, 1.0, 2.0, 2.0, 2.0], 0.1).is_some_and(|h| !h.agree));
        assert_eq!(halves(&[1.0; 5], 0.1), None);
        assert_eq!(halves(&[0.0; 8], 0.1), None);
    }

    #[test]
    fn stationary_noise_seldom_disagrees() {
        for (n, spread, phi) in
            [(6, 0.3, 0.0), (10, 0.1, 0.0), (10, 0.3, 0.5), (30, 0.3, 0.5), (60, 0.5, 0.3)]
        {
            let alarms = (0..2_000u64)
                .filter(|seed| {
                    halves(&Noise::new(spread, phi, *seed).series(n), 0.1).is_some_and(|h| !h.agree)
                })
                .count();
            assert!(alarms <= 60, "{alarms} of 2000 with {n} windows, spread {spread}, correlation {phi}");
        }
    }
}
