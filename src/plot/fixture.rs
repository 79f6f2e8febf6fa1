//! Results made in code for tests: the same each time, with numbers as real runs have them.

mod costs;
mod counted;
mod laddered;

pub(super) use costs::{crossed, partly_watched, rates_only, watched};
pub(super) use counted::counted;
pub(super) use laddered::{laddered, ladders_alone};

use crate::result::{
    Bytes, FanOut, Generator, Interval, LatencyInterval, Layers, Ledger, Quantiles, Results, RunDetail,
    RunResult, Summary, TargetCost, Verdict,
};
use hdrhistogram::Histogram;

/// What makes one case differ from another.
#[derive(Clone, Copy)]
struct Kind {
    case: &'static str,
    transport: &'static str,
    /// Least delivery time, milliseconds, and the width of what lies above it.
    ms: (f64, f64),
    /// How much the small values outweigh the large ones; 1.0: uniform.
    skew: f64,
    /// Headers and framing of one delivered message.
    overhead: (u64, u64),
    cpu_us: f64,
    memory: f64,
}

const POLLING: Kind = Kind {
    case: "polling, 1 s",
    transport: "poll",
    ms: (0.4, 1000.0),
    skew: 1.0,
    overhead: (755, 0),
    cpu_us: 19.3,
    memory: 9_100.0,
};
const LONG_POLLING: Kind = Kind {
    case: "long polling",
    transport: "long_poll",
    ms: (0.9, 4.1),
    skew: 2.0,
    overhead: (310, 6),
    cpu_us: 16.1,
    memory: 8_200.0,
};
const WEBSOCKET: Kind = Kind {
    case: "websocket",
    transport: "websocket",
    ms: (0.3, 2.7),
    skew: 4.0,
    overhead: (0, 2),
    cpu_us: 6.4,
    memory: 5_100.0,
};

/// Polling, long polling and WebSocket, 500 clients, once each.
pub(super) fn three_cases() -> Results {
    results(&[POLLING, LONG_POLLING, WEBSOCKET], &[500], 1)
}

/// The same five times each.
pub(super) fn repeats() -> Results {
    results(&[POLLING, LONG_POLLING, WEBSOCKET], &[500], 5)
}

/// The same over four client counts, three times each.
pub(super) fn sweep() -> Results {
    results(&[POLLING, LONG_POLLING, WEBSOCKET], &[100, 500, 2000, 5000], 3)
}

/// Polling with a hundred times the bytes of WebSocket, all of it in TLS, sizes above the MiB.
pub(super) fn lopsided() -> Results {
    let mut results = three_cases();
    for run in &mut results.summary.runs {
        run.bytes.tls = 29 * run.bytes.messages;
        run.bytes.headers *= 10;
        run.layers = layers(&run.bytes);
        let cost = run.target_cost.as_mut().expect("the fixture has one");
        cost.cpu_us_per_delivery = cost.cpu_us_per_delivery.map(|c| c * c * c);
        cost.bytes_per_connection = cost.bytes_per_connection.map(|b| b * b / 40.0);
    }
    results
}

/// So few messages that no second has a p99, and those of WebSocket no p50 either; no health figures.
pub(super) fn few_a_second() -> Results {
    let mut results = three_cases();
    for (n, detail) in results.details.iter_mut().enumerate() {
        for i in &mut detail.intervals {
            i.delivery_p99_ns = None;
            i.delivery_p50_ns = i.delivery_p50_ns.filter(|_| n < 2);
            (i.loop_lag_max_ns, i.generator_cpu_share, i.steal_share) = (None, None, None);
        }
    }
    results
}

/// `n` cases (at most 12) with names that fit nowhere.
pub(super) fn many(n: usize) -> Results {
    const NAMES: [&str; 12] = [
        "polling every second with a browser's headers",
        "polling every 250 ms, latest value only, minimal headers",
        "polling every 5 s (the dashboard as it is today)",
        "long polling through nginx with nchan, cursor in ETag",
        "long polling, reference server, cursor in the query",
        "long polling over the company's proxy, 30 s hold",
        "websocket, node ws 8.18 with permessage-deflate off",
        "websocket, nchan, one channel for each client",
        "websocket, reference server, 1 KiB read buffer",
        "websocket & TLS <1.3>, reference server",
        "websocket, Centrifugo, JSON protocol version 2",
        "websocket, Mercure bridge, retry after 3 s",
    ];
    let base = [POLLING, POLLING, POLLING, LONG_POLLING, LONG_POLLING, LONG_POLLING];
    let kinds: Vec<Kind> = (0..n)
        .map(|i| {
            let kind = base.get(i).copied().unwrap_or(WEBSOCKET);
            let f = 1.0 + 0.13 * i as f64;
            let (ms, cpu_us) = ((kind.ms.0 * f, kind.ms.1 * f), kind.cpu_us * f);
            Kind { case: NAMES[i], ms, cpu_us, ..kind }
        })
        .collect();
    results(&kinds, &[500], 1)
}

/// The WebSocket run is invalid, the long polling one suspect.
pub(super) fn doubtful_runs() -> Results {
    let mut results = invalid_run();
    let run = &mut results.summary.runs[1];
    run.verdict = Verdict::Suspect;
    run.reasons = vec!["send lateness p99 12.1 ms, above 10 % of the delivery median".to_owned()];
    results
}

/// The WebSocket run is invalid.
pub(super) fn invalid_run() -> Results {
    let mut results = three_cases();
    let run = &mut results.summary.runs[2];
    run.verdict = Verdict::Invalid;
    run.reasons = vec!["generator CPU 97 % of its cores".to_owned()];
    results.summary.verdict = Verdict::Invalid;
    results
}

/// Of each case the first of the repeats is invalid.
pub(super) fn left_out() -> Results {
    let mut results = repeats();
    for run in results.summary.runs.iter_mut().filter(|r| r.repeat == 0) {
        (run.verdict, run.reasons) = (Verdict::Invalid, vec!["generator CPU 97 % of its cores".to_owned()]);
    }
    results.summary.verdict = Verdict::Invalid;
    results
}

/// The target restarts at 20 s: polling does not notice, long polling and WebSocket come back, the one
/// all at once, the other spread out, and some give up.
pub(super) fn restart() -> Results {
    let mut results = three_cases();
    for (n, (run, detail)) in results.summary.runs.iter_mut().zip(&mut results.details).enumerate() {
        let herds: [&[u64]; 3] = [&[], &[500, 500], &[140, 160, 90, 60, 40, 20]];
        for (i, attempts) in herds[n].iter().enumerate() {
            let second = &mut detail.intervals[20 + i];
            second.attempts = *attempts;
            second.sessions_lost = if i == 0 { 500 } else { 0 };
            second.attached = [0, 30 + 470 * u32::from(i > 0), 80 * (i as u32 + 1)][n];
        }
        detail.intervals.iter_mut().take(5).for_each(|i| i.attempts = 100);
        if let Some(last) = herds[n].len().checked_sub(1) {
            run.reconnects.count = 500 - 20 * (n as u64 - 1);
            run.reconnects.max_ns = Some(900_000_000 * (last as u64 + 1));
            run.reconnects.gave_up = 20 * (n as u64 - 1);
        }
    }
    results
}

/// Each message of each case was also timed at its first, median and last receiver; what long polling lost
/// censors its last one.
pub(super) fn fanned(mut results: Results) -> Results {
    for run in &mut results.summary.runs {
        let part = |share: f64, every: bool| Quantiles {
            count: 6_000 - if every { 0 } else { 90 },
            p50_ns: run.delivery.p50_ns.map(|ns| (ns as f64 * share) as u64),
            p99_ns: run.delivery.p99_ns.filter(|_| every).map(|ns| (ns as f64 * share) as u64),
            ..Quantiles::default()
        };
        let whole = run.transport != "long_poll";
        run.fan_out = Some(FanOut {
            messages: 6_000,
            receivers: 300_000,
            incomplete: if whole { 0 } else { 90 },
            median_exact: true,
            first: part(0.2, true),
            median: part(1.0, true),
            last: part(1.9, whole),
            ..FanOut::default()
        });
        if !whole {
            (run.ledger.lost, run.delivery_censored_at_ns) = (90, Some(2_000_000_000));
        }
    }
    results
}

/// The WebSocket's messages were sent late for two seconds, and those that never came were 1 in 50.
pub(super) fn late_and_lost() -> Results {
    let mut results = three_cases();
    for latency in &mut results.details[2].latency[5..7] {
        latency.delivery.record_n(900_000_000, 300).expect("grows");
        latency.delivery_from_send.record_n(2_000_000, 300).expect("grows");
    }
    let run = &mut results.summary.runs[0];
    (run.ledger.lost, run.delivery_censored_at_ns) = (240, Some(2_000_000_000));
    results
}

/// Nothing was delivered and nothing of the target seen.
pub(super) fn no_deliveries() -> Results {
    let mut results = three_cases();
    results.summary.partial = true;
    for run in &mut results.summary.runs {
        run.delivery = Quantiles::default();
        (run.bytes, run.layers) = (Bytes::default(), Layers::default());
        run.target_cost = None;
    }
    for detail in &mut results.details {
        detail.latency.clear();
        for i in &mut detail.intervals {
            (i.delivered, i.delivery_p50_ns, i.delivery_p99_ns) = (0, None, None);
        }
    }
    results
}

/// One case that was cut after a second with seven deliveries.
pub(super) fn one_second() -> Results {
    let mut results = results(&[LONG_POLLING], &[20], 1);
    let detail = &mut results.details[0];
    detail.intervals = detail.intervals.split_off(12);
    detail.intervals.truncate(1);
    detail.latency.truncate(1);
    let mut few = Histogram::new(3).expect("3 digits");
    (1..8_u64).for_each(|ms| few.record(ms * 1_000_000).expect("grows"));
    detail.latency[0].delivery = few;
    results
}

fn results(kinds: &[Kind], clients: &[u32], repeats: u32) -> Results {
    let mut results = Results {
        summary: Summary {
            schema: crate::result::SUMMARY_SCHEMA.to_owned(),
            title: "Which transport should carry a 20 Hz feed to 500 clients?".to_owned(),
            seed: 1,
            ..Summary::default()
        },
        ..Results::default()
    };
    for (i, kind) in kinds.iter().enumerate() {
        for (clients, repeat) in clients.iter().flat_map(|c| (0..repeats).map(move |r| (*c, r))) {
            let seed = (i as u64 * 100 + u64::from(clients)) * 100 + u64::from(repeat);
            let mut rng = fastrand::Rng::with_seed(seed);
            let slower = (f64::from(clients) / 500.0).powf(0.3) * (0.9 + 0.2 * rng.f64());
            let detail = detail(kind, clients, slower, &mut rng);
            results.summary.runs.push(run(kind, clients, repeat, slower, &detail));
            results.details.push(detail);
        }
    }
    results
}

fn run(kind: &Kind, clients: u32, repeat: u32, slower: f64, detail: &RunDetail) -> RunResult {
    let mut all = Histogram::<u64>::new(3).expect("3 digits");
    detail.latency.iter().for_each(|l| all.add(&l.delivery).expect("grows"));
    let messages = u64::from(clients) * 600;
    let bytes = Bytes {
        payload: 64 * messages,
        framing: kind.overhead.1 * messages,
        headers: kind.overhead.0 * messages,
        messages,
        ..Bytes::default()
    };
    RunResult {
        case: kind.case.to_owned(),
        transport: kind.transport.to_owned(),
        clients,
        repeat,
        channels: 10,
        payload_bytes: 64,
        measured_s: 30.0,
        offered_per_s: 200.0,
        delivery: Quantiles {
            count: messages,
            p50_ns: Some(all.value_at_quantile(0.5)),
            p99_ns: Some(all.value_at_quantile(0.99)),
            ..Quantiles::default()
        },
        ledger: Ledger { expected: messages, delivered: messages, ..Ledger::default() },
        layers: layers(&bytes),
        bytes,
        target_cost: Some(TargetCost {
            cpu_us_per_delivery: Some(kind.cpu_us * slower),
            bytes_per_connection: Some(kind.memory * slower),
            kernel_bytes_per_connection: (kind.transport != "poll").then_some(4_800.0),
            co_located: true,
            ..TargetCost::default()
        }),
        generator: Generator::default(),
        ..RunResult::default()
    }
}

/// With a segment each way for each message, and two more for its request where there are headers.
fn layers(bytes: &Bytes) -> Layers {
    let segments = bytes.messages * if bytes.headers > 0 { 4 } else { 2 };
    let message_bytes = bytes.payload + bytes.framing + bytes.headers;
    let stream_bytes = message_bytes + bytes.tls;
    Layers {
        useful_messages: bytes.messages,
        payload_bytes: bytes.payload,
        message_bytes,
        stream_bytes,
        wire_bytes: Some(stream_bytes + 52 * segments),
        wire_is_estimate: true,
        ..Layers::default()
    }
    .with_ratios()
}

fn detail(kind: &Kind, clients: u32, slower: f64, rng: &mut fastrand::Rng) -> RunDetail {
    let mut detail = RunDetail::default();
    for second in 0..42_u32 {
        let phase = match second {
            0..5 => "connect",
            5..10 => "warmup",
            10..40 => "measure",
            _ => "drain",
        };
        let mut times = Histogram::new(3).expect("3 digits");
        for _ in 0..clients.min(100) * 4 {
            let ms = kind.ms.0 + kind.ms.1 * rng.f64().powf(kind.skew);
            times.record((ms * 1e6 * slower) as u64).expect("grows");
        }
        detail.intervals.push(interval(second, phase, clients, &times, rng));
        if phase == "measure" {
            let (start_s, delivery_from_send) = (f64::from(second), times.clone());
            detail.latency.push(LatencyInterval {
                start_s,
                length_s: 1.0,
                delivery: times,
                delivery_from_send,
            });
        }
    }
    detail
}

fn interval(
    second: u32,
    phase: &str,
    clients: u32,
    times: &Histogram<u64>,
    rng: &mut fastrand::Rng,
) -> Interval {
    let attached = clients * (second + 1).min(5) / 5;
    let flows = phase == "warmup" || phase == "measure";
    let at = |q: f64| flows.then(|| times.value_at_quantile(q));
    Interval {
        start_s: f64::from(second),
        length_s: 1.0,
        phase: phase.to_owned(),
        attached,
        published: if flows { 200 } else { 0 },
        delivered: if flows { u64::from(attached) * 20 - rng.u64(0..50) } else { 0 },
        delivery_p50_ns: at(0.5),
        delivery_p99_ns: at(0.99),
        delivery_max_ns: at(1.0),
        loop_lag_max_ns: Some(60_000 + rng.u64(0..400_000)),
        steal_share: Some(0.0),
        generator_cpu_share: Some(0.1 + 0.05 * rng.f64() + f64::from(clients) / 20_000.0),
        target_cpu_share: Some(0.3),
        ..Interval::default()
    }
}
