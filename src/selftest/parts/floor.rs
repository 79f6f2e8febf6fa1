//! What transport adds to a delay: measured by runs without one.

use crate::analysis::describe::{self, quantile};

/// So many sums stand for all pairs of a draw and a floor time.
const SUMS: usize = 400_000;

/// Delivery times without a fault.
pub(in crate::selftest) struct Floor(Vec<f64>);

impl Floor {
    /// These, nanoseconds.
    pub(in crate::selftest) fn of(times: Vec<f64>) -> Floor {
        Floor(times)
    }

    /// The mean.
    pub(in crate::selftest) fn mean(&self) -> f64 {
        describe::mean(&self.0).unwrap_or(f64::NAN)
    }

    /// The quantile `q` of draw + floor, over pairs of both, independent of one another. The pairs are
    /// dealt by a fixed seed.
    pub(in crate::selftest) fn under(&self, draws: &[f64], q: f64) -> f64 {
        if self.0.is_empty() || draws.is_empty() {
            return f64::NAN;
        }
        let mut random = fastrand::Rng::with_seed(5);
        let rounds = SUMS.div_ceil(draws.len());
        let mut sums = Vec::with_capacity(rounds * draws.len());
        for _ in 0..rounds {
            sums.extend(draws.iter().map(|draw| draw + self.0[random.usize(..self.0.len())]));
        }
        quantile(&sums, q).unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_delay_shifts_the_floor_and_a_wide_one_hides_it() {
        let floor = Floor((0..1_000).map(f64::from).collect());
        let p99 = floor.under(&[10_000.0; 50], 0.99);
        assert!((p99 - 10_990.0).abs() < 3.0, "{p99}");
        let wide: Vec<f64> = (0..10_000).map(|i| f64::from(i) * 1e4).collect();
        let p99 = floor.under(&wide, 0.99) - quantile(&wide, 0.99).unwrap();
        assert!((p99 - floor.mean()).abs() < 20_000.0, "{p99}");
        assert!(floor.under(&[], 0.5).is_nan());
    }
}
