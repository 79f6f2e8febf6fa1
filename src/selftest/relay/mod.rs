//! A relay before a bundled server: counts what crosses its sockets, and delays or refuses where it is
//! told to. The witness of the byte counts, and the server with the faults that the bundled one has not.
//!
//! It knows of HTTP only how a publish and a long poll begin.

mod carry;

use crate::model::Nanos;
use crate::server::{self, Config, Running};
use carry::{Shared, accept};
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What a relay does beside carrying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelaySpec {
    /// Listen with TLS too; TLS passes unread.
    pub tls: bool,
    /// A long poll that follows an answer reaches the server so long after that answer; zero: at once.
    pub gap: Nanos,
    /// The answer to a publish is held back so long.
    pub hold: Nanos,
    /// Of so many publishes (second), the first few are answered 503 at once and go no further.
    pub refuse: (u64, u64),
}

/// What crossed the sockets of one kind of client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossed {
    /// Connections accepted.
    pub connections: u64,
    /// Of these, still open.
    pub open: u64,
    /// Bytes read from clients.
    pub from_clients: u64,
    /// Bytes written to clients.
    pub to_clients: u64,
}

/// All that a relay counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Connections that publish.
    pub publishers: Crossed,
    /// All others that said anything.
    pub subscribers: Crossed,
    /// Publishes refused.
    pub refused: u64,
    /// Long polls that came after an answer.
    pub gaps: u64,
    /// From the answer before to when they went on to the server, all together.
    pub gap_ns_total: u64,
}

/// A relay with its server; both end when this is dropped.
pub struct Relay {
    /// Where it listens: loopback, a free port.
    pub address: SocketAddr,
    /// Where it takes TLS.
    pub tls: Option<SocketAddr>,
    /// The server's certificate, PEM.
    pub certificate: Option<String>,
    shared: Arc<Shared>,
    _stop: oneshot::Sender<()>,
    _server: Running,
}

impl Relay {
    /// Starts a server and a relay before it, each on a thread of its own.
    ///
    /// # Errors
    /// No port, thread or certificate is to be had.
    pub fn start(spec: RelaySpec) -> io::Result<Relay> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = Config { tls: spec.tls.then_some(any), ping: Nanos::ZERO, ..Config::default() };
        let server = server::start_on_thread(config)?;
        let plain = (listen()?, server.address);
        let secure = server.tls.map(|to| listen().map(|l| (l, to))).transpose()?;
        let address = plain.0.local_addr()?;
        let tls = secure.as_ref().map(|(l, _)| l.local_addr()).transpose()?;
        let shared = Arc::new(Shared::new(spec));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seen = Arc::clone(&shared);
        std::thread::Builder::new().name("relay".into()).spawn(move || {
            tokio::task::LocalSet::new().block_on(&runtime, async {
                tokio::select! {
                    // It ends by itself only when a listener is unusable: clients see that.
                    _ = accept(plain, secure, seen) => {}
                    _ = stopped => {}
                }
            });
        })?;
        let certificate = server.certificate.clone();
        Ok(Relay { address, tls, certificate, shared, _stop: stop, _server: server })
    }

    /// What crossed its sockets so far.
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }
}

fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    // Many clients attach at once.
    rustix::net::listen(&listener, 4096)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests;
