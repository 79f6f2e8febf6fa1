//! The bundled reference push server: what a first run is measured against.
//!
//! A process of its own (`pushbench serve`), so that its cost is its own. One thread, one task a
//! connection, nothing shared with other threads. It offers the same messages by polling, long
//! polling and WebSocket, and is written so that none of them is handicapped by how it is done
//! here: one system call a delivery, no wake-up of a task a delivery, the fewest header bytes HTTP
//! allows. It is not a product: no TLS, no users, no idle timeouts, nothing on disk.

mod channel;
mod chunked;
mod frame;
mod handshake;
mod http;
mod input;
mod limits;
mod port;
mod push;
mod reply;
mod route;
mod session;
mod stats;
mod thread;

pub use limits::raise_descriptor_limit;
pub use thread::{Running, start_on_thread};

use crate::clock::{Clock, Timer};
use crate::model::Nanos;
use channel::Channel;
use frame::Opcode;
use stats::Stats;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;

/// Connections that may wait to be accepted; the kernel's `somaxconn` bounds it too.
const BACKLOG: i32 = 4_096;
/// How long accepting rests when descriptors or memory ran out.
const ACCEPT_PAUSE: Nanos = Nanos::from_millis(20);
/// One read takes at most this, in bytes.
const READ_BUFFER: usize = 64 * 1024;

/// What can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Messages kept for each channel; the newest is always kept.
    pub history: usize,
    /// Payload bytes kept for each channel; the newest message is always kept.
    pub history_bytes: usize,
    /// How long a long poll is held before it is answered 204.
    pub hold: Nanos,
    /// How often each WebSocket is pinged; zero is never.
    pub ping: Nanos,
    /// Bytes that may wait for one subscriber beyond what the kernel buffers; a client that lets
    /// more pile up is disconnected.
    pub queue_bytes: usize,
    /// Channels that may exist; requests that would make more are answered 503.
    pub channels: usize,
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
}

/// Serves until the future is dropped: for a current-thread runtime, inside a `LocalSet`, whose
/// end also ends the connections.
///
/// # Errors
/// The listener cannot be used. Later failures, of accepting too, end nothing.
pub async fn serve(listener: std::net::TcpListener, config: Config) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    rustix::net::listen(&listener, BACKLOG)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let server = Rc::new(Server::new(config, Timer::start(Clock::Monotonic)?));
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                // Fails only on a connection that is gone already, which its task will see.
                let _ = socket.set_nodelay(true);
                tokio::task::spawn_local(port::run(Rc::clone(&server), socket));
            }
            Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => {
                // Out of descriptors, mostly. The listener stays readable: asking again at once
                // would spin.
                server.stats.accept_pauses.add(1);
                server.timer.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

impl Server {
    fn new(config: Config, timer: Timer) -> Server {
        Server {
            config,
            stats: Stats::default(),
            timer,
            channels: RefCell::default(),
            base: Cell::new(0),
            buffer: RefCell::new(vec![0; READ_BUFFER].into_boxed_slice()),
            scratch: RefCell::default(),
        }
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

    /// Drops a channel that never had a message and has nobody attached.
    fn forget_if_unused(&self, channel: &Rc<Channel>) {
        let listed = self.existing(channel.name()).is_some_and(|c| Rc::ptr_eq(&c, channel));
        if listed && channel.is_unused() {
            self.channels.borrow_mut().remove(channel.name());
        }
    }

    /// The cursor of channels that are not there.
    fn base(&self) -> u64 {
        self.base.get()
    }

    /// Publishes; comes back with the sequence when all receivers are served.
    async fn publish(&self, channel: &Channel, opcode: Opcode, payload: &[u8]) -> u64 {
        self.stats.published.add(1);
        let sequence = channel.append(opcode, payload, (self.config.history, self.config.history_bytes));
        channel.fan_out(sequence).await;
        sequence
    }

    fn stats_json(&self) -> String {
        self.stats.to_json(self.channels.borrow().len())
    }
}
