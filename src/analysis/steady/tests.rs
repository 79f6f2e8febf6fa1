//! How often the test is wrong, by simulation: the rates that the documents state.

use super::noise::Noise;
use super::*;

fn share(of: u64, hit: impl Fn(u64) -> bool) -> f64 {
    (0..of).filter(|seed| hit(*seed)).count() as f64 / of as f64
}

#[test]
fn stationary_noise_is_seldom_called_a_warm_up() {
    let mut worst: f64 = 0.0;
    for n in [5, 6, 8, 10, 20, 30, 60] {
        for (spread, phi) in [(0.02, 0.0), (0.1, 0.0), (0.3, 0.0), (0.5, 0.0), (0.1, 0.5), (0.3, 0.5)] {
            let alarms =
                share(2_000, |s| beginning(&Noise::new(spread, phi, s).series(n)).is_some_and(|b| b.cut > 0));
            worst = worst.max(alarms);
            assert!(alarms <= 0.03, "{alarms} with {n} windows, spread {spread}, correlation {phi}");
        }
    }
    assert!(worst > 0.0, "the simulation never came near the limit");
}

#[test]
fn a_slow_beginning_is_found_within_a_window() {
    for (slow, factor, spread) in [(5, 10.0, 0.1), (5, 2.0, 0.05), (3, 5.0, 0.2), (1, 20.0, 0.1)] {
        let series = |seed| {
            let noise = Noise::new(spread, 0.0, seed).series(20);
            let level = |(i, x): (usize, f64)| if i < slow { factor * x } else { x };
            noise.into_iter().enumerate().map(level).collect::<Vec<f64>>()
        };
        let share = |hit: &dyn Fn(&Beginning) -> bool| {
            share(500, |seed| hit(&beginning(&series(seed)).expect("20 windows are enough")))
        };
        let (found, settled) = (share(&|b| b.cut.abs_diff(slow) <= 1), share(&|b| b.settled));
        assert!(found >= 0.95, "{found} of slow {slow} x {factor} with spread {spread}");
        assert!(settled >= 0.85, "{settled} of slow {slow} x {factor} with spread {spread}");
    }
}

#[test]
fn a_second_at_a_time_the_cut_lands_within_a_window_and_soon() {
    for seed in 0..300 {
        let mut noise = Noise::new(0.1, 0.0, seed);
        let mut series = Vec::new();
        let warm = (1..30).find_map(|n| {
            series.push(Some(noise.next() * if n <= 5 { 8.0 } else { 1.0 }));
            warm(&[series.clone()]).filter(|w| w.settled).map(|w| (n, w.cut))
        });
        let (seconds, cut) = warm.expect("it settles");
        assert!((4..=7).contains(&cut) && seconds <= 20, "seed {seed}: cut {cut} after {seconds} s");
    }
}

#[test]
fn what_falls_all_the_time_never_settles() {
    let series: Vec<f64> =
        (0..30).map(|i| 100.0 * 0.93f64.powi(i) * (1.0 + 0.01 * f64::from(i % 3))).collect();
    for n in 5..=30 {
        assert!(!beginning(&series[..n]).unwrap().settled, "after {n} windows");
    }
}

#[test]
fn the_slowest_to_settle_decides() {
    let of = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
    let flat = of(&[1.0; 14]);
    let late = of(&[9.0, 9.0, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(warm(&[flat.clone(), late.clone()]), Some(Warm { cut: 3, settled: true }));
    assert_eq!(warm(&[flat.clone(), late[..7].to_vec()]).map(|w| w.settled), Some(false));
    assert_eq!(warm(&[flat, of(&[1.0; 4])]), None);
}

#[test]
fn windows_that_tell_nothing_are_passed_over() {
    let mut series: Vec<Option<f64>> = vec![None, None, Some(9.0), Some(9.0), None];
    series.extend([Some(1.0); 10]);
    assert_eq!(warm(&[series]), Some(Warm { cut: 5, settled: true }));
}
