//! Processes that a scenario names, and a target in another network namespace.

use crate::python::{Python, free_port, pids_found, until};
use pushbench::probe::{Depth, Named, PortProbe, Probe, ProbeError};
use regex_lite::Regex;
use std::process::Command;

/// Sleeps until its input ends; tells its pid.
const SLEEPER: &str = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()";

/// Starts a child when asked, and tells its pid.
const PARENT: &str = r"
import subprocess, sys
kept = []
for line in sys.stdin:
    kept.append(subprocess.Popen(['sleep', '60'])); print(kept[-1].pid, flush=True)
for child in kept: child.kill()
";

fn named(pids: &[u32], commands: &[&str]) -> Named {
    let commands = commands.iter().map(|c| Regex::new(c).unwrap()).collect();
    Named { pids: pids.to_vec(), commands, ..Named::default() }
}

fn sorted<const N: usize>(mut pids: [u32; N]) -> [u32; N] {
    pids.sort_unstable();
    pids
}

#[test]
fn a_pid_that_is_named_needs_no_port_and_its_children_are_followed() {
    let mut parent = Python::start(PARENT, &[]);
    let mut probe = PortProbe::with(free_port(), None, named(&[parent.pid()], &[]));
    assert_eq!(probe.read(Depth::Light).unwrap().processes, 1);
    let child = parent.ask("go")[0] as u32;
    assert_eq!(probe.read(Depth::Light).unwrap().processes, 2);
    assert_eq!(pids_found(&probe), sorted([parent.pid(), child]));
    assert_eq!(probe.warnings(), Vec::<String>::new());
    let pid = parent.pid();
    drop(parent.input.take());
    parent.child.wait().unwrap();
    until("both have ended", || probe.read(Depth::Light).unwrap().processes == 0);
    assert_eq!(probe.warnings(), [format!("[target] cost.pid: there is no process {pid} any more")]);
}

#[test]
fn who_is_named_and_not_read_is_told_with_what_the_figures_are_then() {
    const HOLDER: &str = "import socket, sys; l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(); \
                          print(l.getsockname()[1], flush=True); sys.stdin.read()";
    let mut holder = Python::start(HOLDER, &[]);
    let port = holder.line()[0] as u16;
    let none = 4_194_304; // Beyond PID_MAX_LIMIT.
    let mut probe = PortProbe::with(port, None, named(&[none], &["no-such-command-line-[0-9]"]));
    probe.read(Depth::Thorough).unwrap();
    let then = format!("the figures are those of who holds port {port} alone");
    let (pid, command) = ("[target] cost.pid", "[target] cost.command");
    assert_eq!(
        probe.warnings(),
        [
            format!("{pid}: there is no process {none}; {then}"),
            format!(
                "{command}: no process has a command line that matches `no-such-command-line-[0-9]`; {then}"
            ),
        ]
    );
    let above = std::os::unix::process::parent_id();
    let mut probe = PortProbe::with(port, None, named(&[above], &[]));
    for depth in [Depth::Thorough, Depth::Light] {
        probe.read(depth).unwrap();
        assert_eq!(pids_found(&probe), [holder.pid()]);
        let told = format!("{pid}: process {above} is left out: pushbench itself descends from it; {then}");
        assert_eq!(probe.warnings(), [told]);
    }
}

#[test]
fn a_command_line_is_found_and_found_again_after_a_restart() {
    let mark = format!("pushbench-named-{}", std::process::id());
    let mut probe = PortProbe::with(free_port(), None, named(&[], &[&format!("{mark} (one|two)$")]));
    assert!(matches!(probe.read(Depth::Light), Err(ProbeError::NoOwner { .. })));
    assert!(probe.warnings()[0].contains("no process has a command line"), "{:?}", probe.warnings());
    let mut first = Python::start(SLEEPER, &[&mark, "one"]);
    let other = Python::start(SLEEPER, &[&mark, "three"]);
    first.line();
    let before = probe.read(Depth::Light).unwrap();
    assert_eq!(pids_found(&probe), [first.pid()]);
    drop(first);
    let mut second = Python::start(SLEEPER, &[&mark, "two"]);
    second.line();
    let after = probe.read(Depth::Light).unwrap();
    assert_eq!(after.processes, 1);
    assert!(after.cpu_ns_total > before.cpu_ns_total, "the share of the ended one is kept");
    let found = probe.found();
    assert!(found[0].starts_with(&second.pid().to_string()) && found[1].ends_with("(ended)"), "{found:?}");
    drop(other);
}

#[test]
fn a_server_in_another_network_namespace_is_found_and_its_counters_are_its_own() {
    // The shell becomes the server; the process that is named is its child, so that it is no
    // descendant of what is named.
    const SERVER: &str = r"
import socket, sys, threading
l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(16)
def serve():
    c, _ = l.accept()
    while c.recv(1 << 16): pass
threading.Thread(target=serve, daemon=True).start()
print(sys.argv[1], l.getsockname()[1], flush=True)
c = socket.create_connection(l.getsockname())
for line in sys.stdin:
    c.sendall(bytes(2 << 20)); print(1, flush=True)
";
    let script = format!("ip link set lo up; sleep 60 & exec python3 -c \"{SERVER}\" $!");
    let mut command = Command::new("unshare");
    command.args(["-n", "sh", "-c", &script]);
    if !Command::new("unshare")
        .args(["-n", "ip", "link", "set", "lo", "up"])
        .status()
        .is_ok_and(|s| s.success())
    {
        eprintln!("passed over: this machine lets nobody make a network namespace (unshare -n fails)");
        return;
    }
    let mut server = Python::run(command);
    let told = server.line();
    let (sleeper, port) = (told[0] as u32, told[1] as u16);
    // Without a name the port is nobody's: it is not of this namespace.
    assert!(matches!(PortProbe::new(port, None).read(Depth::Thorough), Err(ProbeError::NoOwner { .. })));
    let mut probe = PortProbe::with(port, None, named(&[sleeper], &[]));
    let before = probe.read(Depth::Thorough).unwrap().network.unwrap();
    assert_eq!(pids_found(&probe), sorted([server.pid(), sleeper]));
    server.ask("send");
    let mut after = before;
    let mut sent = 0;
    // What was handed to the kernel may still wait in a buffer.
    until("all crossed its loopback", || {
        after = probe.read(Depth::Light).unwrap().network.unwrap();
        sent = after.loopback_bytes_total - before.loopback_bytes_total;
        sent >= 2 << 20
    });
    assert!((2 << 20..4 << 20).contains(&sent), "{sent} bytes over its loopback");
    assert_eq!((after.in_bytes_total, after.out_bytes_total), (0, 0), "it has no other interface");
    let _ = Command::new("kill").arg(sleeper.to_string()).status();
}
