//! What the target's control group counted. Key `target_cost.group`.

use crate::result::finite;
use serde::{Deserialize, Serialize};

/// All `null` when the target has no group of its own and none was named. Idle, end and after as in
/// `memory`; times and pressures are of `measure`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetGroup {
    /// CPU seconds of everything in it.
    #[serde(with = "finite::option")]
    pub cpu_s: Option<f64>,
    /// Of it, in user space.
    #[serde(with = "finite::option")]
    pub user_s: Option<f64>,
    /// Of it, in the kernel.
    #[serde(with = "finite::option")]
    pub system_s: Option<f64>,
    /// Time that its CPU limit held it back.
    #[serde(with = "finite::option")]
    pub throttled_s: Option<f64>,
    /// Memory charged to it, idle: page cache and kernel memory too.
    pub memory_bytes_idle: Option<u64>,
    /// At the end.
    pub memory_bytes_end: Option<u64>,
    /// After.
    pub memory_bytes_after: Option<u64>,
    /// After less idle: what was kept.
    pub memory_bytes_kept: Option<i64>,
    /// Most that was ever charged to it.
    pub memory_peak_bytes: Option<u64>,
    /// At the end: memory of processes that no file stands behind.
    pub anonymous_bytes: Option<u64>,
    /// At the end: page cache.
    pub file_bytes: Option<u64>,
    /// At the end: memory of the kernel.
    pub kernel_bytes: Option<u64>,
    /// At the end: buffers of sockets.
    pub socket_bytes: Option<u64>,
    /// At the end: in swap.
    pub swap_bytes: Option<u64>,
    /// At the end: tasks (threads).
    pub tasks: Option<u64>,
    /// Time that some task of it waited for a CPU.
    #[serde(with = "finite::option")]
    pub cpu_pressure_s: Option<f64>,
    /// For memory.
    #[serde(with = "finite::option")]
    pub memory_pressure_s: Option<f64>,
    /// For a disk.
    #[serde(with = "finite::option")]
    pub io_pressure_s: Option<f64>,
}
