//! The part of `summary.json` about messages with several receivers: when the first, the median and the
//! last of them had it.

use super::{Quantiles, RunResult};
use serde::{Deserialize, Serialize};

/// Fan-out of the messages due in `measure`; each message is one sample of each of the three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FanOut {
    /// Messages published that somebody was subscribed to when they were due.
    pub messages: u64,
    /// Of the messages that anybody had: the sum of their subscribers.
    pub receivers: u64,
    /// Of the messages, those that not every subscriber had by the end: their last receiver is
    /// censored.
    pub incomplete: u64,
    /// Of these, those that nobody had.
    pub unreceived: u64,
    /// Of the incomplete, those that were given up early: too many later ones were under way.
    pub pushed_out: u64,
    /// Whether `median` is exact; else it is too late by at most a sixteenth of the receivers of each
    /// worker.
    pub median_exact: bool,
    /// Publish intended -> the first receiver had it.
    pub first: Quantiles,
    /// Publish intended -> half of its subscribers had it (that one with whom the number reached half,
    /// rounded up).
    pub median: Quantiles,
    /// Publish intended -> all of its subscribers had it.
    pub last: Quantiles,
}

impl FanOut {
    /// Mean number of subscribers of a message that anybody had; `None` without one.
    pub fn mean_receivers(&self) -> Option<f64> {
        let had = self.messages - self.unreceived.min(self.messages);
        (had > 0).then(|| self.receivers as f64 / had as f64)
    }
}

impl RunResult {
    /// The fan-out, where there is more than one receiver of a message to tell apart.
    pub fn fanned_out(&self) -> Option<&FanOut> {
        self.fan_out.as_ref().filter(|f| f.receivers > f.messages)
    }
}
