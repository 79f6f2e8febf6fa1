//! Requests on the control path: readiness, and what another clock says. Never through a proxy, never
//! following a redirect, with the TLS settings of the run, and never on a worker.

use super::site::Site;
use crate::clock::Clock;
use crate::model::Nanos;
use crate::net::TlsClient;
use std::net::IpAddr;
use std::time::Duration;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// One thing to GET, over a connection that is kept.
pub(super) struct Control {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    url: reqwest::Url,
    authority: String,
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
        let told = |e: &dyn std::error::Error| root_cause(e);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .timeout(PATIENCE);
        let mut url = reqwest::Url::parse(&format!("http://{}{path}", site.address)).map_err(|e| told(&e))?;
        if let (Some(tls), Some(name)) = (tls, &site.tls_name) {
            builder = builder.tls_backend_preconfigured(tls.config());
            url = reqwest::Url::parse(&format!("https://{}{path}", site.address)).map_err(|e| told(&e))?;
            // It is asked for by the name that its certificate is for, and found where it is.
            if name.parse() != Ok(site.address.ip()) {
                url.set_host(Some(name)).map_err(|e| told(&e))?;
            }
            if name.parse::<IpAddr>().is_err() {
                builder = builder.resolve(name, site.address);
            }
        } else {
            builder = builder.tls_backend_preconfigured(no_roots());
        }
        let client = builder.build().map_err(|e| told(&e))?;
        let runtime = runtime.map_err(|e| told(&e))?;
        Ok(Control { runtime, client, url, authority: site.authority.clone() })
    }

    /// The status of an answer; its body is not waited for.
    pub(super) fn status(&self) -> Result<u16, String> {
        self.runtime
            .block_on(async { self.request().send().await })
            .map(|r| r.status().as_u16())
            .map_err(|e| root_cause(&e))
    }

    /// A whole answer of at most `most` bytes.
    pub(super) fn get(&self, most: usize) -> Result<Answer, String> {
        self.runtime.block_on(async {
            let request = self.request();
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

    fn request(&self) -> reqwest::RequestBuilder {
        self.client.get(self.url.clone()).header("Host", &self.authority)
    }
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

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
