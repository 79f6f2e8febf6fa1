//! Where one worker's clients and publishers write down what they see.

use super::pulled::RoundTrip;
use super::{Asked, Close, Due, Seen, Snapshot, Tally};
use crate::model::{Failure, Nanos, Op, Outcome, ReadyState, Sample, Sockets, Stage, Stamp, Traffic};
use std::ops::Range;

/// One received message.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// What it carried.
    pub stamp: Stamp,
    /// When the read that held it returned.
    pub received: Nanos,
    /// What it was to its client.
    pub seen: Seen,
    /// Where the instant at which it was due lies in the life of its client.
    pub place: Due,
    /// Whether its endpoint tells its latest value only, so that receiving it again is no fault.
    pub latest_value: bool,
    /// The request that brought it, of a pull transport.
    pub asked: Option<Asked>,
}

/// Gathers what one worker sees. Every method is O(1), takes no lock and, but for the first time in
/// an interval, allocates nothing.
#[derive(Debug)]
pub struct Recorder {
    pub(super) window: Range<Nanos>,
    current: Snapshot,
    pub(super) round_trip: RoundTrip,
}

impl Recorder {
    /// A recorder whose `measure` is this window of the run's clock.
    pub fn new(window: Range<Nanos>) -> Recorder {
        Recorder { window, current: Snapshot::default(), round_trip: RoundTrip::default() }
    }

    /// Hands over what was gathered since the last time.
    pub fn take(&mut self) -> Snapshot {
        std::mem::take(&mut self.current)
    }

    /// `measure` ends at this instant, earlier than planned.
    pub fn cut(&mut self, at: Nanos) {
        self.window.end = self.window.end.min(at);
    }

    /// `measure` is this window, not what was planned. To be said before either begins.
    pub fn measure(&mut self, window: Range<Nanos>) {
        self.window = window;
    }

    pub(super) fn part(&mut self, at: Nanos) -> &mut Tally {
        if self.window.contains(&at) { &mut self.current.measured } else { &mut self.current.other }
    }

    /// An operation that was intended for this instant begins.
    pub fn start(&mut self, op: Op, intended: Nanos) {
        self.part(intended).operations[op as usize].started += 1;
    }

    /// What was just said to begin was not to be, after all: it never was.
    pub fn withdrawn(&mut self, op: Op, intended: Nanos) {
        let started = &mut self.part(intended).operations[op as usize].started;
        *started = started.saturating_sub(1);
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

    /// An operation was given up on purpose: it has ended, and its time says nothing.
    pub fn abandoned(&mut self, op: Op, intended: Nanos) {
        self.part(intended).operations[op as usize].finished += 1;
    }

    /// An operation was cut short by a failure that is counted elsewhere.
    pub fn cut_short(&mut self, op: Op, intended: Nanos) {
        self.part(intended).operations[op as usize].failed += 1;
    }

    /// A message of this run was received.
    pub fn arrive(&mut self, a: &Arrival) {
        if !a.seen.is_first() || a.place == Due::Before {
            let history = a.latest_value || a.place == Due::Before;
            let part = self.part(a.received);
            let again = if history { &mut part.redundant } else { &mut part.duplicate };
            *again += 1;
            return;
        }
        self.part(a.received).arrivals += 1;
        let part = self.part(a.stamp.due);
        part.reordered += u64::from(a.seen == Seen::Late);
        match a.place {
            Due::Early | Due::Before => part.early += 1,
            Due::Between => part.replayed += 1,
            Due::Here => {
                part.received += 1;
                part.response[Op::Deliver as usize].record(a.received - a.stamp.due);
                part.from_send.record(a.received - a.stamp.sent());
                a.asked.iter().for_each(|asked| self.pulled(a, asked));
            }
        }
    }

    /// Bytes of a subscriber's unit that was complete at this instant.
    pub fn traffic(&mut self, at: Nanos, traffic: Traffic) {
        self.part(at).traffic += traffic;
    }

    /// Bytes of a publish that was complete at this instant.
    pub fn publisher_traffic(&mut self, at: Nanos, traffic: Traffic) {
        self.part(at).publisher_traffic += traffic;
    }

    /// What the kernel counted of subscribers' and of publishers' connections, up to this instant.
    pub fn sockets(&mut self, until: Nanos, subscribers: Sockets, publishers: Sockets) {
        // At its own end a phase is over.
        let part = self.part(Nanos(until.0.saturating_sub(1)));
        part.sockets += subscribers;
        part.publisher_sockets += publishers;
    }

    /// What a read brought had been received by the kernel so long before the read returned.
    pub fn kernel_delay(&mut self, read_at: Nanos, delay: Nanos) {
        self.part(read_at).kernel_delay.record(delay);
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

    /// A WebSocket session ended like this.
    pub fn closed(&mut self, at: Nanos, code: u16, reason: &str, clean: bool) {
        self.part(at).closes.add(Close { code, reason: reason.to_owned(), clean }, 1);
    }

    /// An attempt under a reconnect policy begins.
    pub fn attempted(&mut self, at: Nanos) {
        self.part(at).reconnect_attempts += 1;
    }

    /// A client gave up. Its way back, when it was on one since `lost`, ends there; why its attempts
    /// failed was counted with each of them.
    pub fn gave_up(&mut self, at: Nanos, lost: Option<Nanos>) {
        self.part(at).gave_up += 1;
        if let Some(lost) = lost {
            self.part(lost).operations[Op::Reconnect as usize].failed += 1;
        }
    }

    /// A stream ended on purpose and is opened again.
    pub fn reopened(&mut self, at: Nanos) {
        self.part(at).reopened += 1;
    }

    /// A client was in this state from then to then.
    pub fn was(&mut self, state: ReadyState, from: Nanos, to: Nanos) {
        self.part(to).ready_ns[state as usize] += (to - from).0;
    }

    /// A stage of attaching was over at `at` and took so long.
    pub fn stage(&mut self, at: Nanos, stage: Stage, took: Nanos) {
        self.part(at).stages[stage as usize].record(took);
    }

    /// What was wrong, in words.
    pub fn detail(&mut self, at: Nanos, failure: Failure, text: &str) {
        self.part(at).details.tell(at, failure, text);
    }

    /// The loop woke so late from a timer that was due at `due`.
    pub fn loop_lag(&mut self, due: Nanos, lag: Nanos) {
        self.part(due).loop_lag.record(lag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Counts;

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
        [1000, 1001, 1000].into_iter().for_each(|c| r.closed(Nanos(1), c, "", true));
        other.closed(Nanos(1), 1001, "", true);
        let mut s = r.take();
        s.merge(&other.take());
        assert_eq!(s.measured.closes.by_code(), [(1000, 2), (1001, 2)].into());
    }
}
