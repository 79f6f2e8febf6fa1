//! A client's ledger of messages that the target numbers itself: the first that it saw is its zero.
//!
//! Nobody tells what was published, so a client is held against itself: what lies between the first
//! and the last number that a session of it received in `measure` was owed to it.

use super::ledger::{ClientLedger, Closed, Seen};
use std::ops::Range;

/// Numbers further than this from the first one are not kept apart.
const WIDEST: u64 = u32::MAX as u64 - 1;

/// Where a client's numbers begin, and which it got in `measure`.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnNumbers {
    base: Option<u64>,
    /// Of the present session: from the least to the greatest received in `measure`, from the base.
    measured: Option<Range<u32>>,
    /// The same of each session before it: ascending, disjoint.
    past: Vec<Past>,
    /// Received with a number below the base.
    below: u64,
}

/// What a session that is over was owed.
#[derive(Clone, Debug)]
struct Past {
    measured: Range<u32>,
    /// Whether another client took this one's place then: what lies between is neither's.
    last: bool,
}

impl OwnNumbers {
    /// What comes from now on is of the next session, with `for_good` of another client.
    pub(super) fn session_over(&mut self, for_good: bool) {
        match self.measured.take() {
            Some(measured) => self.past.push(Past { measured, last: for_good }),
            None => self.past.iter_mut().next_back().into_iter().for_each(|past| past.last |= for_good),
        }
    }

    /// The session was owed this one, and all up to the others that it got.
    fn owed(&mut self, from_base: u32) {
        // What an earlier session was owed is in its account, whoever brought it.
        if self.past.last().is_some_and(|past| from_base < past.measured.end) {
            return;
        }
        let range = self.measured.get_or_insert(from_base..from_base + 1);
        *range = range.start.min(from_base)..range.end.max(from_base + 1);
    }
}

impl ClientLedger {
    /// Takes note of the message with this number, received while it was owed in `measure` or not;
    /// what it was to the client. One below the first is `Late`: whether it was there before cannot be
    /// told.
    pub fn see_own(&mut self, number: u64, in_measure: bool) -> Seen {
        let own = self.own.get_or_insert_default();
        let base = *own.base.get_or_insert(number);
        let Some(from_base) = number.checked_sub(base) else {
            own.below += 1;
            return Seen::Late;
        };
        let from_base = from_base.min(WIDEST) as u32;
        if in_measure {
            own.owed(from_base);
        }
        self.see(from_base)
    }
}

/// Closes the account of a client that numbers were told to; of one that none were told to, nothing.
/// What lies between two of its sessions was missed, or replayed. `received` counts all that it ever
/// got for the first time, in any phase.
pub fn close_own(client: &ClientLedger) -> Closed {
    let Some(own) = &client.own else { return Closed::default() };
    let received = client.received_in(&(0..u32::MAX)) + own.below;
    let mut closed = Closed { received, ..Closed::default() };
    let present = own.measured.iter().map(|measured| (measured, false));
    let mut before: Option<u32> = None;
    for (owed, last) in own.past.iter().map(|past| (&past.measured, past.last)).chain(present) {
        if let Some(end) = before {
            let came = client.received_in(&(end..owed.start));
            closed.replayed += came;
            closed.missed += u64::from(owed.start - end) - came;
        }
        closed.expected += owed.len() as u64;
        closed.delivered += client.received_in(owed);
        before = (!last).then_some(owed.end);
    }
    closed.missing = closed.expected - closed.delivered;
    closed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Nanos;

    #[test]
    fn gaps_count_between_the_first_and_the_last_of_measure() {
        let mut client = ClientLedger::default();
        let seen: Vec<Seen> =
            [(1_000, false), (1_002, true), (1_003, true), (1_003, true), (1_006, true), (1_009, false)]
                .into_iter()
                .map(|(n, measured)| client.see_own(n, measured))
                .collect();
        use Seen::{AgainNewest, New};
        assert_eq!(seen, [New, New, New, AgainNewest, New, New]);
        // Owed: 1002 to 1006. Not there: 1004 and 1005. 1001 and 1007 fell out of measure.
        let want = Closed { expected: 5, delivered: 3, missing: 2, received: 5, ..Closed::default() };
        assert_eq!(close_own(&client), want);
    }

    #[test]
    fn a_number_below_the_first_is_out_of_order_and_owed_to_nobody() {
        let mut client = ClientLedger::default();
        assert_eq!([client.see_own(50, true), client.see_own(10, true)], [Seen::New, Seen::Late]);
        let want = Closed { expected: 1, delivered: 1, received: 2, ..Closed::default() };
        assert_eq!(close_own(&client), want);
    }

    #[test]
    fn a_number_beyond_all_measure_is_one_wide_gap() {
        let mut client = ClientLedger::default();
        client.see_own(0, true);
        client.see_own(u64::MAX, true);
        assert_eq!(close_own(&client).delivered, 2);
        assert_eq!(close_own(&ClientLedger::default()), Closed::default());
    }

    #[test]
    fn what_lies_between_two_sessions_was_missed_or_replayed_and_lost_to_none() {
        let mut client = ClientLedger::default();
        let get = |client: &mut ClientLedger, numbers: &[(u64, bool)]| {
            for (n, owed) in numbers {
                client.see_own(*n, *owed);
            }
        };
        client.subscribed(Nanos(0));
        get(&mut client, &[(10, true), (12, true)]);
        client.ended(Nanos(10));
        client.subscribed(Nanos(20));
        // 11 comes late, 14 is replayed, 13 and 15 are not; 12 comes again.
        get(&mut client, &[(11, true), (12, true), (14, false), (16, true), (18, true)]);
        let want = Closed {
            expected: 6,
            delivered: 5,
            missing: 1,
            missed: 2,
            replayed: 1,
            received: 6,
            ..Closed::default()
        };
        assert_eq!(close_own(&client), want);
        // Another client takes its place: what lies between the two is neither's.
        client.leaves(Nanos(30));
        client.gone(true);
        client.subscribed(Nanos(40));
        get(&mut client, &[(30, true)]);
        let want = Closed { expected: 7, delivered: 6, received: 7, ..want };
        assert_eq!(close_own(&client), want);
    }
}
