//! What workers tell the conductor.

use super::events;
use super::places::Taken;
use crate::client::PublisherReport;
use crate::model::{Nanos, Op};
use crate::record::ClientLedger;

/// One thing that a worker tells.
pub(super) enum Report {
    /// What happened up to boundary `boundary` since the one before, and how things stood then.
    Interval { worker: usize, boundary: usize, taken: Box<Taken>, moment: Moment },
    /// It is over.
    Done(Box<Done>),
    /// It could not be set up.
    Failed(String),
}

/// How things stand with a worker.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// Clients that are subscribed.
    pub(super) attached: u32,
    /// CPU time that the worker's thread has used.
    pub(super) cpu: Nanos,
    /// Bytes unread in a sample of its sockets.
    pub(super) backlog_bytes: u64,
}

/// What a worker leaves.
pub(super) struct Done {
    /// Since the last boundary.
    pub(super) rest: Taken,
    /// What remains of each client.
    pub(super) clients: Vec<ClientEnd>,
    /// What became of the feed.
    pub(super) feed: PublisherReport,
    /// Operations still under way, by kind.
    pub(super) open: [u64; Op::COUNT],
    /// How its log of events ended; `None` without one.
    pub(super) events: Option<events::Ended>,
}

/// What remains of a client.
pub(super) struct ClientEnd {
    pub(super) group: u16,
    pub(super) channel: u32,
    pub(super) ledger: ClientLedger,
}
