//! A control group of its own for a target that a run starts: the kernel then tells what it holds for
//! that target alone, sockets and their kernel memory too, which no process is charged with.

use super::Mounts;
use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use crate::probe::procfs;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long processes that were stopped may take to leave it.
const LEAVING: Nanos = Nanos::from_millis(1_000);

/// The hierarchies in which a group is worth having.
const KEYS: [&str; 4] = ["unified", "cpuacct", "memory", "pids"];

/// A folder with one of these shares CPU time out by groups: the target would no longer be scheduled as
/// it is without us, so it is left where it is.
const SHARES: [&str; 2] = ["cpu.shares", "cpu.weight"];

/// The folders of all groups that this process has made and not yet taken away. Static, because who ends at
/// once has nobody who could hand them over.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn folders() -> MutexGuard<'static, Vec<PathBuf>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes them away; it takes a moment after the last process in one has ended.
fn take_away(mut folders: Vec<PathBuf>) {
    let deadline = Clock::Monotonic.now() + LEAVING;
    folders.retain(|folder| fs::remove_dir(folder).is_err());
    while !folders.is_empty() && Clock::Monotonic.now() < deadline {
        sleep_blocking(Nanos::from_millis(10));
        folders.retain(|folder| fs::remove_dir(folder).is_err());
    }
}

/// A group below this process' own, in every hierarchy that lets us make one. Taken away when dropped,
/// by when its processes must have ended.
#[derive(Debug)]
pub struct OwnGroup {
    folders: Vec<PathBuf>,
}

impl OwnGroup {
    /// Makes one and moves a process and its descendants there; what these start later is in it too.
    /// `None` where this is not allowed, which is the rule for who is not root: then there is none, and
    /// nothing else changes.
    pub fn around(pid: u32) -> Option<OwnGroup> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("pushbench-{}-{n}", std::process::id());
        let mounts = Mounts::parse(&procfs::text("/proc/self/mountinfo").ok()?);
        let own = procfs::text("/proc/self/cgroup").ok()?;
        let mut group = OwnGroup { folders: Vec::new() };
        for parent in KEYS.iter().filter_map(|key| mounts.folder_of(&own, key)) {
            group.make(parent.join(&name), pid);
        }
        (!group.folders.is_empty()).then_some(group)
    }

    /// One folder, unless two controllers have it in common and it is there.
    fn make(&mut self, folder: PathBuf, pid: u32) {
        if self.folders.contains(&folder) || fs::create_dir(&folder).is_err() {
            return;
        }
        let schedules = SHARES.iter().any(|file| folder.join(file).exists());
        if !schedules && put(&folder, pid) {
            self.keep(folder);
        } else {
            self.give_up(folder);
        }
    }

    /// Takes a folder away again. While one of the processes is in it, because its child could not be moved
    /// after it, that is for later.
    fn give_up(&mut self, folder: PathBuf) {
        if fs::remove_dir(&folder).is_err() {
            self.keep(folder);
        }
    }

    fn keep(&mut self, folder: PathBuf) {
        folders().push(folder.clone());
        self.folders.push(folder);
    }

    /// Takes away the groups of all targets, whose processes have been killed: for who ends at once.
    pub fn take_all_away() {
        let all = std::mem::take(&mut *folders());
        take_away(all);
    }
}

/// Moves a process and its descendants. One that has ended meanwhile needs no group.
fn put(folder: &Path, pid: u32) -> bool {
    let moved = fs::write(folder.join("cgroup.procs"), pid.to_string()).is_ok();
    let gone = || procfs::stat_of(pid).is_none_or(|stat| stat.ended);
    let children = procfs::children(pid, false).unwrap_or_default();
    (moved || gone()) && children.into_iter().all(|child| put(folder, child))
}

impl Drop for OwnGroup {
    fn drop(&mut self) {
        take_away(self.folders.clone());
        folders().retain(|folder| !self.folders.contains(folder));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::cgroup::Folders;
    use std::process::{Command, Stdio};

    #[test]
    fn what_cannot_be_taken_away_at_once_goes_at_the_end() {
        let here = tempfile::tempdir().unwrap();
        let (free, busy) = (here.path().join("free"), here.path().join("busy"));
        fs::create_dir(&free).unwrap();
        fs::create_dir_all(busy.join("somebody")).unwrap();
        let mut group = OwnGroup { folders: Vec::new() };
        group.give_up(free.clone());
        group.give_up(busy.clone());
        assert_eq!((free.exists(), &group.folders), (false, &vec![busy.clone()]));
        fs::remove_dir(busy.join("somebody")).unwrap();
        drop(group);
        assert!(!busy.exists());
    }

    #[test]
    fn a_process_is_moved_and_its_group_goes_with_it() {
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let made = OwnGroup::around(child.id());
        if let Some(group) = &made {
            let told = fs::read_to_string(format!("/proc/{}/cgroup", child.id())).unwrap();
            let mounts = Mounts::parse(&procfs::text("/proc/self/mountinfo").unwrap());
            let own = procfs::text("/proc/self/cgroup").unwrap();
            let folders = Folders::of_process(&mounts, &told, &own);
            assert_eq!(folders.members(), [child.id()].into(), "{told}");
            assert!(group.folders.iter().all(|f| f.is_dir()));
        } else {
            // Only who may not make groups has none.
            assert!(!rustix::process::geteuid().is_root() || !Path::new("/sys/fs/cgroup").is_dir());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let folders = made.as_ref().map(|g| g.folders.clone()).unwrap_or_default();
        drop(made);
        assert!(folders.iter().all(|f| !f.exists()), "{folders:?}");
    }
}
