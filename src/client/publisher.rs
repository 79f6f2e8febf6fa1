//! Gives the feed to the target: each message when it is due, whatever became of those before.
//!
//! One pacing task a worker hands due messages to an outlet: a pool of connections, WebSockets, the
//! clients themselves, or a program's pipe. Nothing waits for an acknowledgement; a message that an
//! outlet cannot take when it is due is dropped and counted as `publish_backlog`, never sent late in
//! silence.
//!
//! A message goes out from within the pacing task itself where its outlet is idle: no other task has
//! to be woken first. Where the loop is busy with reads, the publisher is let in between two of them
//! (`Pulse`).

mod agenda;
mod books;
mod http;
mod in_band;
mod outbox;
mod pipe;
mod pulse;

pub use http::HttpWay;
pub use in_band::InBandWay;
pub use outbox::{EchoWay, Outbox};
pub use pulse::Pulse;

use super::Workplace;
use crate::model::{Nanos, Op};
use crate::pace::Schedule;
use crate::record::ChannelFeed;
use crate::transport::MessageMaker;
use agenda::Agenda;
use books::{Books, Job};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use tokio::task::JoinHandle;

/// Messages handed over in a row before other tasks get their turn, when the pacer is behind.
const BURST: u32 = 32;
/// How long before the first message outlets make their connections, so that none waits for one.
const OPEN_AHEAD: Nanos = Nanos::from_millis(500);

/// What one worker publishes.
pub struct Feed {
    /// The channels of this worker.
    pub channels: Vec<FeedChannel>,
    /// When due times count from.
    pub start: Nanos,
    /// The phase that counts; nothing is published after its end.
    pub measure: Range<Nanos>,
    /// What a message looks like.
    pub message: MessageMaker,
    /// How messages get to the target.
    pub way: Way,
}

/// One channel of a feed.
pub struct FeedChannel {
    /// Its index in the run.
    pub index: u32,
    /// Its name.
    pub name: Rc<str>,
    /// Its due times.
    pub schedule: Schedule,
}

/// How messages get to the target.
pub enum Way {
    /// By requests.
    Http(HttpWay),
    /// Over WebSockets of publishers.
    InBand(InBandWay),
    /// Over the clients' own sessions.
    Echo(EchoWay),
    /// Into the stdin of a program: the end of its pipe, which does not block.
    Pipe(OwnedFd),
}

/// What became of a worker's feed.
#[derive(Debug, Default)]
pub struct PublisherReport {
    /// By channel index.
    pub channels: Vec<(u32, ChannelFeed)>,
    /// Publishes still unanswered.
    pub open: u64,
}

/// What a way of publishing does with a message.
trait Outlet {
    /// The first message is due soon: connections may be made now.
    fn prepare(self: Rc<Self>) {}

    /// A message is due: send it or settle it. Must not wait.
    fn give(self: Rc<Self>, job: Job);

    /// Messages taken and not settled, after everything was stopped.
    fn open(&self) -> Vec<Job>;

    /// Stops its tasks: nothing is recorded after this.
    fn abort(&self);
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher")
            .field("start", &self.start)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Publishes one worker's feed.
pub struct Publisher {
    place: Rc<Workplace>,
    channels: Rc<[FeedChannel]>,
    start: Nanos,
    /// The end of `measure`, or earlier when the run is cut short.
    end: Cell<Nanos>,
    agenda: RefCell<Agenda>,
    books: Rc<Books>,
    outlet: Rc<dyn Outlet>,
    pacer: RefCell<Option<JoinHandle<()>>>,
}

impl Publisher {
    /// A publisher about to run, on the current worker.
    ///
    /// # Errors
    /// A pipe that cannot be waited for.
    pub fn new(place: Rc<Workplace>, feed: Feed) -> std::io::Result<Rc<Publisher>> {
        let books = Rc::new(Books::new(&place, feed.measure.clone(), &feed.channels));
        let channels: Rc<[FeedChannel]> = feed.channels.into();
        let (desk, message) = ((Rc::clone(&books), Rc::clone(&channels)), feed.message);
        let outlet: Rc<dyn Outlet> = match feed.way {
            Way::Http(way) => http::Pool::new(way, desk, message),
            Way::InBand(way) => in_band::Lines::new(way, desk, message),
            Way::Echo(way) => outbox::Echo::new(way, desk, message),
            Way::Pipe(pipe) => pipe::Pipe::new(pipe, desk, message)?,
        };
        Ok(Rc::new(Publisher {
            place,
            agenda: RefCell::new(Agenda::of(&channels, feed.start)),
            channels,
            start: feed.start,
            end: Cell::new(feed.measure.end),
            books,
            outlet,
            pacer: RefCell::default(),
        }))
    }

    /// `measure` is this window, not what was planned. To be said before either begins.
    pub fn measure(&self, window: Range<Nanos>) {
        self.end.set(window.end);
        self.books.measure(window);
    }

    /// Publishes nothing that is due at `at` or later. To be said before that instant.
    pub fn stop_at(&self, at: Nanos) {
        self.end.set(self.end.get().min(at));
    }

    /// Begins to publish, as a task of the current worker, until the end of `measure`.
    pub fn start(self: &Rc<Self>) {
        *self.pacer.borrow_mut() = Some(tokio::task::spawn_local(Rc::clone(self).run()));
    }

    /// Gives up whatever is under way: nothing is recorded after this.
    pub fn abort(&self) {
        self.pacer.borrow().iter().for_each(JoinHandle::abort);
        self.outlet.abort();
    }

    async fn run(self: Rc<Self>) {
        let timer = &self.place.timer;
        timer.sleep_until(self.start - OPEN_AHEAD).await;
        Rc::clone(&self.outlet).prepare();
        self.place.pulse.listen(Rc::downgrade(&self));
        loop {
            let due = self.agenda.borrow().next_due();
            if due >= self.end.get() {
                break;
            }
            self.place.pulse.next_is_due(due);
            timer.sleep_until_exactly(due).await;
            if self.give_due() == BURST {
                tokio::task::yield_now().await;
            }
        }
        self.place.pulse.next_is_due(Nanos::MAX);
    }

    /// Gives out what is due by now, [`BURST`] messages at most; how many it was.
    fn give_due(&self) -> u32 {
        let mut given = 0;
        while given < BURST {
            let due = self.agenda.borrow().next_due();
            let is_over = due >= self.end.get();
            self.place.pulse.next_is_due(if is_over { Nanos::MAX } else { due });
            if is_over || due > self.place.now() {
                break;
            }
            let Some(job) = self.agenda.borrow_mut().take() else { break };
            self.place.recorder.borrow_mut().start(Op::Publish, due);
            self.books.begin(job);
            Rc::clone(&self.outlet).give(job);
            given += 1;
        }
        given
    }

    /// What became of the feed, after [`Publisher::abort`]. What is unanswered by now counts as not acknowledged.
    pub fn report(&self) -> PublisherReport {
        let open = self.outlet.open();
        let channels = self.books.close(&self.channels, self.start, &open);
        PublisherReport { channels, open: open.len() as u64 }
    }
}
