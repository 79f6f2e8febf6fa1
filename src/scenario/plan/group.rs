//! The kinds of clients of a case: how each attaches, stays, leaves and comes back.

use super::{CarrierSpec, DialectSpec, HeaderProfile};
pub use crate::model::{Backoff, LifeSpec, ReconnectSpec};
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
