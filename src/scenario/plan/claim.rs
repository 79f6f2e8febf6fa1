//! What somebody says, and the number that would show it.

use super::Objective;

/// One `[[claim]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimPlan {
    /// In words.
    pub says: String,
    /// The case it is about.
    pub case: String,
    /// The case whose value it is divided by.
    pub against: Option<String>,
    /// The metric, and when the claim holds; with `against` the bound is a plain ratio.
    pub holds: Objective,
}

/// What a bound is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundUnit {
    /// A number.
    Plain,
    /// A time.
    Time,
    /// Bytes.
    Size,
}

/// Every metric that a claim may name, and what its bound is written in: all keys of `[slo]`, then those
/// for claims only. What each is stands in `docs/claims.md`.
pub static CLAIM_METRICS: &[(&str, BoundUnit)] = &[
    ("delivery_p50", BoundUnit::Time),
    ("delivery_p90", BoundUnit::Time),
    ("delivery_p99", BoundUnit::Time),
    ("delivery_p999", BoundUnit::Time),
    ("delivery_max", BoundUnit::Time),
    ("connect_p99", BoundUnit::Time),
    ("reconnect_p50", BoundUnit::Time),
    ("reconnect_p99", BoundUnit::Time),
    ("reconnect_max", BoundUnit::Time),
    ("gave_up", BoundUnit::Plain),
    ("missed", BoundUnit::Plain),
    ("replayed", BoundUnit::Plain),
    ("lost", BoundUnit::Plain),
    ("duplicate", BoundUnit::Plain),
    ("unattached", BoundUnit::Plain),
    ("publish_failed", BoundUnit::Plain),
    ("failures", BoundUnit::Plain),
    ("overhead_to_payload", BoundUnit::Plain),
    ("cpu_us_per_delivery", BoundUnit::Time),
    ("bytes_per_connection", BoundUnit::Size),
    ("empty_poll_share", BoundUnit::Plain),
    ("header_bytes_per_poll", BoundUnit::Size),
    ("headers_to_payload", BoundUnit::Plain),
    ("overhead_bytes_per_message", BoundUnit::Size),
    ("descriptors_per_client", BoundUnit::Plain),
    ("cuts_told_share", BoundUnit::Plain),
    ("came_back_share", BoundUnit::Plain),
];
