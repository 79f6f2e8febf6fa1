//! The trace, line by line: time, connection, direction, kind, bytes, text; below it what the dialect
//! made of it.

use super::tally::Tally;
use super::text::readable;
use super::wire::{Frame, Piece, Wire};
use crate::engine::{Happened, Noted, Said};
use crate::model::{Nanos, Stamp};
use crate::net::Way;
use crate::scenario::Secrets;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Characters of a text that are shown, unless all are wanted.
const SHOWN: usize = 120;
/// Where the text of a line begins: what belongs to it stands below.
const INDENT: &str = "                              ";

const DIM: &str = "\x1b[2m";
const IN: &str = "\x1b[36m";
const OUT: &str = "\x1b[33m";
const GOOD: &str = "\x1b[32m";
const RULE: &str = "\x1b[35m";
const BAD: &str = "\x1b[1;31m";
const PLAIN: &str = "\x1b[0m";

/// How it is to look.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// Whether the reader wants colours.
    pub(super) colour: bool,
    /// Whether nothing is to be cut off.
    pub(super) full: bool,
    /// What must be shown nowhere.
    pub(super) secrets: Secrets,
}

/// Turns what happens into lines.
pub(super) struct Teller {
    look: Look,
    start: Option<Nanos>,
    last: Nanos,
    wires: BTreeMap<u32, Wire>,
    /// The lines of the last head of each connection and direction.
    heads: BTreeMap<(u32, bool), Vec<String>>,
    /// What the last line showed of what came.
    shown: Vec<u8>,
    tally: Tally,
}

impl Teller {
    pub(super) fn new(look: Look) -> Teller {
        Teller {
            look,
            start: None,
            last: Nanos::ZERO,
            wires: BTreeMap::new(),
            heads: BTreeMap::new(),
            shown: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// What was seen so far.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The lines of one event.
    pub(super) fn tell(&mut self, noted: &Noted) -> String {
        let start = *self.start.get_or_insert(noted.at);
        self.last = noted.at - start;
        let lines = match &noted.what {
            Happened::Opened { connection, to } => {
                self.tally.connections += 1;
                self.wires.insert(*connection, Wire::default());
                self.line(*connection, "*", DIM, "connect", None, &to.to_string())
            }
            Happened::Crossed { connection, way, bytes } => self.crossed(*connection, *way, bytes, noted.at),
            Happened::Closed { connection } => self.closed(*connection),
            Happened::Dialect(said) => self.said(said, noted.at),
        };
        self.look.secrets.hide(&lines)
    }

    fn crossed(&mut self, connection: u32, way: Way, bytes: &[u8], at: Nanos) -> String {
        match way {
            Way::In => self.tally.bytes_in += bytes.len() as u64,
            Way::Out => self.tally.bytes_out += bytes.len() as u64,
        }
        if bytes.is_empty() {
            let rest = self.rest(connection);
            return rest + &self.line(connection, "<", DIM, "end", None, "the target closed its side");
        }
        let pieces = self.wires.get_mut(&connection).map(|w| w.take(way, bytes)).unwrap_or_default();
        pieces.iter().map(|piece| self.piece(connection, way, piece, at)).collect()
    }

    /// What had come, or gone, and was never whole.
    fn rest(&mut self, connection: u32) -> String {
        let mut lines = String::new();
        for way in [Way::In, Way::Out] {
            let rest = self.wires.get_mut(&connection).map(|w| w.rest(way)).unwrap_or_default();
            if !rest.is_empty() {
                let text = self.cut(&rest);
                lines += &self.line(connection, arrow(way), BAD, "unfinished", Some(rest.len()), &text);
            }
        }
        lines
    }

    fn closed(&mut self, connection: u32) -> String {
        let rest = self.rest(connection);
        self.wires.remove(&connection);
        self.heads.retain(|(number, _), _| *number != connection);
        rest + &self.line(connection, "*", DIM, "close", None, "by us")
    }

    fn piece(&mut self, connection: u32, way: Way, piece: &Piece, at: Nanos) -> String {
        let colour = if way == Way::In { IN } else { OUT };
        let (kind, bytes, body) = match piece {
            Piece::Head { text, bytes } => return self.head(connection, way, text, *bytes),
            Piece::Body(body) => ("body".to_owned(), body.len(), body),
            Piece::Chunk(body) if body.is_empty() => {
                return self.line(connection, arrow(way), colour, "chunk", Some(0), "the last one");
            }
            Piece::Chunk(body) => ("chunk".to_owned(), body.len(), body),
            Piece::Frame(frame) => (frame_kind(frame), frame.header + frame.payload.len(), &frame.payload),
        };
        let text = match piece {
            Piece::Frame(frame) => self.frame_text(frame),
            _ => self.cut(body),
        };
        if way == Way::In {
            self.shown.clone_from(body);
        }
        let line = self.line(connection, arrow(way), colour, &kind, Some(bytes), &text);
        line + &self.messages(way, body, at)
    }

    /// The first line of a head, and of the others those that differ from the last head there.
    fn head(&mut self, connection: u32, way: Way, text: &str, bytes: usize) -> String {
        let colour = if way == Way::In { IN } else { OUT };
        let mut lines = text.lines().map(str::to_owned);
        let first = self.cut(lines.next().unwrap_or_default().as_bytes());
        let fields: Vec<String> = lines.collect();
        let before = self.heads.insert((connection, way == Way::In), fields.clone()).unwrap_or_default();
        let mut head = self.line(connection, arrow(way), colour, "head", Some(bytes), &first);
        let (same, new): (Vec<&String>, Vec<&String>) = fields.iter().partition(|f| before.contains(f));
        for field in new {
            head += &self.below(DIM, &self.cut(field.as_bytes()));
        }
        if !same.is_empty() {
            let s = if same.len() == 1 { "" } else { "s" };
            head += &self.below(DIM, &format!("({} field{s} as before)", same.len()));
        }
        head
    }

    fn frame_text(&self, frame: &Frame) -> String {
        match (frame.opcode, &frame.payload[..]) {
            (8, [a, b, reason @ ..]) => {
                format!("{} {}", u16::from_be_bytes([*a, *b]), self.cut(reason))
            }
            (_, payload) => self.cut(payload),
        }
    }

    /// The stamped messages of a piece.
    fn messages(&mut self, way: Way, body: &[u8], at: Nanos) -> String {
        let mut lines = String::new();
        for stamp in Stamp::find_all(body).flatten() {
            if way == Way::In {
                self.tally.stamps_in += 1;
                let late = at - stamp.due;
                lines += &self.below(GOOD, &format!("message {}, {late} after it was due", stamp.sequence));
            } else {
                lines += &self.below(DIM, &format!("message {}", stamp.sequence));
            }
        }
        lines
    }

    /// What the dialect did, below what it did it with.
    fn said(&mut self, said: &Said, at: Nanos) -> String {
        self.tally.count(said, self.last);
        match said {
            Said::Unit(body) => self.unit("unit", body, "", at),
            Said::Part(body, event) => self.unit("part", body, event, at),
            Said::Step(number, what) => {
                self.below(RULE, &format!("step {number}: {}", self.cut(what.as_bytes())))
            }
            Said::Expected(number) => self.below(RULE, &format!("step {number} has what it waited for")),
            Said::Rule(number, by, then) => {
                let does = if then.is_empty() { String::new() } else { format!(" -> {then}") };
                self.below(RULE, &format!("rule {number} ({by}){does}"))
            }
            Said::Set(name, value) => self.below(RULE, &format!("{name} = {}", self.cut(value))),
            Said::Delivered(true) => String::new(),
            Said::Delivered(false) => self.below(GOOD, "delivered, without a stamp of this trial"),
            Said::Unmatched(_) => self.below(BAD, "no rule knows this"),
            Said::Ready => self.below(GOOD, "ready: it can receive from now on"),
            Said::Over(how) => self.below(BAD, &format!("the session is over: {how}")),
        }
    }

    /// A unit that is no whole piece: several came in one, one came in several, or it was deflated.
    fn unit(&mut self, kind: &str, body: &[u8], event: &str, at: Nanos) -> String {
        // Shown already, but for the line end that the splitter took away.
        let same = self.shown == body || self.shown.trim_ascii_end() == body;
        if event.is_empty() && (same || body.is_empty()) {
            return String::new();
        }
        let named = if event.is_empty() { String::new() } else { format!("event {event}: ") };
        let text = format!("{kind} {:>6} B  {named}{}", body.len(), self.cut(body));
        // What was deflated on the wire, or lay over several reads, shows its stamps only here.
        let hidden = Stamp::find_all(&self.shown).next().is_none();
        self.shown = body.to_vec();
        let line = self.below(IN, &text);
        if hidden { line + &self.messages(Way::In, body, at) } else { line }
    }

    /// Bytes on one line; how many there are is in the line already.
    fn cut(&self, bytes: &[u8]) -> String {
        let bytes = self.without_secrets(bytes);
        let (text, whole) = readable(&bytes, if self.look.full { usize::MAX } else { SHOWN });
        if whole { text } else { text + " ..." }
    }

    /// Before anything is cut off or escaped: half a secret, or one in disguise, is no other's to see.
    fn without_secrets<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        match std::str::from_utf8(bytes) {
            Ok(text) if !self.look.secrets.is_empty() => {
                Cow::Owned(self.look.secrets.hide(text).into_bytes())
            }
            _ => Cow::Borrowed(bytes),
        }
    }

    fn line(
        &self,
        connection: u32,
        arrow: &str,
        colour: &str,
        kind: &str,
        bytes: Option<usize>,
        text: &str,
    ) -> String {
        let size = bytes.map_or_else(|| " ".repeat(8), |n| format!("{n:>6} B"));
        let time = self.last.as_secs_f64();
        let head = format!("{time:>8.4} #{connection:<2} ");
        let rest = format!("{arrow} {kind:<9}");
        format!("{}{}{size}  {text}\n", self.in_colour(DIM, &head), self.in_colour(colour, &rest))
    }

    /// A line that belongs to the one above it.
    fn below(&self, colour: &str, text: &str) -> String {
        format!("{INDENT}{}\n", self.in_colour(colour, text))
    }

    fn in_colour(&self, colour: &str, text: &str) -> String {
        if self.look.colour { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
    }
}

fn arrow(way: Way) -> &'static str {
    if way == Way::In { "<" } else { ">" }
}

/// `text`, `binary`, `ping`, with what is out of the ordinary.
fn frame_kind(frame: &Frame) -> String {
    let kind = match frame.opcode {
        0 => "more",
        1 => "text",
        2 => "binary",
        8 => "close",
        9 => "ping",
        10 => "pong",
        _ => "frame?",
    };
    let deflated = if frame.compressed { "/z" } else { "" };
    let unfinished = if frame.last { "" } else { "+" };
    format!("{kind}{deflated}{unfinished}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teller() -> Teller {
        Teller::new(Look { colour: false, full: false, secrets: Secrets::default() })
    }

    fn crossed(way: Way, bytes: &[u8]) -> Happened {
        Happened::Crossed { connection: 1, way, bytes: bytes.to_vec() }
    }

    fn told(events: &[Happened]) -> String {
        let mut teller = teller();
        let noted = |(i, what): (usize, &Happened)| Noted {
            at: Nanos(5_000_000 + 100_000 * i as u64),
            what: what.clone(),
        };
        events.iter().enumerate().map(noted).map(|n| teller.tell(&n)).collect()
    }

    #[test]
    fn a_session_reads_as_a_story() {
        let said = |s| Happened::Dialect(s);
        insta::assert_snapshot!(told(&[
            Happened::Opened { connection: 1, to: "127.0.0.1:18101".parse().unwrap() },
            crossed(Way::Out, b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"),
            crossed(
                Way::In,
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x060{\"a\"}"
            ),
            said(Said::Unit(b"0{\"a\"}".to_vec())),
            said(Said::Rule(1, "prefix \"0{\"".into(), String::new())),
            said(Said::Set("ping".into(), b"25000".to_vec())),
            crossed(Way::Out, b"\x81\x82\0\0\0\x0040"),
            said(Said::Ready),
            crossed(Way::In, b"\x81\x05a\x1eb\r\n"),
            said(Said::Unit(b"a\x1eb\r\n".to_vec())),
            said(Said::Part(b"a".to_vec(), String::new())),
            said(Said::Unmatched(b"a".to_vec())),
            crossed(Way::In, b"\x88\x06\x03\xe9bye!"),
            crossed(Way::In, b""),
            said(Said::Over("closed by the target: 1001".into())),
            Happened::Closed { connection: 1 },
        ]));
    }

    #[test]
    fn fields_of_a_head_are_told_once() {
        let post = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
        let lines = told(&[
            Happened::Opened { connection: 1, to: "127.0.0.1:1".parse().unwrap() },
            crossed(Way::Out, post),
            crossed(Way::Out, post),
        ]);
        assert_eq!(lines.matches("Host: x").count(), 1, "{lines}");
        assert!(lines.contains("(2 fields as before)"), "{lines}");
    }

    #[test]
    fn what_was_never_whole_is_shown_when_the_connection_ends() {
        let lines = told(&[
            Happened::Opened { connection: 1, to: "127.0.0.1:1".parse().unwrap() },
            crossed(Way::In, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            crossed(Way::In, b""),
        ]);
        assert!(lines.contains("unfinished") && lines.contains("half"), "{lines}");
    }

    #[test]
    fn a_long_text_is_cut_unless_all_is_wanted() {
        let long = [&b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n"[..], &[b'x'; 300]].concat();
        let events =
            [Happened::Opened { connection: 1, to: "127.0.0.1:1".parse().unwrap() }, crossed(Way::In, &long)];
        assert!(told(&events).contains(&format!("{} ...", "x".repeat(SHOWN))));
        let look = Look { colour: true, full: true, secrets: Secrets::default() };
        let mut whole = Teller::new(look);
        let lines: String =
            events.iter().map(|what| whole.tell(&Noted { at: Nanos(1), what: what.clone() })).collect();
        assert!(lines.contains(&"x".repeat(300)) && lines.contains(IN));
    }
}
