//! Run results: their schema, writing and reading. Knows nothing of how they were got.

mod believed;
mod charts;
mod claims;
mod clock;
mod cost_model;
mod cost_row;
mod effective;
mod error;
mod events;
mod fanout;
mod finite;
mod folder;
mod health;
mod hlog;
mod interval;
mod ladder;
mod layers;
mod ledger;
mod lives;
mod mean;
mod paid;
mod polling;
mod price;
mod quantiles;
mod read;
mod receive;
mod scraped;
mod series;
mod slo;
mod steady;
mod summary;
mod target;
mod told;

pub use charts::{Chart, read_charts};
pub use claims::{ClaimResult, Holds, held};
pub use clock::AskedClock;
pub use cost_model::{CostModel, Estimate, Fitted, cost_models};
pub use cost_row::CostRow;
pub use effective::{BEYOND_TO_GATE, BEYOND_TO_SHOW, Deliveries, beyond};
pub use error::ResultError;
pub use events::EventFiles;
pub use fanout::FanOut;
pub use folder::Folder;
pub use health::Health;
pub use interval::Interval;
pub use ladder::{ConnectionCost, ConnectionSlopes, LadderResult, LadderStep, Slope};
pub use layers::{ByteCheck, Layers};
pub use ledger::Ledger;
pub use lives::*;
pub use mean::{mean_interval, median};
pub use paid::{Generator, TargetCost};
pub use polling::Polling;
pub use price::{Limit, Priced, Prices, priced};
pub use receive::Receive;
pub use scraped::*;
pub use slo::{METRICS, Metric, Unit, at_least, evaluate, metric};
pub use steady::Steady;
pub use summary::*;
pub use target::{TargetCpu, TargetGroup, TargetMemory, TargetNetwork};
pub use told::{Receivers, Spread};

use hdrhistogram::Histogram;

/// Everything a results folder holds, in memory.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// `summary.json`.
    pub summary: Summary,
    /// `manifest.json`.
    pub manifest: serde_json::Value,
    /// What is too long for the summary; one for each of `summary.runs`, in that order.
    pub details: Vec<RunDetail>,
}

/// The series of one run.
#[derive(Clone, Debug, Default)]
pub struct RunDetail {
    /// `intervals.csv`: one row a second.
    pub intervals: Vec<Interval>,
    /// `cost.csv`: one row for each reading of the probes.
    pub cost: Vec<CostRow>,
    /// `latency.hlog`: delivery times of messages due in `measure`, by the second of receipt.
    pub latency: Vec<LatencyInterval>,
    /// `metrics.csv`: one row for each value of the target's own counters; no file without any.
    pub metrics: Vec<MetricRow>,
}

/// Delivery times of one interval.
#[derive(Clone, Debug)]
pub struct LatencyInterval {
    /// Start, seconds since the run's first connect was due.
    pub start_s: f64,
    /// Length, seconds.
    pub length_s: f64,
    /// Publish intended -> received, nanoseconds.
    pub delivery: Histogram<u64>,
    /// Publish really sent -> received, nanoseconds.
    pub delivery_from_send: Histogram<u64>,
}
