//! Somebody who looks at what crosses connections: for a person who tries out one client. Nobody looks
//! during a measurement, which costs a connection eight bytes and a read one comparison.

use crate::model::Nanos;
use std::net::SocketAddr;
use std::rc::Rc;

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the target.
    In,
    /// To the target.
    Out,
}

/// Told what connections do, on the thread that drives them.
pub trait Watch {
    /// Connection `number` (from 1, in the order of connecting) was made.
    fn opened(&self, number: u32, to: SocketAddr, at: Nanos);

    /// Bytes crossed it: above TLS, as one read or write had them. No bytes from the target: it
    /// closed its side.
    fn crossed(&self, number: u32, way: Way, bytes: &[u8], at: Nanos);

    /// It is closed, by us.
    fn closed(&self, number: u32);
}

/// A connection that somebody looks at.
pub(super) struct Watched {
    number: u32,
    by: Rc<dyn Watch>,
}

impl Watched {
    pub(super) fn open(by: Rc<dyn Watch>, number: u32, to: SocketAddr, at: Nanos) -> Box<Watched> {
        by.opened(number, to, at);
        Box::new(Watched { number, by })
    }

    pub(super) fn crossed(&self, way: Way, bytes: &[u8], at: Nanos) {
        self.by.crossed(self.number, way, bytes, at);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.by.closed(self.number);
    }
}
