//! Spans of time as people write them on the command line.

use crate::model::Nanos;

/// What is wanted of a span.
const WANTED: &str = "want a number and a unit: 500ms, 25s, 2m";

/// Reads `25s`, `500ms`, `2m` or `0`.
///
/// # Errors
/// What is wanted, when it is anything else.
pub fn span(text: &str) -> Result<Nanos, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match (unit.trim(), number) {
        ("ms", _) => Nanos::from_millis(1),
        ("s", _) | ("", "0") => Nanos::SECOND,
        ("m" | "min", _) => Nanos::SECOND * 60,
        _ => return Err(WANTED.into()),
    };
    number.parse().map(|n: u64| unit * n).map_err(|_| WANTED.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_carry_units() {
        assert_eq!(span("25s"), Ok(Nanos::SECOND * 25));
        assert_eq!(span("250 ms"), Ok(Nanos::from_millis(250)));
        assert_eq!(span("2m"), Ok(Nanos::SECOND * 120));
        assert_eq!(span("0"), Ok(Nanos::ZERO));
        for wrong in ["", "5", "s", "-1s", "1.5s", "10 h", "99999999999999999999s"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
