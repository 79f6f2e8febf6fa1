//! The target's clock, where it was asked.

use super::{RunResult, finite};
use serde::{Deserialize, Serialize};

/// What asking the target's clock came to. Its times were turned into ours by it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AskedClock {
    /// What was asked, such as `GET http://10.0.0.5:9000/clock`.
    pub asked: String,
    /// Exchanges before, during and after the run that told something.
    pub exchanges: u64,
    /// Questions without an answer that would do.
    pub failed: u64,
    /// Why the first of them; empty: none.
    pub first_failure: String,
    /// How far it was ahead of ours in the middle of `measure`; below zero: behind; `null`: not known.
    pub offset_ns: Option<i64>,
    /// How much faster it ran, parts per million.
    #[serde(with = "finite::option")]
    pub drift_ppm: Option<f64>,
    /// The quickest round trip.
    pub round_trip_min_ns: Option<u64>,
    /// The steps in which it tells time.
    pub step_ns: Option<u64>,
    /// How wrong the straight line through all exchanges can be in `measure`.
    pub fit_error_ns: Option<u64>,
    /// How far what was known while messages came lies from that line, at most.
    pub live_error_ns: Option<u64>,
    /// Delivery times are right to plus or minus this: both errors together. `null`: not known.
    pub epsilon_ns: Option<u64>,
    /// Messages received before they were published by more than that.
    pub beyond: u64,
    /// The most by which a message was received before it was published; `null`: none was.
    pub ahead_max_ns: Option<u64>,
}

impl RunResult {
    /// How wrong its delivery times can be because they rest on another host's clock; `None`: they do
    /// not, or it is not known.
    pub fn delivery_epsilon_ns(&self) -> Option<u64> {
        self.asked_clock.as_ref()?.epsilon_ns
    }
}
