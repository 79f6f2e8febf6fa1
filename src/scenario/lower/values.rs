//! Where a value is found in a text: a JSON pointer, a regular expression.

use super::Report;
use crate::scenario::path::KeyPath;

/// A JSON pointer (RFC 6901) to something inside of a document; `whole`: or to all of it.
pub(super) fn pointer(text: &str, whole: bool, at: &KeyPath, r: &mut Report<'_>) {
    if !(text.starts_with('/') || (whole && text.is_empty())) {
        r.bad(at, "a JSON pointer, which starts with \"/\", such as \"/next\"");
    }
}

/// A regular expression; with `group`: one whose first group is a value.
pub(super) fn regex(text: &str, group: bool, at: &KeyPath, r: &mut Report<'_>) {
    match regex_lite::Regex::new(text) {
        Err(e) => r.bad(at, format_args!("a regular expression that compiles ({e})")),
        Ok(found) if group && found.captures_len() < 2 => {
            r.bad(at, "a group in parentheses: what it matches first is the value, as in \"id=([0-9]+)\"");
        }
        Ok(_) => {}
    }
}
