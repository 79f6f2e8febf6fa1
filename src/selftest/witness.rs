//! Who sees the machine stand still: threads that do nothing but sleep in short steps, apart from
//! everything that is measured. What they slept too long, nobody on that core had.

use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// How long a step is.
const STEP: Nanos = Nanos::from_micros(500);
/// A step that ends so much later was a stall: more than a core takes to come out of its own sleep.
const LATE: Nanos = Nanos::from_micros(250);

/// A time in which a core did not do what it should have. It may have begun at any time after `from_ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// When the witness last ran, nanoseconds of `CLOCK_MONOTONIC`.
    pub from_ns: u64,
    /// When it ran again.
    pub to_ns: u64,
}

/// Share of the time from `from` to `to` in which a core stood still, the mean over the cores.
pub(super) fn stalled_share(stalls: &[Stall], (from, to): (Nanos, Nanos), cores: usize) -> f64 {
    // The step itself was meant to be slept.
    let inside = |s: &Stall| s.to_ns.min(to.0).saturating_sub((s.from_ns + STEP.0).max(from.0));
    let all: u64 = stalls.iter().map(inside).sum();
    all as f64 / ((to - from).0.max(1) as f64 * cores.max(1) as f64)
}

/// What a witness has seen so far.
#[derive(Clone, Debug, Default)]
pub struct Witness(Arc<Mutex<Vec<Stall>>>);

impl Witness {
    /// Watches on the core of this thread. Never returns.
    pub fn watch(&self) -> ! {
        let mut from = Clock::Monotonic.now();
        loop {
            sleep_blocking(STEP);
            let to = Clock::Monotonic.now();
            if to - from > STEP + LATE {
                self.0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(Stall { from_ns: from.0, to_ns: to.0 });
            }
            from = to;
        }
    }

    /// All stalls so far, those of a core in order.
    pub fn stalls(&self) -> Vec<Stall> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_inside_counts() {
        let us = Nanos::from_micros;
        let stall = |from, to| Stall { from_ns: us(from).0, to_ns: us(to).0 };
        let stalls = [stall(0, 2_000), stall(8_500, 30_000)];
        let share = |from, to, cores| stalled_share(&stalls, (us(from), us(to)), cores);
        assert_eq!((share(1_000, 11_000, 1), share(1_000, 11_000, 2)), (0.3, 0.15));
        assert_eq!(share(2_000, 9_000, 1), 0.0, "what it was to sleep is no stall");
    }
}
