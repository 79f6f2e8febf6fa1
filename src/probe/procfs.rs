//! What one process has cost so far, read from its files in `/proc`.
//!
//! CPU comes from `task/*/schedstat`, which counts nanoseconds; `stat` counts steps of 10 ms and is
//! only the floor under it, because it alone knows threads that came and went between two readings.
//! What a thread had used when it was last seen is kept after it has ended. The split into user and system time: the kernel
//! samples it at clock ticks and tells it in steps of 10 ms, so new nanoseconds are split by the new ticks
//! of both kinds, once there are any; until then they are part of neither.

use super::parse::{self, Stat};
use super::totals::Totals;
use super::{Depth, ProbeError};
use crate::clock::Clock;
use crate::model::MachineTime;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read as _};

/// What a process holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Levels {
    pub(super) threads: u32,
    /// `None` when they could not be counted.
    pub(super) descriptors: Option<u64>,
    pub(super) rss_bytes: u64,
    /// Where the reading took it; the resident size where the kernel would not tell.
    pub(super) pss_bytes: Option<u64>,
    /// Where the reading took it.
    pub(super) swap_bytes: Option<u64>,
    /// Whether `pss_bytes` is really the resident size.
    pub(super) pss_denied: bool,
    /// Whether the descriptors could not be counted.
    pub(super) descriptors_denied: bool,
    /// Whether it was held by a signal or a debugger.
    pub(super) stopped: bool,
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
    /// User and system ticks at the last reading.
    ticks: (u64, u64),
    totals: Totals,
    /// What it had used before it was found, where that is not to be counted.
    before: Option<Totals>,
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
            ticks: (0, 0),
            totals: Totals::default(),
            before: None,
        }
    }

    /// Whether it had one thread at the last reading.
    pub(super) fn is_single(&self) -> bool {
        self.threads.len() == 1
    }

    /// Leaves out what it has used by its first reading: it was there at the reading before, unseen.
    pub(super) fn leave_out_its_past(&mut self) {
        let now = stat_of(self.pid).filter(|s| s.started == self.started);
        let threads = now.as_ref().and_then(|stat| threads_of(stat, self.pid, &self.threads));
        if let Some((stat, threads)) = now.zip(threads) {
            self.count(threads, &stat);
        }
        self.before = Some(self.totals);
    }

    /// What it had used at the last reading, since it was found or began.
    pub(super) fn totals(&self) -> Totals {
        self.before.map_or(self.totals, |before| self.totals.less(before))
    }

    /// Reads it. `None` when it has ended, or ends meanwhile; what a process that nobody has waited
    /// for yet had used in all is still taken in.
    pub(super) fn read(&mut self, depth: Depth) -> Option<Levels> {
        let stat = stat_of(self.pid).filter(|s| s.started == self.started)?;
        self.name.clone_from(&stat.name);
        self.count(threads_of(&stat, self.pid, &self.threads)?, &stat);
        (!stat.ended).then(|| self.levels(&stat, depth))
    }

    /// Takes in one reading of the threads. A thread that is gone, or whose number another thread
    /// has taken over, keeps what it had.
    fn count(&mut self, now: BTreeMap<u32, Totals>, stat: &Stat) {
        for (tid, before) in &self.threads {
            if !now.get(tid).is_some_and(|t| t.follows(*before)) {
                self.ended_threads.add(*before);
            }
        }
        let mut sum = self.ended_threads;
        now.values().for_each(|t| sum.add(*t));
        self.threads = now;
        let ticks = stat.user_ticks + stat.system_ticks;
        let floor = ticks * (1_000_000_000 / rustix::param::clock_ticks_per_second());
        // Kept as a difference, so that once threads went unseen the readings stay exact to the
        // nanosecond instead of stepping with the ticks.
        self.unseen_cpu_ns = self.unseen_cpu_ns.max(floor.saturating_sub(sum.cpu_ns));
        sum.cpu_ns = (sum.cpu_ns + self.unseen_cpu_ns).max(self.totals.cpu_ns);
        (sum.user_ns, sum.system_ns) = self.split(sum.cpu_ns, stat);
        sum.minor_faults = stat.minor_faults.max(self.totals.minor_faults);
        sum.major_faults = stat.major_faults.max(self.totals.major_faults);
        self.totals = sum;
    }

    /// User and system time: the nanoseconds that belong to neither yet, by the ticks that came.
    fn split(&mut self, cpu_ns: u64, stat: &Stat) -> (u64, u64) {
        let (user_ns, system_ns) = (self.totals.user_ns, self.totals.system_ns);
        let user = stat.user_ticks.saturating_sub(self.ticks.0);
        let system = stat.system_ticks.saturating_sub(self.ticks.1);
        if user + system == 0 {
            return (user_ns, system_ns);
        }
        self.ticks = (stat.user_ticks, stat.system_ticks);
        let new = cpu_ns - user_ns - system_ns;
        let of_user = (u128::from(new) * u128::from(user) / u128::from(user + system)) as u64;
        (user_ns + of_user, system_ns + new - of_user)
    }

    fn levels(&self, stat: &Stat, depth: Depth) -> Levels {
        let page = rustix::param::page_size() as u64;
        let rss_bytes = stat.resident_pages * page;
        let mut levels =
            Levels { threads: stat.threads, rss_bytes, stopped: stat.stopped, ..Levels::default() };
        match descriptors_of(self.pid) {
            Ok(n) => levels.descriptors = Some(n),
            Err(e) => levels.descriptors_denied = e.kind() == ErrorKind::PermissionDenied,
        }
        if depth != Depth::Light {
            let rollup = text(&format!("/proc/{}/smaps_rollup", self.pid));
            let pss = rollup.as_deref().ok().and_then(parse::pss_bytes);
            levels.pss_denied = pss.is_none();
            levels.pss_bytes = Some(pss.unwrap_or(rss_bytes));
            let swap = rollup.as_deref().ok().and_then(parse::swap_bytes);
            levels.swap_bytes = swap.or_else(|| vm_swap_bytes(self.pid));
        }
        levels
    }
}

/// Bytes in swap, for those whose page tables may not be looked into.
fn vm_swap_bytes(pid: u32) -> Option<u64> {
    parse::vm_swap_bytes(&text(&format!("/proc/{pid}/status")).ok()?)
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

/// The arguments of a process, joined by spaces; empty for threads of the kernel.
///
/// # Errors
/// It has ended.
pub(super) fn command_line(pid: u32) -> io::Result<String> {
    Ok(text(&format!("/proc/{pid}/cmdline"))?.trim_end_matches('\0').replace('\0', " "))
}

/// The children of a process, by whichever of its threads they were started; `single`: it has one.
///
/// # Errors
/// The process has ended, or the kernel has no such files (`CONFIG_PROC_CHILDREN`).
pub(super) fn children(pid: u32, single: bool) -> io::Result<Vec<u32>> {
    let mut all = Vec::new();
    for tid in if single { vec![pid] } else { tasks(pid)? } {
        let text = text(&format!("/proc/{pid}/task/{tid}/children"))?;
        all.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Ok(all)
}

/// How long the machine's CPUs were idle; `None` where it does not tell.
pub(super) fn machine_time(clock: Clock) -> Option<MachineTime> {
    let (cpus, ticks) = parse::idle_ticks(&text("/proc/stat").ok()?)?;
    let tick_ns = 1_000_000_000 / rustix::param::clock_ticks_per_second();
    Some(MachineTime { at: clock.now(), cpus, idle_ns_total: ticks * tick_ns })
}

/// Kernel memory of the machine's TCP sockets, bytes; `None` where it cannot be read.
pub(super) fn kernel_socket_bytes() -> Option<u64> {
    let pages = parse::tcp_memory_pages(&text("/proc/net/sockstat").ok()?)?;
    Some(pages * rustix::param::page_size() as u64)
}

/// How long the machine has been up, in the clock ticks that [`Stat::started`] counts; steps of 10 ms.
pub(super) fn uptime_ticks() -> Option<u64> {
    parse::uptime_ticks(&text("/proc/uptime").ok()?, rustix::param::clock_ticks_per_second())
}

/// Kernel memory of the machine in small pieces, bytes.
pub(super) fn slab_bytes() -> Option<u64> {
    parse::slab_bytes(&text("/proc/meminfo").ok()?)
}

fn threads_of(stat: &Stat, pid: u32, before: &BTreeMap<u32, Totals>) -> Option<BTreeMap<u32, Totals>> {
    let tids = if stat.threads == 1 { vec![pid] } else { tasks(pid).ok()? };
    Some(tids.into_iter().filter_map(|tid| Some((tid, thread(pid, tid, before.get(&tid))?))).collect())
}

/// The numbers of all threads of a process.
fn tasks(pid: u32) -> io::Result<Vec<u32>> {
    let entries = fs::read_dir(format!("/proc/{pid}/task"))?;
    Ok(entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).collect())
}

/// `None` when the thread ended meanwhile. A thread that has not run since `before` is not read on. A
/// kernel without `schedstat` counts no nanoseconds: the ticks of the process stand in then.
fn thread(pid: u32, tid: u32, before: Option<&Totals>) -> Option<Totals> {
    let times = text(&format!("/proc/{pid}/task/{tid}/schedstat"));
    let (cpu_ns, run_delay_ns, runs) = times.ok().as_deref().and_then(parse::schedstat).unwrap_or_default();
    if let Some(same) = before.filter(|b| runs > 0 && b.runs == runs && b.cpu_ns == cpu_ns) {
        return Some(*same);
    }
    let status = text(&format!("/proc/{pid}/task/{tid}/status")).ok()?;
    let (voluntary, involuntary) = parse::switches(&status)?;
    Some(Totals { cpu_ns, run_delay_ns, voluntary, involuntary, runs, ..Totals::default() })
}

/// Run delay (nanoseconds) and involuntary switches so far of our own threads whose names begin so.
pub(super) fn threads_named(prefix: &str) -> (u64, u64) {
    let own = std::process::id();
    let Ok(entries) = fs::read_dir(format!("/proc/{own}/task")) else { return (0, 0) };
    let named =
        |tid: &u32| text(&format!("/proc/{own}/task/{tid}/comm")).is_ok_and(|n| n.starts_with(prefix));
    let tids = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok()).filter(named);
    let totals = tids.filter_map(|tid| thread(own, tid, None));
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

    fn stat(user_ticks: u64, system_ticks: u64) -> Stat {
        Stat {
            name: "x".to_owned(),
            parent: 1,
            user_ticks,
            system_ticks,
            minor_faults: 3,
            major_faults: 1,
            threads: 1,
            resident_pages: 9,
            started: 5,
            ended: false,
            stopped: false,
        }
    }

    fn process() -> Process {
        Process::new(1, &stat(0, 0))
    }

    fn threads(list: &[(u32, u64)]) -> BTreeMap<u32, Totals> {
        let totals = |cpu_ns| Totals { cpu_ns, run_delay_ns: 1, voluntary: cpu_ns / 10, ..Totals::default() };
        list.iter().map(|(tid, cpu_ns)| (*tid, totals(*cpu_ns))).collect()
    }

    #[test]
    fn a_thread_that_ended_keeps_its_share() {
        let mut p = process();
        p.count(threads(&[(1, 100), (2, 50)]), &stat(0, 0));
        p.count(threads(&[(1, 110)]), &stat(0, 0));
        let t = p.totals();
        assert_eq!((t.cpu_ns, t.run_delay_ns, t.voluntary, t.involuntary), (160, 2, 16, 0));
        assert_eq!((t.minor_faults, t.major_faults), (3, 1));
        p.count(threads(&[(1, 120), (3, 7)]), &stat(0, 0));
        assert_eq!(p.totals().cpu_ns, 177);
    }

    #[test]
    fn a_number_used_again_is_another_thread() {
        let mut p = process();
        p.count(threads(&[(1, 100), (2, 50)]), &stat(0, 0));
        p.count(threads(&[(1, 100), (2, 20)]), &stat(0, 0));
        assert_eq!(p.totals().cpu_ns, 170);
    }

    #[test]
    fn ticks_know_threads_that_nobody_saw() {
        let mut p = process();
        let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
        p.count(threads(&[(1, 100)]), &stat(3, 1));
        assert_eq!(p.totals().cpu_ns, 4 * tick);
        // What they had stays, and the thread that is seen is read to the nanosecond.
        p.count(threads(&[(1, 250)]), &stat(3, 1));
        assert_eq!(p.totals().cpu_ns, 4 * tick + 150);
        p.count(threads(&[]), &stat(0, 0));
        assert_eq!(p.totals().cpu_ns, 4 * tick + 150);
    }

    #[test]
    fn new_nanoseconds_are_split_by_new_ticks_and_never_taken_back() {
        let mut p = process();
        let split = |p: &Process| (p.totals().user_ns, p.totals().system_ns);
        p.count(threads(&[(1, 3_000_000)]), &stat(0, 0));
        assert_eq!(split(&p), (0, 0), "no tick has told yet");
        p.count(threads(&[(1, 40_000_000)]), &stat(3, 1));
        assert_eq!(split(&p), (30_000_000, 10_000_000));
        p.count(threads(&[(1, 45_000_000)]), &stat(3, 1));
        assert_eq!(split(&p), (30_000_000, 10_000_000));
        p.count(threads(&[(1, 60_000_000)]), &stat(3, 3));
        assert_eq!(split(&p), (30_000_000, 30_000_000));
    }
}
