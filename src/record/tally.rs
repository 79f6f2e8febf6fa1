//! Everything counted of one part of a run.

use super::{Closes, Details, Fan, Pulled, Timing};
use crate::model::{Failure, Op, ReadyState, Sockets, Stage, Traffic};

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
    /// Messages with several receivers, where all are this worker's.
    pub fan: Fan,
    /// What brought messages over pull transports.
    pub pulled: Pulled,
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
    /// Subscribers' connections, as the kernel counts them.
    pub sockets: Sockets,
    /// Publishers' connections, as the kernel counts them.
    pub publisher_sockets: Sockets,
    /// Of a sample of connections: how long bytes that the kernel had received waited until they were
    /// read.
    pub kernel_delay: Timing,
    /// First receipts of messages, by when they were due.
    pub received: u64,
    /// First receipts by when they came: the divisor for bytes.
    pub arrivals: u64,
    /// First receipts of messages due before their client was subscribed; in no time of delivery.
    pub early: u64,
    /// First receipts of messages due between two sessions of their client; in no time of delivery.
    pub replayed: u64,
    /// Received again, by when that was.
    pub duplicate: u64,
    /// Received again from an endpoint that tells its latest value, or history that a newcomer was
    /// given, by when that was.
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
    /// Messages whose own time lies after their receipt, and by how much: in no time of delivery, or of
    /// none at all where the error of that clock has a bound.
    pub ahead: Timing,
    /// TCP connections that subscribers opened.
    pub connections: u64,
    /// Ends of WebSocket sessions: code, reason, wasClean.
    pub closes: Closes,
    /// Attempts that a reconnect policy made.
    pub reconnect_attempts: u64,
    /// Clients that gave up.
    pub gave_up: u64,
    /// Streams that ended on purpose and were opened again.
    pub reopened: u64,
    /// Client nanoseconds in each ready state, push transports only.
    pub ready_ns: [u64; ReadyState::COUNT],
    /// How long the stages of attaching took.
    pub stages: [Timing; Stage::COUNT],
    /// What was wrong, in words: the first of each class.
    pub details: Details,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            response: Default::default(),
            from_send: Timing::default(),
            fan: Fan::default(),
            pulled: Pulled::default(),
            lateness: Timing::default(),
            loop_lag: Timing::default(),
            operations: Default::default(),
            failures: [0; Failure::COUNT],
            traffic: Traffic::default(),
            publisher_traffic: Traffic::default(),
            sockets: Sockets::default(),
            publisher_sockets: Sockets::default(),
            kernel_delay: Timing::default(),
            received: 0,
            arrivals: 0,
            early: 0,
            replayed: 0,
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
            ahead: Timing::default(),
            connections: 0,
            closes: Closes::default(),
            reconnect_attempts: 0,
            gave_up: 0,
            reopened: 0,
            ready_ns: [0; ReadyState::COUNT],
            stages: Default::default(),
            details: Details::default(),
        }
    }
}

impl Tally {
    /// Adds all of another: commutative and associative.
    pub fn merge(&mut self, o: &Tally) {
        self.response.iter_mut().zip(&o.response).for_each(|(a, b)| a.merge(b));
        self.from_send.merge(&o.from_send);
        self.fan.merge(&o.fan);
        self.pulled.merge(&o.pulled);
        self.lateness.merge(&o.lateness);
        self.loop_lag.merge(&o.loop_lag);
        self.gap.merge(&o.gap);
        self.spread.merge(&o.spread);
        self.ahead.merge(&o.ahead);
        for (a, b) in self.operations.iter_mut().zip(&o.operations) {
            a.started += b.started;
            a.finished += b.finished;
            a.failed += b.failed;
        }
        self.failures.iter_mut().zip(&o.failures).for_each(|(a, b)| *a += b);
        self.traffic += o.traffic;
        self.sockets += o.sockets;
        self.publisher_sockets += o.publisher_sockets;
        self.kernel_delay.merge(&o.kernel_delay);
        self.publisher_traffic += o.publisher_traffic;
        self.merge_counts(o);
        self.closes.merge(&o.closes);
        self.ready_ns.iter_mut().zip(&o.ready_ns).for_each(|(a, b)| *a += b);
        self.stages.iter_mut().zip(&o.stages).for_each(|(a, b)| a.merge(b));
        self.details.merge(&o.details);
    }

    fn merge_counts(&mut self, o: &Tally) {
        self.received += o.received;
        self.arrivals += o.arrivals;
        self.early += o.early;
        self.replayed += o.replayed;
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
        self.connections += o.connections;
        self.reconnect_attempts += o.reconnect_attempts;
        self.gave_up += o.gave_up;
        self.reopened += o.reopened;
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
