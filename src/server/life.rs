//! When the server's life began: with the first connection accepted, what faults are timed from.

use crate::model::Nanos;
use std::cell::Cell;
use tokio::sync::Notify;

/// The instant, when there is one.
#[derive(Default)]
pub(super) struct Life {
    begun: Cell<Option<Nanos>>,
    begins: Notify,
}

impl Life {
    /// A connection was accepted at `now`; only the first one counts.
    pub(super) fn begin(&self, now: Nanos) {
        if self.begun.get().is_none() {
            self.begun.set(Some(now));
            self.begins.notify_waiters();
        }
    }

    /// When it began, if it did.
    pub(super) fn begun_at(&self) -> Option<Nanos> {
        self.begun.get()
    }

    /// When it began; waits for that.
    pub(super) async fn begun(&self) -> Nanos {
        loop {
            if let Some(begun) = self.begun.get() {
                return begun;
            }
            self.begins.notified().await;
        }
    }
}
