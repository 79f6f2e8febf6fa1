//! "Did you mean": the nearest of some names.

/// The nearest name, when it is near enough to be a slip of the fingers.
pub(super) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |s: &str| s.to_lowercase().replace(['-', ' '], "_");
    let word = plain(word);
    let near = names.into_iter().map(|name| (distance(&word, &plain(name)), name)).min_by_key(|(d, _)| *d);
    near.filter(|(d, name)| *d <= (name.len().max(word.len()) / 3).max(1)).map(|(_, name)| name)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = match (i, j) {
                (0, n) | (n, 0) => n,
                _ => {
                    let same = usize::from(a[i - 1] != b[j - 1]);
                    let swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    let swapped = if swap { table[i - 2][j - 2] + 1 } else { usize::MAX };
                    (table[i - 1][j] + 1)
                        .min(table[i][j - 1] + 1)
                        .min(table[i - 1][j - 1] + same)
                        .min(swapped)
                }
            };
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let names = ["clients", "connect", "connect_timeout", "warmup"];
        assert_eq!(nearest("client", names), Some("clients"));
        assert_eq!(nearest("cleints", names), Some("clients"));
        assert_eq!(nearest("warm-up", names), Some("warmup"));
        assert_eq!(nearest("connectTimeout", names), Some("connect_timeout"));
        assert_eq!(nearest("users", names), None);
    }
}
