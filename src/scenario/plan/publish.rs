//! The feed: who publishes what, how often, and how.

use super::Base;

/// The feed.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishPlan {
    /// The publish endpoint, with `${channel}`.
    pub path: String,
    /// Where it is, when not at the target's base.
    pub base: Option<Base>,
    /// Request method: `POST` or `PUT`.
    pub method: String,
    /// Statuses that say "published".
    pub status: Vec<u16>,
    /// More headers, each `Name: value`.
    pub headers: Vec<(String, String)>,
    /// Messages a second on each channel.
    pub rate_per_s: f64,
    /// How due times are spaced.
    pub arrivals: Arrivals,
    /// Bytes of a message; at least `Stamp::LEN`.
    pub payload_bytes: u32,
    /// Most publishing connections at a time, all workers together; a message that is due while
    /// all await their answers is dropped and counted as `publish_backlog`.
    pub connections: u32,
}

/// How due times are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly, each channel with a phase of its own.
    Constant,
    /// As a Poisson process.
    Poisson,
}
