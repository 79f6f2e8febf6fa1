//! The results folder as others see it: an independent reader, the stored fixture, the documents.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use hdrhistogram::Histogram;
use pushbench::result::{
    Bytes, CloseDetail, ConnectionCost, ConnectionSlopes, CostModel, CostRow, Estimate, FanOut, Fitted,
    Folder, Generator, GroupResult, Interval, LadderResult, LadderStep, LatencyInterval, Ledger, MetricGain,
    MetricReconciled, MetricRow, MetricSeries, MetricSource, Operations, Polling, Polls, Priced, Prices,
    Quantiles, ReadyStates, Receivers, Results, RunDetail, RunResult, SUMMARY_SCHEMA, SloResult, Slope,
    Spread, Summary, TargetCost, TargetMetrics, Verdict,
};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seconds of `measure`, messages a second, clients that get each message.
const SECONDS: u64 = 3;
const RATE: u64 = 200;
const FAN_OUT: u64 = 50;

/// What one case of the example looks like.
struct Example {
    case: &'static str,
    transport: &'static str,
    verdict: Verdict,
    least_ns: u64,
    spread_ns: u64,
    overhead: u64,
    cpu_us: f64,
    memory: f64,
}

const EXAMPLES: [Example; 3] = [
    Example {
        case: "polling, 1 s",
        transport: "poll",
        verdict: Verdict::Suspect,
        least_ns: 310_000,
        spread_ns: 999_000_000,
        overhead: 151,
        cpu_us: 9.63,
        memory: 1_412.0,
    },
    Example {
        case: "long polling",
        transport: "long_poll",
        verdict: Verdict::Valid,
        least_ns: 290_000,
        spread_ns: 5_200_000,
        overhead: 298,
        cpu_us: 21.4,
        memory: 2_270.0,
    },
    Example {
        case: "websocket",
        transport: "websocket",
        verdict: Verdict::Valid,
        least_ns: 120_000,
        spread_ns: 1_650_000,
        overhead: 2,
        cpu_us: 4.18,
        memory: 1_930.0,
    },
];

fn latency(example: &Example, random: &mut fastrand::Rng) -> (Vec<LatencyInterval>, Quantiles) {
    let (mut least, mut greatest) = (u64::MAX, 0);
    let mut all = Histogram::<u64>::new(3).unwrap();
    let mut intervals = Vec::new();
    for second in 0..SECONDS {
        let mut delivery = Histogram::<u64>::new(3).unwrap();
        let mut delivery_from_send = Histogram::<u64>::new(3).unwrap();
        for _ in 0..RATE * FAN_OUT {
            let value = example.least_ns + random.u64(0..example.spread_ns);
            (least, greatest) = (least.min(value), greatest.max(value));
            delivery.record(value).unwrap();
            delivery_from_send.record(value - 60_000).unwrap();
        }
        all.add(&delivery).unwrap();
        let start_s = 4.0 + second as f64;
        intervals.push(LatencyInterval { start_s, length_s: 1.0, delivery, delivery_from_send });
    }
    (intervals, Quantiles::of(&all, Some(least), Some(greatest)))
}

fn bytes(example: &Example, messages: u64) -> Bytes {
    let (payload, overhead) = (messages * 64, messages * example.overhead);
    let websocket = example.transport == "websocket";
    Bytes {
        payload,
        framing: if websocket { overhead } else { 0 },
        headers: if websocket { 0 } else { overhead },
        handshake: if websocket { 500 * 310 } else { 0 },
        handshake_measured: 0,
        tls: 0,
        saved: 0,
        wire_in: payload + overhead - overhead / 3,
        wire_out: overhead / 3,
        overhead_to_payload: Some(overhead as f64 / payload as f64),
        messages,
    }
}

fn run(example: &Example, delivery: Quantiles) -> RunResult {
    let (published, delivered) = (RATE * SECONDS, RATE * SECONDS * FAN_OUT);
    let suspect = example.verdict == Verdict::Suspect;
    let answered = if example.transport == "websocket" { 0 } else { 1_500 };
    RunResult {
        case: example.case.into(),
        transport: example.transport.into(),
        clients: 500,
        verdict: example.verdict,
        reasons: suspect
            .then(|| "the generator used 74 % of its cores (limit 70 %)".into())
            .into_iter()
            .collect(),
        model: "open".into(),
        channels: 10,
        payload_bytes: 64,
        measured_s: SECONDS as f64,
        offered_per_s: RATE as f64,
        achieved_per_s: RATE as f64,
        published,
        delivered_per_s: delivered as f64 / SECONDS as f64,
        connect: Quantiles { count: 500, min_ns: Some(90_000), max_ns: Some(812_000), ..Default::default() },
        delivery,
        delivery_from_send: delivery,
        ledger: Ledger { expected: delivered, delivered, ..Default::default() },
        polls: Polls { sent: answered, fresh: answered, empty: 0 },
        bytes: bytes(example, delivered),
        operations: [("connect".into(), Operations { started: 503, finished: 500, failed: 3, open: 0 })]
            .into(),
        failures: suspect.then(|| ("reset".to_owned(), 3)).into_iter().collect(),
        failures_by_side: suspect.then(|| ("target".to_owned(), 3)).into_iter().collect(),
        connections_opened: 503,
        target_cost: Some(cost(example, delivered)),
        generator: Generator { cpu_s: 1.31, cpu_share: 0.44, workers: 1, processes: 1, ..Default::default() },
        ..Default::default()
    }
}

fn cost(example: &Example, delivered: u64) -> TargetCost {
    let cpu_s = example.cpu_us * delivered as f64 / 1e6;
    TargetCost {
        cpu_s,
        cpu_us_per_delivery: Some(example.cpu_us),
        cpu_share: cpu_s / SECONDS as f64,
        pss_bytes_max: Some(9_000_000),
        pss_bytes_idle: Some(7_500_000),
        bytes_per_connection: Some(example.memory),
        processes: 1,
        found: vec!["4711 pushbench".into()],
        co_located: true,
        ..Default::default()
    }
}

fn detail(latency: Vec<LatencyInterval>) -> RunDetail {
    let second = |i: &LatencyInterval| Interval {
        start_s: i.start_s,
        length_s: i.length_s,
        phase: "measure".into(),
        attached: 500,
        published: RATE,
        delivered: i.delivery.len(),
        delivery_p50_ns: Some(i.delivery.value_at_quantile(0.5)),
        ..Default::default()
    };
    let reading =
        |at_s, phase: &str| CostRow { of: "target".into(), at_s, phase: phase.into(), ..Default::default() };
    RunDetail {
        intervals: latency.iter().map(second).collect(),
        cost: vec![reading(-0.5, "idle"), reading(7.0, "after")],
        latency,
        metrics: Vec::new(),
    }
}

fn example() -> Results {
    let mut results = Results {
        summary: Summary {
            schema: SUMMARY_SCHEMA.into(),
            title: "Which transport should carry a 20 Hz feed to 500 clients?".into(),
            seed: 1,
            verdict: Verdict::Suspect,
            reasons: vec!["the generator used 74 % of its cores (limit 70 %)".into()],
            ..Default::default()
        },
        manifest: serde_json::json!({"schema": "pushbench/manifest/1", "started_at": "2026-03-21T14:05:02Z"}),
        ..Default::default()
    };
    let mut random = fastrand::Rng::with_seed(7);
    for (i, example) in EXAMPLES.iter().enumerate() {
        let (intervals, delivery) = latency(example, &mut random);
        let run = run(example, delivery);
        let measured = delivery.p99_ns.map(|v| v as f64);
        let met = measured.map(|v| v < 250e6);
        let (key, objective) = ("delivery_p99".to_owned(), "< 250 ms".to_owned());
        let (reason, seconds_left_out) = (None, 0);
        results.summary.slo.push(SloResult {
            run: i,
            key,
            objective,
            measured,
            met,
            reason,
            seconds_left_out,
        });
        results.summary.runs.push(run);
        results.details.push(detail(intervals));
    }
    results
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/results-1")
}

/// Runs the Python reader; a machine without it fails the test, so that nobody takes it for proven.
fn witness(log: &Path) -> serde_json::Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hlog_witness.py");
    let out = Command::new("python3").arg(script).arg(log).output();
    let out = out.expect("this test needs python3 and its package: pip install hdrhistogram");
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.success(),
        "the witness failed; does it lack its package? pip install hdrhistogram\n{told}"
    );
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn an_independent_reader_finds_the_same_counts() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::create(&dir.path().join("results")).unwrap();
    let results = example();
    folder.write(&results).unwrap();
    let tags = witness(&folder.path().join("latency.hlog"));
    assert_eq!(tags.as_object().unwrap().len(), 2 * results.summary.runs.len());
    for (i, run) in results.summary.runs.iter().enumerate() {
        for (kind, wanted) in [("delivery", &run.delivery), ("from_send", &run.delivery_from_send)] {
            let seen = &tags[format!("run{i}:{kind}")];
            assert_eq!(seen["count"], wanted.count, "run{i}:{kind}");
            assert_eq!(seen["intervals"], SECONDS, "run{i}:{kind}");
        }
        let max = tags[format!("run{i}:delivery")]["max"].as_f64().unwrap();
        assert!((max / run.delivery.max_ns.unwrap() as f64 - 1.0).abs() < 2e-3, "{max}");
    }
}

#[test]
fn what_is_written_is_read_back_and_a_later_write_replaces_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::create(dir.path()).unwrap();
    let mut results = example();
    let (last, detail) = (results.summary.runs.pop().unwrap(), results.details.pop().unwrap());
    folder.write(&results).unwrap();
    assert_eq!(Results::read(dir.path()).unwrap().0.summary.runs.len(), 2);
    results.summary.runs.push(last);
    results.details.push(detail);
    folder.write(&results).unwrap();
    let (back, warnings) = Results::read(dir.path()).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert_same(&back, &results);
    let names = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|n| n.starts_with('.')).count(), 0, "temporary files are gone");
}

fn assert_same(a: &Results, b: &Results) {
    assert_eq!(a.summary, b.summary);
    assert_eq!(a.manifest, b.manifest);
    assert_eq!(a.details.len(), b.details.len());
    for (a, b) in a.details.iter().zip(&b.details) {
        assert_eq!((&a.intervals, &a.cost), (&b.intervals, &b.cost));
        assert_eq!(a.latency.len(), b.latency.len());
        for (a, b) in a.latency.iter().zip(&b.latency) {
            assert_eq!((a.start_s, a.length_s), (b.start_s, b.length_s));
            assert!(a.delivery == b.delivery && a.delivery_from_send == b.delivery_from_send);
        }
    }
}

/// The folder was written by the first build that wrote any: it must stay readable.
#[test]
fn the_first_schema_is_still_read() {
    let (results, warnings) = Results::read(&fixture()).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    let summary = &results.summary;
    let cases: Vec<_> = summary.runs.iter().map(|r| (r.case.as_str(), r.verdict)).collect();
    let wanted =
        [("polling, 1 s", Verdict::Suspect), ("long polling", Verdict::Valid), ("websocket", Verdict::Valid)];
    assert_eq!(cases, wanted);
    for (run, detail) in summary.runs.iter().zip(&results.details) {
        assert_eq!(run.delivery.count, RATE * SECONDS * FAN_OUT);
        let recorded: u64 = detail.latency.iter().map(|i| i.delivery.len()).sum();
        assert_eq!(recorded, run.delivery.count);
        assert_eq!((detail.intervals.len(), detail.cost.len()), (3, 2));
    }
}

#[test]
fn every_key_is_documented() {
    let document = include_str!("../docs/results.md");
    let run = RunResult {
        target_cost: Some(TargetCost::default()),
        ready_states: Some(ReadyStates::default()),
        target_metrics: Some(TargetMetrics {
            sources: vec![MetricSource::default()],
            series: vec![MetricSeries { gains: vec![MetricGain::default()], ..MetricSeries::default() }],
            reconciled: vec![MetricReconciled::default()],
            warnings: Vec::new(),
        }),
        receivers: Some(Receivers::default()),
        spread: Some(Spread::default()),
        fan_out: Some(FanOut::default()),
        polling: Some(Polling::default()),
        close_details: vec![CloseDetail::default()],
        groups: vec![GroupResult::default()],
        ..Default::default()
    };
    let run = RunResult { operations: [("connect".into(), Operations::default())].into(), ..run };
    let model = CostModel {
        cpu_us_per_delivery: Some(Estimate::default()),
        fitted: vec![Fitted::default()],
        ..CostModel::default()
    };
    let slopes = ConnectionSlopes { user_bytes_per_connection: Some(Slope::default()), ..Default::default() };
    let ladder = LadderResult { steps: vec![LadderStep::default()], slopes, ..Default::default() };
    let summary = Summary {
        slo: vec![SloResult::default()],
        cost_models: vec![model],
        prices: Some(Prices { cases: vec![Priced::default()], ..Prices::default() }),
        runs: vec![run],
        ladders: vec![ladder],
        connection_costs: vec![ConnectionCost::default()],
        ..Default::default()
    };
    let mut keys = Vec::new();
    collect(&serde_json::to_value(summary).unwrap(), &mut keys);
    collect(&serde_json::to_value(Interval::default()).unwrap(), &mut keys);
    collect(&serde_json::to_value(CostRow::default()).unwrap(), &mut keys);
    collect(&serde_json::to_value(MetricRow::default()).unwrap(), &mut keys);
    assert!(keys.len() > 100, "{}", keys.len());
    let missing: Vec<_> = keys.iter().filter(|k| !document.contains(&format!("`{k}`"))).collect();
    assert!(missing.is_empty(), "docs/results.md says nothing of {missing:?}");
}

fn collect(json: &serde_json::Value, keys: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(o) => o.iter().for_each(|(k, v)| {
            keys.push(k.clone());
            collect(v, keys);
        }),
        serde_json::Value::Array(a) => a.iter().for_each(|v| collect(v, keys)),
        _ => {}
    }
}
