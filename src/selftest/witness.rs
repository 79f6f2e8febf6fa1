//! Who sees the machine stand still: threads that do nothing but sleep in short steps, apart from
//! everything that is measured. What they slept too long, nobody on that core had.

use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// How long a step is.
const STEP: Nanos = Nanos::from_micros(250);
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
