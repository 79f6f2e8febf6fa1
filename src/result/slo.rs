//! Objectives held against runs: one row for each key that an `[slo]` line may name.

use super::{BEYOND_TO_GATE, Deliveries, Quantiles, RunDetail, RunResult, SloResult, Verdict, beyond};
use crate::model::Nanos;
use crate::record::Timing;
use crate::scenario::{Objective, OnInvalid};
use std::borrow::Cow;

/// What a metric is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Nanos,
    /// Microseconds of CPU; its bounds are still written as times, so they come in nanoseconds.
    CpuMicros,
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// One number to another.
    Ratio,
}

impl Unit {
    /// A bound, which for every time is in nanoseconds, in the metric's own unit.
    pub(super) fn of_bound(self, bound: f64) -> f64 {
        if self == Unit::CpuMicros { bound / 1e3 } else { bound }
    }
}

/// One key of `[slo]`.
#[derive(Debug)]
pub struct Metric {
    /// The key.
    pub key: &'static str,
    /// What its value is counted in.
    pub unit: Unit,
    /// Its value in a run; `None` when the run has none.
    pub of: fn(&RunResult) -> Option<f64>,
}

/// Every key that an objective may name.
pub static METRICS: &[Metric] = &[
    Metric { key: "delivery_p50", unit: Unit::Nanos, of: |r| nanos(r.delivery.p50_ns) },
    Metric { key: "delivery_p90", unit: Unit::Nanos, of: |r| nanos(r.delivery.p90_ns) },
    Metric { key: "delivery_p99", unit: Unit::Nanos, of: |r| nanos(r.delivery.p99_ns) },
    Metric { key: "delivery_p999", unit: Unit::Nanos, of: |r| nanos(r.delivery.p999_ns) },
    Metric { key: "delivery_max", unit: Unit::Nanos, of: |r| nanos(r.delivery.max_ns) },
    Metric { key: "connect_p99", unit: Unit::Nanos, of: |r| nanos(r.connect.p99_ns) },
    Metric { key: "reconnect_p50", unit: Unit::Nanos, of: |r| nanos(r.reconnects.p50_ns) },
    Metric { key: "reconnect_p99", unit: Unit::Nanos, of: |r| nanos(r.reconnects.p99_ns) },
    Metric { key: "reconnect_max", unit: Unit::Nanos, of: |r| nanos(r.reconnects.max_ns) },
    Metric { key: "gave_up", unit: Unit::Count, of: |r| Some(r.reconnects.gave_up as f64) },
    Metric { key: "missed", unit: Unit::Count, of: |r| Some(r.ledger.missed as f64) },
    Metric { key: "replayed", unit: Unit::Count, of: |r| Some(r.ledger.replayed as f64) },
    Metric { key: "lost", unit: Unit::Count, of: |r| owed(r, r.ledger.lost).filter(|_| r.tells_loss()) },
    Metric { key: "duplicate", unit: Unit::Count, of: |r| owed(r, r.ledger.duplicate) },
    Metric { key: "unattached", unit: Unit::Count, of: |r| Some(r.ledger.unattached as f64) },
    Metric { key: "publish_failed", unit: Unit::Count, of: |r| Some(r.publish_failed as f64) },
    Metric { key: "failures", unit: Unit::Count, of: |r| Some(r.failures.values().sum::<u64>() as f64) },
    Metric { key: "overhead_to_payload", unit: Unit::Ratio, of: |r| r.bytes.overhead_to_payload },
    Metric {
        key: "message_header_to_payload",
        unit: Unit::Ratio,
        of: |r| r.layers.message_header_to_payload,
    },
    Metric {
        key: "message_header_to_delivered_payload",
        unit: Unit::Ratio,
        of: |r| r.layers.message_header_to_delivered_payload,
    },
    Metric { key: "stream_header_to_payload", unit: Unit::Ratio, of: |r| r.layers.stream_header_to_payload },
    Metric { key: "wire_header_to_payload", unit: Unit::Ratio, of: |r| r.layers.wire_header_to_payload },
    Metric {
        key: "cpu_us_per_delivery",
        unit: Unit::CpuMicros,
        of: |r| r.target_cost.as_ref()?.cpu_us_per_delivery,
    },
    Metric {
        key: "bytes_per_connection",
        unit: Unit::Bytes,
        of: |r| r.target_cost.as_ref()?.bytes_per_connection,
    },
];

/// Keys that a claim may name beside those above.
pub(super) static CLAIM_ONLY: &[Metric] = &[
    Metric { key: "empty_poll_share", unit: Unit::Ratio, of: |r| over(r.polls.empty, r.polls.sent) },
    Metric { key: "header_bytes_per_poll", unit: Unit::Bytes, of: |r| over(r.bytes.headers, r.polls.sent) },
    Metric { key: "headers_to_payload", unit: Unit::Ratio, of: |r| over(r.bytes.headers, r.bytes.payload) },
    Metric {
        key: "overhead_bytes_per_message",
        unit: Unit::Bytes,
        of: |r| over(r.bytes.framing + r.bytes.headers + r.bytes.tls, r.bytes.messages),
    },
    Metric {
        key: "descriptors_per_client",
        unit: Unit::Ratio,
        of: |r| over(r.target_cost.as_ref()?.descriptors_max?, u64::from(r.clients)),
    },
    // A cut session that its client knows of has failed; a client that does not know waits for ever.
    Metric {
        key: "cuts_told_share",
        unit: Unit::Ratio,
        of: |r| over(failed_sessions(r), u64::from(r.clients)),
    },
    Metric {
        key: "came_back_share",
        unit: Unit::Ratio,
        of: |r| over(r.reconnects.count, failed_sessions(r)),
    },
];

fn over(a: u64, b: u64) -> Option<f64> {
    (b > 0).then(|| a as f64 / b as f64)
}

fn failed_sessions(run: &RunResult) -> u64 {
    run.operations.get("session").map_or(0, |sessions| sessions.failed)
}

/// Where nothing was owed, that nothing is missing proves nothing.
fn owed(run: &RunResult, count: u64) -> Option<f64> {
    (run.ledger.expected > 0).then_some(count as f64)
}

/// The share of messages that an objective on delivery time is about; what never came is later than
/// any bound, so that a quantile which falls among the lost has missed it.
fn quantile_of(key: &str) -> Option<f64> {
    match key {
        "delivery_p50" => Some(0.5),
        "delivery_p90" => Some(0.9),
        "delivery_p99" => Some(0.99),
        "delivery_p999" => Some(0.999),
        "delivery_max" => Some(1.0),
        _ => None,
    }
}

/// Whether the quantile that an objective of this key is about falls among the messages that never came.
fn among_the_lost(key: &str, run: &RunResult) -> bool {
    quantile_of(key).is_some_and(|q| Deliveries::of_run(run).is_among_the_lost(q))
}

/// How many samples lie beyond the quantile that this key is about; `None`: it is about none, or about
/// the greatest, which is a fact and no estimate.
fn samples_beyond(key: &str, run: &RunResult) -> Option<u64> {
    match key {
        "connect_p99" => Some(beyond(run.connect.count, 0.99)),
        _ => {
            let q = quantile_of(key).filter(|q| *q < 1.0)?;
            Some(beyond(Deliveries::of_run(run).effective(), q))
        }
    }
}

/// Why an objective cannot be judged by so few samples.
fn insufficient(key: &str, run: &RunResult) -> Option<String> {
    let n = samples_beyond(key, run).filter(|n| *n < BEYOND_TO_GATE)?;
    Some(format!("insufficient samples: {n} of {BEYOND_TO_GATE} beyond the quantile"))
}

fn nanos(value: Option<u64>) -> Option<f64> {
    value.map(|v| v as f64)
}

/// The least that the quantile of this key can be, where it falls among the messages that never came.
pub fn at_least(key: &str, run: &RunResult) -> Option<f64> {
    nanos(Deliveries::of_run(run).at_least_ns(quantile_of(key)?))
}

/// The metric with this key.
pub fn metric(key: &str) -> Option<&'static Metric> {
    METRICS.iter().chain(CLAIM_ONLY).find(|m| m.key == key)
}

/// Holds each objective against run number `index` and its series, in the order of `objectives`.
///
/// An invalid run meets nothing and, unless they say that it fails, misses nothing: `met` is `None`,
/// as it is where the run has no such value (a target that could not be seen), and for a quantile with
/// fewer than 100 samples beyond it (method, rule 25); `reason` tells how many there are. One that falls
/// among messages that never came is missed however few they are: that they did not come is a fact.
/// Of a run that is not invalid, delivery times are held without its invalid seconds.
pub fn evaluate(
    (objectives, on_invalid): (&[Objective], OnInvalid),
    index: usize,
    run: &RunResult,
    detail: &RunDetail,
) -> Vec<SloResult> {
    let (held, left_out) = match on_invalid {
        OnInvalid::Ignore => without_invalid_seconds(run, detail),
        OnInvalid::Fail => (Cow::Borrowed(run), 0),
    };
    let one = |o: &Objective| {
        let is_delivery = quantile_of(&o.key).is_some();
        let result = one(o, index, if is_delivery { &held } else { run });
        let met = match (run.verdict, on_invalid) {
            (Verdict::Invalid, OnInvalid::Fail) => Some(false),
            _ => result.met,
        };
        SloResult { met, seconds_left_out: if is_delivery { left_out } else { 0 }, ..result }
    };
    objectives.iter().map(one).collect()
}

/// The run with the delivery times of its other seconds, and how many were left out. What was lost
/// may have been lost in any second, so it stays.
fn without_invalid_seconds<'r>(run: &'r RunResult, detail: &RunDetail) -> (Cow<'r, RunResult>, u32) {
    let bad: Vec<f64> =
        detail.intervals.iter().filter(|i| i.verdict == Some(Verdict::Invalid)).map(|i| i.start_s).collect();
    if bad.is_empty() || run.verdict == Verdict::Invalid {
        return (Cow::Borrowed(run), 0);
    }
    let is_bad = |start_s: f64| bad.iter().any(|b| (b - start_s).abs() < 1e-3);
    let mut kept = Timing::empty_histogram();
    let all = detail.latency.iter().filter(|l| !is_bad(l.start_s));
    // Greater than the greatest kept time: none is that late.
    all.for_each(|l| kept.add(&l.delivery).unwrap_or_default());
    let delivery = Quantiles::with_missing(&kept, None, None, run.ledger.lost);
    (Cow::Owned(RunResult { delivery, ..run.clone() }), bad.len() as u32)
}

/// Why an objective cannot be judged by a delivery time that another host's clock may move across its
/// bound.
fn blurred(objective: &Objective, metric: &Metric, value: f64, run: &RunResult) -> Option<String> {
    quantile_of(&objective.key)?;
    let epsilon = run.delivery_epsilon_ns()?;
    let holds = |v| objective.relation.holds(v, metric.unit.of_bound(objective.bound));
    (holds(value - epsilon as f64) != holds(value + epsilon as f64))
        .then(|| format!("the bound lies within +- {}, the error of the target's clock", Nanos(epsilon)))
}

fn one(objective: &Objective, index: usize, run: &RunResult) -> SloResult {
    let found = metric(&objective.key);
    let measured = found.and_then(|m| (m.of)(run)).filter(|v| v.is_finite());
    let holds = |m: &Metric, v| objective.relation.holds(v, m.unit.of_bound(objective.bound));
    let judged = || found.zip(measured).map(|(m, v)| holds(m, v));
    let (met, reason) = match insufficient(&objective.key, run) {
        _ if among_the_lost(&objective.key, run) => (Some(false), None),
        Some(reason) => (None, Some(reason)),
        None => match found.zip(measured).and_then(|(m, v)| blurred(objective, m, v, run)) {
            Some(reason) => (None, Some(reason)),
            None => (judged(), None),
        },
    };
    let met = met.filter(|_| run.verdict != Verdict::Invalid);
    let (key, objective) = (objective.key.clone(), objective.text.clone());
    SloResult { run: index, key, objective, measured, met, reason, seconds_left_out: 0 }
}

#[cfg(test)]
mod tests;
