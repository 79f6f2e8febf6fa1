//! What asking the target's clock came to, and what it says about the delivery times.

use super::Gathered;
use crate::engine::their_clock::{Asked, Known};
use crate::model::Nanos;
use crate::record::Tally;
use crate::result::{AskedClock, RunResult};

/// Nothing where no clock was to be asked.
pub(super) fn told(result: &mut RunResult, gathered: &Gathered, measured: &Tally) {
    let Some(Asked { asked, book }) = &gathered.asked else { return };
    let known = book.close(&gathered.timeline.measured()).filter(|_| book.is_known());
    if known.is_none() {
        "unknown".clone_into(&mut result.clock);
    }
    let epsilon = known.as_ref().map(Known::epsilon_ns);
    result.asked_clock = Some(AskedClock {
        asked: asked.clone(),
        exchanges: book.answered,
        failed: book.failed,
        first_failure: book.first_failure.clone(),
        offset_ns: known.map(|k| k.offset_ns),
        drift_ppm: known.map(|k| k.drift_ppm),
        round_trip_min_ns: known.map(|k| k.round_trip_min_ns),
        step_ns: known.map(|k| k.step_ns),
        fit_error_ns: known.map(|k| k.fit_error_ns.ceil() as u64),
        live_error_ns: known.map(|k| k.live_error_ns.ceil() as u64),
        epsilon_ns: epsilon,
        beyond: epsilon.map_or(0, |epsilon| measured.ahead.count_above(Nanos(epsilon))),
        ahead_max_ns: measured.ahead.max_ns(),
    });
}
