//! What a client remembers from one session to the next, as a browser tab does.

use super::More;
use crate::model::{Nanos, Traffic};

/// Small, since every client has one.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// How long the server asked to wait before the next attempt (`Retry-After`, SSE `retry`); taken
    /// by who honours it.
    pub retry_after: Option<Nanos>,
    /// The cursor of the last message, such as an SSE id; empty: none.
    pub cursor: String,
    /// What was wrong, in words, the last time that something failed and a class alone does not
    /// tell enough: which rule, which limit. Taken by who reports it.
    pub detail: Option<String>,
    /// Cookies, and what a dialect keeps; boxed, since few clients have any.
    pub more: Option<Box<More>>,
    /// Bytes of attempts to attach that came to no session; boxed, since few clients have any.
    spent: Option<Box<Traffic>>,
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
