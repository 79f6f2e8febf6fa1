//! One virtual client: attaches when it is due, stays as long as it is to, and comes back as its
//! policy has it, until it is dropped or gives up.
//!
//! What happens within a session is told in `attach`, `listen` and `ask`; here is what comes between.

use super::alarm::Alarm;
use super::reconnect::Reconnect;
use super::{ClientState, Workplace};
use crate::model::{Backoff, Failure, Nanos, Op, Outcome, ReadyState, Sample};
use crate::net::{Endpoint, Memory};
use crate::transport::{Carrier, Rhythm};
use std::rc::Rc;

/// Streams that end on purpose without having brought anything: after so many in a row the client
/// pauses, or a target that ends every response at once would be stormed.
const MOST_EMPTY: u32 = 3;
/// A session this long is not empty, whatever it brought.
const NOT_EMPTY: Nanos = Nanos::SECOND;
/// How long that pause is where there is no policy.
const EMPTY_PAUSE: Nanos = Nanos::SECOND;

/// A client about to run.
pub struct VirtualClient {
    /// What it shares with the others of its group.
    pub place: Rc<Workplace>,
    /// What will remain of it.
    pub state: Rc<ClientState>,
    /// How it attaches.
    pub carrier: Rc<dyn Carrier>,
    /// Where it attaches.
    pub endpoint: Endpoint,
    /// When it is to attach.
    pub due: Nanos,
    /// Its place in the polling period, 0..1.
    pub phase: f64,
    /// Draws its pauses and the lengths of its stays.
    pub seed: u64,
}

/// When the run is over, too, what an attempt under way has cost is counted.
impl Drop for VirtualClient {
    fn drop(&mut self) {
        self.count_spent();
    }
}

/// How an attempt, or the session that came of it, was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It could not attach.
    NotOpened,
    /// A rule wants it opened again before it was ready.
    Again,
    /// The session was over though it was to stay.
    Lost,
    /// A stream ended on purpose; whether it had brought nothing.
    Ended {
        /// Nothing came, and that soon.
        empty: bool,
    },
    /// The client left on purpose.
    Left,
}

/// What a client carries from one session to the next.
pub(super) struct Course {
    pub(super) policy: Reconnect,
    pub(super) alarm: Alarm,
    /// Whether a request of the login is still under way.
    pub(super) asking: bool,
    /// Pull: since when the present session stands; `None` in an outage.
    pub(super) standing: Option<Nanos>,
    /// Pull: whether a request was answered since the session began, or since the last that failed.
    pub(super) answered: bool,
    /// When the answer to the last held request was read, until the next one begins.
    pub(super) last_answer: Option<Nanos>,
    /// When it lost the session that it wants back.
    pub(super) lost: Option<Nanos>,
    /// When the last session ended on purpose.
    ended: Option<Nanos>,
    /// Empty sessions in a row.
    empty: u32,
    /// Whether the next attempt is one of the policy.
    trying: bool,
}

impl VirtualClient {
    /// Runs until the task is dropped, or until the client gives up.
    pub async fn run(self) {
        let mut course = Course {
            policy: Reconnect::new(self.seed),
            alarm: Alarm::default(),
            asking: false,
            standing: None,
            answered: false,
            last_answer: None,
            lost: None,
            ended: None,
            empty: 0,
            trying: false,
        };
        let mut intended = self.due;
        loop {
            self.place.timer.sleep_until(intended).await;
            if std::mem::take(&mut course.trying) {
                self.place.recorder.borrow_mut().attempted(self.place.now());
            }
            let end = self.attempt(intended, &mut course).await;
            let now = self.place.now();
            match self.after(end, now, &mut course) {
                Some(next) => intended = next,
                None => return,
            }
        }
    }

    /// Attaches, and stays while the session lasts.
    async fn attempt(&self, intended: Nanos, course: &mut Course) -> End {
        course.last_answer = None;
        let opened = self.attach(intended, course).await;
        let session = match opened {
            Ok(session) => session,
            Err(end) => {
                self.is(ReadyState::Closed);
                return end;
            }
        };
        let leave_at = match self.place.life.stay {
            Some(stay) => self.place.now() + course.policy.span(stay, self.place.life.fixed),
            None => Nanos::MAX,
        };
        let end = match self.carrier.rhythm() {
            Rhythm::Push => self.listen(session, leave_at, course).await,
            rhythm => self.ask(session, rhythm, leave_at, course).await,
        };
        self.is(ReadyState::Closed);
        end
    }

    /// When the next attempt is due; `None`: there is none.
    fn after(&self, end: End, now: Nanos, course: &mut Course) -> Option<Nanos> {
        match end {
            End::Left => Some(now + self.away(course)),
            // What was to come back is still on its way.
            End::Again => {
                self.place.recorder.borrow_mut().reopened(now);
                Some(now)
            }
            End::Ended { empty } => Some(now + self.reopen(empty, now, course)),
            End::Lost => {
                self.is_lost(now, course);
                self.back(now, course)
            }
            End::NotOpened if self.endpoint.memory.borrow().stay_away => {
                self.comes_no_more(course);
                None
            }
            End::NotOpened => {
                self.state.outbox.iter().for_each(|outbox| outbox.is_missed());
                // A stream that was to be opened again at once was not: it is lost since its end.
                if let Some(ended) = course.ended.take() {
                    self.is_lost(ended, course);
                }
                self.back(now, course)
            }
        }
    }

    /// How long a client that left is away. One that comes no more is followed by another, who
    /// remembers nothing.
    fn away(&self, course: &mut Course) -> Nanos {
        course.ended = None;
        match self.place.life.away {
            Some(away) => course.policy.span(away, self.place.life.fixed),
            None => {
                self.count_spent();
                *self.endpoint.memory.borrow_mut() = Memory::default();
                Nanos::ZERO
            }
        }
    }

    /// The pause before a stream that ended on purpose is opened again: none, unless the server asked
    /// for one or has brought nothing for a while.
    fn reopen(&self, empty: bool, now: Nanos, course: &mut Course) -> Nanos {
        self.place.recorder.borrow_mut().reopened(now);
        course.ended = Some(now);
        course.empty = if empty { course.empty + 1 } else { 0 };
        let asked = self.asked().filter(|_| self.place.reconnect.honour_server).unwrap_or(Nanos::ZERO);
        if course.empty < MOST_EMPTY {
            return asked;
        }
        let own = course.policy.pause(&self.place.reconnect, None).unwrap_or(EMPTY_PAUSE);
        own.max(asked)
    }

    pub(super) fn is_lost(&self, at: Nanos, course: &mut Course) {
        // A pull client without a policy asks again at its own pace.
        let pulls = self.carrier.rhythm() != Rhythm::Push;
        let comes_back = pulls || self.place.reconnect.backoff != Backoff::None;
        if comes_back && course.lost.is_none() {
            course.lost = Some(at);
            self.state.returning.set(true);
            self.place.recorder.borrow_mut().start(Op::Reconnect, at);
        }
    }

    /// The next attempt under the policy.
    fn back(&self, now: Nanos, course: &mut Course) -> Option<Nanos> {
        let asked = self.asked();
        let pause = match (self.place.reconnect.backoff, self.carrier.rhythm()) {
            (Backoff::None, Rhythm::Push) => return None,
            (Backoff::None, rhythm) => return Some(now + without_policy(rhythm)),
            _ => course.policy.pause(&self.place.reconnect, asked),
        };
        course.trying = pause.is_some();
        if pause.is_none() {
            self.gives_up(now, course);
        }
        pause.map(|pause| now + pause)
    }

    /// It is on its way back no more, and that is no failure.
    pub(super) fn comes_no_more(&self, course: &mut Course) {
        if let Some(lost) = course.lost.take() {
            self.state.returning.set(false);
            self.place.recorder.borrow_mut().abandoned(Op::Reconnect, lost);
        }
    }

    pub(super) fn gives_up(&self, now: Nanos, course: &mut Course) {
        self.state.returning.set(false);
        self.place.recorder.borrow_mut().gave_up(now, course.lost.take());
    }

    /// A session can receive: what the policy counted is forgotten, and a way back is over.
    pub(super) fn is_back(&self, now: Nanos, course: &mut Course) {
        course.policy.ready();
        course.ended = None;
        self.state.returning.set(false);
        if let Some(lost) = course.lost.take() {
            let (op, outcome) = (Op::Reconnect, Outcome::Good);
            let sample = Sample { op, intended: lost, started: lost, finished: now, outcome };
            self.place.recorder.borrow_mut().record(&sample);
        }
    }

    /// What the server asked to wait; taken, so that it is honoured once.
    pub(super) fn asked(&self) -> Option<Nanos> {
        self.endpoint.memory.borrow_mut().retry_after.take()
    }

    /// The session is over: writes down how, and what was wrong.
    pub(super) fn session_over(&self, since: Nanos, outcome: Outcome) {
        let finished = self.place.now();
        self.state.attached.set(false);
        let sample = Sample { op: Op::Session, intended: since, started: since, finished, outcome };
        self.place.recorder.borrow_mut().record(&sample);
        if let Outcome::Failed(failure) = outcome {
            self.tell(failure);
        }
    }

    /// Keeps what the carrier says of a failure in words, and counts what its connection had cost.
    pub(super) fn tell(&self, failure: Failure) {
        self.count_spent();
        if let Some(text) = self.endpoint.memory.borrow_mut().detail.take() {
            self.place.recorder.borrow_mut().detail(self.place.now(), failure, &text);
        }
    }

    /// A push client is in this state from now on.
    pub(super) fn is(&self, state: ReadyState) {
        if self.carrier.rhythm() == Rhythm::Push {
            self.state.turn(state, &self.place);
        }
    }

    pub(super) fn begin(&self, op: Op, intended: Nanos) {
        self.state.under_way.set(Some(op));
        self.place.recorder.borrow_mut().start(op, intended);
    }

    pub(super) fn end(&self, sample: &Sample) {
        self.state.under_way.set(None);
        self.place.recorder.borrow_mut().record(sample);
    }
}

/// Whether a session that ended on purpose counts as empty.
pub(super) fn is_empty(brought: bool, lasted: Nanos) -> bool {
    !brought && lasted < NOT_EMPTY
}

/// A pull client without a policy tries again: at its period, or after a second.
fn without_policy(rhythm: Rhythm) -> Nanos {
    match rhythm {
        Rhythm::Interval { every, .. } => every.max(Nanos::from_millis(100)),
        Rhythm::Held { .. } | Rhythm::Push => Nanos::SECOND,
    }
}
