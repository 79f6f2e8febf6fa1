//! The processes that a scenario names beside the owners of a port: by pid, by command line, by control
//! group or unit of systemd.

use super::cgroup::{Folders, Mounts};
use super::family::ancestors;
use super::procfs;
use regex_lite::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// How many readings look at a process' command line: right after a fork it is still its parent's. And at
/// a control group that has just been found.
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
    /// Where they are named, for messages.
    pub by: NamedBy,
}

/// Where processes are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NamedBy {
    /// `[target] cost` of a scenario.
    #[default]
    Scenario,
    /// Flags of `pushbench probe`.
    Flags,
}

impl NamedBy {
    /// What a person wrote there.
    fn key(self, key: &str) -> String {
        match self {
            NamedBy::Scenario => format!("[target] cost.{key}"),
            NamedBy::Flags => format!("--{key}"),
        }
    }
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
    /// How many more readings look for the rest of them.
    looks: u8,
    found: BTreeSet<u32>,
    /// Those of the pids that were there once.
    met: BTreeSet<u32>,
    /// Whether anybody was ever found who does not stand above pushbench.
    fruitful: bool,
}

impl Seeker {
    /// For these. Reads nothing yet.
    pub(super) fn new(named: Named) -> Seeker {
        Seeker { named, ..Seeker::default() }
    }

    /// Those that are there now. A few small files, one listing of `/proc` when command lines are named;
    /// when `thorough`, a lost group is looked for, and every command line read again.
    pub(super) fn seek(&mut self, thorough: bool) -> BTreeSet<u32> {
        if !self.named.is_empty() && (thorough || self.above.is_empty()) {
            self.above = above();
        }
        let mut found: BTreeSet<u32> =
            self.named.pids.iter().copied().filter(|pid| procfs::stat_of(*pid).is_some()).collect();
        self.met.extend(&found);
        if !self.named.commands.is_empty() {
            self.match_commands(thorough);
            found.extend(&self.matched);
        }
        found.extend(self.members(thorough));
        self.found.clone_from(&found);
        self.fruitful |= !found.is_subset(&self.above);
        found
    }

    /// The folders of the group that is named, where it was found.
    pub(super) fn folders(&self) -> Option<&Folders> {
        self.folders.as_ref()
    }

    /// Whether nobody who is named was ever among those that are read.
    pub(super) fn is_fruitless(&self, read: &BTreeSet<u32>) -> bool {
        !self.fruitful && self.folders.is_none() && self.found.is_disjoint(read)
    }

    /// What of it was not found, in words.
    pub(super) fn missing(&self) -> Vec<String> {
        let key = |key| self.named.by.key(key);
        let any_more = |pid| if self.met.contains(pid) { " any more" } else { "" };
        let gone = self.named.pids.iter().filter(|pid| !self.found.contains(pid));
        let gone = gone.map(|pid| format!("{}: there is no process {pid}{}", key("pid"), any_more(pid)));
        let mut told: Vec<String> = gone.collect();
        if !self.named.commands.is_empty() && self.matched.is_empty() {
            let texts: Vec<&str> = self.named.commands.iter().map(Regex::as_str).collect();
            let texts = texts.join("` or `");
            told.push(format!("{}: no process has a command line that matches `{texts}`", key("command")));
        }
        match &self.named.group {
            Some(GroupName::Path(path)) if self.folders.is_none() => {
                told.push(format!("{}: there is no control group {path}", key("cgroup")));
            }
            Some(GroupName::Unit(unit)) if self.folders.is_none() => {
                let key = key("unit");
                told.push(format!(
                    "{key}: no control group of a systemd unit {unit} was found (is it started?)"
                ));
            }
            _ => {}
        }
        told
    }

    /// The pids that are there and not among those that are read, in words: they stand above pushbench.
    pub(super) fn left_out(&self, read: &BTreeSet<u32>) -> Vec<String> {
        let above = self.named.pids.iter().filter(|pid| self.found.contains(pid) && self.above.contains(pid));
        let why = |pid| match pid == std::process::id() {
            true => "it is pushbench itself",
            false => "pushbench itself descends from it",
        };
        let key = self.named.by.key("pid");
        above
            .filter(|pid| !read.contains(pid))
            .map(|pid| format!("{key}: process {pid} is left out: {}", why(*pid)))
            .collect()
    }

    fn match_commands(&mut self, thorough: bool) {
        let Ok(pids) = procfs::pids() else { return };
        if thorough {
            self.looked.clear();
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
        let wanted = thorough || self.folders.is_some() || self.found.is_empty();
        // Systemd makes it in one hierarchy after the other: what was found just now may be a part.
        self.looks = if gone { LOOKS } else { self.looks.saturating_sub(1) };
        if wanted && (thorough || gone || self.looks > 0) {
            self.folders = find(name).or(self.folders.take().filter(|_| !gone));
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
        assert_eq!(seeker.missing(), [format!("[target] cost.pid: there is no process {}", u32::MAX - 7)]);
        // Pushbench itself is nobody's target.
        assert!(seeker.is_fruitless(&BTreeSet::new()) && !seeker.is_fruitless(&[own].into()));
    }

    #[test]
    fn who_stands_above_us_is_left_out_and_told() {
        let (own, parent) = (std::process::id(), std::os::unix::process::parent_id());
        let pids = vec![own, parent];
        let mut seeker = seeker(Named { pids, by: NamedBy::Flags, ..Named::default() });
        assert_eq!(seeker.seek(false), [own, parent].into());
        let told = [
            format!("--pid: process {own} is left out: it is pushbench itself"),
            format!("--pid: process {parent} is left out: pushbench itself descends from it"),
        ];
        assert_eq!(seeker.left_out(&BTreeSet::new()), told);
        assert_eq!(seeker.left_out(&[parent].into()), told[..1], "it is read where there is no other");
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
            assert!(seeker.missing()[0].starts_with("[target] cost."));
            assert!(seeker.is_fruitless(&BTreeSet::new()));
        }
    }
}
