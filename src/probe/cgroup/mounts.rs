//! Where control groups are mounted, and where a group or a unit of systemd is found there.

use super::{DEEPEST, Folders, subfolders};
use std::path::{Path, PathBuf};

/// One mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    /// `unified`, a controller, or `name=systemd`.
    key: String,
    /// The group that is seen at its top: not `/` in some containers.
    root: String,
    point: PathBuf,
}

/// All mounted hierarchies; a version 1 mount with two controllers is there twice.
#[derive(Clone, Debug, Default)]
pub(in crate::probe) struct Mounts(Vec<Mount>);

impl Mounts {
    /// From the text of `/proc/self/mountinfo` (proc(5)).
    pub(in crate::probe) fn parse(mountinfo: &str) -> Mounts {
        Mounts(mountinfo.lines().filter_map(mounts_of).flatten().collect())
    }

    /// The folders of the group whose path `path` tells for each hierarchy, where they exist.
    pub(super) fn folders(&self, path: impl Fn(&str) -> Option<String>) -> Folders {
        let of = |key: &str| self.folder(key, &path(key)?);
        Folders {
            unified: of("unified"),
            cpuacct: of("cpuacct"),
            cpu: of("cpu"),
            memory: of("memory"),
            pids: of("pids"),
            systemd: of("name=systemd"),
        }
    }

    /// The folder of one hierarchy for the process whose `/proc/PID/cgroup` this is, where it exists.
    pub(super) fn folder_of(&self, cgroup: &str, key: &str) -> Option<PathBuf> {
        self.folder(key, path_of(cgroup, key)?)
    }

    fn folder(&self, key: &str, path: &str) -> Option<PathBuf> {
        let mount = self.0.iter().find(|m| m.key == key)?;
        mount.folder(path).filter(|folder| folder.is_dir())
    }

    /// The path of a group as a person wrote it: from the top of a hierarchy, or with the folder at
    /// which it is mounted in front: that one stands for the group that is seen there.
    pub(in crate::probe) fn path(&self, written: &str) -> String {
        let below = |m: &Mount| {
            let below = Path::new(written).strip_prefix(&m.point).ok()?;
            Some(Path::new(&m.root).join(below).display().to_string())
        };
        let path = self.0.iter().find_map(below).unwrap_or_else(|| written.to_owned());
        format!("/{}", path.trim_matches('/'))
    }

    /// The path of the group that systemd runs a unit in. Looks through the folders.
    pub(in crate::probe) fn unit(&self, unit: &str) -> Option<String> {
        let name = if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") };
        let trees = self.0.iter().filter(|m| m.key == "unified" || m.key == "name=systemd");
        let found = |m: &Mount| {
            let folder = find(&m.point, &name, 0)?;
            let below = folder.strip_prefix(&m.point).ok()?;
            Some(Path::new(&m.root).join(below).display().to_string())
        };
        trees.into_iter().find_map(found)
    }
}

impl Mount {
    fn folder(&self, path: &str) -> Option<PathBuf> {
        let below = Path::new(path).strip_prefix(&self.root).ok()?;
        Some(if below.as_os_str().is_empty() { self.point.clone() } else { self.point.join(below) })
    }
}

fn find(folder: &Path, name: &str, depth: u32) -> Option<PathBuf> {
    let below = subfolders(folder);
    let here = below.iter().find(|f| f.file_name().is_some_and(|n| n == name)).cloned();
    here.or_else(|| below.iter().filter(|_| depth < DEEPEST).find_map(|f| find(f, name, depth + 1)))
}

/// `36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory`
fn mounts_of(line: &str) -> Option<Vec<Mount>> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(3);
    let (root, point) = (unescape(left.next()?), PathBuf::from(unescape(left.next()?)));
    let mut right = right.split(' ');
    let keys: Vec<String> = match right.next()? {
        "cgroup2" => vec!["unified".to_owned()],
        "cgroup" => right.nth(1)?.split(',').map(str::to_owned).collect(),
        _ => return None,
    };
    Some(keys.into_iter().map(|key| Mount { key, root: root.clone(), point: point.clone() }).collect())
}

/// Spaces stand as `\040` in mountinfo.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
}

/// The path of a process in the hierarchy `key`, from the text of its `/proc/PID/cgroup`: rows
/// `4:memory:/path`, version 2 as `0::/path`.
pub(super) fn path_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let row = |line: &'a str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let here = match key {
            "unified" => controllers.is_empty(),
            key => controllers.split(',').any(|c| c == key),
        };
        here.then_some(path)
    };
    text.lines().find_map(row)
}
