//! Each closed form against a simulation of what it assumes, or against published bytes.

use super::*;
use crate::analysis::describe::{mean, quantile};
use crate::analysis::ks;

fn poisson(rate: f64, until: f64, random: &mut fastrand::Rng) -> Vec<f64> {
    let mut at = 0.0;
    let next = move || {
        at -= (1.0 - random.f64()).ln() / rate;
        (at < until).then_some(at)
    };
    std::iter::from_fn(next).collect()
}

fn near(found: f64, wanted: f64, relative: f64) {
    assert!((found / wanted - 1.0).abs() <= relative, "{found} is not {wanted}");
}

#[test]
fn polling_is_uniform_and_its_empty_answers_are_told() {
    let mut random = fastrand::Rng::with_seed(5);
    let (period, transit, rate) = (1.0, 0.01, 0.3);
    let due = poisson(rate, 50_000.0, &mut random);
    // Polls reach the server at 0.37, 1.37, ...; the answer takes one transit.
    let seen: Vec<f64> = due.iter().map(|at| (at - 0.37).ceil().max(0.0) + 0.37 + transit - at).collect();
    let (low, high) = polling_range(period, transit, 0.0);
    assert!(ks::uniform(&seen, low, high).unwrap().passes(ks::BOUND_01_PERCENT));
    near(mean(&seen).unwrap(), polling_mean(period, transit, 0.0), 0.02);
    near(quantile(&seen, 0.99).unwrap(), polling_quantile(0.99, period, transit, 0.0), 0.01);
    let full: std::collections::BTreeSet<u64> = due.iter().map(|at| (at - 0.37).ceil() as u64).collect();
    near(1.0 - full.len() as f64 / 50_000.0, empty_poll_share(rate, period), 0.02);
    near(1.0 - full.len() as f64 / due.len() as f64, overwritten_share_poisson(rate, period), 0.05);
}

/// Share in the gap, mean and greatest delivery time of a long poll with batches.
fn long_poll(rate: f64, gap: f64, transit: f64) -> (f64, f64, f64) {
    let due = poisson(rate, 20_000.0, &mut fastrand::Rng::with_seed(9));
    let (mut open_from, mut in_gap, mut times) = (0.0, 0, Vec::new());
    let mut i = 0;
    while i < due.len() {
        let answered = if due[i] < open_from { open_from } else { due[i] };
        while i < due.len() && due[i] <= answered {
            in_gap += u32::from(due[i] < open_from);
            times.push(answered + transit - due[i]);
            i += 1;
        }
        open_from = answered + gap;
    }
    let greatest = times.iter().copied().fold(0.0, f64::max);
    (f64::from(in_gap) / times.len() as f64, mean(&times).unwrap(), greatest)
}

#[test]
fn long_polling_loses_time_in_its_gap() {
    for (rate, gap, transit) in [(5.0, 0.1, 0.05), (20.0, 0.1, 0.05), (2.0, 0.3, 0.1)] {
        let (share, mean, greatest) = long_poll(rate, gap, transit);
        near(share, long_poll_gap_share(rate, gap), 0.02);
        near(mean, long_poll_mean(rate, gap, transit), 0.02);
        near(greatest, long_poll_max(gap, transit), 0.01);
    }
    assert_eq!(long_poll_max(long_poll_gap(1.0, 0.0), 1.0), 3.0);
}

#[test]
fn a_freeze_is_in_as_many_messages_as_were_due_in_it() {
    // 1,000 a second for 100 s; from 40 s the server stands still for 5 s and then serves 2,000 a second.
    let (rate, window, freeze, rho) = (1_000.0, 100.0, 5.0, 0.5);
    let due: Vec<f64> = (0..100_000).map(|k| f64::from(k) / rate).collect();
    let mut free_at: f64 = 0.0;
    let seen: Vec<f64> = due
        .iter()
        .map(|at| {
            let begins = free_at.max(*at);
            let begins = if (40.0..45.0).contains(&begins) { 45.0 } else { begins };
            free_at = begins + rho / rate;
            free_at - at
        })
        .collect();
    for q in [0.95, 0.97, 0.99, 0.999] {
        near(quantile(&seen, q).unwrap(), freeze_quantile(q, freeze, window, rho), 0.01);
    }
    let beyond = seen.iter().filter(|l| **l > 2.0).count() as f64 / seen.len() as f64;
    near(beyond, freeze_share_beyond(2.0, freeze, window, rho), 0.01);
    assert_eq!(freeze_quantile(0.5, freeze, window, rho), 0.0);
}

#[test]
fn framing_is_that_of_the_standards() {
    assert_eq!([0, 125, 126, 65_535, 65_536].map(websocket_header_bytes), [2, 2, 4, 4, 10]);
    assert_eq!(websocket_masked_header_bytes(125), 6);
    // "0\r\n\r\n", "f\r\n..\r\n", and 6 from 16 to 255.
    assert_eq!([0, 15, 16, 255, 256, 4_096].map(chunk_bytes), [5, 5, 6, 6, 7, 8]);
}

#[test]
fn published_queueing_figures() {
    assert_eq!(mm1_mean(1.0, 0.8).round(), 5.0);
    near(mm1_quantile(0.99, 1.0, 0.8), 23.03, 0.001);
    near(md1_mean_wait(1.0, 0.8), 2.0, 1e-12);
    assert_eq!(little(200.0, 0.25), 50.0);
    near(polling_sd(1.0), 0.288_675, 1e-5);
    assert_eq!(fan_out(1_000, 2e-6), (0.001, 0.002));
    assert_eq!(overwritten_share_periodic(0.25, 1.0), 0.75);
    assert_eq!(overwritten_share_periodic(2.0, 1.0), 0.0);
    near(long_poll_loss_without_queue(10.0, 0.1), 0.5, 1e-12);
    near(fixed_delay_period(1.0, 0.05, 0.01), 1.11, 1e-12);
}
