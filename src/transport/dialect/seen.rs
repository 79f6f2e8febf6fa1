//! What came, as rules look at it, and whether a pattern fits. JSON is walked where a rule asks for a
//! value in it, and never built.

use crate::scenario::{MatchSpec, SetFrom, Template};
use crate::transport::json_at::Pointer;
use regex_lite::Regex;
use std::borrow::Cow;
use std::cell::OnceCell;

/// One unit, one answer, or the end of a session.
#[derive(Default)]
pub(super) struct Seen<'a> {
    /// The unit; the reason of a close frame.
    pub(super) body: &'a [u8],
    /// The status of its answer; 0: it is no answer.
    pub(super) status: u16,
    /// The head of its answer, or the headers of its part: lines.
    pub(super) head: &'a [u8],
    /// The name of its Server-Sent Event; empty: none.
    pub(super) event: &'a [u8],
    /// The code of a close frame.
    pub(super) close: Option<u16>,
    /// The session has ended.
    pub(super) end: bool,
    /// It holds a stamp of this run.
    pub(super) stamped: bool,
    text: OnceCell<Cow<'a, str>>,
}

impl<'a> Seen<'a> {
    /// A unit and nothing else.
    pub(super) fn unit(body: &'a [u8]) -> Seen<'a> {
        Seen { body, ..Seen::default() }
    }

    fn text(&self) -> &str {
        self.text.get_or_init(|| String::from_utf8_lossy(self.body))
    }

    /// The first header of this name, in any case of letters.
    fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.head.split(|&b| b == b'\n').find_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            line[..colon].eq_ignore_ascii_case(name.as_bytes()).then(|| line[colon + 1..].trim_ascii())
        })
    }
}

/// A [`MatchSpec`] with its expression compiled.
pub(super) struct Pattern {
    pub(super) spec: MatchSpec,
    regex: Option<Regex>,
    pointer: Option<Pointer>,
    /// Whether it is about the end of a session.
    about_end: bool,
    /// What it knows, in a few words.
    pub(super) label: String,
}

impl Pattern {
    pub(super) fn new(spec: &MatchSpec) -> Pattern {
        Pattern {
            spec: spec.clone(),
            regex: spec.regex.as_deref().map(compiled),
            pointer: spec.pointer.as_deref().map(Pointer::new),
            about_end: spec.end || spec.close.is_some(),
            label: label(spec),
        }
    }

    /// Whether everything that it says holds.
    pub(super) fn fits(&self, seen: &Seen<'_>) -> bool {
        let s = &self.spec;
        self.about_end == seen.end
            && s.stamped == seen.stamped
            && (s.status.is_empty() || s.status.contains(&seen.status))
            && s.close.is_none_or(|code| seen.close == Some(code))
            && s.event.as_ref().is_none_or(|name| seen.event == name.as_bytes())
            && s.prefix.as_ref().is_none_or(|text| seen.body.starts_with(text.as_bytes()))
            && s.equals.as_ref().is_none_or(|text| seen.body == text.as_bytes())
            && self.regex.as_ref().is_none_or(|regex| regex.is_match(seen.text()))
            && self.header_fits(seen)
            && self.pointer_fits(seen)
    }

    fn header_fits(&self, seen: &Seen<'_>) -> bool {
        let Some(name) = &self.spec.header else { return true };
        let is = self.spec.is.as_deref();
        seen.header(name).is_some_and(|value| is.is_none_or(|is| value == is.as_bytes()))
    }

    fn pointer_fits(&self, seen: &Seen<'_>) -> bool {
        let is = self.spec.is.as_deref().filter(|_| self.spec.header.is_none());
        self.pointer.as_ref().is_none_or(|pointer| pointer.finds(seen.body, is))
    }
}

/// The check of the scenario refuses an expression that does not compile; this one finds nothing.
fn compiled(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|_| Regex::new("$.^").expect("it compiles"))
}

/// `prefix "44"`, for people.
fn label(spec: &MatchSpec) -> String {
    let texts = [
        ("prefix", &spec.prefix),
        ("equals", &spec.equals),
        ("regex", &spec.regex),
        ("pointer", &spec.pointer),
        ("header", &spec.header),
        ("is", &spec.is),
        ("event", &spec.event),
    ];
    let mut words: Vec<String> =
        texts.iter().filter_map(|(key, text)| text.as_ref().map(|t| format!("{key} {t:?}"))).collect();
    if !spec.status.is_empty() {
        words.push(format!("status {:?}", spec.status));
    }
    words.extend(spec.close.map(|code| format!("close {code}")));
    for (word, given) in [("end", spec.end), ("stamped", spec.stamped)] {
        words.extend(given.then(|| word.to_owned()));
    }
    if words.is_empty() { "any".to_owned() } else { words.join(", ") }
}

/// Where a variable's value comes from, ready for use.
pub(super) enum Source {
    Pointer(Pointer),
    Regex(Regex),
    Header(String),
    Template(Template),
}

impl Source {
    pub(super) fn new(from: &SetFrom) -> Source {
        match from {
            SetFrom::Pointer(text) => Source::Pointer(Pointer::new(text)),
            SetFrom::Regex(text) => Source::Regex(compiled(text)),
            SetFrom::Header(name) => Source::Header(name.clone()),
            SetFrom::Template(template) => Source::Template(template.clone()),
        }
    }

    /// The value in what came; `None` when it is not there, or is no business of what came.
    pub(super) fn find<'s>(&self, seen: &'s Seen<'_>) -> Option<Cow<'s, [u8]>> {
        match self {
            Source::Pointer(pointer) => pointer.text(seen.body).map(|text| Cow::Owned(text.into_bytes())),
            Source::Regex(regex) => {
                let group = regex.captures(seen.text())?.get(1)?;
                Some(Cow::Borrowed(&seen.text().as_bytes()[group.range()]))
            }
            Source::Header(name) => seen.header(name).map(Cow::Borrowed),
            Source::Template(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(change: impl FnOnce(&mut MatchSpec)) -> Pattern {
        let mut spec = MatchSpec::default();
        change(&mut spec);
        Pattern::new(&spec)
    }

    #[test]
    fn everything_given_must_hold() {
        let both = pattern(|s| (s.prefix, s.regex) = (Some("4".into()), Some("ok$".into())));
        assert!(both.fits(&Seen::unit(b"4..ok")));
        assert!(!both.fits(&Seen::unit(b"4..no")) && !both.fits(&Seen::unit(b"5..ok")));
        assert_eq!(both.label, "prefix \"4\", regex \"ok$\"");
    }

    #[test]
    fn pointers_compare_as_text() {
        let number = pattern(|s| (s.pointer, s.is) = (Some("/type".into()), Some("6".into())));
        assert!(number.fits(&Seen::unit(br#"{"type":6}"#)) && number.fits(&Seen::unit(br#"{"type":"6"}"#)));
        assert!(!number.fits(&Seen::unit(br#"{"type":7}"#)) && !number.fits(&Seen::unit(b"type 6")));
        let there = pattern(|s| s.pointer = Some("/error".into()));
        assert!(there.fits(&Seen::unit(br#"{"error":null}"#)) && !there.fits(&Seen::unit(b"{}")));
    }

    #[test]
    fn answers_events_and_ends_are_told_apart() {
        let gone = pattern(|s| s.status = vec![400, 410]);
        assert!(gone.fits(&Seen { status: 410, ..Seen::default() }) && !gone.fits(&Seen::default()));
        let ping = pattern(|s| s.event = Some("ping".into()));
        assert!(ping.fits(&Seen { event: b"ping", ..Seen::default() }) && !ping.fits(&Seen::default()));
        let closed = pattern(|s| s.close = Some(1001));
        assert!(closed.fits(&Seen { close: Some(1001), end: true, ..Seen::default() }));
        assert!(!closed.fits(&Seen { end: true, ..Seen::default() }));
        let any = pattern(|_| {});
        assert!(any.fits(&Seen::unit(b"")) && !any.fits(&Seen { end: true, ..Seen::default() }));
        assert!(!any.fits(&Seen { stamped: true, ..Seen::default() }), "stamped units skip the rules");
        let header = pattern(|s| (s.header, s.is) = (Some("x-a".into()), Some("b".into())));
        assert!(header.fits(&Seen { head: b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n", ..Seen::default() }));
    }

    #[test]
    fn values_are_found_where_they_are_said_to_be() {
        let seen = Seen { head: b"X: 1\r\n", ..Seen::unit(br#"{"a":[{"b":"c"}],"n":12}"#) };
        let find = |from: SetFrom| Source::new(&from).find(&seen).map(|v| v.into_owned());
        assert_eq!(find(SetFrom::Pointer("/a/0/b".into())), Some(b"c".to_vec()));
        assert_eq!(find(SetFrom::Pointer("/n".into())), Some(b"12".to_vec()));
        assert_eq!(find(SetFrom::Regex("n\":([0-9])".into())), Some(b"1".to_vec()));
        assert_eq!(find(SetFrom::Header("x".into())), Some(b"1".to_vec()));
        assert_eq!(find(SetFrom::Pointer("/x".into())), None);
    }
}
