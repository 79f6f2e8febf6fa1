//! A control group that the test makes, where the machine allows it.

use crate::BURNER;
use crate::python::{Python, free_port, pids_found, until};
use pushbench::probe::{Depth, GroupName, Named, PortProbe, Probe};
use std::fs;
use std::path::{Path, PathBuf};

/// A group, in each of the hierarchies that are mounted at the usual places; taken away when dropped.
struct Made {
    name: String,
    folders: Vec<PathBuf>,
}

impl Made {
    /// `Err` tells why not.
    fn group(name: &str) -> Result<Made, String> {
        let name = format!("{name}-{}", std::process::id());
        let root = Path::new("/sys/fs/cgroup");
        let usual = ["", "unified", "cpuacct", "cpu,cpuacct", "memory", "pids"].map(|sub| root.join(sub));
        let mut made = Made { name: name.clone(), folders: Vec::new() };
        let mut refused = Vec::new();
        for hierarchy in usual.iter().filter(|h| h.join("cgroup.procs").exists() && !h.is_symlink()) {
            match fs::create_dir(hierarchy.join(&name)) {
                Ok(()) => made.folders.push(hierarchy.join(&name)),
                Err(error) => refused.push(format!("{}: {error}", hierarchy.display())),
            }
        }
        if made.folders.is_empty() {
            return Err(format!("no control group can be made here ({})", refused.join("; ")));
        }
        Ok(made)
    }

    fn put(&self, pid: u32) -> Result<(), String> {
        let put = |f: &PathBuf| fs::write(f.join("cgroup.procs"), pid.to_string());
        self.folders.iter().try_for_each(put).map_err(|e| format!("a process cannot be moved: {e}"))
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // A group goes only when nobody is in it, which takes a moment after the last has ended.
        until("the group is empty", || self.folders.iter().all(|f| fs::remove_dir(f).is_ok() || !f.exists()));
    }
}

#[test]
fn a_group_is_found_by_its_name_or_by_its_processes_and_counts_them() {
    let made = match Made::group("pushbench-test") {
        Ok(made) => made,
        Err(why) => return eprintln!("passed over: {why}"),
    };
    let mut python = Python::start(BURNER, &[]);
    if let Err(why) = made.put(python.pid()) {
        drop(python);
        return eprintln!("passed over: {why}");
    }
    // Once it answers it has started and uses nothing.
    python.ask("nothing");
    let group = Some(GroupName::Path(format!("/{}", made.name)));
    let mut named = PortProbe::with(free_port(), None, Named { group, ..Named::default() });
    let mut found = PortProbe::new(free_port(), Some(python.pid()));
    let before = [&mut named, &mut found].map(|p| p.read(Depth::Thorough).unwrap());
    let (a, b) = (python.ask("main")[0], python.ask("thread")[0]);
    assert!(b > a && a > 0.2);
    for (probe, before) in [&mut named, &mut found].into_iter().zip(before) {
        let after = probe.read(Depth::Light).unwrap();
        assert_eq!(pids_found(probe), [python.pid()]);
        assert!(probe.found().iter().any(|l| l.starts_with("control group") && l.contains(&made.name)));
        let (was, is) = (before.group.unwrap(), after.group.unwrap());
        let by_process = after.cpu_ns_total - before.cpu_ns_total;
        match was.cpu_ns_total.zip(is.cpu_ns_total) {
            Some((was, is)) => {
                let by_group = is - was;
                let close = by_group.abs_diff(by_process) <= by_process / 20 + 10_000_000;
                assert!(close, "{by_group} ns by the group, {by_process} ns by its process");
            }
            None => eprintln!("passed over: CPU time, which no controller of this machine tells"),
        }
        match is.memory_bytes {
            // Only what it took since it was moved there is charged to the group.
            Some(bytes) => assert!(bytes <= 1 << 30 && is.memory_peak_bytes >= Some(bytes)),
            None => eprintln!("passed over: memory, which no controller of this machine tells"),
        }
    }
    drop(python);
}
