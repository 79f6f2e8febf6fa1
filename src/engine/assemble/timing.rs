//! Where delivery time goes: over the receivers of a message, and over what a pull client waits for.

use super::{Gathered, quantiles};
use crate::engine::told::ClientEnd;
use crate::model::Nanos;
use crate::record::{ChannelFeed, Fan, Pulled, Tally, Timing};
use crate::result::{FanOut, Polling, Quantiles, RunResult};
use crate::scenario::{Arrivals, CarrierSpec, RunPlan};
use std::collections::BTreeMap;

/// Writes both into `result`, whose publishes are counted.
pub(super) fn told(result: &mut RunResult, run: &RunPlan, gathered: &mut Gathered, measured: &Tally) {
    result.fan_out = fan_out(run, gathered, measured);
    result.polling = polling(result, run, &measured.pulled);
}

/// The clients of each channel that get all of its messages.
fn receivers<'g>(run: &RunPlan, gathered: &'g Gathered) -> BTreeMap<u32, Vec<&'g ClientEnd>> {
    let mut of_channel: BTreeMap<u32, Vec<&ClientEnd>> = BTreeMap::new();
    for client in gathered.done.iter().flat_map(|d| &d.clients) {
        if !run.groups[usize::from(client.group)].carrier.conflates() {
            of_channel.entry(client.channel).or_default().push(client);
        }
    }
    of_channel
}

fn fan_out(run: &RunPlan, gathered: &mut Gathered, measured: &Tally) -> Option<FanOut> {
    let merge = gathered.fan.take()?;
    let receivers = receivers(run, gathered);
    let subscribed = |channel: u32, at: Nanos| {
        let clients = receivers.get(&channel).map_or(&[][..], Vec::as_slice);
        clients.iter().filter(|c| c.ledger.is_subscribed_at(at)).count() as u32
    };
    let mut fan = measured.fan.clone();
    let split = merge.finish(subscribed);
    let median_exact = split.messages == 0;
    fan.merge(&split);
    let unreceived = owed_messages(gathered, &receivers).saturating_sub(fan.messages);
    Some(result_of(&fan, unreceived, median_exact))
}

/// Acknowledged messages that anybody was subscribed to when they were due.
fn owed_messages(gathered: &Gathered, receivers: &BTreeMap<u32, Vec<&ClientEnd>>) -> u64 {
    let of_channel = |(channel, feed): &(u32, ChannelFeed)| {
        let Some(clients) = receivers.get(channel) else { return 0 };
        let anybody = |due: &Nanos| clients.iter().any(|c| c.ledger.is_subscribed_at(*due));
        let numbered = (feed.measured.start..).zip(&feed.dues);
        let owed = numbered.filter(|(n, due)| feed.failed.binary_search(n).is_err() && anybody(due));
        owed.count() as u64
    };
    gathered.done.iter().flat_map(|d| &d.feed.channels).map(of_channel).sum()
}

fn result_of(fan: &Fan, unreceived: u64, median_exact: bool) -> FanOut {
    FanOut {
        messages: fan.messages + unreceived,
        receivers: fan.receivers,
        incomplete: fan.incomplete + unreceived,
        unreceived,
        pushed_out: fan.pushed_out,
        median_exact,
        first: censored(&fan.first, unreceived),
        median: censored(&fan.median, unreceived + fan.below_half),
        last: censored(&fan.last, unreceived + fan.incomplete),
    }
}

/// Each message is one sample; what has no such receiver is later than all that have.
fn censored(timing: &Timing, missing: u64) -> Quantiles {
    Quantiles::with_missing(&timing.histogram(), timing.min_ns(), timing.max_ns(), missing)
}

fn polling(result: &RunResult, run: &RunPlan, pulled: &Pulled) -> Option<Polling> {
    let pulls = |g: &CarrierSpec| matches!(g, CarrierSpec::Poll(_) | CarrierSpec::LongPoll(_));
    if !run.groups.iter().any(|g| pulls(&g.carrier)) || run.publish.is_none() {
        return None;
    }
    let turnaround = quantiles(&pulled.turnaround);
    let per_client_per_s = result.achieved_per_s / f64::from(result.channels.max(1));
    // The formula is that of messages that come at random.
    let at_random = run.publish.as_ref().is_some_and(|p| matches!(p.arrivals, Arrivals::Poisson));
    let gap_ns = turnaround.mean_ns.zip(pulled.round_trip.0).map(|(own, trip)| own + trip.0 as f64);
    Some(Polling {
        wait: clustered(&pulled.wait, result),
        rest: clustered(&pulled.rest, result),
        held_messages: pulled.held,
        in_gap: pulled.in_gap,
        gap_share: (pulled.held > 0).then(|| pulled.in_gap as f64 / pulled.held as f64),
        gap_share_expected: gap_ns
            .filter(|_| at_random)
            .map(|gap| Polling::expected_gap_share(per_client_per_s, gap / 1e9)),
        turnaround,
        round_trip_min_ns: pulled.round_trip.0.map(|trip| trip.0),
    })
}

/// Of copies of one publish, as delivery times are.
fn clustered(timing: &Timing, result: &RunResult) -> Quantiles {
    let effective = result.delivery_effective_count.unwrap_or(u64::MAX);
    Quantiles::clustered(&timing.histogram(), timing.min_ns(), timing.max_ns(), 0, effective)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_not_all_had_censors_the_last_and_what_half_had_not_the_median() {
        let mut fan = Fan { messages: 2_000, receivers: 4_000, incomplete: 40, ..Fan::default() };
        (fan.below_half, fan.pushed_out) = (10, 3);
        let fill = |timing: &mut Timing, n: u64| (1..=n).for_each(|us| timing.record(Nanos::from_micros(us)));
        fill(&mut fan.first, 2_000);
        fill(&mut fan.median, 1_990);
        fill(&mut fan.last, 1_960);
        let told = result_of(&fan, 0, true);
        assert_eq!((told.messages, told.incomplete, told.pushed_out), (2_000, 40, 3));
        // 40 of 2,000 are 2 %: the p99 of the last receiver is among them, that of the median is not.
        assert!(told.first.p99_ns.is_some() && told.median.p99_ns.is_some());
        assert_eq!((told.last.p99_ns, told.last.max_ns), (None, None));
        assert!(told.last.p90_ns.is_some());
        // What nobody had censors all three.
        let told = result_of(&fan, 100, true);
        assert_eq!((told.messages, told.incomplete, told.first.p99_ns), (2_100, 140, None));
    }
}
