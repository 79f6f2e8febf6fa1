//! The series of a run: one row an interval.

use super::{Gathered, Interim, health};
use crate::engine::readings::Reading;
use crate::model::{Cost, Nanos, Op};
use crate::result::{Interval, LatencyInterval};

/// Delivery times by the second of receipt.
pub(super) fn latency(gathered: &Gathered) -> Vec<LatencyInterval> {
    spans(gathered)
        .map(|(start, i)| LatencyInterval {
            start_s: (start - gathered.timeline.start).as_secs_f64(),
            length_s: (i.end - start).as_secs_f64(),
            delivery: i.snapshot.measured.response_of(Op::Deliver).histogram(),
            delivery_from_send: i.snapshot.measured.from_send.histogram(),
        })
        .filter(|i| !i.delivery.is_empty())
        .collect()
}

/// Each interval with its start.
pub(super) fn spans(gathered: &Gathered) -> impl Iterator<Item = (Nanos, &Interim)> {
    let starts = std::iter::once(gathered.timeline.start).chain(gathered.interims.iter().map(|i| i.end));
    starts.zip(&gathered.interims)
}

/// A row for each interval.
pub(super) fn intervals(gathered: &Gathered) -> Vec<Interval> {
    spans(gathered)
        .filter(|(start, interim)| interim.end > *start)
        .map(|(start, interim)| interval(gathered, start, interim))
        .collect()
}

fn interval(gathered: &Gathered, start: Nanos, interim: &Interim) -> Interval {
    let tally = interim.snapshot.whole();
    let delivery = tally.response_of(Op::Deliver);
    let readings = gathered.readings.all();
    let own = cpu_between(readings, start, interim.end, |r| r.own);
    let target = cpu_between(readings, start, interim.end, |r| r.target);
    let near = readings.iter().find(|r| r.target.is_some_and(|c| c.at >= interim.end));
    let row = Interval {
        start_s: (start - gathered.timeline.start).as_secs_f64(),
        length_s: (interim.end - start).as_secs_f64(),
        phase: gathered.timeline.phase(start).key().to_owned(),
        attached: interim.attached,
        published: tally.operations_of(Op::Publish).finished,
        delivered: tally.arrivals,
        delivery_p50_ns: delivery.quantile_ns(0.5),
        delivery_p99_ns: delivery.quantile_ns(0.99),
        delivery_max_ns: delivery.max_ns(),
        polls: tally.operations_of(Op::Poll).finished,
        failures: tally.failures_total(),
        attempts: tally.operations_of(Op::Connect).started,
        sessions_lost: tally.operations_of(Op::Session).failed,
        wire_bytes: tally.traffic.wire_in + tally.traffic.wire_out,
        loop_lag_max_ns: tally.loop_lag.max_ns(),
        generator_cpu_share: own.map(|share| share / f64::from(gathered.cores.max(1))),
        target_cpu_share: target,
        target_pss_bytes: near.and_then(|r| r.target?.pss_bytes),
        ..Interval::default()
    };
    health::vital_signs(row, gathered, (start, interim), &tally)
}

/// CPU used between the readings that stand at both ends of an interval, as a share of one core.
fn cpu_between(
    readings: &[Reading],
    start: Nanos,
    end: Nanos,
    of: fn(&Reading) -> Option<Cost>,
) -> Option<f64> {
    let at = |limit: Nanos| readings.iter().filter_map(of).find(|c| c.at >= limit);
    let from = readings.iter().filter_map(of).rfind(|c| c.at <= start).or_else(|| at(start));
    let (from, to) = (at(start).or(from)?, at(end)?);
    (to.at > from.at).then(|| {
        let used = to.cpu_ns_total.saturating_sub(from.cpu_ns_total);
        used as f64 / (to.at - from.at).0 as f64
    })
}
