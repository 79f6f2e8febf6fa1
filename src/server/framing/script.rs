//! A message as a script element: the forever iframe.

/// What a page of this kind begins with.
pub(super) const PRELUDE: &[u8] = b"<!doctype html><meta charset=\"utf-8\"><body>\n";

/// Adds the element. The payload is a JSON string that no HTML parser ends early: `<` is written as
/// an escape, so neither `</script>` nor `<!--` can occur. What is not UTF-8 becomes U+FFFD.
pub(super) fn element(sequence: u64, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("<script>parent.p({sequence},\"").as_bytes());
    let text = String::from_utf8_lossy(payload);
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        if matches!(c, '"' | '\\' | '<' | '\0'..='\x1F' | '\u{2028}' | '\u{2029}') {
            out.extend_from_slice(&text.as_bytes()[plain..at]);
            escape(c, out);
            plain = at + c.len_utf8();
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.extend_from_slice(b"\")</script>\n");
}

fn escape(c: char, out: &mut Vec<u8>) {
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        // All of them lie in the basic plane: four digits are enough.
        c => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::element;

    fn made(payload: &[u8]) -> String {
        let mut out = Vec::new();
        element(9, payload, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_payload_cannot_end_its_element() {
        let nasty = "</script><!-- \"\\ \r\n\u{1} \u{2028} ä";
        let made = made(nasty.as_bytes());
        let inner = made.strip_prefix("<script>parent.p(9,").unwrap().strip_suffix(")</script>\n").unwrap();
        assert!(!inner.contains('<') && !inner.contains('\u{2028}') && !inner.contains('\n'), "{inner}");
        assert_eq!(serde_json::from_str::<String>(inner).unwrap(), nasty);
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        assert_eq!(made(b"a\xFFb"), "<script>parent.p(9,\"a\u{FFFD}b\")</script>\n");
    }
}
