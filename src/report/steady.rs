//! When measuring began and how alike its two halves are, in words.

use super::number::three_digits;
use crate::result::Steady;

/// `None` where the warm-up was fixed and there were too few seconds to say anything.
pub(super) fn note(steady: &Steady) -> Option<String> {
    let parts: Vec<String> = [begun(steady), halves(steady)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Of an automatic warm-up only: the scenario says how long another one is.
fn begun(steady: &Steady) -> Option<String> {
    let warmup = steady.warmup_s.filter(|_| steady.auto)?;
    let steady_by = match steady.reached {
        Some(false) => ", its most, and was not steady then",
        _ => "",
    };
    Some(format!("warm-up ended by itself after {} s{steady_by}", three_digits(warmup)))
}

fn halves(steady: &Steady) -> Option<String> {
    let (ratio, chance) = steady.halves_ratio.zip(steady.halves_chance_ratio)?;
    let of_change = |ratio: f64| three_digits(100.0 * (ratio.max(1.0 / ratio) - 1.0));
    let verdict = if steady.halves_agree == Some(false) { "do not agree" } else { "agree" };
    Some(format!(
        "both halves of what was measured {verdict}: their medians differ by {} % (chance allows {} %)",
        of_change(ratio),
        of_change(chance)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_told() {
        assert_eq!(note(&Steady::default()), None);
        let fixed = Steady { warmup_s: Some(2.0), ..Steady::default() };
        assert_eq!(note(&fixed), None);
        let auto = Steady { auto: true, reached: Some(true), warmup_s: Some(3.5), ..Steady::default() };
        assert_eq!(note(&auto).unwrap(), "warm-up ended by itself after 3.50 s");
        let late = Steady { reached: Some(false), ..auto };
        assert_eq!(
            note(&late).unwrap(),
            "warm-up ended by itself after 3.50 s, its most, and was not steady then"
        );
        let halves = Steady {
            halves_ratio: Some(0.8),
            halves_chance_ratio: Some(1.1),
            halves_agree: Some(false),
            ..Steady::default()
        };
        assert_eq!(
            note(&halves).unwrap(),
            "both halves of what was measured do not agree: their medians differ by 25.0 % (chance allows 10.0 %)"
        );
    }
}
