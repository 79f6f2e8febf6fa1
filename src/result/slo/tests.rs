//! What objectives come to.

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
