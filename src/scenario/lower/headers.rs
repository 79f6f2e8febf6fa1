//! Headers that a user adds: fit for the wire, and not ours to write.

use super::Report;
use crate::scenario::HeaderProfile;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Headers, Pairs};

/// Headers that frame a message or the connection: two of them would make the bytes ambiguous.
const OURS: &[&str] = &[
    "host",
    "content-length",
    "connection",
    "upgrade",
    "transfer-encoding",
    "te",
    "trailer",
    "expect",
    "keep-alive",
];

pub(super) fn profile(
    headers: Option<&Headers>,
    path: &KeyPath,
    r: &mut Report<'_>,
) -> Option<HeaderProfile> {
    Some(match headers? {
        Headers::Minimal => HeaderProfile::Minimal,
        Headers::Browser => HeaderProfile::Browser,
        Headers::Table(pairs) => HeaderProfile::Custom(pairs_of(pairs, path, r)),
    })
}

pub(super) fn pairs_of(pairs: &Pairs, path: &KeyPath, r: &mut Report<'_>) -> Vec<(String, String)> {
    for (i, (name, value)) in pairs.0.iter().enumerate() {
        let at = path.key(name);
        if let Some(want) = name_fault(name) {
            r.wrong_key(&at, format_args!("`{name}` cannot be a header here; want {want}"));
        } else if !value.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b)) {
            r.bad(&at, "a value of printable ASCII on one line: a line break would end the header");
        } else if pairs.0[..i].iter().any(|(earlier, _)| earlier.eq_ignore_ascii_case(name)) {
            r.wrong_key(&at, format_args!("header `{name}` is there twice (case does not tell names apart)"));
        }
    }
    pairs.0.clone()
}

/// What is wanted instead of this name, if it will not do.
pub(super) fn name_fault(name: &str) -> Option<&'static str> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Some("a name of letters, digits and \"-\"");
    }
    let name = name.to_ascii_lowercase();
    let ours = OURS.contains(&name.as_str()) || name.starts_with("sec-websocket-");
    ours.then_some("another one: pushbench writes this header itself, and two would contradict each other")
}

#[cfg(test)]
mod tests {
    use super::name_fault;

    #[test]
    fn only_names_that_are_fit_for_the_wire_and_not_ours() {
        assert_eq!(name_fault("X-Api-Key"), None);
        for wrong in ["", "X Y", "X:", "Host", "content-LENGTH", "Sec-WebSocket-Key", "Ä"] {
            assert!(name_fault(wrong).is_some(), "{wrong}");
        }
    }
}
