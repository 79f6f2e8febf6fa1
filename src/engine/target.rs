//! The server under test: started when the plan says so, awaited, found, stopped.

use super::control::Control;
use super::cores::on_core;
use super::interrupt::Interrupt;
use super::process::{LOOK, Process};
use super::rail::is_local;
use super::remote::RemoteProbe;
use super::site::Sites;
use super::{EngineError, Observer, Options};
use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use crate::probe::{GroupName, Named, NamedBy, OwnGroup, PortProbe, Probe};
use crate::scenario::{Base, BundledSpec, CostGroup, CostSpec, Plan, ProbePlan, RunPlan, TargetPlan};
use regex_lite::Regex;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Why the cost of a target on another machine is not read.
const ELSEWHERE: &str = "the target runs on another machine: its cost was not read (run `pushbench probe --listen` \
                         there, and name it as [target] probe)";

/// How long the bundled server may take to say where it listens.
const FIRST_LINE: Nanos = Nanos::from_millis(10_000);

/// Where the plan's target is, before anything is started.
pub(super) enum Found {
    /// The bundled server: on this machine, at a port that is not known yet.
    Bundled,
    /// Somewhere else.
    At(Box<Sites>),
}

impl Found {
    /// Looks the target up, and refuses one that is far away.
    pub(super) fn of(plan: &Plan, run: &RunPlan) -> Result<Found, EngineError> {
        Ok(Sites::of(plan, run)?.map_or(Found::Bundled, |sites| Found::At(Box::new(sites))))
    }

    /// Whether it is on this machine, whoever starts it.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Found::Bundled => true,
            Found::At(sites) => is_local(&sites.base.address),
        }
    }
}

/// A target that is ready.
pub(super) struct RunningTarget {
    /// Where clients and publishers attach.
    pub(super) sites: Sites,
    /// The port whose owners are priced.
    cost_port: u16,
    /// Who is priced beside them.
    named: Named,
    /// Who tells what it pays; `None`: it is read on this machine.
    remote: Option<Result<RemoteProbe, String>>,
    /// Whether it runs on this machine, as far as we know.
    pub(super) beside_us: bool,
    /// Whether its address is of this machine.
    pub(super) local: bool,
    /// Whether its certificates are taken unseen.
    pub(super) insecure: bool,
    process: Option<Process>,
    /// The control group of that process, which is taken away after it has ended.
    _group: Option<OwnGroup>,
}

impl RunningTarget {
    /// Starts what is to be started, on `core`, and waits until it is ready.
    pub(super) fn start(
        plan: &Plan,
        run: &RunPlan,
        found: Found,
        options: &Options,
        (core, interrupt): (Option<usize>, &Interrupt),
        observer: &mut dyn Observer,
    ) -> Result<RunningTarget, EngineError> {
        let (base, start, ready, timeout, cost, sites) = match (&plan.target, found) {
            (TargetPlan::External { base, start, ready, ready_timeout, cost, .. }, Found::At(sites)) => {
                (base, start, ready, ready_timeout, cost, sites)
            }
            (TargetPlan::Bundled(spec), _) => return bundled(spec, run, options, core, interrupt),
            _ => return Err(EngineError::Target("it was not looked up".to_owned())),
        };
        let address = sites.base.address;
        let process = match start {
            Some(command) => Some(start_external(command, plan.path.as_deref(), address, core)?),
            None => None,
        };
        let remote = plan.target.probe().map(|probe| met(probe, plan.path.as_deref()));
        let (named, local) = (named(cost), is_local(&address));
        let mut target = RunningTarget {
            cost_port: cost.port.unwrap_or(base.port),
            beside_us: local
                || match &remote {
                    // It knows better: what we start may well be a command that starts the target elsewhere.
                    Some(remote) => remote.as_ref().is_ok_and(RemoteProbe::is_on_this_machine),
                    // A server in a network namespace of its own has another address.
                    None => process.is_some() || !named.is_empty(),
                },
            named,
            remote,
            local,
            insecure: plan.target.is_insecure() && sites.tls.is_some(),
            sites: *sites,
            _group: group_of(process.as_ref()),
            process,
        };
        target.wait_ready(base, ready.as_deref(), *timeout, interrupt, observer)?;
        Ok(target)
    }

    /// What reads its cost, once; else why nothing does.
    pub(super) fn probe(&mut self) -> Result<Box<dyn Probe>, String> {
        if let Some(remote) = self.remote.take() {
            return remote.map(|probe| Box::new(probe) as Box<dyn Probe>);
        }
        if !self.beside_us {
            return Err(ELSEWHERE.to_owned());
        }
        Ok(Box::new(PortProbe::with(self.cost_port, self.started_pid(), self.named.clone())))
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
        let url = format!("{}{}", base.url(), ready.unwrap_or(""));
        let deadline = Clock::Monotonic.now() + timeout;
        let mut last = None;
        while Clock::Monotonic.now() < deadline {
            if interrupt.requested() {
                return Err(EngineError::Interrupted);
            }
            let answer = match ready {
                Some(path) => ask(path, &self.sites),
                None => knock(&self.sites.base.address),
            };
            let error = match answer {
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

/// The probe, its clock known. One that has ended since the plan began costs a run its prices, not its times.
fn met(probe: &ProbePlan, scenario: Option<&Path>) -> Result<RemoteProbe, String> {
    let mut remote = RemoteProbe::to(probe, scenario)?;
    let told = |why| format!("the target's cost was not read: the probe at {}: {why}", probe.base.url());
    remote.meet().map_err(told).map(|()| remote)
}

/// A control group of its own, where the machine lets us make one.
fn group_of(process: Option<&Process>) -> Option<OwnGroup> {
    OwnGroup::around(process?.id())
}

fn named(cost: &CostSpec) -> Named {
    let compile = |text: &String| Regex::new(text).expect("the scenario was checked");
    Named {
        pids: cost.pids.clone(),
        commands: cost.commands.iter().map(compile).collect(),
        group: cost.group.clone().map(|group| match group {
            CostGroup::Path(path) => GroupName::Path(path),
            CostGroup::Unit(unit) => GroupName::Unit(unit),
        }),
        by: NamedBy::Scenario,
    }
}

/// One readiness request.
fn ask(path: &str, sites: &Sites) -> Result<u16, String> {
    Control::to(&sites.base, sites.tls.as_ref(), path)?.status()
}

/// Without a path to ask, a port that accepts connections is ready enough.
fn knock(address: &SocketAddr) -> Result<u16, String> {
    TcpStream::connect_timeout(address, Duration::from_secs(2)).map(|_| 0).map_err(|e| e.to_string())
}

/// Starts the bundled server, with a TLS port only when a group wants one.
fn bundled(
    spec: &BundledSpec,
    run: &RunPlan,
    options: &Options,
    core: Option<usize>,
    interrupt: &Interrupt,
) -> Result<RunningTarget, EngineError> {
    let secure = run.groups.iter().any(|g| g.secure);
    let mut command = Command::new(&options.server);
    // The pipe to its stdin closes when this process ends, however it ends, and the server with it.
    command.args(["serve", "--listen", "127.0.0.1:0", "--exit-with-stdin"]).args(flags(
        spec,
        run.faults.as_ref(),
        secure,
    ));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let told =
        |e: String| EngineError::Target(format!("the bundled server {}: {e}", options.server.display()));
    let mut process = on_core(core, || Process::spawn(&mut command)).map_err(|e| told(e.to_string()))?;
    let whole = if secure { certificate_is_there } else { |said: &str| said.contains('\n') };
    let said = match process.first_lines(whole, FIRST_LINE, interrupt) {
        Ok(said) => said,
        Err(_) if interrupt.requested() => return Err(EngineError::Interrupted),
        Err(error) => return Err(told(error)),
    };
    let (address, tls) =
        said_where(&said).ok_or_else(|| told(format!("said {said:?} instead of where it listens")))?;
    Ok(RunningTarget {
        sites: Sites::of_bundled(address, tls, spec.resumption)?,
        cost_port: address.port(),
        named: Named::default(),
        remote: None,
        beside_us: true,
        local: true,
        insecure: false,
        _group: group_of(Some(&process)),
        process: Some(process),
    })
}

/// A case may have faults of its own.
fn flags(spec: &BundledSpec, faults: Option<&Vec<String>>, secure: bool) -> Vec<String> {
    // Whole milliseconds: the plan holds no others.
    let ms = |d: Nanos| format!("{}ms", d.0 / Nanos::from_millis(1).0);
    let faults = faults.unwrap_or(&spec.faults).iter().map(|fault| ("--fault", Some(fault.clone())));
    let all = [
        ("--tls-listen", secure.then(|| "127.0.0.1:0".to_owned())),
        ("--ping", spec.ping.map(ms)),
        ("--hold", spec.hold.map(ms)),
        ("--history", spec.history.map(|n| n.to_string())),
    ];
    all.into_iter()
        .chain(faults)
        .filter_map(|(flag, value)| Some([flag.to_owned(), value?]))
        .flatten()
        .collect()
}

fn certificate_is_there(said: &str) -> bool {
    said.contains("-----END CERTIFICATE-----\n")
}

/// Where the bundled server listens: `listening on ADDRESS`, then, for TLS, `tls ADDRESS` and its
/// certificate.
fn said_where(said: &str) -> Option<(SocketAddr, Option<(SocketAddr, &str)>)> {
    let (first, rest) = said.split_once('\n')?;
    let address = first.strip_prefix("listening on ")?.trim().parse().ok()?;
    let tls = match rest.split_once('\n') {
        Some((line, pem)) => Some((line.strip_prefix("tls ")?.trim().parse().ok()?, pem)),
        None => None,
    };
    Some((address, tls))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_server_says_where_it_listens_and_what_its_certificate_is() {
        let plain = said_where("listening on 127.0.0.1:81\n").unwrap();
        assert_eq!(plain, ("127.0.0.1:81".parse().unwrap(), None));
        let said = "listening on 127.0.0.1:81\ntls 127.0.0.1:82\n-----BEGIN\nx\n-----END CERTIFICATE-----\n";
        let (address, tls) = said_where(said).unwrap();
        assert_eq!((address.port(), tls.map(|t| t.0.port())), (81, Some(82)));
        assert!(tls.unwrap().1.starts_with("-----BEGIN") && certificate_is_there(said));
        assert_eq!(said_where("hello\n"), None);
        assert_eq!(said_where("listening on 127.0.0.1:81\nhello\nyou\n"), None);
    }

    #[test]
    fn options_become_flags_and_what_is_left_out_is_left_out() {
        assert_eq!(flags(&BundledSpec::default(), None, false), Vec::<String>::new());
        let spec = BundledSpec {
            faults: vec!["restart at 5s for 1s".into(), "drop every 7".into()],
            ping: Some(Nanos::ZERO),
            hold: Some(Nanos::from_millis(1500)),
            history: Some(7),
            ..BundledSpec::default()
        };
        let want = "--tls-listen 127.0.0.1:0 --ping 0ms --hold 1500ms --history 7 \
                    --fault restart at 5s for 1s --fault drop every 7";
        assert_eq!(flags(&spec, None, true).join(" "), want);
        let own = vec!["freeze at 1s for 1s".to_owned()];
        let flags = flags(&spec, Some(&own), false).join(" ");
        assert!(flags.ends_with("--history 7 --fault freeze at 1s for 1s"), "{flags}");
    }
}
