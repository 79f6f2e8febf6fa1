//! What each client is owed and what it got, exactly, in a few bytes a client.
//!
//! A client keeps the highest sequence it saw, the gaps below it, and the spans in which it was
//! subscribed: nothing for each message. At the end the gaps are held against what was published.

mod close;
mod span;
#[cfg(test)]
mod tests;

pub use close::{ChannelFeed, Closed, close_client};

use crate::model::Nanos;
use span::{Span, Spans};
use std::ops::Range;

/// What one client has seen of its channel.
#[derive(Clone, Debug, Default)]
pub struct ClientLedger {
    /// One more than the highest sequence seen.
    next: u32,
    /// Sequences below `next` never seen: disjoint, ascending.
    gaps: Vec<Range<u32>>,
    /// When it was subscribed.
    spans: Spans,
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

/// Where the instant at which a message was due lies in the life of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It was subscribed then.
    Here,
    /// It had not been subscribed yet: before its first session, or a later one was asked for and not
    /// known to stand.
    Early,
    /// It was between two of its sessions: what is received of that was replayed.
    Between,
    /// It did not exist yet: its place was another client's, or nobody's. History given to a
    /// newcomer, in nobody's account.
    Before,
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

    /// Subscribed from `at` on; an earlier instant already known for this session stands. Whether that
    /// is news.
    pub fn subscribed(&mut self, at: Nanos) -> bool {
        self.spans.begin(at, at)
    }

    /// It asks for a session, which is not known to stand yet.
    pub fn asks(&mut self, at: Nanos) {
        self.spans.ask(at);
    }

    /// The same, where it asked for that at `asked`. What was due from then on until `at` is neither
    /// owed nor was it there before the session: received it is early, and otherwise nobody's. It may
    /// have been pushed to a client that did not know yet that it is subscribed.
    pub fn asked_and_subscribed(&mut self, asked: Nanos, at: Nanos) -> bool {
        self.spans.begin(asked, at)
    }

    /// What it asked for was never answered: it was not subscribed after all. Nothing once the session
    /// has ended.
    pub fn never_subscribed(&mut self) {
        self.spans.undo();
    }

    /// Subscribed no longer, though it was to stay; a later `subscribed` begins the next session.
    pub fn ended(&mut self, at: Nanos) {
        self.spans.end(at, self.next, false);
        self.own.iter_mut().for_each(|own| own.session_over(false));
    }

    /// It leaves on purpose. What was due before and still comes is its own until [`gone`].
    ///
    /// [`gone`]: ClientLedger::gone
    pub fn leaves(&mut self, at: Nanos) {
        self.spans.end(at, self.next, true);
    }

    /// It has left. With `for_good` another client takes its place: what is published between the two
    /// is neither's.
    pub fn gone(&mut self, for_good: bool) {
        self.spans.gone(self.next, for_good);
        self.own.iter_mut().for_each(|own| own.session_over(for_good));
    }

    /// Where the instant lies at which a message was due. Constant time for the present session.
    pub fn place(&self, due: Nanos) -> Due {
        self.spans.place(due)
    }

    /// Whether it was subscribed at that instant.
    pub fn is_subscribed_at(&self, at: Nanos) -> bool {
        self.spans.iter().any(|span| span.since <= at && at < span.until)
    }

    /// How long it was subscribed within a window, all its sessions.
    pub fn subscribed_in(&self, window: &Range<Nanos>) -> Nanos {
        let within = |span: &Span| span.until.min(window.end) - span.since.max(window.start);
        self.spans.iter().map(within).fold(Nanos::ZERO, |sum, time| sum + time)
    }

    /// How many of its sessions reach into a window.
    pub fn sessions_in(&self, window: &Range<Nanos>) -> usize {
        self.spans.iter().filter(|span| span.since < window.end && window.start < span.until).count()
    }

    /// How many sessions it had.
    pub fn sessions(&self) -> usize {
        self.spans.iter().count()
    }

    /// How many of `range` were received.
    pub(super) fn received_in(&self, range: &Range<u32>) -> u64 {
        let seen = overlap(range, &(0..self.next));
        let first = self.gaps.partition_point(|g| g.end <= range.start);
        let within = self.gaps[first..].iter().take_while(|g| g.start < range.end);
        seen - within.map(|g| overlap(range, g)).sum::<u64>()
    }

    fn has(&self, sequence: u32) -> bool {
        let at = self.gaps.partition_point(|g| g.end <= sequence);
        sequence < self.next && !self.gaps.get(at).is_some_and(|g| g.contains(&sequence))
    }
}

fn overlap(a: &Range<u32>, b: &Range<u32>) -> u64 {
    u64::from(a.end.min(b.end).saturating_sub(a.start.max(b.start)))
}
