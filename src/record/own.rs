//! A client's ledger of messages that the target numbers itself: the first that it saw is its zero.
//!
//! Nobody tells what was published, so a client is held against itself: what lies between the first
//! and the last number that it received in `measure` was owed to it.

use super::ledger::{ClientLedger, Closed, Seen};
use std::ops::Range;

/// Numbers further than this from the first one are not kept apart.
const WIDEST: u64 = u32::MAX as u64 - 1;

/// Where a client's numbers begin, and which it got in `measure`.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnNumbers {
    base: Option<u64>,
    /// From the least to the greatest received in `measure`, counted from the base.
    measured: Option<Range<u32>>,
    /// Received with a number below the base.
    below: u64,
}

impl ClientLedger {
    /// Takes note of the message with this number, received in `measure` or not; what it was to the
    /// client. One below the first is `Late`: whether it was there before cannot be told.
    pub fn see_own(&mut self, number: u64, in_measure: bool) -> Seen {
        let own = self.own.get_or_insert_default();
        let base = *own.base.get_or_insert(number);
        let Some(from_base) = number.checked_sub(base) else {
            own.below += 1;
            return Seen::Late;
        };
        let from_base = from_base.min(WIDEST) as u32;
        if in_measure {
            let range = own.measured.get_or_insert(from_base..from_base + 1);
            *range = range.start.min(from_base)..range.end.max(from_base + 1);
        }
        self.see(from_base)
    }
}

/// Closes the account of a client that numbers were told to; of one that none were told to, nothing.
/// `received` counts all that it ever got for the first time, in any phase.
pub fn close_own(client: &ClientLedger) -> Closed {
    let Some(own) = &client.own else { return Closed::default() };
    let owed = own.measured.clone().unwrap_or_default();
    let (expected, delivered) = (owed.len() as u64, client.received_in(&owed));
    let received = client.received_in(&(0..u32::MAX)) + own.below;
    Closed { expected, delivered, missing: expected - delivered, unattached: 0, received }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let want = Closed { expected: 5, delivered: 3, missing: 2, unattached: 0, received: 5 };
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
}
