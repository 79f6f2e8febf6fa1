//! Whether this machine lets the generator work: what the kernel tells about its cores, its worker
//! threads and its sockets. Cumulative counters; the reports take differences.
//!
//! Six small files a reading, and a bounded part of the socket table: about 0.3 ms, on the control
//! thread. What a kernel does not tell is `None` and judged by nobody.

use super::{parse, procfs};
use crate::clock::Clock;
use crate::model::Nanos;
use std::fs::File;
use std::io::Read as _;

/// So much of the socket table is looked at: the kernel walks it row by row, and ten thousand rows
/// would cost more than they tell. About 430 sockets.
const SAMPLED_BYTES: usize = 64 << 10;

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
    /// Bytes that our sockets have received and nobody has read yet: of those among the first 64 KiB
    /// of the kernel's table.
    pub socket_backlog_bytes: Option<u64>,
    /// Time that some task of the machine waited for a CPU (pressure stall information).
    pub cpu_pressure_ns_total: Option<u64>,
}

/// Reads the generator's vital signs.
#[derive(Debug)]
pub struct Vitals {
    /// The generator's cores; empty: all.
    cores: Vec<usize>,
    /// The target's port.
    port: u16,
    /// How worker threads' names begin.
    threads: &'static str,
}

impl Vitals {
    /// For workers on these cores (none given: they may be on any) whose threads' names begin with
    /// `threads`, and whose sockets go to `port`.
    pub fn new(cores: Vec<usize>, port: u16, threads: &'static str) -> Vitals {
        Vitals { cores, port, threads }
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
            socket_backlog_bytes: self.backlog(),
            cpu_pressure_ns_total: pressure.map(|us| us * 1_000),
        }
    }

    fn backlog(&self) -> Option<u64> {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        let read: Vec<u64> = tables
            .iter()
            .filter_map(|table| first_bytes(table))
            .map(|text| text.lines().filter_map(|row| parse::unread_bytes_towards(row, self.port)).sum())
            .collect();
        (!read.is_empty()).then(|| read.iter().sum())
    }
}

fn first_bytes(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(SAMPLED_BYTES);
    File::open(path).ok()?.take(SAMPLED_BYTES as u64).read_to_end(&mut bytes).ok()?;
    // The last row may be cut: it is no row then.
    bytes.truncate(bytes.iter().rposition(|b| *b == b'\n')? + 1);
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn what_nobody_reads_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ours = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (mut theirs, _) = listener.accept().unwrap();
        let vitals = Vitals::new(Vec::new(), port, "no such thread");
        assert_eq!(vitals.read().socket_backlog_bytes, Some(0));
        theirs.write_all(&[7; 1_000]).unwrap();
        // A machine with more sockets than are sampled may hide this one: then nothing is told of it.
        assert!([Some(0), Some(1_000)].contains(&vitals.read().socket_backlog_bytes));
        drop(ours);
    }

    #[test]
    fn totals_only_grow() {
        let vitals = Vitals::new(Vec::new(), 1, "");
        let first = vitals.read();
        let second = vitals.read();
        assert!(second.at > first.at);
        assert!(second.run_delay_ns_total >= first.run_delay_ns_total);
        assert!(second.steal_ns_total >= first.steal_ns_total);
        assert!(second.softnet_drops_total >= first.softnet_drops_total);
    }
}
