//! The interval of a statistic over values that are correlated with their neighbours.
//!
//! Source: Künsch 1989, the moving-block bootstrap, in Politis and Romano's circular form (each value is drawn
//! alike often). The interval is that of the percentiles.

use super::decide::Interval;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// Values that stay together: seconds of at least one publish each, say.
    pub block: usize,
    /// How often to draw; 10,000 for what is printed.
    pub resamples: usize,
    /// The chance of an interval that misses the truth, such as 0.05.
    pub alpha: f64,
    /// The seed: with the same one the interval is the same.
    pub seed: u64,
}

/// The interval of `statistic` over `series`. `None` of an empty series.
pub fn interval(series: &[f64], draw: &Draw, statistic: impl Fn(&[f64]) -> f64) -> Option<Interval> {
    let n = series.len();
    if n == 0 || draw.resamples == 0 {
        return None;
    }
    let mut random = fastrand::Rng::with_seed(draw.seed);
    let mut drawn = Vec::with_capacity(n + draw.block);
    let mut once = || {
        drawn.clear();
        while drawn.len() < n {
            let from = random.usize(..n);
            drawn.extend((0..draw.block.clamp(1, n)).map(|k| series[(from + k) % n]));
        }
        drawn.truncate(n);
        statistic(&drawn)
    };
    let mut found: Vec<f64> = (0..draw.resamples).map(|_| once()).collect();
    found.sort_unstable_by(f64::total_cmp);
    let last = found.len() - 1;
    let at = |q: f64| found[((q * last as f64).round() as usize).min(last)];
    Some(Interval {
        estimate: statistic(series),
        low: at(draw.alpha / 2.0),
        high: at(1.0 - draw.alpha / 2.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::describe::mean;
    use crate::analysis::steady::noise::Noise;

    fn drawn(series: &[f64], block: usize, seed: u64) -> Interval {
        let draw = Draw { block, resamples: 400, alpha: 0.05, seed };
        interval(series, &draw, |s| mean(s).unwrap_or(0.0)).unwrap()
    }

    #[test]
    fn a_seed_gives_the_same_interval_twice() {
        let series = Noise::new(0.3, 0.0, 1).series(50);
        assert_eq!(drawn(&series, 1, 7), drawn(&series, 1, 7));
        assert_ne!(drawn(&series, 1, 7), drawn(&series, 1, 8));
        assert!(interval(&[], &Draw { block: 1, resamples: 9, alpha: 0.1, seed: 0 }, |_| 0.0).is_none());
    }

    #[test]
    fn blocks_keep_what_neighbours_share() {
        let truth = (0.3f64 * 0.3 / 2.0).exp();
        let held = |block: usize| {
            let holds = |s: &u64| {
                let i = drawn(&Noise::new(0.3, 0.8, *s).series(200), block, *s);
                (i.low..=i.high).contains(&truth)
            };
            (0..200).filter(holds).count()
        };
        let (single, blocks) = (held(1), held(20));
        assert!(blocks >= 165, "blocks held {blocks} of 200");
        assert!(single <= 140, "single values held {single} of 200: they are too sure");
    }
}
