//! What cannot work is said before the load starts, with what to change.
//!
//! [`check`] holds what a run needs against what the machine allows; it is pure. The one thing
//! changed here is the soft descriptor limit, which a process may raise for itself.

mod machine;

pub use machine::Machine;

use crate::scenario::MOST_CLIENTS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;
use std::io;
use std::net::SocketAddr;

/// Descriptors kept for everything that is no client: epoll, timers, logs, the publisher's spare.
const DESCRIPTORS_BESIDE: u64 = 100;
/// Connections from one source to one address and port; from about 28,000 on the kernel searches
/// for a free port for milliseconds of CPU time.
const CONNECTIONS_TO_ONE: u64 = 25_000;
/// Memory of one connection, both ends and the kernel's share, when the target is local.
const CONNECTION_BYTES: u64 = 24 << 10;
/// A shorter accept queue drops connects that come in a burst.
const ACCEPT_QUEUE: u32 = 1024;
const TIMER_LATE_NS: u64 = 1_000_000;
const CLOCK_READ_NS: f64 = 300.0;
const STEAL_SHARE: f64 = 0.01;

/// What a run needs of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Virtual clients at a time.
    pub clients: u32,
    /// Most publishing connections at a time.
    pub publish_connections: u32,
    /// Whether the target runs on this machine.
    pub local: bool,
    /// Whether it is the bundled reference server, started by this process.
    pub bundled_server: bool,
    /// Where the clients connect to.
    pub address: SocketAddr,
}

impl Demand {
    fn connections(&self) -> u64 {
        u64::from(self.clients) + u64::from(self.publish_connections)
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The run works; the figure may suffer.
    Warn,
    /// The run cannot work.
    Refuse,
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The thing, such as `descriptors`; a row of `doctor`'s table.
    pub what: &'static str,
    /// What is there.
    pub found: String,
    /// What would do.
    pub want: String,
    /// What to change.
    pub hint: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: found {}, wanted {}; {}", self.what, self.found, self.want, self.hint)
    }
}

type Rule = fn(&Demand, &Machine) -> Option<Problem>;

const RULES: &[Rule] =
    &[descriptors, ports, one_address, cores, accept_queue, memory, timer, clock, processes, steal, governor];

/// Everything that does not fit, in the order of the rules. Pure.
pub fn check(demand: &Demand, machine: &Machine) -> Vec<Problem> {
    RULES.iter().filter_map(|rule| rule(demand, machine)).collect()
}

/// The most clients that one process can drive here towards one address, beside so many publishing
/// connections: the least of what descriptors, local ports and the kernel's port search allow, and
/// of [`MOST_CLIENTS`].
pub fn most_clients(machine: &Machine, publish_connections: u32) -> u32 {
    let descriptors = machine.descriptors_hard.saturating_sub(DESCRIPTORS_BESIDE);
    let most = descriptors.min(machine.local_ports()).min(CONNECTIONS_TO_ONE);
    (most.saturating_sub(u64::from(publish_connections)) as u32).min(MOST_CLIENTS)
}

/// Raises the soft descriptor limit to the hard one; gives the soft limit before and after.
///
/// # Errors
/// When the kernel refuses; the limit is then as it was.
pub fn raise_descriptor_limit() -> io::Result<(u64, u64)> {
    let limit = getrlimit(Resource::Nofile);
    let number = |n: Option<u64>| n.unwrap_or(u64::MAX);
    let (before, hard) = (number(limit.current), number(limit.maximum));
    if before < hard {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    }
    Ok((before, hard))
}

fn problem(
    severity: Severity,
    what: &'static str,
    found: String,
    want: String,
    hint: &str,
) -> Option<Problem> {
    Some(Problem { severity, what, found, want, hint: hint.to_owned() })
}

fn descriptors(d: &Demand, m: &Machine) -> Option<Problem> {
    let need = d.connections() + DESCRIPTORS_BESIDE;
    if need <= m.descriptors_hard {
        return None;
    }
    let most = most_clients(m, d.publish_connections);
    let who = if d.bundled_server { " (the bundled server needs as many)" } else { "" };
    let hint = format!("lower clients to {most}, or raise the hard limit as root: ulimit -Hn {need}{who}");
    problem(Severity::Refuse, "descriptors", m.descriptors_hard.to_string(), need.to_string(), &hint)
}

/// TIME-WAIT holds a port only where the kernel may not use it again after a second.
fn ports(d: &Demand, m: &Machine) -> Option<Problem> {
    let (need, all) = (d.connections(), m.local_ports());
    let waiting = m.time_wait_towards(d.address);
    if need + waiting <= all {
        return None;
    }
    let reused = m.tcp_tw_reuse == 1 || (m.tcp_tw_reuse == 2 && d.address.ip().is_loopback());
    let severity = if need <= all && reused { Severity::Warn } else { Severity::Refuse };
    let found = format!("{all} local ports, {waiting} of them in TIME-WAIT towards {}", d.address);
    let hint = if need <= all {
        "wait a minute until TIME-WAIT has passed, or lower clients"
    } else {
        "lower clients, or widen the range as root: sysctl net.ipv4.ip_local_port_range='10240 65000'"
    };
    problem(severity, "local ports", found, need.to_string(), hint)
}

fn one_address(d: &Demand, _: &Machine) -> Option<Problem> {
    let (need, want) = (d.connections(), format!("at most {CONNECTIONS_TO_ONE}"));
    let hint = "above it connecting costs milliseconds of CPU each; lower clients or use several machines";
    (need > CONNECTIONS_TO_ONE)
        .then(|| problem(Severity::Warn, "connections to one address", need.to_string(), want, hint))?
}

fn cores(d: &Demand, m: &Machine) -> Option<Problem> {
    let hint = "target and generator share the core, so each slows the other; use a machine with more cores";
    let shared = m.cores < 2 && (d.local || d.bundled_server);
    shared.then(|| problem(Severity::Warn, "cores", m.cores.to_string(), "2 or more".to_owned(), hint))?
}

fn accept_queue(d: &Demand, m: &Machine) -> Option<Problem> {
    let short = m.somaxconn < ACCEPT_QUEUE && d.clients > m.somaxconn && (d.local || d.bundled_server);
    let hint = "the target's accept queue may overflow while clients connect; lengthen the connect phase, \
                or as root: sysctl net.core.somaxconn=4096";
    let want = format!("{ACCEPT_QUEUE} or more");
    short.then(|| problem(Severity::Warn, "accept queue", m.somaxconn.to_string(), want, hint))?
}

fn memory(d: &Demand, m: &Machine) -> Option<Problem> {
    let need = d.connections() * CONNECTION_BYTES;
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    let hint = "lower clients, or free memory: a machine that swaps measures its disk";
    let short = m.memory_available_bytes.is_some_and(|have| have < need);
    let found = mib(m.memory_available_bytes.unwrap_or(0));
    short.then(|| problem(Severity::Warn, "memory", found, mib(need), hint))?
}

fn timer(_: &Demand, m: &Machine) -> Option<Problem> {
    let found = m.timer_late_p99_ns.filter(|ns| *ns > TIMER_LATE_NS)?;
    let hint = "the machine is busy or its CPUs are shared; stop other work, or expect sends to be late";
    let found = format!("{} us late at p99", found / 1_000);
    problem(Severity::Warn, "timer", found, format!("at most {} us", TIMER_LATE_NS / 1_000), hint)
}

fn clock(_: &Demand, m: &Machine) -> Option<Problem> {
    let hint = "reading the clock is a system call here; see \
                /sys/devices/system/clocksource/clocksource0/current_clocksource";
    let (found, want) = (format!("{:.0} ns a read", m.clock_read_ns), format!("at most {CLOCK_READ_NS} ns"));
    (m.clock_read_ns > CLOCK_READ_NS).then(|| problem(Severity::Warn, "clock", found, want, hint))?
}

fn processes(d: &Demand, m: &Machine) -> Option<Problem> {
    let hidden = d.local && !d.bundled_server && !m.others_readable;
    let hint = "the cost of a target of another user cannot be read; run as the same user or as root";
    let (found, want) = ("own only".to_owned(), "all".to_owned());
    hidden.then(|| problem(Severity::Warn, "processes readable", found, want, hint))?
}

fn steal(_: &Demand, m: &Machine) -> Option<Problem> {
    let share = m.steal_share.filter(|s| *s > STEAL_SHARE)?;
    let hint = "the host takes CPU time away from this virtual machine; figures will scatter";
    problem(Severity::Warn, "steal", format!("{:.1} %", share * 100.0), "below 1 %".to_owned(), hint)
}

fn governor(_: &Demand, m: &Machine) -> Option<Problem> {
    let found = m.governor.clone().filter(|g| g != "performance")?;
    let hint = "the clock rate follows the load, so CPU seconds of two runs may differ; as root: \
                cpupower frequency-set -g performance";
    problem(Severity::Warn, "governor", found, "performance".to_owned(), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(clients: u32) -> Demand {
        Demand {
            clients,
            publish_connections: 10,
            local: true,
            bundled_server: true,
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
        }
    }

    fn whats(demand: &Demand, machine: &Machine) -> Vec<(Severity, &'static str)> {
        check(demand, machine).iter().map(|p| (p.severity, p.what)).collect()
    }

    #[test]
    fn a_good_machine_has_no_problem() {
        assert_eq!(whats(&demand(5_000), &Machine::example()), []);
    }

    #[test]
    fn descriptors_hold_to_the_last_one() {
        let machine = Machine { descriptors_hard: 1_000, ..Machine::example() };
        assert_eq!(most_clients(&machine, 10), 890);
        assert_eq!(whats(&demand(890), &machine), []);
        assert_eq!(whats(&demand(891), &machine), [(Severity::Refuse, "descriptors")]);
        assert!(check(&demand(891), &machine)[0].hint.contains("lower clients to 890"));
    }

    #[test]
    fn ports_hold_to_the_last_one() {
        let machine = Machine { local_port_range: (1_000, 1_999), ..Machine::example() };
        assert_eq!(whats(&demand(990), &machine), []);
        assert_eq!(whats(&demand(991), &machine), [(Severity::Refuse, "local ports")]);
    }

    #[test]
    fn ports_in_time_wait_count_towards_their_address_only() {
        let mut machine = Machine { local_port_range: (1_000, 1_999), tcp_tw_reuse: 0, ..Machine::example() };
        let d = demand(900);
        machine.time_wait.insert(SocketAddr::from(([127, 0, 0, 1], 8081)), 500);
        assert_eq!(whats(&d, &machine), []);
        machine.time_wait.insert(d.address, 91);
        assert_eq!(whats(&d, &machine), [(Severity::Refuse, "local ports")]);
        machine.tcp_tw_reuse = 2;
        assert_eq!(whats(&d, &machine), [(Severity::Warn, "local ports")]);
    }

    #[test]
    fn what_makes_figures_worse_is_a_warning() {
        let bad = Machine {
            cores: 1,
            somaxconn: 128,
            memory_available_bytes: Some(1 << 20),
            timer_late_p99_ns: Some(5_000_000),
            clock_read_ns: 900.0,
            others_readable: false,
            steal_share: Some(0.2),
            governor: Some("powersave".to_owned()),
            ..Machine::example()
        };
        let local = Demand { bundled_server: false, ..demand(500) };
        let found = whats(&local, &bad);
        assert!(found.iter().all(|(s, _)| *s == Severity::Warn));
        let names: Vec<_> = found.iter().map(|(_, w)| *w).collect();
        let all = "cores,accept queue,memory,timer,clock,processes readable,steal,governor";
        assert_eq!(names.join(","), all);
        let far = Demand { local: false, ..local };
        assert!(!whats(&far, &bad).iter().any(|(_, w)| matches!(*w, "cores" | "accept queue")));
    }

    #[test]
    fn many_connections_to_one_address() {
        let machine =
            Machine { descriptors_hard: 1 << 20, local_port_range: (1_024, 65_535), ..Machine::example() };
        assert_eq!(whats(&demand(24_990), &machine), []);
        assert_eq!(whats(&demand(24_991), &machine), [(Severity::Warn, "connections to one address")]);
        assert_eq!(most_clients(&machine, 10), MOST_CLIENTS);
    }

    #[test]
    fn the_soft_limit_reaches_the_hard_one() {
        let (before, after) = raise_descriptor_limit().unwrap();
        assert!(before <= after);
        assert_eq!(raise_descriptor_limit().unwrap(), (after, after));
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), after);
    }
}
