//! The clock by which a target tells the times of its own messages.

use super::{Base, TimeUnit};

/// The clock by which a target tells times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetClock {
    /// `CLOCK_REALTIME`, counted from 1970: right on the same host, elsewhere as far as both clocks
    /// agree.
    Wall,
    /// `CLOCK_MONOTONIC` of this host.
    Monotonic,
    /// One that is asked before, during and after a run, so that it is known how far it is off and how
    /// wrong that can be.
    Asked(ClockQuestion),
}

impl TargetClock {
    /// The word in scenario files and results.
    pub fn key(&self) -> &'static str {
        match self {
            TargetClock::Wall => "wall",
            TargetClock::Monotonic => "monotonic",
            TargetClock::Asked(_) => "asked",
        }
    }
}

/// How a clock is asked: a GET whose JSON answer holds two instants of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockQuestion {
    /// Where, when that is not the target's base; plain HTTP.
    pub base: Option<Base>,
    /// The path.
    pub path: String,
    /// JSON pointer to when it received the question.
    pub received: String,
    /// JSON pointer to when it answered; the same as `received` where it tells one instant only.
    pub sent: String,
    /// How both are written.
    pub unit: TimeUnit,
}
