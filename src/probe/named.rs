//! The processes that a scenario names beside the owners of a port: by pid, by command line, by control
//! group or unit of systemd.

use super::cgroup::{Folders, Mounts};
use super::family::ancestors;
use super::procfs;
use regex_lite::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// How many readings look at a process' command line: right after a fork it is still its parent's.
const LOOKS: u8 = 3;

/// What a scenario names. Each is beside the others.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// These processes.
    pub pids: Vec<u32>,
    /// Those whose command line, its arguments joined by spaces, one of these matches; never pushbench nor
    /// what stands above it (a shell whose own command line holds the words).
    pub commands: Vec<Regex>,
    /// Those in this control group.
    pub group: Option<GroupName>,
}

impl Named {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.pids.is_empty() && self.commands.is_empty() && self.group.is_none()
    }
}

/// How a control group is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupName {
    /// Its path, with or without the folder at which control groups are mounted.
    Path(String),
    /// The unit of systemd that runs in it.
    Unit(String),
}

/// Finds what is named, again and again.
#[derive(Debug, Default)]
pub(super) struct Seeker {
    named: Named,
    /// Pushbench and what stands above it.
    above: BTreeSet<u32>,
    /// How often each process' command line was looked at without a match.
    looked: BTreeMap<u32, u8>,
    matched: BTreeSet<u32>,
    folders: Option<Folders>,
    found: BTreeSet<u32>,
}

impl Seeker {
    /// For these. Reads nothing yet.
    pub(super) fn new(named: Named) -> Seeker {
        Seeker { named, ..Seeker::default() }
    }

    /// Those that are there now. A few small files, one listing of `/proc` when command lines are named;
    /// when `thorough`, a lost group is looked for, and every command line read again.
    pub(super) fn seek(&mut self, thorough: bool) -> BTreeSet<u32> {
        let mut found: BTreeSet<u32> =
            self.named.pids.iter().copied().filter(|pid| procfs::stat_of(*pid).is_some()).collect();
        if !self.named.commands.is_empty() {
            self.match_commands(thorough);
            found.extend(&self.matched);
        }
        found.extend(self.members(thorough));
        self.found.clone_from(&found);
        found
    }

    /// The folders of the group that is named, where it was found.
    pub(super) fn folders(&self) -> Option<&Folders> {
        self.folders.as_ref()
    }

    /// Whether anything is named.
    pub(super) fn is_idle(&self) -> bool {
        self.named.is_empty()
    }

    /// What of it was not found, in words.
    pub(super) fn missing(&self) -> Vec<String> {
        let gone = self.named.pids.iter().filter(|pid| !self.found.contains(pid));
        let mut told: Vec<String> = gone.map(|pid| format!("there is no process {pid} (any more)")).collect();
        if !self.named.commands.is_empty() && self.matched.is_empty() {
            let texts: Vec<&str> = self.named.commands.iter().map(Regex::as_str).collect();
            told.push(format!("no process has a command line that matches `{}`", texts.join("` or `")));
        }
        match &self.named.group {
            Some(GroupName::Path(path)) if self.folders.is_none() => {
                told.push(format!("there is no control group {path}"));
            }
            Some(GroupName::Unit(unit)) if self.folders.is_none() => {
                told.push(format!("no control group of a systemd unit {unit} was found (is it started?)"));
            }
            _ => {}
        }
        told
    }

    fn match_commands(&mut self, thorough: bool) {
        let Ok(pids) = procfs::pids() else { return };
        if thorough || self.above.is_empty() {
            self.looked.clear();
            self.above = above();
        }
        let there: BTreeSet<u32> = pids.iter().copied().collect();
        self.matched.retain(|pid| there.contains(pid));
        self.looked.retain(|pid, _| there.contains(pid));
        for pid in pids {
            let looked = self.looked.entry(pid).or_insert(0);
            if *looked >= LOOKS || self.matched.contains(&pid) || self.above.contains(&pid) {
                continue;
            }
            *looked += 1;
            let line = procfs::command_line(pid).unwrap_or_default();
            if !line.is_empty() && self.named.commands.iter().any(|c| c.is_match(&line)) {
                self.matched.insert(pid);
            }
        }
    }

    fn members(&mut self, thorough: bool) -> BTreeSet<u32> {
        let Some(name) = &self.named.group else { return BTreeSet::new() };
        let gone = self.folders.as_ref().is_none_or(|f| !f.is_there());
        if gone && (thorough || self.folders.is_some() || self.found.is_empty()) {
            self.folders = find(name);
        }
        self.folders.as_ref().map(Folders::members).unwrap_or_default()
    }
}

fn find(name: &GroupName) -> Option<Folders> {
    let mounts = Mounts::parse(&procfs::text("/proc/self/mountinfo").ok()?);
    let path = match name {
        GroupName::Path(path) => mounts.path(path),
        GroupName::Unit(unit) => mounts.unit(unit)?,
    };
    Some(Folders::of_path(&mounts, &path)).filter(|f| !f.is_none())
}

fn above() -> BTreeSet<u32> {
    let own = std::process::id();
    let mut parents = BTreeMap::new();
    let mut at = own;
    while let Some(stat) = procfs::stat_of(at).filter(|_| !parents.contains_key(&at)) {
        parents.insert(at, stat.parent);
        at = stat.parent;
    }
    let mut above = ancestors(own, &parents);
    above.insert(own);
    above
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeker(named: Named) -> Seeker {
        Seeker::new(named)
    }

    #[test]
    fn who_is_there_is_found_and_who_is_not_is_told() {
        let own = std::process::id();
        let mut seeker = seeker(Named { pids: vec![own, u32::MAX - 7], ..Named::default() });
        assert_eq!(seeker.seek(false), [own].into());
        assert_eq!(seeker.missing(), [format!("there is no process {} (any more)", u32::MAX - 7)]);
    }

    #[test]
    fn a_command_line_never_matches_ourselves_nor_what_is_above() {
        let everything = vec![Regex::new(".").unwrap()];
        let mut seeker = seeker(Named { commands: everything, ..Named::default() });
        let found = seeker.seek(true);
        let above = above();
        assert!(above.contains(&std::process::id()) && above.len() > 1);
        assert!(found.is_disjoint(&above), "{found:?}");
    }

    #[test]
    fn a_group_that_is_not_there_is_told() {
        for group in [GroupName::Path("/no/such/group".into()), GroupName::Unit("no-such-unit".into())] {
            let mut seeker = seeker(Named { group: Some(group), ..Named::default() });
            assert_eq!(seeker.seek(true), BTreeSet::new());
            assert!(seeker.missing()[0].contains("no control group") && seeker.folders().is_none());
        }
    }
}
