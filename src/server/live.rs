//! The connections that are open now, so that all of them can be ended at once.

use super::push::Connection;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

/// The list.
#[derive(Default)]
pub(super) struct Live {
    open: RefCell<HashMap<u64, Weak<Connection>>>,
    last: Cell<u64>,
}

impl Live {
    /// Takes a connection in; gives what to leave with.
    pub(super) fn enter(&self, connection: &Rc<Connection>) -> u64 {
        self.last.set(self.last.get() + 1);
        self.open.borrow_mut().insert(self.last.get(), Rc::downgrade(connection));
        self.last.get()
    }

    /// Takes it out.
    pub(super) fn leave(&self, ticket: u64) {
        self.open.borrow_mut().remove(&ticket);
    }

    /// Ends all of them. Their tasks see it when they run next; nothing is sent to them any more.
    pub(super) fn interrupt(&self, gracefully: bool) {
        for connection in self.open.borrow().values().filter_map(Weak::upgrade) {
            connection.interrupt(gracefully);
        }
    }
}
