//! Who receives from a channel: how one message is delivered to one of them.

use super::frame;
use super::framing::Form;
use super::message::Walking;
use super::push::Connection;
use super::reply::{self, After};
use std::rc::Rc;

/// How a subscriber receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Every message, as a frame.
    WebSocket {
        /// Each message begins with its sequence and a space.
        ids: bool,
    },
    /// The next message, as the answer to a held request.
    LongPoll(After),
    /// Every message, in the body of one long answer.
    Stream(Form),
}

/// A receiver in its slot.
pub(super) struct Subscriber {
    pub(super) connection: Rc<Connection>,
    pub(super) kind: Kind,
    /// The newest message when it came: it gets only what comes after.
    pub(super) since: u64,
    /// Messages until its answer ends.
    pub(super) left: u64,
}

impl Subscriber {
    /// Hands the message over; whether more may follow.
    pub(super) fn deliver(&mut self, walking: &mut Walking) -> bool {
        let server = self.connection.server();
        let (stats, boundary) = (&server.stats, server.boundary.as_str());
        match self.kind {
            Kind::LongPoll(_) => {
                let sent = self.connection.release(walking.form(self.kind, boundary));
                stats.delivered(self.kind, u64::from(sent));
                return false;
            }
            Kind::Stream(form) if !form.carries(&walking.message) => {
                stats.unsendable.add(1);
                return true;
            }
            Kind::Stream(_) | Kind::WebSocket { .. } => {}
        }
        self.left -= 1;
        let sent = match (self.kind, self.left) {
            (Kind::Stream(form), 0) => {
                // In one write: an answer that ends costs no more system calls than one that goes on.
                let mut last = walking.form(self.kind, boundary).to_vec();
                form.end(&mut last);
                self.connection.push(&last.into())
            }
            _ => self.connection.push(walking.form(self.kind, boundary)),
        };
        stats.delivered(self.kind, u64::from(sent));
        if self.left == 0 {
            self.connection.let_go();
        }
        self.left > 0
    }

    /// The channel is deleted; `newest` was its last message.
    pub(super) fn send_away(&self, newest: u64) {
        match self.kind {
            Kind::WebSocket { .. } => {
                let goodbye = frame::close(Some(frame::code::GOING_AWAY), "channel deleted");
                self.connection.send_last(&goodbye);
            }
            Kind::LongPoll(after) => {
                let mut out = Vec::new();
                let etag = format!("ETag: \"{newest}\"\r\n");
                reply::text(&mut out, "410 Gone", &etag, "channel deleted\n", after);
                self.connection.release(&out);
            }
            Kind::Stream(form) => {
                let mut out = Vec::new();
                form.end(&mut out);
                self.connection.release(&out);
            }
        }
    }
}
