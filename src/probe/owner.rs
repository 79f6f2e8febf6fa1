//! Which processes are the target behind a port.
//!
//! Names lie and a listener is not all of a server: nginx's workers share one listener and are
//! replaced by a reload, node's cluster workers hold accepted sockets and no listener. So: who
//! holds a LISTEN or an ESTABLISHED socket with that local port, who the run itself started, and
//! all descendants. pushbench is never one of them, nor is what stands above it: a listener that
//! the init process holds for a service does not make the whole machine the target.

use super::parse::{self, Socket, Stat, State};
use super::{ProbeError, procfs};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};

const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// Finds and keeps finding the target's processes.
#[derive(Debug)]
pub(super) struct Owner {
    port: u16,
    started: Option<u32>,
    /// The inodes of the LISTEN sockets that the last scan of descriptors went by.
    listening: BTreeSet<u64>,
    /// The processes it left behind.
    last: BTreeSet<u32>,
}

impl Owner {
    /// For this port, and for a process that the run started.
    pub(super) fn new(port: u16, started: Option<u32>) -> Owner {
        Owner { port, started, listening: BTreeSet::new(), last: BTreeSet::new() }
    }

    /// The target's processes, given those that are known and still live.
    ///
    /// Looks at sockets only when `thorough` or when a known process has come or gone (the kernel
    /// walks its whole table for that), and at the descriptors of all processes only when that or
    /// the LISTEN sockets have changed; descendants are looked for each time.
    pub(super) fn refresh(
        &mut self,
        known: &BTreeSet<u32>,
        thorough: bool,
    ) -> Result<BTreeMap<u32, Stat>, ProbeError> {
        match self.same_family(known).filter(|_| !thorough) {
            Some(stats) => Ok(stats),
            None => self.search(known, thorough),
        }
    }

    /// The known processes and their descendants, when these are the same as the last time: a few small
    /// files, where a search reads those of every process.
    fn same_family(&self, known: &BTreeSet<u32>) -> Option<BTreeMap<u32, Stat>> {
        if known.is_empty() || *known != self.last {
            return None;
        }
        let mut stats = BTreeMap::new();
        for pid in known {
            let children = procfs::children(*pid).ok()?;
            let all_known =
                children.iter().all(|child| known.contains(child) || *child == std::process::id());
            let stat = procfs::stat_of(*pid).filter(|stat| all_known && !stat.ended)?;
            stats.insert(*pid, stat);
        }
        Some(stats)
    }

    fn search(&mut self, known: &BTreeSet<u32>, thorough: bool) -> Result<BTreeMap<u32, Stat>, ProbeError> {
        let pids = procfs::pids()?.into_iter();
        let mut stats: BTreeMap<u32, Stat> = pids
            .filter_map(|pid| Some((pid, procfs::stat_of(pid)?)))
            .filter(|(_, stat)| !stat.ended)
            .collect();
        let parents = stats.iter().map(|(pid, s)| (*pid, s.parent)).collect();
        let mut roots: BTreeSet<u32> = known.iter().copied().chain(self.started).collect();
        let steady =
            !known.is_empty() && *known == self.last && known.iter().all(|pid| stats.contains_key(pid));
        if thorough || !steady {
            self.listening = listening(self.port);
            roots.extend(holders(&sockets(self.port), &parents));
        }
        self.last = family(&roots, &parents, std::process::id());
        stats.retain(|pid, _| self.last.contains(pid));
        Ok(stats)
    }

    /// Why there may be no process, and what would do.
    pub(super) fn hint(&self) -> &'static str {
        if self.listening.is_empty() {
            "no socket of this network namespace listens there; is the target in a container, in \
             another namespace or on another machine? Run pushbench beside it"
        } else {
            "a socket listens there, but the process that holds it may not be looked into; run as \
             the same user or as root, and in the same pid namespace"
        }
    }
}

/// The roots and all their descendants, without pushbench (`own`). A root above pushbench counts
/// only when there is no other, and then without its descendants.
fn family(roots: &BTreeSet<u32>, parents: &BTreeMap<u32, u32>, own: u32) -> BTreeSet<u32> {
    let above = ancestors(own, parents);
    let (shared, proper): (BTreeSet<u32>, BTreeSet<u32>) = roots
        .iter()
        .copied()
        .filter(|pid| *pid != own && parents.contains_key(pid))
        .partition(|pid| above.contains(pid));
    if proper.is_empty() {
        return shared;
    }
    let mut family = proper;
    loop {
        let before = family.len();
        let children = parents.iter().filter(|(pid, parent)| family.contains(parent) && **pid != own);
        let children: Vec<u32> = children.map(|(pid, _)| *pid).collect();
        family.extend(children);
        if family.len() == before {
            return family;
        }
    }
}

fn ancestors(pid: u32, parents: &BTreeMap<u32, u32>) -> BTreeSet<u32> {
    let mut above = BTreeSet::new();
    let mut at = pid;
    while let Some(&parent) = parents.get(&at) {
        if !above.insert(parent) {
            break;
        }
        at = parent;
    }
    above
}

/// The inodes of the LISTEN sockets with this port. The kernel lists these first, so the thousands
/// of connections behind them are not read.
fn listening(port: u16) -> BTreeSet<u64> {
    let first = TABLES.iter().flat_map(|t| rows(t).take_while(|s| s.state == State::Listen));
    first.filter(|s| s.port == port).map(|s| s.inode).collect()
}

/// The inodes of the LISTEN and ESTABLISHED sockets with this local port. Sockets still in the
/// accept queue are nobody's: inode 0.
fn sockets(port: u16) -> HashSet<u64> {
    let all = TABLES.iter().flat_map(|t| rows(t));
    all.filter(|s| s.port == port && s.state != State::Other && s.inode != 0).map(|s| s.inode).collect()
}

/// The rows of a table; none where it does not exist (no IPv6).
fn rows(table: &str) -> impl Iterator<Item = Socket> + use<> {
    let lines = File::open(table).ok().map(|f| BufReader::with_capacity(64 << 10, f).lines());
    lines.into_iter().flatten().map_while(Result::ok).filter_map(|line| parse::socket(&line))
}

/// The processes that hold one of these sockets. Those that may not be looked into are passed over.
fn holders(inodes: &HashSet<u64>, parents: &BTreeMap<u32, u32>) -> BTreeSet<u32> {
    let own = std::process::id();
    let others = parents.keys().copied().filter(|pid| *pid != own);
    others.filter(|pid| !inodes.is_empty() && holds(*pid, inodes)).collect()
}

fn holds(pid: u32, inodes: &HashSet<u64>) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    entries.filter_map(Result::ok).any(|entry| {
        let link = fs::read_link(entry.path()).ok();
        let inode = link.as_deref().and_then(|l| parse::socket_inode(l.to_str()?));
        inode.is_some_and(|i| inodes.contains(&i))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pids: &[u32]) -> BTreeSet<u32> {
        pids.iter().copied().collect()
    }

    /// 1 -> 10 shell -> 11 pushbench -> 12 its server; 1 -> 20 nginx -> 21, 22 workers -> 23.
    fn tree() -> BTreeMap<u32, u32> {
        [(1, 0), (10, 1), (11, 10), (12, 11), (20, 1), (21, 20), (22, 20), (23, 22)].into()
    }

    #[test]
    fn descendants_belong_to_it() {
        assert_eq!(family(&set(&[20]), &tree(), 11), set(&[20, 21, 22, 23]));
        assert_eq!(family(&set(&[21]), &tree(), 11), set(&[21]));
        assert_eq!(family(&set(&[12]), &tree(), 11), set(&[12]));
    }

    #[test]
    fn pushbench_and_what_is_above_it_do_not() {
        assert_eq!(family(&set(&[11]), &tree(), 11), set(&[]));
        assert_eq!(family(&set(&[1, 20]), &tree(), 11), set(&[20, 21, 22, 23]));
        assert_eq!(family(&set(&[1]), &tree(), 11), set(&[1]));
        assert_eq!(family(&set(&[10]), &tree(), 11), set(&[10]));
    }

    #[test]
    fn who_is_gone_is_left_out() {
        assert_eq!(family(&set(&[99]), &tree(), 11), set(&[]));
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let circle = [(5, 6), (6, 5), (7, 7)].into();
        assert_eq!(ancestors(5, &circle), set(&[5, 6]));
        assert_eq!(family(&set(&[7]), &circle, 5), set(&[7]));
    }
}
