//! What this machine is and allows. Read once; changes nothing.

use crate::clock::{Clock, Timer};
use crate::model::Nanos;
use rustix::process::{Resource, getrlimit};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::LazyLock;

/// Fewer sockets in TIME-WAIT towards an address than this are not worth a row.
const TIME_WAIT_LEAST: u64 = 10;

/// What this machine is and allows. What cannot be read is `None`, or a default that stops nobody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// CPUs that this process may use: its affinity, or the quota of its cgroup where that is less.
    pub cores: u32,
    /// Soft limit of descriptors.
    pub descriptors_soft: u64,
    /// Hard limit of descriptors.
    pub descriptors_hard: u64,
    /// `net.ipv4.ip_local_port_range`: first and last, both included.
    pub local_port_range: (u16, u16),
    /// `net.ipv4.tcp_tw_reuse`: 0 never, 1 always, 2 on loopback.
    pub tcp_tw_reuse: u32,
    /// Sockets in TIME-WAIT by remote address, where they are 10 or more.
    pub time_wait: BTreeMap<SocketAddr, u64>,
    /// `net.core.somaxconn`.
    pub somaxconn: u32,
    /// `MemAvailable`, bytes.
    pub memory_available_bytes: Option<u64>,
    /// Such as `Linux 6.1.0-18-amd64 x86_64`.
    pub kernel: String,
    /// Model of the first CPU.
    pub cpu_model: Option<String>,
    /// `v2`, `v1`, `hybrid` or `none`.
    pub cgroup: &'static str,
    /// Frequency governor of the first CPU; virtual machines have none.
    pub governor: Option<String>,
    /// Share of CPU time since boot that the host took away.
    pub steal_share: Option<f64>,
    /// Nanoseconds that one reading of the clock takes.
    pub clock_read_ns: f64,
    /// How late a worker's timer wakes, 99th percentile, nanoseconds.
    pub timer_late_p99_ns: Option<u64>,
    /// Whether processes of other users may be looked into.
    pub others_readable: bool,
}

static CLOCK_READ_NS: LazyLock<f64> = LazyLock::new(clock_read_ns);
static TIMER_LATE_P99_NS: LazyLock<Option<u64>> = LazyLock::new(timer_late_p99_ns);

impl Machine {
    /// Reads the machine. Takes about 100 ms the first time, most of it to try the timer, which is done once
    /// in a process; never on a worker.
    pub fn read() -> Machine {
        let limit = getrlimit(Resource::Nofile);
        let uname = rustix::system::uname();
        let words = [uname.sysname(), uname.release(), uname.machine()].map(|w| w.to_string_lossy());
        Machine {
            cores: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
            descriptors_soft: limit.current.unwrap_or(u64::MAX),
            descriptors_hard: limit.maximum.unwrap_or(u64::MAX),
            local_port_range: port_range(&text("/proc/sys/net/ipv4/ip_local_port_range")),
            tcp_tw_reuse: number("/proc/sys/net/ipv4/tcp_tw_reuse").unwrap_or(0),
            time_wait: time_wait(&[text("/proc/net/tcp"), text("/proc/net/tcp6")].concat()),
            somaxconn: number("/proc/sys/net/core/somaxconn").unwrap_or(u32::MAX),
            memory_available_bytes: memory_available(&text("/proc/meminfo")),
            kernel: words.join(" "),
            cpu_model: cpu_model(&text("/proc/cpuinfo")),
            cgroup: cgroup(),
            governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            steal_share: steal_share(&text("/proc/stat")),
            clock_read_ns: *CLOCK_READ_NS,
            timer_late_p99_ns: *TIMER_LATE_P99_NS,
            others_readable: fs::read_dir("/proc/1/fd").is_ok(),
        }
    }

    /// How many local ports there are towards one address.
    pub fn local_ports(&self) -> u64 {
        let (first, last) = self.local_port_range;
        u64::from(last.saturating_sub(first)) + 1
    }

    /// Sockets in TIME-WAIT towards this address; fewer than 10 count as none.
    pub fn time_wait_towards(&self, address: SocketAddr) -> u64 {
        self.time_wait.get(&address).copied().unwrap_or(0)
    }

    /// A machine without a fault, for tests.
    #[cfg(test)]
    pub(super) fn example() -> Machine {
        Machine {
            cores: 8,
            descriptors_soft: 1_024,
            descriptors_hard: 100_000,
            local_port_range: (32_768, 60_999),
            tcp_tw_reuse: 2,
            time_wait: BTreeMap::new(),
            somaxconn: 4_096,
            memory_available_bytes: Some(8 << 30),
            kernel: "Linux 6.1.0 x86_64".to_owned(),
            cpu_model: Some("Example 3000".to_owned()),
            cgroup: "v2",
            governor: None,
            steal_share: Some(0.0),
            clock_read_ns: 30.0,
            timer_late_p99_ns: Some(80_000),
            others_readable: true,
        }
    }
}

fn text(path: &str) -> String {
    fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
}

fn line(path: &str) -> Option<String> {
    Some(text(path).trim().to_owned()).filter(|l| !l.is_empty())
}

fn number(path: &str) -> Option<u32> {
    line(path)?.parse().ok()
}

fn port_range(text: &str) -> (u16, u16) {
    let mut words = text.split_ascii_whitespace().map(str::parse::<u16>);
    match (words.next(), words.next()) {
        (Some(Ok(first)), Some(Ok(last))) => (first, last),
        _ => (32_768, 60_999),
    }
}

fn memory_available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    Some(line.split_ascii_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// `model name` on x86; other machines have other keys or none.
fn cpu_model(cpuinfo: &str) -> Option<String> {
    let known = |l: &str| l.starts_with("model name") || l.starts_with("Model");
    let (_, model) = cpuinfo.lines().find(|l| known(l))?.split_once(':')?;
    Some(model.trim().to_owned())
}

fn cgroup() -> &'static str {
    let root = Path::new("/sys/fs/cgroup");
    match (root.join("cgroup.controllers").exists(), root.join("unified").exists(), root.join("cpu").exists())
    {
        (true, _, _) => "v2",
        (false, true, _) => "hybrid",
        (false, false, true) => "v1",
        (false, false, false) => "none",
    }
}

/// Field 8 of the line of all CPUs, as a share of fields 1 to 8 (guest time is in user time).
fn steal_share(stat: &str) -> Option<f64> {
    let line = stat.lines().find_map(|l| l.strip_prefix("cpu "))?;
    let fields: Vec<u64> = line.split_ascii_whitespace().take(8).filter_map(|w| w.parse().ok()).collect();
    let sum: u64 = fields.iter().sum();
    (fields.len() == 8 && sum > 0).then(|| fields[7] as f64 / sum as f64)
}

/// Rows in state 06 by their remote address.
fn time_wait(tables: &str) -> BTreeMap<SocketAddr, u64> {
    let mut counts = BTreeMap::new();
    for row in tables.lines() {
        let mut words = row.split_ascii_whitespace().skip(2);
        let (Some(remote), Some("06")) = (words.next(), words.next()) else { continue };
        if let Some(address) = address(remote) {
            *counts.entry(address).or_insert(0) += 1;
        }
    }
    counts.retain(|_, n| *n >= TIME_WAIT_LEAST);
    counts
}

/// `0100007F:1F90`: words of 32 bits in the machine's byte order, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let word = |i: usize| u32::from_str_radix(host.get(i * 8..i * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match host.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let bytes = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

fn clock_read_ns() -> f64 {
    const READS: u32 = 10_000;
    let before = Clock::Monotonic.now();
    for _ in 0..READS {
        std::hint::black_box(Clock::Monotonic.now());
    }
    (Clock::Monotonic.now() - before).0 as f64 / f64::from(READS)
}

/// Tries the timer that the workers use, once a millisecond for 100 ms.
fn timer_late_p99_ns() -> Option<u64> {
    const TRIES: u64 = 100;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let timer = Timer::start(Clock::Monotonic).ok()?;
        let step = Nanos::from_millis(1);
        let base = Nanos(timer.clock().now().0 / step.0 * step.0);
        let mut late = Vec::with_capacity(TRIES as usize);
        for i in 1..=TRIES {
            let due = base + step * i;
            timer.sleep_until(due).await;
            late.push((timer.clock().now() - due).0);
        }
        late.sort_unstable();
        late.get(late.len() * 99 / 100 - 1).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_be_read() {
        let machine = Machine::read();
        assert!(machine.cores >= 1 && machine.descriptors_hard >= machine.descriptors_soft);
        assert!(machine.kernel.starts_with("Linux "), "{}", machine.kernel);
        assert!(machine.clock_read_ns > 0.0 && machine.timer_late_p99_ns.is_some());
        assert!(machine.local_ports() > 1 && machine.memory_available_bytes > Some(0));
    }

    #[test]
    fn addresses_of_the_socket_tables() {
        let v4 = address(if cfg!(target_endian = "little") { "0100007F:1F90" } else { "7F000001:1F90" });
        assert_eq!(v4, Some(SocketAddr::from(([127, 0, 0, 1], 8080))));
        if cfg!(target_endian = "little") {
            assert_eq!(address("0000000000000000FFFF00000100007F:1F90"), v4);
            let v6 = address("00000000000000000000000001000000:0050");
            assert_eq!(v6, Some(SocketAddr::from((Ipv6Addr::LOCALHOST, 80))));
        }
        assert_eq!(address("rem_address"), None);
        assert_eq!(address("0100007F:X"), None);
    }

    #[test]
    fn time_wait_is_counted_by_remote_address() {
        let row = |remote: &str, state: &str| format!("   0: 0100007F:A000 {remote} {state} 00000000:0\n");
        let many = row("0100007F:1F90", "06").repeat(12) + &row("0100007F:1F91", "06").repeat(9);
        let counts = time_wait(&format!("  sl  local rem st\n{many}{}", row("0100007F:1F90", "01")));
        assert_eq!(counts.into_values().collect::<Vec<_>>(), [12]);
    }

    #[test]
    fn lines_of_proc() {
        assert_eq!(port_range("1024\t65535\n"), (1024, 65535));
        assert_eq!(port_range(""), (32_768, 60_999));
        assert_eq!(memory_available("MemTotal: 9 kB\nMemAvailable:   5 kB\n"), Some(5120));
        assert_eq!(steal_share("cpu  10 0 20 60 0 0 0 10 5 0\ncpu0 1\n"), Some(0.1));
        assert_eq!(steal_share("cpu  10 0 20\n"), None);
        let model = cpu_model("processor\t: 0\nmodel name\t: AMD EPYC: 2\n");
        assert_eq!(model.as_deref(), Some("AMD EPYC: 2"));
    }
}
