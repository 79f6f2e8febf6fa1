//! Each gate fires on a corrupted counter and on nothing else.

use super::super::tests::{good, judged};
use super::*;

/// A good run with all that the gates look at: 50 clients, 20 messages a second for 10 s.
fn whole() -> (RunResult, SecondLook) {
    let mut run = good();
    (run.clients, run.published) = (50, 200);
    (run.ledger.expected, run.ledger.delivered) = (10_000, 10_000);
    (run.publisher, run.cooperation) = ("http".into(), "stamp".into());
    run.transport = "websocket".into();
    (run.bytes.messages, run.bytes.payload, run.bytes.wire_in) = (10_000, 10_000 * 64, 10_000 * 66);
    (run.delivery.count, run.delivery.min_ns, run.delivery.mean_ns) = (10_000, Some(90_000), Some(300_000.0));
    (run.stages.tcp.count, run.stages.tcp.min_ns) = (50, Some(60_000));
    let second = SecondLook {
        attached: 50.0,
        samples: 10,
        sessions_per_s: 5.0,
        session_s: 10.0,
        own_frames: true,
        ..SecondLook::default()
    };
    (run, second)
}

fn polls() -> (RunResult, SecondLook) {
    let (mut run, mut second) = whole();
    run.transport = "poll".into();
    run.delivery.mean_ns = Some(502e6);
    second.poll_every = Some(Nanos::SECOND);
    (run, second)
}

/// What is said against it.
fn told(run: RunResult, second: SecondLook) -> Vec<String> {
    let judged = judged(run, |e| e.second = second);
    assert_eq!(judged.generator_limited, !judged.reasons.is_empty());
    judged.reasons
}

fn fires(run: RunResult, second: SecondLook, with: &str) {
    let told = told(run, second);
    assert!(told.len() == 1 && told[0].contains(with), "{told:?}");
}

#[test]
fn nothing_fires_on_good_runs() {
    for (run, second) in [whole(), polls()] {
        assert_eq!(told(run, second), Vec::<String>::new());
    }
}

#[test]
fn too_few_bytes_read() {
    let (mut run, second) = whole();
    run.bytes.wire_in = 10_000 * 30;
    fires(run, second, "bytes were read");
}

#[test]
fn compression_is_no_missing_byte() {
    let (mut run, second) = whole();
    (run.bytes.wire_in, run.bytes.saved) = (10_000 * 20, 10_000 * 46);
    assert_eq!(told(run, second), Vec::<String>::new());
}

#[test]
fn payload_without_room_for_the_stamps() {
    let (mut run, second) = whole();
    run.bytes.payload = 10_000 * 33;
    fires(run, second, "less than their stamps");
}

#[test]
fn quicker_than_the_network() {
    let (mut run, second) = whole();
    (run.delivery.min_ns, run.stages.tcp.min_ns) = (Some(2_000_000), Some(6_000_000));
    fires(run.clone(), second, "less than half of the quickest TCP handshake");
    let mut near = run.clone();
    (near.delivery.min_ns, near.stages.tcp.min_ns) = (Some(20_000), Some(120_000));
    assert_eq!(told(near, second), Vec::<String>::new(), "on one machine a handshake is mostly wake-ups");
    run.stages.tcp.count = 3;
    assert_eq!(told(run.clone(), second), Vec::<String>::new(), "one handshake may have waited for us");
    run.stages.tcp.count = 50;
    run.cooperation = "time".into();
    assert_eq!(told(run, second), Vec::<String>::new(), "another clock has a finding of its own");
}

#[test]
fn more_or_fewer_sessions_than_littles_law_allows() {
    for wrong in [46.0, 54.0] {
        let (run, second) = whole();
        fires(run, SecondLook { attached: wrong, ..second }, "Little's law");
    }
    let (run, second) = whole();
    fires(run.clone(), SecondLook { session_s: 11.0, ..second }, "Little's law");
    let swaying = SecondLook { attached: 54.0, attached_error: 1.0, ..second };
    assert_eq!(told(run, swaying), Vec::<String>::new());
}

#[test]
fn polling_faster_than_its_period() {
    let (mut run, second) = polls();
    run.delivery.mean_ns = Some(300e6);
    fires(run.clone(), second, "less than half the period");
    run.clients = 10;
    assert_eq!(told(run, second), Vec::<String>::new(), "ten phases prove nothing");
}
