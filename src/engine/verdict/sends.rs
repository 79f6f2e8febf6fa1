//! How exact the sends were (rule 5 of the method): told beside the times that they go into. Pure.

use super::limits::{SEND_LAG_FLOOR, SEND_LAG_SHARE};
use crate::model::Nanos;
use crate::result::RunResult;

/// Tells in a note when sends were so late that it shows in the median. No finding: delivery times
/// run from the due time, so that lateness is within them and hides nothing; beyond the limits of
/// `generator` it is one.
pub(super) fn note(run: &mut RunResult) {
    let (Some(lag), Some(p50)) = (run.generator.send_lag_p99_ns, run.delivery.p50_ns) else { return };
    let limit = SEND_LAG_FLOOR.0.max((p50 as f64 * SEND_LAG_SHARE) as u64);
    if lag > limit {
        run.notes.push(format!(
            "messages were sent up to {} late (p99; {} would not show beside a delivery median of {}): delivery \
             times hold that",
            Nanos(lag),
            Nanos(limit),
            Nanos(p50)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(lag_ns: u64, p50_ns: u64) -> usize {
        let mut run = RunResult::default();
        (run.generator.send_lag_p99_ns, run.delivery.p50_ns) = (Some(lag_ns), Some(p50_ns));
        note(&mut run);
        run.notes.len()
    }

    #[test]
    fn lateness_that_shows_is_told() {
        assert_eq!(notes(50_000, 100_000), 0);
        assert_eq!(notes(51_000, 100_000), 1);
        assert_eq!(notes(400_000, 10_000_000), 0);
        assert_eq!(notes(600_000, 10_000_000), 1);
    }
}
