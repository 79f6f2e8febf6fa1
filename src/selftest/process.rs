//! A process of this very program that a part started beside a run: a relay, a hog, a server of its
//! own. Ends with the value, whatever happens to us: its stdin closes.

use super::SelftestError;
use super::witness::Stall;
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A started process that said that it is ready.
pub(super) struct Started {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// Where it listens; `None`: nowhere.
    pub(super) address: Option<SocketAddr>,
    /// Where it listens with TLS.
    pub(super) tls: Option<SocketAddr>,
    /// The certificate of that listener, PEM.
    pub(super) certificate: String,
}

impl Started {
    /// `pushbench selftest --helper WORDS`.
    pub(super) fn helper(program: &Path, words: &str) -> io::Result<Started> {
        Started::start(program, &["selftest", "--helper", words], words.contains("tls"))
    }

    /// A witness on these cores, ahead of everybody else there if the system lets us.
    pub(super) fn witness(program: &Path, cpus: &[usize]) -> io::Result<Started> {
        let cpus: Vec<String> = cpus.iter().map(ToString::to_string).collect();
        let words = format!("witness cpu {}", cpus.join(" "));
        let mut first = Command::new("chrt");
        first.args(["--fifo", "1"]).arg(program).stderr(Stdio::null());
        match Started::spawn(first, &["selftest", "--helper", &words], false) {
            Ok(started) => Ok(started),
            Err(_) => Started::helper(program, &words),
        }
    }

    /// `pushbench serve` with these arguments.
    pub(super) fn server(program: &Path, args: &[&str]) -> io::Result<Started> {
        let fixed = ["serve", "--listen", "127.0.0.1:0", "--exit-with-stdin"];
        Started::start(program, &[&fixed, args].concat(), args.contains(&"--tls-listen"))
    }

    fn start(program: &Path, args: &[&str], with_tls: bool) -> io::Result<Started> {
        Started::spawn(Command::new(program), args, with_tls)
    }

    fn spawn(mut command: Command, args: &[&str], with_tls: bool) -> io::Result<Started> {
        let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("it has no stdout"))?;
        let mut started = Started {
            child,
            stdin,
            stdout: BufReader::new(stdout),
            address: None,
            tls: None,
            certificate: String::new(),
        };
        started.address = started.address_after("listening on ")?;
        if with_tls {
            started.tls = started.address_after("tls ")?;
            while !started.certificate.contains("-----END CERTIFICATE-----\n") {
                let line = started.line()?;
                started.certificate.push_str(&line);
            }
        }
        Ok(started)
    }

    fn address_after(&mut self, words: &str) -> io::Result<Option<SocketAddr>> {
        let line = self.line()?;
        let address = line.strip_prefix(words).map(|a| a.trim().parse().ok());
        address.ok_or_else(|| io::Error::other(format!("it said {line:?} instead of `{words}...`")))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.stdout.read_line(&mut line)? {
            0 => Err(io::Error::other("it ended before it was ready")),
            _ => Ok(line),
        }
    }

    /// Asks a witness for what it saw so far.
    pub(super) fn stalls(&mut self) -> Result<Vec<Stall>, SelftestError> {
        self.counts().map_err(|source| SelftestError::Helper { what: "ask the witness", source })
    }

    /// Asks for what it counted so far.
    pub(super) fn counts<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let stdin = self.stdin.as_mut().ok_or_else(|| io::Error::other("it has no stdin"))?;
        stdin.write_all(b"counts\n")?;
        Ok(serde_json::from_str(&self.line()?)?)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Dead already, or it dies now: nothing it holds is worth waiting for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
