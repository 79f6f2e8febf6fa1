//! Whether a comparison may be trusted: how often it alarms at nothing, and how often it finds what is there.
//!
//! Runs of one and the same thing are dealt into pairs again and again. A gate that alarms is wrong; with one
//! side made slower it is right. Numbers come from the machine at hand, which no formula knows.

/// How often something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So often.
    pub hits: usize,
    /// Of so many.
    pub trials: usize,
}

impl Rate {
    /// As a share; 0 of no trials.
    pub fn share(&self) -> f64 {
        if self.trials == 0 { 0.0 } else { self.hits as f64 / self.trials as f64 }
    }
}

/// How trials are dealt.
#[derive(Clone, Copy, Debug)]
pub struct Trials {
    /// Pairs of runs a trial.
    pub pairs: usize,
    /// Trials.
    pub count: usize,
    /// The seed: with the same one the same pairs are dealt.
    pub seed: u64,
}

/// Deals runs of `pool`, one value each, into pairs, makes the second of each pair `slower` (1.0: not at all),
/// and counts how often `alarms` says that there is a difference. No run is twice in a trial; `None` when the
/// pool has fewer than two runs a pair.
pub fn rate(
    pool: &[f64],
    trials: &Trials,
    slower: f64,
    alarms: impl Fn(&[(f64, f64)]) -> bool,
) -> Option<Rate> {
    if pool.len() < 2 * trials.pairs || trials.pairs == 0 {
        return None;
    }
    let mut random = fastrand::Rng::with_seed(trials.seed);
    let mut dealt = pool.to_vec();
    let mut once = || {
        random.shuffle(&mut dealt);
        let pairs: Vec<(f64, f64)> =
            dealt.chunks_exact(2).take(trials.pairs).map(|two| (two[0], two[1] * slower)).collect();
        alarms(&pairs)
    };
    let hits = (0..trials.count).filter(|_| once()).count();
    Some(Rate { hits, trials: trials.count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::decide::{Decision, decide, detectable_paired};
    use crate::analysis::paired::compare;
    use crate::analysis::steady::noise::Noise;

    fn significant(pairs: &[(f64, f64)]) -> bool {
        compare(pairs, 0.05).is_some_and(|p| p.p_value <= 0.05)
    }

    #[test]
    fn a_gate_at_five_percent_alarms_that_often_and_finds_what_it_can() {
        let pool = Noise::new(0.05, 0.0, 21).series(200);
        let trials = Trials { pairs: 10, count: 2_000, seed: 4 };
        let idle = rate(&pool, &trials, 1.0, significant).unwrap();
        assert!((0.02..=0.08).contains(&idle.share()), "{idle:?}");
        let sd = 0.05 * 2f64.sqrt();
        let slower = 1.0 + detectable_paired(sd, 10);
        let found = rate(&pool, &trials, slower, significant).unwrap();
        assert!(found.share() >= 0.8, "{found:?} at {slower}");
    }

    #[test]
    fn with_a_tolerance_a_regression_is_hardly_ever_called_without_one() {
        let pool = Noise::new(0.05, 0.0, 22).series(60);
        let regressed = |pairs: &[(f64, f64)]| {
            let found = compare(pairs, 0.05).expect("values are positive");
            decide(&found.shift, found.pairs, found.sd, 0.05) == Decision::Regression
        };
        let trials = Trials { pairs: 10, count: 500, seed: 1 };
        assert!(rate(&pool, &trials, 1.0, regressed).unwrap().share() < 0.01);
        assert!(rate(&pool, &trials, 1.2, regressed).unwrap().share() > 0.9);
    }

    #[test]
    fn a_pool_too_small_is_refused() {
        let trials = Trials { pairs: 10, count: 1, seed: 1 };
        assert_eq!(rate(&[1.0; 19], &trials, 1.0, significant), None);
    }
}
