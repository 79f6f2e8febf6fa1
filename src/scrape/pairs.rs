//! `key: value` text, as nginx and nchan tell their status: several pairs on a line, numbers with a
//! binary unit (`12K`), and nginx' row of numbers beneath a row of names.

/// The values of `text` by key, in order. A value that is no number is `None`.
pub(super) fn pairs(text: &str) -> Vec<(&str, Option<f64>)> {
    let mut found = Vec::new();
    let mut above = "";
    for line in text.lines().map(str::trim) {
        match line.contains(':') {
            true => of_line(line, &mut found),
            false => beneath(above, line, &mut found),
        }
        above = line;
    }
    found
}

/// `Reading: 6 Writing: 179`: behind a colon one word is the value, and what follows is the next key.
fn of_line<'a>(line: &'a str, found: &mut Vec<(&'a str, Option<f64>)>) {
    let mut rest = line;
    while let Some((key, behind)) = rest.split_once(':') {
        let behind = behind.trim_start();
        let end = behind.find([' ', '\t']).unwrap_or(behind.len());
        let value = number(&behind[..end]);
        found.push((key.trim(), value));
        // Only behind a number can a next key begin: a text may hold colons of its own.
        rest = if value.is_some() { &behind[end..] } else { "" };
    }
}

/// Numbers beneath as many words: `accepts handled requests`, then `16 16 31`.
fn beneath<'a>(above: &'a str, line: &str, found: &mut Vec<(&'a str, Option<f64>)>) {
    let values: Option<Vec<f64>> = line.split_ascii_whitespace().map(number).collect();
    let names: Vec<&str> = above.split_ascii_whitespace().collect();
    let Some(values) = values.filter(|v| !v.is_empty() && v.len() <= names.len() && !above.contains(':'))
    else {
        return;
    };
    let last = names.len() - values.len();
    found.extend(names[last..].iter().copied().zip(values.into_iter().map(Some)));
}

/// A number, with a binary unit behind it or not.
fn number(text: &str) -> Option<f64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'K' | b'k' => (&text[..text.len() - 1], 1024.0),
        b'M' => (&text[..text.len() - 1], 1024.0 * 1024.0),
        b'G' => (&text[..text.len() - 1], 1024.0 * 1024.0 * 1024.0),
        _ => (text, 1.0),
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    digits.parse::<f64>().ok().filter(|_| plain).map(|n| n * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &'static str, key: &str) -> Option<f64> {
        pairs(text).into_iter().find(|(k, _)| *k == key).and_then(|(_, v)| v)
    }

    #[test]
    fn nchan_tells_a_pair_a_line() {
        let text = include_str!("fixtures/nchan_stub_status.txt");
        assert_eq!(of(text, "total published messages"), Some(2106.0));
        assert_eq!(of(text, "subscribers"), Some(51.0));
        assert_eq!(of(text, "shared memory used"), Some(1884.0 * 1024.0));
        assert_eq!(of(text, "nchan version"), None);
        assert_eq!(pairs(text).len(), 16);
    }

    #[test]
    fn nginx_tells_several_and_a_table() {
        let text = include_str!("fixtures/nginx_stub_status.txt");
        assert_eq!(of(text, "Active connections"), Some(291.0));
        let row = [of(text, "accepts"), of(text, "handled"), of(text, "requests")];
        assert_eq!(row, [Some(16_630_948.0), Some(16_630_948.0), Some(31_070_465.0)]);
        assert_eq!(
            [of(text, "Reading"), of(text, "Writing"), of(text, "Waiting")].map(Option::unwrap),
            [6.0, 179.0, 106.0]
        );
    }

    #[test]
    fn a_text_behind_a_colon_is_no_number_and_may_hold_colons() {
        assert_eq!(pairs("started: at 12:30:01"), [("started", None)]);
        assert_eq!(pairs("up: 1.5\n\n3 4"), [("up", Some(1.5))]);
        assert_eq!(pairs("a: inf\nb: nan"), [("a", None), ("b", None)]);
    }
}
