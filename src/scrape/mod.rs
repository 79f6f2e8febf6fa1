//! What others tell of the target over HTTP: its own counters, and a probe beside it.
//!
//! Asked on a thread of its own, over `reqwest`, never on a worker and never waited for while a load
//! runs. Must not know what the numbers are for: it reads them and tells why one cannot be had.

mod fetch;
mod json;
mod pairs;
mod parts;
mod pick;
mod prometheus;

pub use fetch::{Answer, FetchError, Fetcher, Manner, Source, client, root_cause};
pub use parts::{Book, Parts, Step};
pub use pick::{Picked, pick};
