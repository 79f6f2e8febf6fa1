//! The waiting times of a queue with one server, from given arrivals and services: exact, no model.
//!
//! Source: Lindley 1952, `W(n+1) = max(0, W(n) + S(n) - (A(n+1) - A(n)))`, first come first served. A
//! stub that draws the same services for the same arrivals must show these times and no others.

/// Time that each arrival waits before its service begins. `arrivals` are instants in order, `services`
/// durations; the shorter of the two ends it. Unit: the caller's.
pub fn waits(arrivals: &[f64], services: &[f64]) -> Vec<f64> {
    let mut free_at = f64::NEG_INFINITY;
    let wait = |(at, service): (&f64, &f64)| {
        let begins = free_at.max(*at);
        free_at = begins + service;
        begins - at
    };
    arrivals.iter().zip(services).map(wait).collect()
}

/// Wait plus service of each arrival: what its sender sees.
pub fn response_times(arrivals: &[f64], services: &[f64]) -> Vec<f64> {
    waits(arrivals, services).into_iter().zip(services).map(|(wait, service)| wait + service).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::describe::{mean, quantile};
    use crate::analysis::formulas::{md1_mean_wait, mm1_mean, mm1_quantile};

    #[test]
    fn by_hand() {
        let (arrivals, services) = ([0.0, 1.0, 2.0, 10.0, 10.5], [3.0, 1.0, 1.0, 0.25, 1.0]);
        assert_eq!(waits(&arrivals, &services), [0.0, 2.0, 2.0, 0.0, 0.0]);
        assert_eq!(response_times(&arrivals, &services), [3.0, 3.0, 3.0, 0.25, 1.0]);
        assert!(waits(&[], &[1.0]).is_empty());
    }

    /// Poisson arrivals at `rho` of a server with mean service 1.
    fn simulated(rho: f64, n: usize, mut service: impl FnMut(&mut fastrand::Rng) -> f64) -> [Vec<f64>; 2] {
        let mut random = fastrand::Rng::with_seed(42);
        let mut at = 0.0;
        let mut arrive = |random: &mut fastrand::Rng| {
            at -= (1.0 - random.f64()).ln() / rho;
            at
        };
        let both = (0..n).map(|_| (arrive(&mut random), service(&mut random)));
        let (arrivals, services): (Vec<f64>, Vec<f64>) = both.unzip();
        [waits(&arrivals, &services), response_times(&arrivals, &services)]
    }

    #[test]
    fn near_the_formulas_of_queueing_theory() {
        let [_, seen] = simulated(0.8, 1_000_000, |random| -(1.0 - random.f64()).ln());
        let p99 = quantile(&seen, 0.99).unwrap();
        assert!((mean(&seen).unwrap() / mm1_mean(1.0, 0.8) - 1.0).abs() < 0.05);
        assert!((p99 / mm1_quantile(0.99, 1.0, 0.8) - 1.0).abs() < 0.1, "{p99}");
        let [waited, _] = simulated(0.8, 1_000_000, |_| 1.0);
        assert!((mean(&waited).unwrap() / md1_mean_wait(1.0, 0.8) - 1.0).abs() < 0.05);
    }
}
