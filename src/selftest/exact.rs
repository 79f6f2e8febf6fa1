//! What must come out, computed over the very draws of a run, where a formula of `analysis` would
//! bring sampling noise along. Pure.

/// Long polls over the very arrivals, seconds, ascending: an answer goes out with the first message
/// that finds a poll held; the next poll is there `gap_s` later and is answered at once when
/// something came meanwhile. How many arrived while no poll was held, and how many in all.
pub(super) fn arrivals_in_gaps(arrivals: impl Iterator<Item = f64>, gap_s: f64) -> (u64, u64) {
    let (mut gap_ends, mut batch, mut in_gaps, mut all) = (f64::NEG_INFINITY, 0_u64, 0_u64, 0_u64);
    for at in arrivals {
        all += 1;
        // Gaps that were over by now: one with something in it is followed by another.
        while at >= gap_ends && batch > 0 {
            gap_ends += gap_s;
            batch = 0;
        }
        if at < gap_ends {
            in_gaps += 1;
            batch += 1;
        } else {
            gap_ends = at + gap_s;
        }
    }
    (in_gaps, all)
}

/// Slope of the least-squares line through points (x, y).
pub(super) fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let cov: f64 = points.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    cov / points.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::formulas::long_poll_gap_share;

    #[test]
    fn gaps_by_hand() {
        // Gap 1: the message at 0 finds a poll; 0.5 falls into its gap, whose end answers it and
        // begins another until 2; 1.5 falls into that, the next ends at 3; 5 finds a poll.
        let arrivals = [0.0, 0.5, 1.5, 5.0];
        assert_eq!(arrivals_in_gaps(arrivals.into_iter(), 1.0), (2, 4));
        assert_eq!(arrivals_in_gaps([0.0, 1.0, 2.0].into_iter(), 1.0), (0, 3));
    }

    #[test]
    fn the_recursion_and_f3_agree_for_poisson_arrivals() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut at = 0.0;
        let arrivals: Vec<f64> = (0..400_000)
            .map(|_| {
                at -= (1.0 - random.f64()).ln() / 50.0;
                at
            })
            .collect();
        let (inside, all) = arrivals_in_gaps(arrivals.into_iter(), 0.02);
        assert!((inside as f64 / all as f64 / long_poll_gap_share(50.0, 0.02) - 1.0).abs() < 0.005);
    }

    #[test]
    fn a_slope_is_that_of_the_line() {
        assert!((slope(&[(1.0, 5.0), (2.0, 7.0), (4.0, 11.0)]) - 2.0).abs() < 1e-12);
    }
}
