//! The listeners: accepting while the server is up, refusing while a restart is played.

use super::door::Door;
use super::fault::{self, FaultError, Plan, Restart};
use super::tls::{Identity, Tls, TlsError};
use super::{Config, Server, port};
use crate::model::Nanos;
use rustls::ServerConfig;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;

/// How long accepting rests when descriptors or memory ran out.
const ACCEPT_PAUSE: Nanos = Nanos::from_millis(20);

/// Why the server cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address cannot be listened on.
    #[error("failed to listen on {address}")]
    Listen {
        /// As it was wanted.
        address: SocketAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// No certificate, or TLS does not want it.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Faults that cannot be played together.
    #[error(transparent)]
    Faults(#[from] FaultError),
}

/// A server that listens and accepts nothing yet.
pub struct Bound {
    config: Config,
    plan: Plan,
    plain: (Door, TcpListener),
    tls: Option<(Door, TcpListener, Identity)>,
}

impl Bound {
    /// Listens on `listen` and, where the configuration says so, with TLS as well.
    ///
    /// # Errors
    /// Faults that contradict one another, an address that is not to be had, or no certificate.
    pub fn bind(listen: SocketAddr, config: Config) -> Result<Bound, BindError> {
        let plan = Plan::of(&config.faults)?;
        let open = |address| Door::bind(address).map_err(|source| BindError::Listen { address, source });
        let plain = open(listen)?;
        let tls = match config.tls {
            None => None,
            Some(address) => {
                let (door, listener) = open(address)?;
                Some((door, listener, Identity::new()?))
            }
        };
        Ok(Bound { config, plan, plain, tls })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.plain.0.address
    }

    /// Where it listens with TLS.
    pub fn tls(&self) -> Option<SocketAddr> {
        self.tls.as_ref().map(|(door, ..)| door.address)
    }

    /// The certificate of the TLS listener as PEM.
    pub fn certificate(&self) -> Option<&str> {
        self.tls.as_ref().map(|(.., identity)| identity.pem.as_str())
    }

    /// Serves until the future is dropped: for a current-thread runtime, inside a `LocalSet`, whose
    /// end also ends the connections.
    ///
    /// # Errors
    /// A listener cannot be used or, after a restart, not be had again; a timer cannot be had.
    /// Failures of accepting end nothing.
    pub async fn serve(self) -> io::Result<()> {
        let server = Rc::new(Server::new(self.config, self.plan)?);
        tokio::select! {
            biased;
            never = play(&server) => never,
            ended = listen(&server, self.plain, self.tls) => ended,
        }
    }
}

async fn listen(
    server: &Rc<Server>,
    (door, mut plain): (Door, TcpListener),
    tls: Option<(Door, TcpListener, Identity)>,
) -> io::Result<()> {
    let (tls_door, mut tls) = match tls {
        Some((door, listener, identity)) => (Some((door, identity.config)), Some(listener)),
        None => (None, None),
    };
    let config = tls_door.as_ref().map(|(_, config)| config);
    let mut elapsed = Nanos::ZERO;
    loop {
        let restart = tokio::select! {
            biased;
            restart = next_restart(server, elapsed) => restart,
            never = accept(server, plain, None) => return never,
            never = accept_some(server, tls, config) => return never,
        };
        // The listeners are closed by now: whoever waited to be accepted is reset with the others.
        let (at, restart) = restart;
        server.go_down(restart);
        elapsed = at + restart.down;
        server.timer.sleep_until(server.life.begun().await + elapsed).await;
        plain = door.open()?;
        tls = tls_door.as_ref().map(|(door, _)| door.open()).transpose()?;
    }
}

/// Waits for the next restart; for ever when there is none.
async fn next_restart(server: &Server, elapsed: Nanos) -> (Nanos, Restart) {
    let Some((at, restart)) = fault::next_restart(&server.config.faults, elapsed) else {
        return std::future::pending().await;
    };
    server.timer.sleep_until(server.life.begun().await + at).await;
    (at, restart)
}

/// Plays freezes, and gives out what is held, for ever.
async fn play(server: &Server) -> io::Result<()> {
    let given_out = async {
        match &server.line {
            Some(line) => line.run(server).await,
            None => std::future::pending().await,
        }
    };
    let (never, ()) = tokio::join!(given_out, fault::play_freezes(server));
    never
}

async fn accept_some(
    server: &Rc<Server>,
    listener: Option<TcpListener>,
    tls: Option<&Arc<ServerConfig>>,
) -> io::Result<()> {
    match listener {
        Some(listener) => accept(server, listener, tls).await,
        None => std::future::pending().await,
    }
}

/// Accepts for ever; closes the listener when dropped.
async fn accept(
    server: &Rc<Server>,
    listener: TcpListener,
    tls: Option<&Arc<ServerConfig>>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                server.life.begin(server.timer.clock().now());
                // Fails only on a connection that is gone already, which its task will see.
                let _ = socket.set_nodelay(true);
                let session = tls.map(Tls::new).transpose().map_err(io::Error::other)?;
                tokio::task::spawn_local(port::run(Rc::clone(server), socket, session.map(Box::new)));
            }
            Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => {
                // Out of descriptors, mostly. The listener stays readable: asking again at once
                // would spin.
                server.stats.accept_pauses.add(1);
                server.timer.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
