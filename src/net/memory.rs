//! What a client remembers from one session to the next, as a browser tab does.

use super::{More, Stream};
use crate::model::{Nanos, Traffic};
use std::fmt;

/// Small, since every client has one.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// How long the server asked to wait before the next attempt (`Retry-After`, SSE `retry`); taken
    /// by who honours it.
    pub retry_after: Option<Nanos>,
    /// The cursor of the last message, such as an SSE id; empty: none.
    pub cursor: String,
    /// When the last of what makes a session subscribed went out (a request, an upgrade, a login's last
    /// message); taken by who counts from it.
    pub asked: Option<Nanos>,
    /// Connections that were made and that nobody has told of.
    pub dialled: u32,
    /// What was wrong, in words, the last time that something failed and a class alone does not
    /// tell enough: which rule, which limit. Taken by who reports it.
    pub detail: Option<String>,
    /// Cookies, and what a dialect keeps; boxed, since few clients have any.
    pub more: Option<Box<More>>,
    /// Bytes of attempts to attach that came to no session; boxed, since few clients have any.
    spent: Option<Box<Traffic>>,
    /// Whether the server asked not to be tried again (an SSE request answered with 204).
    pub stay_away: bool,
    /// A connection whose last answer has ended, for the next session.
    pub kept: Kept,
}

/// A connection kept alive between two sessions. A clone has none.
#[derive(Default)]
pub struct Kept(Option<Box<Stream>>);

impl Kept {
    /// Keeps it in place of the last one.
    pub fn put(&mut self, stream: Stream) {
        self.0 = Some(Box::new(stream));
    }

    /// Gives it away.
    pub fn take(&mut self) -> Option<Stream> {
        self.0.take().map(|stream| *stream)
    }
}

impl Clone for Kept {
    fn clone(&self) -> Kept {
        Kept(None)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "a connection" } else { "none" })
    }
}

impl Memory {
    /// Remembers what was wrong.
    pub fn tell(&mut self, detail: impl Into<String>) {
        self.detail = Some(detail.into());
    }

    /// Remembers the bytes of an attempt to attach that came to nothing.
    pub fn spend(&mut self, traffic: Traffic) {
        **self.spent.get_or_insert_default() += traffic;
    }

    /// The bytes of attempts that came to nothing, since the last call; taken by who records them.
    pub fn take_spent(&mut self) -> Option<Traffic> {
        self.spent.take().map(|spent| *spent)
    }
}
