//! What the target told beside its messages, and what can be told of messages that tell nothing.

use super::{Quantiles, RunResult};
use serde::{Deserialize, Serialize};

impl RunResult {
    /// Whether a message that did not come can be told.
    pub fn tells_loss(&self) -> bool {
        !matches!(self.cooperation.as_str(), "time" | "nothing")
    }
}

/// What the target told of its receivers, over the acknowledged publishes of `measure` whose answer
/// told a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Receivers {
    /// These publishes.
    pub publishes: u64,
    /// The sum of the numbers told.
    pub reported: u64,
    /// For the same publishes: the sum of our clients of the channel that were subscribed when the
    /// message was due.
    pub subscribed: u64,
    /// Publishes at which the two differ.
    pub differing: u64,
}

/// How far the receivers of one message lie apart, within each worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spread {
    /// Time behind the first receiver, of all others.
    pub behind: Quantiles,
    /// Messages, each counted in every worker that got it.
    pub messages: u64,
    /// Receipts that did not come: clients attached at a message's first receipt that had not got it
    /// when it left the window of the last 4,096 of its channel, or at the end.
    pub missing: u64,
}
