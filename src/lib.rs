//! pushbench: a load-testing and benchmarking harness for real-time push transports.
//!
//! The house is described in `docs/design.md`; which layer may import which is held by
//! `tests/layering.rs`.

pub mod analysis;
pub mod beside;
pub mod cli;
pub mod client;
pub mod clock;
pub mod engine;
pub mod model;
pub mod net;
pub mod pace;
pub mod plot;
pub mod probe;
pub mod record;
pub mod report;
pub mod result;
pub mod scenario;
pub mod scrape;
pub mod selftest;
pub mod server;
pub mod transport;
