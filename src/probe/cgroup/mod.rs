//! What a control group counted: version 2 where its controllers are there, version 1 beside it.
//!
//! A machine may have both at once (hybrid), with a controller in either; each figure is taken from
//! where it is.

mod counters;
mod made;
mod mounts;

pub(super) use counters::GroupReader;
pub use made::OwnGroup;
pub(super) use mounts::Mounts;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of one group, in the hierarchies that have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Folders {
    /// In version 2.
    pub(super) unified: Option<PathBuf>,
    /// In version 1: CPU time.
    pub(super) cpuacct: Option<PathBuf>,
    /// Limits of CPU time.
    pub(super) cpu: Option<PathBuf>,
    /// Memory.
    pub(super) memory: Option<PathBuf>,
    /// Tasks.
    pub(super) pids: Option<PathBuf>,
    /// The hierarchy without controllers, in which systemd keeps its units.
    pub(super) systemd: Option<PathBuf>,
}

impl Folders {
    /// Those of the group with this path, in every hierarchy where it exists.
    pub(super) fn of_path(mounts: &Mounts, path: &str) -> Folders {
        mounts.folders(|_| Some(path.to_owned()))
    }

    /// Those of a process, told by the text of its `/proc/PID/cgroup`, where they are not the root
    /// and not the same as those of `other`.
    pub(super) fn of_process(mounts: &Mounts, text: &str, other: &str) -> Folders {
        let path = |key: &str| {
            let own = mounts::path_of(text, key)?;
            (own != "/" && mounts::path_of(other, key) != Some(own)).then(|| own.to_owned())
        };
        mounts.folders(path)
    }

    /// Whether there is none.
    pub(super) fn is_none(&self) -> bool {
        self.all().next().is_none()
    }

    /// Whether they are still there.
    pub(super) fn is_there(&self) -> bool {
        self.all().any(|folder| folder.is_dir())
    }

    /// The processes in it and in the groups below it.
    pub(super) fn members(&self) -> BTreeSet<u32> {
        let mut members = BTreeSet::new();
        self.all().for_each(|folder| collect(folder, &mut members, 0));
        members.remove(&FOREIGN);
        members
    }

    /// Whether each of them holds these processes and nobody else: their figures are then those of these
    /// processes alone. Not so when who is in it cannot be seen.
    pub(super) fn hold_all_of(&self, pids: &BTreeSet<u32>) -> bool {
        let holds = |folder: &PathBuf| {
            let mut members = BTreeSet::new();
            collect(folder, &mut members, 0);
            members == *pids
        };
        !self.is_none() && self.all().all(holds)
    }

    /// Whether one of them is one of the other's.
    pub(super) fn overlap(&self, other: &Folders) -> bool {
        self.all().any(|folder| other.all().any(|o| o == folder))
    }

    /// Whether each of them is one of the other's.
    pub(super) fn are_among(&self, other: &Folders) -> bool {
        self.all().all(|folder| other.all().any(|o| o == folder))
    }

    /// One of them, for messages.
    pub(super) fn name(&self) -> String {
        self.all().next().map(|f| f.display().to_string()).unwrap_or_default()
    }

    fn all(&self) -> impl Iterator<Item = &PathBuf> {
        let all = [&self.unified, &self.cpuacct, &self.cpu, &self.memory, &self.pids, &self.systemd];
        all.into_iter().flatten()
    }
}

/// Groups below one another are this deep at most: a link that leads in a circle ends.
const DEEPEST: u32 = 16;

/// How a process of a pid namespace that is not ours stands in a group.
const FOREIGN: u32 = 0;

fn collect(folder: &Path, members: &mut BTreeSet<u32>, depth: u32) {
    let listed = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    members.extend(listed.lines().filter_map(|pid| pid.trim().parse::<u32>().ok()));
    if depth < DEEPEST {
        subfolders(folder).iter().for_each(|below| collect(below, members, depth + 1));
    }
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let folders = entries.filter_map(Result::ok).filter(|e| e.file_type().is_ok_and(|t| t.is_dir()));
    folders.map(|e| e.path()).collect()
}

#[cfg(test)]
mod tests;
