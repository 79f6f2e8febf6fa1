//! Prices of runs whose costs are known.

use super::*;
use crate::result::{Bytes, SloResult, TargetGroup, Verdict};

fn spec() -> PriceSpec {
    let memory_bytes = Some(1 << 30);
    PriceSpec { cores: 4.0, memory_bytes, egress_gb: Some(0.09), ..PriceSpec::of_instance(0.17) }
}

/// 20 us a second and 10 KiB for a client, 500 bytes a second to it.
fn run(clients: u32, repeat: u32) -> RunResult {
    RunResult {
        case: "sse".into(),
        clients,
        repeat,
        swept: [("clients".to_owned(), clients.to_string())].into(),
        measured_s: 10.0,
        bytes: Bytes { wire_in: u64::from(clients) * 5_000, wire_out: 77, ..Bytes::default() },
        target_cost: Some(TargetCost {
            cpu_share: 20e-6 * f64::from(clients),
            bytes_per_connection: Some(10_240.0),
            pss_bytes_idle: Some(8 << 20),
            ..TargetCost::default()
        }),
        ..RunResult::default()
    }
}

fn summary(met: &[(u32, Option<bool>)]) -> Summary {
    let runs: Vec<RunResult> = met.iter().map(|(clients, _)| run(*clients, 0)).collect();
    let slo =
        met.iter().enumerate().map(|(run, (_, met))| SloResult { run, met: *met, ..SloResult::default() });
    Summary { slo: slo.collect(), runs, ..Summary::default() }
}

fn without_objectives(counts: &[u32]) -> Summary {
    Summary { runs: counts.iter().map(|c| run(*c, 0)).collect(), ..Summary::default() }
}

fn close(a: Option<f64>, b: f64) {
    assert!(a.is_some_and(|a| (a - b).abs() < 1e-9 * b), "{a:?} is not {b}");
}

#[test]
fn the_formula_by_hand() {
    let told = priced(&spec(), &without_objectives(&[1_000, 5_000]));
    let row = &told.cases[0];
    assert_eq!((row.clients, row.runs, row.swept.len()), (5_000, 1, 0));
    close(row.cpu_us_per_s_per_client, 20.0);
    close(row.egress_bytes_per_s_per_client, 500.0);
    // CPU: 0.7 x 4 cores / 20 us; memory: (0.7 GiB - 8 MiB) / 10 KiB, which is less.
    assert_eq!((row.clients_by_cpu, row.clients_by_memory), (Some(140_000), Some(72_581)));
    assert_eq!((row.clients_per_instance, row.runs_out), (Some(72_581), Some(Limit::Memory)));
    close(row.instances_per_1000_clients_hour, 1_000.0 / 72_581.0 * 0.17);
    // 500 B x 3600 s x 1000 clients = 1.8 GB.
    close(row.egress_per_1000_clients_hour, 1.8 * 0.09);
    close(row.total_per_1000_clients_hour, 1_000.0 / 72_581.0 * 0.17 + 1.8 * 0.09);
    assert_eq!(row.reason, None);
}

#[test]
fn what_is_charged_to_a_control_group_counts_instead_of_the_processes() {
    let mut summary = without_objectives(&[1_000]);
    summary.runs[0].target_cost.as_mut().unwrap().group = TargetGroup {
        memory_bytes_idle: Some(20 << 20),
        memory_bytes_end: Some((20 << 20) + 15_000_000),
        ..TargetGroup::default()
    };
    let row = priced(&spec(), &summary).cases.remove(0);
    close(row.memory_bytes_per_client, 15_000.0);
    assert_eq!(row.clients_by_memory, Some((0.7 * f64::from(1 << 30) - f64::from(20 << 20)) as u64 / 15_000));
}

#[test]
fn memory_that_fell_is_no_client_for_nothing() {
    let mut summary = without_objectives(&[1_000]);
    let cost = summary.runs[0].target_cost.as_mut().unwrap();
    cost.bytes_per_connection = None;
    cost.group.memory_bytes_idle = Some(200 << 20);
    cost.group.memory_bytes_end = Some(50 << 20);
    let row = priced(&spec(), &summary).cases.remove(0);
    assert_eq!((row.memory_bytes_per_client, row.clients_by_memory), (None, None));
    assert_eq!((row.runs_out, row.clients_per_instance), (Some(Limit::Cpu), Some(140_000)));
    assert!(row.caution.unwrap().contains("memory of a client is not known"));
    let bare = PriceSpec { memory_bytes: None, ..spec() };
    assert_eq!(priced(&bare, &summary).cases[0].caution, None, "nobody asked for memory");
}

#[test]
fn repeats_are_measured_alike_and_the_idle_server_is_the_larger_of_two() {
    let mut summary = Summary { runs: (0..2).map(|i| run(1_000, i)).collect(), ..Summary::default() };
    // Made after the server had touched its memory: nothing of it is charged to the group.
    let group = &mut summary.runs[0].target_cost.as_mut().unwrap().group;
    (group.memory_bytes_idle, group.memory_bytes_end) = (Some(0), Some(15_000_000));
    let row = priced(&spec(), &summary).cases.remove(0);
    close(row.memory_bytes_per_client, 10_240.0);
    assert_eq!(row.clients_by_memory, Some(72_581));
}

#[test]
fn what_is_not_priced_is_no_cost_of_zero() {
    let bare = PriceSpec { memory_bytes: None, egress_gb: None, ..spec() };
    let row = &priced(&bare, &without_objectives(&[1_000])).cases[0];
    assert_eq!((row.clients_by_memory, row.egress_per_1000_clients_hour), (None, None));
    assert_eq!((row.clients_per_instance, row.runs_out), (Some(140_000), Some(Limit::Cpu)));
    close(row.total_per_1000_clients_hour, 1_000.0 / 140_000.0 * 0.17);
}

#[test]
fn objectives_limit_where_they_were_missed() {
    let yes = Some(true);
    let told = |met: &[(u32, Option<bool>)]| {
        let row = priced(&spec(), &summary(met)).cases.remove(0);
        (row.clients_by_objectives, row.objectives_at_least, row.runs_out.unwrap(), row.clients_per_instance)
    };
    let missed = told(&[(100, yes), (1_000, yes), (5_000, Some(false))]);
    assert_eq!(missed, (Some(700), false, Limit::Objectives, Some(700)));
    // A count that failed below one that held is the bound.
    assert_eq!(told(&[(100, yes), (1_000, Some(false)), (5_000, yes)]).0, Some(70));
    // All held: at least so many, and they limit nothing.
    let held = told(&[(100, yes), (5_000, yes)]);
    assert_eq!(held, (Some(3_500), true, Limit::Memory, Some(72_581)));
    // What was not judged neither holds nor misses.
    assert_eq!(told(&[(100, yes), (5_000, None)]).0, Some(70));
    assert_eq!(told(&[(100, None), (5_000, None)]).0, None);
}

#[test]
fn objectives_missed_from_the_start_have_no_price() {
    let row = priced(&spec(), &summary(&[(100, Some(false))])).cases.remove(0);
    assert_eq!((row.clients_per_instance, row.total_per_1000_clients_hour), (Some(0), None));
    assert!(row.reason.unwrap().contains("missed with the fewest clients"));
}

#[test]
fn medians_of_repeats_without_the_invalid_ones() {
    let mut runs: Vec<RunResult> = (0..4).map(|repeat| run(1_000, repeat)).collect();
    for (run, share) in runs.iter_mut().zip([0.02, 0.022, 0.09, 0.021]) {
        run.target_cost.as_mut().unwrap().cpu_share = share;
    }
    runs[2].verdict = Verdict::Invalid;
    // More clients, but nobody may believe it.
    runs.push(RunResult { verdict: Verdict::Invalid, ..run(9_000, 0) });
    let row = priced(&spec(), &Summary { runs, ..Summary::default() }).cases.remove(0);
    assert_eq!((row.clients, row.runs, row.runs_left_out), (1_000, 3, 1));
    close(row.cpu_us_per_s_per_client, 21.0);
}

#[test]
fn an_unseen_target_and_an_unbelievable_one_have_no_price() {
    let mut unseen = without_objectives(&[1_000]);
    unseen.runs[0].target_cost = None;
    let row = priced(&spec(), &unseen).cases.remove(0);
    assert!(row.reason.unwrap().contains("could not be seen") && row.total_per_1000_clients_hour.is_none());
    let mut invalid = without_objectives(&[1_000]);
    invalid.runs[0].verdict = Verdict::Invalid;
    assert!(priced(&spec(), &invalid).cases[0].reason.as_ref().unwrap().contains("believed"));
    assert_eq!(priced(&spec(), &Summary::default()).cases, []);
}

#[test]
fn each_rate_has_a_row_of_its_own() {
    let mut summary = without_objectives(&[1_000, 5_000, 1_000]);
    for (run, rate) in summary.runs.iter_mut().zip(["1/s", "1/s", "20/s"]) {
        run.swept.insert("rate".into(), rate.into());
    }
    let told = priced(&spec(), &summary).cases;
    let rows: Vec<_> = told.iter().map(|c| (c.swept["rate"].as_str(), c.clients)).collect();
    assert_eq!(rows, [("1/s", 5_000), ("20/s", 1_000)]);
}
