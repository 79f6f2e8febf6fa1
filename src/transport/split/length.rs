//! `length`: how long a unit is stands in front of it.

use super::out::{Limit, Out, Part, clear};
use super::{Fault, Machine, Then};
use crate::scenario::LengthPrefix;

/// Most bytes of a varint: what 32 bits take.
const LONGEST_VARINT: u8 = 5;

pub(super) struct Length {
    prefix: LengthPrefix,
    limit: Limit,
    /// The prefix as far as it is there.
    value: u64,
    have: u8,
    /// The length, once the prefix is whole.
    want: Option<usize>,
    spill: Vec<u8>,
}

impl Length {
    pub(super) fn new(prefix: LengthPrefix, limit: Limit) -> Length {
        Length { prefix, limit, value: 0, have: 0, want: None, spill: Vec::new() }
    }

    /// Takes one byte of a prefix.
    fn prefix(&mut self, byte: u8) -> Result<(), Fault> {
        let (byte, have) = (u64::from(byte), self.have);
        self.have += 1;
        let whole = match self.prefix {
            LengthPrefix::U8 => self.fixed(byte, have, 1, true),
            LengthPrefix::U16 { little } => self.fixed(byte, have, 2, little),
            LengthPrefix::U32 { little } => self.fixed(byte, have, 4, little),
            LengthPrefix::Varint => {
                self.value |= (byte & 0x7F) << (7 * have);
                if byte & 0x80 != 0 && self.have == LONGEST_VARINT {
                    return Err(self.limit.bad("a varint of more than five bytes"));
                }
                byte & 0x80 == 0
            }
        };
        if whole {
            let length = usize::try_from(self.value).unwrap_or(usize::MAX);
            if length > self.limit.max {
                return Err(self.limit.too_large(&format!("a unit of {length} bytes")));
            }
            self.want = Some(length);
        }
        Ok(())
    }

    fn fixed(&mut self, byte: u64, have: u8, bytes: u8, little: bool) -> bool {
        self.value = if little { self.value | byte << (8 * have) } else { self.value << 8 | byte };
        self.have == bytes
    }

    fn unit(&mut self, unit: &[u8], at: usize, out: &mut Out<'_>) {
        (self.value, self.have, self.want) = (0, 0, None);
        out.part(at, Part::of(unit));
    }
}

impl Machine for Length {
    fn feed(&mut self, bytes: &[u8], then: Then, out: &mut Out<'_>) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            let Some(want) = self.want else {
                let Some(byte) = bytes.get(at) else { break };
                at += 1;
                self.prefix(*byte)?;
                continue;
            };
            let need = want - self.spill.len();
            let Some(piece) = bytes.get(at..at + need) else {
                self.spill.extend_from_slice(&bytes[at..]);
                break;
            };
            at += need;
            if self.spill.is_empty() {
                self.unit(piece, at, out);
            } else {
                let mut whole = std::mem::take(&mut self.spill);
                whole.extend_from_slice(piece);
                self.unit(&whole, at, out);
                clear(&mut whole);
                self.spill = whole;
            }
        }
        if then == Then::End && self.have > 0 {
            return Err(self.limit.bad("the body ends inside a unit"));
        }
        Ok(())
    }
}
