//! What the target counted itself, over the run and each phase, and held against what we counted.
//! Keys of `summary.json`, and the rows of `metrics.csv`.

use super::finite;
use serde::{Deserialize, Serialize};

/// The target's own counters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetMetrics {
    /// The pages that were read.
    pub sources: Vec<MetricSource>,
    /// The chosen numbers.
    pub series: Vec<MetricSeries>,
    /// Those that count what we count, held against it.
    pub reconciled: Vec<MetricReconciled>,
    /// What could not be read or not be believed, in words.
    pub warnings: Vec<String>,
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricSource {
    /// Its URL, or its path on the target.
    pub url: String,
    /// `prometheus`, `json` or `text`.
    pub format: String,
    /// Readings that were begun.
    pub scrapes: u64,
    /// Of these, those that brought nothing.
    pub failed: u64,
    /// Readings that were due while the one before was still under way.
    pub skipped: u64,
    /// Most bytes of an answer.
    pub answer_bytes_max: u64,
    /// Longest time from the question to the last byte of the answer.
    pub took_max_ns: u64,
}

/// One number of a page. A value is `null` where none was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricSeries {
    /// Its name.
    pub name: String,
    /// The page it stands on.
    pub url: String,
    /// `counter` or `gauge`.
    pub kind: String,
    /// What of ours it is held against: `delivered`, `published`, `subscribers`; empty: nothing.
    pub is: String,
    /// Its unit; empty when none was given.
    pub unit: String,
    /// Values read.
    pub samples: u64,
    /// Times that a counter went back: the target, or a part of it, began anew.
    pub restarts: u64,
    /// Before the first client.
    #[serde(with = "finite::option")]
    pub idle: Option<f64>,
    /// At the end of `measure`.
    #[serde(with = "finite::option")]
    pub last: Option<f64>,
    /// Least in `measure`.
    #[serde(with = "finite::option")]
    pub min: Option<f64>,
    /// Greatest in `measure`.
    #[serde(with = "finite::option")]
    pub max: Option<f64>,
    /// After the last client.
    #[serde(with = "finite::option")]
    pub after: Option<f64>,
    /// Of counters: what each phase, and the whole run, added. Empty for gauges.
    pub gains: Vec<MetricGain>,
}

/// What a counter gained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricGain {
    /// `connect`, `warmup`, `measure`, `drain`, or `run`: from before the first client to after the last.
    pub phase: String,
    /// The gain; `null` when it is not known.
    #[serde(with = "finite::option")]
    pub gain: Option<f64>,
    /// Where the counter went back: the gains between, and what it counted since each restart.
    #[serde(with = "finite::option")]
    pub gain_at_least: Option<f64>,
    /// When the first of the two readings was asked for, seconds since the first connect was due.
    #[serde(with = "finite::option")]
    pub from_s: Option<f64>,
    /// When the second was asked for.
    #[serde(with = "finite::option")]
    pub to_s: Option<f64>,
    /// Why `gain` is `null`, in words.
    pub reason: Option<String>,
}

/// A number of the target's beside ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricReconciled {
    /// The series.
    pub name: String,
    /// `delivered`, `published`, `subscribers`.
    pub is: String,
    /// The target's: the gain over the whole run; of subscribers the value at the end of `measure`.
    #[serde(with = "finite::option")]
    pub target: Option<f64>,
    /// Ours: messages received (again, too), publishes acknowledged, clients attached.
    pub ours: u64,
    /// `target - ours`.
    #[serde(with = "finite::option")]
    pub difference: Option<f64>,
    /// By how much they may differ: what was under way.
    pub in_flight: u64,
    /// Whether they differ by no more; `null` when the target's number is not known.
    pub agrees: Option<bool>,
}

/// One value of one series: a row of `metrics.csv`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricRow {
    /// When the answer was there, by our clock: seconds since the first connect was due; negative
    /// before it.
    #[serde(with = "finite")]
    pub at_s: f64,
    /// How long it took from the question to there.
    #[serde(with = "finite")]
    pub took_s: f64,
    /// The phase in which it was asked for, or that it ends.
    pub phase: String,
    /// The series.
    pub name: String,
    /// `counter` or `gauge`.
    pub kind: String,
    /// Its unit.
    pub unit: String,
    /// The value, as the target told it.
    #[serde(with = "finite")]
    pub value: f64,
}
