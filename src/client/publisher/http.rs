//! By requests: a pool of kept-alive connections, each a task of its own with at most one message.

use super::books::{Books, Desk, Job};
use super::{FeedChannel, Outlet};
use crate::model::{Failure, Outcome, Traffic};
use crate::net::Place;
use crate::transport::{MessageMaker, PostConnection, PostHead, ReceiversReader};
use std::cell::{Cell, RefCell};
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

/// The connections.
pub(super) struct Pool {
    way: HttpWay,
    books: Rc<Books>,
    channels: Rc<[FeedChannel]>,
    message: MessageMaker,
    slots: RefCell<Vec<Rc<Slot>>>,
    idle: RefCell<Vec<usize>>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
}

/// One connection's mailbox: at most one message.
#[derive(Default)]
struct Slot {
    waiting: Cell<Option<Job>>,
    under_way: Cell<Option<Job>>,
    waker: RefCell<Option<Waker>>,
}

impl Slot {
    fn give(&self, job: Job) {
        self.waiting.set(Some(job));
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    fn poll_job(&self, cx: &mut Context<'_>) -> Poll<Job> {
        if let Some(job) = self.waiting.take() {
            self.under_way.set(Some(job));
            return Poll::Ready(job);
        }
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Outlet for Pool {
    fn give(self: Rc<Self>, job: Job) {
        match self.free_slot() {
            Some(slot) => slot.give(job),
            None => self.books.give_up(job, Failure::PublishBacklog),
        }
    }

    fn open(&self) -> Vec<Job> {
        let slots = self.slots.borrow();
        slots.iter().flat_map(|s| [s.waiting.get(), s.under_way.get()]).flatten().collect()
    }

    fn abort(&self) {
        self.tasks.borrow().iter().for_each(JoinHandle::abort);
    }
}

impl Pool {
    pub(super) fn new(way: HttpWay, (books, channels): Desk, message: MessageMaker) -> Rc<Pool> {
        Rc::new(Pool {
            way,
            books,
            channels,
            message,
            slots: RefCell::default(),
            idle: RefCell::default(),
            tasks: RefCell::default(),
        })
    }

    /// The connection used last, since it is warm, or a new one while there may be more.
    fn free_slot(self: &Rc<Self>) -> Option<Rc<Slot>> {
        if let Some(i) = self.idle.borrow_mut().pop() {
            return Some(Rc::clone(&self.slots.borrow()[i]));
        }
        let mut slots = self.slots.borrow_mut();
        let index = slots.len();
        (index < self.way.connections).then(|| {
            let slot = Rc::new(Slot::default());
            slots.push(Rc::clone(&slot));
            let task = tokio::task::spawn_local(Rc::clone(self).serve(index, Rc::clone(&slot)));
            self.tasks.borrow_mut().push(task);
            slot
        })
    }

    async fn serve(self: Rc<Self>, index: usize, slot: Rc<Slot>) {
        let dialer = self.books.place.dialer.for_publishers();
        let connection = PostConnection::new(&dialer, &self.way.to);
        let connection = connection.reading(self.way.receivers.clone());
        let mut line = Line { pool: &self, connection, told: Traffic::default() };
        let mut message = self.message.clone();
        loop {
            let job = poll_fn(|cx| slot.poll_job(cx)).await;
            self.books.enter(job);
            let answered = self.publish(&mut line.connection, &mut message, job).await;
            self.books.leave(job);
            line.count(answered);
            slot.under_way.set(None);
            self.idle.borrow_mut().push(index);
        }
    }

    /// Publishes one message; the bytes of its answered exchange.
    async fn publish(
        &self,
        connection: &mut PostConnection,
        message: &mut MessageMaker,
        job: Job,
    ) -> Traffic {
        let place = &self.books.place;
        let started = place.now();
        let body = self.books.message(message, &self.channels[job.channel], job, started);
        connection.begin(&self.way.heads[job.channel], body);
        let answer = poll_fn(|cx| connection.poll_answer(cx));
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
                connection.abort();
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
    connection: PostConnection,
    told: Traffic,
}

impl Line<'_> {
    /// Counts the bytes of an answered publish, and those of attempts that came to nothing: the
    /// latter are overhead whatever they were.
    fn count(&mut self, answered: Traffic) {
        let place = &self.pool.books.place;
        let now = self.connection.wire();
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
        self.connection.abort();
        self.count(Traffic::default());
    }
}
