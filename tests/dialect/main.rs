//! Dialects from scenario text to bytes: scripted servers on loopback.

#![expect(clippy::unwrap_used, reason = "tests, and the helpers of tests")]

mod cursors;
mod fake;
mod faults;
mod http;
mod mqtt;
mod rehearsal;
mod websocket;
