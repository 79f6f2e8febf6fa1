//! One worker: an OS thread with a current-thread runtime that drives its slice of the clients and
//! of the channels, shares nothing, and hands over a snapshot at each boundary.

use super::cores::pin_this_thread;
use super::feed;
use super::timeline::Timeline;
use super::trace::Trace;
use crate::client::{ClientState, Publisher, PublisherReport, VirtualClient, Workplace};
use crate::clock::{self, Clock, Timer};
use crate::model::{Failure, Nanos, Op, RunTag};
use crate::net::{Cookies, Dialer, Endpoint, Memory};
use crate::record::{ClientLedger, Recorder, Snapshot};
use crate::scenario::{CarrierSpec, GroupPlan, PublishPlan, RunPlan, fill, groups_of};
use crate::transport::dialect::Dialect;
use crate::transport::{self, Carrier, RequestKind};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use tokio::runtime::LocalOptions;
use tokio::task::{JoinHandle, spawn_local};

/// How often the loop's lateness is looked at.
const LAG_PROBE: Nanos = Nanos::from_millis(5);
/// How often a worker looks whether it is to stop.
const STOP_CHECK: Nanos = Nanos::from_millis(50);
/// How far ahead a cut is set, so that every worker knows of it before it comes.
pub(super) const CUT_AHEAD: Nanos = Nanos::from_millis(150);
/// The longest that somebody who pressed Ctrl-C waits for what is under way.
const CUT_GRACE_MAX: Nanos = Nanos::from_millis(5_000);
/// More missed ticks of the lag probe than this in a row add nothing.
const MISSED_TICKS_MAX: u64 = 10_000;

/// What a worker is given.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) index: usize,
    pub(super) workers: usize,
    pub(super) run: RunPlan,
    pub(super) address: SocketAddr,
    pub(super) authority: String,
    pub(super) publish: (SocketAddr, String),
    pub(super) timeline: Timeline,
    pub(super) tag: RunTag,
    pub(super) core: Option<usize>,
    pub(super) stop: Stop,
    pub(super) trace: Option<Trace>,
    /// The stdin of the program that publishes, if one does.
    pub(super) pipe: Option<Arc<OwnedFd>>,
}

/// The instant at which a run is cut short; not set: `u64::MAX`. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Stop(Arc<AtomicU64>);

impl Stop {
    pub(super) fn new() -> Stop {
        Stop(Arc::new(AtomicU64::new(u64::MAX)))
    }

    pub(super) fn set(&self, at: Nanos) {
        self.0.store(at.0, Ordering::Relaxed);
    }

    pub(super) fn at(&self) -> Option<Nanos> {
        let at = self.0.load(Ordering::Relaxed);
        (at != u64::MAX).then_some(Nanos(at))
    }
}

/// What a worker tells the conductor.
pub(super) enum Report {
    /// What happened up to boundary `boundary` since the one before, and the CPU time that the
    /// worker's thread had used by then.
    Interval { worker: usize, boundary: usize, snapshot: Box<Snapshot>, attached: u32, cpu: Nanos },
    /// It is over.
    Done(Box<Done>),
    /// It could not be set up.
    Failed(String),
}

/// What was under way when a run is cut short may take as long as planned, but nobody waits for ever.
pub(super) fn cut_grace(run: &RunPlan) -> Nanos {
    run.phases.drain.min(CUT_GRACE_MAX)
}

/// What a worker leaves.
pub(super) struct Done {
    /// Since the last boundary.
    pub(super) rest: Snapshot,
    /// Each client's channel and what it got.
    pub(super) clients: Vec<(u32, ClientLedger)>,
    /// What became of the feed.
    pub(super) feed: PublisherReport,
    /// Operations still under way, by kind.
    pub(super) open: [u64; Op::COUNT],
}

/// The body of a worker thread.
pub(super) fn main(setup: &Setup, reports: &Sender<Report>) {
    pin_this_thread(setup.core);
    // A runtime whose tasks are local by themselves: a `LocalSet` would schedule each of them twice.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    let ended = runtime.and_then(|runtime| runtime.block_on(work(setup, reports)));
    // A conductor that is gone has no use for the news.
    let _ = match ended {
        Ok(done) => reports.send(Report::Done(Box::new(done))),
        Err(error) => reports.send(Report::Failed(error.to_string())),
    };
}

async fn work(setup: &Setup, reports: &Sender<Report>) -> std::io::Result<Done> {
    let place = Rc::new(workplace(setup)?);
    let (states, clients): (Vec<_>, Vec<_>) = spawn_clients(setup, &place).into_iter().unzip();
    if let Some(follow) = &place.follow {
        states.iter().for_each(|state| follow.joined(state));
    }
    let publisher = feed::publisher(setup, &place, &states)?;
    if let Some(publisher) = &publisher {
        publisher.start();
    }
    let lag = spawn_local(watch_lag(Rc::clone(&place)));
    let end = hand_over(setup, &place, &states, publisher.as_deref(), reports).await;
    place.timer.sleep_until(end).await;
    lag.abort();
    // First everything stops; only then is it counted what was open.
    if let Some(publisher) = &publisher {
        publisher.abort();
    }
    let rest = close(&place, clients).await;
    let feed = publisher.map(|publisher| publisher.report());
    let open = open_operations(&states, feed.as_ref());
    let clients = states.iter().map(|s| (s.channel, s.ledger.borrow().clone())).collect();
    Ok(Done { rest, clients, feed: feed.unwrap_or_default(), open })
}

fn workplace(setup: &Setup) -> std::io::Result<Workplace> {
    let clock = Clock::Monotonic;
    let run = &setup.run;
    Ok(Workplace {
        timer: Timer::start(clock)?,
        dialer: Rc::new(dialer(setup, clock)),
        recorder: RefCell::new(Recorder::new(setup.timeline.measured())),
        tag: setup.tag,
        payload_bytes: run.publish.as_ref().map_or(0, |p| u64::from(p.payload_bytes)),
        latest_value: run.conflates(),
        echo: run.publish.as_ref().is_some_and(PublishPlan::is_echo),
        follow: feed::follow(setup),
        connect_timeout: run.connect_timeout,
        request_timeout: run.request_timeout,
    })
}

fn dialer(setup: &Setup, clock: Clock) -> Dialer {
    let dialer = Dialer::new(clock);
    match &setup.trace {
        Some(trace) => dialer.watched(Rc::new(trace.clone())),
        None => dialer,
    }
}

/// Client `i` of the run is client `i / workers` of worker `i % workers`; all attach evenly spread
/// over the connect phase.
fn spawn_clients(setup: &Setup, place: &Rc<Workplace>) -> Vec<(Rc<ClientState>, JoinHandle<()>)> {
    let run = &setup.run;
    let kinds: Vec<Kind> = run.groups.iter().map(|group| Kind::of(group, setup)).collect();
    let groups = groups_of(&run.groups, run.clients);
    let mut random = fastrand::Rng::with_seed(run.seed ^ setup.index as u64);
    (setup.index..run.clients as usize)
        .step_by(setup.workers)
        .map(|i| {
            let channel = i % run.channels.len();
            let kind = &kinds[usize::from(groups[i])];
            let state = Rc::new(state(i, channel, place.echo));
            let client = VirtualClient {
                place: Rc::clone(place),
                state: Rc::clone(&state),
                carrier: Rc::clone(&kind.carrier),
                endpoint: endpoint(setup, i as u32, channel, kind),
                due: setup.timeline.start + spread(run.phases.connect, i, run.clients),
                phase: random.f64(),
            };
            (state, spawn_local(client.run()))
        })
        .collect()
}

/// With `echo` each client is a channel of its own.
fn state(client: usize, channel: usize, echo: bool) -> ClientState {
    match echo {
        true => {
            ClientState { channel: client as u32, outbox: Some(Box::default()), ..ClientState::default() }
        }
        false => ClientState { channel: channel as u32, ..ClientState::default() },
    }
}

fn spread(over: Nanos, index: usize, count: u32) -> Nanos {
    Nanos((u128::from(over.0) * index as u128 / u128::from(count.max(1))) as u64)
}

/// What all clients of a group share.
struct Kind<'s> {
    group: &'s GroupPlan,
    carrier: Rc<dyn Carrier>,
    headers: String,
}

impl Kind<'_> {
    fn of<'s>(group: &'s GroupPlan, setup: &Setup) -> Kind<'s> {
        let kind = RequestKind::of(&group.carrier);
        Kind {
            group,
            carrier: carrier(group, setup),
            headers: transport::block(&group.headers, kind, &setup.authority),
        }
    }
}

/// The carrier of a group, with its dialect around it.
fn carrier(group: &GroupPlan, setup: &Setup) -> Rc<dyn Carrier> {
    let plain = transport::carrier(&group.carrier);
    let Some(spec) = &group.dialect else { return Rc::from(plain) };
    let headers = transport::block(&group.headers, RequestKind::Post, &setup.authority);
    let dialect = Dialect::new(plain, Arc::clone(spec), setup.tag, setup.run.seed, headers);
    match &setup.trace {
        Some(trace) => Rc::new(dialect.traced(Rc::new(trace.clone()))),
        None => Rc::new(dialect),
    }
}

/// What a client remembers before its first session.
fn memory(group: &GroupPlan) -> Rc<RefCell<Memory>> {
    let mut memory = Memory::default();
    if group.cookies {
        memory.more.get_or_insert_default().cookies = Some(Cookies::default());
    }
    Rc::new(RefCell::new(memory))
}

fn endpoint(setup: &Setup, client: u32, channel: usize, kind: &Kind<'_>) -> Endpoint {
    let channel = setup.run.channels.name(channel, setup.tag);
    let filled = |template: &str| fill(template, &channel, client);
    let (send, body) = match &kind.group.carrier {
        CarrierSpec::Poll(p) => (&[][..], p.pull.body.as_str()),
        CarrierSpec::LongPoll(p) => (&[][..], p.pull.body.as_str()),
        CarrierSpec::Stream(s) => (&[][..], s.body.as_str()),
        CarrierSpec::WebSocket(w) => (&w.send[..], ""),
    };
    Endpoint {
        path: filled(kind.group.carrier.path()),
        headers: kind.headers.clone(),
        body: filled(body),
        send: send.iter().map(|text| filled(text)).collect(),
        expected_bytes: setup.run.publish.as_ref().map_or(0, |p| p.payload_bytes),
        channel: if kind.group.dialect.is_some() { channel.as_str().into() } else { Box::default() },
        client,
        memory: memory(kind.group),
        ..Endpoint::new(setup.address, setup.authority.clone(), "/")
    }
}

/// Looks how late this loop wakes from a timer: what it was busy with then, every client waited for.
async fn watch_lag(place: Rc<Workplace>) {
    let mut due = place.now() + LAG_PROBE;
    loop {
        place.timer.sleep_until(due).await;
        let now = place.now();
        // Every tick that passed meanwhile was as late as it was: one stall is no single sample.
        let missed = ((now - due).0 / LAG_PROBE.0).min(MISSED_TICKS_MAX);
        for tick in 0..=missed {
            let due = due + LAG_PROBE * tick;
            place.recorder.borrow_mut().loop_lag(due, now - due);
        }
        due += LAG_PROBE * (missed + 1);
    }
}

/// Hands over a snapshot at each boundary; gives the instant at which the run ends.
async fn hand_over(
    setup: &Setup,
    place: &Workplace,
    states: &[Rc<ClientState>],
    publisher: Option<&Publisher>,
    reports: &Sender<Report>,
) -> Nanos {
    for (boundary, at) in setup.timeline.boundaries().into_iter().enumerate() {
        while place.now() < at {
            place.timer.sleep_until(at.min(place.now() + STOP_CHECK)).await;
            if let Some(cut) = setup.stop.at() {
                if let Some(publisher) = publisher {
                    publisher.stop_at(cut);
                }
                place.recorder.borrow_mut().cut(cut);
                return setup.timeline.cut(cut, cut_grace(&setup.run)).end;
            }
        }
        let snapshot = Box::new(place.recorder.borrow_mut().take());
        let attached = states.iter().filter(|s| s.attached.get()).count() as u32;
        let (worker, cpu) = (setup.index, clock::thread_cpu());
        if reports.send(Report::Interval { worker, boundary, snapshot, attached, cpu }).is_err() {
            break;
        }
    }
    setup.timeline.end
}

fn open_operations(states: &[Rc<ClientState>], feed: Option<&PublisherReport>) -> [u64; Op::COUNT] {
    let mut open = [0; Op::COUNT];
    for state in states {
        if let Some(op) = state.under_way.get() {
            open[op as usize] += 1;
        }
        open[Op::Session as usize] += u64::from(state.attached.get());
    }
    open[Op::Publish as usize] = feed.map_or(0, |f| f.open);
    open
}

/// Ends all clients and takes what was recorded last. A client that panicked is a fault of ours,
/// and told.
async fn close(place: &Workplace, clients: Vec<JoinHandle<()>>) -> Snapshot {
    clients.iter().for_each(JoinHandle::abort);
    for client in clients {
        if client.await.is_err_and(|e| e.is_panic()) {
            place.recorder.borrow_mut().fail(place.now(), Failure::Panicked);
        }
    }
    if let Some(follow) = &place.follow {
        follow.close(place);
    }
    place.recorder.borrow_mut().take()
}
