//! What speaks for and against a run.

use super::*;
use crate::result::Operations;

pub(super) fn good() -> RunResult {
    let mut run = RunResult {
        clients: 10,
        measured_s: 10.0,
        offered_per_s: 200.0,
        achieved_per_s: 200.0,
        ..RunResult::default()
    };
    run.delivery.p99_ns = Some(2_000_000);
    run.generator.loop_lag_p99_ns = Some(150_000);
    run.generator.send_lag_p99_ns = Some(150_000);
    run.generator.cpu_share = 0.2;
    run
}

pub(super) fn judged(mut run: RunResult, change: impl FnOnce(&mut Evidence)) -> RunResult {
    let mut evidence = Evidence {
        closes: true,
        staying: 10,
        subscribed_at_start: 10,
        subscribed_at_end: 10,
        come_back: false,
        planned_s: 10.0,
        polls_skipped: 0,
        shared_core: false,
        events: false,
        second: SecondLook::default(),
    };
    change(&mut evidence);
    judge(&mut run, &evidence);
    run
}

#[test]
fn nothing_against_it_is_valid() {
    let run = judged(good(), |_| {});
    assert_eq!((run.verdict, run.reasons.len()), (Verdict::Valid, 0));
}

#[test]
fn a_generator_at_its_limit_is_invalid_not_slow() {
    let mut run = good();
    run.generator.cpu_share = 0.93;
    assert_eq!(judged(run, |_| {}).verdict, Verdict::Invalid);
    let mut run = good();
    run.generator.loop_lag_p99_ns = Some(1_500_000);
    assert_eq!(judged(run, |_| {}).verdict, Verdict::Invalid);
    let mut run = good();
    run.generator.send_lag_p99_ns = Some(1_500_000);
    run.delivery.p99_ns = Some(12_000_000);
    assert_eq!(judged(run, |_| {}).verdict, Verdict::Suspect);
}

#[test]
fn less_than_offered_is_invalid_whoever_did_it_and_told_apart() {
    let mut run = good();
    run.achieved_per_s = 190.0;
    let refused = judged(run.clone(), |_| {});
    assert_eq!((refused.verdict, refused.generator_limited), (Verdict::Invalid, false));
    run.failures_by_side.insert("harness".to_owned(), 100);
    let starved = judged(run, |_| {});
    assert_eq!((starved.verdict, starved.generator_limited), (Verdict::Invalid, true));
}

#[test]
fn the_busiest_of_several_workers_counts() {
    let mut run = good();
    run.generator.worker_cpu_share_max = 0.95;
    let judged = judged(run, |_| {});
    assert_eq!((judged.verdict, judged.generator_limited), (Verdict::Invalid, true));
}

#[test]
fn sessions_that_ended_are_told_though_nothing_was_lost() {
    let judged = judged(good(), |e| e.subscribed_at_end = 4);
    assert_eq!(judged.verdict, Verdict::Suspect);
    assert!(judged.reasons[0].starts_with("6 of 10 sessions ended"), "{:?}", judged.reasons);
}

#[test]
fn a_storm_that_came_back_is_no_finding_but_who_gave_up_is() {
    let mut run = good();
    (run.reconnects.count, run.reconnects.attempts, run.ledger.missed) = (10, 25, 400);
    run.operations
        .insert("session".to_owned(), Operations { started: 20, finished: 0, failed: 10, open: 10 });
    assert_eq!(judged(run.clone(), |e| e.come_back = true).verdict, Verdict::Valid);
    let late = judged(run.clone(), |e| (e.come_back, e.subscribed_at_end) = (true, 7));
    assert!(late.reasons[0].starts_with("3 of 10 clients had not come back"), "{:?}", late.reasons);
    run.reconnects.gave_up = 2;
    let judged = judged(run, |e| e.come_back = true);
    assert_eq!(judged.verdict, Verdict::Suspect);
    assert!(judged.reasons[0].starts_with("2 times a client gave up"), "{:?}", judged.reasons);
}

#[test]
fn clients_that_come_and_go_are_not_missed() {
    let populations = |e: &mut Evidence| (e.staying, e.subscribed_at_start, e.subscribed_at_end) = (0, 0, 0);
    let mut run = good();
    run.operations.insert("connect".to_owned(), Operations { started: 9, finished: 9, failed: 0, open: 0 });
    assert_eq!(judged(run.clone(), populations).verdict, Verdict::Valid);
    run.operations.insert("connect".to_owned(), Operations { started: 9, finished: 0, failed: 9, open: 0 });
    assert_eq!(judged(run, populations).verdict, Verdict::Invalid);
}

#[test]
fn lost_messages_are_told() {
    let mut run = good();
    (run.ledger.expected, run.ledger.delivered, run.ledger.lost) = (1_000, 980, 20);
    assert_eq!(judged(run, |_| {}).verdict, Verdict::Suspect);
}

#[test]
fn books_that_do_not_close_are_invalid() {
    assert_eq!(judged(good(), |e| e.closes = false).verdict, Verdict::Invalid);
    let mut run = good();
    run.operations.insert("poll".to_owned(), Operations { started: 5, finished: 3, failed: 1, open: 0 });
    assert_eq!(judged(run, |_| {}).verdict, Verdict::Invalid);
}

#[test]
fn delivery_times_that_do_not_close_with_the_ledger_are_our_fault() {
    let mut run = good();
    run.cooperation = "stamp".to_owned();
    let l = &mut run.ledger;
    (l.expected, l.delivered, l.lost, l.in_flight, l.unacknowledged) = (10_000, 9_996, 3, 1, 5);
    run.delivery.count = 10_001;
    assert_eq!(judged(run.clone(), |_| {}).verdict, Verdict::Valid);
    // A sample filled in, or one left out.
    for count in [10_002, 10_000, 3] {
        run.delivery.count = count;
        let judged = judged(run.clone(), |_| {});
        assert_eq!((judged.verdict, judged.generator_limited), (Verdict::Invalid, true), "{count}");
    }
}

#[test]
fn missing_subscribers_are_told() {
    assert_eq!(judged(good(), |e| e.subscribed_at_start = 9).verdict, Verdict::Suspect);
    assert_eq!(judged(good(), |e| e.subscribed_at_start = 0).verdict, Verdict::Invalid);
}
