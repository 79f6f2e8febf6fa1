//! Puts what one run gathered together into its result. Pure: no clock, no I/O.

mod clock;
mod costs;
mod deliveries;
mod health;
mod ladder;
mod layers;
mod ledgers;
mod lives;
mod own;
mod paid;
mod scraped;
mod second_look;
mod series;
mod steady;
mod timing;

use super::readings::Readings;
use super::scrapes::Scrapes;
use super::their_clock::Asked;
use super::timeline::Timeline;
use super::told::Done;
use super::verdict;
use super::warm::Warmed;
use crate::model::{Failure, Nanos, Op, Side, Traffic};
use crate::record::{Closed, FanMerge, Snapshot, Tally, Timing};
use crate::result::{Bytes, Operations, Polls, Quantiles, RunDetail, RunResult};
use crate::scenario::RunPlan;
use costs::{generator, target_cost};
pub(super) use ladder::{connection_costs, ladder};
use series::{intervals, latency};
use std::collections::BTreeMap;

/// All that a run left behind.
pub(super) struct Gathered {
    pub(super) timeline: Timeline,
    pub(super) partial: bool,
    /// Whether what was under way had as long to arrive as planned.
    pub(super) drained: bool,
    pub(super) interims: Vec<Interim>,
    /// What each group saw; empty when there is one group.
    pub(super) groups: Vec<Snapshot>,
    pub(super) done: Vec<Done>,
    /// What the workers know together of messages whose receivers are spread over them; `None` without
    /// fan-out.
    pub(super) fan: Option<FanMerge>,
    /// What asking the target's clock came to.
    pub(super) asked: Option<Asked>,
    pub(super) readings: Readings,
    /// How long all clients had left when the last reading was taken.
    pub(super) settled: Nanos,
    /// The target's own counters.
    pub(super) scrapes: Scrapes,
    pub(super) co_located: bool,
    /// Whether the target was reached over loopback.
    pub(super) loopback: bool,
    /// Cores given to workers.
    pub(super) cores: u32,
    /// Worker threads.
    pub(super) workers: u32,
    /// Whether generator and target had to share one.
    pub(super) shared_core: bool,
    /// Whether each event was written while it ran.
    pub(super) events: bool,
    /// What to know about where it ran.
    pub(super) notes: Vec<String>,
    /// How the warm-up ended.
    pub(super) warmed: Warmed,
    /// Whether certificates were taken unseen.
    pub(super) insecure: bool,
    /// How long the lookup of the target's name took; `None`: there was nothing to look up.
    pub(super) dns: Option<Nanos>,
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
    /// Bytes unread then in a sample of the workers' sockets.
    pub(super) backlog_bytes: u64,
}

impl Interim {
    /// Whether all workers have handed over.
    pub(super) fn is_whole(&self, workers: u32) -> bool {
        self.workers >= workers
    }

    pub(super) fn failures(&self) -> u64 {
        self.snapshot.measured.failures_total() + self.snapshot.other.failures_total()
    }
}

/// The result of a run, with its verdict.
pub(super) fn assemble(run: &RunPlan, mut gathered: Gathered) -> (RunResult, RunDetail) {
    let mut all = Snapshot::default();
    gathered.interims.iter().for_each(|i| all.merge(&i.snapshot));
    let whole = all.whole();
    let measured = &all.measured;
    let mut detail = RunDetail {
        intervals: intervals(&gathered),
        cost: gathered.readings.rows(gathered.timeline.start),
        latency: latency(&gathered),
        metrics: scraped::rows(&gathered),
    };
    let measured_s = (gathered.timeline.drain - gathered.timeline.measure).as_secs_f64();
    let mut result = described(run, &gathered, measured_s);
    let (closed, due) = ledgers::close(run, &gathered.done);
    result.offered_per_s = per_second(due, measured_s);
    times_and_counts(&mut result, &whole, measured, measured_s);
    result.ledger = ledgers::of_run(run, &gathered, &all, &closed);
    own::told(run, &mut result, measured, &gathered.done);
    clock::told(&mut result, &gathered, measured);
    deliveries::of_run(&mut result, run, &gathered, measured);
    timing::told(&mut result, run, &mut gathered, measured);
    result.bytes = bytes(run, measured, &whole);
    result.publisher_bytes =
        bytes_of(measured.publisher_traffic, measured.publisher_traffic, result.published);
    layers::tell(&mut result, measured, &whole, gathered.loopback);
    result.operations = operations(&whole, &gathered.done);
    failures(&mut result, &whole);
    lives::lives(&mut result, run, &gathered, &whole);
    result.groups = lives::groups(run, &gathered, &closed);
    result.steady = steady::steady(&gathered);
    match target_cost(run, &gathered, measured, measured_s) {
        Ok(cost) => result.target_cost = Some(cost),
        Err(why) => result.notes.extend(why),
    }
    scraped::tell(&mut result, &gathered, &whole);
    result.generator = generator(&gathered, measured, measured_s);
    if result.publish_overlapped > 0 && result.ledger.reordered > 0 {
        result.notes.push(format!(
            "{} messages were sent while an earlier one of their channel was unanswered, over another \
             connection: the target may take either first, so not every reordering is its doing",
            result.publish_overlapped
        ));
    }
    verdict::judge_intervals(&mut detail.intervals, result.delivery.p99_ns);
    result.health = health::of_run(&detail.intervals);
    verdict::judge(&mut result, &evidence(run, &gathered, measured, whole.arrivals, &closed));
    (result, detail)
}

fn evidence(
    run: &RunPlan,
    gathered: &Gathered,
    measured: &Tally,
    arrivals: u64,
    closed: &[Closed],
) -> verdict::Evidence {
    let subscribed = |at| ledgers::subscribed_at(run, &gathered.done, at);
    let received: u64 = closed.iter().map(|c| c.received).sum();
    verdict::Evidence {
        closes: match own::feed(run) {
            // Nobody told what was published: all that ever came against all that was counted live.
            Some(feed) => feed.sequence.is_none() || received == arrivals,
            None => received == measured.received + measured.early + measured.replayed,
        },
        staying: ledgers::staying(run, &gathered.done),
        subscribed_at_start: subscribed(gathered.timeline.measure),
        subscribed_at_end: subscribed(Nanos(gathered.timeline.drain.0.saturating_sub(1))),
        come_back: run.groups.iter().all(lives::comes_back),
        planned_s: run.phases.measure.as_secs_f64(),
        polls_skipped: measured.polls_skipped,
        shared_core: gathered.shared_core,
        events: gathered.events,
        second: second_look::second_look(run, gathered),
    }
}

fn described(run: &RunPlan, gathered: &Gathered, measured_s: f64) -> RunResult {
    RunResult {
        case: run.case.clone(),
        transport: run.transport().to_owned(),
        clients: run.clients,
        repeat: run.repeat,
        swept: run.swept.iter().cloned().collect(),
        partial: gathered.partial,
        publisher: run.publish.as_ref().map_or("", |p| p.via.key()).to_owned(),
        cooperation: own::cooperation(run).to_owned(),
        clock: own::clock(run).to_owned(),
        insecure: gathered.insecure,
        notes: [notes(run, gathered.insecure), gathered.notes.clone()].concat(),
        model: "open".to_owned(),
        channels: run.channels.len() as u32,
        payload_bytes: run.publish.as_ref().map_or(0, |p| p.payload_bytes),
        measured_s,
        dns_ns: gathered.dns.map(|took| took.0),
        ..RunResult::default()
    }
}

fn notes(run: &RunPlan, insecure: bool) -> Vec<String> {
    let mut notes = Vec::new();
    match run.publish.as_ref().map(|p| &p.via) {
        None => notes
            .push("nothing was published by this run: delivery time and loss were not measured".to_owned()),
        Some(via) => notes.extend(own::note(via).map(str::to_owned)),
    }
    if insecure {
        notes.push("certificates were not verified (insecure = true)".to_owned());
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
}

fn quantiles(timing: &Timing) -> Quantiles {
    Quantiles::of(&timing.histogram(), timing.min_ns(), timing.max_ns())
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
        handshake_measured: measured.handshake,
        tls: measured.tls,
        saved: measured.saved,
        wire_in: measured.wire_in,
        wire_out: measured.wire_out,
        overhead_to_payload: measured.overhead_to_payload(),
        messages,
    }
}

fn operations(whole: &Tally, done: &[Done]) -> BTreeMap<String, Operations> {
    let kinds = [Op::Connect, Op::Poll, Op::Publish, Op::Session, Op::Reconnect];
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
