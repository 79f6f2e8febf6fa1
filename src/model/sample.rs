//! One finished operation.

use super::{Failure, Nanos};

/// What kind of operation a sample is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A session was opened: from the instant it was due to the instant it could receive.
    Connect,
    /// One request of a pull transport, from due to the last byte of its answer.
    Poll,
    /// One message given to the target, from due to the target's acknowledgement.
    Publish,
    /// One message received: intended = due at the publisher, started = really sent.
    Deliver,
    /// One session's life, from the instant it could receive to its end.
    Session,
    /// A client's way back: from the end of the session it lost to the instant it could receive
    /// again, however many attempts that took.
    Reconnect,
}

impl Op {
    /// How many kinds there are.
    pub const COUNT: usize = 6;
    /// Every kind, in the order of `self as usize`.
    pub const ALL: [Op; Op::COUNT] =
        [Op::Connect, Op::Poll, Op::Publish, Op::Deliver, Op::Session, Op::Reconnect];

    /// The key in results.
    pub const fn key(self) -> &'static str {
        match self {
            Op::Connect => "connect",
            Op::Poll => "poll",
            Op::Publish => "publish",
            Op::Deliver => "delivery",
            Op::Session => "session",
            Op::Reconnect => "reconnect",
        }
    }
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Good,
    /// Not as it should; never a short time in a histogram, always a count.
    Failed(Failure),
}

/// One finished operation. Response time = finished - intended; service time = finished - started;
/// lateness = started - intended.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The kind.
    pub op: Op,
    /// When the schedule wanted it to begin.
    pub intended: Nanos,
    /// When it really began.
    pub started: Nanos,
    /// When it was over.
    pub finished: Nanos,
    /// How it ended.
    pub outcome: Outcome,
}

impl Sample {
    /// Time from the schedule: what somebody who wanted it then had to wait.
    pub fn response_time(&self) -> Nanos {
        self.finished - self.intended
    }

    /// Time from the actual start: blind to everything that held the start up.
    pub fn service_time(&self) -> Nanos {
        self.finished - self.started
    }

    /// How late it began.
    pub fn lateness(&self) -> Nanos {
        self.started - self.intended
    }
}
