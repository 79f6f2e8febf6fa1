//! A desk beside the reference server's doors: answers GETs of who shows a token, with whatever a [`Clerk`]
//! tells. For `pushbench probe`; no part of what is measured.
//!
//! It shares the reader of requests, TLS and the forms of answers with the server, and none of its
//! connections: these are few, short and suspicious. Only GET is taken, every request is bounded in bytes
//! and time, and so is every answer that is not read: who is slow holds up nobody who is in. Strangers can
//! fill the room, but each for some seconds only, since who shows no token is soon sent away. It must not
//! know what the clerk tells, nor keep the token in the clear.

mod token;
mod visit;

pub use token::{LEAST_TOKEN, Token, TokenError};

use super::door::Door;
use super::reply::{self, After};
use super::tls::{self, Tls, TlsError};
use crate::clock::{Clock, Timer};
use crate::model::Nanos;
use rustls::ServerConfig;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use visit::Visit;

/// Connections at a time; whoever comes beyond is closed at once.
const MOST_VISITS: usize = 64;
/// How long accepting rests when descriptors or memory ran out.
const ACCEPT_PAUSE: Nanos = Nanos::from_millis(20);

/// Who knows the answers. Asked by several visitors at a time, on one thread: must not block.
pub trait Clerk: 'static {
    /// The answer to one question of somebody who has shown the token.
    fn answer(&self, question: Question<'_>) -> impl Future<Output = Reply>;
}

/// One GET.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Its path, as sent.
    pub path: &'a str,
    /// Its query without the question mark, as sent; empty without one.
    pub query: &'a str,
    /// When its last bytes were read.
    pub received: Nanos,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    status: &'static str,
    /// Whole header lines.
    headers: &'static str,
    body: String,
}

impl Reply {
    /// 200 with a JSON document.
    pub fn json(body: String) -> Reply {
        Reply { status: "200 OK", headers: "Content-Type: application/json\r\n", body }
    }

    /// 400: the question makes no sense, and why.
    pub fn senseless(why: &str) -> Reply {
        Reply::plain("400 Bad Request", "", why)
    }

    /// 404.
    pub fn unknown(there_is: &str) -> Reply {
        Reply::plain("404 Not Found", "", there_is)
    }

    /// 503: not now, and why.
    pub fn unavailable(why: &str) -> Reply {
        Reply::plain("503 Service Unavailable", "", why)
    }

    fn plain(status: &'static str, headers: &'static str, why: &str) -> Reply {
        Reply { status, headers, body: format!("{why}\n") }
    }

    /// What it tells.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Adds it; without its body where a HEAD was refused.
    fn put(&self, out: &mut Vec<u8>, bodiless: bool, after: After) {
        reply::head(out, self.status, self.headers, self.body.len(), after);
        if !bodiless {
            out.extend_from_slice(self.body.as_bytes());
        }
    }
}

/// Why there is no desk.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The address cannot be listened on.
    #[error("failed to listen on {address}")]
    Listen {
        /// As it was wanted.
        address: SocketAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// Certificate or key will not do.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A desk that listens and answers nobody yet.
pub struct Desk {
    door: Door,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    token: Token,
}

impl Desk {
    /// Listens on `address` (port 0 takes a free one) for those who show the token; with TLS where a
    /// certificate with its chain and its key are given as PEM.
    ///
    /// # Errors
    /// An address that is not to be had; a certificate or key that will not do.
    pub fn bind(
        address: SocketAddr,
        identity: Option<(&[u8], &[u8])>,
        token: Token,
    ) -> Result<Desk, DeskError> {
        let tls = identity.map(|(chain, key)| tls::of_pem(chain, key)).transpose()?;
        let (door, listener) = Door::bind(address).map_err(|source| DeskError::Listen { address, source })?;
        Ok(Desk { door, listener, tls, token })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// Whether it speaks TLS, and nothing else.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// Answers until the future is dropped: for a current-thread runtime, inside a `LocalSet`, whose end
    /// also ends the visits.
    ///
    /// # Errors
    /// The listener or a timer cannot be had. Failures of accepting or of one connection end nothing.
    pub async fn serve<C: Clerk>(self, clerk: C) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let timer = Timer::start(Clock::Monotonic)?;
        let room = Rc::new(Room { clerk, token: self.token, timer });
        loop {
            match listener.accept().await {
                // One count is the loop's own.
                Ok((socket, _)) if Rc::strong_count(&room) <= MOST_VISITS => {
                    // Fails only on a connection that is gone already, which its visit will see.
                    let _ = socket.set_nodelay(true);
                    // Without a session this one is dropped, and the next is another matter.
                    let Ok(tls) = self.tls.as_ref().map(Tls::new).transpose() else { continue };
                    tokio::task::spawn_local(Visit::new(socket, tls, Rc::clone(&room)).run());
                }
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => room.timer.sleep(ACCEPT_PAUSE).await,
            }
        }
    }
}

/// What all visits share.
struct Room<C> {
    clerk: C,
    token: Token,
    timer: Timer,
}
