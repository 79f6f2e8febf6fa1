//! The only opener of sockets, and the meter that counts every byte through them.
//!
//! Knows nothing of HTTP or WebSocket: what the bytes were for is the carriers' business.

mod attempt;
mod dialer;
mod errors;
mod kernel;
mod memory;
mod meter;
mod more;
mod resolve;
mod socket;
mod stream;
mod tls;
mod watch;

pub use attempt::Attempt;
pub use dialer::{Dialer, READ_BUFFER_BYTES};
pub use errors::{connect_failure, io_failure};
pub use memory::{Kept, Memory};
pub use meter::Meter;
pub use more::{Cookies, More};
pub use resolve::resolve;
pub use stream::Stream;
pub use tls::{TlsClient, TlsConfigError, TlsProfile, TlsSettings};
pub use watch::{Watch, Way};

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

/// Where one client attaches, with everything that does not change between its requests.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Resolved address.
    pub address: SocketAddr,
    /// Value of the `Host` header.
    pub authority: String,
    /// Path and query, templates filled in.
    pub path: String,
    /// Headers of every request beside `Host` and those of the protocol: whole lines, each ended
    /// by CRLF.
    pub headers: String,
    /// The body of a request that has one, templates filled in.
    pub body: String,
    /// Texts sent right after the opening handshake of a push session, templates filled in.
    pub send: Vec<String>,
    /// How large a message is expected to be, bytes, so that it is read in one piece; 0: unknown,
    /// the smallest buffer is taken.
    pub expected_bytes: u32,
    /// The name of the client's channel, for dialects; empty where there is none.
    pub channel: Box<str>,
    /// The client's number in the run, from 0, for dialects.
    pub client: u32,
    /// What its client remembers from one session to the next.
    pub memory: Rc<RefCell<Memory>>,
    /// How TLS is spoken there; `None`: plain TCP.
    pub tls: Option<Rc<TlsProfile>>,
}

/// Where a connection goes: what the dialer needs of an endpoint.
#[derive(Clone, Debug)]
pub struct Place {
    /// Resolved address.
    pub address: SocketAddr,
    /// How TLS is spoken there; `None`: plain TCP.
    pub tls: Option<Rc<TlsProfile>>,
    /// Where it is put into words why a handshake failed.
    pub memory: Rc<RefCell<Memory>>,
}

impl Place {
    /// A place without TLS.
    pub fn plain(address: SocketAddr) -> Place {
        Place { address, tls: None, memory: Rc::default() }
    }
}

impl Endpoint {
    /// An endpoint with no more headers and nothing to send.
    pub fn new(address: SocketAddr, authority: impl Into<String>, path: impl Into<String>) -> Endpoint {
        Endpoint {
            address,
            authority: authority.into(),
            path: path.into(),
            headers: String::new(),
            body: String::new(),
            send: Vec::new(),
            expected_bytes: 0,
            channel: Box::default(),
            client: 0,
            memory: Rc::default(),
            tls: None,
        }
    }

    /// Where its connections go.
    pub fn place(&self) -> Place {
        Place { address: self.address, tls: self.tls.clone(), memory: Rc::clone(&self.memory) }
    }

    /// The scheme of its origin, as browsers write it.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}
