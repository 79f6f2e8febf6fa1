//! `newline` and any other delimiter: the bytes that end a unit.

use super::needle::Needle;
use super::out::{Limit, Out, Part, clear};
use super::{Fault, Machine, Then};

pub(super) struct Delimiter {
    needle: Needle,
    /// A CR in front of the delimiter belongs to it.
    newline: bool,
    limit: Limit,
    spill: Vec<u8>,
}

impl Delimiter {
    pub(super) fn new(bytes: &[u8], limit: Limit) -> Delimiter {
        Delimiter { needle: Needle::new(bytes), newline: bytes == b"\n", limit, spill: Vec::new() }
    }

    /// Hands over a unit, its delimiter already cut off.
    fn unit(&self, unit: &[u8], at: usize, out: &mut Out<'_>) -> Result<(), Fault> {
        let unit = if self.newline { unit.strip_suffix(b"\r").unwrap_or(unit) } else { unit };
        self.limit.check(unit.len(), "a unit")?;
        out.part(at, Part::of(unit));
        Ok(())
    }

    /// What is left at the end of a call: the beginning of a unit, or all of it.
    fn rest(&mut self, rest: &[u8], at: usize, then: Then, out: &mut Out<'_>) -> Result<(), Fault> {
        // It may hold all but the last byte of a delimiter that is not part of the unit.
        let beyond = self.needle.len() - 1 + usize::from(self.newline);
        if self.spill.len() + rest.len() > self.limit.max.saturating_add(beyond) {
            return Err(self.limit.too_large("a unit without its end"));
        }
        if then != Then::End {
            self.spill.extend_from_slice(rest);
        } else if self.spill.is_empty() {
            return if rest.is_empty() { Ok(()) } else { self.unit(rest, at, out) };
        } else {
            self.spill.extend_from_slice(rest);
            return self.spilled(0, at, out);
        }
        Ok(())
    }

    /// Hands over what was put together, without the last `cut` bytes.
    fn spilled(&mut self, cut: usize, at: usize, out: &mut Out<'_>) -> Result<(), Fault> {
        let end = self.spill.len() - cut;
        self.unit(&self.spill[..end], at, out)?;
        clear(&mut self.spill);
        Ok(())
    }
}

impl Machine for Delimiter {
    fn feed(&mut self, bytes: &[u8], then: Then, out: &mut Out<'_>) -> Result<(), Fault> {
        let (mut at, cut) = (0, self.needle.len());
        while let Some(n) = self.needle.end(&self.spill, &bytes[at..]) {
            let piece = &bytes[at..at + n];
            at += n;
            if self.spill.is_empty() {
                self.unit(&piece[..n - cut], at, out)?;
            } else {
                self.spill.extend_from_slice(piece);
                self.spilled(cut, at, out)?;
            }
        }
        self.rest(&bytes[at..], bytes.len(), then, out)
    }
}
