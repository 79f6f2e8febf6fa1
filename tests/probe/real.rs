//! Real servers with processes of their own kinds.

use crate::python::{Python, free_port, pids_found, until};
use pushbench::probe::{Depth, PortProbe, Probe};
use std::collections::BTreeSet;
use std::net::TcpStream;
use std::process::Command;

fn installed(program: &str, argument: &str) -> bool {
    let there = Command::new(program).arg(argument).output().is_ok();
    if !there {
        eprintln!("passed over: {program} is not installed");
    }
    there
}

/// Stopped by its own means when the test ends, however it does.
struct Nginx(tempfile::TempDir);

impl Nginx {
    fn command(&self) -> Command {
        let folder = self.0.path();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
        command
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.command().args(["-s", "stop"]).status();
    }
}

#[test]
fn nginx_is_its_master_and_its_workers_through_a_reload() {
    if !installed("nginx", "-v") {
        return;
    }
    let (nginx, port) = (Nginx(tempfile::tempdir().unwrap()), free_port());
    let configuration = format!(
        "worker_processes 2; pid nginx.pid; error_log error.log;\nevents {{ worker_connections 64; }}\n\
         http {{ access_log off; server {{ listen 127.0.0.1:{port}; return 204; }} }}\n"
    );
    std::fs::write(nginx.0.path().join("nginx.conf"), configuration).unwrap();
    if !nginx.command().status().unwrap().success() {
        return eprintln!("passed over: nginx does not start here");
    }
    let mut probe = PortProbe::new(port, None);
    until("master and workers are there", || probe.read(Depth::Light).is_ok_and(|c| c.processes == 3));
    let first: BTreeSet<u32> = pids_found(&probe).into_iter().collect();
    assert!(nginx.command().args(["-s", "reload"]).status().unwrap().success());
    until("the workers are new ones", || {
        let alive = probe.read(Depth::Light).unwrap().processes;
        let new = pids_found(&probe).into_iter().filter(|pid| !first.contains(pid)).count();
        alive == 3 && new >= 2
    });
    assert_eq!(probe.found().iter().filter(|line| line.ends_with("(ended)")).count(), 2);
}

#[test]
fn node_cluster_is_its_primary_and_its_workers_though_only_one_listens() {
    const CLUSTER: &str = r"
const cluster = require('cluster'), net = require('net');
if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()];
  let ready = 0;
  cluster.on('listening', (_, address) => {
    if (++ready === 2) console.log(address.port, process.pid, ...workers.map((w) => w.process.pid));
  });
  process.stdin.on('end', () => process.exit(0)).resume();
} else {
  net.createServer(() => {}).listen(Number(process.env.PORT), '127.0.0.1');
  process.on('disconnect', () => process.exit(0));
}
";
    if !installed("node", "-v") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cluster.js");
    std::fs::write(&file, CLUSTER).unwrap();
    let mut command = Command::new("node");
    command.arg(file).env("PORT", free_port().to_string());
    let mut node = Python::run(command);
    let told = node.line();
    let port = told[0] as u16;
    let mut probe = PortProbe::new(port, None);
    assert_eq!(probe.read(Depth::Light).unwrap().processes, 3);
    let _kept = TcpStream::connect(("127.0.0.1", port)).unwrap();
    probe.read(Depth::Thorough).unwrap();
    let mut pids: Vec<u32> = told[1..].iter().map(|pid| *pid as u32).collect();
    pids.sort_unstable();
    assert_eq!(pids_found(&probe), pids);
}
