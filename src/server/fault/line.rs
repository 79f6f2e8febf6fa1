//! The line in front of the channels: decides which messages are given out, when, and in which order.
//!
//! Everything is counted for each channel, over the messages published to it, from 1. A message has
//! its sequence, its place in the history and its receivers only when it is given out; before that
//! nobody can have it, and one that is never given out never was. Knows no transport.

use super::Plan;
use super::alarm::Alarm;
use crate::model::Nanos;
use crate::server::Server;
use crate::server::channel::Channel;
use crate::server::frame::Opcode;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::rc::Rc;
use tokio::sync::Notify;

/// A channel's own part of the line.
#[derive(Default)]
pub(in crate::server) struct Place {
    /// Publishes asked for, those refused included.
    asked: Cell<u64>,
    /// Messages taken.
    taken: Cell<u64>,
    /// When the one worker is done with what it has.
    worker_free: Cell<Nanos>,
    /// When the last of the slow early messages is given out.
    slow_until: Cell<Nanos>,
    /// A message that the next one is to overtake.
    parked: RefCell<Option<Parcel>>,
}

impl Place {
    /// Counts a publish asked for; its number.
    pub(in crate::server) fn ask(&self) -> u64 {
        self.asked.set(self.asked.get() + 1);
        self.asked.get()
    }

    /// Whether anything was counted here.
    pub(in crate::server) fn is_used(&self) -> bool {
        self.asked.get() > 0 || self.taken.get() > 0
    }
}

/// A message that is not given out yet.
struct Parcel {
    number: u64,
    opcode: Opcode,
    payload: Box<[u8]>,
}

/// What is due at some time for a channel.
struct Held {
    due: Nanos,
    ticket: u64,
    channel: Rc<Channel>,
    what: What,
}

enum What {
    /// Give it out.
    Give(Parcel),
    /// If the message of this number still waits to be overtaken, it waits no longer.
    Unpark(u64),
}

/// What is held, for all channels.
pub(in crate::server) struct Line {
    plan: Plan,
    waiting: RefCell<BinaryHeap<Reverse<Held>>>,
    tickets: Cell<u64>,
    sooner: Notify,
    alarm: Alarm,
}

impl Line {
    /// An empty line; inside a runtime.
    ///
    /// # Errors
    /// No descriptor for its timer.
    pub(in crate::server) fn new(plan: Plan) -> io::Result<Line> {
        let alarm = Alarm::new()?;
        Ok(Line { plan, waiting: RefCell::default(), tickets: Cell::new(0), sooner: Notify::new(), alarm })
    }

    /// Takes a message whose request was read at `received`; comes back when all that was given out
    /// for it at once is with its receivers. Its number in the channel.
    pub(in crate::server) async fn publish(
        &self,
        server: &Server,
        channel: &Rc<Channel>,
        (opcode, payload): (Opcode, &[u8]),
        received: Nanos,
    ) -> u64 {
        let taken = &channel.place().taken;
        taken.set(taken.get() + 1);
        let number = taken.get();
        let parcel = Parcel { number, opcode, payload: payload.into() };
        if let Some(last) = self.sort(server, channel, parcel, received) {
            channel.fan_out(last).await;
        }
        number
    }

    /// Messages that are still to be given out.
    pub(in crate::server) fn held(&self) -> u64 {
        self.waiting.borrow().iter().filter(|held| matches!(held.0.what, What::Give(_))).count() as u64
    }

    /// Forgets what is held, as a restart does that loses history; how many messages those were.
    pub(in crate::server) fn forget<'a>(&self, channels: impl Iterator<Item = &'a Rc<Channel>>) -> u64 {
        let parked = channels.filter_map(|c| c.place().parked.take()).count() as u64;
        let held = self.held();
        self.waiting.borrow_mut().clear();
        parked + held
    }

    /// Gives out what is due, for ever.
    ///
    /// # Errors
    /// Its timer is of no use.
    pub(in crate::server) async fn run(&self, server: &Server) -> io::Result<()> {
        loop {
            let first = self.waiting.borrow().peek().map(|held| held.0.due);
            let Some(due) = first else {
                self.sooner.notified().await;
                continue;
            };
            tokio::select! {
                biased;
                woken = self.alarm.until(due) => woken?,
                () = self.sooner.notified() => continue,
            }
            while let Some(held) = self.pop(server.timer.clock().now()) {
                let last = match held.what {
                    What::Give(parcel) => Some(self.give(server, &held.channel, &parcel)),
                    What::Unpark(number) => self.unpark(server, &held.channel, number),
                };
                if let Some(last) = last {
                    held.channel.fan_out(last).await;
                }
            }
        }
    }

    /// Drops, withholds, parks or lets in; the sequence of the last message that was given out at once.
    fn sort(&self, server: &Server, channel: &Rc<Channel>, parcel: Parcel, at: Nanos) -> Option<u64> {
        let (counts, plan) = (&server.stats.faults, &self.plan);
        let parked = channel.place().parked.take();
        let hits = |every: u64| parcel.number.is_multiple_of(every);
        let mut last = None;
        let mut overtakes = false;
        if plan.drop.is_some_and(hits) {
            counts.dropped.add(1);
        } else if let Some(withhold) = plan.withhold.filter(|w| hits(w.every)) {
            counts.withheld.add(1);
            if let Some(back) = withhold.back {
                last = self.enter(server, channel, parcel, (at, back));
            }
        } else if let Some(swap) = plan.swap.filter(|s| hits(s.every)) {
            self.hold(at + swap.within, channel, What::Unpark(parcel.number));
            *channel.place().parked.borrow_mut() = Some(parcel);
        } else {
            overtakes = parked.is_some();
            last = self.enter(server, channel, parcel, (at, Nanos::ZERO));
        }
        // What the next message did not overtake, because it goes another way, goes its own now.
        if let Some(parked) = parked {
            counts.swapped.add(u64::from(overtakes));
            last = self.enter(server, channel, parked, (at, Nanos::ZERO)).or(last);
        }
        last
    }

    fn unpark(&self, server: &Server, channel: &Rc<Channel>, number: u64) -> Option<u64> {
        let parked = channel.place().parked.borrow_mut().take_if(|p| p.number == number)?;
        self.enter(server, channel, parked, (server.timer.clock().now(), Nanos::ZERO))
    }

    /// Lets a message in at `at` and holds it as long as it is to be held, and `more`; the sequence of
    /// one that is given out at once.
    fn enter(
        &self,
        server: &Server,
        channel: &Rc<Channel>,
        parcel: Parcel,
        (at, more): (Nanos, Nanos),
    ) -> Option<u64> {
        let due = self.due(server, channel, parcel.number, at) + more;
        if due == at {
            return Some(self.give(server, channel, &parcel));
        }
        self.hold(due, channel, What::Give(parcel));
        None
    }

    /// When a message that comes in at `at` is to be given out.
    fn due(&self, server: &Server, channel: &Channel, number: u64, at: Nanos) -> Nanos {
        let (name, place) = (channel.name(), channel.place());
        let mut due = at + self.plan.delay.map_or(Nanos::ZERO, |delay| delay.of(name, number));
        if let Some(service) = self.plan.service {
            due = at.max(place.worker_free.get()) + service.of(name, number);
            place.worker_free.set(due);
        }
        if let Some(slow) = self.plan.slow {
            if at < server.life.begun_at().unwrap_or(at) + slow.first {
                due += slow.extra;
                place.slow_until.set(due.max(place.slow_until.get()));
            } else {
                // Those that come after overtake nobody, or the end of the slow time would be disorder.
                due = due.max(place.slow_until.get());
            }
        }
        due
    }

    fn give(&self, server: &Server, channel: &Channel, parcel: &Parcel) -> u64 {
        let again = self.plan.duplicate.is_some_and(|every| parcel.number.is_multiple_of(every));
        let sequence = server.append(channel, parcel.opcode, &parcel.payload);
        if !again {
            return sequence;
        }
        server.stats.faults.duplicated.add(1);
        server.append(channel, parcel.opcode, &parcel.payload)
    }

    fn hold(&self, due: Nanos, channel: &Rc<Channel>, what: What) {
        let ticket = self.tickets.get();
        self.tickets.set(ticket + 1);
        let mut waiting = self.waiting.borrow_mut();
        if waiting.peek().is_none_or(|first| due < first.0.due) {
            self.sooner.notify_one();
        }
        waiting.push(Reverse(Held { due, ticket, channel: Rc::clone(channel), what }));
    }

    fn pop(&self, now: Nanos) -> Option<Held> {
        let mut waiting = self.waiting.borrow_mut();
        waiting.peek().filter(|held| held.0.due <= now)?;
        waiting.pop().map(|held| held.0)
    }
}

impl Held {
    fn key(&self) -> (Nanos, u64) {
        (self.due, self.ticket)
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Held) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Held) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Held) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
