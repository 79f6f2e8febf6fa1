//! What every delivered message costs inside pushbench, step by step: `cargo bench --bench hot_path`.
//!
//! One group for each step; a new step on the hot path gets a group of its own and a line in
//! `criterion_group!`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pushbench::clock::Clock;
use pushbench::model::{Nanos, RunTag, Stamp};
use pushbench::probe::{Depth, Probe as _, SelfProbe};
use std::hint::black_box;

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

/// Not on the hot path, but once a second on the same machine.
fn probe(c: &mut Criterion) {
    let mut probe = SelfProbe::new();
    for (name, depth) in [("probe/self/light", Depth::Light), ("probe/self/full", Depth::Full)] {
        c.bench_function(name, |b| b.iter(|| probe.read(depth).map(|cost| cost.cpu_ns_total)));
    }
}

criterion_group!(benches, stamps, clock, probe);
criterion_main!(benches);
