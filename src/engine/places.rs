//! Where the clients of each group, and the publishers, of one worker write down what they see.
//!
//! One recorder a group, so that a mixed population is told apart; with one group only, everybody's.

use super::worker::Setup;
use super::{events, fan, feed};
use crate::client::{ClientState, FanOut, Follow, Pulse, Workplace};
use crate::clock::{Clock, Timer};
use crate::model::Nanos;
use crate::net::Dialer;
use crate::record::{Piece, Recorder, Snapshot};
use crate::scenario::{CarrierSpec, GroupPlan, PublishPlan};
use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::rc::Rc;

/// Subscribers' sockets of a worker that are asked each second what lies unread in them.
const BACKLOG_SAMPLE: usize = 64;

/// The places of one worker.
pub(super) struct Places {
    /// One for each group.
    groups: Vec<Rc<Workplace>>,
    /// That of the publishers and of the worker itself: a group's own when there is one group.
    common: Rc<Workplace>,
    /// Who receives messages with others, over all groups.
    fan_out: Option<Rc<FanOut>>,
}

/// What was gathered since the last time.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// By everybody.
    pub(super) all: Snapshot,
    /// By each group; empty when there is one group.
    pub(super) groups: Vec<Snapshot>,
    /// Messages with receivers on other workers, too.
    pub(super) pieces: Vec<Piece>,
}

/// A dialer that somebody looks over the shoulder of, when this is a trace.
fn dialer(setup: &Setup, clock: Clock) -> Dialer {
    let dialer = Dialer::new(clock);
    match &setup.trace {
        Some(trace) => dialer.watched(Rc::new(trace.clone())),
        None => dialer,
    }
}

impl Places {
    pub(super) fn new(setup: &Setup) -> io::Result<Places> {
        let clock = Clock::Monotonic;
        let (timer, dialer) = (Timer::start(clock)?, Rc::new(dialer(setup, clock)));
        // One for all: the receivers of a message are those of every group.
        let follow = feed::follow(setup).map(Rc::new);
        let split = || fan::split_channels(&setup.run, setup.workers);
        let fan_out = fan::has_fan_out(&setup.run).then(|| Rc::new(FanOut::new(split())));
        let pulse = Rc::new(Pulse::default());
        let events = setup.events.as_ref().map(|events| events.open(setup.index, setup.workers));
        let place = |group: &GroupPlan| {
            Rc::new(Workplace {
                pulse: Rc::clone(&pulse),
                events: events.clone(),
                ..workplace(setup, group, (&timer, &dialer), (&follow, &fan_out))
            })
        };
        let groups: Vec<Rc<Workplace>> = setup.run.groups.iter().map(place).collect();
        let common = match groups.as_slice() {
            [only] => Rc::clone(only),
            _ => place(&setup.run.groups[0]),
        };
        Ok(Places { groups, common, fan_out })
    }

    pub(super) fn of_group(&self, group: usize) -> &Rc<Workplace> {
        &self.groups[group]
    }

    pub(super) fn common(&self) -> &Rc<Workplace> {
        &self.common
    }

    /// Asks the kernel for its counters of every open connection: at the ends of `measure`.
    pub(super) async fn look(&self) {
        self.common.dialer.meter().look().await;
        self.common.dialer.publishers_meter().look().await;
    }

    /// Connections that are open.
    pub(super) fn open_connections(&self) -> usize {
        self.common.dialer.meter().open() + self.common.dialer.publishers_meter().open()
    }

    /// Bytes that lie unread in a sample of the subscribers' sockets.
    pub(super) fn backlog_bytes(&self) -> u64 {
        self.common.dialer.meter().unread_bytes(BACKLOG_SAMPLE)
    }

    /// Writes down what the kernel counted up to this instant, in the phase that ends there.
    pub(super) fn count_sockets(&self, until: Nanos) {
        let dialer = &self.common.dialer;
        let mut recorder = self.common.recorder.borrow_mut();
        recorder.sockets(until, dialer.meter().take(), dialer.publishers_meter().take());
        dialer.meter().take_delays(|at, delay| recorder.kernel_delay(at, delay));
    }

    /// This client of group number `group` listens, too.
    pub(super) fn joined(&self, group: usize, state: &Rc<ClientState>) {
        self.groups[group].fan_out.iter().for_each(|fan_out| fan_out.joined(state));
    }

    /// Nothing more will come.
    pub(super) fn close(&self) {
        self.fan_out.iter().for_each(|fan_out| fan_out.close(&self.common));
        self.common.follow.iter().for_each(|follow| follow.close(&self.common));
    }

    /// Ends the log of events, if there is one: nothing more happens.
    pub(super) fn end_events(&self, worker: usize) -> Option<events::Ended> {
        let log = self.common.events.as_ref()?;
        let failed = log.close(self.common.now()).err().map(|error| error.to_string());
        Some(events::Ended { worker, failed })
    }

    /// Hands over what was gathered up to this instant.
    pub(super) fn take(&self, until: Nanos) -> Taken {
        self.count_sockets(until);
        let pieces = self.fan_out.as_ref().map(|f| f.take_pieces()).unwrap_or_default();
        let mut all = self.common.recorder.borrow_mut().take();
        if self.groups.len() == 1 {
            return Taken { all, groups: Vec::new(), pieces };
        }
        let groups: Vec<Snapshot> = self.groups.iter().map(|g| g.recorder.borrow_mut().take()).collect();
        groups.iter().for_each(|group| all.merge(group));
        Taken { all, groups, pieces }
    }

    /// `measure` is this window.
    pub(super) fn measure(&self, window: &Range<Nanos>) {
        let all = self.groups.iter().chain([&self.common]);
        all.for_each(|p| p.recorder.borrow_mut().measure(window.clone()));
    }

    /// `measure` ends at this instant.
    pub(super) fn cut(&self, at: Nanos) {
        self.groups.iter().chain([&self.common]).for_each(|p| p.recorder.borrow_mut().cut(at));
    }
}

fn workplace(
    setup: &Setup,
    group: &GroupPlan,
    (timer, dialer): (&Timer, &Rc<Dialer>),
    (follow, fan_out): (&Option<Rc<Follow>>, &Option<Rc<FanOut>>),
) -> Workplace {
    let run = &setup.run;
    Workplace {
        timer: timer.clone(),
        pulse: Rc::default(),
        dialer: Rc::clone(dialer),
        recorder: RefCell::new(Recorder::new(setup.timeline.measured())),
        events: None,
        tag: setup.tag,
        payload_bytes: run.publish.as_ref().map_or(0, |p| u64::from(p.payload_bytes)),
        latest_value: group.carrier.conflates(),
        echo: run.publish.as_ref().is_some_and(PublishPlan::is_echo),
        follow: follow.clone(),
        fan_out: fan_out.clone().filter(|_| !group.carrier.conflates()),
        close_codes: matches!(group.carrier, CarrierSpec::WebSocket(_)),
        life: group.life,
        reconnect: group.reconnect,
        connect_timeout: run.connect_timeout,
        request_timeout: run.request_timeout,
    }
}
