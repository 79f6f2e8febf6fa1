//! Bytes as a person reads them: one line, no surprises for the terminal.

use std::fmt::Write;

/// At most `most` characters of the bytes on one line: text as it is, line ends and control
/// characters escaped, what is no UTF-8 as `\xNN`. The second value: whether that was all.
pub(super) fn readable(bytes: &[u8], most: usize) -> (String, bool) {
    let mut line = String::new();
    let mut left = most;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if left == 0 {
                return (line, false);
            }
            left -= 1;
            escape(c, &mut line);
        }
        for byte in chunk.invalid() {
            if left == 0 {
                return (line, false);
            }
            left -= 1;
            let _ = write!(line, "\\x{byte:02x}");
        }
    }
    (line, true)
}

fn escape(c: char, line: &mut String) {
    match c {
        '\n' => line.push_str("\\n"),
        '\r' => line.push_str("\\r"),
        '\t' => line.push_str("\\t"),
        '\\' => line.push('\\'),
        c if (c as u32) < 0x20 || c as u32 == 0x7f => {
            let _ = write!(line, "\\x{:02x}", c as u32);
        }
        // Characters that turn text around, or that nobody sees.
        c if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}') =>
        {
            let _ = write!(line, "\\u{{{:x}}}", c as u32);
        }
        c => line.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn control_characters_are_escaped_and_text_is_left_alone() {
        let (line, whole) = readable("a[\"\\n\"]\r\n\u{1e}é\u{202e}\x1b[31m".as_bytes(), 80);
        assert_eq!(line, "a[\"\\n\"]\\r\\n\\x1eé\\u{202e}\\x1b[31m");
        assert!(whole);
        assert_eq!(readable(b"\xc3(\0", 80).0, "\\xc3(\\x00");
    }

    #[test]
    fn what_is_left_out_is_told() {
        assert_eq!(readable(b"abcdef", 3), ("abc".to_owned(), false));
        assert_eq!(readable(b"abc", 3), ("abc".to_owned(), true));
        assert_eq!(readable(b"\xff\xff", 1), ("\\xff".to_owned(), false));
    }
}
