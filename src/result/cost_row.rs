//! A row of `cost.csv`.

use super::finite;
use serde::{Deserialize, Serialize};

/// One reading of what target and generator cost: a row of `cost.csv`. Totals only grow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CostRow {
    /// `target` or `generator`.
    pub of: String,
    /// Seconds since the run's first connect was due; negative before it.
    #[serde(with = "finite")]
    pub at_s: f64,
    /// `idle`, `connect`, `warmup`, `measure`, `drain`, `after`.
    pub phase: String,
    /// Processes alive.
    pub processes: u32,
    /// Threads alive.
    pub threads: u32,
    /// CPU seconds so far.
    #[serde(with = "finite")]
    pub cpu_s_total: f64,
    /// Seconds runnable without a CPU so far.
    #[serde(with = "finite")]
    pub run_delay_s_total: f64,
    /// Context switches so far, both kinds.
    pub context_switches_total: u64,
    /// Open descriptors, where they may be counted.
    pub descriptors: Option<u64>,
    /// Resident bytes.
    pub rss_bytes: u64,
    /// Proportional set size, where this reading took it.
    pub pss_bytes: Option<u64>,
    /// Kernel memory of all TCP sockets of the machine.
    pub kernel_socket_bytes: Option<u64>,
    /// CPU seconds in user space so far; the two parts are less than `cpu_s_total` by what no tick told.
    #[serde(with = "finite")]
    pub user_s_total: f64,
    /// CPU seconds in the kernel so far.
    #[serde(with = "finite")]
    pub system_s_total: f64,
    /// Page faults served from memory so far.
    pub minor_faults_total: u64,
    /// Page faults that waited for a disk so far.
    pub major_faults_total: u64,
    /// Bytes in swap, where this reading took it.
    pub swap_bytes: Option<u64>,
    /// Seconds that the machine's CPUs were idle so far, all together.
    #[serde(with = "finite::option")]
    pub machine_idle_s_total: Option<f64>,
    /// Connections turned away by a full accept queue, since the first reading; of the namespace, as the
    /// next five.
    pub listen_overflows_total: Option<u64>,
    /// Connections that a listener could not take.
    pub listen_drops_total: Option<u64>,
    /// TCP segments sent again.
    pub retransmits_total: Option<u64>,
    /// Bytes received by interfaces, loopback apart.
    pub in_bytes_total: Option<u64>,
    /// Bytes sent by them.
    pub out_bytes_total: Option<u64>,
    /// Bytes over loopback.
    pub loopback_bytes_total: Option<u64>,
    /// CPU seconds of the control group so far.
    #[serde(with = "finite::option")]
    pub group_cpu_s_total: Option<f64>,
    /// Seconds that its CPU limit held it back so far.
    #[serde(with = "finite::option")]
    pub group_throttled_s_total: Option<f64>,
    /// Memory charged to it.
    pub group_memory_bytes: Option<u64>,
    /// Of it, buffers of sockets.
    pub group_socket_bytes: Option<u64>,
    /// Of it, memory of the kernel.
    pub group_kernel_bytes: Option<u64>,
    /// Seconds that some task of it waited for a CPU so far.
    #[serde(with = "finite::option")]
    pub group_cpu_pressure_s_total: Option<f64>,
    /// For memory.
    #[serde(with = "finite::option")]
    pub group_memory_pressure_s_total: Option<f64>,
    /// Kernel memory of the machine in small pieces.
    pub machine_slab_bytes: Option<u64>,
}
