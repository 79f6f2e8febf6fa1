//! How a message looks in a stream: the bytes of each framing, made once a message.
//!
//! Every message is exactly one HTTP chunk, so that a client which takes chunks for messages and one
//! which looks inside find the same. An HTTP/1.0 client gets the same bytes without chunks, until
//! the connection closes. Knows no channel and writes to no socket.

mod script;
mod sse;

use super::message::Message;
use std::io::Write;

/// What marks where a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-sent events (HTML standard, section 9.2).
    Sse,
    /// The forever iframe: a script element for each message.
    Iframe,
    /// Nothing but the HTTP chunk.
    Chunked,
    /// `multipart/mixed` (RFC 2046, section 5.1), a part for each message.
    Multipart,
    /// A line feed.
    Lines,
    /// A length before it: four bytes, big endian.
    Lenpref,
}

/// All framings, in the order of their counters.
pub(super) const FRAMINGS: [(&str, Framing); 6] = [
    ("sse", Framing::Sse),
    ("iframe", Framing::Iframe),
    ("chunked", Framing::Chunked),
    ("multipart", Framing::Multipart),
    ("lines", Framing::Lines),
    ("lenpref", Framing::Lenpref),
];

/// A framing, within HTTP chunks or bare (HTTP/1.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) framing: Framing,
    pub(super) chunks: bool,
}

impl Framing {
    /// The framing of that name, which is its path too.
    pub(super) fn named(name: &str) -> Option<Framing> {
        FRAMINGS.iter().find(|(known, _)| *known == name).map(|(_, framing)| *framing)
    }

    /// The value of `Content-Type`.
    pub(super) fn content_type(self, boundary: &str) -> String {
        match self {
            Framing::Sse => "text/event-stream".into(),
            Framing::Iframe => "text/html; charset=utf-8".into(),
            Framing::Multipart => format!("multipart/mixed; boundary={boundary}"),
            Framing::Chunked | Framing::Lines => "text/plain".into(),
            Framing::Lenpref => "application/octet-stream".into(),
        }
    }
}

impl Form {
    /// Adds what comes before the first message.
    pub(super) fn begin(self, boundary: &str, retry_ms: Option<u64>, out: &mut Vec<u8>) {
        match self.framing {
            Framing::Iframe => self.wrap(script::PRELUDE, out),
            // The boundary closes each part as well, so the first one stands alone.
            Framing::Multipart => self.wrap(format!("--{boundary}").as_bytes(), out),
            Framing::Sse => {
                if let Some(ms) = retry_ms {
                    self.wrap(format!("retry: {ms}\n\n").as_bytes(), out);
                }
            }
            _ => {}
        }
    }

    /// Adds a message. Nothing for an empty message that would be an empty chunk: that ends a body.
    pub(super) fn add(self, message: &Message, boundary: &str, out: &mut Vec<u8>) {
        let (sequence, payload) = (message.sequence, message.payload());
        let mut unit = Vec::new();
        match self.framing {
            Framing::Sse => sse::event(sequence, payload, &mut unit),
            Framing::Iframe => script::element(sequence, payload, &mut unit),
            Framing::Multipart => part(message, boundary, &mut unit),
            Framing::Chunked => return self.wrap(payload, out),
            Framing::Lines => unit.extend([payload, b"\n"].concat()),
            Framing::Lenpref => {
                let length = u32::try_from(payload.len()).expect("bodies are limited to 1 MiB");
                unit.extend([&length.to_be_bytes(), payload].concat());
            }
        }
        self.wrap(&unit, out);
    }

    /// Whether the message can travel in this form at all.
    pub(super) fn carries(self, message: &Message) -> bool {
        self.framing != Framing::Chunked || !message.payload().is_empty()
    }

    /// Adds what a client is sent now and then so that it knows the stream alive; only server-sent
    /// events have words for that.
    pub(super) fn heartbeat(self, out: &mut Vec<u8>) -> bool {
        let known = self.framing == Framing::Sse;
        if known {
            self.wrap(b":\n\n", out);
        }
        known
    }

    /// Adds the end of the body.
    pub(super) fn end(self, out: &mut Vec<u8>) {
        if self.framing == Framing::Multipart {
            self.wrap(b"--\r\n", out);
        }
        if self.chunks {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }

    /// One chunk, or the bytes alone.
    fn wrap(self, bytes: &[u8], out: &mut Vec<u8>) {
        match (self.chunks, bytes.len()) {
            (_, 0) => {}
            (false, _) => out.extend_from_slice(bytes),
            (true, n) => {
                put(out, format_args!("{n:x}\r\n"));
                out.extend_from_slice(bytes);
                out.extend_from_slice(b"\r\n");
            }
        }
    }
}

/// A part behind the boundary that is there already, and the boundary that closes it: whoever waits
/// for boundaries has the message at once, not with the next one.
fn part(message: &Message, boundary: &str, out: &mut Vec<u8>) {
    let (payload, sequence) = (message.payload(), message.sequence);
    let kind = if message.is_text() { "text/plain" } else { "application/octet-stream" };
    let length = payload.len();
    put(
        out,
        format_args!("\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nX-Seq: {sequence}\r\n\r\n"),
    );
    out.extend_from_slice(payload);
    put(out, format_args!("\r\n--{boundary}"));
}

fn put(out: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("a Vec takes every byte");
}

#[cfg(test)]
mod tests {
    use super::super::frame::Opcode;
    use super::*;

    fn made(framing: Framing, chunks: bool, payload: &[u8]) -> String {
        let form = Form { framing, chunks };
        let mut out = Vec::new();
        form.begin("B", Some(20), &mut out);
        out.push(b'|');
        form.add(&Message::new(7, Opcode::Text, payload), "B", &mut out);
        out.push(b'|');
        form.end(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_framing_is_exact() {
        let is = |framing, wanted: &str| assert_eq!(made(framing, false, b"a<b"), wanted, "{framing:?}");
        is(Framing::Sse, "retry: 20\n\n|id: 7\ndata: a<b\n\n|");
        is(
            Framing::Iframe,
            "<!doctype html><meta charset=\"utf-8\"><body>\n|<script>parent.p(7,\"a\\u003cb\")</script>\n|",
        );
        is(Framing::Chunked, "|a<b|");
        is(
            Framing::Multipart,
            "--B|\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nX-Seq: 7\r\n\r\na<b\r\n--B|--\r\n",
        );
        is(Framing::Lines, "|a<b\n|");
        is(Framing::Lenpref, "|\0\0\0\u{3}a<b|");
    }

    #[test]
    fn a_message_is_one_chunk() {
        assert_eq!(made(Framing::Chunked, true, &[b'x'; 18]), "|12\r\nxxxxxxxxxxxxxxxxxx\r\n|0\r\n\r\n");
        assert_eq!(made(Framing::Lines, true, b""), "|1\r\n\n\r\n|0\r\n\r\n");
        assert_eq!(made(Framing::Chunked, true, b""), "||0\r\n\r\n", "no chunk rather than the last one");
        let form = Form { framing: Framing::Chunked, chunks: true };
        assert!(!form.carries(&Message::new(1, Opcode::Text, b"")));
        assert!(form.carries(&Message::new(1, Opcode::Text, b"x")));
    }
}
