//! What the way of publishing makes of a result: what messages tell, who received them by the target's
//! account, and the ledger where the target numbers its messages itself.

use super::quantiles;
use crate::engine::told::Done;
use crate::record::{ChannelFeed, ClientLedger, Closed, Reconciled, Tally, reconcile};
use crate::result::{Ledger, Receivers, RunResult, Spread};
use crate::scenario::{GroupPlan, PublishVia, RunPlan, TargetFeed};
use std::collections::BTreeMap;

/// By what messages are told.
pub(super) fn cooperation(run: &RunPlan) -> &'static str {
    let Some(publish) = &run.publish else { return "" };
    match publish.by_target() {
        None => "stamp",
        Some(TargetFeed { time: Some(_), sequence: Some(_) }) => "time and sequence",
        Some(TargetFeed { time: Some(_), sequence: None }) => "time",
        Some(TargetFeed { time: None, sequence: Some(_) }) => "sequence",
        Some(TargetFeed { time: None, sequence: None }) => "nothing",
    }
}

/// The clock of the target's own times.
pub(super) fn clock(run: &RunPlan) -> &'static str {
    feed(run).and_then(|f| f.time.as_ref()).map_or("", |time| time.clock.key())
}

/// What the target publishes by itself, if it does.
pub(super) fn feed(run: &RunPlan) -> Option<&TargetFeed> {
    run.publish.as_ref().and_then(|p| p.by_target())
}

/// What "acknowledged" means where no answer says it.
pub(super) fn note(via: &PublishVia) -> Option<&'static str> {
    match via {
        PublishVia::InBand(_) | PublishVia::Echo(_) => {
            Some("a publish counts as acknowledged when the kernel had taken its message: nobody answers it")
        }
        PublishVia::Exec(_) => Some(
            "a publish counts as acknowledged when it was written to the program's stdin; delivery time holds \
             the program's own time, too",
        ),
        PublishVia::Http(_) | PublishVia::Target(_) => None,
    }
}

/// The ledger of messages that the target published by itself, for one group. Without numbers all that
/// is known to be owed is what came.
pub(super) fn ledger(
    feed: &TargetFeed,
    group: &GroupPlan,
    drained: bool,
    measured: &Tally,
    closed: &Closed,
) -> Ledger {
    let missing_as = |it: bool| if it { closed.missing } else { 0 };
    let conflates = group.carrier.conflates();
    let numbered = feed.sequence.is_some();
    Ledger {
        expected: if numbered { closed.expected } else { measured.received },
        delivered: if numbered { closed.delivered } else { measured.received },
        lost: missing_as(!conflates && drained),
        conflated: missing_as(conflates),
        in_flight: missing_as(!conflates && !drained),
        missed: closed.missed,
        replayed: if numbered { closed.replayed } else { measured.replayed },
        early: measured.early,
        duplicate: measured.duplicate,
        reordered: measured.reordered,
        redundant: measured.redundant,
        ..Ledger::default()
    }
}

/// What the target told, and what can be told without it.
pub(super) fn told(run: &RunPlan, result: &mut RunResult, measured: &Tally, done: &[Done]) {
    result.gaps = quantiles(&measured.gap);
    result.ahead = measured.ahead.count();
    if result.cooperation == "nothing" {
        let (messages, missing) = (measured.firsts, measured.missing);
        result.spread = Some(Spread { behind: quantiles(&measured.spread), messages, missing });
    }
    if let Some(PublishVia::Http(http)) = run.publish.as_ref().map(|p| &p.via)
        && http.receivers.is_some()
    {
        result.receivers = Some(receivers(done));
    }
}

fn receivers(done: &[Done]) -> Receivers {
    let mut of_channel: BTreeMap<u32, Vec<&ClientLedger>> = BTreeMap::new();
    for client in done.iter().flat_map(|d| &d.clients) {
        of_channel.entry(client.channel).or_default().push(&client.ledger);
    }
    let feeds = done.iter().flat_map(|d| &d.feed.channels);
    let mut sum = Reconciled::default();
    feeds.for_each(|(i, feed): &(u32, ChannelFeed)| {
        sum += reconcile(feed, of_channel.get(i).map_or(&[][..], Vec::as_slice));
    });
    let Reconciled { publishes, reported, subscribed, differing } = sum;
    Receivers { publishes, reported, subscribed, differing }
}
