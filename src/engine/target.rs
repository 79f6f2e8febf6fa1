//! The server under test: started when the plan says so, awaited, found, stopped.

use super::cores::on_core;
use super::interrupt::Interrupt;
use super::rail::{is_local, is_near};
use super::{EngineError, Observer, Options};
use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use crate::net::resolve;
use crate::scenario::{Base, Plan, RunPlan, TargetPlan};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a stopped target may take to go before it is killed.
const GRACE: Nanos = Nanos::from_millis(5_000);
/// How long the bundled server may take to say where it listens.
const FIRST_LINE: Nanos = Nanos::from_millis(10_000);
/// How often a wait looks whether it is to end.
const LOOK: Nanos = Nanos::from_millis(50);
/// How much of what a target wrote is kept to tell why it did not start, bytes.
const TAIL: usize = 2_000;

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
        self.process.as_ref().map(|p| p.child.id())
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
        .build()
        .map_err(|e| e.to_string())?;
    let sent = runtime.block_on(async { client.get(url).send().await });
    sent.map(|r| r.status().as_u16()).map_err(|e| root_cause(&e))
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
    match run.publish.as_ref().and_then(|p| p.base.as_ref()) {
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

/// The process groups of the targets that this process has started and not yet stopped. Static,
/// because the second Ctrl-C finds nobody who could hand them over.
///
/// The kernel could do it for us, also when we are killed (PR_SET_PDEATHSIG), but the child would
/// have to ask for it between fork and exec: that takes unsafe code, so it is left out.
static STARTED: Mutex<Vec<i32>> = Mutex::new(Vec::new());

fn started() -> MutexGuard<'static, Vec<i32>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kill_group(group: i32, with: Signal) {
    // Gone already is as good.
    let _ = Pid::from_raw(group).map(|group| kill_process_group(group, with));
}

/// Kills every target that was started, without grace, and ends this process.
pub(super) fn kill_started_and_exit(code: i32) -> ! {
    // Held to the end: no other thread may start one meanwhile.
    let started = started();
    started.iter().for_each(|group| kill_group(*group, Signal::KILL));
    std::process::exit(code)
}

/// A process of ours in a group of its own: a Ctrl-C at the terminal reaches us, not it, so that it
/// lives until the last message is in. Stopped when dropped.
struct Process {
    child: Child,
    tail: Arc<Mutex<Vec<u8>>>,
}

impl Process {
    fn spawn(command: &mut Command) -> std::io::Result<Process> {
        let mut child = {
            // Held over the start: a process is either in the list or not started.
            let mut started = started();
            let child = command.spawn()?;
            started.extend(i32::try_from(child.id()));
            child
        };
        let tail = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&tail);
        let stderr = child.stderr.take();
        // From here on it is stopped whatever goes wrong.
        let process = Process { child, tail };
        if let Some(stderr) = stderr {
            std::thread::Builder::new()
                .name("target-stderr".to_owned())
                .spawn(move || keep_tail(stderr, &kept))?;
        }
        Ok(process)
    }

    /// Its first line on stdout, or why none came: also that it took too long, or an interrupt.
    fn first_line(&mut self, within: Nanos, interrupt: &Interrupt) -> Result<String, String> {
        let Some(stdout) = self.child.stdout.take() else { return Err("has no stdout".to_owned()) };
        let (sender, line) = channel();
        // A thread, because a read has no deadline; it ends with the process, which closes the pipe.
        std::thread::Builder::new()
            .name("target-stdout".to_owned())
            .spawn(move || {
                let mut line = String::new();
                let read = BufReader::new(stdout).read_line(&mut line);
                // Nobody waits any more: then nobody needs it.
                let _ = sender.send(read.map(|_| line));
            })
            .map_err(|e| e.to_string())?;
        let deadline = Clock::Monotonic.now() + within;
        while Clock::Monotonic.now() < deadline && !interrupt.requested() {
            match line.recv_timeout(LOOK.into()) {
                Ok(Ok(line)) if line.is_empty() => {
                    // What it wrote to stderr at its end is read by another thread.
                    sleep_blocking(LOOK);
                    return Err(format!("ended before it listened{}", self.told()));
                }
                Ok(read) => return read.map_err(|e| e.to_string()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Err(format!("did not say within {within} where it listens{}", self.told()))
    }

    /// Why it is over, if it is.
    fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(format!("it ended with {status} before it was ready{}", self.told()))
    }

    /// The end of what it wrote to stderr, as an addition to a message.
    fn told(&self) -> String {
        let tail =
            self.tail.lock().map(|t| String::from_utf8_lossy(&t).trim().to_owned()).unwrap_or_default();
        if tail.is_empty() { String::new() } else { format!("; it wrote:\n{tail}\n") }
    }
}

fn keep_tail(mut from: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut chunk = [0_u8; 1024];
    while let Ok(n @ 1..) = from.read(&mut chunk) {
        let Ok(mut kept) = kept.lock() else { return };
        kept.extend_from_slice(&chunk[..n]);
        let surplus = kept.len().saturating_sub(TAIL);
        kept.drain(..surplus);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Ok(group) = i32::try_from(self.child.id()) else { return };
        kill_group(group, Signal::TERM);
        let deadline = Clock::Monotonic.now() + GRACE;
        while Clock::Monotonic.now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            sleep_blocking(Nanos::from_millis(10));
        }
        // What is left of the group: a shell's children that did not heed the first signal.
        kill_group(group, Signal::KILL);
        started().retain(|g| *g != group);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Process::spawn(command.process_group(0)).unwrap()
    }

    #[test]
    fn a_first_line_is_given_as_soon_as_it_is_there() {
        let line = shell("echo listening; exec sleep 60").first_line(FIRST_LINE, &Interrupt::never());
        assert_eq!(line.unwrap(), "listening\n");
    }

    #[test]
    fn a_silent_process_is_given_up_after_the_deadline() {
        let mut silent = shell("exec sleep 60");
        let told = silent.first_line(Nanos::from_millis(100), &Interrupt::never()).unwrap_err();
        assert!(told.contains("within 100 ms"), "{told}");
    }

    #[test]
    fn an_interrupt_ends_the_wait_for_the_first_line() {
        let interrupt = Interrupt::never();
        interrupt.request(2);
        let before = Clock::Monotonic.now();
        assert!(shell("exec sleep 60").first_line(Nanos::from_millis(60_000), &interrupt).is_err());
        assert!(Clock::Monotonic.now() - before < Nanos::from_millis(30_000));
    }

    #[test]
    fn a_process_that_ends_says_why() {
        let told = shell("echo no such port >&2; exit 3").first_line(FIRST_LINE, &Interrupt::never());
        assert!(told.unwrap_err().contains("ended before it listened"));
    }

    #[test]
    fn a_started_process_is_listed_until_it_is_stopped() {
        let process = shell("exec sleep 60");
        let group = process.child.id() as i32;
        assert!(started().contains(&group));
        drop(process);
        assert!(!started().contains(&group));
    }
}
