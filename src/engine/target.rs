//! The server under test: started when the plan says so, awaited, found, stopped.

use super::cores::on_core;
use super::interrupt::Interrupt;
use super::process::{LOOK, Process};
use super::rail::is_local;
use super::site::Sites;
use super::{EngineError, Observer, Options};
use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use crate::scenario::{Base, BundledSpec, Plan, RunPlan, TargetPlan};
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
    pub(super) cost_port: u16,
    /// Whether it runs on this machine.
    pub(super) local: bool,
    /// Whether its certificates are taken unseen.
    pub(super) insecure: bool,
    process: Option<Process>,
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
        let (base, start, ready, timeout, cost_port, sites) = match (&plan.target, found) {
            (TargetPlan::External { base, start, ready, ready_timeout, cost_port, .. }, Found::At(sites)) => {
                (base, start, ready, ready_timeout, cost_port, sites)
            }
            (TargetPlan::Bundled(spec), _) => return bundled(spec, run, options, core, interrupt),
            _ => return Err(EngineError::Target("it was not looked up".to_owned())),
        };
        let address = sites.base.address;
        let process = match start {
            Some(command) => Some(start_external(command, plan.path.as_deref(), address, core)?),
            None => None,
        };
        let mut target = RunningTarget {
            cost_port: cost_port.unwrap_or(base.port),
            local: is_local(&address),
            insecure: plan.target.is_insecure() && sites.tls.is_some(),
            sites: *sites,
            process,
        };
        target.wait_ready(base, ready.as_deref(), *timeout, interrupt, observer)?;
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
        let url = format!("{}{}", base.url(), ready.unwrap_or(""));
        let deadline = Clock::Monotonic.now() + timeout;
        let mut last = None;
        while Clock::Monotonic.now() < deadline {
            if interrupt.requested() {
                return Err(EngineError::Interrupted);
            }
            let error = match if ready.is_some() {
                ask(&url, &self.sites)
            } else {
                knock(&self.sites.base.address)
            } {
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

/// One readiness request on the control path: never through a proxy, never following a redirect, with
/// the TLS settings of the run.
fn ask(url: &str, sites: &Sites) -> Result<u16, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let mut url = reqwest::Url::parse(url).map_err(|e| e.to_string())?;
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(2));
    if let (Some(tls), Some(name)) = (&sites.tls, &sites.base.tls_name) {
        builder = builder.tls_backend_preconfigured(tls.config());
        if name.parse::<std::net::IpAddr>().is_err() {
            // It is asked for by the name that its certificate is for, and found where it is.
            url.set_host(Some(name)).map_err(|e| e.to_string())?;
            builder = builder.resolve(name, sites.base.address);
        }
    } else {
        builder = builder.tls_backend_preconfigured(no_roots());
    }
    let client = builder.build().map_err(|e| e.to_string())?;
    let request = client.get(url).header("Host", &sites.base.authority);
    let sent = runtime.block_on(async { request.send().await });
    sent.map(|r| r.status().as_u16()).map_err(|e| root_cause(&e))
}

/// What a client for plain HTTP needs only because it could also speak TLS.
pub(super) fn no_roots() -> rustls::ClientConfig {
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
        local: true,
        insecure: false,
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
