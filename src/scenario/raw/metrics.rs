//! `[[metrics]]`: the target's own counters.

use super::{Bytes, Many, Pairs, Text};
use crate::model::Nanos;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A page on which the target tells what it counts. Read beside the load, never on a worker.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Metrics {
    /// A path on the target's `base`, or a whole URL.
    #[schemars(required, regex(pattern = r"^(/|https?://)|\$\{env:"), example = "/metrics",
        extend("x-want" = "a path such as \"/metrics\", or a URL such as \"http://127.0.0.1:9100/metrics\""))]
    pub(in crate::scenario) url: Option<String>,
    /// How it is written: "prometheus" (also OpenMetrics), "json", or "text" (lines of `key: value`).
    #[schemars(required)]
    pub(in crate::scenario) format: Option<MetricsFormat>,
    /// How often it is read, in whole seconds; beside that at the ends of phases.
    #[schemars(extend("default" = "1s"))]
    pub(in crate::scenario) every: Option<Text<Nanos>>,
    /// How long one reading may take.
    #[schemars(extend("default" = "1s"))]
    pub(in crate::scenario) timeout: Option<Text<Nanos>>,
    /// The longest answer that is read; a longer one is given up.
    #[schemars(extend("default" = "4 MiB"))]
    pub(in crate::scenario) limit: Option<Text<Bytes>>,
    /// Headers of the request, such as a key: `{ Authorization = "Bearer ${env:KEY}" }`.
    pub(in crate::scenario) headers: Option<Pairs>,
    /// A PEM file with the roots to trust for this URL, beside the scenario file. Left out: as `target.tls` has it.
    #[schemars(length(min = 1), example = "ca.pem")]
    pub(in crate::scenario) ca: Option<String>,
    /// What is taken from it.
    #[schemars(required, length(min = 1), extend("x-want" = "at least one of { name = \"...\", metric | pointer | key = \"...\", kind = \"counter\" }"))]
    pub(in crate::scenario) series: Option<Vec<Series>>,
}

/// One number of a page: `metric` for Prometheus, `pointer` for JSON, `key` for text.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Series {
    /// Its name in the results.
    #[schemars(required, regex(pattern = r"^[A-Za-z][A-Za-z0-9_.-]{0,47}$"), example = &"published",
        extend("x-want" = "a name of letters, digits and . _ -, 48 at most"))]
    pub(in crate::scenario) name: Option<String>,
    /// The name of a Prometheus sample as it stands in the text, such as `http_requests_total`. All samples
    /// of this name that have the `labels` are added up.
    #[schemars(length(min = 1), example = &"http_requests_total")]
    pub(in crate::scenario) metric: Option<String>,
    /// Labels that the samples must have, with these values.
    #[schemars(extend("x-want" = "a table of texts, such as { code = \"200\" }"))]
    pub(in crate::scenario) labels: Option<BTreeMap<String, String>>,
    /// A JSON pointer (RFC 6901), or several, whose numbers are added up.
    #[schemars(example = "/connections")]
    pub(in crate::scenario) pointer: Option<Many<String>>,
    /// What stands before the colon.
    #[schemars(length(min = 1), example = "total published messages")]
    pub(in crate::scenario) key: Option<String>,
    /// "counter": it only grows, and its gain is told; "gauge": it goes up and down.
    #[schemars(required)]
    pub(in crate::scenario) kind: Option<SeriesKind>,
    /// What it counts, where pushbench counts the same: "delivered" (messages sent to subscribers),
    /// "published" (messages taken), "subscribers" (subscribed now). Both are held against each other.
    pub(in crate::scenario) is: Option<SeriesIs>,
    /// Its unit, for charts.
    #[schemars(length(max = 24), extend("x-want" = "a text of 24 characters at most"), example = &"messages")]
    pub(in crate::scenario) unit: Option<String>,
}

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum MetricsFormat {
    /// Prometheus text, OpenMetrics.
    Prometheus,
    /// JSON.
    Json,
    /// Lines of `key: value`.
    Text,
}

/// How a number behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum SeriesKind {
    /// Only grows, but for a restart.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// What it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum SeriesIs {
    /// Messages sent to subscribers.
    Delivered,
    /// Messages taken from publishers.
    Published,
    /// Subscribers now.
    Subscribers,
}
