//! Over a session that also listens: what is due waits in an outbox until who polls the session
//! takes it out. So the clients of `echo` send, and so do the publishers of `in_band`.
//!
//! A message counts as acknowledged when the kernel has taken its last byte: nobody answers it.

use super::books::{Books, Desk, Job};
use super::{FeedChannel, Outlet};
use crate::client::ClientState;
use crate::model::{Failure, Nanos, Outcome};
use crate::transport::{MessageMaker, Session};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Waker};

/// Most messages that wait because their worker is behind; beyond it nothing is gained by waiting.
const MOST_WAITING: usize = 1024;

/// Each client sends its own messages.
pub struct EchoWay {
    /// The clients, one for each channel of the feed and in that order; each has an outbox.
    pub clients: Vec<Rc<ClientState>>,
    /// Whether messages go as binary ones.
    pub binary: bool,
}

/// The messages that one session is to send.
#[derive(Default)]
pub struct Outbox {
    writer: OnceCell<Rc<Writer>>,
    queue: RefCell<VecDeque<Job>>,
    /// The message that the kernel has not taken in full, and when it was begun.
    under_way: Cell<Option<(Job, Nanos)>>,
    /// Whether there is a session that takes messages.
    open: Cell<bool>,
    /// Whether its client is away on purpose: what is due now was never to be sent.
    away: Cell<bool>,
    /// Messages begun that nobody has counted yet.
    begun: Cell<u64>,
    /// What the session said when it could not send: it is to be given up.
    broken: Cell<Option<Failure>>,
    waker: RefCell<Option<Waker>>,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("queue", &self.queue).field("open", &self.open).finish_non_exhaustive()
    }
}

/// Makes the messages of several outboxes, and keeps account of them.
pub(super) struct Writer {
    pub(super) books: Rc<Books>,
    pub(super) channels: Rc<[FeedChannel]>,
    pub(super) message: RefCell<MessageMaker>,
    pub(super) binary: bool,
}

impl Outbox {
    /// An outbox of this writer.
    pub(super) fn of(writer: &Rc<Writer>) -> Outbox {
        let outbox = Outbox::default();
        outbox.belong_to(writer);
        outbox
    }

    fn belong_to(&self, writer: &Rc<Writer>) {
        // One writer a run: a second one would be the first again.
        let _ = self.writer.set(Rc::clone(writer));
    }

    /// A message is due: it goes out when the session is polled next, which it is woken for.
    pub(super) fn give(&self, books: &Books, job: Job) {
        self.take(books, job);
        self.wake();
    }

    /// A message is due, and here is its session, which nobody is polling now: it goes out at once.
    pub(super) fn give_now(&self, books: &Books, job: Job, session: &mut dyn Session) {
        self.take(books, job);
        if let Err(failure) = self.write(session) {
            self.broken.set(Some(failure));
        }
        self.wake();
    }

    fn take(&self, books: &Books, job: Job) {
        let full = self.under_way.get().is_some() || self.queue.borrow().len() >= MOST_WAITING;
        if self.away.get() {
            books.withhold(job);
        } else if !self.open.get() {
            books.give_up(job, Failure::NotAttached);
        } else if full {
            books.give_up(job, Failure::PublishBacklog);
        } else {
            self.queue.borrow_mut().push_back(job);
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Sends what is due: to be called before each poll of the session, with the same context; gives
    /// how many messages were begun since the last time. Comes back at once.
    ///
    /// # Errors
    /// The session cannot send: it is to be given up.
    pub fn send(&self, cx: &mut Context<'_>, session: &mut dyn Session) -> Result<u64, Failure> {
        self.open.set(session.is_ready());
        self.away.set(self.away.get() && !self.open.get());
        if let Some(failure) = self.broken.take() {
            return Err(failure);
        }
        self.write(session)?;
        match &mut *self.waker.borrow_mut() {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Ok(self.begun.take())
    }

    fn write(&self, session: &mut dyn Session) -> Result<(), Failure> {
        self.sent(session);
        let Some(writer) = self.writer.get() else { return Ok(()) };
        while let Some(job) = self.next() {
            if self.under_way.get().is_some() {
                writer.books.give_up(job, Failure::PublishBacklog);
                continue;
            }
            let started = writer.books.place.now();
            let mut maker = writer.message.borrow_mut();
            let bytes = writer.books.message(&mut maker, &writer.channels[job.channel], job, started);
            if let Err(failure) = session.send(bytes, writer.binary) {
                writer.books.settle(job, started, writer.books.place.now(), Outcome::Failed(failure));
                return Err(failure);
            }
            self.begun.set(self.begun.get() + 1);
            self.under_way.set(Some((job, started)));
            self.sent(session);
        }
        Ok(())
    }

    /// Looks whether the kernel has taken what was begun: to be called after each poll of the session.
    pub fn sent(&self, session: &dyn Session) {
        if let (Some((job, started)), Some(writer)) = (self.under_way.get(), self.writer.get())
            && session.unsent() == 0
        {
            self.under_way.set(None);
            writer.books.settle(job, started, writer.books.place.now(), Outcome::Good);
        }
    }

    /// The session is over: what it did not send was not published.
    pub fn close(&self, failure: Failure) {
        self.open.set(false);
        self.broken.set(None);
        self.begun.set(0);
        let Some(writer) = self.writer.get() else { return };
        let now = writer.books.place.now();
        if let Some((job, started)) = self.under_way.take() {
            writer.books.settle(job, started, now, Outcome::Failed(failure));
        }
        while let Some(job) = self.next() {
            writer.books.give_up(job, failure);
        }
    }

    /// The client leaves on purpose: what was due before still goes out, what is due until it is back is
    /// nobody's.
    pub fn leave(&self, session: &mut dyn Session) {
        if self.open.get() && self.write(session).is_ok() {
            self.sent(session);
        }
        self.close(Failure::NotAttached);
        self.away.set(true);
    }

    /// The client was to be back, and is not: what is due from now on is not published.
    pub fn is_missed(&self) {
        self.away.set(false);
    }

    fn next(&self) -> Option<Job> {
        self.queue.borrow_mut().pop_front()
    }

    pub(super) fn jobs(&self) -> Vec<Job> {
        let under_way = self.under_way.get().map(|(job, _)| job);
        self.queue.borrow().iter().copied().chain(under_way).collect()
    }
}

/// The clients as publishers.
pub(super) struct Echo {
    clients: Vec<Rc<ClientState>>,
    books: Rc<Books>,
}

impl Echo {
    pub(super) fn new(way: EchoWay, (books, channels): Desk, message: MessageMaker) -> Rc<Echo> {
        let EchoWay { clients, binary } = way;
        let message = RefCell::new(message);
        let writer = Rc::new(Writer { books: Rc::clone(&books), channels, message, binary });
        clients.iter().filter_map(|c| c.outbox.as_ref()).for_each(|outbox| outbox.belong_to(&writer));
        Rc::new(Echo { clients, books })
    }
}

impl Outlet for Echo {
    fn give(self: Rc<Self>, job: Job) {
        match &self.clients[job.channel].outbox {
            Some(outbox) => outbox.give(&self.books, job),
            None => self.books.give_up(job, Failure::CannotSend),
        }
    }

    fn open(&self) -> Vec<Job> {
        self.clients.iter().filter_map(|c| c.outbox.as_ref()).flat_map(|o| o.jobs()).collect()
    }

    fn abort(&self) {}
}
