//! How long a client stays, and what it does when a session ends though it was to stay: plain values,
//! so that a plan and a client mean the same.

use super::Nanos;

/// How long a client stays.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LifeSpec {
    /// Mean length of a session, exponentially distributed unless `fixed`; `None`: it stays.
    pub stay: Option<Nanos>,
    /// Mean time until it comes back; `None`: once gone, it stays away and another client with its
    /// number takes its place at once ("come and go").
    pub away: Option<Nanos>,
    /// Whether `stay` and `away` are exact, not means.
    pub fixed: bool,
}

/// What a client does when its session ended though it was to stay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReconnectSpec {
    /// How delays grow.
    pub backoff: Backoff,
    /// Attempts in a row before it gives up; `None`: for ever.
    pub attempts: Option<u32>,
    /// Limit of one attempt; `None`: the connect timeout.
    pub timeout: Option<Nanos>,
    /// Whether `Retry-After` and the SSE field `retry` are honoured.
    pub honour_server: bool,
}

/// How long the pause before attempt `n` (from 0) is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Backoff {
    /// It never comes back.
    None,
    /// Always the same.
    Fixed {
        /// The pause.
        interval: Nanos,
    },
    /// `min(max, interval x decay^n)`, give or take `jitter` of it.
    Exponential {
        /// The first pause.
        interval: Nanos,
        /// The longest pause.
        max: Nanos,
        /// The factor; 1 or more.
        decay: f64,
        /// 0..1: the pause is drawn from `p x (1 - jitter)` to `p x (1 + jitter)`.
        jitter: f64,
    },
    /// Drawn from 0 to `min(max, interval x decay^n)`.
    FullJitter {
        /// The first upper bound.
        interval: Nanos,
        /// The highest upper bound.
        max: Nanos,
        /// The factor; 1 or more.
        decay: f64,
    },
}

impl Default for ReconnectSpec {
    fn default() -> ReconnectSpec {
        ReconnectSpec { backoff: Backoff::None, attempts: None, timeout: None, honour_server: true }
    }
}
