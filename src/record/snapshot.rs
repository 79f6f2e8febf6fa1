//! Counters and histograms of one worker, handed over each second.

use super::Timing;
use crate::model::{Failure, Nanos, Op, Outcome, Sample, Stamp, Traffic};
use crate::record::Seen;
use std::ops::Range;

/// How many operations of one kind began and ended. What is neither is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Begun.
    pub started: u64,
    /// Ended well.
    pub finished: u64,
    /// Ended badly.
    pub failed: u64,
}

/// Everything counted of one part of a run.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Response times of good operations, by kind; of deliveries: the delivery time.
    pub response: [Timing; Op::COUNT],
    /// Deliveries from the actual send: the uncorrected figure.
    pub from_send: Timing,
    /// How late publishes began.
    pub lateness: Timing,
    /// How late the loop woke from a timer that was due.
    pub loop_lag: Timing,
    /// Operations by kind.
    pub operations: [Counts; Op::COUNT],
    /// Failures by class.
    pub failures: [u64; Failure::COUNT],
    /// Subscribers' bytes.
    pub traffic: Traffic,
    /// Publishers' bytes.
    pub publisher_traffic: Traffic,
    /// First receipts of messages, by when they were due.
    pub received: u64,
    /// First receipts by when they came: the divisor for bytes.
    pub arrivals: u64,
    /// First receipts of messages due before their client was subscribed; in no time of delivery.
    pub early: u64,
    /// Received again, by when that was.
    pub duplicate: u64,
    /// Received again from an endpoint that tells its latest value, by when that was.
    pub redundant: u64,
    /// Received after a later one.
    pub reordered: u64,
    /// Data units without a stamp of this run.
    pub unstamped: u64,
    /// Stamps of another run or channel, or broken.
    pub foreign: u64,
    /// Pull answers with something new.
    pub fresh: u64,
    /// Pull answers with nothing new.
    pub empty: u64,
    /// Pull requests that the schedule wanted while the one before was still under way.
    pub polls_skipped: u64,
    /// Messages sent while an earlier one of their channel was unanswered.
    pub overlapped: u64,
    /// Of messages that nobody stamped, by when they came: time since the client's last one.
    pub gap: Timing,
    /// Of messages that tell nothing: time behind their first receiver, by when they came.
    pub spread: Timing,
    /// First receipts of messages that tell nothing, by when they came.
    pub firsts: u64,
    /// Clients that did not get such a message, by when it was first received.
    pub missing: u64,
    /// Messages whose own time lies after their receipt: in no time of delivery.
    pub ahead: u64,
    /// TCP connections that subscribers opened.
    pub connections: u64,
    /// Ends of sessions by close code; a handful of codes.
    pub closes: Vec<(u16, u64)>,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            response: Default::default(),
            from_send: Timing::default(),
            lateness: Timing::default(),
            loop_lag: Timing::default(),
            operations: Default::default(),
            failures: [0; Failure::COUNT],
            traffic: Traffic::default(),
            publisher_traffic: Traffic::default(),
            received: 0,
            arrivals: 0,
            early: 0,
            duplicate: 0,
            redundant: 0,
            reordered: 0,
            unstamped: 0,
            foreign: 0,
            fresh: 0,
            empty: 0,
            polls_skipped: 0,
            overlapped: 0,
            gap: Timing::default(),
            spread: Timing::default(),
            firsts: 0,
            missing: 0,
            ahead: 0,
            connections: 0,
            closes: Vec::new(),
        }
    }
}

impl Tally {
    /// Adds all of another: commutative and associative.
    pub fn merge(&mut self, o: &Tally) {
        self.response.iter_mut().zip(&o.response).for_each(|(a, b)| a.merge(b));
        self.from_send.merge(&o.from_send);
        self.lateness.merge(&o.lateness);
        self.loop_lag.merge(&o.loop_lag);
        self.gap.merge(&o.gap);
        self.spread.merge(&o.spread);
        for (a, b) in self.operations.iter_mut().zip(&o.operations) {
            a.started += b.started;
            a.finished += b.finished;
            a.failed += b.failed;
        }
        self.failures.iter_mut().zip(&o.failures).for_each(|(a, b)| *a += b);
        self.traffic += o.traffic;
        self.publisher_traffic += o.publisher_traffic;
        self.merge_counts(o);
        o.closes.iter().for_each(|(code, n)| self.close(*code, *n));
    }

    fn merge_counts(&mut self, o: &Tally) {
        self.received += o.received;
        self.arrivals += o.arrivals;
        self.early += o.early;
        self.duplicate += o.duplicate;
        self.redundant += o.redundant;
        self.reordered += o.reordered;
        self.unstamped += o.unstamped;
        self.foreign += o.foreign;
        self.fresh += o.fresh;
        self.empty += o.empty;
        self.polls_skipped += o.polls_skipped;
        self.overlapped += o.overlapped;
        self.firsts += o.firsts;
        self.missing += o.missing;
        self.ahead += o.ahead;
        self.connections += o.connections;
    }

    fn close(&mut self, code: u16, n: u64) {
        match self.closes.binary_search_by_key(&code, |c| c.0) {
            Ok(at) => self.closes[at].1 += n,
            Err(at) => self.closes.insert(at, (code, n)),
        }
    }

    /// Failures of all classes.
    pub fn failures_total(&self) -> u64 {
        self.failures.iter().sum()
    }

    /// Response times of one kind.
    pub fn response_of(&self, op: Op) -> &Timing {
        &self.response[op as usize]
    }

    /// Operations of one kind.
    pub fn operations_of(&self, op: Op) -> Counts {
        self.operations[op as usize]
    }
}

/// What a worker hands over: what belongs to `measure`, and the rest.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Operations intended in `measure`, bytes that crossed in it.
    pub measured: Tally,
    /// Everything else: connecting, warm-up, drain.
    pub other: Tally,
}

impl Snapshot {
    /// Adds all of another: commutative and associative, so that a thread, a process and a machine
    /// are merged alike.
    pub fn merge(&mut self, other: &Snapshot) {
        self.measured.merge(&other.measured);
        self.other.merge(&other.other);
    }

    /// First receipts, whatever part they belong to.
    pub fn arrivals(&self) -> u64 {
        self.measured.arrivals + self.other.arrivals
    }

    /// The 99th percentile of delivery time of the part that received more.
    pub fn delivery_p99_ns(&self) -> Option<u64> {
        let parts = [&self.measured, &self.other].map(|t| t.response_of(Op::Deliver));
        parts.into_iter().max_by_key(|t| t.count())?.quantile_ns(0.99)
    }

    /// Both parts together.
    pub fn whole(&self) -> Tally {
        let mut all = self.measured.clone();
        all.merge(&self.other);
        all
    }
}

/// One received message.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// What it carried.
    pub stamp: Stamp,
    /// When the read that held it returned.
    pub received: Nanos,
    /// What it was to its client.
    pub seen: Seen,
    /// Whether it was due before its client was subscribed.
    pub early: bool,
    /// Whether its endpoint tells its latest value only, so that receiving it again is no fault.
    pub latest_value: bool,
}

/// One received message that nobody stamped.
#[derive(Clone, Copy, Debug)]
pub struct Followed {
    /// When the read that held it returned.
    pub received: Nanos,
    /// When it was published by its own account, on the run's clock.
    pub time: Option<Nanos>,
    /// Whether that was before its client was subscribed.
    pub early: bool,
    /// What it was to its client, where it tells a number.
    pub seen: Option<Seen>,
    /// Time since the client's last message.
    pub gap: Option<Nanos>,
    /// Whether its endpoint tells its latest value only.
    pub latest_value: bool,
}

/// Gathers what one worker sees. Every method is O(1), takes no lock and, but for the first time in
/// an interval, allocates nothing.
#[derive(Debug)]
pub struct Recorder {
    window: Range<Nanos>,
    current: Snapshot,
}

impl Recorder {
    /// A recorder whose `measure` is this window of the run's clock.
    pub fn new(window: Range<Nanos>) -> Recorder {
        Recorder { window, current: Snapshot::default() }
    }

    /// Hands over what was gathered since the last time.
    pub fn take(&mut self) -> Snapshot {
        std::mem::take(&mut self.current)
    }

    /// `measure` ends at this instant, earlier than planned.
    pub fn cut(&mut self, at: Nanos) {
        self.window.end = self.window.end.min(at);
    }

    fn part(&mut self, at: Nanos) -> &mut Tally {
        if self.window.contains(&at) { &mut self.current.measured } else { &mut self.current.other }
    }

    /// An operation that was intended for this instant begins.
    pub fn start(&mut self, op: Op, intended: Nanos) {
        self.part(intended).operations[op as usize].started += 1;
    }

    /// An operation has ended. It belongs to the phase in which it was intended, whenever it ended.
    pub fn record(&mut self, sample: &Sample) {
        let part = self.part(sample.intended);
        let counts = &mut part.operations[sample.op as usize];
        match sample.outcome {
            Outcome::Good => {
                counts.finished += 1;
                part.response[sample.op as usize].record(sample.response_time());
            }
            Outcome::Failed(failure) => {
                counts.failed += 1;
                part.failures[failure as usize] += 1;
            }
        }
        if sample.op == Op::Publish {
            part.lateness.record(sample.lateness());
        }
    }

    /// A message of this run was received.
    pub fn arrive(&mut self, a: &Arrival) {
        if !a.seen.is_first() {
            let part = self.part(a.received);
            let again = if a.latest_value { &mut part.redundant } else { &mut part.duplicate };
            *again += 1;
            return;
        }
        self.part(a.received).arrivals += 1;
        let part = self.part(a.stamp.due);
        part.reordered += u64::from(a.seen == Seen::Late);
        if a.early {
            part.early += 1;
        } else {
            part.received += 1;
            part.response[Op::Deliver as usize].record(a.received - a.stamp.due);
            part.from_send.record(a.received - a.stamp.sent());
        }
    }

    /// Whether an instant is of `measure`.
    pub fn is_measured(&self, at: Nanos) -> bool {
        self.window.contains(&at)
    }

    /// A message that nobody stamped was received. It belongs to when it was published, where it tells
    /// that, else to when it came.
    pub fn follow(&mut self, f: &Followed) {
        let part = self.part(f.received);
        if f.seen.is_some_and(|seen| !seen.is_first()) {
            let again = if f.latest_value { &mut part.redundant } else { &mut part.duplicate };
            *again += 1;
            return;
        }
        part.arrivals += 1;
        f.gap.iter().for_each(|gap| part.gap.record(*gap));
        let part = self.part(f.time.unwrap_or(f.received));
        part.reordered += u64::from(f.seen == Some(Seen::Late));
        if f.early {
            part.early += 1;
            return;
        }
        part.received += 1;
        match f.time {
            Some(time) if time > f.received => part.ahead += 1,
            Some(time) => part.response[Op::Deliver as usize].record(f.received - time),
            None => {}
        }
    }

    /// A message that tells nothing was received by the first of its clients.
    pub fn first_receipt(&mut self, at: Nanos) {
        self.part(at).firsts += 1;
    }

    /// The same by another one, so long after the first.
    pub fn behind(&mut self, at: Nanos, time: Nanos) {
        self.part(at).spread.record(time);
    }

    /// So many did not get a message that was first received at `first`.
    pub fn missing(&mut self, first: Nanos, clients: u32) {
        self.part(first).missing += u64::from(clients);
    }

    /// Bytes of a subscriber's unit that was complete at this instant.
    pub fn traffic(&mut self, at: Nanos, traffic: Traffic) {
        self.part(at).traffic += traffic;
    }

    /// Bytes of a publish that was complete at this instant.
    pub fn publisher_traffic(&mut self, at: Nanos, traffic: Traffic) {
        self.part(at).publisher_traffic += traffic;
    }

    /// A pull answer to a request that was intended for this instant.
    pub fn answered(&mut self, intended: Nanos, fresh: bool) {
        let part = self.part(intended);
        if fresh { part.fresh += 1 } else { part.empty += 1 }
    }

    /// Requests that the schedule wanted while one was under way.
    pub fn skipped_polls(&mut self, at: Nanos, n: u64) {
        self.part(at).polls_skipped += n;
    }

    /// A message due at `due` was sent while an earlier one of its channel was unanswered.
    pub fn overlapped(&mut self, due: Nanos) {
        self.part(due).overlapped += 1;
    }

    /// A data unit without a stamp of this run.
    pub fn unstamped(&mut self, at: Nanos) {
        self.part(at).unstamped += 1;
    }

    /// A stamp that is broken or not of this run.
    pub fn foreign(&mut self, at: Nanos) {
        self.part(at).foreign += 1;
    }

    /// A failure beside any operation's outcome.
    pub fn fail(&mut self, at: Nanos, failure: Failure) {
        self.part(at).failures[failure as usize] += 1;
    }

    /// A subscriber opened a TCP connection.
    pub fn connected(&mut self, at: Nanos) {
        self.part(at).connections += 1;
    }

    /// A session ended with this close code.
    pub fn closed(&mut self, at: Nanos, code: u16) {
        self.part(at).close(code, 1);
    }

    /// The loop woke so late from a timer that was due at `due`.
    pub fn loop_lag(&mut self, due: Nanos, lag: Nanos) {
        self.part(due).loop_lag.record(lag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(op: Op, intended: u64, finished: u64, outcome: Outcome) -> Sample {
        Sample { op, intended: Nanos(intended), started: Nanos(intended), finished: Nanos(finished), outcome }
    }

    #[test]
    fn an_operation_belongs_to_the_phase_in_which_it_was_intended() {
        let mut r = Recorder::new(Nanos(100)..Nanos(200));
        r.record(&sample(Op::Poll, 99, 150, Outcome::Good));
        r.record(&sample(Op::Poll, 199, 350, Outcome::Good));
        let s = r.take();
        assert_eq!(s.measured.response_of(Op::Poll).max_ns(), Some(151));
        assert_eq!(s.other.response_of(Op::Poll).max_ns(), Some(51));
        assert_eq!(r.take().whole().operations_of(Op::Poll), Counts::default());
    }

    #[test]
    fn a_failure_is_a_count_and_never_a_short_time() {
        let mut r = Recorder::new(Nanos(0)..Nanos(200));
        r.start(Op::Poll, Nanos(5));
        r.record(&sample(Op::Poll, 5, 6, Outcome::Failed(Failure::Status5xx)));
        let s = r.take();
        assert_eq!(s.measured.response_of(Op::Poll).count(), 0);
        assert_eq!(s.measured.failures[Failure::Status5xx as usize], 1);
        assert_eq!(s.measured.operations_of(Op::Poll), Counts { started: 1, finished: 0, failed: 1 });
    }

    #[test]
    fn closes_merge_by_code() {
        let mut r = Recorder::new(Nanos(0)..Nanos(200));
        let mut other = Recorder::new(Nanos(0)..Nanos(200));
        [1000, 1001, 1000].into_iter().for_each(|c| r.closed(Nanos(1), c));
        other.closed(Nanos(1), 1001);
        let mut s = r.take();
        s.merge(&other.take());
        assert_eq!(s.measured.closes, [(1000, 2), (1001, 2)]);
    }
}
