//! What must come out, computed beforehand: formulas of the method, and recursions over the very
//! draws of a run where a formula would bring sampling noise along. Pure.

/// F5: quantile `q` of the delivery time when everything stands still for `freeze_s` seconds in a
/// window of `window_s` seconds at a constant rate and low load; `None` where it does not reach.
pub(super) fn freeze_quantile(freeze_s: f64, window_s: f64, q: f64) -> Option<f64> {
    Some(freeze_s - (1.0 - q) * window_s).filter(|x| *x > 0.0)
}

/// F3: share of messages that arrive while no long poll is held, at `rate` messages a second with a
/// gap of `gap_s` seconds after each answer.
pub(super) fn gap_share(rate: f64, gap_s: f64) -> f64 {
    let x = rate * gap_s;
    x / (x + (-x).exp())
}

/// The same over the very arrivals, seconds, ascending: an answer goes out with the first message
/// that finds a poll held; the next poll is there `gap_s` later and is answered at once when
/// something came meanwhile.
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

/// Lindley: response times of one worker that serves first come, first served. Arrivals ascending
/// and services in the same unit.
pub(super) fn lindley(arrivals: &[f64], services: &[f64]) -> Vec<f64> {
    let mut free_at = f64::NEG_INFINITY;
    let response = |(at, service): (&f64, &f64)| {
        free_at = f64::max(free_at, *at) + service;
        free_at - at
    };
    arrivals.iter().zip(services).map(response).collect()
}

/// The quantile `q` of values by rank, as the histogram counts: the least value that `q` of all do
/// not exceed. The slice need not be sorted; an empty one has none.
pub(super) fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (q * sorted.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

/// Arithmetic mean; zero of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
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

    #[test]
    fn f5_is_that_of_the_method() {
        let at = |q| freeze_quantile(1.4, 10.0, q);
        assert!((at(0.99).unwrap() - 1.3).abs() < 1e-12);
        assert_eq!(at(0.5), None);
    }

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
        assert!((inside as f64 / all as f64 / gap_share(50.0, 0.02) - 1.0).abs() < 0.005);
    }

    #[test]
    fn lindley_is_f11_for_exponential_draws() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut exponential = |mean: f64| -(1.0 - random.f64()).ln() * mean;
        let mut at = 0.0;
        let arrivals: Vec<f64> = (0..1_000_000)
            .map(|_| {
                at += exponential(1.25);
                at
            })
            .collect();
        let services: Vec<f64> = (0..1_000_000).map(|_| exponential(1.0)).collect();
        let times = lindley(&arrivals, &services);
        assert!((mean(&times) / 5.0 - 1.0).abs() < 0.05, "mean {}", mean(&times));
        assert!((quantile(&times, 0.99).unwrap() / 23.0 - 1.0).abs() < 0.1);
        assert_eq!(lindley(&[0.0, 1.0, 9.0], &[2.0, 2.0, 2.0]), [2.0, 3.0, 2.0]);
    }

    #[test]
    fn ranks_and_slopes() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&hundred, 0.99), Some(99.0));
        assert_eq!(quantile(&hundred, 0.5), Some(50.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert!((slope(&[(1.0, 5.0), (2.0, 7.0), (4.0, 11.0)]) - 2.0).abs() < 1e-12);
    }
}
