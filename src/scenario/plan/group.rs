//! The kinds of clients of a case: how each attaches, stays, leaves and comes back.

use super::{CarrierSpec, DialectSpec, HeaderProfile};
use crate::model::Nanos;
use std::sync::Arc;

/// One kind of client.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    /// Its name; that of the case when the case has one group only.
    pub name: String,
    /// Its share of the clients, against the sum of all weights; above 0.
    pub weight: f64,
    /// How it attaches.
    pub carrier: CarrierSpec,
    /// Headers of every request.
    pub headers: HeaderProfile,
    /// Whether it attaches over TLS, where the target has both.
    pub secure: bool,
    /// Whether it keeps cookies.
    pub cookies: bool,
    /// What it says and understands on top of its carrier.
    pub dialect: Option<Arc<DialectSpec>>,
    /// How long it stays.
    pub life: LifeSpec,
    /// What it does when a session fails or ends though it was to stay.
    pub reconnect: ReconnectSpec,
}

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

/// The group of each client: weights kept in every prefix, so that clients that attach early are as
/// mixed as all of them.
pub fn groups_of(groups: &[GroupPlan], clients: u32) -> Vec<u16> {
    let total: f64 = groups.iter().map(|g| g.weight).sum();
    let mut given = vec![0.0; groups.len()];
    (1..=clients)
        .map(|n| {
            let behind = |i: usize| groups[i].weight / total * f64::from(n) - given[i];
            let most = (0..groups.len()).max_by(|a, b| behind(*a).total_cmp(&behind(*b)).then(b.cmp(a)));
            let group = most.unwrap_or(0);
            given[group] += 1.0;
            group as u16
        })
        .collect()
}
