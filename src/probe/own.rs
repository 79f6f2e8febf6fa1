//! pushbench itself.

use super::group::Group;
use super::{Depth, Probe, ProbeError, procfs};
use crate::clock::Clock;
use crate::model::Cost;

/// Reads pushbench's own process and no other: what it started (the bundled server) is not its cost.
#[derive(Debug)]
pub struct SelfProbe {
    group: Group,
}

impl SelfProbe {
    /// Reads nothing yet.
    pub fn new() -> SelfProbe {
        let own = std::process::id();
        let mut group = Group::default();
        group.admit(&procfs::stat_of(own).map(|stat| (own, stat)).into_iter().collect());
        SelfProbe { group }
    }
}

impl Default for SelfProbe {
    fn default() -> SelfProbe {
        SelfProbe::new()
    }
}

impl Probe for SelfProbe {
    fn read(&mut self, depth: Depth) -> Result<Cost, ProbeError> {
        Ok(self.group.read(depth, Clock::Monotonic))
    }

    fn found(&self) -> Vec<String> {
        self.group.found()
    }

    fn warnings(&self) -> Vec<String> {
        self.group.warnings()
    }
}
