//! Models of runs whose costs are known.

use super::*;
use crate::result::TargetCost;

/// Costs of the truth: base and for a delivery, a client's second and a publish, microseconds.
const TRUTH: (f64, f64, f64, f64) = (3_000.0, 4.0, 2.0, 50.0);
const CHANNELS: f64 = 10.0;

fn run(case: &str, rate: f64, clients: u32, noise: f64) -> RunResult {
    let (deliveries, publishes) = (rate * f64::from(clients), rate * CHANNELS);
    let us = TRUTH.0 + TRUTH.1 * deliveries + TRUTH.2 * f64::from(clients) + TRUTH.3 * publishes + noise;
    let swept = [("rate", format!("{rate}/s")), ("clients", clients.to_string())];
    RunResult {
        case: case.into(),
        clients,
        swept: swept.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        measured_s: 10.0,
        achieved_per_s: publishes,
        delivered_per_s: deliveries,
        target_cost: Some(TargetCost {
            cpu_s: us * 10.0 / 1e6,
            cpu_share: us / 1e6,
            cpu_us_per_delivery: Some(us / deliveries),
            ..TargetCost::default()
        }),
        ..RunResult::default()
    }
}

fn crossed(rates: &[f64], clients: &[u32], noise: f64) -> Vec<RunResult> {
    let mut random = fastrand::Rng::with_seed(3);
    let all = rates.iter().flat_map(|r| clients.iter().map(move |c| (*r, *c)));
    all.map(|(r, c)| run("sse", r, c, noise * (random.f64() - 0.5))).collect()
}

fn is(told: Option<Estimate>, value: f64) {
    assert!(told.is_some_and(|e| (e.value - value).abs() < 1e-6 * value.abs()), "{told:?} is not {value}");
}

#[test]
fn a_cross_of_rates_and_clients_tells_all_costs_apart() {
    let models = cost_models(&crossed(&[1.0, 5.0, 20.0], &[100, 400, 1_000], 0.0));
    let [model] = models.as_slice() else { panic!("one case") };
    assert_eq!((model.runs, model.points, model.runs_left_out, &model.reason), (9, 9, 0, &None));
    is(model.base_cpu_us_per_s, TRUTH.0);
    is(model.cpu_us_per_delivery, TRUTH.1);
    is(model.cpu_us_per_s_per_connection, TRUTH.2);
    is(model.cpu_us_per_publish, TRUTH.3);
    assert!(model.r_squared.unwrap() > 0.999_999 && model.residual_max_share.unwrap() < 1e-9);
    assert!(
        model.fitted.len() == 9
            && model.fitted.iter().all(|f| (f.cpu_us_per_s - f.model_us_per_s).abs() < 1e-4)
    );
}

#[test]
fn four_points_do_not_tell_publishes_apart_and_the_interval_knows_it() {
    let models = cost_models(&crossed(&[1.0, 20.0], &[100, 1_000], 0.0));
    assert_eq!((models[0].cpu_us_per_publish, &models[0].reason), (None, &None));
    // A publish costs 50 us, which none of the others is: the residual says so.
    let told = models[0].cpu_us_per_delivery.unwrap();
    assert!(told.low < TRUTH.1 && TRUTH.1 < told.high && told.high - told.low > 1.0, "{told:?}");
}

#[test]
fn repeats_of_a_point_make_nobody_surer_of_a_plane_that_is_none() {
    let once = crossed(&[1.0, 20.0], &[100, 1_000], 0.0);
    let again: Vec<RunResult> = (0..6).flat_map(|_| once.clone()).collect();
    let (one, six) = (cost_models(&once).remove(0), cost_models(&again).remove(0));
    assert_eq!((six.runs, six.points, six.fitted.len()), (24, 4, 24));
    let (one, six) = (one.cpu_us_per_delivery.unwrap(), six.cpu_us_per_delivery.unwrap());
    assert!((one.high - six.high).abs() < 1e-6 && (one.value - six.value).abs() < 1e-9, "{one:?} {six:?}");
}

#[test]
fn noise_widens_the_intervals_and_they_hold_the_truth() {
    let models = cost_models(&crossed(&[1.0, 5.0, 20.0], &[100, 400, 1_000], 4_000.0));
    let told = models[0].cpu_us_per_delivery.unwrap();
    assert!(told.low < TRUTH.1 && TRUTH.1 < told.high && told.is_told_from_zero(), "{told:?}");
    let idle = models[0].cpu_us_per_s_per_connection.unwrap();
    assert!(idle.low < TRUTH.2 && TRUTH.2 < idle.high, "{idle:?}");
    let base = models[0].base_cpu_us_per_s.unwrap();
    assert!(base.high - base.low > 1_000.0);
    assert!(!Estimate { value: -0.2, low: -0.5, high: 0.1 }.is_told_from_zero());
    assert!(Estimate { value: -0.2, low: -0.3, high: -0.1 }.is_told_from_zero());
}

#[test]
fn what_a_sweep_does_not_separate_is_said() {
    let why = |runs: &[RunResult]| cost_models(runs)[0].reason.clone().unwrap_or_default();
    assert!(why(&crossed(&[20.0], &[100, 200, 400, 800], 5.0)).contains("same rate"));
    assert!(why(&crossed(&[1.0, 2.0, 5.0, 20.0], &[100], 5.0)).contains("same number of clients"));
    assert!(why(&crossed(&[20.0], &[100], 5.0)).contains("no sweep"));
    let corner: Vec<RunResult> = crossed(&[1.0, 20.0], &[100, 400], 5.0).into_iter().take(3).collect();
    assert_eq!(why(&corner), "3 points of rate and clients; 4 are the least");
    let near = why(&crossed(&[20.0, 20.2], &[100, 200, 400, 800], 5.0));
    assert!(near.contains("grow together: ") && near.contains("differ more"), "{near}");
    let mut unseen = crossed(&[1.0, 20.0], &[100, 400], 0.0);
    unseen.iter_mut().for_each(|r| r.target_cost = None);
    assert!(why(&unseen).contains("no run of it"));
    assert_eq!(cost_models(&[]), []);
}

#[test]
fn invalid_runs_are_left_out_and_counted() {
    let mut runs = crossed(&[1.0, 5.0, 20.0], &[100, 400, 1_000], 0.0);
    runs[4].verdict = Verdict::Invalid;
    runs[4].target_cost.as_mut().unwrap().cpu_share = 7.0;
    runs[5].target_cost = None;
    runs[6].verdict = Verdict::Suspect;
    let model = &cost_models(&runs)[0];
    assert_eq!((model.runs, model.runs_left_out, model.runs_suspect), (7, 2, 1));
    is(model.cpu_us_per_delivery, TRUTH.1);
    assert!(model.fitted.iter().all(|f| ![4, 5].contains(&f.run)));
}

#[test]
fn cases_and_payloads_have_models_of_their_own() {
    let mut runs = crossed(&[1.0, 5.0, 20.0], &[100, 400, 1_000], 0.0);
    let mut large = runs.clone();
    large.iter_mut().for_each(|r| {
        r.swept.insert("payload".into(), "1 KiB".into());
        r.target_cost.as_mut().unwrap().cpu_share *= 2.0;
    });
    runs.extend(large);
    runs.push(run("websocket", 1.0, 100, 0.0));
    let models = cost_models(&runs);
    assert_eq!(models.len(), 3);
    is(models[1].cpu_us_per_s_per_connection, 2.0 * TRUTH.2);
    assert_eq!((models[1].swept["payload"].as_str(), models[2].case.as_str()), ("1 KiB", "websocket"));
    assert!(models[2].reason.is_some());
}

#[test]
fn a_cost_below_zero_is_told_as_it_is() {
    // Busier servers gather more into a write: the more clients, the less each costs.
    let mut runs = crossed(&[1.0, 5.0, 20.0], &[100, 400, 1_000], 0.0);
    for run in &mut runs {
        run.target_cost.as_mut().unwrap().cpu_share -= 5.0 * f64::from(run.clients) / 1e6;
    }
    is(cost_models(&runs)[0].cpu_us_per_s_per_connection, -3.0);
}
