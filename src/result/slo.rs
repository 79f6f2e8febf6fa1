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
        of: |r| over(r.target_cost.as_ref()?.descriptors_max, u64::from(r.clients)),
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
mod tests {
    use super::*;
    use crate::result::{Interval, LatencyInterval, TargetCost};
    use crate::scenario::Relation;

    fn held(objectives: &[Objective], index: usize, run: &RunResult) -> Vec<SloResult> {
        evaluate((objectives, OnInvalid::Ignore), index, run, &RunDetail::default())
    }

    /// Ten seconds: the third took 900 ms for each message and is invalid, the others 5 ms.
    fn one_bad_second() -> RunDetail {
        let mut detail = RunDetail::default();
        for second in 0..10 {
            let bad = second == 2;
            let mut delivery = Timing::empty_histogram();
            delivery.record_n(if bad { 900_000_000 } else { 5_000_000 }, 2_000).unwrap();
            let start_s = f64::from(second);
            let verdict = Some(if bad { Verdict::Invalid } else { Verdict::Valid });
            detail.intervals.push(Interval { start_s, length_s: 1.0, verdict, ..Interval::default() });
            let delivery_from_send = Timing::empty_histogram();
            detail.latency.push(LatencyInterval { start_s, length_s: 1.0, delivery, delivery_from_send });
        }
        detail
    }

    #[test]
    fn invalid_seconds_are_left_out_or_not() {
        let bound =
            [objective("delivery_p99", Relation::Less, 100e6), objective("failures", Relation::Equal, 3.0)];
        let run = RunResult { verdict: Verdict::Suspect, ..run() };
        let held = evaluate((&bound, OnInvalid::Ignore), 0, &run, &one_bad_second());
        assert_eq!((held[0].met, held[0].seconds_left_out), (Some(true), 1));
        assert!((held[0].measured.unwrap() / 5e6 - 1.0).abs() < 1e-2, "{held:?}");
        assert_eq!((held[1].met, held[1].seconds_left_out), (Some(true), 0));
        let held = evaluate((&bound, OnInvalid::Fail), 0, &run, &one_bad_second());
        assert_eq!((held[0].met, held[0].measured, held[0].seconds_left_out), (Some(false), Some(250e6), 0));
    }

    #[test]
    fn an_invalid_run_fails_where_the_scenario_says_so() {
        let run = RunResult { verdict: Verdict::Invalid, ..run() };
        let bound = [objective("delivery_p99", Relation::Less, 1e12)];
        let met = |on_invalid| evaluate((&bound, on_invalid), 0, &run, &one_bad_second())[0].met;
        assert_eq!((met(OnInvalid::Ignore), met(OnInvalid::Fail)), (None, Some(false)));
    }

    fn objective(key: &str, relation: Relation, bound: f64) -> Objective {
        Objective { key: key.into(), text: String::new(), relation, bound }
    }

    fn run() -> RunResult {
        RunResult {
            delivery: Quantiles { count: 500_000, p99_ns: Some(250_000_000), ..Default::default() },
            target_cost: Some(TargetCost { cpu_us_per_delivery: Some(12.5), ..Default::default() }),
            ledger: crate::result::Ledger { expected: 500_000, delivered: 500_000, ..Default::default() },
            delivery_effective_count: Some(10_000),
            failures: [("reset".to_owned(), 2), ("timeout".to_owned(), 1)].into(),
            ..Default::default()
        }
    }

    fn met(key: &str, relation: Relation, bound: f64) -> Option<bool> {
        held(&[objective(key, relation, bound)], 0, &run())[0].met
    }

    #[test]
    fn times_are_held_in_nanoseconds() {
        assert_eq!(met("delivery_p99", Relation::Less, 250e6), Some(false));
        assert_eq!(met("delivery_p99", Relation::AtMost, 250e6), Some(true));
        assert_eq!(met("cpu_us_per_delivery", Relation::Less, 12_501.0), Some(true));
        assert_eq!(met("cpu_us_per_delivery", Relation::Less, 12_500.0), Some(false));
    }

    #[test]
    fn a_bound_within_the_error_of_the_clock_is_not_judged() {
        let clock = crate::result::AskedClock { epsilon_ns: Some(1_000_000), ..Default::default() };
        let run = RunResult { asked_clock: Some(clock), ..run() };
        let told = |bound| held(&[objective("delivery_p99", Relation::Less, bound)], 0, &run).remove(0);
        assert_eq!((told(249e6).met, told(251.5e6).met), (Some(false), Some(true)));
        let near = told(250.5e6);
        assert_eq!(near.met, None);
        assert!(near.reason.unwrap().contains("+- 1.00 ms"));
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
        run.ledger.lost = 10_000;
        run.delivery.p99_ns = None;
        let held = |run: &RunResult, key: &str| {
            super::tests::held(&[objective(key, Relation::Less, 1e12)], 0, run)[0].met
        };
        assert_eq!(held(&run, "delivery_p99"), Some(false));
        assert_eq!(held(&run, "delivery_p90"), None);
        run.ledger = crate::result::Ledger::default();
        assert_eq!(held(&run, "lost"), None);
    }

    #[test]
    fn ways_back_can_be_bounded() {
        let reconnects = crate::result::Reconnects {
            count: 900,
            p50_ns: Some(1_000_000_000),
            p99_ns: Some(4_000_000_000),
            max_ns: Some(5_000_000_000),
            gave_up: 1,
            ..Default::default()
        };
        let ledger = crate::result::Ledger { missed: 7, replayed: 9, ..Default::default() };
        let back = RunResult { reconnects, ledger, ..run() };
        let met_by = |key: &str, bound| held(&[objective(key, Relation::AtMost, bound)], 0, &back)[0].met;
        for (key, value) in [
            ("reconnect_p50", 1e9),
            ("reconnect_p99", 4e9),
            ("reconnect_max", 5e9),
            ("gave_up", 1.0),
            ("missed", 7.0),
            ("replayed", 9.0),
        ] {
            assert_eq!((met_by(key, value), met_by(key, value - 1.0)), (Some(true), Some(false)), "{key}");
        }
        assert_eq!(met("reconnect_p50", Relation::Less, 1e12), None, "nobody had to come back");
    }

    #[test]
    fn a_quantile_with_few_publishes_beyond_it_is_not_judged_and_says_so() {
        let few = |effective: u64, key: &str| {
            let run = RunResult { delivery_effective_count: Some(effective), ..run() };
            held(&[objective(key, Relation::Less, 1e12)], 0, &run).remove(0)
        };
        assert_eq!(few(10_000, "delivery_p99").met, Some(true));
        let told = few(9_999, "delivery_p99");
        assert_eq!((told.met, told.measured), (None, Some(250e6)));
        assert_eq!(told.reason.as_deref(), Some("insufficient samples: 99 of 100 beyond the quantile"));
        // Half a million receipts of 120 publishes are 120 samples.
        let fewer = few(120, "delivery_p99").reason;
        assert_eq!(fewer.as_deref(), Some("insufficient samples: 1 of 100 beyond the quantile"));
        let connect = few(10_000, "connect_p99");
        assert_eq!(connect.reason.as_deref(), Some("insufficient samples: 0 of 100 beyond the quantile"));
        // A count is a count.
        assert_eq!((few(1, "lost").reason, few(1, "delivery_max").reason), (None, None));
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
        let held = held(&[objective("delivery_p99", Relation::Less, 1e12)], 3, &run);
        assert_eq!((held[0].met, held[0].measured, held[0].run), (None, Some(250e6), 3));
    }

    #[test]
    fn keys_are_unique() {
        let keys: std::collections::HashSet<_> = METRICS.iter().map(|m| m.key).collect();
        assert_eq!(keys.len(), METRICS.len());
    }
}
