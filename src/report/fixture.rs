//! Results for the snapshots of every format.

use crate::result::{ConnectionCost, ConnectionSlopes, LadderResult, LadderStep, Results, Slope};
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

/// The same with a ladder of each case, all with the same costs.
pub(super) fn laddered(mut results: Results) -> Results {
    let slope = |value: f64, half: f64| Some(Slope { value, low: value - half, high: value + half });
    let slopes = ConnectionSlopes {
        user_bytes_per_connection: slope(3_000.0, 30.0),
        kernel_bytes_per_connection: slope(2_500.0, 20.0),
        descriptors_per_connection: slope(1.0, 1e-12),
        idle_cpu_us_per_s_per_connection: slope(0.25, 0.01),
        ..ConnectionSlopes::default()
    };
    let step = |clients: u32| LadderStep { planned: clients, clients, ..LadderStep::default() };
    for run in &results.summary.runs {
        let (case, transport, kernel_of) =
            (run.case.clone(), run.transport.clone(), "control group".to_owned());
        results.summary.connection_costs.push(ConnectionCost {
            case: case.clone(),
            transport: transport.clone(),
            ladders: 1,
            slopes,
            kernel_of: kernel_of.clone(),
            kept_bytes_per_connection: Some(12.4),
        });
        results.summary.ladders.push(LadderResult {
            case,
            transport,
            hold_s: 3.0,
            steps: [250, 500, 1_000, 2_000].map(step).into(),
            slopes,
            kernel_of,
            kept_bytes_per_connection: Some(12.4),
            ..LadderResult::default()
        });
    }
    results
}
