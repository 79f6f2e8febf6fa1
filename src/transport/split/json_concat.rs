//! `json-concat`: JSON values one behind the other, with or without space between them. The record
//! separator of RFC 7464 counts as space.

use super::json::{Value, is_space};
use super::out::{Limit, Out};
use super::{Fault, Machine, Then};

pub(super) struct JsonConcat {
    limit: Limit,
    value: Value,
    /// Inside a value.
    inside: bool,
    spill: Vec<u8>,
}

impl JsonConcat {
    pub(super) fn new(limit: Limit) -> JsonConcat {
        JsonConcat { limit, value: Value::default(), inside: false, spill: Vec::new() }
    }

    /// The value that ends with this piece.
    fn unit(&mut self, piece: &[u8], at: usize, out: &mut Out<'_>) -> Result<(), Fault> {
        self.limit.check(self.spill.len() + piece.len(), "a value")?;
        out.spilled(&mut self.spill, piece, at);
        self.value.reset();
        self.inside = false;
        Ok(())
    }

    /// The value goes on behind this piece, or ends with the body.
    fn cut(&mut self, piece: &[u8], at: usize, then: Then, out: &mut Out<'_>) -> Result<(), Fault> {
        if then == Then::End && self.value.is_scalar() {
            return self.unit(piece, at, out);
        }
        if then == Then::End {
            return Err(self.limit.bad("the body ends inside a value"));
        }
        self.limit.check(self.spill.len() + piece.len(), "a value without its end")?;
        self.spill.extend_from_slice(piece);
        Ok(())
    }
}

impl Machine for JsonConcat {
    fn feed(&mut self, bytes: &[u8], then: Then, out: &mut Out<'_>) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            if !self.inside {
                let space = bytes[at..].iter().position(|&b| !is_space(b) && b != 0x1E);
                let Some(n) = space else { return Ok(()) };
                at += n;
                self.inside = true;
            }
            let end = self.value.scan(&bytes[at..]).map_err(|what| self.limit.bad(what))?;
            let Some(n) = end else { return self.cut(&bytes[at..], bytes.len(), then, out) };
            let piece = &bytes[at..at + n];
            at += n;
            self.unit(piece, at, out)?;
        }
    }
}
