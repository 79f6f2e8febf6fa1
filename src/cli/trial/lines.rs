//! The trace, line by line: time, connection, direction, kind, bytes, text.

use super::text::readable;
use super::wire::{Frame, Piece, Wire};
use crate::engine::{Happened, Noted};
use crate::model::{Nanos, Stamp};
use crate::net::Way;
use crate::scenario::Secrets;
use std::collections::BTreeMap;

/// Characters of a text that are shown, unless all are wanted.
const SHOWN: usize = 120;
/// Where the text of a line begins: what belongs to it stands below.
const INDENT: &str = "                              ";

const DIM: &str = "\x1b[2m";
const IN: &str = "\x1b[36m";
const OUT: &str = "\x1b[33m";
const GOOD: &str = "\x1b[32m";
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

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Connections made.
    pub(super) connections: u32,
    /// Bytes from the target, all connections, above TLS.
    pub(super) bytes_in: u64,
    /// Bytes to the target.
    pub(super) bytes_out: u64,
    /// Stamped messages that came.
    pub(super) stamps_in: u64,
}

/// Turns what happens into lines.
pub(super) struct Teller {
    look: Look,
    start: Option<Nanos>,
    last: Nanos,
    wires: BTreeMap<u32, Wire>,
    tally: Tally,
}

impl Teller {
    pub(super) fn new(look: Look) -> Teller {
        Teller { look, start: None, last: Nanos::ZERO, wires: BTreeMap::new(), tally: Tally::default() }
    }

    /// What was seen so far.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How it is to look.
    pub(super) fn look(&self) -> &Look {
        &self.look
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
        let line = self.line(connection, arrow(way), colour, &kind, Some(bytes), &text);
        line + &self.messages(way, body, at)
    }

    fn head(&self, connection: u32, way: Way, text: &str, bytes: usize) -> String {
        let colour = if way == Way::In { IN } else { OUT };
        let mut lines = text.lines().map(|l| self.cut(l.as_bytes()));
        let first = lines.next().unwrap_or_default();
        let mut head = self.line(connection, arrow(way), colour, "head", Some(bytes), &first);
        lines.for_each(|line| head += &self.below(DIM, &line));
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

    /// Bytes on one line; how many there are is in the line already.
    fn cut(&self, bytes: &[u8]) -> String {
        let (text, whole) = readable(bytes, if self.look.full { usize::MAX } else { SHOWN });
        if whole { text } else { text + " ..." }
    }

    fn line(&self, connection: u32, arrow: &str, colour: &str, kind: &str, bytes: Option<usize>, text: &str) -> String {
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
