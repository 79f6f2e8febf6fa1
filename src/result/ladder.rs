//! What an idle connection costs: ladders of connection counts and the slopes over them. Keys `ladders` and
//! `connection_costs`.

use super::{Verdict, finite};
use serde::{Deserialize, Serialize};

/// One ladder: a case whose clients attached in steps while nothing was published.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LadderResult {
    /// Name of the case.
    pub case: String,
    /// As in `runs`.
    pub transport: String,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// Whether to believe it.
    pub verdict: Verdict,
    /// Why not, in words.
    pub reasons: Vec<String>,
    /// Whether the generator was the limit.
    pub generator_limited: bool,
    /// What to know when reading it: where the slopes are weak, what could not be read.
    pub warnings: Vec<String>,
    /// Where it ran, in words: no fault.
    pub notes: Vec<String>,
    /// Whether it was cut short.
    pub partial: bool,
    /// Whether the target runs on this machine.
    pub co_located: bool,
    /// How long each step rested, seconds.
    #[serde(with = "finite")]
    pub hold_s: f64,
    /// The steps, as far as it came.
    pub steps: Vec<LadderStep>,
    /// The slopes over the steps.
    #[serde(flatten)]
    pub slopes: ConnectionSlopes,
    /// Where the kernel's part comes from: `control group` (the target's alone), `machine` (slab of the
    /// whole machine: both ends when co-located), or empty: it is not known.
    pub kernel_of: String,
    /// The farthest that a step's PSS lies from its line; `null` without a line.
    #[serde(with = "finite::option")]
    pub residual_bytes_max: Option<f64>,
    /// PSS before the first client.
    pub pss_bytes_idle: Option<u64>,
    /// PSS after the last one had left for `settle_s`.
    pub pss_bytes_after: Option<u64>,
    /// `pss_bytes_after - pss_bytes_idle`: what the target kept.
    pub kept_bytes: Option<i64>,
    /// The same for each connection of the last step.
    #[serde(with = "finite::option")]
    pub kept_bytes_per_connection: Option<f64>,
    /// How long all clients had left then, seconds.
    #[serde(with = "finite")]
    pub settle_s: f64,
    /// What was found to be the target: one line a process, `pid name`.
    pub found: Vec<String>,
}

/// One step, read at the end of its rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LadderStep {
    /// Clients that were to be attached.
    pub planned: u32,
    /// Clients that were: what the slopes are over.
    pub clients: u32,
    /// Proportional set size of the target's processes.
    pub pss_bytes: Option<u64>,
    /// Resident bytes, shared pages counted in each process.
    pub rss_bytes: u64,
    /// Memory charged to the target's control group: page cache and kernel memory too.
    pub group_memory_bytes: Option<u64>,
    /// Of it, memory of the kernel.
    pub group_kernel_bytes: Option<u64>,
    /// Of it, buffers of sockets.
    pub group_socket_bytes: Option<u64>,
    /// Slab of the whole machine's kernel.
    pub slab_bytes: Option<u64>,
    /// Kernel memory of all TCP sockets of the machine, as it accounts it.
    pub kernel_socket_bytes: Option<u64>,
    /// Open descriptors.
    pub descriptors: Option<u64>,
    /// Threads.
    pub threads: u32,
    /// Processes.
    pub processes: u32,
    /// CPU microseconds a second that the target used during the rest.
    #[serde(with = "finite::option")]
    pub cpu_us_per_s: Option<f64>,
}

/// A slope with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slope {
    /// For one connection more.
    #[serde(with = "finite")]
    pub value: f64,
    /// Lower end of the interval.
    #[serde(with = "finite")]
    pub low: f64,
    /// Upper end.
    #[serde(with = "finite")]
    pub high: f64,
}

impl Slope {
    /// Half the width of the interval.
    pub fn half(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

/// What one connection more costs; `null`: fewer than four steps tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionSlopes {
    /// Memory of the target's processes (PSS).
    pub user_bytes_per_connection: Option<Slope>,
    /// Memory of the kernel, from where `kernel_of` says.
    pub kernel_bytes_per_connection: Option<Slope>,
    /// Resident memory, shared pages counted in each process.
    pub rss_bytes_per_connection: Option<Slope>,
    /// All that is charged to the target's control group.
    pub group_bytes_per_connection: Option<Slope>,
    /// Slab of the whole machine's kernel: both ends when co-located.
    pub slab_bytes_per_connection: Option<Slope>,
    /// Descriptors.
    pub descriptors_per_connection: Option<Slope>,
    /// CPU microseconds a second: heartbeats, empty polls.
    pub idle_cpu_us_per_s_per_connection: Option<Slope>,
}

/// What the ladders of a case tell together: one slope with a level of its own for each repeat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionCost {
    /// Name of the case.
    pub case: String,
    /// As in `runs`.
    pub transport: String,
    /// Ladders that it is of; invalid ones are left out.
    pub ladders: u32,
    /// The common slopes.
    #[serde(flatten)]
    pub slopes: ConnectionSlopes,
    /// As of each ladder; empty also where the ladders do not agree.
    pub kernel_of: String,
    /// Median over the ladders.
    #[serde(with = "finite::option")]
    pub kept_bytes_per_connection: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_stand_beside_the_other_keys_and_come_back() {
        let slope = Slope { value: 10_240.0, low: 10_000.0, high: 10_480.0 };
        let slopes = ConnectionSlopes { user_bytes_per_connection: Some(slope), ..Default::default() };
        let ladder = LadderResult {
            case: "ws".into(),
            slopes,
            steps: vec![LadderStep::default()],
            ..Default::default()
        };
        let json = serde_json::to_value(&ladder).unwrap();
        assert_eq!(json["user_bytes_per_connection"]["low"], 10_000.0);
        assert!(json["slopes"].is_null());
        assert_eq!(serde_json::from_value::<LadderResult>(json).unwrap(), ladder);
        assert_eq!(serde_json::from_str::<LadderResult>("{}").unwrap(), LadderResult::default());
        assert!((slope.half() - 240.0).abs() < 1e-9);
    }
}
