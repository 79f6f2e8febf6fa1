//! A pull session: the client asks until the session is over, or until it leaves.

use super::attach::Attached;
use super::events::Over;
use super::listener::{Answer, Listener};
use super::pull_pace::PullPace;
use super::virtual_client::{Course, End, VirtualClient, is_empty};
use crate::model::{Backoff, Failure, Nanos, Op, Outcome, Sample};
use crate::record;
use crate::transport::{Event, Rhythm, Session};

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// It was answered.
    Answered,
    /// It failed; the session may be asked again.
    Failed(Failure),
    /// The session is over.
    Over(Failure),
    /// The session ended on purpose.
    Ended,
    /// The client left before there was an answer.
    Left,
}

impl VirtualClient {
    pub(super) async fn ask(
        &self,
        mut session: Attached<'_>,
        rhythm: Rhythm,
        leave_at: Nanos,
        course: &mut Course,
    ) -> End {
        (course.standing, course.answered) = (Some(self.place.now()), false);
        let end = self.ask_on(&mut *session, rhythm, leave_at, course).await;
        let now = self.place.now();
        self.moved(now);
        match end {
            Asked::Left | Asked::Answered => {
                session.abort();
                self.place.over(now, &self.state, Over::Left);
                self.place.left(now, &self.state);
                let mut ledger = self.state.ledger.borrow_mut();
                ledger.leaves(now);
                ledger.gone(self.place.life.away.is_none());
                drop(ledger);
                self.stands_no_more(Outcome::Good, course);
                self.comes_no_more(course);
                End::Left
            }
            Asked::Ended => {
                self.place.over(now, &self.state, Over::Ended);
                self.state.ledger.borrow_mut().ended(now);
                let since = course.standing.unwrap_or(now);
                self.stands_no_more(Outcome::Good, course);
                End::Ended { empty: is_empty(false, now - since) }
            }
            Asked::Failed(failure) | Asked::Over(failure) => {
                self.not_answered(now, course);
                self.stands_no_more(Outcome::Failed(failure), course);
                End::Lost
            }
        }
    }

    /// A request was answered as it should be: the client is subscribed, and back if it was away.
    fn is_answered(&self, started: Nanos, finished: Nanos, course: &mut Course) {
        self.place.can_receive(finished, &self.state, finished);
        self.subscribed(started, finished);
        course.answered = true;
        if course.standing.is_none() {
            course.standing = Some(finished);
            self.state.attached.set(true);
            self.place.recorder.borrow_mut().start(Op::Session, finished);
        }
        self.is_back(finished, course);
    }

    /// A request failed. One that follows an answer ends a time of being subscribed, and is the begin of
    /// an outage that the next good answer ends; before the first answer nobody knows of any.
    fn not_answered(&self, now: Nanos, course: &mut Course) {
        self.place.over(now, &self.state, Over::Lost);
        self.moved(now);
        if !std::mem::take(&mut course.answered) {
            return self.state.ledger.borrow_mut().never_subscribed();
        }
        self.state.ledger.borrow_mut().ended(now);
        if let Some(since) = course.standing.take() {
            // Why is counted with the request.
            self.state.attached.set(false);
            self.place.recorder.borrow_mut().cut_short(Op::Session, since);
        }
        self.is_lost(now, course);
    }

    fn stands_no_more(&self, outcome: Outcome, course: &mut Course) {
        if let Some(since) = course.standing.take() {
            self.session_over(since, outcome);
        }
    }

    /// Asks again and again; gives what ended it.
    async fn ask_on(
        &self,
        session: &mut dyn Session,
        rhythm: Rhythm,
        leave_at: Nanos,
        course: &mut Course,
    ) -> Asked {
        let now = self.place.now();
        let mut pace = PullPace::new(rhythm, now, self.phase);
        let mut intended = now;
        loop {
            let mut asked = self.exchange(session, intended, rhythm, leave_at, course).await;
            if asked == Asked::Failed(Failure::StaleConnection) {
                // The peer gave up an idle connection as this request went out: a browser asks
                // again at once, and so do we, once. Both requests are counted.
                asked = self.exchange(session, intended, rhythm, leave_at, course).await;
            }
            let failed = match asked {
                Asked::Answered => false,
                Asked::Failed(_) => true,
                over => return over,
            };
            let now = self.place.now();
            if failed {
                self.not_answered(now, course);
            }
            if failed && matches!(rhythm, Rhythm::Interval { .. }) {
                let asked = self.asked().filter(|_| self.place.reconnect.honour_server);
                pace.rest(now, asked.unwrap_or(Nanos::ZERO));
            }
            let next = pace.after(now, !failed);
            if next.skipped > 0 {
                self.place.recorder.borrow_mut().skipped_polls(next.intended, next.skipped);
            }
            intended = next.intended;
            if matches!(rhythm, Rhythm::Held { .. }) {
                match self.held_pause(failed, now, intended, course) {
                    Some(at) => intended = at,
                    None => return asked,
                }
            }
            self.place.timer.sleep_until(intended.min(leave_at)).await;
            if self.place.now() >= leave_at {
                return Asked::Left;
            }
            if failed {
                self.place.recorder.borrow_mut().attempted(self.place.now());
            }
        }
    }

    /// When a held request follows one that ended now: at once after an answer, after a failure as the
    /// policy has it, or, without one, at `own`. `None`: as often as the policy allows.
    fn held_pause(&self, failed: bool, now: Nanos, own: Nanos, course: &mut Course) -> Option<Nanos> {
        if !failed {
            return Some(own);
        }
        let spec = &self.place.reconnect;
        if spec.backoff == Backoff::None {
            let asked = self.asked().filter(|_| spec.honour_server).unwrap_or(Nanos::ZERO);
            return Some(own.max(now + asked));
        }
        let asked = self.asked();
        Some(now + course.policy.pause(spec, asked)?)
    }

    /// One request and its answer.
    async fn exchange(
        &self,
        session: &mut dyn Session,
        intended: Nanos,
        rhythm: Rhythm,
        leave_at: Nanos,
        course: &mut Course,
    ) -> Asked {
        self.begin(Op::Poll, intended);
        let started = self.place.now();
        // The request that was under way when the session became ready is this one.
        if !std::mem::take(&mut course.asking) {
            session.request();
        }
        self.place.asked(started, &self.state);
        if !course.answered {
            let known = match rhythm {
                Rhythm::Held { settle } => started + settle,
                Rhythm::Interval { .. } | Rhythm::Push => Nanos::MAX,
            };
            self.subscribed(started, known);
        }
        let mut listener =
            Listener::new(&self.place, &self.state).of_request(self.asks(rhythm, started, course));
        let asked = self.answer(session, &mut listener, started, leave_at, course).await;
        let answer = listener.take_answer();
        let asked = match (asked, answer.refused) {
            (Asked::Answered, Some(refused)) => Asked::Failed(refused),
            (asked, _) => asked,
        };
        if asked != Asked::Answered {
            listener.count_rest(session);
        }
        // What came is its own, whatever became of the request.
        course.answered |= answer.fresh > 0;
        self.account(intended, started, &answer, asked, course);
        course.last_answer = answer.received.filter(|_| asked == Asked::Answered);
        asked
    }

    /// A request of this rhythm begins; a held one follows the answer before.
    fn asks(&self, rhythm: Rhythm, at: Nanos, course: &mut Course) -> Option<record::Asked> {
        match rhythm {
            Rhythm::Push => None,
            Rhythm::Interval { .. } => Some(record::Asked::AtInterval(at)),
            Rhythm::Held { .. } => {
                let answered = course.last_answer.take();
                let mut recorder = self.place.recorder.borrow_mut();
                answered.iter().for_each(|answered| recorder.turned_around(*answered, at));
                Some(record::Asked::Held(at))
            }
        }
    }

    async fn answer(
        &self,
        session: &mut dyn Session,
        listener: &mut Listener<'_>,
        started: Nanos,
        leave_at: Nanos,
        course: &mut Course,
    ) -> Asked {
        let deadline = started + self.place.request_timeout;
        loop {
            match self.event(session, listener, deadline.min(leave_at), course).await {
                Some(Ok(Event::Answered)) => return Asked::Answered,
                Some(Ok(Event::Received)) => {}
                Some(Ok(Event::Ended)) => return Asked::Ended,
                Some(Ok(Event::Closed(closing))) => {
                    self.closed(&closing);
                    return Asked::Over(Failure::ClosedByPeer);
                }
                Some(Err(lost @ (Failure::ResumeLost | Failure::DeadPeer))) => return Asked::Over(lost),
                Some(Err(failure)) => return Asked::Failed(failure),
                None => {
                    session.abort();
                    let left = leave_at < deadline;
                    return if left { Asked::Left } else { Asked::Failed(Failure::Timeout) };
                }
            }
        }
    }

    fn account(&self, intended: Nanos, started: Nanos, answer: &Answer, asked: Asked, course: &mut Course) {
        let finished = answer.received.unwrap_or_else(|| self.place.now());
        let outcome = match asked {
            Asked::Answered => Outcome::Good,
            Asked::Failed(failure) | Asked::Over(failure) => {
                self.tell(failure);
                self.untold_connections(true);
                Outcome::Failed(failure)
            }
            Asked::Ended | Asked::Left => {
                self.state.under_way.set(None);
                return self.place.recorder.borrow_mut().abandoned(Op::Poll, intended);
            }
        };
        if outcome == Outcome::Good {
            self.is_answered(started, finished, course);
            self.place.recorder.borrow_mut().answered(intended, answer.fresh > 0);
        }
        self.end(&Sample { op: Op::Poll, intended, started, finished, outcome });
    }
}
