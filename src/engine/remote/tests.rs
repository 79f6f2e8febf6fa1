//! Against a machine that is none: a thread that answers as a probe elsewhere would.

use super::*;
use crate::clock::Clock;
use crate::model::MachineTime;
use crate::scenario::{Base, ProbeToken};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const TOKEN: &str = "0123456789abcdef";
/// How far its clock is ahead of ours.
const AHEAD: u64 = 5_000_000_000_000;

/// What the other machine does with the question number `n` for a path, at its own instant: status and body.
type Does = dyn Fn(u64, &str, u64) -> (u16, String) + Send + Sync;

/// Answers each connection's questions one after another, until the connection ends.
fn elsewhere(does: Arc<Does>) -> ProbePlan {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = AtomicU64::new(0);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                let head = String::from_utf8_lossy(&buffer[..n]).into_owned();
                let path = head.split(' ').nth(1).unwrap().to_owned();
                assert!(head.contains(&format!("Bearer {TOKEN}")), "{head}");
                let now = Clock::Monotonic.now().0 + AHEAD;
                let (status, body) = does(asked.fetch_add(1, Ordering::Relaxed), &path, now);
                let length = body.len();
                write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
            }
        }
    });
    ProbePlan {
        base: Base { tls: false, host: "127.0.0.1".into(), port },
        token: ProbeToken(TOKEN.into()),
        token_from: "the environment variable KEY".into(),
        ca: None,
    }
}

fn about(now: u64) -> (u16, String) {
    let about =
        About { schema: TOLD_SCHEMA.into(), boot_id: "elsewhere".into(), began_ns: 7, ..About::default() };
    (200, serde_json::to_string(&About { received_ns: now, sent_ns: now, ..about }).unwrap())
}

/// A reading at `now` with the counter of that number.
fn told(n: u64, now: u64) -> ToldReading {
    let machine = Some(MachineTime { at: Nanos(now), cpus: 4, idle_ns_total: n });
    ToldReading {
        schema: TOLD_SCHEMA.into(),
        began_ns: 7,
        received_ns: now,
        sent_ns: now,
        cost: Some(Cost { at: Nanos(now), cpu_ns_total: n, machine, ..Cost::default() }),
        found: vec!["1 old (ended)".into(), format!("{} new", n + 2), "2 gone (ended)".into()],
        ..ToldReading::default()
    }
}

fn said(told: &ToldReading) -> (u16, String) {
    (200, serde_json::to_string(told).unwrap())
}

fn met(does: impl Fn(u64, &str, u64) -> (u16, String) + Send + Sync + 'static) -> RemoteProbe {
    let mut remote = RemoteProbe::to(&elsewhere(Arc::new(does)), None).unwrap();
    remote.meet().unwrap();
    remote
}

fn why(remote: &mut RemoteProbe) -> String {
    remote.read(Depth::Light).unwrap_err().to_string()
}

#[test]
fn readings_of_another_machine_are_told_at_our_instants() {
    let mut remote = met(|n, path, now| match path {
        "/v1/about" => about(now),
        "/v1/reading?depth=full" => said(&told(n, now)),
        other => (404, other.to_owned()),
    });
    assert!(!remote.is_on_this_machine());
    let mut last = Nanos::ZERO;
    for _ in 0..50 {
        let before = Clock::Monotonic.now();
        let cost = remote.read(Depth::Full).unwrap();
        assert!(cost.at >= before && cost.at <= Clock::Monotonic.now() && cost.at > last, "{cost:?}");
        assert_eq!(cost.machine.unwrap().at, cost.at);
        last = cost.at;
    }
    assert!(remote.clock_error().unwrap() > Nanos::ZERO);
    assert!(remote.source().starts_with("http://127.0.0.1:"));
    let found = remote.found();
    assert!(
        found.len() == 1 && found[0].ends_with(" new"),
        "what had ended before is none of this run's: {found:?}"
    );
}

#[test]
fn what_went_wrong_is_told_with_what_would_do() {
    let answers: [(u16, &str, &str); 5] = [
        (401, "", "is the environment variable KEY the one that `pushbench probe` was started with?"),
        (404, "", "is a `pushbench probe` listening there?"),
        (503, "too many ask\nmore", "it answered 503: too many ask"),
        (
            200,
            "{\"schema\": \"pushbench/probe/9\", \"cost\": 1}",
            "it speaks pushbench/probe/9, this build pushbench/probe/1",
        ),
        (200, "<html>", "something else than a reading"),
    ];
    for (status, body, want) in answers {
        let mut remote = met(move |_, path, now| match path {
            "/v1/about" => about(now),
            _ => (status, body.to_owned()),
        });
        let told = why(&mut remote);
        assert!(told.starts_with("the probe at http://127.0.0.1:") && told.contains(want), "{told}");
        assert!(!told.contains(TOKEN) && !told.contains("more"), "{told}");
    }
}

#[test]
fn who_has_no_reading_says_why_and_one_that_began_anew_is_not_mixed_in() {
    let mut remote = met(|n, path, now| match (path, n) {
        ("/v1/about", _) => about(now),
        (_, 6) => said(&ToldReading { cost: None, error: Some("no one is there".into()), ..told(n, now) }),
        (_, 7) => said(&told(n, now)),
        _ => said(&ToldReading { began_ns: 8, found: vec!["9 other".into()], ..told(n, now) }),
    });
    assert!(why(&mut remote).ends_with("no one is there"));
    let before = remote.read(Depth::Light).unwrap();
    assert_eq!(before.cpu_ns_total, 7);
    let found = remote.found();
    assert!(why(&mut remote).contains("started anew in mid-run"));
    assert_eq!(remote.found(), found);
}

#[test]
fn nobody_there_is_said_before_anything_is_asked_for() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let plan = ProbePlan {
        base: Base { tls: false, host: "127.0.0.1".into(), port: free },
        token: ProbeToken(TOKEN.into()),
        token_from: String::new(),
        ca: None,
    };
    let told = RemoteProbe::to(&plan, None).unwrap().meet().unwrap_err();
    assert!(
        told.contains("refused") && told.contains("is `pushbench probe --listen` running there?"),
        "{told}"
    );
    assert_eq!(format!("{:?}", plan.token), "token");
    assert!(RemoteProbe::to(&ProbePlan { token: ProbeToken("a\nb".into()), ..plan }, None).is_err());
}
