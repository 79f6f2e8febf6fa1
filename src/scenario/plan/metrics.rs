//! The target's own counters that a run reads.

use crate::model::Nanos;
use std::path::PathBuf;

/// One page, and what is taken from it.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsPlan {
    /// A path on the target (begins with `/`), or a whole URL.
    pub url: String,
    /// How it is written.
    pub format: MetricsFormat,
    /// How often it is read; whole seconds, at least one.
    pub every: Nanos,
    /// How long one reading may take.
    pub timeout: Nanos,
    /// Bytes of the longest answer that is read.
    pub limit_bytes: u64,
    /// Headers of the request.
    pub headers: Vec<(String, String)>,
    /// A PEM file with roots to trust; `None`: as for the target.
    pub ca: Option<PathBuf>,
    /// What is taken; at least one, names are unique in a plan.
    pub series: Vec<SeriesPlan>,
}

/// One number of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesPlan {
    /// Its name in the results.
    pub name: String,
    /// Where it stands; fits the page's format.
    pub pick: Pick,
    /// How it behaves.
    pub kind: SeriesKind,
    /// What of ours it is held against.
    pub is: Option<SeriesIs>,
    /// Its unit; empty when none was given.
    pub unit: String,
}

/// Where a number stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// All samples of this name that have these labels with these values, added up.
    Metric {
        /// The name of the samples.
        name: String,
        /// Label and value.
        labels: Vec<(String, String)>,
    },
    /// The numbers at these JSON pointers, added up.
    Pointers(Vec<String>),
    /// What stands behind this key.
    Key(String),
}

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsFormat {
    /// Prometheus text and OpenMetrics.
    Prometheus,
    /// JSON.
    Json,
    /// Lines of `key: value`.
    Text,
}

impl MetricsFormat {
    /// As scenario files write it.
    pub const fn key(self) -> &'static str {
        match self {
            MetricsFormat::Prometheus => "prometheus",
            MetricsFormat::Json => "json",
            MetricsFormat::Text => "text",
        }
    }
}

/// How a number behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesKind {
    /// Only grows, but for a restart of the target.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl SeriesKind {
    /// As scenario files write it.
    pub const fn key(self) -> &'static str {
        match self {
            SeriesKind::Counter => "counter",
            SeriesKind::Gauge => "gauge",
        }
    }
}

/// What of ours a number is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesIs {
    /// Messages received by subscribers.
    Delivered,
    /// Messages that the target took.
    Published,
    /// Clients attached.
    Subscribers,
}

impl SeriesIs {
    /// As scenario files write it.
    pub const fn key(self) -> &'static str {
        match self {
            SeriesIs::Delivered => "delivered",
            SeriesIs::Published => "published",
            SeriesIs::Subscribers => "subscribers",
        }
    }

    /// What such a number must be.
    pub const fn kind(self) -> SeriesKind {
        match self {
            SeriesIs::Delivered | SeriesIs::Published => SeriesKind::Counter,
            SeriesIs::Subscribers => SeriesKind::Gauge,
        }
    }
}
