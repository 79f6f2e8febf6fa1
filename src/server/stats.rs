//! What the server counts about itself; `GET /stats` shows it.

use std::cell::Cell;

/// A number that goes up, and down where it tells what is there now.
#[derive(Default)]
pub(super) struct Counter(Cell<u64>);

impl Counter {
    /// The value.
    pub(super) fn get(&self) -> u64 {
        self.0.get()
    }

    /// `n` more.
    pub(super) fn add(&self, n: u64) {
        self.0.set(self.0.get() + n);
    }

    /// One less.
    pub(super) fn less(&self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// All counters; those of now are marked, the others count from the start of the server.
#[derive(Default)]
pub(super) struct Stats {
    /// Connections open now.
    pub(super) connections: Counter,
    /// Connections accepted.
    pub(super) accepted: Counter,
    /// Times that accepting paused, because descriptors or memory ran out.
    pub(super) accept_pauses: Counter,
    /// WebSocket subscribers now.
    pub(super) websockets: Counter,
    /// Held long polls now.
    pub(super) waiting: Counter,
    /// Messages published.
    pub(super) published: Counter,
    /// Messages handed to the sockets (or the bounded queues before them) of WebSockets.
    pub(super) to_websockets: Counter,
    /// Messages in answers to long polls.
    pub(super) to_long_polls: Counter,
    /// Messages in answers to `/poll`.
    pub(super) to_polls: Counter,
    /// Messages in answers to `/latest`.
    pub(super) to_latest: Counter,
    /// Bytes that sockets took.
    pub(super) bytes_written: Counter,
    /// Clients disconnected because they did not read.
    pub(super) slow_dropped: Counter,
}

impl Stats {
    /// The counters as one JSON object and a line feed.
    pub(super) fn to_json(&self, channels: usize) -> String {
        let value = serde_json::json!({
            "connections": self.connections.get(),
            "accepted": self.accepted.get(),
            "accept_pauses": self.accept_pauses.get(),
            "subscribers": { "websocket": self.websockets.get(), "long_poll": self.waiting.get() },
            "published": self.published.get(),
            "delivered": {
                "websocket": self.to_websockets.get(),
                "long_poll": self.to_long_polls.get(),
                "poll": self.to_polls.get(),
                "latest": self.to_latest.get(),
            },
            "bytes_written": self.bytes_written.get(),
            "slow_dropped": self.slow_dropped.get(),
            "channels": channels,
        });
        format!("{value}\n")
    }
}
