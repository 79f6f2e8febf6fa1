//! When a client was subscribed: one span for each of its sessions.

use super::Due;
use crate::model::Nanos;

/// One session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// When what made its client subscribed was asked for; never after `since`.
    pub(super) asked: Nanos,
    /// Subscribed from.
    pub(super) since: Nanos,
    /// Subscribed until; `Nanos::MAX`: it goes on.
    pub(super) until: Nanos,
    /// One more than the highest sequence that its client had seen when it ended.
    pub(super) seen: u32,
    /// Whether its client left on purpose.
    pub(super) wanted: bool,
    /// Whether it is its client's last: what follows belongs to another one with its number.
    pub(super) last: bool,
}

/// All sessions in order. Most clients have one, which takes no allocation.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    /// Those before the latest.
    past: Vec<Span>,
    latest: Option<Span>,
    /// When the session that is not known to stand yet was asked for.
    asking: Option<Nanos>,
}

impl Spans {
    /// The next session is asked for: what is due from now on and comes before it is known to stand is
    /// early.
    pub(super) fn ask(&mut self, at: Nanos) {
        self.asking = Some(at);
    }

    /// Whether this changes anything.
    pub(super) fn begin(&mut self, asked: Nanos, at: Nanos) -> bool {
        self.asking = None;
        let asked = asked.min(at);
        match &mut self.latest {
            Some(span) if span.until == Nanos::MAX => {
                let earlier = at < span.since;
                (span.asked, span.since) = (span.asked.min(asked), span.since.min(at));
                earlier
            }
            latest => {
                self.past.extend(latest.take());
                let (until, seen) = (Nanos::MAX, 0);
                *latest = Some(Span { asked, since: at, until, seen, wanted: false, last: false });
                true
            }
        }
    }

    pub(super) fn end(&mut self, at: Nanos, seen: u32, wanted: bool) {
        if let Some(span) = self.latest.as_mut().filter(|span| span.until == Nanos::MAX) {
            // A pull client may end before it counted as subscribed.
            span.since = span.since.min(at);
            span.asked = span.asked.min(at);
            (span.until, span.seen, span.wanted) = (at, seen, wanted);
        }
    }

    /// The latest never came about.
    pub(super) fn undo(&mut self) {
        if self.latest.is_some_and(|span| span.until == Nanos::MAX) {
            self.latest = self.past.pop();
        }
    }

    /// The latest is over; nothing more comes of it.
    pub(super) fn gone(&mut self, seen: u32, for_good: bool) {
        if let Some(span) = self.latest.as_mut().filter(|span| span.until != Nanos::MAX) {
            span.seen = seen;
            span.last |= for_good;
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Span> {
        self.past.iter().chain(&self.latest)
    }

    pub(super) fn place(&self, due: Nanos) -> Due {
        if self.asking.is_some_and(|asked| asked <= due) {
            return Due::Early;
        }
        match &self.latest {
            None => return Due::Early,
            Some(span) if span.since <= due && due < span.until => return Due::Here,
            Some(span) if span.last => return Due::Before,
            Some(_) => {}
        }
        let of_this_client = self.iter().rev().enumerate().take_while(|(i, span)| *i == 0 || !span.last);
        let mut first = Nanos::MAX;
        for (_, span) in of_this_client {
            if span.since <= due && due < span.until {
                return Due::Here;
            }
            if span.asked <= due && due < span.since {
                return Due::Early;
            }
            first = span.since;
        }
        match due < first {
            false => Due::Between,
            true if self.past.iter().any(|span| span.last) => Due::Before,
            true => Due::Early,
        }
    }
}
