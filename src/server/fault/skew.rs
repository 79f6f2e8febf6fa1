//! `clock`: what the server tells about time is off. Its own timers are not.

use super::FaultError;
use super::words::Words;
use crate::model::Nanos;

/// How it is written.
pub(super) const FORM: &str = "clock ahead|behind TIME [drift N ppm]";

/// A clock that is off by so much, and runs too fast or too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// What it is ahead at the first connection accepted, in nanoseconds; below zero: behind.
    pub ahead_ns: i64,
    /// What it gains (below zero: loses) from then on, in millionths.
    pub drift_ppm: i64,
}

impl Skew {
    pub(super) fn read(mut words: Words<'_>) -> Result<Skew, FaultError> {
        let sign = match words.next() {
            Some("ahead") => 1,
            Some("behind") => -1,
            other => return Err(words.wanted(other, "`ahead` or `behind`")),
        };
        let off = i64::try_from(words.time()?.0).map_err(|_| FaultError::Unplayable("too far off"))?;
        let drift_ppm = match words.next() {
            None => 0,
            Some("drift") => {
                let word = words.next();
                let drift = word.and_then(|w| w.parse::<i64>().ok()).filter(|n| n.abs() < 1_000_000);
                let drift = drift.ok_or_else(|| words.wanted(word, "a whole number such as 50 or -50"))?;
                words.expect("ppm", "`ppm`")?;
                drift
            }
            other => return Err(words.wanted(other, "`drift` or the end")),
        };
        words.end()?;
        Ok(Skew { ahead_ns: sign * off, drift_ppm })
    }

    /// What is told at `now`, when the first connection was accepted at `origin`: both on the true
    /// clock. May be below zero.
    pub fn told_ns(self, now: Nanos, origin: Nanos) -> i64 {
        let gained = i128::from((now - origin).0) * i128::from(self.drift_ppm) / 1_000_000;
        let told = i128::from(now.0) + i128::from(self.ahead_ns) + gained;
        told.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_and_a_drift_add_up() {
        let skew = Skew { ahead_ns: 50_000_000, drift_ppm: 50 };
        let origin = Nanos::SECOND * 100;
        assert_eq!(skew.told_ns(origin, origin), 100_050_000_000);
        // 50 ppm of 10 s are 500 us.
        assert_eq!(skew.told_ns(origin + Nanos::SECOND * 10, origin), 110_050_500_000);
        let behind = Skew { ahead_ns: -2_000_000_000, drift_ppm: -50 };
        assert_eq!(behind.told_ns(Nanos::SECOND, Nanos::SECOND), -1_000_000_000);
    }
}
