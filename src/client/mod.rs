//! Virtual clients and publishers: they pace the carriers and turn what these report into samples.
//!
//! Everything here runs as tasks of one worker thread and shares nothing with another one.

mod alarm;
mod ask;
mod attach;
mod events;
mod fan_out;
mod follow;
mod listen;
mod listener;
mod publisher;
mod pull_pace;
mod reconnect;
#[cfg(test)]
mod tests;
mod virtual_client;

pub use events::EventLog;
pub use fan_out::FanOut;
pub use follow::{Follow, TheirClock};
pub use publisher::{
    EchoWay, Feed, FeedChannel, HttpWay, InBandWay, Outbox, Publisher, PublisherReport, Pulse, Way,
};
pub use virtual_client::VirtualClient;

use crate::clock::Timer;
use crate::model::{LifeSpec, Nanos, Op, ReadyState, ReconnectSpec, RunTag, Traffic};
use crate::net::Dialer;
use crate::record::{ClientLedger, Recorder};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What all clients of a group, or all publishers, use on one worker.
pub struct Workplace {
    /// Wakes them.
    pub timer: Timer,
    /// Lets the worker's publisher in between two reads.
    pub pulse: Rc<Pulse>,
    /// Opens their sockets.
    pub dialer: Rc<Dialer>,
    /// Takes their samples.
    pub recorder: RefCell<Recorder>,
    /// Where each event is written; `None` in a measurement that is not to be disturbed.
    pub events: Option<Rc<EventLog>>,
    /// Marks this run's messages.
    pub tag: RunTag,
    /// Bytes of a published message; 0: nothing is published by this run.
    pub payload_bytes: u64,
    /// Whether the clients read an endpoint that tells its latest value only.
    pub latest_value: bool,
    /// Whether each client sends its own messages: what it wrote for one is payload, too.
    pub echo: bool,
    /// How the messages of a target that publishes by itself are told.
    pub follow: Option<Rc<Follow>>,
    /// Who receives a message with others; `None` where nobody does.
    pub fan_out: Option<Rc<FanOut>>,
    /// Whether ends of sessions have close codes: WebSocket.
    pub close_codes: bool,
    /// How long its clients stay.
    pub life: LifeSpec,
    /// What they do when a session ends though it was to stay.
    pub reconnect: ReconnectSpec,
    /// Limit of one attempt to attach, where the policy has none of its own.
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
    /// Its number in the run.
    pub number: u32,
    /// The channel it listens to.
    pub channel: u32,
    /// What it got.
    pub ledger: RefCell<ClientLedger>,
    /// The operation under way.
    pub under_way: Cell<Option<Op>>,
    /// Whether a session is open.
    pub attached: Cell<bool>,
    /// Whether it has lost a session and is on its way back.
    pub returning: Cell<bool>,
    /// Bytes of its session that have been recorded.
    pub told: Cell<Traffic>,
    /// What it is to send over its session; `None`: it only listens.
    pub outbox: Option<Box<Outbox>>,
    /// When it received a message that nobody stamped.
    pub last_message: Cell<Option<Nanos>>,
    /// Its ready state and since when; `None` before it first attached, and for pull clients.
    ready: Cell<Option<(ReadyState, Nanos)>>,
}

impl ClientState {
    /// What remains of a client of this channel.
    pub fn of_channel(channel: u32) -> ClientState {
        ClientState { channel, ..ClientState::default() }
    }

    /// The same of one that sends the messages of this channel itself.
    pub fn that_sends(channel: u32) -> ClientState {
        ClientState { outbox: Some(Box::default()), ..ClientState::of_channel(channel) }
    }

    /// The same with this number.
    pub fn numbered(self, number: u32) -> ClientState {
        ClientState { number, ..self }
    }

    /// It is in this state from now on; the time in the one before is written down.
    fn turn(&self, state: ReadyState, place: &Workplace) {
        self.settle(place);
        self.ready.set(Some((state, place.now())));
    }

    /// Writes down the time in the present state: when the run is over.
    pub fn settle(&self, place: &Workplace) {
        if let Some((state, since)) = self.ready.take() {
            place.recorder.borrow_mut().was(state, since, place.now());
        }
    }
}
