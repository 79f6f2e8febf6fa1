//! Puts what one run gathered together into its result. Pure but for nothing: no clock, no I/O.

use super::readings::{Reading, Readings};
use super::timeline::{Phase, Timeline};
use super::verdict;
use super::worker::Done;
use crate::model::{Cost, Failure, Nanos, Op, Side, Traffic};
use crate::record::{ChannelFeed, Closed, Snapshot, Tally, Timing, close_client};
use crate::result::{
    Bytes, Generator, Interval, LatencyInterval, Ledger, Operations, Polls, Quantiles, RunDetail, RunResult,
    TargetCost,
};
use crate::scenario::RunPlan;
use std::collections::BTreeMap;

/// All that a run left behind.
pub(super) struct Gathered {
    pub(super) timeline: Timeline,
    pub(super) partial: bool,
    /// Whether what was under way had as long to arrive as planned.
    pub(super) drained: bool,
    pub(super) interims: Vec<Interim>,
    pub(super) done: Vec<Done>,
    pub(super) readings: Readings,
    pub(super) co_located: bool,
    /// Cores given to workers.
    pub(super) cores: u32,
    /// Worker threads.
    pub(super) workers: u32,
    /// Whether generator and target had to share one.
    pub(super) shared_core: bool,
    /// What to know about where it ran.
    pub(super) notes: Vec<String>,
}

/// What all workers handed over for one interval.
#[derive(Default)]
pub(super) struct Interim {
    pub(super) end: Nanos,
    pub(super) snapshot: Snapshot,
    pub(super) attached: u32,
    /// Workers that have handed over.
    pub(super) workers: u32,
    /// CPU time that each worker's thread had used by its end.
    pub(super) worker_cpu: Vec<(usize, Nanos)>,
}

impl Interim {
    pub(super) fn failures(&self) -> u64 {
        self.snapshot.measured.failures_total() + self.snapshot.other.failures_total()
    }
}

/// The result of a run, with its verdict.
pub(super) fn assemble(run: &RunPlan, gathered: Gathered) -> (RunResult, RunDetail) {
    let mut all = Snapshot::default();
    gathered.interims.iter().for_each(|i| all.merge(&i.snapshot));
    let whole = all.whole();
    let measured = &all.measured;
    let detail = RunDetail {
        intervals: intervals(&gathered),
        cost: gathered.readings.rows(gathered.timeline.start),
        latency: latency(&gathered),
    };
    let measured_s = (gathered.timeline.drain - gathered.timeline.measure).as_secs_f64();
    let mut result = described(run, &gathered, measured_s);
    let (closed, due) = close_ledger(&gathered.done);
    result.offered_per_s = per_second(due, measured_s);
    times_and_counts(&mut result, &whole, measured, measured_s);
    result.ledger = ledger(run, &gathered, measured, &closed);
    result.delivery = delivery_quantiles(measured.response_of(Op::Deliver), result.ledger.lost);
    result.delivery_from_send = delivery_quantiles(&measured.from_send, result.ledger.lost);
    result.bytes = bytes(run, measured, &whole);
    result.publisher_bytes =
        bytes_of(measured.publisher_traffic, measured.publisher_traffic, result.published);
    result.operations = operations(&whole, &gathered.done);
    failures(&mut result, &whole);
    result.target_cost = target_cost(&gathered, measured);
    result.generator = generator(&gathered, measured, measured_s);
    if result.publish_overlapped > 0 && result.ledger.reordered > 0 {
        result.notes.push(format!(
            "{} messages were sent while an earlier one of their channel was unanswered, over another \
             connection: the target may take either first, so not every reordering is its doing",
            result.publish_overlapped
        ));
    }
    verdict::judge(
        &mut result,
        &verdict::Evidence {
            closes: closed.received == measured.received + measured.early,
            subscribed_at_start: subscribed_at(&gathered.done, gathered.timeline.measure),
            subscribed_at_end: subscribed_at(
                &gathered.done,
                Nanos(gathered.timeline.drain.0.saturating_sub(1)),
            ),
            planned_s: run.phases.measure.as_secs_f64(),
            polls_skipped: measured.polls_skipped,
            shared_core: gathered.shared_core,
        },
    );
    (result, detail)
}

fn described(run: &RunPlan, gathered: &Gathered, measured_s: f64) -> RunResult {
    RunResult {
        case: run.case.clone(),
        transport: run.carrier.key().to_owned(),
        clients: run.clients,
        repeat: run.repeat,
        swept: run.swept.iter().cloned().collect(),
        partial: gathered.partial,
        notes: [notes(run), gathered.notes.clone()].concat(),
        model: "open".to_owned(),
        channels: run.channels.len() as u32,
        payload_bytes: run.publish.as_ref().map_or(0, |p| p.payload_bytes),
        measured_s,
        ..RunResult::default()
    }
}

fn notes(run: &RunPlan) -> Vec<String> {
    let mut notes = Vec::new();
    if run.publish.is_none() {
        notes.push("nothing was published by this run: delivery time and loss were not measured".to_owned());
    }
    notes
}

fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

fn times_and_counts(result: &mut RunResult, whole: &Tally, measured: &Tally, measured_s: f64) {
    let publish = measured.operations_of(Op::Publish);
    result.published = publish.finished;
    result.publish_failed = publish.started - publish.finished;
    result.publish_overlapped = measured.overlapped;
    result.achieved_per_s = per_second(publish.finished, measured_s);
    result.delivered_per_s = per_second(measured.arrivals, measured_s);
    result.connect = quantiles(whole.response_of(Op::Connect));
    result.poll = quantiles(measured.response_of(Op::Poll));
    result.publish = quantiles(measured.response_of(Op::Publish));
    result.polls = Polls {
        sent: measured.operations_of(Op::Poll).started,
        fresh: measured.fresh,
        empty: measured.empty,
    };
    result.unstamped = measured.unstamped;
    result.foreign = measured.foreign;
    result.connections_opened = whole.connections;
    result.closes = whole.closes.iter().map(|(code, n)| (code.to_string(), *n)).collect();
}

fn quantiles(timing: &Timing) -> Quantiles {
    Quantiles::of(&timing.histogram(), timing.min_ns(), timing.max_ns())
}

/// Messages that were lost are later than all that came.
fn delivery_quantiles(timing: &Timing, lost: u64) -> Quantiles {
    Quantiles::with_missing(&timing.histogram(), timing.min_ns(), timing.max_ns(), lost)
}

/// Every client against the feed of its channel, whichever worker published it; and how many
/// messages were due in all.
fn close_ledger(done: &[Done]) -> (Closed, u64) {
    let feeds: BTreeMap<u32, &ChannelFeed> =
        done.iter().flat_map(|d| d.feed.channels.iter().map(|(i, feed)| (*i, feed))).collect();
    let nothing = ChannelFeed::default();
    let mut sum = Closed::default();
    for (channel, client) in done.iter().flat_map(|d| &d.clients) {
        sum += close_client(client, feeds.get(channel).copied().unwrap_or(&nothing));
    }
    (sum, feeds.values().map(|f| f.measured.len() as u64).sum())
}

fn subscribed_at(done: &[Done], at: Nanos) -> u32 {
    done.iter().flat_map(|d| &d.clients).filter(|(_, c)| c.is_subscribed_at(at)).count() as u32
}

fn ledger(run: &RunPlan, gathered: &Gathered, measured: &Tally, closed: &Closed) -> Ledger {
    let conflates = run.carrier.conflates();
    let missing_as = |it: bool| if it { closed.missing } else { 0 };
    Ledger {
        expected: closed.expected,
        delivered: closed.delivered,
        lost: missing_as(!conflates && gathered.drained),
        conflated: missing_as(conflates),
        in_flight: missing_as(!conflates && !gathered.drained),
        unattached: closed.unattached,
        early: measured.early,
        unacknowledged: measured.received.saturating_sub(closed.delivered),
        duplicate: measured.duplicate,
        reordered: measured.reordered,
        redundant: measured.redundant,
    }
}

fn bytes(run: &RunPlan, measured: &Tally, whole: &Tally) -> Bytes {
    let messages = if run.publish.is_some() { measured.arrivals } else { measured.unstamped };
    bytes_of(measured.traffic, whole.traffic, messages)
}

/// The handshake is that of the whole run and stands apart: the rest is of `measure`.
fn bytes_of(measured: Traffic, whole: Traffic, messages: u64) -> Bytes {
    Bytes {
        payload: measured.payload,
        framing: measured.framing,
        headers: measured.headers,
        handshake: whole.handshake,
        tls: measured.tls,
        wire_in: measured.wire_in,
        wire_out: measured.wire_out,
        overhead_to_payload: measured.overhead_to_payload(),
        messages,
    }
}

fn operations(whole: &Tally, done: &[Done]) -> BTreeMap<String, Operations> {
    let kinds = [Op::Connect, Op::Poll, Op::Publish, Op::Session];
    let of = |op: Op| {
        let counts = whole.operations_of(op);
        let open = done.iter().map(|d| d.open[op as usize]).sum();
        Operations { started: counts.started, finished: counts.finished, failed: counts.failed, open }
    };
    kinds.into_iter().map(|op| (op.key().to_owned(), of(op))).collect()
}

fn failures(result: &mut RunResult, whole: &Tally) {
    for failure in Failure::ALL {
        let count = whole.failures[*failure as usize];
        if count > 0 {
            result.failures.insert(failure.key().to_owned(), count);
        }
    }
    for side in [Side::Target, Side::Network, Side::Harness] {
        let of_side = Failure::ALL.iter().filter(|f| f.side() == side);
        let count: u64 = of_side.map(|f| whole.failures[*f as usize]).sum();
        result.failures_by_side.insert(side.key().to_owned(), count);
    }
}

/// The readings before and at the end of `measure`.
fn around_measure(readings: &Readings) -> Option<(&Reading, &Reading)> {
    Some((readings.before(Phase::Measure)?, readings.end_of(Phase::Measure)?))
}

fn target_cost(gathered: &Gathered, measured: &Tally) -> Option<TargetCost> {
    let readings = &gathered.readings;
    let warnings = readings.warnings().to_vec();
    let (before, after) = around_measure(readings)?;
    let (from, to) = (before.target?, after.target?);
    let idle = readings.all().first().and_then(|r| r.target).unwrap_or_default();
    let seen = || readings.all().iter().filter_map(|r| r.target);
    let cpu_s = (to.cpu_ns_total.saturating_sub(from.cpu_ns_total)) as f64 / 1e9;
    let messages = measured.arrivals + measured.unstamped;
    let attached =
        gathered.interims.iter().rfind(|i| i.end <= gathered.timeline.drain).map_or(0, |i| i.attached);
    let each = |gained: Option<u64>| gained.filter(|_| attached > 0).map(|g| g as f64 / f64::from(attached));
    Some(TargetCost {
        cpu_s,
        cpu_us_per_delivery: (messages > 0).then(|| cpu_s * 1e6 / messages as f64),
        cpu_share: per_time(cpu_s, &from, &to),
        connect_cpu_s: connect_cpu_s(readings, &idle),
        pss_bytes_max: seen().filter_map(|c| c.pss_bytes).max().unwrap_or(0),
        pss_bytes_idle: idle.pss_bytes.unwrap_or(0),
        bytes_per_connection: each(to.pss_bytes.zip(idle.pss_bytes).map(|(t, i)| t.saturating_sub(i))),
        kernel_bytes_per_connection: each(kernel_gain(&idle, &to)),
        descriptors_max: seen().map(|c| c.descriptors).max().unwrap_or(0),
        context_switches: switches(&to).saturating_sub(switches(&from)),
        processes: seen().map(|c| c.processes).max().unwrap_or(0),
        found: readings.found().to_vec(),
        co_located: gathered.co_located,
        warnings,
    })
}

/// The kernel accounts socket memory in reserves of 1 MiB a CPU (`SK_MEMORY_PCPU_RESERVE`), so that a
/// small gain is noise: told only when it is ten times that on two CPUs.
const KERNEL_RESOLUTION: u64 = 20 << 20;

fn kernel_gain(idle: &Cost, to: &Cost) -> Option<u64> {
    let gain = to.kernel_socket_bytes.saturating_sub(idle.kernel_socket_bytes);
    (gain >= KERNEL_RESOLUTION).then_some(gain)
}

fn switches(cost: &Cost) -> u64 {
    cost.voluntary_switches_total + cost.involuntary_switches_total
}

fn per_time(cpu_s: f64, from: &Cost, to: &Cost) -> f64 {
    let seconds = (to.at - from.at).as_secs_f64();
    if seconds > 0.0 { cpu_s / seconds } else { 0.0 }
}

fn connect_cpu_s(readings: &Readings, idle: &Cost) -> f64 {
    let connected = readings.end_of(Phase::Connect).and_then(|r| r.target);
    connected.map_or(0.0, |c| c.cpu_ns_total.saturating_sub(idle.cpu_ns_total) as f64 / 1e9)
}

fn generator(gathered: &Gathered, measured: &Tally, measured_s: f64) -> Generator {
    let own = around_measure(&gathered.readings).and_then(|(b, a)| Some((b.own?, a.own?)));
    let gained = |of: fn(&Cost) -> u64| own.map_or(0.0, |(b, a)| of(&a).saturating_sub(of(&b)) as f64 / 1e9);
    let cpu_s = gained(|c| c.cpu_ns_total);
    let cores_s = f64::from(gathered.cores.max(1)) * measured_s;
    let share = |s: f64| if cores_s > 0.0 { s / cores_s } else { 0.0 };
    let rss = gathered.readings.all().iter().filter_map(|r| r.own).map(|c| c.rss_bytes);
    Generator {
        cpu_s,
        cpu_share: share(cpu_s),
        worker_cpu_share_max: busiest_worker(gathered, measured_s),
        rss_bytes_max: rss.max().unwrap_or(0),
        loop_lag_p99_ns: measured.loop_lag.quantile_ns(0.99),
        loop_lag_max_ns: measured.loop_lag.max_ns(),
        send_lag_p99_ns: measured.lateness.quantile_ns(0.99),
        send_lag_max_ns: measured.lateness.max_ns(),
        run_delay_share: share(gained(|c| c.run_delay_ns_total)),
        processes: 1,
        workers: gathered.workers,
    }
}

/// The share of a core that the busiest worker used in `measure`: with several workers one may be at
/// its limit while the mean is far from it.
fn busiest_worker(gathered: &Gathered, measured_s: f64) -> f64 {
    let at = |end: Nanos, worker: usize| {
        let interim = gathered.interims.iter().find(|i| i.end == end)?;
        interim.worker_cpu.iter().find(|c| c.0 == worker).map(|c| c.1)
    };
    let used = |worker| {
        let from = at(gathered.timeline.measure, worker).unwrap_or(Nanos::ZERO);
        Some((at(gathered.timeline.drain, worker)? - from).as_secs_f64())
    };
    let most = (0..gathered.workers as usize).filter_map(used).fold(0.0, f64::max);
    if measured_s > 0.0 { most / measured_s } else { 0.0 }
}

fn latency(gathered: &Gathered) -> Vec<LatencyInterval> {
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
fn spans(gathered: &Gathered) -> impl Iterator<Item = (Nanos, &Interim)> {
    let starts = std::iter::once(gathered.timeline.start).chain(gathered.interims.iter().map(|i| i.end));
    starts.zip(&gathered.interims)
}

fn intervals(gathered: &Gathered) -> Vec<Interval> {
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
    Interval {
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
        wire_bytes: tally.traffic.wire_in + tally.traffic.wire_out,
        loop_lag_max_ns: tally.loop_lag.max_ns(),
        generator_cpu_share: own.map(|share| share / f64::from(gathered.cores.max(1))),
        target_cpu_share: target,
        target_pss_bytes: near.and_then(|r| r.target?.pss_bytes),
    }
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
