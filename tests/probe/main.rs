//! The probe against real processes that keep account of themselves.

#![expect(clippy::unwrap_used, reason = "a test may panic, its own functions too")]
#![expect(clippy::print_stderr, reason = "a test that is passed over says why")]

mod control_group;
mod named;
mod price;
mod python;
mod real;
mod remote;
#[path = "../support/mod.rs"]
mod support;

use pushbench::model::Cost;
use pushbench::probe::{Depth, PortProbe, Probe, ProbeError, SelfProbe};
use python::{Python, free_port, pids_found, until};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// Burns CPU in the main thread, in a thread that ends and, given `fork`, in a child that ends;
/// prints what `getrusage` says; then waits for a line, and so on.
pub(crate) const BURNER: &str = r"
import os, resource, sys, threading, time
def burn(s):
    end = time.thread_time() + s
    while time.thread_time() < end: sum(range(1000))
def tell():
    r = resource.getrusage(resource.RUSAGE_SELF)
    print(r.ru_utime + r.ru_stime, r.ru_nvcsw + r.ru_nivcsw, r.ru_utime, r.ru_stime, r.ru_minflt, flush=True)
for line in sys.stdin:
    if line == 'main\n': burn(0.25)
    if line == 'kernel\n':
        end = time.thread_time() + 0.25
        zero = open('/dev/zero', 'rb', buffering=0)
        room = bytearray(4 << 20)
        while time.thread_time() < end: zero.readinto(room)
    if line == 'thread\n':
        t = threading.Thread(target=burn, args=(0.2,)); t.start(); t.join()
    tell()
";

/// A parent that listens and two children that accept, as a preforking server.
const PREFORK: &str = r"
import ctypes, os, socket, sys
prctl = ctypes.CDLL(None).prctl
l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(16)
pids = [os.getpid()]
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        # Nobody who outlives the test.
        prctl(1, 9)
        kept = []
        while True: kept.append(l.accept())
    pids.append(pid)
print(l.getsockname()[1], *pids, flush=True)
sys.stdin.read()
for pid in pids[1:]: os.kill(pid, 9)
";

/// A listener that hands each connection to a process that is no descendant of it (as far as the
/// tables of parents tell: its parent is this test) by a socket of their own.
const LISTENER: &str = r"
import os, socket, sys
l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(16)
u = socket.socket(socket.AF_UNIX); u.bind(sys.argv[1]); u.listen(1)
print(l.getsockname()[1], flush=True)
w, _ = u.accept()
while True:
    c, _ = l.accept()
    socket.send_fds(w, [b'x'], [c.fileno()]); c.close()
";
const HOLDER: &str = r"
import socket, sys
u = socket.socket(socket.AF_UNIX); u.connect(sys.argv[1])
kept = []
while True:
    kept.append(socket.recv_fds(u, 1, 1)[1]); print('got', flush=True)
";

fn assert_close(read_ns: u64, own_s: f64) {
    let read_s = read_ns as f64 / 1e9;
    let allowed = (own_s * 0.05).max(0.02);
    assert!((read_s - own_s).abs() <= allowed, "read {read_s} s, its own account says {own_s} s");
}

fn assert_grown(before: &Cost, after: &Cost) {
    assert!(after.at >= before.at);
    assert!(after.cpu_ns_total >= before.cpu_ns_total);
    assert!(after.run_delay_ns_total >= before.run_delay_ns_total);
    assert!(after.voluntary_switches_total >= before.voluntary_switches_total);
    assert!(after.involuntary_switches_total >= before.involuntary_switches_total);
    assert!(after.user_ns_total >= before.user_ns_total);
    assert!(after.system_ns_total >= before.system_ns_total);
    assert!(after.minor_faults_total >= before.minor_faults_total);
}

#[test]
fn agrees_with_the_process_own_account_and_keeps_what_ended() {
    let mut python = Python::start(BURNER, &[]);
    let mut probe = PortProbe::new(free_port(), Some(python.pid()));
    let mut last = probe.read(Depth::Light).unwrap();
    for what in ["main", "thread", "main"] {
        let own = python.ask(what);
        let mut now = last;
        // A thread that was waited for may still be on its way out.
        until("one thread is left", || {
            now = probe.read(Depth::Full).unwrap();
            (now.processes, now.threads) == (1, 1)
        });
        assert_grown(&last, &now);
        assert_close(now.cpu_ns_total, own[0]);
        let switches = now.voluntary_switches_total + now.involuntary_switches_total;
        assert!(switches > 0 && switches as f64 <= own[1] + 100.0, "{switches} against {}", own[1]);
        assert!(now.pss_bytes.unwrap() > 1 << 20 && now.pss_bytes.unwrap() <= now.rss_bytes * 11 / 10);
        assert!(now.descriptors.unwrap() >= 3);
        last = now;
    }
    assert_eq!(probe.warnings(), Vec::<String>::new());
    let pid = python.pid();
    drop(python);
    let after = probe.read(Depth::Light).unwrap();
    assert_eq!((after.processes, after.rss_bytes), (0, 0));
    assert_grown(&last, &after);
    assert_eq!(after.pss_bytes, None);
    assert!(probe.found()[0].starts_with(&format!("{pid} ")) && probe.found()[0].ends_with(" (ended)"));
}

#[test]
fn time_is_split_into_user_and_system_as_the_process_own_account_has_it() {
    let mut python = Python::start(BURNER, &[]);
    let mut probe = PortProbe::new(free_port(), Some(python.pid()));
    let mut last = probe.read(Depth::Light).unwrap();
    for what in ["main", "kernel", "main", "kernel"] {
        let own = python.ask(what);
        let now = probe.read(Depth::Light).unwrap();
        assert_grown(&last, &now);
        assert_split(now.user_ns_total, own[2]);
        assert_split(now.system_ns_total, own[3]);
        assert!(now.user_ns_total + now.system_ns_total <= now.cpu_ns_total);
        // The account was taken before its last words.
        assert!(now.minor_faults_total as f64 >= own[4], "{} against {}", now.minor_faults_total, own[4]);
        last = now;
    }
    assert!(last.system_ns_total > 100_000_000, "nothing was spent in the kernel");
    assert!(last.network.is_some() && last.machine.is_some_and(|m| m.cpus > 0));
}

/// Ticks are of 10 ms, and the kernel scales its own account, too.
fn assert_split(read_ns: u64, own_s: f64) {
    let read_s = read_ns as f64 / 1e9;
    assert!(
        (read_s - own_s).abs() <= (own_s * 0.1).max(0.04),
        "read {read_s} s, its own account says {own_s} s"
    );
}

#[test]
fn what_was_used_until_the_end_is_read_while_nobody_has_waited_for_it() {
    let mut python = Python::start(BURNER, &[]);
    let mut probe = PortProbe::new(free_port(), Some(python.pid()));
    let before = probe.read(Depth::Light).unwrap();
    let own = python.ask("main");
    drop(python.input.take());
    let stat = format!("/proc/{}/stat", python.pid());
    until("it has ended", || std::fs::read_to_string(&stat).unwrap().contains(") Z "));
    let after = probe.read(Depth::Light).unwrap();
    assert_eq!((before.processes, after.processes), (1, 0));
    // Its own account stands before its interpreter was taken down.
    assert!(after.cpu_ns_total as f64 / 1e9 > own[0] - 0.02, "{after:?} against {}", own[0]);
}

#[test]
fn finds_a_preforking_server_by_its_port() {
    let mut python = Python::start(PREFORK, &[]);
    let told = python.line();
    let (port, mut pids) = (told[0] as u16, told[1..].iter().map(|p| *p as u32).collect::<Vec<_>>());
    let mut probe = PortProbe::new(port, None);
    assert_eq!(probe.read(Depth::Light).unwrap().processes, 3);
    pids.sort_unstable();
    assert_eq!(pids_found(&probe), pids);
    drop(python.input.take());
    until("the server has ended", || probe.read(Depth::Light).unwrap().processes == 0);
    assert_eq!(probe.found().len(), 3);
}

#[test]
fn finds_who_holds_connections_without_listening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let mut listener = Python::start(LISTENER, &[path.to_str().unwrap()]);
    let port = listener.line()[0] as u16;
    let mut holder = Python::start(HOLDER, &[path.to_str().unwrap()]);
    let mut probe = PortProbe::new(port, None);
    assert_eq!(probe.read(Depth::Light).unwrap().processes, 1);
    let _kept = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    holder.line();
    probe.read(Depth::Thorough).unwrap();
    let mut both = vec![listener.pid(), holder.pid()];
    both.sort_unstable();
    assert_eq!(pids_found(&probe), both);
}

#[test]
fn is_never_the_target_itself() {
    let own = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut probe = PortProbe::new(own.local_addr().unwrap().port(), None);
    assert!(matches!(probe.read(Depth::Light), Err(ProbeError::NoOwner { .. })));
    assert!(probe.found().is_empty());
}

#[test]
fn a_port_without_owner_says_what_would_do() {
    let error = PortProbe::new(free_port(), None).read(Depth::Light).unwrap_err();
    assert!(error.to_string().contains("container"), "{error}");
}

#[test]
fn its_own_cost_holds_no_child() {
    let mut python = Python::start(BURNER, &[]);
    let mut probe = SelfProbe::new();
    let before = probe.read(Depth::Full).unwrap();
    let burnt = python.ask("main")[0];
    let after = probe.read(Depth::Full).unwrap();
    assert_grown(&before, &after);
    assert_eq!(after.processes, 1);
    let used = (after.cpu_ns_total - before.cpu_ns_total) as f64 / 1e9;
    assert!(burnt > 0.2 && used < burnt, "used {used} s while its child burnt {burnt} s");
    assert_eq!(probe.found(), [format!("{} {}", std::process::id(), own_name())]);
}

fn own_name() -> String {
    std::fs::read_to_string("/proc/self/comm").unwrap().trim_end().to_owned()
}
