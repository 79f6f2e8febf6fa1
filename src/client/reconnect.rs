//! When a client whose session ended tries again. Pure: no clock, no I/O.
//!
//! The parameters are those of the libraries that browsers use (an interval, a longest interval, a
//! decay, a limit of attempts); each client draws from its own seeded generator, so that a plan gives
//! the same storm twice.

use crate::model::{Backoff, Nanos, ReconnectSpec};

/// Where one client stands with its policy. A few bytes, since every client has one.
#[derive(Debug)]
pub(super) struct Reconnect {
    random: fastrand::Rng,
    /// Attempts since a session was ready.
    in_a_row: u32,
}

impl Reconnect {
    /// A client that has tried nothing yet.
    pub(super) fn new(seed: u64) -> Reconnect {
        Reconnect { random: fastrand::Rng::with_seed(seed), in_a_row: 0 }
    }

    /// The pause before the next attempt; `None`: it gives up. `asked` is what the server asked for:
    /// where the policy honours it, the longer of the two is taken.
    pub(super) fn pause(&mut self, spec: &ReconnectSpec, asked: Option<Nanos>) -> Option<Nanos> {
        if spec.attempts.is_some_and(|most| self.in_a_row >= most) {
            return None;
        }
        let own = self.own_pause(&spec.backoff)?;
        self.in_a_row += 1;
        let asked = asked.filter(|_| spec.honour_server).unwrap_or(Nanos::ZERO);
        Some(own.max(asked))
    }

    /// A session became ready: the next pause is the first one again.
    pub(super) fn ready(&mut self) {
        self.in_a_row = 0;
    }

    fn own_pause(&mut self, backoff: &Backoff) -> Option<Nanos> {
        match *backoff {
            Backoff::None => None,
            Backoff::Fixed { interval } => Some(interval),
            Backoff::Exponential { interval, max, decay, jitter } => {
                let middle = grown(interval, max, decay, self.in_a_row);
                let factor = 1.0 + jitter * (2.0 * self.random.f64() - 1.0);
                // The limit holds for what is waited, not for what jitter is added to.
                Some(Nanos((middle.0 as f64 * factor) as u64).min(max))
            }
            Backoff::FullJitter { interval, max, decay } => {
                let most = grown(interval, max, decay, self.in_a_row);
                Some(Nanos((most.0 as f64 * self.random.f64()) as u64))
            }
        }
    }

    /// A time around `mean`: exponentially distributed, as long as a memoryless client stays, or
    /// exactly it.
    pub(super) fn span(&mut self, mean: Nanos, fixed: bool) -> Nanos {
        if fixed {
            return mean;
        }
        // 1 - [0, 1) is never 0, whose logarithm has no end.
        Nanos((-(1.0 - self.random.f64()).ln() * mean.0 as f64) as u64)
    }
}

/// `min(max, interval x decay^n)`.
fn grown(interval: Nanos, max: Nanos, decay: f64, n: u32) -> Nanos {
    let grown = interval.0 as f64 * decay.powi(i32::try_from(n).unwrap_or(i32::MAX));
    if grown < max.0 as f64 { Nanos(grown as u64) } else { max }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Nanos {
        Nanos::from_millis(n)
    }

    fn spec(backoff: Backoff) -> ReconnectSpec {
        ReconnectSpec { backoff, ..ReconnectSpec::default() }
    }

    fn pauses(spec: &ReconnectSpec, seed: u64, n: usize) -> Vec<Option<Nanos>> {
        let mut policy = Reconnect::new(seed);
        (0..n).map(|_| policy.pause(spec, None)).collect()
    }

    #[test]
    fn none_never_comes_back_even_when_asked_to() {
        assert_eq!(Reconnect::new(1).pause(&spec(Backoff::None), Some(ms(5))), None);
    }

    #[test]
    fn fixed_is_fixed_and_attempts_are_counted_anew_after_a_session() {
        let spec = ReconnectSpec { attempts: Some(2), ..spec(Backoff::Fixed { interval: ms(700) }) };
        let mut policy = Reconnect::new(1);
        let next = |policy: &mut Reconnect| policy.pause(&spec, None);
        assert_eq!(
            [next(&mut policy), next(&mut policy), next(&mut policy)],
            [Some(ms(700)), Some(ms(700)), None]
        );
        policy.ready();
        assert_eq!(next(&mut policy), Some(ms(700)));
    }

    #[test]
    fn exponential_grows_to_its_limit_and_never_beyond() {
        let exact = Backoff::Exponential { interval: ms(1_000), max: ms(5_000), decay: 1.5, jitter: 0.0 };
        let wanted = [1_000, 1_500, 2_250, 3_375, 5_000, 5_000].map(|n| Some(ms(n)));
        assert_eq!(pauses(&spec(exact), 3, 6), wanted);
        let mut late = Reconnect { random: fastrand::Rng::with_seed(1), in_a_row: u32::MAX - 1 };
        assert_eq!(late.pause(&spec(exact), None), Some(ms(5_000)), "powers that overflow are the limit");
    }

    #[test]
    fn jitter_stays_within_its_share_and_fills_it() {
        let backoff = Backoff::Exponential { interval: ms(1_000), max: ms(2_000), decay: 1.0, jitter: 0.5 };
        let drawn: Vec<Nanos> = pauses(&spec(backoff), 9, 1_000).into_iter().flatten().collect();
        assert!(drawn.iter().all(|p| (ms(500)..=ms(1_500)).contains(p)));
        let (low, high) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
        assert!(*low < ms(510) && *high > ms(1_490), "{low} {high}");
    }

    #[test]
    fn no_pause_is_longer_than_the_limit_whatever_the_jitter() {
        let backoff = Backoff::Exponential { interval: ms(1_000), max: ms(4_000), decay: 2.0, jitter: 0.5 };
        let drawn: Vec<Nanos> = (0..200).flat_map(|s| pauses(&spec(backoff), s, 6)).flatten().collect();
        assert!(drawn.iter().all(|p| *p <= ms(4_000)), "{:?}", drawn.iter().max());
        assert!(drawn.contains(&ms(4_000)));
    }

    #[test]
    fn full_jitter_is_anything_up_to_the_bound() {
        let backoff = Backoff::FullJitter { interval: ms(1_000), max: ms(4_000), decay: 2.0 };
        for seed in 0..500 {
            let drawn: Vec<Nanos> = pauses(&spec(backoff), seed, 4).into_iter().flatten().collect();
            let within = drawn.iter().zip([1_000, 2_000, 4_000, 4_000]).all(|(p, most)| *p <= ms(most));
            assert!(within, "{drawn:?}");
        }
        let thirds: Vec<Nanos> = (0..500).filter_map(|seed| pauses(&spec(backoff), seed, 3)[2]).collect();
        assert!(thirds.iter().any(|p| *p > ms(3_900)) && thirds.iter().any(|p| *p < ms(100)));
    }

    #[test]
    fn the_same_seed_gives_the_same_pauses() {
        let backoff = Backoff::FullJitter { interval: ms(1_000), max: ms(30_000), decay: 2.0 };
        assert_eq!(pauses(&spec(backoff), 5, 8), pauses(&spec(backoff), 5, 8));
        assert_ne!(pauses(&spec(backoff), 5, 8), pauses(&spec(backoff), 6, 8));
    }

    #[test]
    fn what_the_server_asks_for_is_honoured_where_it_is_longer() {
        let fixed = spec(Backoff::Fixed { interval: ms(1_000) });
        let mut policy = Reconnect::new(1);
        assert_eq!(policy.pause(&fixed, Some(ms(3_000))), Some(ms(3_000)));
        assert_eq!(policy.pause(&fixed, Some(ms(10))), Some(ms(1_000)));
        let deaf = ReconnectSpec { honour_server: false, ..fixed };
        assert_eq!(policy.pause(&deaf, Some(ms(3_000))), Some(ms(1_000)));
    }

    #[test]
    fn lengths_of_stays_have_the_mean_that_was_asked_for() {
        let mut policy = Reconnect::new(4);
        assert_eq!(policy.span(ms(30_000), true), ms(30_000));
        let sum: u64 = (0..20_000).map(|_| policy.span(ms(1_000), false).0).sum();
        let mean = sum / 20_000;
        assert!((970_000_000..1_030_000_000).contains(&mean), "{mean}");
    }
}
