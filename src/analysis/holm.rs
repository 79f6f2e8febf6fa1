//! Several tests at once: the chance of one false alarm among them all stays what was allowed.
//!
//! Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.

/// The p values, each raised so that it may be held against the level of the whole set. In the order
/// given; at most 1.
pub fn adjusted(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut raised = vec![1.0; p_values.len()];
    let mut least: f64 = 0.0;
    for (rank, i) in order.into_iter().enumerate() {
        least = least.max((p_values.len() - rank) as f64 * p_values[i]).min(1.0);
        raised[i] = least;
    }
    raised
}

/// Which of the tests may be called significant when all of them together are to err at most `alpha`.
pub fn rejected(p_values: &[f64], alpha: f64) -> Vec<bool> {
    adjusted(p_values).into_iter().map(|p| p <= alpha).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worked_example() {
        // 4 x 0.005, 3 x 0.01, 2 x 0.03, 1 x 0.04 (not below its forerunner).
        let raised = adjusted(&[0.01, 0.04, 0.03, 0.005]);
        let wanted = [0.03, 0.06, 0.06, 0.02];
        assert!(raised.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{raised:?}");
        assert_eq!(rejected(&[0.01, 0.04, 0.03, 0.005], 0.05), [true, false, false, true]);
        assert_eq!(adjusted(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(adjusted(&[]).is_empty());
    }

    #[test]
    fn false_alarms_of_a_whole_set_stay_below_alpha() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut alarm = || {
            let all: Vec<f64> = (0..8).map(|_| random.f64()).collect();
            rejected(&all, 0.05).contains(&true)
        };
        let alarms = (0..4_000).filter(|_| alarm()).count();
        assert!((140..=250).contains(&alarms), "{alarms} of 4000 at 5 %");
    }
}
