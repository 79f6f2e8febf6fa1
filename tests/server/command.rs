//! `pushbench serve`, the process.

use crate::raw::{Raw, until_stats};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// Starts `shell` with the program as `$0`, and waits until it listens.
fn serve(shell: &str) -> (Child, SocketAddr) {
    let mut command = Command::new("sh");
    command.args(["-c", shell, env!("CARGO_BIN_EXE_pushbench")]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.strip_prefix("listening on ").unwrap().trim_end().parse().unwrap();
    (child, address)
}

#[test]
fn ends_with_its_parent_or_by_a_signal() {
    let (mut child, address) = serve("exec $0 serve --listen 127.0.0.1:0 --cpu 0 --exit-with-stdin");
    assert_eq!(Raw::open(address).get("/ok").body, "ok\n");
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    for name in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let (mut child, address) = serve("exec $0 serve --listen 127.0.0.1:0");
        let _open = Raw::upgraded(address, "/ws/a");
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), name).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn out_of_descriptors_it_waits_and_goes_on() {
    let (mut child, address) = serve("ulimit -n 40; exec $0 serve --listen 127.0.0.1:0 --exit-with-stdin");
    let mut first = Raw::open(address);
    assert_eq!(first.get("/ok").status, 200);
    // The kernel takes these into the backlog, most of them before the server can.
    let crowd: Vec<Raw> = (0..60).map(|_| Raw::open(address)).collect();
    while first.get("/stats").body.contains("\"accept_pauses\":0") {
        std::thread::yield_now();
    }
    assert_eq!(first.get("/ok").status, 200, "those who are in are served");
    drop(crowd);
    until_stats(address, "\"connections\":2,\"accepted\":62");
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn refuses_what_cannot_work() {
    for (arguments, reason) in [
        (["--history", "0"], "above 0"),
        (["--hold", "5"], "500ms, 25s, 2m"),
        (["--cpu", "99999"], "core 99999"),
        (["--listen", "192.0.2.1:9000"], "failed to listen on 192.0.2.1:9000"),
        (["--listen=127.0.0.1:0", "--tls-listen=192.0.2.1:9443"], "failed to listen on 192.0.2.1:9443"),
        (["--fault", "restart at noon"], "bad time `noon`: want a number and a unit"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pushbench"));
        let output = command.arg("serve").args(arguments).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(reason), "{told}");
    }
}

#[test]
fn tells_its_tls_address_and_certificate() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushbench"));
    let command = command.args(["serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"]);
    let command = command.args(["--fault", "restart at 10m for 1s", "--exit-with-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let plain = lines.next().unwrap();
    let secure = lines.next().unwrap();
    let mut pem = String::new();
    while !pem.contains("-----END CERTIFICATE-----") {
        pem += &(lines.next().unwrap() + "\n");
    }
    assert!(plain.starts_with("listening on 127.0.0.1:") && pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
    let address = secure.strip_prefix("tls ").unwrap().parse().unwrap();
    let mut raw = crate::secure::open(address, &crate::secure::trusting(&pem, &[]));
    assert_eq!(raw.get("/ok").body, "ok\n");
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
