//! Whether this machine lets the generator work: what the kernel tells about its cores, its worker
//! threads and its sockets. Cumulative counters; the reports take differences.
//!
//! A few small files a reading, on the control thread. The kernel's table of sockets is not among them:
//! walking it takes milliseconds, in which the workers on the same core wait. What a kernel does not
//! tell is `None` and judged by nobody.

use super::{parse, procfs};
use crate::clock::Clock;
use crate::model::Nanos;

/// One reading. Totals only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vital {
    /// When it was taken.
    pub at: Nanos,
    /// Time that the host gave the generator's cores to somebody else, all of them together; steps
    /// of a clock tick (10 ms).
    pub steal_ns_total: Option<u64>,
    /// Time that worker threads were runnable without a CPU, all together.
    pub run_delay_ns_total: u64,
    /// Times that a worker thread was taken off its CPU.
    pub involuntary_switches_total: u64,
    /// Packets that the kernel dropped because a CPU's receive queue was full, the whole machine.
    pub softnet_drops_total: Option<u64>,
    /// Time that some task of the machine waited for a CPU (pressure stall information).
    pub cpu_pressure_ns_total: Option<u64>,
}

/// Reads the generator's vital signs.
#[derive(Debug)]
pub struct Vitals {
    /// The generator's cores; empty: all.
    cores: Vec<usize>,
    /// How worker threads' names begin.
    threads: &'static str,
}

impl Vitals {
    /// For workers on these cores (none given: they may be on any) whose threads' names begin with
    /// `threads`.
    pub fn new(cores: Vec<usize>, threads: &'static str) -> Vitals {
        Vitals { cores, threads }
    }

    /// How many cores steal is summed over.
    pub fn cores(&self) -> usize {
        self.cores.len()
    }

    /// One reading. Blocks for well under a millisecond; never called on a worker.
    pub fn read(&self) -> Vital {
        let text = |path: &str| procfs::text(path).ok();
        let tick_ns = 1_000_000_000 / rustix::param::clock_ticks_per_second();
        let steal = text("/proc/stat").and_then(|t| parse::steal_ticks(&t, &self.cores));
        let (run_delay_ns_total, involuntary_switches_total) = procfs::threads_named(self.threads);
        let pressure = text("/proc/pressure/cpu").as_deref().and_then(parse::pressure_us);
        Vital {
            at: Clock::Monotonic.now(),
            steal_ns_total: steal.map(|ticks| ticks * tick_ns),
            run_delay_ns_total,
            involuntary_switches_total,
            softnet_drops_total: text("/proc/net/softnet_stat").as_deref().and_then(parse::softnet_drops),
            cpu_pressure_ns_total: pressure.map(|us| us * 1_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_only_grow() {
        let vitals = Vitals::new(Vec::new(), "");
        let first = vitals.read();
        let second = vitals.read();
        assert!(second.at > first.at);
        assert!(second.run_delay_ns_total >= first.run_delay_ns_total);
        assert!(second.steal_ns_total >= first.steal_ns_total);
        assert!(second.softnet_drops_total >= first.softnet_drops_total);
    }
}
