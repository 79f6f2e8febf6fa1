//! `pushbench probe`.

use super::exit;
use crate::beside::Lookout;
use crate::probe::{GroupName, Named, NamedBy, PortProbe};
use crate::server::{Desk, Token};
use anyhow::Context;
use regex_lite::Regex;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};

/// Tell a run on another machine what the target here pays.
///
/// Reads CPU, memory, sockets and so on of the target's processes, as a run on this machine would, and
/// tells them over HTTP to who shows the token. It changes nothing, and reads only when it is asked.
/// The scenario on the other machine names it as `[target] probe = { url, token, ca }`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  export PROBE_TOKEN=$(openssl rand -hex 16)
  pushbench probe --token-env PROBE_TOKEN --port 18080
      whoever holds port 18080, told to this machine alone; from another one through
      ssh -L 9911:127.0.0.1:9911 HOST, and url = \"http://127.0.0.1:9911\" there
  pushbench probe --listen 10.0.0.5:9911 --tls-cert cert.pem --tls-key key.pem \\
      --token-file token --unit nginx.service
      a systemd unit and its control group, over TLS
  curl -H \"Authorization: Bearer $PROBE_TOKEN\" 'http://127.0.0.1:9911/v1/reading?depth=full'
      one reading by hand; /v1/about tells who tells

In the scenario:
  [target]
  base = \"http://10.0.0.5:18080\"
  probe = { url = \"https://10.0.0.5:9911\", token = \"${env:PROBE_TOKEN}\", ca = \"ca.pem\" }

Exit codes: 1 failed, 2 usage (no token, or one that can be guessed), 130/143 ended by Ctrl-C or
SIGTERM, which is how it ends.")]
pub(super) struct Args {
    /// Address and port to listen on; port 0 takes a free one. Beyond loopback, give it TLS too
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9911")]
    listen: SocketAddr,
    /// The environment variable that holds the token, 16 characters or more
    #[arg(long, value_name = "NAME", conflicts_with = "token_file", required_unless_present = "token_file")]
    token_env: Option<String>,
    /// The file that holds it, on one line
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Speak TLS: a PEM file with the certificate, its chain behind it
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// A PEM file with its key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The target: who holds this port, and all that they start
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..),
        required_unless_present_any = ["pid", "command", "cgroup", "unit"])]
    port: Option<u16>,
    /// This process, and all that it starts; may be given several times
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pid: Vec<u32>,
    /// Processes whose command line (arguments joined by spaces) matches this regular expression;
    /// may be given several times
    #[arg(long, value_name = "REGEX", value_parser = pattern)]
    command: Vec<Regex>,
    /// The processes of this control group, whose own counters are read too
    #[arg(long, value_name = "PATH", conflicts_with = "unit")]
    cgroup: Option<String>,
    /// The same for the control group of this systemd unit
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    let token = match token(&args) {
        Ok(token) => token,
        Err(error) => {
            super::say_error("error", &error);
            return Ok(exit::USAGE);
        }
    };
    let identity = identity(&args)?;
    let identity = identity.as_ref().map(|(cert, key)| (cert.as_slice(), key.as_slice()));
    let desk = Desk::bind(args.listen, identity, token)?;
    let reads = words(&args);
    let probe = PortProbe::with(args.port.unwrap_or(0), None, named(&args));
    let lookout = Lookout::new(Box::new(probe), reads.clone()).context("failed to start reading")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, run(desk, lookout, &reads))
}

/// Tells until it is told to end.
async fn run(desk: Desk, lookout: Lookout, reads: &[String]) -> anyhow::Result<u8> {
    // Before the line that says it listens: whoever read it may send a signal at once.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    announce(&desk, reads)?;
    let told = async {
        introduce(&lookout).await;
        desk.serve(lookout).await.context("failed to tell")
    };
    tokio::select! {
        ended = told => ended.map(|()| exit::GOOD),
        _ = interrupt.recv() => Ok(exit::INTERRUPTED),
        _ = terminate.recv() => Ok(exit::TERMINATED),
    }
}

fn announce(desk: &Desk, reads: &[String]) -> io::Result<()> {
    let (address, secure) = (desk.address(), desk.is_secure());
    if !address.ip().is_loopback() && !secure {
        super::say(&format!(
            "warning: {address} can be reached from other machines, and without --tls-cert and --tls-key the token and \
             all readings cross the network in the clear"
        ));
    }
    super::say(&format!("reads {}{}", reads.join(", "), if secure { "; speaks TLS" } else { "" }));
    let mut out = io::stdout().lock();
    writeln!(out, "listening on {address}")?;
    out.flush()
}

/// A first look, so that a wrong guess is seen where it can be mended.
async fn introduce(lookout: &Lookout) {
    match lookout.first_look().await {
        Ok(found) => super::say(&format!("found {}", found.join(", "))),
        Err(why) => super::say(&format!("warning: nothing can be read yet: {why}")),
    }
}

/// The token, from where it is kept; never from the command line, which every user of the machine can read.
fn token(args: &Args) -> anyhow::Result<Token> {
    let (from, text) = match (&args.token_env, &args.token_file) {
        (Some(name), _) => {
            let found = std::env::var(name).with_context(|| format!("no token in ${name}"))?;
            (format!("${name}"), found)
        }
        (None, Some(path)) => (path.display().to_string(), token_of(path)?),
        (None, None) => anyhow::bail!("no token: give --token-env or --token-file"),
    };
    Token::new(text.trim_end_matches(['\r', '\n'])).with_context(|| format!("{from} holds no token"))
}

fn token_of(path: &Path) -> anyhow::Result<String> {
    let failed = || format!("failed to read the token from {}", path.display());
    let mode = std::fs::metadata(path).with_context(failed)?.permissions().mode();
    if mode & 0o044 != 0 {
        super::say(&format!("warning: other users may read the token in {0}: chmod 600 {0}", path.display()));
    }
    std::fs::read_to_string(path).with_context(failed)
}

type Pem = Vec<u8>;

fn identity(args: &Args) -> anyhow::Result<Option<(Pem, Pem)>> {
    let read =
        |path: &PathBuf| std::fs::read(path).with_context(|| format!("failed to read {}", path.display()));
    let both = args.tls_cert.as_ref().zip(args.tls_key.as_ref());
    both.map(|(cert, key)| Ok((read(cert)?, read(key)?))).transpose()
}

fn named(args: &Args) -> Named {
    let path = args.cgroup.clone().map(GroupName::Path);
    Named {
        pids: args.pid.clone(),
        commands: args.command.clone(),
        group: path.or_else(|| args.unit.clone().map(GroupName::Unit)),
        by: NamedBy::Flags,
    }
}

/// What is looked at, for a person.
fn words(args: &Args) -> Vec<String> {
    let port = args.port.map(|port| format!("port {port}"));
    let pids = args.pid.iter().map(|pid| format!("pid {pid}"));
    let commands = args.command.iter().map(|command| format!("command `{command}`"));
    let cgroup = args.cgroup.iter().map(|path| format!("control group {path}"));
    let unit = args.unit.iter().map(|unit| format!("unit {unit}"));
    port.into_iter().chain(pids).chain(commands).chain(cgroup).chain(unit).collect()
}

fn pattern(text: &str) -> Result<Regex, String> {
    let found = Regex::new(text).map_err(|e| format!("want a regular expression that compiles ({e})"))?;
    match found.is_match("") {
        true => Err("want one that does not match every process".to_owned()),
        false => Ok(found),
    }
}
