//! Numbers as people read them on a slide.

/// A duration for a tick: `100 µs`, `2.5 s`.
pub(super) fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        n if n < 999.5 => (ns, "ns"),
        n if n < 999.5e3 => (ns / 1e3, "µs"),
        n if n < 999.5e6 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    format!("{} {unit}", plain(value))
}

/// Three significant digits, thousands parted by commas, no idle zeros: `0.06`, `11.8`, `7,412`.
pub(super) fn plain(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        s if s >= 99.95 || s == 0.0 => 0,
        s if s >= 9.995 => 1,
        s if s >= 0.9995 => 2,
        s => (2.0 - s.log10().floor()).min(6.0) as usize,
    };
    let text = format!("{size:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let sign = if value < 0.0 && text != "0" { "−" } else { "" };
    format!("{sign}{}", commas(text))
}

/// A count for a tick: `150,000`, `2.5 M`.
pub(super) fn count(value: f64) -> String {
    match value {
        v if v < 999_999.5 => plain(v),
        v => format!("{} M", plain(v / 1e6)),
    }
}

/// Bytes in units of 1024: `312 B`, `7.1 KiB`.
pub(super) fn size(bytes: f64) -> String {
    let (value, unit) = match bytes.abs() {
        b if b < 1024.0 => (bytes, "B"),
        b if b < 1024.0 * 1024.0 => (bytes / 1024.0, "KiB"),
        b if b < 1024.0 * 1024.0 * 1024.0 => (bytes / (1024.0 * 1024.0), "MiB"),
        _ => (bytes / (1024.0 * 1024.0 * 1024.0), "GiB"),
    };
    format!("{} {unit}", plain(value))
}

/// `q` given as `1 / (1 - q)`: `50 %`, `99.9 %`.
pub(super) fn percentile(inverse: f64) -> String {
    let percent = 100.0 - 100.0 / inverse;
    let text = format!("{percent:.6}");
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `one` or `several`, with the number.
pub(super) fn counted(n: usize, one: &str, several: &str) -> String {
    format!("{} {}", plain(n as f64), if n == 1 { one } else { several })
}

fn commas(digits: &str) -> String {
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && i < whole && (whole - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([time(1e5), time(2.5e9), time(850.0)], ["100 µs", "2.5 s", "850 ns"]);
        assert_eq!([plain(0.0625), plain(11.84), plain(7412.3)], ["0.0625", "11.8", "7,412"]);
        assert_eq!([plain(0.0), plain(-312.0), plain(100.0)], ["0", "−312", "100"]);
        assert_eq!([count(20_000.0), count(150_000.0), count(2.5e6)], ["20,000", "150,000", "2.5 M"]);
        assert_eq!([size(312.0), size(7270.0)], ["312 B", "7.1 KiB"]);
        assert_eq!([percentile(2.0), percentile(1000.0), percentile(1.0)], ["50 %", "99.9 %", "0 %"]);
    }
}
