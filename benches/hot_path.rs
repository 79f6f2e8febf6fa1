//! What every delivered message costs inside pushbench, step by step: `cargo bench --bench hot_path`.
//!
//! One group for each step; a new step on the hot path gets a group of its own and a line in
//! `criterion_group!`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pushbench::clock::Clock;
use pushbench::model::{Nanos, RunTag, Stamp};
use pushbench::net::Endpoint;
use pushbench::probe::{Depth, Probe as _, SelfProbe};
use pushbench::scenario::{self, LengthPrefix, Overrides, SplitSpec};
use pushbench::transport::dialect::{Dialect, Rehearsal};
use pushbench::transport::split::{PartKind, SPLITTERS, Splitter, Then};
use pushbench::transport::tap::FrameWalker;
use pushbench::transport::websocket::deflate::inflate;
use pushbench::transport::{Sink, Unit, carrier};
use std::hint::black_box;
use std::sync::Arc;

fn stamp() -> Stamp {
    Stamp {
        run: RunTag::new(4_711),
        channel: 7,
        sequence: 123_456,
        due: Nanos::from_micros(98_765_432_109),
        late: Nanos::from_micros(87),
    }
}

/// A payload of `bytes` with the stamp in its middle, as a JSON re-serialiser might leave it.
fn payload(bytes: usize) -> Vec<u8> {
    let fill = bytes - Stamp::LEN;
    let (before, after) = (fill / 2, fill - fill / 2);
    [&vec![b'x'; before][..], &stamp().encode(), &vec![b'y'; after]].concat()
}

fn stamps(c: &mut Criterion) {
    c.bench_function("stamp/encode", |b| b.iter(|| black_box(stamp()).encode()));
    let mut group = c.benchmark_group("stamp/find");
    for bytes in [64, 1024] {
        let payload = payload(bytes);
        assert_eq!(Stamp::find_all(&payload).collect::<Vec<_>>(), [Ok(stamp())]);
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_with_input(BenchmarkId::from_parameter(bytes), &payload, |b, payload| {
            b.iter(|| Stamp::find_all(black_box(payload)).filter_map(Result::ok).count());
        });
    }
    group.finish();
}

fn clock(c: &mut Criterion) {
    c.bench_function("clock/now", |b| b.iter(|| Clock::Monotonic.now()));
}

/// Messages of one read.
const MESSAGES: usize = 100;

/// A message of 64 bytes as a server would send it, cut like this.
fn framed(spec: &SplitSpec) -> Vec<u8> {
    let text = payload(64);
    let json = [&b"{\"m\":\""[..], &text, b"\"}"].concat();
    match spec {
        SplitSpec::Whole | SplitSpec::Chunk => text,
        SplitSpec::Delimiter(end) => [&text[..], end].concat(),
        SplitSpec::Sse => [b"id: 1795347033:0\ndata: ", &text[..], b"\n\n"].concat(),
        SplitSpec::Multipart => [b"\r\nEtag: 0\r\n\r\n", &text[..], b"\r\n--B"].concat(),
        SplitSpec::Length(LengthPrefix::U32 { .. }) => [&[0, 0, 0, 64], &text[..]].concat(),
        SplitSpec::Length(LengthPrefix::U16 { .. }) => [&[0, 64], &text[..]].concat(),
        SplitSpec::Length(_) => [&[64], &text[..]].concat(),
        SplitSpec::Script => [b"<script>p(\"", &text[..], b"\")</script>\r\n"].concat(),
        SplitSpec::JsonArray => [&json[..], b",\n"].concat(),
        SplitSpec::JsonConcat => [&json[..], b"\n"].concat(),
    }
}

/// Nanoseconds a message: a hundred of them in one read, and one cut in two.
fn split(c: &mut Criterion) {
    let mut group = c.benchmark_group("split");
    for row in SPLITTERS {
        let spec = (row.example)();
        let message = framed(&spec);
        // The transport's own boundaries come one by one.
        let by_call = matches!(spec, SplitSpec::Whole | SplitSpec::Chunk);
        let (read, calls) = if by_call { (message.clone(), MESSAGES) } else { (message.repeat(MESSAGES), 1) };
        let then = match spec {
            SplitSpec::Whole => Then::End,
            SplitSpec::Chunk => Then::ChunkEnd,
            _ => Then::More,
        };
        let content_type = Some(&b"multipart/mixed; boundary=B"[..]);
        let fresh = || {
            let mut splitter = Splitter::new(&spec, 1 << 20, content_type).expect("a boundary");
            let start: &[u8] = match spec {
                SplitSpec::Multipart => b"--B",
                SplitSpec::JsonArray => b"[",
                _ => b"",
            };
            splitter.feed(start, Then::More, &mut |_| {}).expect("a start");
            splitter
        };
        let mut splitter = fresh();
        group.throughput(Throughput::Elements(MESSAGES as u64));
        group.bench_function(BenchmarkId::new("whole", row.key), |b| {
            b.iter(|| {
                let mut found = 0;
                for _ in 0..calls {
                    let mut each = |part: pushbench::transport::split::Part<'_>| {
                        found += usize::from(part.kind == PartKind::Data);
                    };
                    splitter.feed(black_box(&read), then, &mut each).expect("good framing");
                }
                assert_eq!(found, MESSAGES);
            });
        });
        let mut splitter = fresh();
        let (a, z) = message.split_at(message.len() / 2);
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("cut", row.key), |b| {
            b.iter(|| {
                splitter.feed(black_box(a), Then::More, &mut |_| {}).expect("good framing");
                splitter.feed(black_box(z), then, &mut |_| {}).expect("good framing");
            });
        });
    }
    group.finish();
}

/// Not on the hot path, but once a second on the same machine.
fn probe(c: &mut Criterion) {
    let mut probe = SelfProbe::new();
    for (name, depth) in [("probe/self/light", Depth::Light), ("probe/self/full", Depth::Full)] {
        c.bench_function(name, |b| b.iter(|| probe.read(depth).map(|cost| cost.cpu_ns_total)));
    }
}

/// A message of permessage-deflate: with the window of the messages before, and by itself.
fn inflating(c: &mut Criterion) {
    let mut group = c.benchmark_group("websocket/inflate");
    for bytes in [64, 1024] {
        let payload = payload(bytes);
        for takeover in [true, false] {
            // Whichever is inflated first and again: a stored or coded message refers to itself alone.
            let mut compressed = Vec::with_capacity(2 * bytes);
            let mut sender = flate2::Compress::new(flate2::Compression::fast(), false);
            sender.compress_vec(&payload, &mut compressed, flate2::FlushCompress::Sync).expect("deflates");
            compressed.truncate(compressed.len() - 4);
            let (mut state, mut out) = (flate2::Decompress::new(false), Vec::new());
            let name = if takeover { "takeover" } else { "alone" };
            group.throughput(Throughput::Bytes(bytes as u64));
            group.bench_with_input(BenchmarkId::new(name, bytes), &compressed, |b, compressed| {
                b.iter(|| inflate(&mut state, black_box(compressed), takeover, 1 << 20, &mut out));
            });
            assert_eq!(out[..bytes], payload);
        }
    }
    group.finish();
}

/// Finding the ends of frames in a read of many.
fn frames(c: &mut Criterion) {
    let frame = [&[0x81, 64][..], &payload(64)].concat();
    let read = frame.repeat(100);
    c.bench_function("websocket/walk/100", |b| {
        b.iter(|| {
            let (mut walker, mut rest, mut ends) = (FrameWalker::default(), black_box(&read[..]), 0);
            while !rest.is_empty() {
                let (used, taken) = walker.to_end(rest);
                ends += u32::from(taken.is_some());
                rest = &rest[used..];
            }
            ends
        });
    });
}

/// A message and a control text past the rules of a shipped dialect.
fn rules(c: &mut Criterion) {
    let text = "title = \"b\"\n[target]\nbase = \"http://127.0.0.1:9\"\n[load]\nclients = 1\n\
                [[case]]\nname = \"c\"\npreset = \"socketio.websocket\"\n";
    let plan = scenario::parse("bench", text, &Overrides::default()).expect("a good scenario");
    let group = &plan.runs[0].groups[0];
    let spec = Arc::clone(group.dialect.as_ref().expect("the preset has rules"));
    let dialect = Dialect::new(carrier(&group.carrier), spec, stamp().run, 1, String::new());
    let to = Endpoint::new(([127, 0, 0, 1], 9).into(), "h", "/");
    let mut rehearsal = Rehearsal::new(&dialect, &to).expect("no variable fails");
    let message = format!("42[\"msg\",{{\"t\":\"{}\"}}]", String::from_utf8_lossy(&stamp().encode()));
    c.bench_function("rules/message", |b| {
        b.iter(|| rehearsal.feed(black_box(message.as_bytes()), &mut Nobody))
    });
    c.bench_function("rules/unknown", |b| {
        b.iter(|| rehearsal.feed(black_box(b"42[\"other\"]"), &mut Nobody))
    });
}

struct Nobody;

impl Sink for Nobody {
    fn unit(&mut self, unit: &Unit<'_>) {
        black_box(unit.kind);
    }

    fn connected(&mut self, _started: Nanos, _finished: Nanos) {}
}

criterion_group!(benches, stamps, clock, split, rules, probe, inflating, frames);
criterion_main!(benches);
