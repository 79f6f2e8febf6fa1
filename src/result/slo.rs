//! Objectives held against runs: one row for each key that an `[slo]` line may name.

use super::{RunResult, SloResult, Verdict};
use crate::scenario::Objective;

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
    fn of_bound(self, bound: f64) -> f64 {
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

fn is_among_the_lost(key: &str, run: &RunResult) -> bool {
    let lost = run.ledger.lost as f64 / run.ledger.expected.max(1) as f64;
    quantile_of(key).is_some_and(|q| lost > 0.0 && lost >= 1.0 - q)
}

fn nanos(value: Option<u64>) -> Option<f64> {
    value.map(|v| v as f64)
}

/// The metric with this key.
pub fn metric(key: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|m| m.key == key)
}

/// Holds each objective against run number `index`, in the order of `objectives`.
///
/// An invalid run meets nothing and misses nothing: `met` is `None`, as it is where the run has no
/// such value (a quantile of too few samples, a target that could not be seen).
pub fn evaluate(objectives: &[Objective], index: usize, run: &RunResult) -> Vec<SloResult> {
    objectives.iter().map(|o| one(o, index, run)).collect()
}

fn one(objective: &Objective, index: usize, run: &RunResult) -> SloResult {
    let found = metric(&objective.key);
    let measured = found.and_then(|m| (m.of)(run)).filter(|v| v.is_finite());
    let holds = |m: &Metric, v| objective.relation.holds(v, m.unit.of_bound(objective.bound));
    let met = match measured {
        None if is_among_the_lost(&objective.key, run) => Some(false),
        _ => found.zip(measured).map(|(m, v)| holds(m, v)),
    };
    let met = met.filter(|_| run.verdict != Verdict::Invalid);
    SloResult { run: index, key: objective.key.clone(), objective: objective.text.clone(), measured, met }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Quantiles, TargetCost};
    use crate::scenario::Relation;

    fn objective(key: &str, relation: Relation, bound: f64) -> Objective {
        Objective { key: key.into(), text: String::new(), relation, bound }
    }

    fn run() -> RunResult {
        RunResult {
            delivery: Quantiles { count: 5_000, p99_ns: Some(250_000_000), ..Default::default() },
            target_cost: Some(TargetCost { cpu_us_per_delivery: Some(12.5), ..Default::default() }),
            ledger: crate::result::Ledger { expected: 5_000, delivered: 5_000, ..Default::default() },
            failures: [("reset".to_owned(), 2), ("timeout".to_owned(), 1)].into(),
            ..Default::default()
        }
    }

    fn met(key: &str, relation: Relation, bound: f64) -> Option<bool> {
        evaluate(&[objective(key, relation, bound)], 0, &run())[0].met
    }

    #[test]
    fn times_are_held_in_nanoseconds() {
        assert_eq!(met("delivery_p99", Relation::Less, 250e6), Some(false));
        assert_eq!(met("delivery_p99", Relation::AtMost, 250e6), Some(true));
        assert_eq!(met("cpu_us_per_delivery", Relation::Less, 12_501.0), Some(true));
        assert_eq!(met("cpu_us_per_delivery", Relation::Less, 12_500.0), Some(false));
    }

    #[test]
    fn counts_are_held_as_they_are() {
        assert_eq!(met("lost", Relation::Equal, 0.0), Some(true));
        assert_eq!(met("failures", Relation::AtMost, 2.0), Some(false));
        assert_eq!(met("failures", Relation::Equal, 3.0), Some(true));
    }

    #[test]
    fn a_quantile_among_the_lost_is_missed_and_nothing_owed_proves_nothing() {
        let mut run = run();
        run.ledger.lost = 100;
        run.delivery.p99_ns = None;
        let held =
            |run: &RunResult, key: &str| evaluate(&[objective(key, Relation::Less, 1e12)], 0, run)[0].met;
        assert_eq!(held(&run, "delivery_p99"), Some(false));
        assert_eq!(held(&run, "delivery_p90"), None);
        run.ledger = crate::result::Ledger::default();
        assert_eq!(held(&run, "lost"), None);
    }

    #[test]
    fn what_the_run_lacks_is_neither_met_nor_missed() {
        assert_eq!(met("delivery_p999", Relation::Less, 1e9), None);
        assert_eq!(met("bytes_per_connection", Relation::Less, 1e9), None);
        assert_eq!(met("no_such_key", Relation::Less, 1e9), None);
    }

    #[test]
    fn an_invalid_run_proves_nothing_but_its_value_is_kept() {
        let run = RunResult { verdict: Verdict::Invalid, ..run() };
        let held = evaluate(&[objective("delivery_p99", Relation::Less, 1e12)], 3, &run);
        assert_eq!((held[0].met, held[0].measured, held[0].run), (None, Some(250e6), 3));
    }

    #[test]
    fn keys_are_unique() {
        let keys: std::collections::HashSet<_> = METRICS.iter().map(|m| m.key).collect();
        assert_eq!(keys.len(), METRICS.len());
    }
}
