//! Lets a publisher in between two reads: in a turn of the loop that brings a thousand messages to a
//! thousand clients, what becomes due meanwhile is not to wait for the last of them.
//!
//! Looks at no clock: each read has a stamp of its own.

use super::Publisher;
use crate::model::Nanos;
use std::cell::{Cell, RefCell};
use std::rc::Weak;

/// One for each worker: its clients beat it, its publisher listens. Without a publisher nothing
/// ever happens.
#[derive(Debug)]
pub struct Pulse {
    /// When the publisher has something to send; `Nanos::MAX`: it has nothing.
    due: Cell<Nanos>,
    publisher: RefCell<Weak<Publisher>>,
}

impl Default for Pulse {
    fn default() -> Pulse {
        Pulse { due: Cell::new(Nanos::MAX), publisher: RefCell::default() }
    }
}

impl Pulse {
    /// A read returned at this instant, and who read is done with it: nothing of a session or of a
    /// buffer that sessions share may be borrowed now. One comparison when nothing is due.
    pub fn beat(&self, at: Nanos) {
        if at >= self.due.get()
            && let Some(publisher) = self.publisher.borrow().upgrade()
        {
            publisher.give_due();
        }
    }

    pub(super) fn listen(&self, publisher: Weak<Publisher>) {
        *self.publisher.borrow_mut() = publisher;
    }

    /// The next message is due then.
    pub(super) fn next_is_due(&self, at: Nanos) {
        self.due.set(at);
    }
}
