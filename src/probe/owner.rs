//! Which processes are the target behind a port.
//!
//! Names lie and a listener is not all of a server: nginx's workers share one listener and are
//! replaced by a reload, node's cluster workers hold accepted sockets and no listener. So: who
//! holds a LISTEN or an ESTABLISHED socket with that local port, who the run itself started, whom the
//! scenario names, and all descendants. pushbench is never one of them, nor is what stands above it: a
//! listener that the init process holds for a service does not make the whole machine the target.

use super::family::family;
use super::parse::Stat;
use super::{ProbeError, procfs, sockets};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Finds and keeps finding the target's processes.
#[derive(Debug)]
pub(super) struct Owner {
    port: u16,
    started: Option<u32>,
    /// The inodes of the LISTEN sockets that the last scan of descriptors went by.
    listening: HashSet<u64>,
    /// The processes it left behind.
    last: BTreeSet<u32>,
    /// Those that are named and not among them: pushbench descends from them.
    left_out: BTreeSet<u32>,
    /// Whether the whole table was walked.
    walked: bool,
}

impl Owner {
    /// For this port, and for a process that the run started.
    pub(super) fn new(port: u16, started: Option<u32>) -> Owner {
        let (last, left_out) = (BTreeSet::new(), BTreeSet::new());
        Owner { port, started, listening: HashSet::new(), last, left_out, walked: false }
    }

    /// The target's processes, given those that are known and still live (with whether each has one
    /// thread) and those that are named. `None`: no other than are known.
    ///
    /// Walks the kernel's whole table of sockets only when `thorough`, and the first time. When a known
    /// process has come or gone, only LISTEN sockets are looked at, and only descriptors of processes that
    /// are not known: that is what a reload, a fork or a restart takes. Descendants are looked for each time.
    pub(super) fn refresh(
        &mut self,
        known: &BTreeMap<u32, bool>,
        named: &BTreeSet<u32>,
        thorough: bool,
    ) -> Result<Option<BTreeMap<u32, Stat>>, ProbeError> {
        if !thorough && self.is_same_family(known, named) {
            return Ok(None);
        }
        self.search(&known.keys().copied().collect(), named, thorough).map(Some)
    }

    /// Whether nobody came or went: a small file or two a process, where a search reads one of every
    /// process of the machine. One that has ended since shows when it is read.
    fn is_same_family(&self, known: &BTreeMap<u32, bool>, named: &BTreeSet<u32>) -> bool {
        let own = std::process::id();
        let is_known = |pid: &u32| known.contains_key(pid) || *pid == own;
        let has_known_children = |(pid, single): (&u32, &bool)| {
            procfs::children(*pid, *single).is_ok_and(|children| children.iter().all(is_known))
        };
        !known.is_empty()
            && known.keys().eq(&self.last)
            && named.iter().all(|pid| is_known(pid) || self.left_out.contains(pid))
            && known.iter().all(has_known_children)
    }

    fn search(
        &mut self,
        known: &BTreeSet<u32>,
        named: &BTreeSet<u32>,
        thorough: bool,
    ) -> Result<BTreeMap<u32, Stat>, ProbeError> {
        let own = std::process::id();
        let pids = procfs::pids()?.into_iter();
        let mut stats: BTreeMap<u32, Stat> = pids
            .filter_map(|pid| Some((pid, procfs::stat_of(pid)?)))
            .filter(|(_, stat)| !stat.ended)
            .collect();
        let parents: BTreeMap<u32, u32> = stats.iter().map(|(pid, s)| (*pid, s.parent)).collect();
        let mut roots: BTreeSet<u32> = known.iter().chain(named).copied().chain(self.started).collect();
        let own_family = family(&roots, &parents, own);
        let tables = sockets::tables(own_family.iter().copied());
        let others = parents.keys().copied().filter(|pid| *pid != own);
        let listening = sockets::listening(&tables, self.port);
        if thorough || !self.walked {
            self.walked = true;
            roots.extend(sockets::holders(&sockets::all(&tables, self.port), others));
        } else if listening != self.listening || known.iter().any(|pid| !stats.contains_key(pid)) {
            let strangers = others.filter(|pid| !own_family.contains(pid));
            roots.extend(sockets::holders(&listening, strangers));
        }
        self.listening = listening;
        self.last = family(&roots, &parents, own);
        self.left_out = named.difference(&self.last).copied().collect();
        stats.retain(|pid, _| self.last.contains(pid));
        Ok(stats)
    }

    /// Why there may be no process, and what would do.
    pub(super) fn hint(&self) -> &'static str {
        if self.listening.is_empty() {
            "no socket of this network namespace listens there; is the target in a container, in \
             another namespace or on another machine? Name its processes in [target] cost, or run `pushbench probe \
             --listen` beside it and give its address as [target] probe"
        } else {
            "a socket listens there, but the process that holds it may not be looked into; run as \
             the same user or as root, and in the same pid namespace"
        }
    }
}
