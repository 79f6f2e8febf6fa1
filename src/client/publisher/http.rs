//! By requests: a pool of kept-alive connections with at most one message each. The pacing task writes
//! a message itself; each connection has a task that waits for the answers.

use super::books::{Books, Desk, Job};
use super::{FeedChannel, Outlet};
use crate::model::{Failure, Nanos, Outcome, Traffic};
use crate::net::{Dialer, Place};
use crate::transport::{Answer, MessageMaker, PostConnection, PostHead, ReceiversReader};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::task::JoinHandle;

/// How requests publish.
pub struct HttpWay {
    /// Where to.
    pub to: Place,
    /// The head of each channel's publish request, in the order of the feed.
    pub heads: Vec<PostHead>,
    /// Statuses that say "published".
    pub status: Vec<u16>,
    /// Most connections at a time.
    pub connections: usize,
    /// Reads how many received a message, where answers tell it.
    pub receivers: Option<Rc<ReceiversReader>>,
}

/// Idle connections that a pool keeps ready while it may have more: a message that finds none has to
/// wait for one to be made, and is late.
const SPARE: usize = 2;

/// The connections.
pub(super) struct Pool {
    way: HttpWay,
    books: Rc<Books>,
    channels: Rc<[FeedChannel]>,
    message: RefCell<MessageMaker>,
    dialer: Dialer,
    slots: RefCell<Vec<Rc<Slot>>>,
    /// The one that was idle longest goes first: none is held that never asks. A server that is to go away
    /// waits for connections that have not sent their first request (nginx does on a reload).
    idle: RefCell<VecDeque<usize>>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
}

/// One connection, and at most one message.
struct Slot {
    connection: RefCell<PostConnection>,
    /// A message that waits for the connection to be made.
    waiting: Cell<Option<Job>>,
    /// The message that was begun, and when.
    under_way: Cell<Option<(Job, Nanos)>>,
    /// What became of it, where that was known at once.
    early: Cell<Option<Result<Answer, Failure>>>,
    waker: RefCell<Option<Waker>>,
}

impl Slot {
    fn new(connection: PostConnection, waiting: Option<Job>) -> Slot {
        Slot {
            connection: RefCell::new(connection),
            waiting: Cell::new(waiting),
            under_way: Cell::default(),
            early: Cell::default(),
            waker: RefCell::default(),
        }
    }

    /// Waits until a message has been begun.
    fn poll_begun(&self, cx: &mut Context<'_>) -> Poll<(Job, Nanos)> {
        if let Some(begun) = self.under_way.get() {
            return Poll::Ready(begun);
        }
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_answer(&self, cx: &mut Context<'_>) -> Poll<Result<Answer, Failure>> {
        match self.early.take() {
            Some(early) => Poll::Ready(early),
            None => self.connection.borrow_mut().poll_answer(cx),
        }
    }
}

impl Outlet for Pool {
    fn prepare(self: Rc<Self>) {
        self.keep_spares();
    }

    fn give(self: Rc<Self>, job: Job) {
        let idle = self.idle.borrow_mut().pop_front();
        if let Some(index) = idle {
            let slot = Rc::clone(&self.slots.borrow()[index]);
            self.begin(&slot, job);
        } else if !self.add(Some(job)) {
            self.books.give_up(job, Failure::PublishBacklog);
        }
        self.keep_spares();
    }

    fn open(&self) -> Vec<Job> {
        let slots = self.slots.borrow();
        let under_way = |s: &Rc<Slot>| [s.waiting.get(), s.under_way.get().map(|(job, _)| job)];
        slots.iter().flat_map(under_way).flatten().collect()
    }

    fn abort(&self) {
        self.tasks.borrow().iter().for_each(JoinHandle::abort);
    }
}

impl Pool {
    pub(super) fn new(way: HttpWay, (books, channels): Desk, message: MessageMaker) -> Rc<Pool> {
        let dialer = books.place.dialer.for_publishers();
        Rc::new(Pool {
            way,
            dialer,
            books,
            channels,
            message: RefCell::new(message),
            slots: RefCell::default(),
            idle: RefCell::default(),
            tasks: RefCell::default(),
        })
    }

    /// Another connection, for this message first; whether there may be one more.
    fn add(self: &Rc<Self>, waiting: Option<Job>) -> bool {
        let mut slots = self.slots.borrow_mut();
        let index = slots.len();
        if index >= self.way.connections {
            return false;
        }
        let connection = PostConnection::new(&self.dialer, &self.way.to);
        let slot = Rc::new(Slot::new(connection.reading(self.way.receivers.clone()), waiting));
        slots.push(Rc::clone(&slot));
        self.tasks.borrow_mut().push(tokio::task::spawn_local(Rc::clone(self).serve(index, slot)));
        true
    }

    /// Sees to it that connections are made before they are needed. Those still being made are neither
    /// idle nor busy: they count as spares.
    fn keep_spares(self: &Rc<Self>) {
        if self.idle.borrow().len() >= SPARE {
            return;
        }
        let slots = self.slots.borrow();
        let is_busy = |s: &Rc<Slot>| s.waiting.get().is_some() || s.under_way.get().is_some();
        let mut spare = slots.len() - slots.iter().filter(|s| is_busy(s)).count();
        drop(slots);
        while spare < SPARE && self.add(None) {
            spare += 1;
        }
    }

    /// Sends a message over an idle connection, from within whatever task this is: the connection's
    /// own is woken only to wait for the answer.
    fn begin(&self, slot: &Slot, job: Job) {
        let started = self.books.place.now();
        self.books.enter(job);
        let mut connection = slot.connection.borrow_mut();
        let mut message = self.message.borrow_mut();
        let body = self.books.message(&mut message, &self.channels[job.channel], job, started);
        connection.begin(&self.way.heads[job.channel], body);
        slot.under_way.set(Some((job, started)));
        // Its own task polls it again, with a waker that is one.
        if let Poll::Ready(early) = connection.poll_answer(&mut Context::from_waker(Waker::noop())) {
            slot.early.set(Some(early));
        }
        if let Some(waker) = slot.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    async fn serve(self: Rc<Self>, index: usize, slot: Rc<Slot>) {
        let mut line = Line { pool: &self, slot: &slot, told: Traffic::default() };
        self.open_first(&slot).await;
        loop {
            match slot.waiting.take() {
                Some(job) => self.begin(&slot, job),
                None => self.idle.borrow_mut().push_back(index),
            }
            let (job, started) = poll_fn(|cx| slot.poll_begun(cx)).await;
            let answered = self.finish(&slot, job, started).await;
            self.books.leave(job);
            line.count(answered);
            slot.under_way.set(None);
        }
    }

    /// Makes the connection before a message is begun on it, so that a message that had to wait for
    /// it is told as late. One that cannot be made is tried again by the message itself, whose
    /// failure it is then.
    async fn open_first(&self, slot: &Slot) {
        let place = &self.books.place;
        let opening = PostConnection::open(&self.dialer, &self.way.to);
        let limit = place.now() + place.connect_timeout;
        if let Some(Ok(opened)) = place.timer.until(limit, opening).await {
            slot.connection.replace(opened.reading(self.way.receivers.clone()));
        }
    }

    /// Waits for the answer to a message; the bytes of its answered exchange.
    async fn finish(&self, slot: &Slot, job: Job, started: Nanos) -> Traffic {
        let place = &self.books.place;
        let answer = poll_fn(|cx| slot.poll_answer(cx));
        let answer = place.timer.until(started + place.request_timeout, answer).await;
        let traffic = answer.as_ref().and_then(|a| a.as_ref().ok()).map(|a| a.traffic);
        let outcome = match answer {
            Some(Ok(answer)) => {
                if answer.retried {
                    place.recorder.borrow_mut().fail(answer.received, Failure::StaleConnection);
                }
                if let Some(receivers) = answer.receivers {
                    self.books.told(job, receivers);
                }
                self.judge(answer.status)
            }
            Some(Err(failure)) => Outcome::Failed(failure),
            None => {
                slot.connection.borrow_mut().abort();
                Outcome::Failed(Failure::Timeout)
            }
        };
        self.books.settle(job, started, place.now(), outcome);
        // Of a message that is more than its payload, the rest is what it was wrapped in.
        traffic.unwrap_or_default().with_payload(place.payload_bytes)
    }

    fn judge(&self, status: u16) -> Outcome {
        if self.way.status.contains(&status) {
            return Outcome::Good;
        }
        Outcome::Failed(match status {
            300..400 => Failure::Redirect,
            400..500 => Failure::Status4xx,
            500..600 => Failure::Status5xx,
            _ => Failure::StatusUnexpected,
        })
    }
}

/// A connection, and what of its bytes has been told.
struct Line<'p> {
    pool: &'p Pool,
    slot: &'p Slot,
    told: Traffic,
}

impl Line<'_> {
    /// Counts the bytes of an answered publish, and those of attempts that came to nothing: the
    /// latter are overhead whatever they were.
    fn count(&mut self, answered: Traffic) {
        let place = &self.pool.books.place;
        let now = self.slot.connection.borrow().wire();
        let wire_in = (now.wire_in - self.told.wire_in).saturating_sub(answered.wire_in);
        let wire_out = (now.wire_out - self.told.wire_out).saturating_sub(answered.wire_out);
        let failed = Traffic { framing: wire_in + wire_out, wire_in, wire_out, ..Traffic::default() };
        self.told = now;
        let spent = self.pool.way.to.memory.borrow_mut().take_spent().unwrap_or_default();
        if let Ok(mut recorder) = place.recorder.try_borrow_mut() {
            recorder.publisher_traffic(place.now(), answered + failed + spent);
        }
    }
}

/// When the run is over, what was under way has cost something, too.
impl Drop for Line<'_> {
    fn drop(&mut self) {
        if let Ok(mut connection) = self.slot.connection.try_borrow_mut() {
            connection.abort();
        }
        self.count(Traffic::default());
    }
}
