//! The server under test: started when the plan says so, awaited, found, stopped.

use super::cores::on_core;
use super::interrupt::Interrupt;
use super::process::{LOOK, Process};
use super::rail::{is_local, is_near};
use super::{EngineError, Observer, Options};
use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use crate::net::resolve;
use crate::scenario::{Base, Plan, RunPlan, TargetPlan};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long the bundled server may take to say where it listens.
const FIRST_LINE: Nanos = Nanos::from_millis(10_000);

/// Where the plan's target is, before anything is started.
pub(super) enum Found {
    /// The bundled server: on this machine, at a port that is not known yet.
    Bundled,
    /// Somewhere else: where subscribers attach; where publishers do, and their `Host` header.
    At { address: SocketAddr, publish: (SocketAddr, String) },
}

impl Found {
    /// Looks the target up, and refuses one that is far away.
    pub(super) fn of(plan: &Plan, run: &RunPlan) -> Result<Found, EngineError> {
        match &plan.target {
            TargetPlan::Bundled => Ok(Found::Bundled),
            TargetPlan::External { base, allow_remote, .. } => {
                let address = look_up(base, *allow_remote)?;
                Ok(Found::At { address, publish: publish_address(run, base, address, *allow_remote)? })
            }
        }
    }

    /// Whether it is on this machine, whoever starts it.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Found::Bundled => true,
            Found::At { address, .. } => is_local(address),
        }
    }
}

/// A target that is ready.
pub(super) struct RunningTarget {
    /// Value of the `Host` header.
    pub(super) authority: String,
    /// Where subscribers attach.
    pub(super) address: SocketAddr,
    /// Where publishers attach, and their `Host` header.
    pub(super) publish: (SocketAddr, String),
    /// The port whose owners are priced.
    pub(super) cost_port: u16,
    /// Whether it runs on this machine.
    pub(super) local: bool,
    process: Option<Process>,
}

impl RunningTarget {
    /// Starts what is to be started, on `core`, and waits until it is ready.
    pub(super) fn start(
        plan: &Plan,
        found: Found,
        options: &Options,
        core: Option<usize>,
        interrupt: &Interrupt,
        observer: &mut dyn Observer,
    ) -> Result<RunningTarget, EngineError> {
        let (
            TargetPlan::External { base, start, ready, ready_timeout, cost_port, .. },
            Found::At { address, publish },
        ) = (&plan.target, found)
        else {
            return bundled(options, core, interrupt);
        };
        let process = match start {
            Some(command) => Some(start_external(command, plan.path.as_deref(), address, core)?),
            None => None,
        };
        let mut target = RunningTarget {
            authority: base.authority(),
            address,
            publish,
            cost_port: cost_port.unwrap_or(base.port),
            local: is_local(&address),
            process,
        };
        target.wait_ready(base, ready.as_deref(), *ready_timeout, interrupt, observer)?;
        Ok(target)
    }

    /// The process that this run started, if it did.
    pub(super) fn started_pid(&self) -> Option<u32> {
        self.process.as_ref().map(|p| p.id())
    }

    fn wait_ready(
        &mut self,
        base: &Base,
        ready: Option<&str>,
        timeout: Nanos,
        interrupt: &Interrupt,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let url = format!("http://{}{}", base.authority(), ready.unwrap_or(""));
        let deadline = Clock::Monotonic.now() + timeout;
        let mut last = None;
        while Clock::Monotonic.now() < deadline {
            if interrupt.requested() {
                return Err(EngineError::Interrupted);
            }
            let error = match if ready.is_some() { ask(&url) } else { knock(&self.address) } {
                Ok(status) if status < 400 => return Ok(()),
                Ok(status) => format!("it answered {status}"),
                Err(error) => error,
            };
            if let Some(told) = self.process.as_mut().and_then(Process::ended) {
                return Err(EngineError::Target(told));
            }
            if last.replace(error).is_none() {
                observer.waiting(&format!("{url} to be ready (up to {timeout})"));
            }
            sleep_blocking(LOOK);
        }
        let last = last.unwrap_or_else(|| "no attempt was made".to_owned());
        let told = self.process.as_ref().map(Process::told).unwrap_or_default();
        let hint = "start it, or give [target] start; [target] ready_timeout sets how long to wait";
        Err(EngineError::Target(format!("{url} was not ready within {timeout}: {last}{told} ({hint})")))
    }
}

/// One readiness request on the control path: never through a proxy, never following a redirect.
fn ask(url: &str) -> Result<u16, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(2))
        .tls_backend_preconfigured(no_roots())
        .build()
        .map_err(|e| e.to_string())?;
    let sent = runtime.block_on(async { client.get(url).send().await });
    sent.map(|r| r.status().as_u16()).map_err(|e| root_cause(&e))
}

/// What a client for plain HTTP needs only because it could also speak TLS.
fn no_roots() -> rustls::ClientConfig {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs has suites for TLS 1.2 and 1.3")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// Without a path to ask, a port that accepts connections is ready enough.
fn knock(address: &SocketAddr) -> Result<u16, String> {
    TcpStream::connect_timeout(address, Duration::from_secs(2)).map(|_| 0).map_err(|e| e.to_string())
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn look_up(base: &Base, allow_remote: bool) -> Result<SocketAddr, EngineError> {
    let found = resolve(&base.host, base.port)
        .map_err(|e| EngineError::Target(format!("failed to look up {}: {e}", base.host)))?;
    let address =
        *found.first().ok_or_else(|| EngineError::Target(format!("{} has no address", base.host)))?;
    if !allow_remote && !is_near(&address) {
        return Err(EngineError::Refused(format!(
            "{} is {}, neither loopback nor private; if it is yours, say so with [target] allow_remote = true or --allow-remote",
            base.host,
            address.ip()
        )));
    }
    Ok(address)
}

fn publish_address(
    run: &RunPlan,
    base: &Base,
    address: SocketAddr,
    allow_remote: bool,
) -> Result<(SocketAddr, String), EngineError> {
    match run.publish.as_ref().and_then(|p| p.base()) {
        Some(other) => Ok((look_up(other, allow_remote)?, other.authority())),
        None => Ok((address, base.authority())),
    }
}

fn bundled(
    options: &Options,
    core: Option<usize>,
    interrupt: &Interrupt,
) -> Result<RunningTarget, EngineError> {
    let mut command = Command::new(&options.server);
    // The pipe to its stdin closes when this process ends, however it ends, and the server with it.
    command.args(["serve", "--listen", "127.0.0.1:0", "--exit-with-stdin"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let told =
        |e: String| EngineError::Target(format!("the bundled server {}: {e}", options.server.display()));
    let mut process = on_core(core, || Process::spawn(&mut command)).map_err(|e| told(e.to_string()))?;
    let line = match process.first_line(FIRST_LINE, interrupt) {
        Ok(line) => line,
        Err(_) if interrupt.requested() => return Err(EngineError::Interrupted),
        Err(error) => return Err(told(error)),
    };
    let address: SocketAddr = line
        .strip_prefix("listening on ")
        .and_then(|a| a.trim().parse().ok())
        .ok_or_else(|| told(format!("said {line:?} instead of where it listens")))?;
    Ok(RunningTarget {
        authority: address.to_string(),
        address,
        publish: (address, address.to_string()),
        cost_port: address.port(),
        local: true,
        process: Some(process),
    })
}

fn start_external(
    start: &str,
    scenario: Option<&Path>,
    address: SocketAddr,
    core: Option<usize>,
) -> Result<Process, EngineError> {
    if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
        return Err(EngineError::Target(format!(
            "something already listens on {address}: stop it, or leave out [target] start to drive what is there"
        )));
    }
    let folder = scenario.and_then(Path::parent).filter(|p| !p.as_os_str().is_empty());
    let mut command = Command::new("sh");
    command.args(["-c", start]).current_dir(folder.unwrap_or(Path::new(".")));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    on_core(core, || Process::spawn(&mut command)).map_err(|e| EngineError::Target(format!("`{start}`: {e}")))
}
