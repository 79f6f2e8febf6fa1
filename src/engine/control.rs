//! Requests on the control path: readiness, what another clock says, and where the target's own counters
//! are. Never through a proxy, never following a redirect, with the TLS settings of the run, and never on
//! a worker.

use super::EngineError;
use super::site::{Site, Sites, client};
use crate::clock::Clock;
use crate::model::Nanos;
use crate::net::TlsClient;
use crate::scenario::{Plan, TargetPlan, TlsSpec};
use crate::scrape::{self, root_cause};
use reqwest::header::{AUTHORIZATION, HOST, HeaderMap, HeaderValue};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// One thing to GET, over a connection that is kept.
pub(super) struct Control {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    url: reqwest::Url,
    headers: HeaderMap,
}

/// A whole answer, and when.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// Just before the request was handed over.
    pub(super) sent: Nanos,
    /// Just after the whole answer was there.
    pub(super) received: Nanos,
}

impl Control {
    /// To GET `path` at `site`.
    ///
    /// # Errors
    /// In words, when that is no address or this process may have no more descriptors.
    pub(super) fn to(site: &Site, tls: Option<&TlsClient>, path: &str) -> Result<Control, String> {
        let (url, at) = url_at(site, path);
        let place = ControlPlace { url, tls: tls.map_or_else(no_roots, TlsClient::config), at };
        let host = HeaderValue::from_str(&site.authority).map_err(|e| root_cause(&e))?;
        Control::at(place, [(HOST, host)].into_iter().collect(), PATIENCE)
    }

    /// To GET what lies below a URL that ends in `/`, with a token.
    ///
    /// # Errors
    /// In words, when URL or token will not do or this process may have no more descriptors.
    pub(super) fn beside(place: ControlPlace, token: &str, patience: Duration) -> Result<Control, String> {
        let mut shown = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|e| root_cause(&e))?;
        shown.set_sensitive(true);
        Control::at(place, [(AUTHORIZATION, shown)].into_iter().collect(), patience)
    }

    fn at(place: ControlPlace, headers: HeaderMap, patience: Duration) -> Result<Control, String> {
        let told = |e: &dyn std::error::Error| root_cause(e);
        let url = reqwest::Url::parse(&place.url).map_err(|e| told(&e))?;
        let client = scrape::client(&url, place.at, place.tls, patience).build().map_err(|e| told(&e))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Control { runtime: runtime.map_err(|e| told(&e))?, client, url, headers })
    }

    /// The status of an answer; its body is not waited for.
    pub(super) fn status(&self) -> Result<u16, String> {
        self.runtime
            .block_on(async { self.request(&self.url).send().await })
            .map(|r| r.status().as_u16())
            .map_err(|e| root_cause(&e))
    }

    /// A whole answer of at most `most` bytes.
    pub(super) fn get(&self, most: usize) -> Result<Answer, String> {
        self.get_at(&self.url, most)
    }

    /// The same of a path below its URL, with its query and without a slash in front.
    pub(super) fn get_below(&self, path: &str, most: usize) -> Result<Answer, String> {
        let url = self.url.join(path).map_err(|e| root_cause(&e))?;
        self.get_at(&url, most)
    }

    fn get_at(&self, url: &reqwest::Url, most: usize) -> Result<Answer, String> {
        self.runtime.block_on(async {
            let request = self.request(url);
            let sent = Clock::Monotonic.now();
            let mut response = request.send().await.map_err(|e| root_cause(&e))?;
            let mut body = Vec::new();
            while let Some(part) = response.chunk().await.map_err(|e| root_cause(&e))? {
                body.extend_from_slice(&part);
                if body.len() > most {
                    return Err(format!("its answer is longer than {most} bytes"));
                }
            }
            let received = Clock::Monotonic.now();
            Ok(Answer { status: response.status().as_u16(), body, sent, received })
        })
    }

    fn request(&self, url: &reqwest::Url) -> reqwest::RequestBuilder {
        self.client.get(url.clone()).headers(self.headers.clone())
    }
}

/// A URL of the control path, and how it is asked.
pub(super) struct ControlPlace {
    pub(super) url: String,
    pub(super) tls: rustls::ClientConfig,
    /// Where its host is; `None`: it is looked up.
    pub(super) at: Option<SocketAddr>,
}

/// How URLs beside the load are asked: what is on the target as the target is, others with roots of
/// their own or else with the target's TLS settings.
pub(super) struct Beside<'a> {
    pub(super) plan: &'a Plan,
    pub(super) sites: &'a Sites,
}

impl Beside<'_> {
    /// `url` is a path on the target, or whole.
    pub(super) fn place(&self, url: &str, ca: Option<&Path>) -> Result<ControlPlace, EngineError> {
        let at_target = url.starts_with('/');
        let base = &self.sites.base;
        let secure = if at_target { base.tls_name.is_some() } else { url.starts_with("https:") };
        let tls = match (&self.sites.tls, &self.plan.target) {
            _ if !secure => no_roots(),
            _ if ca.is_some() => self.own(TlsSpec { ca: ca.map(Path::to_owned), ..TlsSpec::default() })?,
            (Some(tls), _) => tls.config(),
            (None, TargetPlan::External { tls, .. }) => self.own(tls.clone())?,
            (None, TargetPlan::Bundled(_)) => self.own(TlsSpec::default())?,
        };
        let (url, at) = if at_target { url_at(base, url) } else { (url.to_owned(), None) };
        Ok(ControlPlace { url, tls, at })
    }

    fn own(&self, spec: TlsSpec) -> Result<rustls::ClientConfig, EngineError> {
        Ok(client(&spec, "target.tls", self.plan.path.as_deref())?.config())
    }
}

/// The URL of a path on a site. One with a certificate is asked for by the name that it is for, and
/// found where it is: that address comes second.
fn url_at(site: &Site, path: &str) -> (String, Option<SocketAddr>) {
    let named = site.tls_name.as_deref().filter(|name| name.parse::<IpAddr>().is_err());
    let host = named.map_or(site.address.to_string(), |name| format!("{name}:{}", site.address.port()));
    let scheme = if site.tls_name.is_some() { "https" } else { "http" };
    (format!("{scheme}://{host}{path}"), named.map(|_| site.address))
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
