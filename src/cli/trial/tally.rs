//! What was seen, counted.

use crate::engine::Said;
use crate::model::Nanos;
use std::collections::BTreeMap;

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
    /// How often each rule fired, by its number.
    pub(super) rules: BTreeMap<usize, u32>,
    /// Units that no rule knows.
    pub(super) unmatched: u32,
    /// Messages without a stamp.
    pub(super) plain: u32,
    /// When it could first receive, since the beginning.
    pub(super) ready: Option<Nanos>,
    /// How sessions ended.
    pub(super) over: Vec<String>,
}

impl Tally {
    /// Counts what a dialect did.
    pub(super) fn count(&mut self, said: &Said, at: Nanos) {
        match said {
            Said::Rule(number, ..) => *self.rules.entry(*number).or_default() += 1,
            Said::Unmatched(_) => self.unmatched += 1,
            Said::Delivered(stamped) => self.plain += u32::from(!stamped),
            Said::Ready => self.ready = self.ready.or(Some(at)),
            Said::Over(how) => self.over.push(how.clone()),
            Said::Unit(_) | Said::Part(..) | Said::Step(..) | Said::Expected(_) | Said::Set(..) => {}
        }
    }
}
