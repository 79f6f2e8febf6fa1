//! The account of a client against what was published on its channel.

use super::{ClientLedger, Span, overlap};
use crate::model::Nanos;
use std::ops::Range;

/// What was published on one channel.
#[derive(Clone, Debug, Default)]
pub struct ChannelFeed {
    /// The messages due in `measure` that were begun: consecutive sequences.
    pub measured: Range<u32>,
    /// Of these, those that the target did not acknowledge, or that were withheld; ascending.
    pub failed: Vec<u32>,
    /// How many of `failed` nobody asked for: their sender was away on purpose.
    pub withheld: u32,
    /// When the messages of `measured` were due, in order: needed for clients that were subscribed
    /// for a part of it only.
    pub dues: Vec<Nanos>,
    /// Where the target tells how many received a message: a measured sequence, and that number.
    pub receivers: Vec<(u32, u32)>,
}

impl ChannelFeed {
    /// The measured sequences due in `since..until`.
    fn due_within(&self, since: Nanos, until: Nanos) -> Range<u32> {
        let index = |at: Nanos| match at {
            Nanos::MAX => self.dues.len() as u32,
            at => self.dues.partition_point(|d| *d < at) as u32,
        };
        let end = index(until);
        let start = index(since).min(end);
        self.measured.start + start..self.measured.start + end
    }

    fn failed_in(&self, range: &Range<u32>) -> &[u32] {
        let from = self.failed.partition_point(|s| *s < range.start);
        let to = self.failed.partition_point(|s| *s < range.end);
        &self.failed[from..to.max(from)]
    }
}

/// One client's account, or the sum of several: published = expected + missed + replayed + unattached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Acknowledged messages published while it was subscribed.
    pub expected: u64,
    /// Of these, received.
    pub delivered: u64,
    /// Of these, not received.
    pub missing: u64,
    /// Of the missing, those that were due in a session that ended, after the last message that its
    /// client had by then: on their way, or not even sent, when the session was cut.
    pub missing_at_end: u64,
    /// The same where the client left on purpose: nobody took these from it.
    pub missing_at_leave: u64,
    /// Acknowledged messages published between two of its sessions and never received.
    pub missed: u64,
    /// Acknowledged messages published between two of its sessions and received.
    pub replayed: u64,
    /// Acknowledged messages published before its first or after its last session, and while one was
    /// asked for and not known to stand yet.
    pub unattached: u64,
    /// Received messages of `measure` in all, also those not expected (publish not acknowledged,
    /// or published before it was subscribed): what the live counter must agree with.
    pub received: u64,
}

impl std::ops::AddAssign for Closed {
    fn add_assign(&mut self, o: Closed) {
        self.expected += o.expected;
        self.delivered += o.delivered;
        self.missing += o.missing;
        self.missing_at_end += o.missing_at_end;
        self.missing_at_leave += o.missing_at_leave;
        self.missed += o.missed;
        self.replayed += o.replayed;
        self.unattached += o.unattached;
        self.received += o.received;
    }
}

/// Closes the account of a client with the feed of its channel. A message was owed when it was due
/// while the client was subscribed and the target acknowledged it.
pub fn close_client(client: &ClientLedger, feed: &ChannelFeed) -> Closed {
    let published = feed.measured.len() as u64 - feed.failed.len() as u64;
    let mut closed = Closed { received: client.received_in(&feed.measured), ..Closed::default() };
    let mut before: Option<&Span> = None;
    for span in client.spans.iter() {
        if let Some(gap) = before.filter(|b| !b.last) {
            let (there, came) = counted(client, feed, &feed.due_within(gap.until, span.asked));
            closed.replayed += came;
            closed.missed += there - came;
        }
        account_session(client, feed, span, &mut closed);
        before = Some(span);
    }
    closed.missing = closed.expected - closed.delivered;
    closed.unattached = published - closed.expected - closed.missed - closed.replayed;
    closed
}

fn account_session(client: &ClientLedger, feed: &ChannelFeed, span: &Span, closed: &mut Closed) {
    let owed = feed.due_within(span.since, span.until);
    let (there, came) = counted(client, feed, &owed);
    closed.expected += there;
    closed.delivered += came;
    if span.until != Nanos::MAX {
        let (there, came) = counted(client, feed, &(owed.start.max(span.seen)..owed.end));
        let missing = if span.wanted { &mut closed.missing_at_leave } else { &mut closed.missing_at_end };
        *missing += there - came;
    }
}

/// How many of `range` were acknowledged, and how many of these the client received.
fn counted(client: &ClientLedger, feed: &ChannelFeed, range: &Range<u32>) -> (u64, u64) {
    let failed = feed.failed_in(range);
    let failed_but_here = failed.iter().filter(|s| client.has(**s)).count() as u64;
    let there = overlap(range, range) - failed.len() as u64;
    (there, client.received_in(range) - failed_but_here)
}
