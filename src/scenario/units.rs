//! Values with their unit, as people write them: durations, rates, sizes; and back again for messages.
//!
//! A number without a unit is refused: `5` is a second to one and a millisecond to the next.

use crate::model::Nanos;

const TIME: [(&str, f64); 7] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 60e9), ("h", 3600e9)];
const PER: [(&str, f64); 3] = [("s", 1.0), ("min", 60.0), ("h", 3600.0)];
const SIZE: [(&str, f64); 7] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("KiB", 1024.0),
    ("MB", 1e6),
    ("MiB", 1024.0 * 1024.0),
    ("GB", 1e9),
    ("GiB", 1024.0 * 1024.0 * 1024.0),
];

/// Splits `1.5 ms` into its number and its unit; one space at most between them.
fn split(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let whole = number.starts_with(|c: char| c.is_ascii_digit()) && !number.ends_with('.');
    let value: f64 = number.parse().ok().filter(|_| whole)?;
    Some((value, unit.strip_prefix(' ').unwrap_or(unit)))
}

fn factor(table: &[(&str, f64)], unit: &str) -> Option<f64> {
    table.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor)
}

/// Reads `5s`, `250 ms`, `1.5 s`, `2 min`, `100us`; rounded to the nanosecond.
pub fn parse_duration(text: &str) -> Option<Nanos> {
    let (value, unit) = split(text)?;
    Some(Nanos((value * factor(&TIME, unit)?).round() as u64))
}

/// Reads `20/s`, `1200/min`, `0.5 / s`; the answer is per second.
pub fn parse_rate(text: &str) -> Option<f64> {
    let (value, per) = text.split_once('/')?;
    let value = value.strip_suffix(' ').unwrap_or(value);
    let digits = value.chars().all(|c| c.is_ascii_digit() || c == '.');
    let value: f64 = value.parse().ok().filter(|_| digits && !value.ends_with('.'))?;
    Some(value / factor(&PER, per.strip_prefix(' ').unwrap_or(per))?)
}

/// Reads `64 B`, `1 KiB`, `2 kB`, `1.5 MiB`, `16 GiB`; whole bytes only.
pub fn parse_size(text: &str) -> Option<u64> {
    let (value, unit) = split(text)?;
    let bytes = value * factor(&SIZE, unit)?;
    (bytes.fract() == 0.0).then_some(bytes as u64)
}

/// Writes a duration exactly, in the largest unit that leaves a whole number.
pub fn show_duration(d: Nanos) -> String {
    let units = [("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 1_000_000_000)];
    let small = [("ms", 1_000_000), ("us", 1_000), ("ns", 1)];
    let fits = |(_, n): &&(&str, u64)| d.0 != 0 && d.0.is_multiple_of(*n);
    match units.iter().chain(&small).find(fits) {
        Some((unit, n)) => format!("{} {unit}", d.0 / n),
        None => "0 s".to_owned(),
    }
}

/// Writes a rate per second.
pub fn show_rate(per_s: f64) -> String {
    format!("{per_s}/s")
}

/// Writes a size exactly, in the largest unit that leaves a whole number.
pub fn show_size(bytes: u64) -> String {
    let units = [("MiB", 1024 * 1024), ("KiB", 1024), ("MB", 1_000_000), ("kB", 1000)];
    match units.iter().find(|(_, n)| bytes != 0 && bytes.is_multiple_of(*n)) {
        Some((unit, n)) => format!("{} {unit}", bytes / n),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_as_people_write_them() {
        let ns = |text: &str| parse_duration(text).map(|d| d.0);
        assert_eq!(ns("5s"), Some(5_000_000_000));
        assert_eq!(ns("250 ms"), Some(250_000_000));
        assert_eq!(ns("1.5 s"), Some(1_500_000_000));
        assert_eq!(ns("2 min"), Some(120_000_000_000));
        assert_eq!(ns("100us"), ns("100 µs"));
        for wrong in ["", "5", "s", "5 parsecs", "5  s", "-5 s", "1e3 s", ".5 s", "5. s", "1.2.3 s", "5 S"] {
            assert_eq!(ns(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn rates_and_sizes_as_people_write_them() {
        assert_eq!(parse_rate("20/s"), Some(20.0));
        assert_eq!(parse_rate("1200 / min"), Some(20.0));
        for wrong in ["20", "20 s", "/s", "20/", "20/day", "-1/s", "inf/s", "1e3/s"] {
            assert_eq!(parse_rate(wrong), None, "{wrong:?}");
        }
        assert_eq!(parse_size("64 B"), Some(64));
        assert_eq!(parse_size("1.5KiB"), Some(1536));
        assert_eq!(parse_size("2 kB"), Some(2000));
        assert_eq!(parse_size("16 GiB"), Some(16 << 30));
        for wrong in ["64", "64 b", "64 KB", "1.5 B", "B"] {
            assert_eq!(parse_size(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn durations_come_back(n in 0_u64..1 << 50) {
            prop_assert_eq!(parse_duration(&show_duration(Nanos(n))), Some(Nanos(n)));
        }

        #[test]
        fn sizes_come_back(n in 0_u64..1 << 50) {
            prop_assert_eq!(parse_size(&show_size(n)), Some(n));
        }

        #[test]
        fn rates_come_back(n in 0_u32.., parts in 1_u32..1000) {
            let rate = f64::from(n) / f64::from(parts);
            prop_assert_eq!(parse_rate(&show_rate(rate)), Some(rate));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,12}") {
            let _ = (parse_duration(&text), parse_rate(&text), parse_size(&text));
        }
    }
}
