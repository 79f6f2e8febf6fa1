//! What happens in a run, as it happens, for somebody who tries out one client. A measurement has no
//! trace: everything here is copied and sent.

use crate::clock::Clock;
use crate::model::Nanos;
use crate::net::{Watch, Way};
use crate::transport::dialect::{self, Happening};
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
    /// The dialect did something.
    Dialect(Said),
}

/// What a dialect did: [`crate::transport::dialect::Happening`] to keep, without what the bytes of
/// connections tell already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It was handed a unit.
    Unit(Vec<u8>),
    /// It cut this part out of a unit; the name of its Server-Sent Event, if it has one.
    Part(Vec<u8>, String),
    /// It began a step: its number, from 1, and what it does.
    Step(usize, String),
    /// What a step expected has come.
    Expected(usize),
    /// A rule fired: its number, from 1, what it knows the unit by, and what it says.
    Rule(usize, String, String),
    /// It set a variable.
    Set(String, Vec<u8>),
    /// It gave a unit on as a message; whether that holds a stamp of this run.
    Delivered(bool),
    /// No rule knows this unit.
    Unmatched(Vec<u8>),
    /// It can receive from now on.
    Ready,
    /// The session is over, and how.
    Over(String),
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
        self.note(Clock::Monotonic.now(), Happened::Closed { connection });
    }
}

impl dialect::Trace for Trace {
    fn tell(&self, happening: &Happening<'_>) {
        if let Some(said) = Said::of(happening) {
            self.note(Clock::Monotonic.now(), Happened::Dialect(said));
        }
    }
}

impl Said {
    /// `None`: the bytes of a connection tell it already.
    fn of(happening: &Happening<'_>) -> Option<Said> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(match *happening {
            Happening::Unit { body, .. } => Said::Unit(body.to_vec()),
            Happening::Part { body, event } => Said::Part(body.to_vec(), text(event)),
            Happening::Step { number, what } => Said::Step(number, what.to_owned()),
            Happening::Expected { number } => Said::Expected(number),
            Happening::Rule { number, by, then } => Said::Rule(number, by.to_owned(), then.to_owned()),
            Happening::Set { name, value } => Said::Set(name.to_owned(), value.to_vec()),
            Happening::Delivered { stamped } => Said::Delivered(stamped),
            Happening::Unmatched { body } => Said::Unmatched(body.to_vec()),
            Happening::Ready => Said::Ready,
            Happening::Over { how } => Said::Over(how.to_owned()),
            Happening::Head { .. }
            | Happening::Sent { .. }
            | Happening::Request { .. }
            | Happening::Answer { .. } => return None,
        })
    }
}
