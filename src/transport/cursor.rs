//! Cursors: what a client already has, read from what came and told in the next request.
//!
//! A cursor moves only when the answer it came with was received in full: one that moved with the
//! head of an answer that then broke off would skip messages, and the loss would be ours.

use super::http1::Head;
use super::json_at::Pointer;
use super::split::{Part, PartKind};
use crate::model::percent_encode;
use crate::scenario::{CursorFrom, CursorInto, CursorSpec};
use std::rc::Rc;

/// How cursors of a case are read and written; shared by its sessions.
enum Rule {
    None,
    Etag,
    Value { from: From, into: CursorInto },
}

enum From {
    Header(String),
    Pointer(Pointer),
    Regex(regex_lite::Regex),
    SseId,
    PartHeader(String),
    /// A pattern that does not compile finds nothing; the scenario's check refuses it long before.
    Nothing,
}

/// One value, and the one that the answer under way brings.
#[derive(Clone, Default)]
struct Slot {
    value: String,
    staged: String,
}

impl Slot {
    fn stage(&mut self, text: Option<&str>) {
        self.staged.clear();
        // A control character would break the request it goes into.
        self.staged.push_str(text.filter(|t| !t.chars().any(char::is_control)).unwrap_or(""));
    }

    fn commit(&mut self) {
        if !self.staged.is_empty() {
            std::mem::swap(&mut self.value, &mut self.staged);
        }
        self.staged.clear();
    }
}

/// The cursor of one session.
#[derive(Clone)]
pub(super) struct Cursor {
    rule: Rc<Rule>,
    /// The value, or the `ETag`.
    first: Slot,
    /// The `Last-Modified`.
    second: Slot,
}

impl Cursor {
    /// The cursor of a first request. Clone it for each session: what they share stays shared.
    pub(super) fn new(spec: &CursorSpec) -> Cursor {
        let mut first = Slot::default();
        let rule = match spec {
            CursorSpec::None => Rule::None,
            CursorSpec::Etag => Rule::Etag,
            CursorSpec::Value { from, into, initial } => {
                first.value = initial.clone().unwrap_or_default();
                Rule::Value { from: From::new(from), into: into.clone() }
            }
        };
        Cursor { rule: Rc::new(rule), first, second: Slot::default() }
    }

    /// Reads what the head of an answer tells.
    pub(super) fn read_head(&mut self, head: &Head<'_>) {
        let text = |name| utf8(head.header(name));
        match &*self.rule {
            Rule::Etag => {
                self.first.stage(text("etag"));
                self.second.stage(text("last-modified"));
            }
            Rule::Value { from: From::Header(name), .. } => self.first.stage(text(name)),
            Rule::None | Rule::Value { .. } => {}
        }
    }

    /// Reads what the body of an answer tells.
    pub(super) fn read_body(&mut self, body: &[u8]) {
        let Rule::Value { from, .. } = &*self.rule else { return };
        match from {
            From::Pointer(pointer) => {
                let staged = pointer.read(body, |value| {
                    self.first.stage(value.as_cursor().as_deref());
                    Some(())
                });
                if staged.is_none() {
                    self.first.stage(None);
                }
            }
            From::Regex(regex) => {
                let text = String::from_utf8_lossy(body);
                let found = regex.captures(&text).and_then(|c| c.get(1));
                self.first.stage(found.map(|m| m.as_str()));
            }
            From::Header(_) | From::SseId | From::PartHeader(_) | From::Nothing => {}
        }
    }

    /// Reads what one part of a stream tells; whether the cursor has moved. A part is whole, so it
    /// moves at once.
    pub(super) fn read_part(&mut self, part: &Part<'_>) -> bool {
        match &*self.rule {
            Rule::None | Rule::Value { from: From::Header(_) | From::Nothing, .. } => return false,
            Rule::Etag => {
                let (tag, date) = (part.header("etag"), part.header("last-modified"));
                if tag.is_none() && date.is_none() {
                    return false;
                }
                self.first.stage(utf8(tag));
                self.second.stage(utf8(date));
            }
            Rule::Value { from: From::SseId, .. } => {
                let Some(id) = part.id else { return false };
                // An empty id takes the last one back.
                self.first.value.clear();
                self.first.stage(utf8(Some(id)));
            }
            Rule::Value { from: From::PartHeader(name), .. } => {
                self.first.stage(utf8(part.header(name)));
            }
            Rule::Value { .. } if part.kind != PartKind::Data => return false,
            Rule::Value { .. } => self.read_body(part.body),
        }
        self.commit();
        true
    }

    /// Goes on from what an earlier session kept; from the start when it kept nothing.
    pub(super) fn restore(&mut self, kept: &str) {
        if kept.is_empty() {
            return;
        }
        let (first, second) = kept.split_once('\n').unwrap_or((kept, ""));
        self.first.value = first.to_owned();
        self.second.value = second.to_owned();
    }

    /// Writes what the next session needs in place of `kept`.
    pub(super) fn keep(&self, kept: &mut String) {
        kept.clear();
        kept.push_str(&self.first.value);
        if !self.second.value.is_empty() {
            kept.push('\n');
            kept.push_str(&self.second.value);
        }
    }

    /// The answer is whole: what was read holds from now on.
    pub(super) fn commit(&mut self) {
        self.first.commit();
        self.second.commit();
    }

    /// The answer failed or was none: forgets what was read from it.
    pub(super) fn discard(&mut self) {
        self.first.staged.clear();
        self.second.staged.clear();
    }

    /// Writes the query parameter, if this cursor goes there.
    pub(super) fn write_query(&self, separator: u8, out: &mut Vec<u8>) {
        if let Rule::Value { into: CursorInto::Query(name), .. } = &*self.rule
            && !self.first.value.is_empty()
        {
            out.push(separator);
            percent_encode(name.as_bytes(), out);
            out.push(b'=');
            percent_encode(self.first.value.as_bytes(), out);
        }
    }

    /// Writes the header lines, if this cursor goes there.
    pub(super) fn write_headers(&self, out: &mut Vec<u8>) {
        match &*self.rule {
            Rule::Etag => {
                line("If-None-Match", &self.first.value, out);
                line("If-Modified-Since", &self.second.value, out);
            }
            Rule::Value { into: CursorInto::Header(name), .. } => line(name, &self.first.value, out),
            Rule::None | Rule::Value { .. } => {}
        }
    }
}

impl From {
    fn new(spec: &CursorFrom) -> From {
        match spec {
            CursorFrom::Header(name) => From::Header(name.clone()),
            CursorFrom::Pointer(pointer) => From::Pointer(Pointer::new(pointer)),
            CursorFrom::SseId => From::SseId,
            CursorFrom::PartHeader(name) => From::PartHeader(name.clone()),
            CursorFrom::Regex(text) => regex_lite::Regex::new(text).map_or(From::Nothing, From::Regex),
        }
    }
}

fn utf8(value: Option<&[u8]>) -> Option<&str> {
    value.and_then(|v| std::str::from_utf8(v).ok())
}

fn line(name: &str, value: &str, out: &mut Vec<u8>) {
    if !value.is_empty() {
        for part in [name, ": ", value, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::http1::{Decoder, Step};
    use super::*;

    fn cursor(from: CursorFrom) -> Cursor {
        Cursor::new(&CursorSpec::Value { from, into: CursorInto::Query("c".into()), initial: None })
    }

    fn read(cursor: &mut Cursor, fields: &str, body: &str) {
        let text = format!("HTTP/1.1 204 OK\r\n{fields}\r\n");
        let mut decoder = Decoder::new();
        let Ok((_, Step::Head(head))) = decoder.next(text.as_bytes()) else { panic!("no head") };
        cursor.read_head(&head);
        cursor.read_body(body.as_bytes());
    }

    fn query(cursor: &Cursor) -> String {
        let mut out = Vec::new();
        cursor.write_query(b'?', &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_found_where_the_rule_says() {
        let cases = [
            (CursorFrom::Header("x-next".into()), "X-Next: 17\r\n", "", "?c=17"),
            (CursorFrom::Pointer("/a/0/id".into()), "", r#"{"a":[{"id":18}]}"#, "?c=18"),
            (CursorFrom::Pointer("/id".into()), "", r#"{"id":"a b"}"#, "?c=a%20b"),
            (CursorFrom::Regex("next=([0-9]+)".into()), "", "x next=19;", "?c=19"),
        ];
        for (from, fields, body, want) in cases {
            let mut cursor = cursor(from);
            assert_eq!(query(&cursor), "");
            read(&mut cursor, fields, body);
            cursor.commit();
            assert_eq!(query(&cursor), want);
        }
    }

    #[test]
    fn an_answer_that_breaks_off_moves_nothing() {
        let mut cursor = cursor(CursorFrom::Header("X".into()));
        read(&mut cursor, "X: 1\r\n", "");
        cursor.commit();
        read(&mut cursor, "X: 2\r\n", "");
        cursor.discard();
        cursor.commit();
        assert_eq!(query(&cursor), "?c=1");
    }

    #[test]
    fn an_answer_without_a_cursor_keeps_the_last_one() {
        let mut cursor = cursor(CursorFrom::Pointer("/id".into()));
        for body in [r#"{"id":1}"#, "not json", r#"{"id":null}"#, r#"{"id":"a\r\nEvil: 1"}"#] {
            read(&mut cursor, "", body);
            cursor.commit();
        }
        assert_eq!(query(&cursor), "?c=1");
    }

    #[test]
    fn parts_of_a_stream_move_it_at_once_and_sessions_hand_it_on() {
        let id = |id: &'static [u8]| Part { id: Some(id), ..Part::default() };
        let mut events = cursor(CursorFrom::SseId);
        assert!(events.read_part(&id(b"1:0")) && !events.read_part(&Part::default()));
        let mut kept = "old".to_owned();
        events.keep(&mut kept);
        let mut next = cursor(CursorFrom::SseId);
        next.restore(&kept);
        assert_eq!(query(&next), "?c=1%3A0");
        assert!(next.read_part(&id(b"")));
        assert_eq!(query(&next), "", "an empty id takes it back");

        let headers = b"Last-Modified: now\r\nEtag: 7\r\n";
        let part = Part { headers, body: b"{\"id\":3}", ..Part::default() };
        let mut tags = Cursor::new(&CursorSpec::Etag);
        assert!(tags.read_part(&part) && !tags.read_part(&Part::default()));
        tags.keep(&mut kept);
        assert_eq!(kept, "7\nnow");
        let mut again = Cursor::new(&CursorSpec::Etag);
        again.restore(&kept);
        let mut out = Vec::new();
        again.write_headers(&mut out);
        assert_eq!(out, b"If-None-Match: 7\r\nIf-Modified-Since: now\r\n");

        for (from, want) in
            [(CursorFrom::PartHeader("ETAG".into()), "?c=7"), (CursorFrom::Pointer("/id".into()), "?c=3")]
        {
            let mut cursor = cursor(from);
            assert!(cursor.read_part(&part));
            assert_eq!(query(&cursor), want);
        }
    }

    #[test]
    fn validators_come_back_as_conditions() {
        let mut cursor = Cursor::new(&CursorSpec::Etag);
        read(&mut cursor, "Etag: 0\r\nLast-Modified: Sat, 01 Jan 2000 00:00:00 GMT\r\n", "");
        cursor.commit();
        let mut out = Vec::new();
        cursor.write_headers(&mut out);
        let want = "If-None-Match: 0\r\nIf-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }
}
