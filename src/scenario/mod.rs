//! Scenario files: read, checked, laid out as a plan. Starts nothing, opens no socket.

mod plan;

pub use plan::*;
