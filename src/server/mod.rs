//! The bundled reference push server: what a first run is measured against.
//!
//! A process of its own (`pushbench serve`), so that its cost is its own. One thread, one task a
//! connection, nothing shared with other threads. It offers the same messages by polling, long
//! polling, streams of every usual framing and WebSocket, plain and over TLS, and is written so that
//! none of them is handicapped by how it is done here: one system call a delivery, no wake-up of a
//! task a delivery, the fewest header bytes HTTP allows, the bytes of a message made once for each
//! kind that has subscribers. It is not a product: no users, no idle timeouts, nothing on disk.
//! `docs/server.md` holds every endpoint to the byte.

mod bound;
mod channel;
mod chunked;
mod desk;
mod door;
mod farewell;
pub mod fault;
mod frame;
mod framing;
mod handshake;
mod http;
mod input;
mod life;
mod limits;
mod live;
mod message;
mod port;
mod push;
mod query;
mod reply;
mod route;
mod session;
mod span;
mod stats;
mod stream;
mod subscriber;
mod thread;
mod tls;

pub use bound::{BindError, Bound};
pub use desk::{Clerk, Desk, DeskError, LEAST_TOKEN, Question, Reply, Token, TokenError};
pub use fault::{Fault, FaultError};
pub use limits::raise_descriptor_limit;
pub use span::span;
pub use thread::{Running, start_on_thread};
pub use tls::TlsError;

use crate::clock::{Clock, Timer};
use crate::model::Nanos;
use channel::Channel;
use fault::{Burn, Line, Plan, Restart};
use frame::Opcode;
use life::Life;
use live::Live;
use stats::Stats;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

/// One read takes at most this, in bytes.
const READ_BUFFER: usize = 64 * 1024;

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Messages kept for each channel; the newest is always kept.
    pub history: usize,
    /// Payload bytes kept for each channel; the newest message is always kept.
    pub history_bytes: usize,
    /// How long a long poll is held before it is answered 204.
    pub hold: Nanos,
    /// How often each WebSocket is pinged and each SSE stream gets a comment; zero is never.
    pub ping: Nanos,
    /// Bytes that may wait for one subscriber beyond what the kernel buffers; a client that lets
    /// more pile up is disconnected.
    pub queue_bytes: usize,
    /// Channels that may exist; requests that would make more are answered 503.
    pub channels: usize,
    /// Where to listen with TLS as well; port 0 takes a free one, `None` is nowhere.
    pub tls: Option<SocketAddr>,
    /// How long a TLS handshake may take before the connection is dropped.
    pub handshake: Nanos,
    /// What goes wrong on purpose.
    pub faults: Vec<Fault>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            history: 1_000,
            history_bytes: 1024 * 1024,
            hold: Nanos::SECOND * 25,
            ping: Nanos::SECOND * 30,
            queue_bytes: 1024 * 1024,
            channels: 10_000,
            tls: None,
            handshake: Nanos::SECOND * 60,
            faults: Vec::new(),
        }
    }
}

/// What all connections of the thread share.
struct Server {
    config: Config,
    stats: Stats,
    timer: Timer,
    channels: RefCell<HashMap<Rc<str>, Rc<Channel>>>,
    /// Where sequences of new channels begin: behind those of all deleted ones, so that a cursor
    /// never means two things.
    base: Cell<u64>,
    /// All reads go through it.
    buffer: RefCell<Box<[u8]>>,
    /// Answers are made in it.
    scratch: RefCell<Vec<u8>>,
    /// TLS records are made in it.
    sealed: RefCell<Vec<u8>>,
    live: Live,
    life: Life,
    /// What goes wrong, by kind.
    plan: Plan,
    /// Where messages wait, when something goes wrong with messages.
    line: Option<Line>,
    burn: Option<Burn>,
    /// What divides the parts of multipart streams: drawn anew for each server, so that no payload
    /// holds it by chance.
    boundary: String,
}

impl Server {
    fn new(config: Config, plan: Plan) -> io::Result<Server> {
        Ok(Server {
            config,
            stats: Stats::default(),
            timer: Timer::start(Clock::Monotonic)?,
            channels: RefCell::default(),
            base: Cell::new(0),
            buffer: RefCell::new(vec![0; READ_BUFFER].into_boxed_slice()),
            scratch: RefCell::default(),
            sealed: RefCell::default(),
            live: Live::default(),
            life: Life::default(),
            plan,
            line: plan.touches_messages().then(|| Line::new(plan)).transpose()?,
            burn: plan.burn.map(Burn::start).transpose()?,
            boundary: format!("pushbench-{:016x}", fastrand::u64(..)),
        })
    }

    /// The channel of that name, if it is there.
    fn existing(&self, name: &str) -> Option<Rc<Channel>> {
        self.channels.borrow().get(name).cloned()
    }

    /// The channel of that name, made now if need be; `None` when there are too many.
    fn channel(&self, name: &str) -> Option<Rc<Channel>> {
        let mut channels = self.channels.borrow_mut();
        if let Some(channel) = channels.get(name) {
            return Some(Rc::clone(channel));
        }
        if channels.len() >= self.config.channels {
            return None;
        }
        let name: Rc<str> = name.into();
        let channel = Rc::new(Channel::new(Rc::clone(&name), self.base.get()));
        channels.insert(name, Rc::clone(&channel));
        Some(channel)
    }

    /// Takes the channel out of the list.
    fn remove(&self, name: &str) -> Option<Rc<Channel>> {
        let channel = self.channels.borrow_mut().remove(name)?;
        self.base.set(self.base.get().max(channel.newest()));
        Some(channel)
    }

    /// Whether the channel was not deleted since.
    fn is_listed(&self, channel: &Rc<Channel>) -> bool {
        self.existing(channel.name()).is_some_and(|c| Rc::ptr_eq(&c, channel))
    }

    /// Drops a channel that never had a message and has nobody attached.
    fn forget_if_unused(&self, channel: &Rc<Channel>) {
        if self.is_listed(channel) && channel.is_unused() {
            self.channels.borrow_mut().remove(channel.name());
        }
    }

    /// The cursor of channels that are not there.
    fn base(&self) -> u64 {
        self.base.get()
    }

    /// Publishes what was read at `received`; comes back with the sequence when all receivers are
    /// served, or, where messages go through a line, with what the sequence would be without it.
    async fn publish(
        &self,
        channel: &Rc<Channel>,
        (opcode, payload): (Opcode, &[u8]),
        received: Nanos,
    ) -> u64 {
        self.stats.published.add(1);
        if let Some(line) = &self.line {
            return channel.base() + line.publish(self, channel, (opcode, payload), received).await;
        }
        let sequence = self.append(channel, opcode, payload);
        channel.fan_out(sequence).await;
        sequence
    }

    /// Takes a message into the history of its channel; its sequence.
    fn append(&self, channel: &Channel, opcode: Opcode, payload: &[u8]) -> u64 {
        channel.append(opcode, payload, (self.config.history, self.config.history_bytes))
    }

    /// Counts a publish to the channel that was asked for; whether it is to be refused.
    fn refuses(&self, channel: &Channel) -> bool {
        let Some(refuse) = self.plan.refuse else { return false };
        let refused = channel.place().ask().is_multiple_of(refuse.every);
        self.stats.faults.refused.add(u64::from(refused));
        refused
    }

    /// Ends all connections, and forgets all messages where that is wanted.
    fn go_down(&self, restart: Restart) {
        self.stats.restarts.add(1);
        self.live.interrupt(restart.gracefully);
        if restart.losing_history {
            let channels = self.channels.borrow();
            if let Some(line) = &self.line {
                self.stats.faults.forgotten.add(line.forget(channels.values()));
            }
            channels.values().for_each(|channel| channel.lose_history());
        }
    }

    fn stats_json(&self) -> String {
        let held = self.line.as_ref().map_or(0, Line::held);
        self.stats.to_json(self.channels.borrow().len(), held)
    }
}
