//! What was begun, what failed and what was told of each channel: the same for every way of
//! publishing.

use super::FeedChannel;
use crate::client::Workplace;
use crate::model::{Failure, Nanos, Op, Outcome, Sample, Stamp};
use crate::record::ChannelFeed;
use crate::transport::MessageMaker;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// A message on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    /// Index into the feed's channels.
    pub(super) channel: usize,
    pub(super) sequence: u32,
    pub(super) due: Nanos,
}

/// What an outlet works with.
pub(super) type Desk = (Rc<Books>, Rc<[FeedChannel]>);

/// What was begun and what failed on one channel.
#[derive(Clone, Debug, Default)]
struct Account {
    measured: Option<Range<u32>>,
    failed: Vec<u32>,
    /// Due while its sender was away on purpose.
    withheld: Vec<u32>,
    /// Sequence, and how many received it as the target told.
    receivers: Vec<(u32, u32)>,
    /// Sent and not answered yet.
    unanswered: u32,
}

/// The accounts of a feed.
pub(super) struct Books {
    pub(super) place: Rc<Workplace>,
    measure: RefCell<Range<Nanos>>,
    accounts: RefCell<Vec<Account>>,
    /// The number in the run of each channel of the feed.
    indexes: Box<[u32]>,
}

impl Books {
    pub(super) fn new(place: &Rc<Workplace>, measure: Range<Nanos>, channels: &[FeedChannel]) -> Books {
        let accounts = RefCell::new(vec![Account::default(); channels.len()]);
        let indexes = channels.iter().map(|c| c.index).collect();
        Books { place: Rc::clone(place), measure: RefCell::new(measure), accounts, indexes }
    }

    fn index(&self, job: Job) -> u32 {
        self.indexes[job.channel]
    }

    /// `measure` is this window, not what was planned.
    pub(super) fn measure(&self, window: Range<Nanos>) {
        *self.measure.borrow_mut() = window;
    }

    fn is_measured(&self, job: &Job) -> bool {
        self.measure.borrow().contains(&job.due)
    }

    /// A message is due.
    pub(super) fn begin(&self, job: Job) {
        self.place.log(|log| log.published(self.place.now(), job.due, self.index(job), job.sequence));
        if self.is_measured(&job) {
            let account = &mut self.accounts.borrow_mut()[job.channel];
            let first = account.measured.as_ref().map_or(job.sequence, |r| r.start);
            account.measured = Some(first..job.sequence + 1);
        }
    }

    /// A message goes out. With an earlier one of its channel unanswered on another connection, the
    /// target may take either first: not a reordering of its making.
    pub(super) fn enter(&self, job: Job) {
        let unanswered = &mut self.accounts.borrow_mut()[job.channel].unanswered;
        if *unanswered > 0 {
            self.place.recorder.borrow_mut().overlapped(job.due);
        }
        *unanswered += 1;
    }

    /// It was answered, or never will be.
    pub(super) fn leave(&self, job: Job) {
        self.accounts.borrow_mut()[job.channel].unanswered -= 1;
    }

    /// The target told how many received it.
    pub(super) fn told(&self, job: Job, receivers: u32) {
        if self.is_measured(&job) {
            self.accounts.borrow_mut()[job.channel].receivers.push((job.sequence, receivers));
        }
    }

    /// It is over.
    pub(super) fn settle(&self, job: Job, started: Nanos, finished: Nanos, outcome: Outcome) {
        self.place.log(|log| log.settled(finished, self.index(job), job.sequence, outcome));
        if outcome != Outcome::Good && self.is_measured(&job) {
            self.accounts.borrow_mut()[job.channel].failed.push(job.sequence);
        }
        let sample = Sample { op: Op::Publish, intended: job.due, started, finished, outcome };
        self.place.recorder.borrow_mut().record(&sample);
    }

    /// It failed before it was begun.
    pub(super) fn give_up(&self, job: Job, failure: Failure) {
        let now = self.place.now();
        self.settle(job, now, now, Outcome::Failed(failure));
    }

    /// It was due while its sender was away on purpose: nobody asked for it, and it is nobody's. To be
    /// said at once, when nothing else has been written down since it was due.
    pub(super) fn withhold(&self, job: Job) {
        if self.is_measured(&job) {
            self.accounts.borrow_mut()[job.channel].withheld.push(job.sequence);
        }
        self.place.recorder.borrow_mut().withdrawn(Op::Publish, job.due);
    }

    /// The bytes of a message that goes out at `started`.
    pub(super) fn message<'m>(
        &self,
        maker: &'m mut MessageMaker,
        channel: &FeedChannel,
        job: Job,
        started: Nanos,
    ) -> &'m [u8] {
        let stamp = Stamp {
            run: self.place.tag,
            channel: channel.index,
            sequence: job.sequence,
            due: job.due,
            late: started - job.due,
        };
        maker.make(&stamp, &channel.name)
    }

    /// The feed of each channel by its index; what is `open` counts as failed.
    pub(super) fn close(
        &self,
        channels: &[FeedChannel],
        start: Nanos,
        open: &[Job],
    ) -> Vec<(u32, ChannelFeed)> {
        let mut accounts = self.accounts.borrow().clone();
        for job in open.iter().filter(|job| self.is_measured(job)) {
            accounts[job.channel].failed.push(job.sequence);
        }
        channels.iter().zip(accounts).map(|(c, a)| (c.index, feed_of(c, start, a))).collect()
    }
}

fn feed_of(channel: &FeedChannel, start: Nanos, mut account: Account) -> ChannelFeed {
    let withheld = account.withheld.len() as u32;
    account.failed.append(&mut account.withheld);
    account.failed.sort_unstable();
    let measured = account.measured.unwrap_or_default();
    let dues = channel.schedule.clone().map(|due| start + due);
    let dues = dues.skip(measured.start as usize).take(measured.len()).collect();
    ChannelFeed { measured, failed: account.failed, withheld, dues, receivers: account.receivers }
}
