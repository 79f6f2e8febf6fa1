//! `json-array`: the elements of one array; brackets, commas and the space around are framing.

use super::json::{Value, is_space};
use super::out::{Limit, Out, Part, PartKind};
use super::{Fault, Machine, Then};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the array.
    Before,
    /// Behind its opening bracket.
    First,
    /// Behind a comma.
    Next,
    /// In an element.
    Element,
    /// Behind an element.
    Behind,
    /// Behind the array.
    After,
}

pub(super) struct JsonArray {
    at: At,
    limit: Limit,
    value: Value,
    spill: Vec<u8>,
}

impl JsonArray {
    pub(super) fn new(limit: Limit) -> JsonArray {
        JsonArray { at: At::Before, limit, value: Value::default(), spill: Vec::new() }
    }

    /// A byte between elements, which is no space; whether it is to be looked at again as the first
    /// of an element.
    fn between(&mut self, byte: u8, at: usize, out: &mut Out<'_>) -> Result<bool, Fault> {
        self.at = match (self.at, byte) {
            (At::Before, b'[') => At::First,
            (At::First, b']') => {
                let empty = Part { kind: PartKind::Heartbeat, body: b"[]", ..Part::default() };
                out.part(at + 1, empty);
                At::After
            }
            (At::Behind, b',') => At::Next,
            (At::Behind, b']') => At::After,
            (At::First | At::Next, _) => {
                self.at = At::Element;
                return Ok(true);
            }
            (At::Before, _) => return Err(self.limit.bad("the body is no array")),
            (At::After, _) => return Err(self.limit.bad("something follows the array")),
            _ => return Err(self.limit.bad("neither a comma nor a bracket behind an element")),
        };
        Ok(false)
    }

    fn unit(&mut self, piece: &[u8], at: usize, out: &mut Out<'_>) -> Result<(), Fault> {
        self.limit.check(self.spill.len() + piece.len(), "an element")?;
        out.spilled(&mut self.spill, piece, at);
        self.value.reset();
        self.at = At::Behind;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        let ended = matches!(self.at, At::Before | At::After);
        self.at = At::Before;
        if ended { Ok(()) } else { Err(self.limit.bad("the body ends inside the array")) }
    }
}

impl Machine for JsonArray {
    fn feed(&mut self, bytes: &[u8], then: Then, out: &mut Out<'_>) -> Result<(), Fault> {
        let mut at = 0;
        while at < bytes.len() {
            if self.at != At::Element {
                let inside = !is_space(bytes[at]) && self.between(bytes[at], at, out)?;
                at += usize::from(!inside);
                continue;
            }
            let end = self.value.scan(&bytes[at..]).map_err(|what| self.limit.bad(what))?;
            let Some(n) = end else {
                self.limit.check(self.spill.len() + bytes.len() - at, "an element without its end")?;
                self.spill.extend_from_slice(&bytes[at..]);
                break;
            };
            let piece = &bytes[at..at + n];
            at += n;
            self.unit(piece, at, out)?;
        }
        if then == Then::End { self.end() } else { Ok(()) }
    }
}
