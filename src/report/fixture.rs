//! Results for the snapshots of every format.

use crate::result::Results;
use std::path::Path;

/// Three runs: polling (suspect), long polling, websocket.
pub(super) fn three() -> Results {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/results-1");
    let (mut results, warnings) = Results::read(&dir).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let polling = &mut results.summary.runs[0];
    polling.notes.push("100 clients of 500 were still attaching when warm-up began".into());
    results
}

/// The same, each three times: the median is the first repeat, its values are +-10 % around it.
pub(super) fn repeated() -> Results {
    let once = three();
    let mut results = Results::default();
    results.summary.title.clone_from(&once.summary.title);
    results.summary.verdict = once.summary.verdict;
    for (repeat, factor) in [(0, 1.0), (1, 1.1), (2, 0.9)] {
        for run in &once.summary.runs {
            let mut run = run.clone();
            run.repeat = repeat;
            let scaled = |v: Option<u64>| v.map(|v| (v as f64 * factor) as u64);
            run.delivery.p50_ns = scaled(run.delivery.p50_ns);
            run.delivery.p99_ns = scaled(run.delivery.p99_ns);
            run.delivery.max_ns = scaled(run.delivery.max_ns);
            run.ledger.lost = u64::from(repeat);
            let cost = run.target_cost.as_mut().unwrap();
            cost.cpu_us_per_delivery = cost.cpu_us_per_delivery.map(|v| v * factor);
            results.summary.runs.push(run);
        }
    }
    for slo in &once.summary.slo {
        for repeat in 0..3 {
            let run = slo.run + 3 * repeat;
            let measured = results.summary.runs[run].delivery.p99_ns.map(|v| v as f64);
            results.summary.slo.push(crate::result::SloResult { run, measured, ..slo.clone() });
        }
    }
    results
}
