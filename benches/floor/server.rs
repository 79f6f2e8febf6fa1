//! The reference server, a fresh process for each round, on a core of its own.

use anyhow::{Context as _, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running `pushbench serve`; stopped when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it on `cores` (a child inherits the affinity of the thread that starts it).
    pub(crate) fn start(bin: &Path, cores: &CpuSet) -> Result<Server> {
        let all = sched_getaffinity(None)?;
        sched_setaffinity(None, cores)?;
        let mut command = Command::new(bin);
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn();
        sched_setaffinity(None, &all)?;
        let mut child = child.with_context(|| format!("failed to start {}", bin.display()))?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let mut server = Server { child, address: ([127, 0, 0, 1], 0).into() };
        server.address = address(BufReader::new(stdout))?;
        Ok(server)
    }
}

/// From the line `listening on 127.0.0.1:PORT`.
fn address(stdout: impl BufRead) -> Result<SocketAddr> {
    for line in stdout.lines() {
        let line = line?;
        if let Some((_, address)) = line.split_once("listening on ") {
            let word = address.split_whitespace().next().unwrap_or_default();
            return word.trim_start_matches("http://").parse().with_context(|| format!("no address: {line}"));
        }
    }
    anyhow::bail!("the server ended without saying where it listens")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The core of the server and that of the reader: the first and the last that this process may use.
pub(crate) fn cores() -> (CpuSet, CpuSet) {
    let allowed = sched_getaffinity(None).unwrap_or_default();
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|c| allowed.is_set(*c)).collect();
    let one = |core: Option<&usize>| {
        let mut set = CpuSet::new();
        core.into_iter().for_each(|c| set.set(*c));
        set
    };
    (one(cores.first()), one(cores.last()))
}
