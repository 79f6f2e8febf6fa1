//! The rule engine without a connection: however a stream is cut into units, the rules see the same.

use proptest::prelude::*;
use pushbench::model::{Nanos, RunTag, Stamp, Traffic};
use pushbench::net::Endpoint;
use pushbench::scenario::{self, Overrides};
use pushbench::transport::dialect::{Dialect, Rehearsal};
use pushbench::transport::{Sink, Unit, UnitKind, carrier};
use std::sync::Arc;

const TAG: RunTag = RunTag::new(7);

const LINES: &str = r#"
title = "rehearsal"
[target]
base = "http://127.0.0.1:9"
[load]
clients = 1
[[case]]
name = "lines"
websocket = { path = "/${channel}" }
ready = "rule"
split = { delimiter = "\n" }
split_across = true
[[case.rule]]
on = { prefix = "hello " }
set = { name = { regex = "hello (\\w+)" } }
send = "I am ${name}"
[[case.rule]]
on = { equals = "PING" }
send = "PONG ${n++}"
then = "empty"
[[case.rule]]
on = { pointer = "/ok", is = "true" }
then = "ready"
[[case.rule]]
on = { prefix = "M " }
then = "deliver"
[[case.rule]]
on = { prefix = "BAD" }
then = "fail(it said so)"
"#;

fn dialect() -> Dialect {
    let plan = scenario::parse("rehearsal", LINES, &Overrides::default()).unwrap();
    let group = &plan.runs[0].groups[0];
    let spec = Arc::clone(group.dialect.as_ref().unwrap());
    Dialect::new(carrier(&group.carrier), spec, TAG, 1, String::new())
}

/// What a client would see.
#[derive(Default)]
struct Seen {
    messages: Vec<Vec<u8>>,
    traffic: Traffic,
}

impl Sink for Seen {
    fn unit(&mut self, unit: &Unit<'_>) {
        assert!(unit.traffic.balances());
        self.traffic += unit.traffic;
        if unit.kind == UnitKind::Data {
            self.messages.push(unit.body.to_vec());
        }
    }

    fn connected(&mut self, _started: Nanos, _finished: Nanos) {}
}

/// Messages, texts sent, ready, over.
type Outcome = (Vec<Vec<u8>>, Vec<Vec<u8>>, bool, bool);

fn outcome(pieces: &[&[u8]]) -> Outcome {
    let to = Endpoint::new(([127, 0, 0, 1], 9).into(), "h", "/");
    let mut rehearsal = Rehearsal::new(&dialect(), &to).unwrap();
    let (mut seen, mut sent) = (Seen::default(), Vec::new());
    for piece in pieces {
        rehearsal.feed(piece, &mut seen);
        sent.extend(std::iter::from_fn(|| rehearsal.next_text()));
    }
    let fed: usize = pieces.iter().map(|p| p.len()).sum();
    assert!(seen.traffic.wire_in <= fed as u64, "no byte is counted twice");
    (seen.messages, sent, rehearsal.is_ready(), rehearsal.is_over())
}

fn stamped(sequence: u32) -> String {
    let stamp = Stamp { run: TAG, channel: 0, sequence, due: Nanos(5_000), late: Nanos::ZERO };
    format!("X {}", String::from_utf8(stamp.encode().to_vec()).unwrap())
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("PING".to_owned()),
        Just("hello bob".to_owned()),
        Just(r#"{"ok":true}"#.to_owned()),
        Just("M unstamped".to_owned()),
        (0_u32..50).prop_map(stamped),
        "[ -~]{0,12}",
    ]
}

proptest! {
    #[test]
    fn any_cut_of_a_stream_is_judged_alike(
        lines in prop::collection::vec(line(), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let bytes: Vec<u8> = lines.iter().flat_map(|l| [l.as_bytes(), b"\n"].concat()).collect();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
        let whole = outcome(&[&bytes]);
        prop_assert_eq!(outcome(&pieces), whole.clone());
        prop_assert_eq!(outcome(&bytes.chunks(1).collect::<Vec<_>>()), whole);
    }
}

#[test]
fn every_cut_point_of_a_login_and_its_messages() {
    let text = format!("hello bob\n{{\"ok\":true}}\nPING\n{}\nM two\nBAD end\n", stamped(3));
    let whole = outcome(&[text.as_bytes()]);
    assert_eq!(whole.0, [stamped(3).into_bytes(), b"M two".to_vec()]);
    assert_eq!(whole.1, [b"I am bob".to_vec(), b"PONG 1".to_vec()]);
    assert!(whole.2 && whole.3);
    for at in 0..text.len() {
        let (a, b) = text.as_bytes().split_at(at);
        assert_eq!(outcome(&[a, b]), whole, "cut at {at}");
    }
}
