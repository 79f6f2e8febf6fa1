//! What was owed to the clients and what came, group by group.

use super::{Gathered, own};
use crate::engine::told::{ClientEnd, Done};
use crate::model::Nanos;
use crate::record::{ChannelFeed, Closed, Snapshot, Tally, close_client, close_own};
use crate::result::Ledger;
use crate::scenario::{GroupPlan, RunPlan};
use std::collections::BTreeMap;

/// Every client against the feed of its channel, whichever worker published it, summed by group; and
/// how many messages were due in all, but for those of senders that were away on purpose. Where the target publishes by itself, each is held against the
/// numbers that it saw, and nothing is due.
pub(super) fn close(run: &RunPlan, done: &[Done]) -> (Vec<Closed>, u64) {
    let feeds: BTreeMap<u32, &ChannelFeed> =
        done.iter().flat_map(|d| d.feed.channels.iter().map(|(i, feed)| (*i, feed))).collect();
    let nothing = ChannelFeed::default();
    let mut sums = vec![Closed::default(); run.groups.len()];
    for client in clients(done) {
        let feed = feeds.get(&client.channel).copied().unwrap_or(&nothing);
        sums[usize::from(client.group)] += match own::feed(run) {
            Some(_) => close_own(&client.ledger),
            None => close_client(&client.ledger, feed),
        };
    }
    (sums, feeds.values().map(|f| f.measured.len() as u64 - u64::from(f.withheld)).sum())
}

fn clients(done: &[Done]) -> impl Iterator<Item = &ClientEnd> {
    done.iter().flat_map(|d| &d.clients)
}

/// How many clients a group has.
pub(super) fn clients_of(done: &[Done], group: usize) -> u32 {
    clients(done).filter(|c| usize::from(c.group) == group).count() as u32
}

/// Clients that are to stay all the time.
pub(super) fn staying(run: &RunPlan, done: &[Done]) -> u32 {
    clients(done).filter(|c| stays(run, c)).count() as u32
}

/// How many of these were subscribed at an instant.
pub(super) fn subscribed_at(run: &RunPlan, done: &[Done], at: Nanos) -> u32 {
    clients(done).filter(|c| stays(run, c) && c.ledger.is_subscribed_at(at)).count() as u32
}

fn stays(run: &RunPlan, client: &ClientEnd) -> bool {
    run.groups[usize::from(client.group)].life.stay.is_none()
}

/// The ledger of the run: the sum of its groups'.
pub(super) fn of_run(run: &RunPlan, gathered: &Gathered, all: &Snapshot, closed: &[Closed]) -> Ledger {
    let mut sum = Ledger::default();
    for (i, group) in run.groups.iter().enumerate() {
        // One group alone has no tally beside that of all.
        let measured = gathered.groups.get(i).map_or(&all.measured, |g| &g.measured);
        add(&mut sum, &of_group(run, group, gathered.drained, measured, &closed[i]));
    }
    sum
}

/// The ledger of one group.
pub(super) fn of_group(
    run: &RunPlan,
    group: &GroupPlan,
    drained: bool,
    measured: &Tally,
    closed: &Closed,
) -> Ledger {
    match own::feed(run) {
        Some(feed) => own::ledger(feed, group, drained, measured, closed),
        None => ledger(group, drained, measured, closed),
    }
}

fn ledger(group: &GroupPlan, drained: bool, measured: &Tally, closed: &Closed) -> Ledger {
    let conflates = group.carrier.conflates();
    let under_way = if drained { closed.missing_at_leave } else { closed.missing };
    let unless_conflated = |n: u64| if conflates { 0 } else { n };
    Ledger {
        expected: closed.expected,
        delivered: closed.delivered,
        lost: unless_conflated(closed.missing - under_way),
        lost_at_disconnect: if drained { unless_conflated(closed.missing_at_end) } else { 0 },
        conflated: if conflates { closed.missing } else { 0 },
        in_flight: unless_conflated(under_way),
        missed: closed.missed,
        replayed: closed.replayed,
        unattached: closed.unattached,
        early: measured.early,
        unacknowledged: measured.received.saturating_sub(closed.delivered),
        duplicate: measured.duplicate,
        reordered: measured.reordered,
        redundant: measured.redundant,
    }
}

fn add(sum: &mut Ledger, o: &Ledger) {
    sum.expected += o.expected;
    sum.delivered += o.delivered;
    sum.lost += o.lost;
    sum.lost_at_disconnect += o.lost_at_disconnect;
    sum.conflated += o.conflated;
    sum.in_flight += o.in_flight;
    sum.missed += o.missed;
    sum.replayed += o.replayed;
    sum.unattached += o.unattached;
    sum.early += o.early;
    sum.unacknowledged += o.unacknowledged;
    sum.duplicate += o.duplicate;
    sum.reordered += o.reordered;
    sum.redundant += o.redundant;
}
