//! The rows of `intervals.csv`.

use super::finite;
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
}
