//! `delay`, `service` and `slow`: how long a message is held before it is given out.
//!
//! Pure: times in, times out, so that others can compute what a run was given.

use super::FaultError;
use super::draw::{draw, exponential};
use super::words::Words;
use crate::model::Nanos;

/// How delays are written.
pub(super) const DELAY: &str =
    "delay TIME | delay TIME or TIME for N% [seed N] | delay exponential TIME [seed N]";
/// How a service time is written.
pub(super) const SERVICE: &str = "service exponential TIME [seed N]";
/// How slow first seconds are written.
pub(super) const SLOW: &str = "slow TIME for the first TIME";

/// How long each message is held, whatever the others do: one may overtake another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// Always so long.
    Fixed(Nanos),
    /// Mostly the first, and the second for a share of the messages.
    Bimodal {
        /// For most.
        usual: Nanos,
        /// For the others.
        other: Nanos,
        /// Their expected share, in millionths.
        share_ppm: u64,
        /// What the draws begin with.
        seed: u64,
    },
    /// Exponential.
    Exponential {
        /// The mean.
        mean: Nanos,
        /// What the draws begin with.
        seed: u64,
    },
}

impl Delay {
    pub(super) fn read(mut words: Words<'_>) -> Result<Delay, FaultError> {
        let mut ahead = words.clone();
        if ahead.next() == Some("exponential") {
            let mean = ahead.time()?;
            return Ok(Delay::Exponential { mean, seed: ahead.seed()? });
        }
        let usual = words.time()?;
        match words.next() {
            None => Ok(Delay::Fixed(usual)),
            Some("or") => {
                let other = words.time()?;
                words.expect("for", "`for`")?;
                let want = "a share such as 1% (above 0, below 100)";
                let share_ppm = words.millionths(("%", 1e4, 99.9999), want)?;
                Ok(Delay::Bimodal { usual, other, share_ppm, seed: words.seed()? })
            }
            other => Err(words.wanted(other, "`or` or the end")),
        }
    }

    /// The delay of the `n`-th message published to a channel, counted from 1.
    pub fn of(self, channel: &str, n: u64) -> Nanos {
        match self {
            Delay::Fixed(time) => time,
            Delay::Bimodal { usual, other, share_ppm, seed } => {
                if draw(seed, channel, n) * 1e6 <= share_ppm as f64 { other } else { usual }
            }
            Delay::Exponential { mean, seed } => exponential(mean, draw(seed, channel, n)),
        }
    }
}

/// One worker for each channel, first come first served: a message waits until those before it are
/// done, then takes its own time, then is given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The mean service time.
    pub mean: Nanos,
    /// What the draws begin with.
    pub seed: u64,
}

impl Service {
    pub(super) fn read(mut words: Words<'_>) -> Result<Service, FaultError> {
        words.expect("exponential", "`exponential`")?;
        let mean = words.time()?;
        Ok(Service { mean, seed: words.seed()? })
    }

    /// The service time of the `n`-th message published to a channel, counted from 1. With arrivals
    /// A, the message is done at D(n) = max(A(n), D(n-1)) + S(n) (Lindley 1952).
    pub fn of(self, channel: &str, n: u64) -> Nanos {
        exponential(self.mean, draw(self.seed, channel, n))
    }
}

/// Messages published early are held longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slow {
    /// How much longer.
    pub extra: Nanos,
    /// Until when, from the first connection accepted.
    pub first: Nanos,
}

impl Slow {
    pub(super) fn read(mut words: Words<'_>) -> Result<Slow, FaultError> {
        let extra = words.time()?;
        for word in ["for", "the", "first"] {
            words.expect(word, "`for the first`")?;
        }
        let first = words.time()?;
        words.end()?;
        Ok(Slow { extra, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bimodal_delay_keeps_its_share() {
        let delay = Delay::Bimodal {
            usual: Nanos::from_millis(1),
            other: Nanos::from_millis(100),
            share_ppm: 10_000,
            seed: 1,
        };
        let long = (1..=100_000).filter(|n| delay.of("c", *n) == Nanos::from_millis(100)).count();
        // Six standard deviations of a binomial count of 1,000.
        assert!(long.abs_diff(1_000) < 190, "{long}");
    }
}
