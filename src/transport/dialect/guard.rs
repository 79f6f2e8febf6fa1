//! Tells rules that answer one another without end.
//!
//! A rule that sends may have provoked the unit that it answers. What shows that it has not: a
//! message of this run, a step done, the first readiness, or that nothing came for a while, as
//! between heartbeats. A unit that the rule itself calls a message shows it only where messages hold
//! no stamp, and there are fewer of them than any server publishes to one client.

use crate::model::Nanos;

/// What rules may send in one [`SPAN`] without anything coming of it.
pub(super) const MOST_SENDS: u32 = 64;
/// The same for rules that say "deliver", where the target publishes by itself.
pub(super) const MOST_ACKNOWLEDGED: u32 = 5_000;
/// See [`MOST_SENDS`]. Long enough for a loop over a slow line.
pub(super) const SPAN: Nanos = Nanos::from_millis(5_000);
/// What comes so soon after a rule has sent may be the answer to it; a heartbeat comes later.
pub(super) const SOON: Nanos = Nanos::from_millis(250);
/// How many sends in a row may each be answered so soon, without anything else coming of it.
pub(super) const MOST_ANSWERED: u32 = 256;

/// Which limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loop {
    /// So many sends within [`SPAN`].
    Fast(u32),
    /// [`MOST_ANSWERED`].
    Steady,
}

impl Loop {
    /// For people.
    pub(super) fn words(self) -> String {
        match self {
            Loop::Fast(most) => format!("more than {most} sends within {} s", SPAN.as_secs_f64()),
            Loop::Steady => {
                format!("more than {MOST_ANSWERED} sends, each answered within {} s", SOON.as_secs_f64())
            }
        }
    }
}

/// Counts what rules send since the last message, the last step, or readiness.
#[derive(Default)]
pub(super) struct Guard {
    /// When the span began.
    since: Nanos,
    sends: u32,
    /// Sends answered soon, in a row.
    answered: u32,
    /// When a rule last sent.
    last: Nanos,
}

impl Guard {
    /// Something came of it.
    pub(super) fn progress(&mut self) {
        (self.sends, self.answered) = (0, 0);
    }

    /// A rule sends so many texts now, in answer to a unit that is a `message` of the target's own or
    /// not; the limit that it passes.
    pub(super) fn sends(&mut self, count: usize, now: Nanos, message: bool) -> Option<Loop> {
        if self.sends == 0 || now - self.since > SPAN {
            (self.since, self.sends) = (now, 0);
        }
        if message || now - self.last > SOON {
            self.answered = 0;
        }
        self.last = now;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.sends = self.sends.saturating_add(count);
        self.answered = self.answered.saturating_add(count);
        let most = if message { MOST_ACKNOWLEDGED } else { MOST_SENDS };
        if self.sends > most {
            return Some(Loop::Fast(most));
        }
        (self.answered > MOST_ANSWERED).then_some(Loop::Steady)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Nanos {
        Nanos::from_millis(1_000_000 + n)
    }

    /// How many sends, one each so many milliseconds, were let pass.
    fn passed(every: u64, message: bool) -> Option<(u64, Loop)> {
        let mut guard = Guard::default();
        (0..10_000).find_map(|n| guard.sends(1, ms(n * every), message).map(|over| (n, over)))
    }

    #[test]
    fn a_loop_is_told_however_slow_it_turns_and_heartbeats_are_none() {
        assert_eq!(passed(20, false), Some((64, Loop::Fast(64))));
        assert_eq!(passed(80, false), Some((256, Loop::Steady)));
        assert_eq!(passed(250, false), Some((256, Loop::Steady)));
        assert_eq!(passed(300, false), None);
    }

    #[test]
    fn messages_of_a_target_may_be_acknowledged_but_not_without_end() {
        assert_eq!(passed(2, true), None);
        assert_eq!(passed(0, true), Some((5_000, Loop::Fast(5_000))));
    }

    #[test]
    fn what_comes_of_it_begins_anew() {
        let mut guard = Guard::default();
        for n in 0..1_000 {
            assert_eq!(guard.sends(1, ms(n), false), None);
            if n % 50 == 49 {
                guard.progress();
            }
        }
    }

    #[test]
    fn limits_read_like_sentences() {
        assert_eq!(Loop::Fast(64).words(), "more than 64 sends within 5 s");
        assert_eq!(Loop::Steady.words(), "more than 256 sends, each answered within 0.25 s");
    }
}
