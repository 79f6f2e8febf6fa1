//! The rows of `intervals.csv`.

use super::{Verdict, finite};
use serde::{Deserialize, Serialize};

/// One second of a run: a row of `intervals.csv`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interval {
    /// Start, seconds since the run's first connect was due.
    #[serde(with = "finite")]
    pub start_s: f64,
    /// Length, seconds.
    #[serde(with = "finite")]
    pub length_s: f64,
    /// `connect`, `warmup`, `measure` or `drain`.
    pub phase: String,
    /// Clients attached at its end.
    pub attached: u32,
    /// Messages acknowledged.
    pub published: u64,
    /// Messages received for the first time.
    pub delivered: u64,
    /// Median delivery time of what was received in it.
    pub delivery_p50_ns: Option<u64>,
    /// 99th percentile.
    pub delivery_p99_ns: Option<u64>,
    /// Greatest.
    pub delivery_max_ns: Option<u64>,
    /// Requests of pull transports answered.
    pub polls: u64,
    /// Failures of all kinds.
    pub failures: u64,
    /// Attempts to attach that were begun in it.
    pub attempts: u64,
    /// Sessions that ended in it though they were to stay.
    pub sessions_lost: u64,
    /// Bytes read and written by subscribers.
    pub wire_bytes: u64,
    /// Loop lag, greatest.
    pub loop_lag_max_ns: Option<u64>,
    /// Generator CPU, share of the workers' cores.
    #[serde(with = "finite::option")]
    pub generator_cpu_share: Option<f64>,
    /// Target CPU, share of one core.
    #[serde(with = "finite::option")]
    pub target_cpu_share: Option<f64>,
    /// Target's proportional set size, where it was taken.
    pub target_pss_bytes: Option<u64>,
    /// Loop lag that 99 % of the interval's probes (200 a second) keep below: of so few, nearly the
    /// greatest.
    pub loop_lag_p99_ns: Option<u64>,
    /// How late messages were sent, 99th percentile.
    pub send_lag_p99_ns: Option<u64>,
    /// The greatest.
    pub send_lag_max_ns: Option<u64>,
    /// Messages that were not sent because their outlet could not take them when they were due.
    pub sends_dropped: u64,
    /// Messages sent more than 1 ms after they were due.
    pub sends_late: u64,
    /// The busiest worker's CPU, share of one core.
    #[serde(with = "finite::option")]
    pub worker_cpu_share_max: Option<f64>,
    /// Time that the host took from the workers' cores, share of them.
    #[serde(with = "finite::option")]
    pub steal_share: Option<f64>,
    /// Time that worker threads were runnable without a CPU, share of the interval, all workers'.
    #[serde(with = "finite::option")]
    pub run_delay_share: Option<f64>,
    /// Times that a worker thread was taken off its CPU.
    pub involuntary_switches: Option<u64>,
    /// Packets that the kernel dropped in its receive queues, the whole machine.
    pub softnet_drops: Option<u64>,
    /// Bytes that lay unread in our sockets at its end: of 64 subscribers' sockets of each worker.
    pub socket_backlog_bytes: Option<u64>,
    /// Time that some task of the machine waited for a CPU, share of the interval.
    #[serde(with = "finite::option")]
    pub cpu_pressure_share: Option<f64>,
    /// Whether to believe it; only intervals of `measure` are judged.
    pub verdict: Option<Verdict>,
    /// Why not, in words, joined by semicolons.
    pub reasons: String,
}
