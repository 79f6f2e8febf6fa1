//! Whether the machine and the generator were well while measuring: maxima and totals over the
//! intervals of `measure`. Keys of `summary.json`, under `health`.

use super::finite;
use serde::{Deserialize, Serialize};

/// The health of one run. What the kernel does not tell is `null`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Intervals of `measure`.
    pub intervals: u32,
    /// Of these, suspect.
    pub intervals_suspect: u32,
    /// Of these, invalid.
    pub intervals_invalid: u32,
    /// Greatest loop lag p99 of an interval.
    pub loop_lag_p99_ns_max: Option<u64>,
    /// Greatest share of the workers' cores that pushbench used in an interval.
    #[serde(with = "finite::option")]
    pub cpu_share_max: Option<f64>,
    /// Greatest share of a core that one worker used in an interval.
    #[serde(with = "finite::option")]
    pub worker_cpu_share_max: Option<f64>,
    /// Share of `measure` that the host took from the workers' cores.
    #[serde(with = "finite::option")]
    pub steal_share: Option<f64>,
    /// The greatest of an interval.
    #[serde(with = "finite::option")]
    pub steal_share_max: Option<f64>,
    /// Greatest share of an interval that worker threads were runnable without a CPU.
    #[serde(with = "finite::option")]
    pub run_delay_share_max: Option<f64>,
    /// Times that a worker thread was taken off its CPU.
    pub involuntary_switches: u64,
    /// Packets that the kernel dropped in its receive queues, the whole machine.
    pub softnet_drops: u64,
    /// Most bytes that lay unread in the sampled sockets of ours at the end of an interval.
    pub socket_backlog_bytes_max: Option<u64>,
    /// Greatest share of an interval that some task of the machine waited for a CPU.
    #[serde(with = "finite::option")]
    pub cpu_pressure_share_max: Option<f64>,
    /// Messages that were not sent because their outlet could not take them when they were due.
    pub sends_dropped: u64,
    /// Messages that were sent more than 1 ms after they were due.
    pub sends_late: u64,
}
