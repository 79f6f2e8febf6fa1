//! What stands beside the target on its machine and tells a run elsewhere what the target pays:
//! `pushbench probe`.
//!
//! It reads and tells, and changes nothing. One probe, on one thread, however many ask: readings are taken one
//! after the other, so that it costs no more than a run on the same machine would. It must not know of runs: whoever
//! asks takes differences.

mod lookout;
mod reader;

pub use lookout::Lookout;
