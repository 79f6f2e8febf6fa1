//! Where a run attaches: looked up, held against the safety rail, with what TLS needs.

use super::EngineError;
use super::rail::is_near;
use crate::clock::Clock;
use crate::model::Nanos;
use crate::net::{TlsClient, TlsProfile, TlsSettings, resolve};
use crate::scenario::{Base, Plan, RunPlan, TargetPlan, TlsSpec};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// An address with its names.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) address: SocketAddr,
    /// Value of the `Host` header.
    pub(super) authority: String,
    /// The name that its certificate must be for; `None`: plain TCP.
    pub(super) tls_name: Option<String>,
}

impl Site {
    pub(super) fn plain(address: SocketAddr) -> Site {
        Site { address, authority: address.to_string(), tls_name: None }
    }

    /// How TLS is spoken there, with the session cache of this client.
    pub(super) fn profile(&self, tls: Option<&TlsClient>) -> Option<Rc<TlsProfile>> {
        let (name, tls) = self.tls_name.as_deref().zip(tls)?;
        Some(Rc::new(tls.towards(name).expect("the name was checked when the site was looked up")))
    }
}

/// Everywhere that a run attaches.
#[derive(Clone, Debug)]
pub(super) struct Sites {
    /// Subscribers.
    pub(super) base: Site,
    /// Subscribers of groups that ask for TLS.
    pub(super) secure: Site,
    /// Publishers.
    pub(super) publish: Site,
    /// How TLS is spoken, when any of them wants it.
    pub(super) tls: Option<TlsClient>,
    /// How long the lookup of the base's name took; `None`: an address was given.
    pub(super) dns: Option<Nanos>,
}

impl Sites {
    /// Looks everything up that an external target names, and reads its certificates; refuses an
    /// address that is far away.
    pub(super) fn of(plan: &Plan, run: &RunPlan) -> Result<Option<Sites>, EngineError> {
        let TargetPlan::External { base, secure_base, tls, allow_remote, .. } = &plan.target else {
            return Ok(None);
        };
        let site = |base: &Base| site(base, tls, *allow_remote);
        let publish = run.publish.as_ref().and_then(|p| p.base()).unwrap_or(base);
        let before = Clock::Monotonic.now();
        let own = site(base)?;
        let took = Clock::Monotonic.now() - before;
        let mut sites = Sites {
            base: own,
            secure: site(secure_base.as_ref().unwrap_or(base))?,
            publish: site(publish)?,
            tls: None,
            dns: base.host.parse::<IpAddr>().is_err().then_some(took),
        };
        let used = [&sites.base, &sites.secure, &sites.publish];
        let names: Vec<&str> = used.iter().filter_map(|s| s.tls_name.as_deref()).collect();
        if !names.is_empty() {
            let client = client(tls, "target.tls", plan.path.as_deref())?;
            for name in names {
                client.towards(name).map_err(|e| EngineError::Tls(e.to_string()))?;
            }
            sites.tls = Some(client);
        }
        Ok(Some(sites))
    }

    /// Those of the bundled server: its plain port, and its TLS port with its own certificate, which
    /// alone is trusted.
    pub(super) fn of_bundled(
        address: SocketAddr,
        secure: Option<(SocketAddr, &str)>,
        resumption: bool,
    ) -> Result<Sites, EngineError> {
        let plain = Site::plain(address);
        let mut sites =
            Sites { base: plain.clone(), secure: plain.clone(), publish: plain, tls: None, dns: None };
        if let Some((address, pem)) = secure {
            let ca = Some(pem.as_bytes().to_vec());
            let settings = TlsSettings { ca, resumption, ..TlsSettings::default() };
            sites.tls = Some(TlsClient::new(&settings).map_err(|e| EngineError::Tls(e.to_string()))?);
            sites.secure = Site { tls_name: Some("localhost".to_owned()), ..Site::plain(address) };
        }
        Ok(sites)
    }
}

pub(super) fn site(base: &Base, tls: &TlsSpec, allow_remote: bool) -> Result<Site, EngineError> {
    let name = tls.server_name.as_ref().unwrap_or(&base.host);
    Ok(Site {
        address: look_up(base, allow_remote)?,
        authority: base.authority(),
        tls_name: base.tls.then(|| name.clone()),
    })
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

/// Reads the files that the scenario names under the key `at`, beside the scenario file.
pub(super) fn client(spec: &TlsSpec, at: &str, scenario: Option<&Path>) -> Result<TlsClient, EngineError> {
    let folder = scenario.and_then(Path::parent).unwrap_or(Path::new(""));
    let read = |key: &str, file: &PathBuf| {
        let path = folder.join(file);
        std::fs::read(&path)
            .map_err(|e| EngineError::Tls(format!("`{at}.{key}`: cannot read {}: {e}", path.display())))
    };
    let settings = TlsSettings {
        ca: spec.ca.as_ref().map(|file| read("ca", file)).transpose()?,
        identity: match &spec.identity {
            None => None,
            Some((cert, own)) => Some((read("cert", cert)?, read("key", own)?)),
        },
        insecure: spec.insecure,
        resumption: spec.resumption,
    };
    TlsClient::new(&settings).map_err(|e| EngineError::Tls(format!("`{at}`: {e}{}", files(spec, folder))))
}

/// The files that were read, for a message.
fn files(spec: &TlsSpec, folder: &Path) -> String {
    let identity = spec.identity.iter().flat_map(|(cert, key)| [("cert", cert), ("key", key)]);
    let all = spec.ca.iter().map(|ca| ("ca", ca)).chain(identity);
    let named: Vec<String> =
        all.map(|(key, file)| format!("{key} = {}", folder.join(file).display())).collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}
