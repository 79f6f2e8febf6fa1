//! What a changing group of processes has cost so far: those alive, and the share of the ended.
//!
//! A process is known by pid and start time, so a pid that is used again is another process. What
//! an ended process used after its last reading is not seen: at most one reading's interval.

use super::Depth;
use super::parse::Stat;
use super::procfs::{self, Levels, Process};
use super::totals::Totals;
use crate::clock::Clock;
use crate::model::Cost;
use std::collections::{BTreeMap, BTreeSet};

const NAMES_KEPT: usize = 32;
/// So long before the last reading (1 s) a process must have begun to have been overlooked then.
const FOUND_LATE_TICKS: u64 = 100;

/// The group.
#[derive(Debug, Default)]
pub(super) struct Group {
    alive: BTreeMap<u32, Process>,
    ended: Totals,
    ended_count: usize,
    /// The first [`NAMES_KEPT`] of them: a server may start a process for each request.
    ended_names: Vec<String>,
    warnings: BTreeSet<String>,
    /// When it was last read, in ticks of the machine's uptime.
    read_ticks: Option<u64>,
}

impl Group {
    /// Takes these in beside those it has. One that was there at the reading before and is found only now
    /// would bring all that it ever used into the time since: its past is left out, and told.
    pub(super) fn admit(&mut self, members: &BTreeMap<u32, Stat>) {
        for (&pid, stat) in members {
            if self.alive.get(&pid).is_none_or(|p| p.started != stat.started) {
                self.bury(pid);
                let mut process = Process::new(pid, stat);
                if self.read_ticks.is_some_and(|read| stat.started + FOUND_LATE_TICKS < read) {
                    process.leave_out_its_past();
                    self.tell_late(pid, &stat.name);
                }
                self.alive.insert(pid, process);
            }
        }
    }

    fn tell_late(&mut self, pid: u32, name: &str) {
        if self.warnings.len() < NAMES_KEPT {
            self.warnings.insert(format!(
                "{pid} {name} was there before and was found late: what it had used until then is not counted, its \
                 memory and descriptors are from then on"
            ));
        }
    }

    /// Reads all of them. What cannot be read of one process is left out and told by
    /// [`Group::warnings`].
    pub(super) fn read(&mut self, depth: Depth, clock: Clock) -> Cost {
        let mut cost = Cost { at: clock.now(), descriptors: Some(0), ..Cost::default() };
        (cost.pss_bytes, cost.swap_bytes) =
            if depth == Depth::Light { (None, None) } else { (Some(0), Some(0)) };
        let uptime = procfs::uptime_ticks();
        let mut gone = Vec::new();
        for (pid, process) in &mut self.alive {
            match process.read(depth) {
                Some(levels) => {
                    add(&mut cost, &levels);
                    warn(&mut self.warnings, *pid, &process.name, &levels);
                }
                None => gone.push(*pid),
            }
        }
        gone.into_iter().for_each(|pid| self.bury(pid));
        if self.alive.is_empty() {
            // Nothing is known of no process, which is not zero.
            (cost.pss_bytes, cost.swap_bytes, cost.descriptors) = (None, None, None);
        }
        self.read_ticks = uptime;
        self.sum_up(&mut cost);
        cost.kernel_socket_bytes = procfs::kernel_socket_bytes();
        cost
    }

    /// Those that were alive at the last reading, and whether each had one thread then.
    pub(super) fn alive(&self) -> BTreeMap<u32, bool> {
        self.alive.iter().map(|(pid, p)| (*pid, p.is_single())).collect()
    }

    /// The pids that were alive at the last reading.
    pub(super) fn pids(&self) -> BTreeSet<u32> {
        self.alive.keys().copied().collect()
    }

    /// Whether nothing was ever in it.
    pub(super) fn is_new(&self) -> bool {
        self.alive.is_empty() && self.ended_count == 0
    }

    /// `pid name`, the ended ones marked so.
    pub(super) fn found(&self) -> Vec<String> {
        let alive = self.alive.iter().map(|(pid, p)| format!("{pid} {}", p.name));
        let more = self.ended_count - self.ended_names.len();
        let more = (more > 0).then(|| format!("and {more} more (ended)"));
        alive.chain(self.ended_names.iter().cloned()).chain(more).collect()
    }

    /// What could not be read, each once.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.iter().cloned().collect()
    }

    fn bury(&mut self, pid: u32) {
        if let Some(process) = self.alive.remove(&pid) {
            self.ended.add(process.totals());
            self.ended_count += 1;
            if self.ended_names.len() < NAMES_KEPT {
                self.ended_names.push(format!("{pid} {} (ended)", process.name));
            }
        }
    }

    fn sum_up(&self, cost: &mut Cost) {
        let mut totals = self.ended;
        self.alive.values().for_each(|p| totals.add(p.totals()));
        cost.processes = self.alive.len() as u32;
        cost.cpu_ns_total = totals.cpu_ns;
        cost.run_delay_ns_total = totals.run_delay_ns;
        cost.voluntary_switches_total = totals.voluntary;
        cost.involuntary_switches_total = totals.involuntary;
        cost.user_ns_total = totals.user_ns;
        cost.system_ns_total = totals.system_ns;
        cost.minor_faults_total = totals.minor_faults;
        cost.major_faults_total = totals.major_faults;
    }
}

fn add(cost: &mut Cost, levels: &Levels) {
    cost.threads += levels.threads;
    cost.descriptors = cost.descriptors.zip(levels.descriptors).map(|(sum, one)| sum + one);
    cost.rss_bytes += levels.rss_bytes;
    cost.pss_bytes = cost.pss_bytes.zip(levels.pss_bytes).map(|(sum, one)| sum + one);
    cost.swap_bytes = cost.swap_bytes.zip(levels.swap_bytes).map(|(sum, one)| sum + one);
}

fn warn(warnings: &mut BTreeSet<String>, pid: u32, name: &str, levels: &Levels) {
    if levels.pss_denied {
        warnings.insert(format!(
            "the proportional set size of {pid} {name} may not be read: its resident size was taken, \
             which counts shared pages in full (run as the same user or as root)"
        ));
    }
    if levels.stopped {
        warnings.insert(format!(
            "{pid} {name} stood still when it was read: a signal or a debugger had stopped it"
        ));
    }
    if levels.descriptors_denied {
        warnings.insert(format!(
            "the descriptors of {pid} {name} may not be counted (run as the same user or as root)"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first process has been there for as long as the machine or its namespace.
    fn first() -> BTreeMap<u32, Stat> {
        procfs::stat_of(1).map(|stat| (1, stat)).into_iter().collect()
    }

    #[test]
    fn one_that_was_overlooked_does_not_bring_its_past() {
        let (mut early, mut late) = (Group::default(), Group::default());
        early.admit(&first());
        late.read_ticks = procfs::uptime_ticks();
        late.admit(&first());
        let whole = early.read(Depth::Light, Clock::Monotonic);
        let since = late.read(Depth::Light, Clock::Monotonic);
        assert_eq!((whole.processes, since.processes), (1, 1));
        assert!(whole.rss_bytes > 0 && since.rss_bytes > 0);
        assert!(since.cpu_ns_total < 1_000_000_000, "{since:?} of {whole:?}");
        assert!(since.minor_faults_total < whole.minor_faults_total, "{since:?} of {whole:?}");
        assert!(late.warnings()[0].contains("found late") && early.warnings().is_empty());
    }

    #[test]
    fn who_is_stopped_is_told() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        let stopped = || procfs::stat_of(child.id()).filter(|stat| stat.stopped);
        while stopped().is_none() {
            std::thread::yield_now();
        }
        let mut group = Group::default();
        group.admit(&stopped().map(|stat| (child.id(), stat)).into_iter().collect());
        let cost = group.read(Depth::Light, Clock::Monotonic);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(cost.processes, 1);
        assert!(group.warnings()[0].contains("sleep stood still when it was read"), "{:?}", group.warnings());
    }

    #[test]
    fn nobody_has_no_size() {
        let cost = Group::default().read(Depth::Full, Clock::Monotonic);
        assert_eq!(
            (cost.processes, cost.pss_bytes, cost.swap_bytes, cost.descriptors),
            (0, None, None, None)
        );
    }
}
