//! The target, found by its port and by what the scenario names.

use super::cgroup::{Folders, GroupReader, Mounts};
use super::group::Group;
use super::named::{Named, Seeker};
use super::network::NetworkReader;
use super::owner::Owner;
use super::{Depth, Probe, ProbeError, procfs};
use crate::clock::Clock;
use crate::model::Cost;
use std::collections::BTreeSet;

/// Reads the processes behind a local port; see `owner` for which these are. Every reading looks
/// again which they are, so a reload that replaces workers is followed.
#[derive(Debug)]
pub struct PortProbe {
    port: u16,
    owner: Owner,
    seeker: Seeker,
    group: Group,
    control: Option<GroupReader>,
    network: NetworkReader,
}

impl PortProbe {
    /// For the target on `port` of this machine (all local addresses), and for the process that the
    /// run started as the target, if it did. Reads nothing yet.
    pub fn new(port: u16, started: Option<u32>) -> PortProbe {
        PortProbe::with(port, started, Named::default())
    }

    /// The same, and for the processes that are named. Port 0 is nobody's: those that are named alone.
    pub fn with(port: u16, started: Option<u32>, named: Named) -> PortProbe {
        PortProbe {
            port,
            owner: Owner::new(port, started),
            seeker: Seeker::new(named),
            group: Group::default(),
            control: None,
            network: NetworkReader::default(),
        }
    }

    /// What is named and not read, in words.
    fn unheard(&self) -> Vec<String> {
        [self.seeker.missing(), self.seeker.left_out(&self.group.pids())].concat()
    }

    /// The control group that is read: the one that is named, else the one that holds the target's
    /// processes and nobody else.
    fn choose_control(&mut self, thorough: bool) {
        let named = self.seeker.folders().cloned();
        let folders = match (named, &self.control) {
            (Some(folders), _) => folders,
            (None, None) if thorough => own_group(&self.group.pids()),
            _ => return,
        };
        if folders.is_none() {
            return;
        }
        match &mut self.control {
            None => self.control = Some(GroupReader::new(folders)),
            Some(control) if *control.folders() != folders => control.follow(folders),
            Some(_) => {}
        }
    }
}

/// The group of these processes, if it holds all of them and no other.
fn own_group(pids: &BTreeSet<u32>) -> Folders {
    let text = |of: &str| procfs::text(&format!("/proc/{of}/cgroup")).ok();
    let folders = || {
        let mounts = Mounts::parse(&text("self").and_then(|_| procfs::text("/proc/self/mountinfo").ok())?);
        Some(Folders::of_process(&mounts, &text(&pids.first()?.to_string())?, &text("self")?))
    };
    folders().filter(|f| f.hold_all_of(pids)).unwrap_or_default()
}

impl Probe for PortProbe {
    /// A `Thorough` reading also looks through all descriptors for processes that hold connections
    /// without descending from a listener. A target that has ended wholly reads as its last totals
    /// and no process.
    fn read(&mut self, depth: Depth) -> Result<Cost, ProbeError> {
        let thorough = depth == Depth::Thorough;
        let named = self.seeker.seek(thorough);
        if let Some(members) = self.owner.refresh(&self.group.alive(), &named, thorough)? {
            self.group.admit(&members);
        }
        if self.group.is_new() {
            return Err(match self.port {
                0 => ProbeError::NobodyNamed { missing: self.unheard().join("; ") },
                port => ProbeError::NoOwner { port, hint: self.owner.hint() },
            });
        }
        let machine = procfs::machine_time(Clock::Monotonic);
        let mut cost = self.group.read(depth, Clock::Monotonic);
        self.choose_control(thorough);
        cost.machine = machine;
        cost.slab_bytes = procfs::slab_bytes();
        cost.network = self.network.read(&self.group.pids());
        cost.group = self.control.as_mut().and_then(GroupReader::read);
        Ok(cost)
    }

    fn found(&self) -> Vec<String> {
        let control = self.control.iter().map(|c| format!("control group {}", c.folders().name()));
        self.group.found().into_iter().chain(control).collect()
    }

    fn warnings(&self) -> Vec<String> {
        let mut told = self.group.warnings();
        // Where nobody is read there are no figures.
        let alone = self.port != 0 && self.seeker.is_fruitless(&self.group.pids()) && !self.group.is_new();
        let then = match alone {
            true => format!("; the figures are those of who holds port {} alone", self.port),
            false => String::new(),
        };
        told.extend(self.unheard().into_iter().map(|what| what + &then));
        if let Some(control) = self.control.as_ref().filter(|c| c.began_anew()) {
            let name = control.folders().name();
            told.push(format!(
                "the counters of the control group {name} went back: it was made anew; what it had counted is kept"
            ));
        }
        told
    }
}
