//! Places labels so that none lies on another.

/// A label that would like to stand somewhere on a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wish {
    /// Where its middle would best be.
    pub(super) middle: f64,
    /// How much room it takes, gap included.
    pub(super) length: f64,
}

/// Middles for `wishes`, in their order: no two overlap, all lie within `from..to`, their order along
/// the line is that of the wishes, and the sum of squared shifts is the least. `None` when they do
/// not fit.
pub(super) fn spread(wishes: &[Wish], from: f64, to: f64) -> Option<Vec<f64>> {
    let total: f64 = wishes.iter().map(|w| w.length).sum();
    if total > to - from {
        return None;
    }
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by(|a, b| wishes[*a].middle.total_cmp(&wishes[*b].middle));
    // With everything before a label pushed together its start is `offset`; the slack left of it may
    // only grow along the line, so the best slacks are an isotonic regression.
    let mut offset = 0.0;
    let mut slacks = Vec::new();
    for i in &order {
        slacks.push(wishes[*i].middle - wishes[*i].length / 2.0 - offset);
        offset += wishes[*i].length;
    }
    let slacks = isotonic(&slacks);
    let mut middles = vec![0.0; wishes.len()];
    let mut offset = 0.0;
    for (i, slack) in order.iter().zip(slacks) {
        middles[*i] = slack.clamp(from, to - total) + offset + wishes[*i].length / 2.0;
        offset += wishes[*i].length;
    }
    Some(middles)
}

/// The never decreasing values nearest to `values`: neighbours that fall are pooled to their mean.
fn isotonic(values: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for v in values {
        let mut pool = (*v, 1);
        while let Some((mean, n)) = pools.pop_if(|(mean, _)| *mean > pool.0) {
            let all = n + pool.1;
            pool = ((mean * n as f64 + pool.0 * pool.1 as f64) / all as f64, all);
        }
        pools.push(pool);
    }
    pools.into_iter().flat_map(|(mean, n)| std::iter::repeat_n(mean, n)).collect()
}

/// Which of these stretches `(from, to)`, in order, stand at least `gap` behind the last one kept.
pub(super) fn keep_apart(stretches: &[(f64, f64)], gap: f64) -> Vec<bool> {
    let mut free_from = f64::NEG_INFINITY;
    stretches
        .iter()
        .map(|(from, to)| {
            let keep = *from >= free_from;
            if keep {
                free_from = to + gap;
            }
            keep
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wishes() -> impl Strategy<Value = Vec<Wish>> {
        let wish = (-100.0..700.0, 1.0..45.0).prop_map(|(middle, length)| Wish { middle, length });
        prop::collection::vec(wish, 1..13)
    }

    proptest! {
        #[test]
        fn placed_labels_never_overlap_and_stay_inside(wishes in wishes()) {
            let middles = spread(&wishes, 0.0, 560.0).expect("12 x 45 fit into 560");
            let mut boxes: Vec<_> = middles.iter().zip(&wishes)
                .map(|(m, w)| (m - w.length / 2.0, m + w.length / 2.0)).collect();
            boxes.sort_by(|a, b| a.0.total_cmp(&b.0));
            for pair in boxes.windows(2) {
                prop_assert!(pair[0].1 <= pair[1].0 + 1e-9, "{boxes:?}");
            }
            prop_assert!(boxes[0].0 >= -1e-9 && boxes[boxes.len() - 1].1 <= 560.0 + 1e-9);
        }

        #[test]
        fn labels_keep_the_order_of_their_wishes(wishes in wishes()) {
            let middles = spread(&wishes, 0.0, 560.0).expect("12 x 45 fit into 560");
            for (a, wa) in middles.iter().zip(&wishes) {
                for (b, wb) in middles.iter().zip(&wishes) {
                    prop_assert!(wa.middle >= wb.middle || a < b);
                }
            }
        }
    }

    #[test]
    fn labels_with_room_stay_where_they_want() {
        let wishes = [Wish { middle: 300.0, length: 20.0 }, Wish { middle: 100.0, length: 20.0 }];
        assert_eq!(spread(&wishes, 0.0, 400.0), Some(vec![300.0, 100.0]));
    }

    #[test]
    fn labels_that_cannot_fit_are_refused() {
        let wishes = [Wish { middle: 5.0, length: 20.0 }; 3];
        assert_eq!(spread(&wishes, 0.0, 50.0), None);
        assert_eq!(spread(&wishes, 0.0, 60.0), Some(vec![10.0, 30.0, 50.0]));
    }

    #[test]
    fn crowded_ticks_lose_labels() {
        let kept = keep_apart(&[(0.0, 10.0), (8.0, 18.0), (15.0, 25.0), (26.0, 30.0)], 5.0);
        assert_eq!(kept, [true, false, true, false]);
    }
}
