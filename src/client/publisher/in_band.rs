//! Over WebSockets of publishers: each line is a session of its own that is opened again when it
//! ends, and a channel keeps to one line, so that its messages stay in order.

use super::Outlet;
use super::books::{Desk, Job};
use super::outbox::{Outbox, Writer};
use crate::model::{Failure, Nanos, Traffic};
use crate::net::Endpoint;
use crate::transport::{Carrier, Event, MessageMaker, Session, Sink, Unit};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use tokio::task::JoinHandle;

/// The first pause before a line is opened again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Nanos = Nanos::from_millis(100);
const LONGEST_PAUSE: Nanos = Nanos::from_millis(5_000);

/// How lines publish.
pub struct InBandWay {
    /// How they attach.
    pub carrier: Rc<dyn Carrier>,
    /// Where each attaches.
    pub lines: Vec<Endpoint>,
    /// The line of each channel of the feed, in its order.
    pub line_of: Vec<usize>,
    /// Whether messages go as binary ones.
    pub binary: bool,
}

/// The lines.
pub(super) struct Lines {
    carrier: Rc<dyn Carrier>,
    line_of: Vec<usize>,
    writer: Rc<Writer>,
    outboxes: Vec<Outbox>,
    /// The open session of each line; its task and the pacing task take turns with it.
    sessions: Vec<RefCell<Option<Box<dyn Session>>>>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
}

/// Passes over what a publisher is sent.
struct Nobody;

impl Sink for Nobody {
    fn unit(&mut self, _unit: &Unit<'_>) {}

    fn connected(&mut self, _started: Nanos, _finished: Nanos) {}
}

impl Lines {
    pub(super) fn new(way: InBandWay, (books, channels): Desk, message: MessageMaker) -> Rc<Lines> {
        let InBandWay { carrier, lines, line_of, binary } = way;
        let writer = Rc::new(Writer { books, channels, message: RefCell::new(message), binary });
        let outboxes = lines.iter().map(|_| Outbox::of(&writer)).collect();
        let sessions = lines.iter().map(|_| RefCell::default()).collect();
        let this = Rc::new(Lines { carrier, line_of, writer, outboxes, sessions, tasks: RefCell::default() });
        let serve = |(i, to)| tokio::task::spawn_local(Rc::clone(&this).serve(i, to));
        *this.tasks.borrow_mut() = lines.into_iter().enumerate().map(serve).collect();
        this
    }

    /// Keeps a line open, for as long as the task lives.
    async fn serve(self: Rc<Self>, line: usize, to: Endpoint) {
        let place = &self.writer.books.place;
        let outbox = &self.outboxes[line];
        let dialer = place.dialer.for_publishers();
        let _counted = Spent(&self, &to);
        let mut pause = FIRST_PAUSE;
        loop {
            let limit = place.now() + place.connect_timeout;
            let opened = place.timer.until(limit, self.carrier.open(&dialer, &to)).await;
            self.count_spent(&to);
            let failure = match opened.unwrap_or(Err(Failure::ConnectTimeout)) {
                Ok(session) => {
                    pause = FIRST_PAUSE;
                    self.sessions[line].replace(Some(session));
                    self.publish(outbox, line).await
                }
                Err(failure) => failure,
            };
            outbox.close(failure);
            // Beside the messages that it cost: it may have cost none.
            place.recorder.borrow_mut().fail(place.now(), failure);
            place.timer.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Sends what is due until the session ends; how it did.
    async fn publish(&self, outbox: &Outbox, line: usize) -> Failure {
        let Line { line, told, .. } =
            &Line { lines: self, line: &self.sessions[line], told: Cell::default() };
        loop {
            // The session's own pings and limits.
            let deadline = line.borrow().as_ref().and_then(|s| s.next_deadline()).unwrap_or(Nanos::MAX);
            let event = poll_fn(|cx| {
                let mut line = line.borrow_mut();
                let Some(session) = line.as_deref_mut() else {
                    return Poll::Ready(Err(Failure::CannotSend));
                };
                let begun = outbox.send(cx, session)?;
                let polled = session.poll_event(cx, &mut Nobody);
                outbox.sent(session);
                self.count(begun, session, told);
                polled
            });
            match self.writer.books.place.timer.until(deadline, event).await {
                None | Some(Ok(Event::Received | Event::Answered)) => {}
                Some(Ok(Event::Ended | Event::Closed(_))) => return Failure::ClosedByPeer,
                Some(Err(failure)) => return failure,
            }
        }
    }

    /// Counts what went over the line since the last time: our messages are payload, the rest (what
    /// the target sent us, too) is what they were wrapped in.
    fn count(&self, begun: u64, session: &dyn Session, told: &Cell<Traffic>) {
        let now = session.wire();
        let new = now.since(told.replace(now));
        if new == Traffic::default() {
            return;
        }
        let place = &self.writer.books.place;
        let wrapped = new.with_payload(0);
        let payload = (begun * place.payload_bytes).min(wrapped.framing);
        let traffic = Traffic { payload, framing: wrapped.framing - payload, ..wrapped };
        if let Ok(mut recorder) = place.recorder.try_borrow_mut() {
            recorder.publisher_traffic(place.now(), traffic);
        }
    }
}

impl Lines {
    /// Counts the bytes of connections that came to no session.
    fn count_spent(&self, to: &Endpoint) {
        let place = &self.writer.books.place;
        let spent = to.memory.borrow_mut().take_spent();
        if let (Some(spent), Ok(mut recorder)) = (spent, place.recorder.try_borrow_mut()) {
            recorder.publisher_traffic(place.now(), spent);
        }
    }
}

/// Counts what attempts have cost, when the run is over in the middle of one.
struct Spent<'l>(&'l Lines, &'l Endpoint);

impl Drop for Spent<'_> {
    fn drop(&mut self) {
        self.0.count_spent(self.1);
    }
}

/// An open line. However it ends, it is open no more then, and all that crossed it is counted.
struct Line<'l> {
    lines: &'l Lines,
    line: &'l RefCell<Option<Box<dyn Session>>>,
    told: Cell<Traffic>,
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let session = self.line.try_borrow_mut().ok().and_then(|mut line| line.take());
        if let Some(mut session) = session {
            session.abort();
            self.lines.count(0, &*session, &self.told);
        }
    }
}

impl Outlet for Lines {
    fn give(self: Rc<Self>, job: Job) {
        let line = self.line_of[job.channel];
        let (outbox, books) = (&self.outboxes[line], &self.writer.books);
        match self.sessions[line].try_borrow_mut().as_deref_mut() {
            Ok(Some(session)) => outbox.give_now(books, job, &mut **session),
            _ => outbox.give(books, job),
        }
    }

    fn open(&self) -> Vec<Job> {
        self.outboxes.iter().flat_map(Outbox::jobs).collect()
    }

    fn abort(&self) {
        self.tasks.borrow().iter().for_each(JoinHandle::abort);
    }
}
