//! What each client is owed and what it got, exactly, in a few bytes a client.
//!
//! A client keeps the highest sequence it saw and the gaps below it: nothing for each message. At
//! the end the gaps are held against what was published while it was subscribed.

use crate::model::Nanos;
use std::ops::Range;

/// What one client has seen of its channel.
#[derive(Clone, Debug, Default)]
pub struct ClientLedger {
    /// One more than the highest sequence seen.
    next: u32,
    /// Sequences below `next` never seen: disjoint, ascending.
    gaps: Vec<Range<u32>>,
    /// Subscribed from.
    since: Option<Nanos>,
    /// Subscribed until; `None`: to the end.
    until: Option<Nanos>,
    /// Of messages that the target numbers itself.
    pub(super) own: Option<Box<super::own::OwnNumbers>>,
}

/// What a received message was to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The first time, in order.
    New,
    /// The first time, but after a later one.
    Late,
    /// Not the first time, and the latest that there was.
    AgainNewest,
    /// Not the first time.
    Again,
}

impl Seen {
    /// Whether it had not been received before.
    pub fn is_first(self) -> bool {
        matches!(self, Seen::New | Seen::Late)
    }
}

impl ClientLedger {
    /// Takes note of a received message. Constant time while nothing is missing; a search among the
    /// gaps otherwise.
    pub fn see(&mut self, sequence: u32) -> Seen {
        if sequence >= self.next {
            if sequence > self.next {
                self.gaps.push(self.next..sequence);
            }
            self.next = sequence + 1;
            return Seen::New;
        }
        let at = self.gaps.partition_point(|g| g.end <= sequence);
        match self.gaps.get(at).cloned() {
            Some(gap) if gap.contains(&sequence) => {
                let parts = [gap.start..sequence, sequence + 1..gap.end];
                self.gaps.splice(at..=at, parts.into_iter().filter(|p| !p.is_empty()));
                Seen::Late
            }
            _ if sequence + 1 == self.next => Seen::AgainNewest,
            _ => Seen::Again,
        }
    }

    /// Subscribed from `at` on; an earlier instant already known stands.
    pub fn subscribed(&mut self, at: Nanos) {
        self.since = Some(self.since.map_or(at, |known| known.min(at)));
    }

    /// Subscribed no longer.
    pub fn ended(&mut self, at: Nanos) {
        self.until = Some(at);
    }

    /// Whether a message due then is none of its: it was not subscribed yet.
    pub fn is_early(&self, due: Nanos) -> bool {
        self.since.is_none_or(|since| due < since)
    }

    /// Whether it was subscribed at that instant.
    pub fn is_subscribed_at(&self, at: Nanos) -> bool {
        self.since.is_some_and(|s| s <= at) && self.until.is_none_or(|u| at < u)
    }

    /// How many of `range` were received.
    pub(super) fn received_in(&self, range: &Range<u32>) -> u64 {
        let seen = overlap(range, &(0..self.next));
        seen - self.gaps.iter().map(|g| overlap(range, g)).sum::<u64>()
    }

    fn has(&self, sequence: u32) -> bool {
        let at = self.gaps.partition_point(|g| g.end <= sequence);
        sequence < self.next && !self.gaps.get(at).is_some_and(|g| g.contains(&sequence))
    }
}

fn overlap(a: &Range<u32>, b: &Range<u32>) -> u64 {
    u64::from(a.end.min(b.end).saturating_sub(a.start.max(b.start)))
}

/// What was published on one channel.
#[derive(Clone, Debug, Default)]
pub struct ChannelFeed {
    /// The messages due in `measure` that were begun: consecutive sequences.
    pub measured: Range<u32>,
    /// Of these, those that the target did not acknowledge; ascending.
    pub failed: Vec<u32>,
    /// When the messages of `measured` were due, in order: needed for clients that were subscribed
    /// for a part of it only.
    pub dues: Vec<Nanos>,
    /// Where the target tells how many received a message: a measured sequence, and that number.
    pub receivers: Vec<(u32, u32)>,
}

impl ChannelFeed {
    /// The measured sequences due in `since..until`.
    fn due_within(&self, since: Nanos, until: Option<Nanos>) -> Range<u32> {
        let index = |at: Nanos| self.dues.partition_point(|d| *d < at) as u32;
        let end = until.map_or(self.dues.len() as u32, index);
        let start = index(since).min(end);
        self.measured.start + start..self.measured.start + end
    }

    fn failed_in<'a>(&'a self, range: &'a Range<u32>) -> impl Iterator<Item = u32> + 'a {
        self.failed.iter().copied().filter(|s| range.contains(s))
    }
}

/// One client's account, or the sum of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Acknowledged messages published while it was subscribed.
    pub expected: u64,
    /// Of these, received.
    pub delivered: u64,
    /// Of these, not received.
    pub missing: u64,
    /// Acknowledged messages published while it was not subscribed.
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
        self.unattached += o.unattached;
        self.received += o.received;
    }
}

/// Closes the account of a client with the feed of its channel. A message was owed when it was due
/// while the client was subscribed and the target acknowledged it.
pub fn close_client(client: &ClientLedger, feed: &ChannelFeed) -> Closed {
    let received = client.received_in(&feed.measured);
    let published = feed.measured.len() as u64 - feed.failed.len() as u64;
    let Some(since) = client.since else {
        return Closed { received, unattached: published, ..Closed::default() };
    };
    let owed = feed.due_within(since, client.until);
    let failed = feed.failed_in(&owed).count() as u64;
    let failed_but_here = feed.failed_in(&owed).filter(|s| client.has(*s)).count() as u64;
    let expected = u64::from(owed.end - owed.start) - failed;
    let delivered = client.received_in(&owed) - failed_but_here;
    Closed { expected, delivered, missing: expected - delivered, unattached: published - expected, received }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn feed(measured: Range<u32>, failed: Vec<u32>) -> ChannelFeed {
        let dues = measured.clone().map(|s| Nanos(u64::from(s) * 10)).collect();
        ChannelFeed { measured, failed, dues, ..ChannelFeed::default() }
    }

    proptest! {
        /// Against a plain set that keeps every message.
        #[test]
        fn agrees_with_a_ledger_that_keeps_everything(
            arrivals in prop::collection::vec(0_u32..80, 0..120),
            failed in prop::collection::btree_set(10_u32..60, 0..8),
            since in 0_u64..500, length in prop::option::of(0_u64..700),
        ) {
            let mut ledger = ClientLedger::default();
            let mut all = HashSet::new();
            for s in &arrivals {
                prop_assert_eq!(ledger.see(*s).is_first(), all.insert(*s));
            }
            ledger.subscribed(Nanos(since));
            let until = length.map(|l| since + l);
            if let Some(u) = until { ledger.ended(Nanos(u)); }
            let feed = feed(10..60, failed.iter().copied().collect());
            let owed: Vec<u32> = (10..60)
                .filter(|s| { let due = u64::from(*s) * 10; due >= since && until.is_none_or(|u| due < u) })
                .filter(|s| !failed.contains(s))
                .collect();
            let closed = close_client(&ledger, &feed);
            prop_assert_eq!(closed.expected, owed.len() as u64);
            prop_assert_eq!(closed.delivered, owed.iter().filter(|s| all.contains(s)).count() as u64);
            prop_assert_eq!(closed.expected, closed.delivered + closed.missing);
            prop_assert_eq!(closed.expected + closed.unattached, 50 - failed.len() as u64);
            prop_assert_eq!(closed.received, all.iter().filter(|s| (10..60).contains(*s)).count() as u64);
        }
    }

    #[test]
    fn tells_new_late_and_again_apart() {
        let mut l = ClientLedger::default();
        let seen: Vec<Seen> = [0, 3, 2, 2, 3, 4, 1].into_iter().map(|s| l.see(s)).collect();
        use Seen::*;
        assert_eq!(seen, [New, New, Late, Again, AgainNewest, New, Late]);
        assert!(l.gaps.is_empty());
    }

    #[test]
    fn a_client_never_subscribed_is_owed_nothing() {
        let closed = close_client(&ClientLedger::default(), &feed(0..10, vec![]));
        assert_eq!(closed, Closed { unattached: 10, ..Closed::default() });
    }
}
