//! When the next message is due. Pure: no clock, no I/O; a seed gives the same times for ever.
//!
//! Due times are fixed before a run, so they cannot depend on how the target behaves (an open
//! model); slice `i` of `n` workers is whole channels, so that a channel keeps one publisher.

use crate::model::Nanos;

/// Due times lie on a grid of this width: that of the stamp, which tells whole microseconds. Wider
/// ones would gather messages of several channels at one instant, where all but one are late.
pub const GRID: Nanos = Nanos::from_micros(1);

fn on_grid(offset_ns: f64) -> Nanos {
    let at = offset_ns as u64;
    Nanos(at - at % GRID.0)
}

/// When messages are due: offsets from the start, never decreasing, on the [`GRID`], the same for
/// the same seed.
pub trait Pacer: Iterator<Item = Nanos> {}

/// Evenly spaced from a phase within the first period. Each due time is computed from its index, so
/// rounding never adds up.
#[derive(Clone, Debug)]
pub struct Constant {
    period_ns: f64,
    phase_ns: f64,
    index: u64,
}

impl Constant {
    /// `rate_per_s` above 0; `phase` in `0.0..1.0` of a period.
    pub fn new(rate_per_s: f64, phase: f64) -> Constant {
        let period_ns = 1e9 / rate_per_s;
        Constant { period_ns, phase_ns: phase * period_ns, index: 0 }
    }
}

impl Iterator for Constant {
    type Item = Nanos;

    fn next(&mut self) -> Option<Nanos> {
        let due = self.phase_ns + self.index as f64 * self.period_ns;
        self.index += 1;
        Some(on_grid(due))
    }
}

impl Pacer for Constant {}

/// A Poisson process: independent exponential gaps.
#[derive(Clone, Debug)]
pub struct Poisson {
    mean_gap_ns: f64,
    at_ns: f64,
    random: fastrand::Rng,
}

impl Poisson {
    /// `rate_per_s` above 0.
    pub fn new(rate_per_s: f64, seed: u64) -> Poisson {
        Poisson { mean_gap_ns: 1e9 / rate_per_s, at_ns: 0.0, random: fastrand::Rng::with_seed(seed) }
    }
}

impl Iterator for Poisson {
    type Item = Nanos;

    fn next(&mut self) -> Option<Nanos> {
        // 1 - u lies in (0, 1], so the logarithm is finite.
        self.at_ns -= (1.0 - self.random.f64()).ln() * self.mean_gap_ns;
        Some(on_grid(self.at_ns))
    }
}

impl Pacer for Poisson {}

/// How due times are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// See [`Constant`].
    Constant,
    /// See [`Poisson`].
    Poisson,
}

/// The due times of one channel: its messages are numbered by their place in this.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Evenly spaced.
    Constant(Constant),
    /// Poisson.
    Poisson(Poisson),
}

impl Schedule {
    /// The schedule of `channel` in a run with this seed; `rate_per_s` above 0. Channels get phases
    /// (or gaps) of their own, so that they do not fire together.
    pub fn of_channel(spacing: Spacing, rate_per_s: f64, seed: u64, channel: u32) -> Schedule {
        let mut random =
            fastrand::Rng::with_seed(seed ^ (u64::from(channel) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        match spacing {
            Spacing::Constant => Schedule::Constant(Constant::new(rate_per_s, random.f64())),
            Spacing::Poisson => Schedule::Poisson(Poisson::new(rate_per_s, random.u64(..))),
        }
    }

    /// The numbers of the messages due in `from..to` (offsets from the start).
    pub fn numbers_between(&self, from: Nanos, to: Nanos) -> std::ops::Range<u32> {
        let before = |limit: Nanos| self.clone().take_while(|due| *due < limit).count() as u32;
        before(from)..before(to)
    }
}

impl Iterator for Schedule {
    type Item = Nanos;

    fn next(&mut self) -> Option<Nanos> {
        match self {
            Schedule::Constant(s) => s.next(),
            Schedule::Poisson(s) => s.next(),
        }
    }
}

impl Pacer for Schedule {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_decreasing_and_the_same_again(rate in 0.1_f64..50_000.0, seed: u64, channel in 0_u32..1000, poisson: bool) {
            let spacing = if poisson { Spacing::Poisson } else { Spacing::Constant };
            let times = || Schedule::of_channel(spacing, rate, seed, channel).take(500).collect::<Vec<_>>();
            let once = times();
            prop_assert!(once.is_sorted());
            prop_assert_eq!(once, times());
        }

        #[test]
        fn constant_is_right_in_count(rate in 0.5_f64..20_000.0, seed: u64) {
            let schedule = Schedule::of_channel(Spacing::Constant, rate, seed, 0);
            let n = schedule.numbers_between(Nanos::SECOND, Nanos::SECOND * 3).len() as f64;
            prop_assert!((n - 2.0 * rate).abs() <= 1.0, "{} of {}", n, 2.0 * rate);
        }
    }

    #[test]
    fn poisson_has_the_mean_and_the_spread_of_one() {
        let n = 100_000;
        let times: Vec<f64> = Poisson::new(100.0, 7).take(n).map(Nanos::as_secs_f64).collect();
        let gaps: Vec<f64> = times.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let sd = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        assert!((mean / 0.01 - 1.0).abs() < 0.02, "mean {mean}");
        assert!((sd / 0.01 - 1.0).abs() < 0.02, "sd {sd}");
    }

    #[test]
    fn channels_have_phases_of_their_own() {
        let first = |c| Schedule::of_channel(Spacing::Constant, 20.0, 1, c).next();
        assert_ne!(first(0), first(1));
    }
}
