//! TLS for the second listener and the desk: rustls without I/O of its own.
//!
//! Bytes go in where a connection reads and come out where it writes, so that queues, bounds and
//! system calls are those of the plain listener. One provider, chosen explicitly.

use super::input::Input;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::cell::RefCell;
use std::io::{BufRead, Read, Write};
use std::sync::Arc;

/// Names that the certificate is good for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate could not be made.
    #[error("failed to make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// rustls refused it.
    #[error("failed to set up TLS: {0}")]
    Setup(#[from] rustls::Error),
    /// A PEM text holds not what it should.
    #[error("failed to read the {what} as PEM: {why}")]
    Pem {
        /// `certificate` or `key`.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// Who the server is over TLS: made anew for each process, known to nobody else.
pub(super) struct Identity {
    pub(super) config: Arc<ServerConfig>,
    /// The certificate, its own authority.
    pub(super) pem: String,
}

impl Identity {
    /// A self-signed certificate for this machine's loopback names. Sessions can be resumed by
    /// tickets, so that no client is forgotten however many there are.
    pub(super) fn new() -> Result<Identity, TlsError> {
        let made = rcgen::generate_simple_self_signed(NAMES.map(String::from))?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = configured(vec![made.cert.der().clone()], key)?;
        Ok(Identity { config, pem: made.cert.pem() })
    }
}

/// TLS with a certificate, its chain behind it, and its key, all as PEM.
pub(super) fn of_pem(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let broken = |what: &'static str| move |why: String| TlsError::Pem { what, why };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.map_err(|e| broken("certificate")(e.to_string()))?;
    if chain.is_empty() {
        return Err(broken("certificate")("it holds none (-----BEGIN CERTIFICATE-----)".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| broken("key")(e.to_string()))?;
    configured(chain, key)
}

fn configured(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    Ok(Arc::new(config))
}

/// The session of one connection.
pub(super) struct Tls(RefCell<Session>);

struct Session {
    rustls: ServerConnection,
    /// The client broke the protocol; what it sends is not looked at any more.
    broken: bool,
}

impl Tls {
    /// Before the handshake.
    pub(super) fn new(config: &Arc<ServerConfig>) -> Result<Tls, rustls::Error> {
        let mut rustls = ServerConnection::new(Arc::clone(config))?;
        // The queue of the connection is the bound: nothing stays in here.
        rustls.set_buffer_limit(None);
        Ok(Tls(RefCell::new(Session { rustls, broken: false })))
    }

    /// Whether nothing but the handshake can be spoken yet.
    pub(super) fn is_handshaking(&self) -> bool {
        self.0.borrow().rustls.is_handshaking()
    }

    /// Whether the client broke the protocol, and was told so.
    pub(super) fn is_broken(&self) -> bool {
        self.0.borrow().broken
    }

    /// Adds the records that carry these bytes.
    pub(super) fn seal(&self, plain: &[u8], out: &mut Vec<u8>) {
        let session = &mut *self.0.borrow_mut();
        session.rustls.writer().write_all(plain).expect("its buffer has no limit");
        session.drain(out);
    }

    /// Takes in what was read, adds the answers of TLS itself to `out`; whether more may come.
    pub(super) fn open(&self, sealed: &[u8], input: &mut Input, out: &mut Vec<u8>) -> bool {
        let session = &mut *self.0.borrow_mut();
        let before = input.waiting().len();
        // What came before the client's goodbye counts; the read after it finds nothing.
        let more = session.broken || session.take(sealed, input) || input.waiting().len() > before;
        session.drain(out);
        more
    }

    /// Adds the alert that says that nothing more will come.
    pub(super) fn close(&self, out: &mut Vec<u8>) {
        let session = &mut *self.0.borrow_mut();
        if !session.broken {
            session.rustls.send_close_notify();
        }
        session.drain(out);
    }
}

impl Session {
    fn take(&mut self, mut sealed: &[u8], input: &mut Input) -> bool {
        while !sealed.is_empty() {
            let read = Read::by_ref(&mut sealed);
            let state = match self.rustls.read_tls(read) {
                // Nothing is read behind the client's goodbye.
                Ok(0) => return false,
                Ok(_) => self.rustls.process_new_packets(),
                Err(_) => Err(rustls::Error::General("a record that does not fit".into())),
            };
            self.broken = state.is_err();
            if self.broken {
                let unanswered = input.waiting().len();
                input.consume(unanswered);
                return false;
            }
            if !self.collect(input) {
                return false;
            }
        }
        true
    }

    /// Moves what was decrypted; whether more may come.
    fn collect(&mut self, input: &mut Input) -> bool {
        let mut reader = self.rustls.reader();
        loop {
            match reader.fill_buf() {
                Ok([]) => return false,
                Ok(plain) => {
                    let n = plain.len();
                    input.extend(plain);
                    reader.consume(n);
                }
                // Nothing there now; there is no other error before the end of the stream.
                Err(_) => return true,
            }
        }
    }

    fn drain(&mut self, out: &mut Vec<u8>) {
        while self.rustls.wants_write() {
            self.rustls.write_tls(out).expect("a Vec takes every byte");
        }
    }
}
