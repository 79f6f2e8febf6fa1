//! How many received a message, as the target tells it to who publishes, against our own clients.

use super::ledger::{ChannelFeed, ClientLedger};

/// What the target told of its receivers, and what ours were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Publishes whose answer told a number.
    pub publishes: u64,
    /// The sum of these numbers.
    pub reported: u64,
    /// For the same publishes: the sum of our clients of the channel that were subscribed when the
    /// message was due.
    pub subscribed: u64,
    /// Publishes at which the two differ.
    pub differing: u64,
}

impl std::ops::AddAssign for Reconciled {
    fn add_assign(&mut self, o: Reconciled) {
        self.publishes += o.publishes;
        self.reported += o.reported;
        self.subscribed += o.subscribed;
        self.differing += o.differing;
    }
}

/// Holds what was told about one channel's messages of `measure` against all of its clients, those of
/// every worker. Messages x clients in time.
pub fn reconcile(feed: &ChannelFeed, clients: &[&ClientLedger]) -> Reconciled {
    let mut sum = Reconciled::default();
    for (sequence, reported) in &feed.receivers {
        let index = sequence.checked_sub(feed.measured.start);
        let Some(due) = index.and_then(|i| feed.dues.get(i as usize)) else { continue };
        let ours = clients.iter().filter(|c| c.is_subscribed_at(*due)).count() as u64;
        let reported = u64::from(*reported);
        let differing = u64::from(ours != reported);
        sum += Reconciled { publishes: 1, reported, subscribed: ours, differing };
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Nanos;

    #[test]
    fn each_number_is_held_against_who_was_subscribed_then() {
        let client = |since, until: Option<u64>| {
            let mut ledger = ClientLedger::default();
            ledger.subscribed(Nanos(since));
            until.into_iter().for_each(|at| ledger.ended(Nanos(at)));
            ledger
        };
        let clients = [client(0, None), client(0, Some(150)), client(250, None)];
        let clients: Vec<&ClientLedger> = clients.iter().collect();
        let dues = vec![Nanos(100), Nanos(200), Nanos(300)];
        // Two, one and two were there; the second answer tells another number, 13 is of no measured one.
        let receivers = vec![(10, 2), (11, 5), (12, 2), (13, 9), (9, 9)];
        let feed = ChannelFeed { measured: 10..13, dues, receivers, ..ChannelFeed::default() };
        let want = Reconciled { publishes: 3, reported: 9, subscribed: 5, differing: 1 };
        assert_eq!(reconcile(&feed, &clients), want);
    }
}
