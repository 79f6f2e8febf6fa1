//! The target's memory before, under and after the load. Key `target_cost.memory`.

use crate::result::finite;
use serde::{Deserialize, Serialize};

/// Idle: before the first client. End: of `measure`. After: all clients had left for `settle_s`.
/// `null`: not read, or no process of the target was left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetMemory {
    /// Resident bytes, idle; shared pages counted in each process.
    pub rss_bytes_idle: Option<u64>,
    /// At the end.
    pub rss_bytes_end: Option<u64>,
    /// Most seen.
    pub rss_bytes_max: u64,
    /// Proportional set size at the end.
    pub pss_bytes_end: Option<u64>,
    /// After.
    pub pss_bytes_after: Option<u64>,
    /// `pss_bytes_after - pss_bytes_idle`: what the target kept.
    pub pss_bytes_kept: Option<i64>,
    /// Most bytes in swap seen.
    pub swap_bytes_max: Option<u64>,
    /// Kernel memory of all TCP sockets of the machine, idle.
    pub kernel_socket_bytes_idle: Option<u64>,
    /// At the end.
    pub kernel_socket_bytes_end: Option<u64>,
    /// After; `null` when no reading was taken then.
    pub kernel_socket_bytes_after: Option<u64>,
    /// How long all clients had left when `after` was read.
    #[serde(with = "finite::option")]
    pub settle_s: Option<f64>,
    /// Most threads seen.
    pub threads_max: u32,
}
