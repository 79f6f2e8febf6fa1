//! Delivery times of a run and of its groups: how many publishes they are of, and what is censored.

use super::{Gathered, own};
use crate::engine::told::ClientEnd;
use crate::model::Op;
use crate::record::{Tally, Timing};
use crate::result::{GroupResult, Quantiles, RunResult};
use crate::scenario::RunPlan;
use std::collections::BTreeSet;

/// Writes the delivery times into `result`, whose ledger is there.
pub(super) fn of_run(result: &mut RunResult, run: &RunPlan, gathered: &Gathered, measured: &Tally) {
    let lost = result.ledger.lost;
    let times = measured.response_of(Op::Deliver);
    let effective = publishes(run, gathered, times.count() + lost, |_| true);
    result.delivery = quantiles(times, lost, effective);
    result.delivery_from_send = quantiles(&measured.from_send, lost, effective);
    result.delivery_effective_count = Some(effective);
    result.delivery_censored_at_ns = censored_at_ns(gathered, lost);
}

/// The same of group number `index`.
pub(super) fn of_group(
    result: &mut GroupResult,
    run: &RunPlan,
    gathered: &Gathered,
    (index, measured): (usize, &Tally),
) {
    let lost = result.ledger.lost;
    let times = measured.response_of(Op::Deliver);
    let effective = publishes(run, gathered, times.count() + lost, |c| usize::from(c.group) == index);
    result.delivery = quantiles(times, lost, effective);
    result.delivery_effective_count = Some(effective);
    result.delivery_censored_at_ns = censored_at_ns(gathered, lost);
}

/// Messages that were lost are later than all that came; copies of one publish are one sample.
fn quantiles(timing: &Timing, lost: u64, effective: u64) -> Quantiles {
    Quantiles::clustered(&timing.histogram(), timing.min_ns(), timing.max_ns(), lost, effective)
}

/// What was due last had the drain to arrive in, all others had longer.
fn censored_at_ns(gathered: &Gathered, lost: u64) -> Option<u64> {
    (lost > 0).then_some((gathered.timeline.end - gathered.timeline.drain).0)
}

/// Distinct publishes behind so many receipts: those of `measure` that were acknowledged, on channels to
/// which a client of `these` was subscribed. What a target publishes by itself is counted by nobody: there
/// it is receipts by the mean number of clients of a channel.
fn publishes(run: &RunPlan, gathered: &Gathered, samples: u64, these: impl Fn(&ClientEnd) -> bool) -> u64 {
    let clients = gathered.done.iter().flat_map(|d| &d.clients).filter(|c| these(c));
    let subscribed = clients.filter(|c| c.ledger.sessions() > 0);
    if own::feed(run).is_some() {
        let (mut channels, mut count) = (BTreeSet::new(), 0_u64);
        subscribed.for_each(|c| {
            channels.insert(c.channel);
            count += 1;
        });
        return mean_cluster(samples, count, channels.len() as u64);
    }
    let channels: BTreeSet<u32> = subscribed.map(|c| c.channel).collect();
    let feeds = gathered.done.iter().flat_map(|d| &d.feed.channels).filter(|(i, _)| channels.contains(i));
    let acknowledged: u64 = feeds.map(|(_, f)| f.measured.len() as u64 - f.failed.len() as u64).sum();
    acknowledged.min(samples)
}

/// Receipts by the clients of a channel, rounded up.
fn mean_cluster(samples: u64, clients: u64, channels: u64) -> u64 {
    (u128::from(samples) * u128::from(channels)).div_ceil(u128::from(clients.max(1))) as u64
}

#[cfg(test)]
mod tests {
    use super::mean_cluster;

    #[test]
    fn receipts_are_divided_by_the_receivers_of_a_channel() {
        assert_eq!(mean_cluster(50_000, 500, 10), 1_000);
        assert_eq!(mean_cluster(50_001, 500, 10), 1_001);
        assert_eq!((mean_cluster(7, 7, 7), mean_cluster(0, 0, 0)), (7, 0));
    }
}
