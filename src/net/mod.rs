//! The only opener of sockets, and the meter that counts every byte through them.

use std::net::SocketAddr;

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
}

/// Opens connections. One for each worker.
pub struct Dialer {
    clock: crate::clock::Clock,
}

impl Dialer {
    /// A dialer that stamps what it reads with this clock.
    pub fn new(clock: crate::clock::Clock) -> Dialer {
        Dialer { clock }
    }

    /// The clock.
    pub fn clock(&self) -> crate::clock::Clock {
        self.clock
    }
}
