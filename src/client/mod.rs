//! Virtual clients and publishers: they pace the carriers and turn what these report into samples.
//!
//! Everything here runs as tasks of one worker thread and shares nothing with another one.

mod follow;
mod listener;
mod publisher;
mod pull_pace;
#[cfg(test)]
mod tests;
mod virtual_client;

pub use follow::Follow;
pub use publisher::{
    EchoWay, Feed, FeedChannel, HttpWay, InBandWay, Outbox, Publisher, PublisherReport, Way,
};
pub use virtual_client::VirtualClient;

use crate::clock::Timer;
use crate::model::{Nanos, Op, RunTag, Traffic};
use crate::net::Dialer;
use crate::record::{ClientLedger, Recorder};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What all clients and publishers of a worker use.
pub struct Workplace {
    /// Wakes them.
    pub timer: Timer,
    /// Opens their sockets.
    pub dialer: Rc<Dialer>,
    /// Takes their samples.
    pub recorder: RefCell<Recorder>,
    /// Marks this run's messages.
    pub tag: RunTag,
    /// Bytes of a published message; 0: nothing is published by this run.
    pub payload_bytes: u64,
    /// Whether the clients read an endpoint that tells its latest value only.
    pub latest_value: bool,
    /// Whether each client sends its own messages: what it wrote for one is payload, too.
    pub echo: bool,
    /// How the messages of a target that publishes by itself are told.
    pub follow: Option<Follow>,
    /// Limit of one attempt to attach.
    pub connect_timeout: Nanos,
    /// Limit of one request.
    pub request_timeout: Nanos,
}

impl Workplace {
    /// Now, on the run's clock.
    pub fn now(&self) -> Nanos {
        self.timer.clock().now()
    }
}

/// What remains of a client when its task is gone.
#[derive(Debug, Default)]
pub struct ClientState {
    /// The channel it listens to.
    pub channel: u32,
    /// What it got.
    pub ledger: RefCell<ClientLedger>,
    /// The operation under way.
    pub under_way: Cell<Option<Op>>,
    /// Whether a session is open.
    pub attached: Cell<bool>,
    /// Bytes of its session that have been recorded.
    pub told: Cell<Traffic>,
    /// What it is to send over its session; `None`: it only listens.
    pub outbox: Option<Box<Outbox>>,
    /// When it received a message that nobody stamped.
    pub last_message: Cell<Option<Nanos>>,
}
