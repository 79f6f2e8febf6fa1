//! `whole` and `chunk`: the transport's own boundaries.

use super::out::{Limit, Out, Part, clear};
use super::{Fault, Machine, Then};

pub(super) struct Whole {
    /// What ends a unit.
    ends: Then,
    limit: Limit,
    spill: Vec<u8>,
}

impl Whole {
    pub(super) fn new(ends: Then, limit: Limit) -> Whole {
        Whole { ends, limit, spill: Vec::new() }
    }
}

impl Machine for Whole {
    fn feed(&mut self, bytes: &[u8], then: Then, out: &mut Out<'_>) -> Result<(), Fault> {
        self.limit.check(self.spill.len() + bytes.len(), "a unit")?;
        if then < self.ends {
            self.spill.extend_from_slice(bytes);
        } else if !self.spill.is_empty() {
            self.spill.extend_from_slice(bytes);
            out.part(bytes.len(), Part::of(&self.spill));
            clear(&mut self.spill);
        } else if !bytes.is_empty() {
            out.part(bytes.len(), Part::of(bytes));
        }
        Ok(())
    }
}
