//! Exact distributions of rank sums, counted and not approximated.
//!
//! Ranks are doubled, so that the middle ranks of ties are whole numbers. Source: the recurrences of
//! Wilcoxon 1945 and of Mann and Whitney 1947.

/// The doubled middle ranks of a sample, in its order: ties share the mean of theirs.
pub(super) fn doubled_ranks(sample: &[f64]) -> Vec<usize> {
    let rank = |x: &f64| {
        let below = sample.iter().filter(|y| *y < x).count();
        let alike = sample.iter().filter(|y| *y == x).count();
        2 * below + alike + 1
    };
    sample.iter().map(rank).collect()
}

/// Chance of each sum (the index) when every rank gets a fair sign and only positive ones are added.
pub(super) fn signed_sums(ranks: &[usize]) -> Vec<f64> {
    let mut chances = vec![0.0; ranks.iter().sum::<usize>() + 1];
    chances[0] = 1.0;
    for rank in ranks {
        for sum in (0..chances.len()).rev() {
            let with = if sum >= *rank { chances[sum - rank] } else { 0.0 };
            chances[sum] = (chances[sum] + with) / 2.0;
        }
    }
    chances
}

/// Chance of each sum (the index) of `chosen` ranks drawn from all.
pub(super) fn drawn_sums(ranks: &[usize], chosen: usize) -> Vec<f64> {
    let width = ranks.iter().sum::<usize>() + 1;
    let mut ways = vec![vec![0.0; width]; chosen + 1];
    ways[0][0] = 1.0;
    for rank in ranks {
        for taken in (1..=chosen).rev() {
            for sum in (*rank..width).rev() {
                ways[taken][sum] += ways[taken - 1][sum - rank];
            }
        }
    }
    let last = ways.pop().expect("there is always one of none");
    let all: f64 = last.iter().sum();
    last.into_iter().map(|w| w / all).collect()
}

/// Chance of a sum as far out as `seen`, on either side.
pub(super) fn two_sided(chances: &[f64], seen: usize) -> f64 {
    let up_to: f64 = chances[..=seen].iter().sum();
    let from: f64 = chances[seen..].iter().sum();
    (2.0 * up_to.min(from)).min(1.0)
}

/// The greatest sum up to which the chance of all is at most `limit`; `None` when the least sum alone is
/// likelier.
pub(super) fn lower_tail(chances: &[f64], limit: f64) -> Option<usize> {
    let mut below = 0.0;
    let fits = |chance: &&f64| {
        below += **chance;
        // A hair of slack for the rounding of sums.
        below <= limit * (1.0 + 1e-12)
    };
    chances.iter().take_while(fits).count().checked_sub(1)
}
