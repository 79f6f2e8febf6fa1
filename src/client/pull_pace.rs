//! When a pull client asks next. Pure.

use crate::model::Nanos;
use crate::transport::Rhythm;

/// First pause after a failed held request; it doubles up to [`LONGEST_PAUSE`], so that a target
/// that refuses is not stormed.
const FIRST_PAUSE: Nanos = Nanos::from_millis(100);
const LONGEST_PAUSE: Nanos = Nanos::from_millis(5_000);

/// The times at which one client asks.
#[derive(Debug)]
pub(super) struct PullPace {
    rhythm: Rhythm,
    /// The tick that the next fixed-rate request is for.
    tick: Nanos,
    /// How long after an answer the next request comes, where it counts from the answer.
    pause: Nanos,
}

/// The next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    /// When it is intended.
    pub(super) intended: Nanos,
    /// Ticks that passed while the last request was under way and that no request is sent for: this
    /// one is intended for the oldest of them, so that its response time holds all the waiting.
    pub(super) skipped: u64,
}

impl PullPace {
    /// For a client attached at `now`. Its first request goes out at once (it subscribes); those
    /// after it at `phase` (0..1) of a period, so that clients do not ask in step.
    pub(super) fn new(rhythm: Rhythm, now: Nanos, phase: f64) -> PullPace {
        let offset = match rhythm {
            Rhythm::Interval { every, .. } => Nanos((every.0 as f64 * phase) as u64),
            Rhythm::Push | Rhythm::Held { .. } => Nanos::ZERO,
        };
        PullPace { rhythm, tick: now + offset, pause: offset }
    }

    /// The request after one that ended at `now`.
    pub(super) fn after(&mut self, now: Nanos, good: bool) -> Next {
        match self.rhythm {
            Rhythm::Interval { every, fixed_rate: true } => self.next_tick(now, every),
            Rhythm::Interval { every, fixed_rate: false } => {
                let pause = std::mem::replace(&mut self.pause, every);
                Next { intended: now + pause, skipped: 0 }
            }
            Rhythm::Held { .. } | Rhythm::Push => Next { intended: now + self.backoff(good), skipped: 0 },
        }
    }

    /// The target asked at `now` for so long a pause: ticks within it are not skipped, there are none.
    pub(super) fn rest(&mut self, now: Nanos, pause: Nanos) {
        match self.rhythm {
            Rhythm::Interval { every, fixed_rate: true } => {
                self.tick += every * (now + pause - self.tick).0.div_ceil(every.0);
            }
            _ => self.pause = self.pause.max(pause),
        }
    }

    fn next_tick(&mut self, now: Nanos, every: Nanos) -> Next {
        let intended = self.tick;
        let skipped = (now - intended).0 / every.0;
        self.tick = intended + every * (skipped + 1);
        Next { intended, skipped }
    }

    fn backoff(&mut self, good: bool) -> Nanos {
        self.pause = match (good, self.pause) {
            (true, _) => Nanos::ZERO,
            (false, Nanos::ZERO) => FIRST_PAUSE,
            (false, pause) => (pause * 2).min(LONGEST_PAUSE),
        };
        self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Nanos = Nanos::from_millis(1_000);

    fn ms(n: u64) -> Nanos {
        Nanos::from_millis(n)
    }

    #[test]
    fn fixed_rate_keeps_its_phase_however_late_the_answers_are() {
        let mut pace = PullPace::new(Rhythm::Interval { every: EVERY, fixed_rate: true }, ms(100), 0.25);
        let mut next = |now| pace.after(ms(now), true);
        assert_eq!(next(105), Next { intended: ms(350), skipped: 0 });
        assert_eq!(next(360), Next { intended: ms(1_350), skipped: 0 });
        // Answered after 2,350 and 3,350 have passed: one request for both, intended for the first.
        assert_eq!(next(3_400), Next { intended: ms(2_350), skipped: 1 });
        assert_eq!(next(3_410), Next { intended: ms(4_350), skipped: 0 });
    }

    #[test]
    fn a_pause_that_was_asked_for_is_kept_and_no_tick_of_it_is_skipped() {
        let mut pace = PullPace::new(Rhythm::Interval { every: EVERY, fixed_rate: true }, ms(0), 0.25);
        pace.rest(ms(10), ms(2_000));
        assert_eq!(pace.after(ms(10), false), Next { intended: ms(2_250), skipped: 0 });
        let mut pace = PullPace::new(Rhythm::Interval { every: EVERY, fixed_rate: false }, ms(0), 0.25);
        pace.rest(ms(10), ms(2_000));
        assert_eq!(pace.after(ms(10), false).intended, ms(2_010));
        assert_eq!(pace.after(ms(3_000), true).intended, ms(4_000));
    }

    #[test]
    fn fixed_delay_counts_from_the_answer() {
        let mut pace = PullPace::new(Rhythm::Interval { every: EVERY, fixed_rate: false }, ms(0), 0.5);
        assert_eq!(pace.after(ms(3), true).intended, ms(503));
        assert_eq!(pace.after(ms(512), true).intended, ms(1_512));
    }

    #[test]
    fn a_held_request_follows_at_once_but_backs_off_from_failures() {
        let mut pace = PullPace::new(Rhythm::Held { settle: ms(300) }, ms(0), 0.0);
        let mut pause = |good| (pace.after(ms(10), good).intended - ms(10)).0 / 1_000_000;
        let pauses: Vec<u64> = [true, false, false, false, true, false].into_iter().map(&mut pause).collect();
        assert_eq!(pauses, [0, 100, 200, 400, 0, 100]);
        let longest = (0..10).map(|_| pause(false)).max();
        assert_eq!(longest, Some(5_000));
    }
}
