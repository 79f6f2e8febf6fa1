//! What a run cost: the target, and pushbench itself. Keys of `summary.json`.

use super::finite;
use super::target::{TargetCpu, TargetGroup, TargetMemory, TargetNetwork};
use serde::{Deserialize, Serialize};

/// What the target paid.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetCost {
    /// CPU seconds in `measure`.
    #[serde(with = "finite")]
    pub cpu_s: f64,
    /// CPU microseconds of `measure` for each message received in it.
    #[serde(with = "finite::option")]
    pub cpu_us_per_delivery: Option<f64>,
    /// Share of one core, 1.0 = one core busy.
    #[serde(with = "finite")]
    pub cpu_share: f64,
    /// CPU seconds in the connect phase.
    #[serde(with = "finite::option")]
    pub connect_cpu_s: Option<f64>,
    /// Greatest proportional set size seen.
    pub pss_bytes_max: Option<u64>,
    /// Proportional set size before the first client.
    pub pss_bytes_idle: Option<u64>,
    /// `(pss at the end of measure - pss before the first client) / clients attached`.
    #[serde(with = "finite::option")]
    pub bytes_per_connection: Option<f64>,
    /// Kernel socket memory gained from before the first client to the end of measure, the whole
    /// machine, for each client attached (both ends when the target is local); `null` when the gain
    /// is below what the kernel accounts exactly (20 MiB).
    #[serde(with = "finite::option")]
    pub kernel_bytes_per_connection: Option<f64>,
    /// Most open descriptors seen.
    pub descriptors_max: Option<u64>,
    /// Context switches in `measure`, both kinds.
    pub context_switches: u64,
    /// Most processes seen.
    pub processes: u32,
    /// What was found to be the target: one line a process, `pid name`.
    pub found: Vec<String>,
    /// Where it was read: `local`, or the address of the probe beside the target; empty in older files.
    pub source: String,
    /// By how much the instants of those readings may be wrong: they are of another machine's clock.
    /// `null`: they are of our own.
    pub clock_error_ns: Option<u64>,
    /// Whether the target runs on this machine: the receivers' TCP work is then partly done in its
    /// send path.
    pub co_located: bool,
    /// What could not be read, in words.
    pub warnings: Vec<String>,
    /// Where its CPU time went, and what of the machine's belongs to nobody.
    pub cpu: TargetCpu,
    /// Its memory before, under and after the load.
    pub memory: TargetMemory,
    /// What its network namespace counted.
    pub network: TargetNetwork,
    /// What its control group counted.
    pub group: TargetGroup,
}

/// What pushbench itself used, and how well it kept time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generator {
    /// CPU seconds in `measure`.
    #[serde(with = "finite")]
    pub cpu_s: f64,
    /// CPU of `measure` as a share of the cores given to workers.
    #[serde(with = "finite")]
    pub cpu_share: f64,
    /// The busiest worker thread's CPU of `measure` as a share of one core.
    #[serde(with = "finite")]
    pub worker_cpu_share_max: f64,
    /// Greatest resident size.
    pub rss_bytes_max: u64,
    /// How late the worker loop woke from a timer that was due, 99th percentile in `measure`.
    pub loop_lag_p99_ns: Option<u64>,
    /// Worst of it.
    pub loop_lag_max_ns: Option<u64>,
    /// How late messages of `measure` were sent, median.
    pub send_lag_p50_ns: Option<u64>,
    /// 99th percentile of it.
    pub send_lag_p99_ns: Option<u64>,
    /// Worst of it.
    pub send_lag_max_ns: Option<u64>,
    /// Share of `measure` that workers were runnable but had no CPU.
    #[serde(with = "finite")]
    pub run_delay_share: f64,
    /// Processes.
    pub processes: u32,
    /// Worker threads.
    pub workers: u32,
}

impl TargetCost {
    /// `cpu.unattributed_error_s` for each message received, microseconds; `None` when the target used no CPU
    /// time or no message came.
    pub fn unattributed_error_us_per_delivery(&self) -> Option<f64> {
        let each = self.cpu_us_per_delivery.filter(|_| self.cpu_s > 0.0)? / self.cpu_s;
        Some(self.cpu.unattributed_error_s? * each)
    }
}
