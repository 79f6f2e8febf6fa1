//! Python processes to read, and what every test here needs.

use pushbench::clock::{Clock, sleep_blocking};
use pushbench::model::Nanos;
use pushbench::probe::{PortProbe, Probe};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(crate) struct Python {
    pub(crate) child: Child,
    pub(crate) input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Python {
    pub(crate) fn start(script: &str, args: &[&str]) -> Python {
        let mut command = Command::new("python3");
        command.args(["-c", script]).args(args);
        Python::run(command)
    }

    /// Whatever speaks by lines as our scripts do.
    pub(crate) fn run(mut command: Command) -> Python {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Python { input: child.stdin.take(), child, output }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn line(&mut self) -> Vec<f64> {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).unwrap() > 0, "it ended early");
        line.split_whitespace().filter_map(|w| w.parse().ok()).collect()
    }

    pub(crate) fn ask(&mut self, what: &str) -> Vec<f64> {
        writeln!(self.input.as_mut().unwrap(), "{what}").unwrap();
        self.line()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on: taken and given back.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Clock::Monotonic.now() + Nanos::SECOND * 20;
    while !done() {
        assert!(Clock::Monotonic.now() < deadline, "waited too long until {what}");
        sleep_blocking(Nanos::from_millis(2));
    }
}

/// Of the processes; the line of a control group has none.
pub(crate) fn pids_found(probe: &PortProbe) -> Vec<u32> {
    probe.found().iter().filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
}
