//! What the server counts about itself; `GET /stats` shows it.

use super::framing::FRAMINGS;
use super::subscriber::Kind;
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
        self.take(1);
    }

    /// `n` less.
    pub(super) fn take(&self, n: u64) {
        self.0.set(self.0.get().saturating_sub(n));
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
    /// TLS handshakes that were completed.
    pub(super) tls_handshakes: Counter,
    /// Connections that ended before their TLS handshake was completed.
    pub(super) tls_failed: Counter,
    /// Restarts that were played.
    pub(super) restarts: Counter,
    /// Subscribers now.
    subscribers: Kinds,
    /// Messages published.
    pub(super) published: Counter,
    /// Messages handed to the sockets (or the bounded queues before them) of subscribers.
    delivered: Kinds,
    /// Messages in answers to `/poll`.
    pub(super) to_polls: Counter,
    /// Messages in answers to `/latest`.
    pub(super) to_latest: Counter,
    /// Empty messages that no chunk can carry.
    pub(super) unsendable: Counter,
    /// Bytes that sockets took.
    pub(super) bytes_written: Counter,
    /// Clients disconnected because they did not read.
    pub(super) slow_dropped: Counter,
    /// What went wrong on purpose.
    pub(super) faults: Faults,
}

/// Faults that were played, by the server's own account.
#[derive(Default)]
pub(super) struct Faults {
    /// Messages never given out.
    pub(super) dropped: Counter,
    /// Messages given out a second time.
    pub(super) duplicated: Counter,
    /// Messages that the next one has overtaken.
    pub(super) swapped: Counter,
    /// Messages given out late or never.
    pub(super) withheld: Counter,
    /// Publishes refused.
    pub(super) refused: Counter,
    /// Times that the server stood still.
    pub(super) frozen: Counter,
    /// Messages that a restart took before they were given out.
    pub(super) forgotten: Counter,
    /// Bytes held now for subscribing connections.
    pub(super) memory_bytes: Counter,
}

impl Faults {
    fn to_json(&self, held: u64) -> serde_json::Value {
        serde_json::json!({
            "dropped": self.dropped.get(),
            "duplicated": self.duplicated.get(),
            "swapped": self.swapped.get(),
            "withheld": self.withheld.get(),
            "refused": self.refused.get(),
            "frozen": self.frozen.get(),
            "forgotten": self.forgotten.get(),
            "held": held,
            "memory_bytes": self.memory_bytes.get(),
        })
    }
}

/// A counter for each kind of subscriber.
#[derive(Default)]
struct Kinds {
    streams: [Counter; FRAMINGS.len()],
    websocket: Counter,
    long_poll: Counter,
}

impl Kinds {
    fn of(&self, kind: Kind) -> &Counter {
        match kind {
            Kind::WebSocket { .. } => &self.websocket,
            Kind::LongPoll(_) => &self.long_poll,
            Kind::Stream(form) => &self.streams[form.framing as usize],
        }
    }

    fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        let streams = FRAMINGS.iter().zip(&self.streams).map(|((name, _), n)| (*name, n));
        let all = streams.chain([("websocket", &self.websocket), ("long_poll", &self.long_poll)]);
        all.map(|(name, n)| (name.to_owned(), n.get().into())).collect()
    }
}

impl Stats {
    /// A subscriber came.
    pub(super) fn joined(&self, kind: Kind) {
        self.subscribers.of(kind).add(1);
    }

    /// A subscriber went.
    pub(super) fn left(&self, kind: Kind) {
        self.subscribers.of(kind).less();
    }

    /// Subscribers of this kind were sent `n` messages.
    pub(super) fn delivered(&self, kind: Kind, n: u64) {
        self.delivered.of(kind).add(n);
    }

    /// The counters as one JSON object and a line feed; `held` messages wait to be given out.
    pub(super) fn to_json(&self, channels: usize, held: u64) -> String {
        let mut delivered = self.delivered.to_json();
        delivered.insert("poll".into(), self.to_polls.get().into());
        delivered.insert("latest".into(), self.to_latest.get().into());
        let value = serde_json::json!({
            "connections": self.connections.get(),
            "accepted": self.accepted.get(),
            "accept_pauses": self.accept_pauses.get(),
            "tls": { "handshakes": self.tls_handshakes.get(), "failed": self.tls_failed.get() },
            "restarts": self.restarts.get(),
            "subscribers": self.subscribers.to_json(),
            "published": self.published.get(),
            "delivered": delivered,
            "unsendable": self.unsendable.get(),
            "bytes_written": self.bytes_written.get(),
            "slow_dropped": self.slow_dropped.get(),
            "channels": channels,
            "faults": self.faults.to_json(held),
        });
        format!("{value}\n")
    }
}
