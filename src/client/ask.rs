//! A pull session: the client asks until the session is over, or until it leaves.

use super::attach::Attached;
use super::listener::{Answer, Listener};
use super::pull_pace::PullPace;
use super::virtual_client::{Course, End, VirtualClient, is_empty};
use crate::model::{Backoff, Failure, Nanos, Op, Outcome, Sample};
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
        let since = self.place.now();
        let end = self.ask_on(&mut *session, rhythm, leave_at, course).await;
        let now = self.place.now();
        let mut ledger = self.state.ledger.borrow_mut();
        match end {
            Asked::Left | Asked::Answered => {
                session.abort();
                ledger.leaves(now);
                ledger.gone(self.place.life.away.is_none());
                self.session_over(since, Outcome::Good);
                End::Left
            }
            Asked::Ended => {
                ledger.ended(now);
                self.session_over(since, Outcome::Good);
                End::Ended { empty: is_empty(false, now - since) }
            }
            Asked::Failed(failure) | Asked::Over(failure) => {
                ledger.ended(now);
                self.session_over(since, Outcome::Failed(failure));
                End::Lost
            }
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
        }
    }

    /// When a held request follows one that ended now: at once after an answer, after a failure as the
    /// policy has it, or, without one, at `own`. `None`: as often as the policy allows.
    fn held_pause(&self, failed: bool, now: Nanos, own: Nanos, course: &mut Course) -> Option<Nanos> {
        if !failed {
            course.policy.ready();
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
        if let Rhythm::Held { settle } = rhythm {
            self.state.ledger.borrow_mut().subscribed(started + settle);
        }
        let mut listener = Listener::new(&self.place, &self.state);
        let asked = self.answer(session, &mut listener, started, leave_at, course).await;
        let answer = listener.take_answer();
        let asked = match (asked, answer.refused) {
            (Asked::Answered, Some(refused)) => Asked::Failed(refused),
            (asked, _) => asked,
        };
        if asked != Asked::Answered {
            listener.count_rest(session);
        }
        self.account(intended, started, &answer, asked);
        asked
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

    fn account(&self, intended: Nanos, started: Nanos, answer: &Answer, asked: Asked) {
        let finished = answer.received.unwrap_or_else(|| self.place.now());
        let outcome = match asked {
            Asked::Answered => Outcome::Good,
            Asked::Failed(failure) | Asked::Over(failure) => {
                self.tell(failure);
                Outcome::Failed(failure)
            }
            Asked::Ended | Asked::Left => {
                self.state.under_way.set(None);
                return self.place.recorder.borrow_mut().abandoned(Op::Poll, intended);
            }
        };
        if outcome == Outcome::Good {
            self.state.ledger.borrow_mut().subscribed(finished);
            self.place.recorder.borrow_mut().answered(intended, answer.fresh > 0);
        }
        self.end(&Sample { op: Op::Poll, intended, started, finished, outcome });
    }
}
