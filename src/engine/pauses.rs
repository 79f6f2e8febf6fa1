//! The quiet stretches around a run's clients: before the first is due, and after the last has left.

use super::interrupt::Interrupt;
use super::process::LOOK;
use super::readings::Readings;
use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use crate::pace::GRID;
use crate::scenario::RunPlan;

/// How long to wait before the first client, to see what the machine does anyway.
pub(super) fn before(run: &RunPlan) -> Nanos {
    Nanos(run.phases.measure.0 / 10).clamp(Nanos::from_millis(100), Nanos::SECOND)
}

/// How long to wait after the last one, for the target to put away what it needs no more.
pub(super) fn after(run: &RunPlan) -> Nanos {
    run.stairs.as_ref().map_or_else(|| before(run), |stairs| stairs.hold)
}

/// Waits, but not after an interrupt, and not for a target that is not read. Tells how long.
pub(super) fn pause(readings: &Readings, length: Nanos, interrupt: &Interrupt) -> Nanos {
    if !readings.sees_target() {
        return Nanos::ZERO;
    }
    let before = Clock::Monotonic.now();
    while !interrupt.requested() && Clock::Monotonic.now() < before + length {
        sleep_blocking((before + length - Clock::Monotonic.now()).min(LOOK));
    }
    Clock::Monotonic.now() - before
}

/// Workers need a moment to set up their clients before the first is due.
pub(super) fn first_due(run: &RunPlan) -> Nanos {
    let earliest =
        Clock::Monotonic.now() + Nanos::from_millis(100) + Nanos::from_micros(10) * u64::from(run.clients);
    // On the grid of due times, which count from here.
    Nanos(earliest.0.next_multiple_of(GRID.0))
}
