//! The target, found by its port.

use super::group::Group;
use super::owner::Owner;
use super::{Depth, Probe, ProbeError};
use crate::clock::Clock;
use crate::model::Cost;

/// Reads the processes behind a local port; see `owner` for which these are. Every reading looks
/// again which they are, so a reload that replaces workers is followed.
#[derive(Debug)]
pub struct PortProbe {
    port: u16,
    owner: Owner,
    group: Group,
}

impl PortProbe {
    /// For the target on `port` of this machine (all local addresses), and for the process that the
    /// run started as the target, if it did. Reads nothing yet.
    pub fn new(port: u16, started: Option<u32>) -> PortProbe {
        PortProbe { port, owner: Owner::new(port, started), group: Group::default() }
    }
}

impl Probe for PortProbe {
    /// A `Thorough` reading also looks through all descriptors for processes that hold connections
    /// without descending from a listener. A target that has ended wholly reads as its last totals
    /// and no process.
    fn read(&mut self, depth: Depth) -> Result<Cost, ProbeError> {
        let members = self.owner.refresh(&self.group.pids(), depth == Depth::Thorough)?;
        self.group.admit(&members);
        if self.group.is_new() {
            return Err(ProbeError::NoOwner { port: self.port, hint: self.owner.hint() });
        }
        Ok(self.group.read(depth, Clock::Monotonic))
    }

    fn found(&self) -> Vec<String> {
        self.group.found()
    }

    fn warnings(&self) -> Vec<String> {
        self.group.warnings()
    }
}
