//! What one process has cost so far, read from its files in `/proc`.
//!
//! CPU comes from `task/*/schedstat`, which counts nanoseconds; `stat` counts steps of 10 ms and is
//! only the floor under it, because it alone knows threads that came and went between two readings.
//! What a thread had used when it was last seen is kept after it has ended.

use super::parse::{self, Stat};
use super::{Depth, ProbeError};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read as _};

/// Counters that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) cpu_ns: u64,
    pub(super) run_delay_ns: u64,
    pub(super) voluntary: u64,
    pub(super) involuntary: u64,
}

impl Totals {
    pub(super) fn add(&mut self, o: Totals) {
        self.cpu_ns += o.cpu_ns;
        self.run_delay_ns += o.run_delay_ns;
        self.voluntary += o.voluntary;
        self.involuntary += o.involuntary;
    }

    /// Whether these may be a later reading of what `before` was read from.
    fn follows(self, before: Totals) -> bool {
        self.cpu_ns >= before.cpu_ns
            && self.run_delay_ns >= before.run_delay_ns
            && self.voluntary >= before.voluntary
            && self.involuntary >= before.involuntary
    }
}

/// What a process holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Levels {
    pub(super) threads: u32,
    pub(super) descriptors: u64,
    pub(super) rss_bytes: u64,
    /// Where the reading took it; the resident size where the kernel would not tell.
    pub(super) pss_bytes: Option<u64>,
    /// Whether `pss_bytes` is really the resident size.
    pub(super) pss_denied: bool,
    /// Whether the descriptors could not be counted.
    pub(super) descriptors_denied: bool,
}

/// One process, followed from reading to reading.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    /// As `stat` names it.
    pub(super) name: String,
    /// See [`Stat::started`].
    pub(super) started: u64,
    threads: BTreeMap<u32, Totals>,
    ended_threads: Totals,
    /// CPU time of threads that began and ended between two readings, as far as the ticks tell.
    unseen_cpu_ns: u64,
    totals: Totals,
}

impl Process {
    /// A process not read yet.
    pub(super) fn new(pid: u32, stat: &Stat) -> Process {
        Process {
            pid,
            name: stat.name.clone(),
            started: stat.started,
            threads: BTreeMap::new(),
            ended_threads: Totals::default(),
            unseen_cpu_ns: 0,
            totals: Totals::default(),
        }
    }

    /// What it had used at the last reading.
    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// Reads it. `None` when it has ended, or ends meanwhile; what a process that nobody has waited
    /// for yet had used in all is still taken in.
    pub(super) fn read(&mut self, depth: Depth) -> Option<Levels> {
        let stat = stat_of(self.pid).filter(|s| s.started == self.started)?;
        self.name.clone_from(&stat.name);
        self.count(&threads_of(self.pid)?, stat.cpu_ticks);
        if stat.ended { None } else { self.levels(&stat, depth) }
    }

    /// Takes in one reading of the threads. A thread that is gone, or whose number another thread
    /// has taken over, keeps what it had.
    fn count(&mut self, now: &BTreeMap<u32, Totals>, cpu_ticks: u64) {
        for (tid, before) in &self.threads {
            if !now.get(tid).is_some_and(|t| t.follows(*before)) {
                self.ended_threads.add(*before);
            }
        }
        self.threads.clone_from(now);
        let mut sum = self.ended_threads;
        now.values().for_each(|t| sum.add(*t));
        let floor = cpu_ticks * (1_000_000_000 / rustix::param::clock_ticks_per_second());
        // Kept as a difference, so that once threads went unseen the readings stay exact to the
        // nanosecond instead of stepping with the ticks.
        self.unseen_cpu_ns = self.unseen_cpu_ns.max(floor.saturating_sub(sum.cpu_ns));
        sum.cpu_ns = (sum.cpu_ns + self.unseen_cpu_ns).max(self.totals.cpu_ns);
        self.totals = sum;
    }

    fn levels(&self, stat: &Stat, depth: Depth) -> Option<Levels> {
        let page = rustix::param::page_size() as u64;
        let rss_bytes = parse::resident_pages(&text(&format!("/proc/{}/statm", self.pid)).ok()?)? * page;
        let mut levels = Levels { threads: stat.threads, rss_bytes, ..Levels::default() };
        match descriptors_of(self.pid) {
            Ok(n) => levels.descriptors = n,
            Err(e) => levels.descriptors_denied = e.kind() == ErrorKind::PermissionDenied,
        }
        if depth != Depth::Light {
            let rollup = text(&format!("/proc/{}/smaps_rollup", self.pid));
            let pss = rollup.as_deref().ok().and_then(parse::pss_bytes);
            levels.pss_denied = pss.is_none();
            levels.pss_bytes = Some(pss.unwrap_or(rss_bytes));
        }
        Some(levels)
    }
}

/// `/proc/PID/stat` of a process that is there.
pub(super) fn stat_of(pid: u32) -> Option<Stat> {
    parse::stat(&text(&format!("/proc/{pid}/stat")).ok()?)
}

/// The pids of all processes that can be seen.
///
/// # Errors
/// When `/proc` cannot be listed.
pub(super) fn pids() -> Result<Vec<u32>, ProbeError> {
    let listed = |source| ProbeError::Proc { path: "/proc".to_owned(), source };
    let entries = fs::read_dir("/proc").map_err(listed)?;
    Ok(entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).collect())
}

/// The children of a process, by whichever of its threads they were started.
///
/// # Errors
/// The process has ended, or the kernel has no such files (`CONFIG_PROC_CHILDREN`).
pub(super) fn children(pid: u32) -> io::Result<Vec<u32>> {
    let mut all = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = text(&format!("{}/children", thread?.path().display()))?;
        all.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Ok(all)
}

/// Kernel memory of the machine's TCP sockets, bytes; 0 where it cannot be read.
pub(super) fn kernel_socket_bytes() -> u64 {
    let pages = text("/proc/net/sockstat").ok().as_deref().and_then(parse::tcp_memory_pages);
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

fn threads_of(pid: u32) -> Option<BTreeMap<u32, Totals>> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let tids = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok());
    Some(tids.filter_map(|tid| Some((tid, thread(pid, tid)?))).collect())
}

/// `None` when the thread ended meanwhile. A kernel without `schedstat` counts no nanoseconds: the
/// ticks of the process stand in then.
fn thread(pid: u32, tid: u32) -> Option<Totals> {
    let status = text(&format!("/proc/{pid}/task/{tid}/status")).ok()?;
    let (voluntary, involuntary) = parse::switches(&status)?;
    let times = text(&format!("/proc/{pid}/task/{tid}/schedstat"));
    let (cpu_ns, run_delay_ns) = times.ok().as_deref().and_then(parse::schedstat).unwrap_or((0, 0));
    Some(Totals { cpu_ns, run_delay_ns, voluntary, involuntary })
}

/// Run delay (nanoseconds) and involuntary switches so far of our own threads whose names begin so.
pub(super) fn threads_named(prefix: &str) -> (u64, u64) {
    let own = std::process::id();
    let Ok(entries) = fs::read_dir(format!("/proc/{own}/task")) else { return (0, 0) };
    let named =
        |tid: &u32| text(&format!("/proc/{own}/task/{tid}/comm")).is_ok_and(|n| n.starts_with(prefix));
    let tids = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok()).filter(named);
    let totals = tids.filter_map(|tid| thread(own, tid));
    totals.fold((0, 0), |(delay, switches), t| (delay + t.run_delay_ns, switches + t.involuntary))
}

/// Since Linux 6.2 the size of the folder is their number; before, they must be listed.
fn descriptors_of(pid: u32) -> io::Result<u64> {
    let folder = format!("/proc/{pid}/fd");
    match fs::metadata(&folder)?.len() {
        0 => Ok(fs::read_dir(&folder)?.count() as u64),
        n => Ok(n),
    }
}

/// A file of `/proc` as text. Names of processes need not be UTF-8.
pub(super) fn text(path: &str) -> io::Result<String> {
    let mut bytes = Vec::with_capacity(2048);
    fs::File::open(path)?.read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process() -> Process {
        let stat =
            Stat { name: "x".to_owned(), parent: 1, cpu_ticks: 0, threads: 1, started: 5, ended: false };
        Process::new(1, &stat)
    }

    fn threads(list: &[(u32, u64)]) -> BTreeMap<u32, Totals> {
        let totals = |cpu_ns| Totals { cpu_ns, run_delay_ns: 1, voluntary: cpu_ns / 10, involuntary: 0 };
        list.iter().map(|(tid, cpu_ns)| (*tid, totals(*cpu_ns))).collect()
    }

    #[test]
    fn a_thread_that_ended_keeps_its_share() {
        let mut p = process();
        p.count(&threads(&[(1, 100), (2, 50)]), 0);
        p.count(&threads(&[(1, 110)]), 0);
        assert_eq!(p.totals(), Totals { cpu_ns: 160, run_delay_ns: 2, voluntary: 16, involuntary: 0 });
        p.count(&threads(&[(1, 120), (3, 7)]), 0);
        assert_eq!(p.totals().cpu_ns, 177);
    }

    #[test]
    fn a_number_used_again_is_another_thread() {
        let mut p = process();
        p.count(&threads(&[(1, 100), (2, 50)]), 0);
        p.count(&threads(&[(1, 100), (2, 20)]), 0);
        assert_eq!(p.totals().cpu_ns, 170);
    }

    #[test]
    fn ticks_know_threads_that_nobody_saw() {
        let mut p = process();
        let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
        p.count(&threads(&[(1, 100)]), 4);
        assert_eq!(p.totals().cpu_ns, 4 * tick);
        // What they had stays, and the thread that is seen is read to the nanosecond.
        p.count(&threads(&[(1, 250)]), 4);
        assert_eq!(p.totals().cpu_ns, 4 * tick + 150);
        p.count(&threads(&[]), 0);
        assert_eq!(p.totals().cpu_ns, 4 * tick + 150);
    }
}
