//! What the target's network namespace counted in `measure`. Key `target_cost.network`.

use serde::{Deserialize, Serialize};

/// Of the whole namespace: on one machine the generator's share is in it. `null`: not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetNetwork {
    /// Connections that a full accept queue turned away.
    pub listen_overflows: Option<u64>,
    /// Connections that a listener could not take, overflows included.
    pub listen_drops: Option<u64>,
    /// TCP segments sent again.
    pub retransmits: Option<u64>,
    /// Bytes received by interfaces, loopback apart.
    pub in_bytes: Option<u64>,
    /// Bytes sent by them.
    pub out_bytes: Option<u64>,
    /// Bytes over loopback, each once.
    pub loopback_bytes: Option<u64>,
}
