//! One worker: an OS thread with a current-thread runtime that drives its slice of the clients and
//! of the channels, shares nothing, and hands over a snapshot at each boundary.

use super::cores::pin_this_thread;
use super::events::Events;
use super::feed;
use super::places::{Places, Taken};
use super::site::{Site, Sites};
use super::timeline::Timeline;
use super::told::{ClientEnd, Done, Moment, Report};
use super::trace::Trace;
use crate::client::{ClientState, Publisher, PublisherReport, VirtualClient, Workplace};
use crate::clock::{self, LiveLine};
use crate::model::{Failure, Nanos, Op, RunTag};
use crate::net::{Cookies, Endpoint, Memory, TlsClient, TlsProfile};
use crate::scenario::{CarrierSpec, GroupPlan, RunPlan, fill, groups_of};
use crate::transport::dialect::Dialect;
use crate::transport::{self, Carrier, RequestKind};
use std::cell::RefCell;
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
/// How far ahead at least the begin of `measure` is set: nothing of it may be due before a worker knows.
pub(super) const BEGIN_AHEAD: Nanos = Nanos::from_millis(500);
/// The longest that somebody who pressed Ctrl-C waits for what is under way.
const CUT_GRACE_MAX: Nanos = Nanos::from_millis(5_000);
/// More missed ticks of the lag probe than this in a row add nothing.
const MISSED_TICKS_MAX: u64 = 10_000;

/// Turns of the loop that aborted tasks get to close their connections.
const MOST_TURNS: u32 = 1_000;

/// What a worker is given.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) index: usize,
    pub(super) workers: usize,
    pub(super) run: RunPlan,
    pub(super) sites: Sites,
    pub(super) timeline: Timeline,
    pub(super) tag: RunTag,
    pub(super) core: Option<usize>,
    /// When the run is cut short.
    pub(super) stop: Signal,
    /// When `measure` begins, where that is earlier than planned.
    pub(super) begin: Signal,
    pub(super) trace: Option<Trace>,
    /// Where each event is written.
    pub(super) events: Option<Events>,
    /// The target's clock, where it is asked and was found.
    pub(super) their_clock: Option<Arc<LiveLine>>,
    /// The stdin of the program that publishes, if one does.
    pub(super) pipe: Option<Arc<OwnedFd>>,
}

/// The instant at which something happens that was not planned; not set: `u64::MAX`. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Signal(Arc<AtomicU64>);

impl Signal {
    pub(super) fn new() -> Signal {
        Signal(Arc::new(AtomicU64::new(u64::MAX)))
    }

    pub(super) fn set(&self, at: Nanos) {
        self.0.store(at.0, Ordering::Relaxed);
    }

    pub(super) fn at(&self) -> Option<Nanos> {
        let at = self.0.load(Ordering::Relaxed);
        (at != u64::MAX).then_some(Nanos(at))
    }
}

/// What was under way when a run is cut short may take as long as planned, but nobody waits for ever.
pub(super) fn cut_grace(run: &RunPlan) -> Nanos {
    run.phases.drain.min(CUT_GRACE_MAX)
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
    let places = Places::new(setup)?;
    let place = Rc::clone(places.common());
    // One session cache for all that this worker does.
    let tls = setup.sites.tls.as_ref().map(TlsClient::for_worker);
    let (clients, tasks): (Vec<_>, Vec<_>) = spawn_clients(setup, &places, tls.as_ref()).into_iter().unzip();
    let publisher = start_publisher(setup, &place, &clients, tls.as_ref())?;
    let lag = spawn_local(watch_lag(Rc::clone(&place)));
    let end = hand_over(setup, &places, &clients, publisher.as_deref(), reports).await;
    place.timer.sleep_until(end).await;
    lag.abort();
    // First everything stops; only then is it counted what was open.
    if let Some(publisher) = &publisher {
        publisher.abort();
    }
    let rest = close(&places, &clients, tasks).await;
    let feed = publisher.map(|publisher| publisher.report());
    let open = open_operations(&clients, feed.as_ref());
    let end_of = |c: &Client| ClientEnd {
        group: c.group,
        channel: c.state.channel,
        ledger: c.state.ledger.borrow().clone(),
    };
    let clients = clients.iter().map(end_of).collect();
    let events = places.end_events(setup.index);
    Ok(Done { rest, clients, feed: feed.unwrap_or_default(), open, events })
}

/// A client of this worker.
struct Client {
    group: u16,
    state: Rc<ClientState>,
}

/// Client `i` of the run is client `i / workers` of worker `i % workers`.
fn spawn_clients(setup: &Setup, places: &Places, tls: Option<&TlsClient>) -> Vec<(Client, JoinHandle<()>)> {
    let run = &setup.run;
    let kinds: Vec<Kind> = run.groups.iter().map(|group| Kind::of(group, setup, tls)).collect();
    let groups = groups_of(&run.groups, run.clients);
    let mut random = fastrand::Rng::with_seed(run.seed ^ setup.index as u64);
    (setup.index..run.clients as usize)
        .step_by(setup.workers)
        .map(|i| {
            let channel = i % run.channels.len();
            let group = groups[i];
            let kind = &kinds[usize::from(group)];
            let place = places.of_group(usize::from(group));
            let state = Rc::new(state(i, channel, place.echo));
            place.events.iter().for_each(|log| log.client(state.number, group, state.channel));
            places.joined(usize::from(group), &state);
            let client = VirtualClient {
                place: Rc::clone(place),
                state: Rc::clone(&state),
                carrier: Rc::clone(&kind.carrier),
                endpoint: endpoint(setup, i as u32, channel, kind),
                due: setup.timeline.start + run.attaches_at(i),
                phase: random.f64(),
                seed: random.u64(..),
            };
            (Client { group, state }, spawn_local(client.run()))
        })
        .collect()
}

/// With `echo` each client is a channel of its own.
fn state(client: usize, channel: usize, echo: bool) -> ClientState {
    let state = match echo {
        true => ClientState::that_sends(client as u32),
        false => ClientState::of_channel(channel as u32),
    };
    state.numbered(client as u32)
}

/// What all clients of a group share.
struct Kind<'s> {
    group: &'s GroupPlan,
    carrier: Rc<dyn Carrier>,
    headers: String,
    site: &'s Site,
    tls: Option<Rc<TlsProfile>>,
}

impl Kind<'_> {
    fn of<'s>(group: &'s GroupPlan, setup: &'s Setup, tls: Option<&TlsClient>) -> Kind<'s> {
        let site = if group.secure { &setup.sites.secure } else { &setup.sites.base };
        let kind = RequestKind::of(&group.carrier);
        Kind {
            group,
            carrier: carrier(group, setup, site),
            headers: transport::block(&group.headers, kind, &site.authority, site.tls_name.is_some()),
            site,
            tls: site.profile(tls),
        }
    }
}

/// The carrier of a group, with its dialect around it.
fn carrier(group: &GroupPlan, setup: &Setup, site: &Site) -> Rc<dyn Carrier> {
    let plain = transport::carrier(&group.carrier);
    let Some(spec) = &group.dialect else { return Rc::from(plain) };
    let headers =
        transport::block(&group.headers, RequestKind::Post, &site.authority, site.tls_name.is_some());
    let own_feed =
        !setup.run.publish.as_ref().is_some_and(|p| !matches!(p.via, crate::scenario::PublishVia::Target(_)));
    let dialect =
        Dialect::new(plain, Arc::clone(spec), setup.tag, setup.run.seed, headers).own_feed(own_feed);
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
        tls: kind.tls.clone(),
        ..Endpoint::new(kind.site.address, kind.site.authority.clone(), "/")
    }
}

fn start_publisher(
    setup: &Setup,
    place: &Rc<Workplace>,
    clients: &[Client],
    tls: Option<&TlsClient>,
) -> std::io::Result<Option<Rc<Publisher>>> {
    let states: Vec<Rc<ClientState>> = clients.iter().map(|c| Rc::clone(&c.state)).collect();
    if let Some(follow) = &place.follow {
        states.iter().for_each(|state| follow.joined(state));
    }
    let publisher = feed::publisher(setup, place, &states, tls)?;
    publisher.iter().for_each(Publisher::start);
    Ok(publisher)
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
    places: &Places,
    clients: &[Client],
    publisher: Option<&Publisher>,
    reports: &Sender<Report>,
) -> Nanos {
    let place = places.common();
    let mut timeline = setup.timeline;
    let mut boundary = 0;
    // A timeline that begins to measure earlier has the same boundaries up to there.
    while let Some(at) = timeline.boundaries().get(boundary).copied() {
        begin(setup, &mut timeline, places, publisher);
        while place.now() < at {
            place.timer.sleep_until(at.min(place.now() + STOP_CHECK)).await;
            begin(setup, &mut timeline, places, publisher);
            if let Some(cut) = setup.stop.at() {
                if let Some(publisher) = publisher {
                    publisher.stop_at(cut);
                }
                places.cut(cut);
                place.timer.sleep_until(cut).await;
                places.look().await;
                places.count_sockets(cut);
                return timeline.cut(cut, cut_grace(&setup.run)).end;
            }
        }
        if [timeline.measure, timeline.drain].contains(&at) {
            places.look().await;
        }
        let taken = Box::new(places.take(at));
        let attached = clients.iter().filter(|c| c.state.attached.get()).count() as u32;
        let (cpu, backlog_bytes) = (clock::thread_cpu(), places.backlog_bytes());
        let moment = Moment { attached, cpu, backlog_bytes };
        if reports.send(Report::Interval { worker: setup.index, boundary, taken, moment }).is_err() {
            break;
        }
        boundary += 1;
    }
    timeline.end
}

/// Moves `measure` to where the conductor wants it, if it does by now.
fn begin(setup: &Setup, timeline: &mut Timeline, places: &Places, publisher: Option<&Publisher>) {
    let Some(at) = setup.begin.at().filter(|at| *at < timeline.measure) else { return };
    *timeline = timeline.begun(at);
    places.measure(&timeline.measured());
    publisher.iter().for_each(|publisher| publisher.measure(timeline.measured()));
}

fn open_operations(clients: &[Client], feed: Option<&PublisherReport>) -> [u64; Op::COUNT] {
    let mut open = [0; Op::COUNT];
    for Client { state, .. } in clients {
        if let Some(op) = state.under_way.get() {
            open[op as usize] += 1;
        }
        open[Op::Session as usize] += u64::from(state.attached.get());
        open[Op::Reconnect as usize] += u64::from(state.returning.get());
    }
    open[Op::Publish as usize] = feed.map_or(0, |f| f.open);
    open
}

/// Ends all clients and takes what was recorded last. A client that panicked is a fault of ours,
/// and told.
async fn close(places: &Places, clients: &[Client], tasks: Vec<JoinHandle<()>>) -> Taken {
    tasks.iter().for_each(JoinHandle::abort);
    for (client, task) in clients.iter().zip(tasks) {
        let place = places.of_group(usize::from(client.group));
        if task.await.is_err_and(|e| e.is_panic()) {
            place.recorder.borrow_mut().fail(place.now(), Failure::Panicked);
        }
        client.state.settle(place);
    }
    places.close();
    // Those of publishers may not have been dropped yet; each tells what the kernel counted of it.
    for _ in 0..MOST_TURNS {
        if places.open_connections() == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    places.take(places.common().now())
}
