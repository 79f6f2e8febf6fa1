//! What happens in a run, as it happens, for somebody who tries out one client. A measurement has no
//! trace: everything here is copied and sent.

use crate::model::Nanos;
use crate::net::{Watch, Way};
use std::net::SocketAddr;
use std::sync::mpsc::Sender;

/// Where what happens is sent; clones send to the same place.
#[derive(Clone, Debug)]
pub struct Trace(Sender<Noted>);

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// When, on the run's clock.
    pub at: Nanos,
    /// What.
    pub what: Happened,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A connection was made; they are numbered from 1.
    Opened {
        /// Its number.
        connection: u32,
        /// Where it goes.
        to: SocketAddr,
    },
    /// Bytes crossed it, above TLS; none: the peer closed its side.
    Crossed {
        /// Its number.
        connection: u32,
        /// Which way.
        way: Way,
        /// As one read or write had them.
        bytes: Vec<u8>,
    },
    /// We closed it.
    Closed {
        /// Its number.
        connection: u32,
    },
}

impl Trace {
    /// A trace that is sent there.
    pub fn new(to: Sender<Noted>) -> Trace {
        Trace(to)
    }

    /// Nobody who looks is left: no reason to end a run.
    fn note(&self, at: Nanos, what: Happened) {
        let _ = self.0.send(Noted { at, what });
    }
}

impl Watch for Trace {
    fn opened(&self, connection: u32, to: SocketAddr, at: Nanos) {
        self.note(at, Happened::Opened { connection, to });
    }

    fn crossed(&self, connection: u32, way: Way, bytes: &[u8], at: Nanos) {
        self.note(at, Happened::Crossed { connection, way, bytes: bytes.to_vec() });
    }

    fn closed(&self, connection: u32) {
        self.note(crate::clock::Clock::Monotonic.now(), Happened::Closed { connection });
    }
}
