//! The files of one group: those of version 2 (the kernel's cgroup-v2.rst), then for what these do not
//! tell those of version 1 (cpuacct.rst, memory.rst).

use super::Folders;
use crate::model::GroupCost;
use crate::probe::parse;
use std::path::{Path, PathBuf};

/// Reads one group again and again.
#[derive(Debug)]
pub(in crate::probe) struct GroupReader {
    folders: Folders,
    /// What each total was when its folder last told it.
    last: GroupCost,
    /// What the last reading told.
    latest: GroupCost,
    /// What the totals had reached when the group was made anew.
    carried: GroupCost,
    began_anew: bool,
}

impl GroupReader {
    /// For the group in these folders. Reads nothing yet.
    pub(in crate::probe) fn new(folders: Folders) -> GroupReader {
        let [last, latest, carried] = [GroupCost::default(); 3];
        GroupReader { folders, last, latest, carried, began_anew: false }
    }

    /// The group is in these folders now: systemd made it anew, or more of it was found. What was counted
    /// is kept.
    pub(in crate::probe) fn follow(&mut self, folders: Folders) {
        if !self.folders.overlap(&folders) {
            // Its counters tell nothing of those before, higher or not.
            self.carry();
            self.last = GroupCost::default();
        } else if self.folders.are_among(&folders) {
            self.level(&read(&folders));
        }
        self.folders = folders;
    }

    /// What has told a total so far may be another file from now on, which lags behind a little: that is
    /// no going back.
    fn level(&mut self, now: &GroupCost) {
        let (latest, last) = (self.latest, &mut self.last);
        let parts = totals_mut(&mut self.carried).into_iter().zip(totals_mut(last));
        for ((carried, last), (told, now)) in parts.zip(totals(&latest).into_iter().zip(totals(now))) {
            if let (Some(told), Some(now)) = (told, now) {
                add(carried, Some(told.saturating_sub(*now)));
                *last = Some(*now);
            }
        }
    }

    /// What was counted so far is of a group that is no more.
    fn carry(&mut self) {
        self.began_anew |= totals(&self.last).into_iter().any(Option::is_some);
        let last = self.last;
        let sums = totals_mut(&mut self.carried).into_iter().zip(totals(&last));
        sums.for_each(|(sum, last)| add(sum, *last));
    }

    /// Its processes' folders.
    pub(in crate::probe) fn folders(&self) -> &Folders {
        &self.folders
    }

    /// One reading; `None` when none of its files is there. A group that systemd removes and makes again
    /// when its service restarts counts from zero: what it had before is kept.
    pub(in crate::probe) fn read(&mut self) -> Option<GroupCost> {
        let mut now = read(&self.folders);
        self.latest = now;
        if now == GroupCost::default() {
            return None;
        }
        let raw = now;
        let went_back =
            |(now, last): (&Option<u64>, &Option<u64>)| now.zip(*last).is_some_and(|(n, l)| n < l);
        if totals(&raw).into_iter().zip(totals(&self.last)).any(went_back) {
            self.carry();
            self.last = GroupCost::default();
        }
        totals_mut(&mut now).into_iter().zip(totals(&self.carried)).for_each(|(sum, more)| {
            *sum = sum.map(|s| s + more.unwrap_or(0));
        });
        // One that is not told just now may be told again.
        totals_mut(&mut self.last)
            .into_iter()
            .zip(totals(&raw))
            .for_each(|(last, raw)| *last = raw.or(*last));
        Some(now)
    }

    /// Whether its counters have gone back.
    pub(in crate::probe) fn began_anew(&self) -> bool {
        self.began_anew
    }
}

fn add(sum: &mut Option<u64>, more: Option<u64>) {
    *sum = more.map(|m| m + sum.unwrap_or(0)).or(*sum);
}

fn totals(cost: &GroupCost) -> [&Option<u64>; 7] {
    [
        &cost.cpu_ns_total,
        &cost.user_ns_total,
        &cost.system_ns_total,
        &cost.throttled_ns_total,
        &cost.cpu_pressure_ns_total,
        &cost.memory_pressure_ns_total,
        &cost.io_pressure_ns_total,
    ]
}

fn totals_mut(cost: &mut GroupCost) -> [&mut Option<u64>; 7] {
    [
        &mut cost.cpu_ns_total,
        &mut cost.user_ns_total,
        &mut cost.system_ns_total,
        &mut cost.throttled_ns_total,
        &mut cost.cpu_pressure_ns_total,
        &mut cost.memory_pressure_ns_total,
        &mut cost.io_pressure_ns_total,
    ]
}

fn read(folders: &Folders) -> GroupCost {
    let new = folders.unified.as_deref().map(version_2).unwrap_or_default();
    GroupCost {
        cpu_ns_total: new.cpu_ns_total.or_else(|| number(&folders.cpuacct, "cpuacct.usage")),
        user_ns_total: new.user_ns_total.or_else(|| user_or_system(&folders.cpuacct, "user")),
        system_ns_total: new.system_ns_total.or_else(|| user_or_system(&folders.cpuacct, "sys")),
        throttled_ns_total: new
            .throttled_ns_total
            .or_else(|| keyed(&text(&folders.cpu, "cpu.stat")?, "throttled_time")),
        tasks: new.tasks.or_else(|| number(&folders.pids, "pids.current")),
        ..memory_1(folders, new)
    }
}

fn version_2(folder: &Path) -> GroupCost {
    let folder = Some(folder.to_owned());
    let cpu = text(&folder, "cpu.stat").unwrap_or_default();
    let memory = text(&folder, "memory.stat").unwrap_or_default();
    let us = |key: &str| keyed(&cpu, key).map(|us| us * 1_000);
    let pressure = |file: &str| parse::pressure_us(&text(&folder, file)?).map(|us| us * 1_000);
    GroupCost {
        cpu_ns_total: us("usage_usec"),
        user_ns_total: us("user_usec"),
        system_ns_total: us("system_usec"),
        throttled_ns_total: us("throttled_usec"),
        memory_bytes: number(&folder, "memory.current"),
        memory_peak_bytes: number(&folder, "memory.peak"),
        anonymous_bytes: keyed(&memory, "anon"),
        file_bytes: keyed(&memory, "file"),
        kernel_bytes: keyed(&memory, "kernel"),
        socket_bytes: keyed(&memory, "sock"),
        swap_bytes: number(&folder, "memory.swap.current"),
        tasks: number(&folder, "pids.current"),
        cpu_pressure_ns_total: pressure("cpu.pressure"),
        memory_pressure_ns_total: pressure("memory.pressure"),
        io_pressure_ns_total: pressure("io.pressure"),
    }
}

/// Memory from version 1 where version 2 told none.
fn memory_1(folders: &Folders, new: GroupCost) -> GroupCost {
    let Some(memory) = text(&folders.memory, "memory.stat").filter(|_| new.memory_bytes.is_none()) else {
        return new;
    };
    let of = |file: &str| number(&folders.memory, file);
    GroupCost {
        memory_bytes: of("memory.usage_in_bytes"),
        memory_peak_bytes: of("memory.max_usage_in_bytes"),
        // Those of the groups below it too.
        anonymous_bytes: keyed(&memory, "total_rss"),
        file_bytes: keyed(&memory, "total_cache"),
        kernel_bytes: of("memory.kmem.usage_in_bytes"),
        socket_bytes: of("memory.kmem.tcp.usage_in_bytes"),
        swap_bytes: keyed(&memory, "total_swap"),
        ..new
    }
}

/// Nanoseconds where the kernel has the finer file (since Linux 4.7), else ticks.
fn user_or_system(cpuacct: &Option<PathBuf>, part: &str) -> Option<u64> {
    let ticks = || {
        let key = if part == "sys" { "system" } else { part };
        let ticks = keyed(&text(cpuacct, "cpuacct.stat")?, key)?;
        Some(ticks * (1_000_000_000 / rustix::param::clock_ticks_per_second()))
    };
    number(cpuacct, &format!("cpuacct.usage_{part}")).or_else(ticks)
}

fn text(folder: &Option<PathBuf>, file: &str) -> Option<String> {
    std::fs::read_to_string(folder.as_ref()?.join(file)).ok()
}

/// A file that holds one number; `max` is none.
fn number(folder: &Option<PathBuf>, file: &str) -> Option<u64> {
    text(folder, file)?.trim().parse().ok()
}

/// The number behind a key in a flat file: `usage_usec 17`.
fn keyed(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}
