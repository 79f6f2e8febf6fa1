//! `${...}` in paths and messages.

/// Names that a path or a message of a client may hold.
pub(super) const CLIENT: &[&str] = &["channel", "client"];
/// Names that a publish path may hold.
pub(super) const PUBLISH: &[&str] = &["channel"];

/// Fills in `${channel}` and `${client}`.
///
/// A plan's templates were checked: nothing else is left in them.
pub fn fill(template: &str, channel: &str, client: u32) -> String {
    template.replace("${client}", &client.to_string()).replace("${channel}", channel)
}

/// The first name that is not known here, or an opening that is never closed.
pub(super) fn unknown<'a>(template: &'a str, known: &[&str]) -> Option<&'a str> {
    let mut rest = template;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}') else { return Some(&rest[at..]) };
        let name = &rest[at + 2..at + end];
        if !known.contains(&name) {
            return Some(&rest[at..=at + end]);
        }
        rest = &rest[at + end + 1..];
    }
    None
}

/// What is wrong with it as a path and query of a request line, if anything is.
pub(super) fn path_fault(template: &str) -> Option<&'static str> {
    if !template.starts_with('/') {
        return Some("a path that starts with \"/\" (scheme, host and port belong in `target.base`)");
    }
    if template.contains('#') {
        return Some("a path without \"#\": a fragment is never sent");
    }
    let graphic = template.bytes().all(|b| b.is_ascii_graphic());
    (!graphic).then_some(
        "a path of ASCII characters without spaces (percent-encode others, such as %20; a variable of the \
        environment so: ${uri('${env:NAME}')})",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_filled_in() {
        assert_eq!(fill("/lp/${channel}?c=${client}", "pbabc0", 7), "/lp/pbabc0?c=7");
        assert_eq!(fill("/plain", "x", 0), "/plain");
    }

    #[test]
    fn unknown_and_open_names_are_told() {
        assert_eq!(unknown("/a/${channel}/${client}", CLIENT), None);
        assert_eq!(unknown("/a/${chanel}", CLIENT), Some("${chanel}"));
        assert_eq!(unknown("/a/${channel", CLIENT), Some("${channel"));
        assert_eq!(unknown("/a/${client}", PUBLISH), Some("${client}"));
        assert_eq!(unknown("/a/$channel", CLIENT), None);
    }

    #[test]
    fn a_path_is_fit_for_a_request_line() {
        assert_eq!(path_fault("/a?b=c"), None);
        assert!(path_fault("a").is_some() && path_fault("/a b").is_some());
        assert!(path_fault("/a\r\nX: y").is_some() && path_fault("/a#b").is_some());
    }
}
