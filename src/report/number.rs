//! Numbers for people: three significant digits. Counts are exact.

use crate::model::Nanos;

/// How a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nanoseconds, with the unit that fits.
    Time,
    /// A count, to the last digit.
    Count,
    /// Three significant digits.
    Plain,
    /// Overhead to payload: `12.3 : 1`.
    Ratio,
}

/// `value` as it is shown.
pub(super) fn shown(value: f64, kind: Kind) -> String {
    match kind {
        Kind::Time => Nanos(value.round() as u64).to_string(),
        Kind::Count => grouped(value),
        Kind::Plain => three_digits(value),
        Kind::Ratio => format!("{} : 1", three_digits(value)),
    }
}

/// Three significant digits, plainly written: `0.0312`, `4.18`, `21.4`, `1410`, `1.23 M`.
pub(super) fn three_digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    // Rounded first: 9.996 is 10.0, not 10.00.
    let exponent = value.abs().log10().floor() as i32;
    let step = 10_f64.powi(exponent - 2);
    let rounded = (value / step).round() * step;
    let exponent = (rounded.abs() * (1.0 + 1e-12)).log10().floor() as i32;
    match exponent {
        6.. => format!("{} M", three_digits(rounded / 1e6)),
        2..6 => format!("{rounded:.0}"),
        _ => format!("{rounded:.*}", usize::try_from(2 - exponent).unwrap_or_default().min(9)),
    }
}

/// Bytes in units of 1024: `500 B`, `10.0 KiB`, `16.0 GiB`.
pub(super) fn bytes(value: f64) -> String {
    let (unit, name) = match value.abs() {
        b if b < 1024.0 => (1.0, "B"),
        b if b < 1024.0_f64.powi(2) => (1024.0, "KiB"),
        b if b < 1024.0_f64.powi(3) => (1024.0_f64.powi(2), "MiB"),
        _ => (1024.0_f64.powi(3), "GiB"),
    };
    format!("{} {name}", three_digits(value / unit))
}

/// A whole number with its thousands apart: `1,234,567`.
pub(super) fn grouped(value: f64) -> String {
    if value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if value < 0.0 { format!("-{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_significant_digits() {
        let pairs = [
            (0.0, "0"),
            (0.031_25, "0.0313"),
            (1.0, "1.00"),
            (9.996, "10.0"),
            (99.96, "100"),
            (21.44, "21.4"),
            (1_412.0, "1410"),
            (999_600.0, "1.00 M"),
            (12_345_678.0, "12.3 M"),
            (-4.0, "-4.00"),
        ];
        for (value, wanted) in pairs {
            assert_eq!(three_digits(value), wanted);
        }
        assert_eq!(shown(2.359, Kind::Ratio), "2.36 : 1");
        assert_eq!([bytes(500.0), bytes(10_240.0), bytes(1e10)], ["500 B", "10.0 KiB", "9.31 GiB"]);
    }

    #[test]
    fn counts_are_exact() {
        assert_eq!(grouped(0.0), "0");
        assert_eq!(grouped(1_234_567.0), "1,234,567");
        assert_eq!(grouped(999.0), "999");
        assert_eq!(grouped(2.5), "2.5");
    }
}
