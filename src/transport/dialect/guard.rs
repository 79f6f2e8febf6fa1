//! Tells rules that answer one another without end.

use crate::model::Nanos;

/// What rules may send in one [`SPAN`] without anything coming of it.
pub(super) const MOST_SENDS: u32 = 64;
/// See [`MOST_SENDS`]. Long enough for a loop over a slow line, short enough for no heartbeat.
pub(super) const SPAN: Nanos = Nanos::from_millis(5_000);

/// Counts what rules send since the last message, the last step, or readiness.
#[derive(Default)]
pub(super) struct Guard {
    since: Nanos,
    sends: u32,
}

impl Guard {
    /// Something came of it.
    pub(super) fn progress(&mut self) {
        self.sends = 0;
    }

    /// A rule sends so many texts now; whether that is one too many.
    pub(super) fn sends(&mut self, count: usize, now: Nanos) -> bool {
        if self.sends == 0 || now - self.since > SPAN {
            (self.since, self.sends) = (now, 0);
        }
        self.sends = self.sends.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        self.sends > MOST_SENDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_told_and_heartbeats_are_none() {
        let mut guard = Guard::default();
        assert_eq!((0..100).position(|n| guard.sends(1, Nanos::from_millis(n * 20))), Some(64));
        let mut guard = Guard::default();
        assert!((0..10_000).all(|n| !guard.sends(1, Nanos::from_millis(n * 100))));
    }

    #[test]
    fn what_comes_of_it_begins_anew() {
        let mut guard = Guard::default();
        for n in 0..1_000 {
            assert!(!guard.sends(1, Nanos::from_millis(n)));
            if n % 50 == 49 {
                guard.progress();
            }
        }
    }
}
