//! Where the target's CPU time went, and what of the machine's belongs to nobody. Key `target_cost.cpu`.

use crate::result::finite;
use serde::{Deserialize, Serialize};

/// CPU time of `measure`. What the kernel does not tell is `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetCpu {
    /// Of `cpu_s`, in user space: split by the kernel's clock ticks of both kinds.
    #[serde(with = "finite::option")]
    pub user_s: Option<f64>,
    /// Of it, in the kernel.
    #[serde(with = "finite::option")]
    pub system_s: Option<f64>,
    /// Time that its threads were runnable without a CPU, all together.
    #[serde(with = "finite")]
    pub run_delay_s: f64,
    /// Context switches that it asked for.
    pub voluntary_switches: u64,
    /// Those that were forced on it.
    pub involuntary_switches: u64,
    /// Page faults served from memory.
    pub minor_faults: u64,
    /// Page faults that waited for a disk.
    pub major_faults: u64,
    /// CPU seconds that the machine was busy, whatever with.
    #[serde(with = "finite::option")]
    pub machine_busy_s: Option<f64>,
    /// Of it, what others than target and generator use anyway: their share before the first client, for
    /// as long.
    #[serde(with = "finite::option")]
    pub baseline_s: Option<f64>,
    /// Of it, what the generator used.
    #[serde(with = "finite::option")]
    pub generator_s: Option<f64>,
    /// `machine_busy_s - baseline_s - generator_s - cpu_s`: work that no process was charged for (network
    /// work in interrupts), and what others used more than before. Below zero: they used less.
    #[serde(with = "finite::option")]
    pub unattributed_s: Option<f64>,
    /// How far it may be off because idle time is told in steps of 10 ms: one step, and one of the baseline,
    /// scaled to `measure`. What others did otherwise than before comes on top.
    #[serde(with = "finite::option")]
    pub unattributed_error_s: Option<f64>,
    /// `unattributed_s` as a share of `machine_busy_s - baseline_s`.
    #[serde(with = "finite::option")]
    pub unattributed_share: Option<f64>,
    /// And for each message received in `measure`, microseconds.
    #[serde(with = "finite::option")]
    pub unattributed_us_per_delivery: Option<f64>,
}
