//! Readers of the kernel's text formats: pure functions of text, `None` where it is not that format.
//!
//! Opens nothing.

/// What `/proc/PID/stat` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// The name, at most 15 bytes; may hold spaces and parentheses.
    pub(super) name: String,
    /// The parent.
    pub(super) parent: u32,
    /// Time in user space, clock ticks, ended threads included; rounded down.
    pub(super) user_ticks: u64,
    /// Time in the kernel, the same.
    pub(super) system_ticks: u64,
    /// Page faults served from memory, ended threads included.
    pub(super) minor_faults: u64,
    /// Page faults that waited for a disk.
    pub(super) major_faults: u64,
    /// Threads.
    pub(super) threads: u32,
    /// Resident pages.
    pub(super) resident_pages: u64,
    /// When it began, ticks since boot: with the pid it names a process for good.
    pub(super) started: u64,
    /// Whether it has ended and only waits for its parent to notice.
    pub(super) ended: bool,
    /// Whether a signal (SIGSTOP) or a debugger holds it.
    pub(super) stopped: bool,
}

/// `/proc/PID/stat`. The name is whatever stands between the first `(` and the last `)`.
pub(super) fn stat(text: &str) -> Option<Stat> {
    let (head, fields) = text.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    // Numbered as in proc_pid_stat(5), where the field after the name is the third.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        name: name.to_owned(),
        parent: u32::try_from(number(4)?).ok()?,
        user_ticks: number(14)?,
        system_ticks: number(15)?,
        minor_faults: number(10)?,
        major_faults: number(12)?,
        threads: u32::try_from(number(20)?).ok()?,
        resident_pages: number(24)?,
        started: number(22)?,
        ended: matches!(*fields.first()?, "Z" | "X" | "x"),
        stopped: matches!(*fields.first()?, "T" | "t"),
    })
}

/// `schedstat` of a thread: time run, time spent runnable without a CPU (nanoseconds), and how often it
/// was put on a CPU.
pub(super) fn schedstat(text: &str) -> Option<(u64, u64, u64)> {
    let mut fields = text.split_ascii_whitespace().map(str::parse::<u64>);
    let mut next = || fields.next()?.ok();
    Some((next()?, next()?, next()?))
}

/// `status` of a thread: voluntary and involuntary context switches.
pub(super) fn switches(status: &str) -> Option<(u64, u64)> {
    Some((value(status, "voluntary_ctxt_switches:")?, value(status, "nonvoluntary_ctxt_switches:")?))
}

/// `smaps_rollup`: the proportional set size, bytes.
pub(super) fn pss_bytes(rollup: &str) -> Option<u64> {
    Some(value(rollup, "Pss:")? * 1024)
}

/// `smaps_rollup`: bytes in swap.
pub(super) fn swap_bytes(rollup: &str) -> Option<u64> {
    Some(value(rollup, "Swap:")? * 1024)
}

/// `status` of a process: bytes in swap. Kernel threads have no such line.
pub(super) fn vm_swap_bytes(status: &str) -> Option<u64> {
    Some(value(status, "VmSwap:")? * 1024)
}

/// `/proc/meminfo`: bytes of kernel memory in small pieces (`Slab:  123 kB`).
pub(super) fn slab_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("Slab:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

/// `/proc/net/sockstat`: pages of kernel memory held by TCP sockets.
pub(super) fn tcp_memory_pages(sockstat: &str) -> Option<u64> {
    let line = sockstat.lines().find_map(|l| l.strip_prefix("TCP:"))?;
    let mut words = line.split_ascii_whitespace();
    words.find(|w| *w == "mem")?;
    words.next()?.parse().ok()
}

/// `/proc/uptime`: how long the machine has been up, in ticks of which a second has so many.
pub(super) fn uptime_ticks(uptime: &str, ticks_per_second: u64) -> Option<u64> {
    let seconds: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
    Some((seconds * ticks_per_second as f64).round() as u64)
}

/// `/proc/stat`: stolen ticks of these cores together (none given: of all); `None` when one is missing.
pub(super) fn steal_ticks(stat: &str, cores: &[usize]) -> Option<u64> {
    // cpuN user nice system idle iowait irq softirq steal
    let of = |name: &str| {
        let line = stat.lines().find(|l| l.split_ascii_whitespace().next() == Some(name))?;
        line.split_ascii_whitespace().nth(8)?.parse::<u64>().ok()
    };
    if cores.is_empty() { of("cpu") } else { cores.iter().map(|core| of(&format!("cpu{core}"))).sum() }
}

/// `/proc/net/softnet_stat`: packets dropped for want of room in a CPU's queue, all CPUs. The second
/// number of each row, in hexadecimal.
pub(super) fn softnet_drops(softnet: &str) -> Option<u64> {
    let dropped = |row: &str| u64::from_str_radix(row.split_ascii_whitespace().nth(1)?, 16).ok();
    softnet.lines().map(dropped).sum()
}

/// `/proc/pressure/cpu`: microseconds that some task waited.
pub(super) fn pressure_us(pressure: &str) -> Option<u64> {
    let some = pressure.lines().find(|l| l.starts_with("some "))?;
    some.rsplit_once("total=")?.1.trim().parse().ok()
}

/// `/proc/stat`: CPUs online, and the ticks that they had nothing to do, waited for a disk or were taken by
/// the host, all together.
pub(super) fn idle_ticks(stat: &str) -> Option<(u32, u64)> {
    // cpu user nice system idle iowait irq softirq steal
    let all = stat.lines().find_map(|l| l.strip_prefix("cpu "))?;
    let fields: Vec<u64> = all.split_ascii_whitespace().map_while(|f| f.parse().ok()).collect();
    let cpus = stat.lines().filter(|l| l.starts_with("cpu") && !l.starts_with("cpu ")).count();
    Some((u32::try_from(cpus).ok()?, fields.get(3)? + fields.get(4)? + fields.get(7).unwrap_or(&0)))
}

/// The number under `name` in a table of two rows for each protocol, as `/proc/net/snmp` and
/// `/proc/net/netstat` have them: `Tcp: RtoMin RtoMax`, then `Tcp: 200 120000`.
pub(super) fn counter(table: &str, protocol: &str, name: &str) -> Option<u64> {
    let mut rows = table.lines().filter_map(|l| l.strip_prefix(protocol)?.strip_prefix(':'));
    let place = rows.next()?.split_ascii_whitespace().position(|n| n == name)?;
    rows.next()?.split_ascii_whitespace().nth(place)?.parse().ok()
}

/// `/proc/net/dev`: bytes received and sent of each interface, with its name.
pub(super) fn interfaces(dev: &str) -> impl Iterator<Item = (&str, u64, u64)> {
    dev.lines().filter_map(|line| {
        let (name, fields) = line.split_once(':')?;
        let mut fields = fields.split_ascii_whitespace();
        Some((name.trim(), fields.next()?.parse().ok()?, fields.nth(7)?.parse().ok()?))
    })
}

/// The first number of the line that begins with `key`.
pub(super) fn value(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix(key))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// States of a socket in `/proc/net/tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Both sides are there.
    Established,
    /// Waits for connections.
    Listen,
    /// All others.
    Other,
}

/// One row of `/proc/net/tcp` or `/proc/net/tcp6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    /// Its own port.
    pub(super) port: u16,
    /// Its state.
    pub(super) state: State,
    /// The inode that `/proc/PID/fd` names; 0 while nobody has accepted it.
    pub(super) inode: u64,
}

/// One row; `None` for the heading.
pub(super) fn socket(row: &str) -> Option<Socket> {
    let fields: Vec<&str> = row.split_ascii_whitespace().collect();
    let (_, port) = fields.get(1)?.rsplit_once(':')?;
    let state = match *fields.get(3)? {
        "01" => State::Established,
        "0A" => State::Listen,
        _ => State::Other,
    };
    Some(Socket { port: u16::from_str_radix(port, 16).ok()?, state, inode: fields.get(9)?.parse().ok()? })
}

/// The inode in what a descriptor links to, when that is a socket: `socket:[1234]`.
pub(super) fn socket_inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str = "S 7 41 41 0 -1 4194560 512 90 3 0 123 45 6 7 20 0 3 0 98765 1 2 3";

    #[test]
    fn names_may_hold_anything() {
        for name in ["nginx", "tmux: server", "a) S 1 (b", "((", "))", "", "x\ny", ") R 1 2"] {
            let read = stat(&format!("41 ({name}) {TAIL}")).unwrap();
            assert_eq!(read.name, name);
            assert_eq!((read.parent, read.threads, read.started), (7, 3, 98765));
            assert_eq!((read.user_ticks, read.system_ticks), (123, 45));
            assert_eq!((read.minor_faults, read.major_faults, read.resident_pages), (512, 3, 2));
            assert!(!read.ended);
        }
        assert!(stat(&format!("41 (gone) {}", TAIL.replacen('S', "Z", 1))).unwrap().ended);
    }

    #[test]
    fn what_is_cut_short_is_none() {
        assert_eq!(stat(""), None);
        assert_eq!(stat("41 (nginx"), None);
        assert_eq!(stat("41 (nginx) S 7 41"), None);
        assert_eq!(schedstat(""), None);
        assert_eq!(schedstat("17 4"), None);
        assert_eq!(switches("voluntary_ctxt_switches:\t3\n"), None);
        assert_eq!(pss_bytes("Rss: 1 kB\n"), None);
        assert_eq!(socket("  sl  local_address rem_address   st tx_queue"), None);
    }

    #[test]
    fn counters_of_a_thread() {
        assert_eq!(schedstat("119317 81682 2\n"), Some((119_317, 81_682, 2)));
        let status =
            "Name:\tx\nThreads:\t1\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n";
        assert_eq!(switches(status), Some((150, 545)));
    }

    #[test]
    fn memory() {
        let rollup = "55ca4e344000-7ffc3799a000 ---p 00000000 00:00 0    [rollup]\nRss:   1736 kB\nPss:    331 kB\nPss_Dirty:  112 kB\n";
        assert_eq!((pss_bytes(rollup), swap_bytes(rollup)), (Some(331 * 1024), None));
        assert_eq!(swap_bytes("SwapPss: 9 kB\nSwap:  8 kB\n"), Some(8 * 1024));
        assert_eq!(vm_swap_bytes("VmRSS:\t 9 kB\nVmSwap:\t 3 kB\n"), Some(3 * 1024));
        let meminfo = "MemFree:  17 kB\nSlab:             114376 kB\nSReclaimable: 9 kB\n";
        assert_eq!(slab_bytes(meminfo), Some(117_121_024));
        assert_eq!(slab_bytes("Slab: many\n"), None);
        let sockstat = "sockets: used 15\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 294\nUDP: inuse 0 mem 7\n";
        assert_eq!(tcp_memory_pages(sockstat), Some(294));
        assert_eq!(tcp_memory_pages("UDP: inuse 0 mem 7\n"), None);
    }

    #[test]
    fn rows_of_the_socket_tables() {
        let v4 = "   0: 0100007F:46A0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1636 1 00000000c417ad68 100 0 0 10 0";
        assert_eq!(socket(v4), Some(Socket { port: 18080, state: State::Listen, inode: 1636 }));
        let v6 = "  12: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:D431 01 00000000:00000000 02:000A9F 00000000  1000        0 77321 2 00000000 20 4 30 10 -1";
        assert_eq!(socket(v6), Some(Socket { port: 8080, state: State::Established, inode: 77321 }));
        let waiting = v4.replace(" 0A ", " 06 ").replace("1636", "0");
        assert_eq!(socket(&waiting).map(|s| (s.state, s.inode)), Some((State::Other, 0)));
    }

    #[test]
    fn vital_signs() {
        let stat =
            "cpu  9 9 9 9 9 9 9 30 0 0\ncpu0 9 9 9 9 9 9 9 10 0 0\ncpu1 9 9 9 9 9 9 9 20 0 0\nintr 1 2\n";
        assert_eq!(steal_ticks(stat, &[1]), Some(20));
        assert_eq!((steal_ticks(stat, &[0, 1]), steal_ticks(stat, &[])), (Some(30), Some(30)));
        assert_eq!((steal_ticks(stat, &[7]), steal_ticks("", &[])), (None, None));
        let softnet = "01877d7e 00000169 00000007\n013d1234 0000000a 00000004\n";
        assert_eq!(softnet_drops(softnet), Some(0x169 + 10));
        assert_eq!(softnet_drops("x\n"), None);
        let psi = "some avg10=0.00 avg60=1.00 avg300=0.00 total=12345\nfull avg10=0.00 total=9\n";
        assert_eq!((pressure_us(psi), pressure_us("")), (Some(12_345), None));
    }

    #[test]
    fn idle_time_is_what_no_cpu_used() {
        let stat = "cpu  1 2 3 40 5 6 7 8 9 9\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 1 2\n";
        assert_eq!(idle_ticks(stat), Some((2, 53)));
        // Before Linux 2.6.11 there was no steal.
        assert_eq!(idle_ticks("cpu  1 2 3 40 5\ncpu0 1\n"), Some((1, 45)));
        assert_eq!((idle_ticks("cpu  1 2 3\n"), idle_ticks("")), (None, None));
    }

    #[test]
    fn counters_are_found_by_name_whatever_their_place() {
        let snmp = "Tcp: RtoMin MaxConn RetransSegs\nTcp: 200 -1 17\nUdp: InDatagrams\nUdp: 4\n";
        assert_eq!(counter(snmp, "Tcp", "RetransSegs"), Some(17));
        // Not a count: negative numbers mean that there is no limit.
        assert_eq!(counter(snmp, "Tcp", "MaxConn"), None);
        assert_eq!((counter(snmp, "Tcp", "OutSegs"), counter("Tcp: A\n", "Tcp", "A")), (None, None));
        let both = "TcpExt: ListenOverflows ListenDrops\nTcpExt: 3 4\nIpExt: X\nIpExt: 1\n";
        assert_eq!(
            (counter(both, "TcpExt", "ListenDrops"), counter(both, "Tcp", "ListenDrops")),
            (Some(4), None)
        );
    }

    #[test]
    fn bytes_of_interfaces() {
        let dev = "Inter-|   Receive                   |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo: 10 1 2 3 4 5 6 7 20 1 0 0 0 0 0 0\n  eth0:30 1 2 3 4 5 6 7 40 1 0 0 0 0 0 0\n";
        assert_eq!(interfaces(dev).collect::<Vec<_>>(), [("lo", 10, 20), ("eth0", 30, 40)]);
        assert_eq!(interfaces("lo: 1 2 3\n").count(), 0);
    }

    #[test]
    fn links_of_descriptors() {
        assert_eq!(socket_inode("socket:[1636]"), Some(1636));
        assert_eq!(socket_inode("pipe:[1636]"), None);
        assert_eq!(socket_inode("/tmp/socket:[1636]"), None);
    }
}
