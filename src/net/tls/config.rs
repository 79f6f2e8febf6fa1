//! How TLS is spoken, from what a person asks for to what rustls wants.

use super::verify::TrustAnyone;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// Sessions of servers that a worker remembers, when it does.
const SESSIONS: usize = 256;

/// What a person asks for. PEM texts, not files: who reads files knows their names.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// Roots to trust in place of the system's.
    pub ca: Option<Vec<u8>>,
    /// A client certificate with its chain, and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether any certificate is taken.
    pub insecure: bool,
    /// Whether sessions are resumed.
    pub resumption: bool,
}

/// Why TLS cannot be spoken as asked. Each begins with the key of the scenario that is to blame.
#[derive(Debug, thiserror::Error)]
pub enum TlsConfigError {
    /// The roots hold none, or one that is none.
    #[error("`ca` {0}")]
    Ca(String),
    /// The machine has no roots.
    #[error("the system has no certificate roots ({0}); give the file of a CA as `ca`")]
    NoRoots(String),
    /// The client certificate.
    #[error("`cert` {0}")]
    Cert(String),
    /// The key of the client certificate.
    #[error("`key` {0}")]
    Key(String),
    /// The name to ask for.
    #[error("`server_name`: \"{0}\" is neither a DNS name nor an address")]
    Name(String),
}

/// TLS settings made ready; cheap to clone, may go to another thread.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    resumption: bool,
}

/// TLS towards one server.
#[derive(Clone, Debug)]
pub struct TlsProfile {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsClient {
    /// Makes the settings ready. Reads the system's roots unless it is told whom to trust: some
    /// milliseconds, blocking.
    ///
    /// # Errors
    /// When a PEM text holds not what it should, or the system has no roots.
    pub fn new(settings: &TlsSettings) -> Result<TlsClient, TlsConfigError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("aws-lc-rs has suites for TLS 1.2 and 1.3");
        let builder = if settings.insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustAnyone(provider)))
        } else {
            builder.with_root_certificates(roots(settings.ca.as_deref())?)
        };
        let mut config = match &settings.identity {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let (chain, key) = identity(cert, key)?;
                let refused = |e: rustls::Error| TlsConfigError::Key(format!("does not go with `cert`: {e}"));
                builder.with_client_auth_cert(chain, key).map_err(refused)?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsClient { config: Arc::new(config), resumption: settings.resumption }.for_worker())
    }

    /// The same with a session cache of its own, so that workers share nothing.
    #[must_use]
    pub fn for_worker(&self) -> TlsClient {
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = match self.resumption {
            true => Resumption::in_memory_sessions(SESSIONS),
            false => Resumption::disabled(),
        };
        TlsClient { config: Arc::new(config), resumption: self.resumption }
    }

    /// TLS towards the server of this name or address (IPv6 without brackets): what its certificate
    /// must be for, and, if it is a name, what is asked for by SNI.
    ///
    /// # Errors
    /// When it is neither.
    pub fn towards(&self, name: &str) -> Result<TlsProfile, TlsConfigError> {
        let name =
            ServerName::try_from(name.to_owned()).map_err(|_| TlsConfigError::Name(name.to_owned()))?;
        Ok(TlsProfile { config: Arc::clone(&self.config), name })
    }

    /// For a client of another kind, such as one that asks whether a target is ready.
    pub fn config(&self) -> ClientConfig {
        ClientConfig::clone(&self.config)
    }
}

impl TlsProfile {
    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    pub(super) fn name(&self) -> ServerName<'static> {
        self.name.clone()
    }
}

fn roots(ca: Option<&[u8]>) -> Result<RootCertStore, TlsConfigError> {
    let mut store = RootCertStore::empty();
    let Some(ca) = ca else {
        let found = rustls_native_certs::load_native_certs();
        // A machine's store often holds one that is too old to be read: the others do.
        let (good, _) = store.add_parsable_certificates(found.certs);
        let why = found.errors.first().map_or("none was found".to_owned(), ToString::to_string);
        return if good > 0 { Ok(store) } else { Err(TlsConfigError::NoRoots(why)) };
    };
    for cert in certificates(ca).map_err(TlsConfigError::Ca)? {
        store
            .add(cert)
            .map_err(|e| TlsConfigError::Ca(format!("holds a certificate that is no root: {e}")))?;
    }
    Ok(store)
}

fn identity(
    cert: &[u8],
    key: &[u8],
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsConfigError> {
    let chain = certificates(cert).map_err(TlsConfigError::Cert)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| {
        TlsConfigError::Key(match e {
            pem::Error::NoItemsFound => {
                "holds no private key as PEM (-----BEGIN PRIVATE KEY-----)".to_owned()
            }
            other => format!("is no PEM: {other}"),
        })
    })?;
    Ok((chain, key))
}

/// At least one certificate.
fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let found = found.map_err(|e| format!("is no PEM: {e}"))?;
    if found.is_empty() {
        return Err("holds no certificate as PEM (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    Ok(found)
}
