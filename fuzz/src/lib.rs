//! What is fuzzed: each decoder of bytes that a target chooses. Fuzz targets and a test of the stable
//! toolchain call the same functions; a panic is a finding.
//!
//! The first byte of an input tells how the rest is cut. However it is cut, the outcome is the same,
//! and every byte is counted once.

use pushbench::model::{Failure, Nanos, RunTag};
use pushbench::net::Endpoint;
use pushbench::scenario::{self, Overrides, SplitSpec};
use pushbench::transport::dialect::{Dialect, Rehearsal};
use pushbench::transport::http1::{Decoder, Step};
use pushbench::transport::split::{Part, PartKind, SPLITTERS, Splitter, Then};
use pushbench::transport::{Sink, Unit, UnitKind, carrier};
use std::sync::Arc;

/// Largest unit.
const MAX: usize = 4096;

/// The splitter with this key over these bytes.
pub fn split(key: &str, data: &[u8]) {
    let row = SPLITTERS.iter().find(|row| row.key == key).expect("a key of the table");
    let Some((seed, body)) = data.split_first() else { return };
    let spec = (row.example)();
    let whole = units(&spec, &[body]);
    let pieces: Vec<&[u8]> = body.chunks(usize::from(seed % 16) + 1).collect();
    assert_eq!(units(&spec, &pieces), whole);
}

/// The HTTP/1.1 answer decoder over these bytes.
pub fn http1(data: &[u8]) {
    let Some((seed, body)) = data.split_first() else { return };
    for endless in [false, true] {
        let whole = decoded(&[body], endless);
        let pieces: Vec<&[u8]> = body.chunks(usize::from(seed % 16) + 1).collect();
        assert_eq!(decoded(&pieces, endless), whole);
    }
}

/// Rules of every kind over lines that may lie over several units.
const RULES: &str = r#"
title = "fuzz"
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
rule = [
  { on = { pointer = "/id" }, set = { id = { pointer = "/id" } }, send = "${uri(id)}" },
  { on = { regex = "^([a-z]+):" }, set = { word = { regex = "^([a-z]+):" } }, send = "${json(word)}", then = "ready" },
  { on = { equals = "hello" }, send = "${n++}", then = "empty" },
  { on = { prefix = "id" }, then = "deliver" },
]
"#;

thread_local! {
    static DIALECT: Dialect = {
        let plan = scenario::parse("fuzz", RULES, &Overrides::default()).expect("a good scenario");
        let group = &plan.runs[0].groups[0];
        let spec = Arc::clone(group.dialect.as_ref().expect("it has rules"));
        Dialect::new(carrier(&group.carrier), spec, RunTag::new(7), 1, String::new())
    };
}

#[derive(Default)]
struct Messages(Vec<Vec<u8>>);

impl Sink for Messages {
    fn unit(&mut self, unit: &Unit<'_>) {
        assert!(unit.traffic.balances());
        if unit.kind == UnitKind::Data {
            self.0.push(unit.body.to_vec());
        }
    }

    fn connected(&mut self, _started: Nanos, _finished: Nanos) {}
}

/// The rules of a dialect over these bytes.
pub fn rules(data: &[u8]) {
    let Some((seed, body)) = data.split_first() else { return };
    let pieces: Vec<&[u8]> = body.chunks(usize::from(seed % 16) + 1).collect();
    let (whole, cut) = (judged(&[body]), judged(&pieces));
    // A session that is over is not asked for what came behind its end.
    if !whole.2 && !cut.2 {
        assert_eq!(cut, whole);
    }
}

/// Messages, texts that the rules want sent, whether the session is over.
fn judged(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>, bool) {
    let to = Endpoint::new(([127, 0, 0, 1], 9).into(), "h", "/");
    let mut rehearsal = DIALECT.with(|dialect| Rehearsal::new(dialect, &to)).expect("no variable fails");
    let (mut messages, mut texts) = (Messages::default(), Vec::new());
    for piece in pieces {
        rehearsal.feed(piece, &mut messages);
        texts.extend(std::iter::from_fn(|| rehearsal.next_text()));
    }
    (messages.0, texts, rehearsal.is_over())
}

type Units = (Vec<(bool, Vec<u8>)>, bool);

/// Every unit, and whether the body was refused in the end.
fn units(spec: &SplitSpec, pieces: &[&[u8]]) -> Units {
    let content_type = Some(&b"multipart/mixed; boundary=B"[..]);
    let mut splitter = Splitter::new(spec, MAX, content_type).expect("a boundary");
    let (mut found, mut told, mut fed) = (Vec::new(), 0, 0);
    for (i, piece) in pieces.iter().enumerate() {
        let then = if i + 1 == pieces.len() { Then::End } else { Then::More };
        let mut each = |part: Part<'_>| {
            told += part.framing + part.body.len() as u64;
            if part.kind != PartKind::Prelude {
                assert!(part.body.len() <= MAX + 16);
                found.push((part.kind == PartKind::Data, part.body.to_vec()));
            }
        };
        if splitter.feed(piece, then, &mut each).is_err() {
            return (found, true);
        }
        fed += piece.len() as u64;
        assert_eq!(told + splitter.untold(), fed);
    }
    (found, false)
}

/// Status, body, where chunks ended, the end, the failure.
type Decoded = (Vec<u16>, Vec<u8>, Vec<usize>, bool, Option<Failure>);

fn decoded(pieces: &[&[u8]], endless: bool) -> Decoded {
    let mut decoder = if endless { Decoder::endless() } else { Decoder::new() };
    let mut seen = Decoded::default();
    for piece in pieces {
        let mut rest = *piece;
        loop {
            let (n, step) = match decoder.next(rest) {
                Ok(next) => next,
                Err(failure) => {
                    seen.4 = Some(failure);
                    return seen;
                }
            };
            rest = &rest[n..];
            match step {
                Step::More => break,
                Step::Interim => {}
                Step::Head(head) => seen.0.push(head.status()),
                Step::Body(body) => seen.1.extend_from_slice(body),
                Step::ChunkEnd => seen.2.push(seen.1.len()),
                Step::End => {
                    seen.3 = true;
                    return seen;
                }
            }
        }
    }
    seen
}
