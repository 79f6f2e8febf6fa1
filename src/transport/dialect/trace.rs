//! A readable account of what a session does, for `try`. Nothing of it in runs.

use crate::transport::UnitKind;

/// Who is told. One client at a time: it does not say whose happening it was.
pub trait Trace {
    /// Something happened.
    fn tell(&self, happening: &Happening<'_>);
}

/// What can happen in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening<'a> {
    /// The carrier handed over a unit, before it was split.
    Unit {
        /// What the carrier takes it for.
        kind: UnitKind,
        /// Its bytes.
        body: &'a [u8],
    },
    /// A part of the unit, where units are split.
    Part {
        /// Its bytes.
        body: &'a [u8],
        /// The name of its Server-Sent Event; empty: none.
        event: &'a [u8],
    },
    /// The head of an answer.
    Head {
        /// Status line and fields, as they came.
        raw: &'a [u8],
    },
    /// A message goes out over the session.
    Sent {
        /// Its bytes.
        body: &'a [u8],
    },
    /// A request of the dialect's own goes out: a step, or a `send_by`.
    Request {
        /// The whole request, as it goes out.
        raw: &'a [u8],
    },
    /// Its answer.
    Answer {
        /// The status.
        status: u16,
        /// Status line and fields, as they came.
        head: &'a [u8],
        /// The body.
        body: &'a [u8],
    },
    /// A step is begun.
    Step {
        /// Its number, from 1.
        number: usize,
        /// What it does, in words.
        what: &'a str,
    },
    /// What a step expected has come.
    Expected {
        /// Its number, from 1.
        number: usize,
    },
    /// A rule fired.
    Rule {
        /// Its number, from 1.
        number: usize,
        /// What it knows the unit by.
        by: &'a str,
        /// What it says, one word behind the other.
        then: &'a str,
    },
    /// A variable was set.
    Set {
        /// Its name.
        name: &'a str,
        /// Its value.
        value: &'a [u8],
    },
    /// A unit goes on to the client as a message.
    Delivered {
        /// Whether it holds a stamp of this run.
        stamped: bool,
    },
    /// No rule knows a unit.
    Unmatched {
        /// Its bytes.
        body: &'a [u8],
    },
    /// The session can receive.
    Ready,
    /// The session is over.
    Over {
        /// How, in words.
        how: &'a str,
    },
}
