//! Plain values that every layer speaks: time, stamps, samples, bytes, costs, failures.
//!
//! No I/O and no async here; nothing in this layer knows another one.

mod cost;
mod failure;
mod life;
mod nanos;
mod percent;
mod sample;
mod sockets;
mod stage;
mod stamp;
mod traffic;

pub use cost::{Cost, GroupCost, MachineTime, NetworkCost};
pub use failure::{Failure, Side};
pub use life::{Backoff, LifeSpec, ReconnectSpec};
pub use nanos::Nanos;
pub use percent::{percent, percent_encode};
pub use sample::{Op, Outcome, Sample};
pub use sockets::Sockets;
pub use stage::{ReadyState, Stage};
pub use stamp::{RunTag, Stamp, StampError};
pub use traffic::Traffic;
