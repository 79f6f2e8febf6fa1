//! When faults that come and go begin: once, or again and again.

use super::FaultError;
use super::words::Words;
use crate::model::Nanos;

/// An instant, from the first connection accepted; above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Once.
    At(Nanos),
    /// Again and again, the first time after one period.
    Every(Nanos),
}

impl When {
    /// Reads `at|every TIME for TIME`: when, and how long, which is below the period.
    pub(super) fn read(words: &mut Words<'_>) -> Result<(When, Nanos), FaultError> {
        let when = match words.next() {
            Some("at") => When::At(words.time()?),
            Some("every") => When::Every(words.time()?),
            other => return Err(words.wanted(other, "`at` or `every`")),
        };
        words.expect("for", "`for`")?;
        let lasts = words.time()?;
        match when {
            When::Every(period) if period <= lasts => {
                Err(FaultError::Unplayable("it must be over before the next one: want `for` below `every`"))
            }
            _ => Ok((when, lasts)),
        }
    }

    /// The first time that it begins at or after `elapsed`; none when that is over.
    pub(super) fn begins(self, elapsed: Nanos) -> Option<Nanos> {
        match self {
            When::At(at) => (at >= elapsed).then_some(at),
            When::Every(period) => period.0.checked_mul(elapsed.0.div_ceil(period.0).max(1)).map(Nanos),
        }
    }
}
