//! Gives the feed to the target: each message when it is due, whatever became of those before.
//!
//! One pacing task a worker hands due messages to a pool of kept-alive connections, each a task of
//! its own. Nothing waits for an acknowledgement; a message that is due while every connection is
//! busy is dropped and counted as `publish_backlog`, never sent late in silence.

use super::Workplace;
use crate::model::{Failure, Nanos, Op, Outcome, Sample, Stamp, Traffic};
use crate::net::Place;
use crate::pace::Schedule;
use crate::record::ChannelFeed;
use crate::transport::{PostConnection, PostHead};
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::ops::Range;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::task::JoinHandle;

/// Messages handed over in a row before other tasks get their turn, when the pacer is behind.
const BURST: u32 = 32;

/// What one worker publishes.
pub struct Feed {
    /// Where to.
    pub to: Place,
    /// The channels of this worker.
    pub channels: Vec<FeedChannel>,
    /// When due times count from.
    pub start: Nanos,
    /// The phase that counts; nothing is published after its end.
    pub measure: Range<Nanos>,
    /// Statuses that say "published".
    pub status: Vec<u16>,
    /// Most connections at a time.
    pub connections: usize,
}

/// One channel of a feed.
pub struct FeedChannel {
    /// Its index in the run.
    pub index: u32,
    /// The head of its publish request.
    pub head: PostHead,
    /// Its due times.
    pub schedule: Schedule,
}

/// What became of a worker's feed.
#[derive(Debug, Default)]
pub struct PublisherReport {
    /// By channel index.
    pub channels: Vec<(u32, ChannelFeed)>,
    /// Publishes still unanswered.
    pub open: u64,
}

/// Publishes one worker's feed.
pub struct Publisher {
    place: Rc<Workplace>,
    feed: Feed,
    /// The end of `measure`, or earlier when the run is cut short.
    end: Cell<Nanos>,
    accounts: RefCell<Vec<Account>>,
    slots: RefCell<Vec<Rc<Slot>>>,
    idle: RefCell<Vec<usize>>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
}

/// What was begun and what failed on one channel.
#[derive(Clone, Debug, Default)]
struct Account {
    measured: Option<Range<u32>>,
    failed: Vec<u32>,
    /// Sent and not answered yet.
    unanswered: u32,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
struct Job {
    /// Index into the feed's channels.
    channel: usize,
    sequence: u32,
    due: Nanos,
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

impl Publisher {
    /// A publisher about to run.
    pub fn new(place: Rc<Workplace>, feed: Feed) -> Rc<Publisher> {
        let accounts = vec![Account::default(); feed.channels.len()];
        Rc::new(Publisher {
            end: Cell::new(feed.measure.end),
            place,
            feed,
            accounts: RefCell::new(accounts),
            slots: RefCell::default(),
            idle: RefCell::default(),
            tasks: RefCell::default(),
        })
    }

    /// Publishes nothing that is due at `at` or later. To be said before that instant.
    pub fn stop_at(&self, at: Nanos) {
        self.end.set(self.end.get().min(at));
    }

    /// Begins to publish, as a task of the current worker, until the end of `measure`.
    pub fn start(self: &Rc<Self>) {
        self.tasks.borrow_mut().push(tokio::task::spawn_local(Rc::clone(self).run()));
    }

    /// Gives up whatever is under way: nothing is recorded after this.
    pub fn abort(&self) {
        self.tasks.borrow().iter().for_each(JoinHandle::abort);
    }

    async fn run(self: Rc<Self>) {
        let mut schedules: Vec<Schedule> = self.feed.channels.iter().map(|c| c.schedule.clone()).collect();
        let mut sequences = vec![0_u32; schedules.len()];
        let mut queue: BinaryHeap<Reverse<(Nanos, usize)>> = schedules
            .iter_mut()
            .enumerate()
            .filter_map(|(i, s)| s.next().map(|due| Reverse((self.feed.start + due, i))))
            .collect();
        let mut in_a_row = 0;
        while let Some(Reverse((due, channel))) = queue.pop() {
            if due >= self.end.get() {
                break;
            }
            if self.place.now() < due {
                self.place.timer.sleep_until(due).await;
                in_a_row = 0;
            } else {
                in_a_row += 1;
                if in_a_row % BURST == 0 {
                    tokio::task::yield_now().await;
                }
            }
            if due >= self.end.get() {
                break;
            }
            self.dispatch(Job { channel, sequence: sequences[channel], due });
            sequences[channel] += 1;
            queue.extend(schedules[channel].next().map(|due| Reverse((self.feed.start + due, channel))));
        }
    }

    fn dispatch(self: &Rc<Self>, job: Job) {
        self.place.recorder.borrow_mut().start(Op::Publish, job.due);
        if self.feed.measure.contains(&job.due) {
            let account = &mut self.accounts.borrow_mut()[job.channel];
            let first = account.measured.as_ref().map_or(job.sequence, |r| r.start);
            account.measured = Some(first..job.sequence + 1);
        }
        match self.free_slot() {
            Some(slot) => slot.give(job),
            None => {
                let now = self.place.now();
                self.settle(job, now, now, Outcome::Failed(Failure::PublishBacklog));
            }
        }
    }

    /// The connection used last, since it is warm, or a new one while there may be more.
    fn free_slot(self: &Rc<Self>) -> Option<Rc<Slot>> {
        if let Some(i) = self.idle.borrow_mut().pop() {
            return Some(Rc::clone(&self.slots.borrow()[i]));
        }
        let mut slots = self.slots.borrow_mut();
        let index = slots.len();
        (index < self.feed.connections).then(|| {
            let slot = Rc::new(Slot::default());
            slots.push(Rc::clone(&slot));
            let task = tokio::task::spawn_local(Rc::clone(self).serve(index, Rc::clone(&slot)));
            self.tasks.borrow_mut().push(task);
            slot
        })
    }

    async fn serve(self: Rc<Self>, index: usize, slot: Rc<Slot>) {
        let mut connection = PostConnection::new(&self.place.dialer, &self.feed.to);
        let mut body = message_body(self.place.payload_bytes as usize);
        let mut told = Traffic::default();
        loop {
            let job = poll_fn(|cx| slot.poll_job(cx)).await;
            self.enter(job);
            let answered = self.publish(&mut connection, &mut body, job).await;
            self.accounts.borrow_mut()[job.channel].unanswered -= 1;
            self.count(&connection, answered, &mut told);
            slot.under_way.set(None);
            self.idle.borrow_mut().push(index);
        }
    }

    /// Publishes one message; the bytes of its answered exchange.
    async fn publish(&self, connection: &mut PostConnection, body: &mut [u8], job: Job) -> Traffic {
        let channel = &self.feed.channels[job.channel];
        let started = self.place.now();
        let stamp = Stamp {
            run: self.place.tag,
            channel: channel.index,
            sequence: job.sequence,
            due: job.due,
            late: started - job.due,
        };
        body[..Stamp::LEN].copy_from_slice(&stamp.encode());
        connection.begin(&channel.head, body);
        let answer = poll_fn(|cx| connection.poll_answer(cx));
        let answer = self.place.timer.until(started + self.place.request_timeout, answer).await;
        let traffic = answer.as_ref().and_then(|a| a.as_ref().ok()).map(|a| a.traffic);
        let outcome = match answer {
            Some(Ok(answer)) => {
                if answer.retried {
                    self.place.recorder.borrow_mut().fail(answer.received, Failure::StaleConnection);
                }
                self.judge(answer.status)
            }
            Some(Err(failure)) => Outcome::Failed(failure),
            None => {
                connection.abort();
                Outcome::Failed(Failure::Timeout)
            }
        };
        self.settle(job, started, self.place.now(), outcome);
        traffic.unwrap_or_default()
    }

    fn judge(&self, status: u16) -> Outcome {
        if self.feed.status.contains(&status) {
            return Outcome::Good;
        }
        Outcome::Failed(match status {
            300..400 => Failure::Redirect,
            400..500 => Failure::Status4xx,
            500..600 => Failure::Status5xx,
            _ => Failure::StatusUnexpected,
        })
    }

    /// A message goes out. With an earlier one of its channel unanswered on another connection, the
    /// target may take either first: not a reordering of its making.
    fn enter(&self, job: Job) {
        let unanswered = &mut self.accounts.borrow_mut()[job.channel].unanswered;
        if *unanswered > 0 {
            self.place.recorder.borrow_mut().overlapped(job.due);
        }
        *unanswered += 1;
    }

    /// Counts the bytes of an answered publish, and those of attempts that came to nothing: the
    /// latter are overhead whatever they were.
    fn count(&self, connection: &PostConnection, answered: Traffic, told: &mut Traffic) {
        let now = connection.wire();
        let wire_in = (now.wire_in - told.wire_in).saturating_sub(answered.wire_in);
        let wire_out = (now.wire_out - told.wire_out).saturating_sub(answered.wire_out);
        let failed = Traffic { framing: wire_in + wire_out, wire_in, wire_out, ..Traffic::default() };
        *told = now;
        self.place.recorder.borrow_mut().publisher_traffic(self.place.now(), answered + failed);
    }

    fn settle(&self, job: Job, started: Nanos, finished: Nanos, outcome: Outcome) {
        if outcome != Outcome::Good && self.feed.measure.contains(&job.due) {
            self.accounts.borrow_mut()[job.channel].failed.push(job.sequence);
        }
        let sample = Sample { op: Op::Publish, intended: job.due, started, finished, outcome };
        self.place.recorder.borrow_mut().record(&sample);
    }

    /// What became of the feed, after [`Publisher::abort`]. What is unanswered by now counts as not acknowledged.
    pub fn report(&self) -> PublisherReport {
        let mut accounts = self.accounts.borrow().clone();
        let mut open = 0;
        for slot in self.slots.borrow().iter() {
            for job in [slot.waiting.get(), slot.under_way.get()].into_iter().flatten() {
                open += 1;
                if self.feed.measure.contains(&job.due) {
                    accounts[job.channel].failed.push(job.sequence);
                }
            }
        }
        let channels =
            self.feed.channels.iter().zip(accounts).map(|(c, a)| (c.index, self.channel_feed(c, a)));
        PublisherReport { channels: channels.collect(), open }
    }

    fn channel_feed(&self, channel: &FeedChannel, mut account: Account) -> ChannelFeed {
        account.failed.sort_unstable();
        let measured = account.measured.unwrap_or_default();
        let dues = channel.schedule.clone().map(|due| self.feed.start + due);
        let dues = dues.skip(measured.start as usize).take(measured.len()).collect();
        ChannelFeed { measured, failed: account.failed, dues }
    }
}

/// A message's bytes with room for the stamp in front; plain characters, so that no target escapes
/// them.
fn message_body(bytes: usize) -> Vec<u8> {
    b"0123456789abcdefghijklmnopqrstuvwxyz".iter().copied().cycle().take(bytes.max(Stamp::LEN)).collect()
}
