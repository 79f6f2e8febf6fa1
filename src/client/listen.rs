//! A push session: the client listens until it ends, or until it leaves.

use super::attach::Attached;
use super::events::Over;
use super::listener::Listener;
use super::virtual_client::{Course, End, VirtualClient, is_empty};
use crate::model::{Failure, Nanos, Outcome, ReadyState};
use crate::transport::{Event, Session};

/// How long a peer may take to answer that we leave.
const LEAVE_TIMEOUT: Nanos = Nanos::from_millis(5_000);

impl VirtualClient {
    pub(super) async fn listen(
        &self,
        mut session: Attached<'_>,
        leave_at: Nanos,
        course: &mut Course,
    ) -> End {
        let since = self.place.now();
        let asked = self.endpoint.memory.borrow_mut().asked.take().unwrap_or(since);
        self.place.asked(asked, &self.state);
        self.place.can_receive(since, &self.state, since);
        self.subscribed(asked, since);
        let mut listener = Listener::new(&self.place, &self.state);
        let outcome = loop {
            match self.event(&mut *session, &mut listener, leave_at, course).await {
                // A busy session never waits, so that no alarm would ring.
                Some(Ok(Event::Received | Event::Answered))
                    if leave_at == Nanos::MAX || self.place.now() < leave_at => {}
                None | Some(Ok(Event::Received | Event::Answered)) => {
                    self.leave(&mut *session, &mut listener, course).await;
                    self.session_over(since, Outcome::Good);
                    return End::Left;
                }
                Some(Ok(Event::Closed(closing))) => {
                    self.closed(&closing);
                    break Outcome::Failed(Failure::ClosedByPeer);
                }
                Some(Ok(Event::Ended)) => break Outcome::Good,
                Some(Err(failure)) => {
                    self.cut();
                    break Outcome::Failed(failure);
                }
            }
        };
        listener.count_rest(&*session);
        self.sends_no_more(match outcome {
            Outcome::Good => Failure::ClosedByPeer,
            Outcome::Failed(failure) => failure,
        });
        let now = self.place.now();
        let how = if outcome == Outcome::Good { Over::Ended } else { Over::Lost };
        self.place.over(now, &self.state, how);
        self.state.ledger.borrow_mut().ended(now);
        self.moved(now);
        self.session_over(since, outcome);
        match outcome {
            Outcome::Good => End::Ended { empty: is_empty(listener.has_brought(), now - since) },
            Outcome::Failed(_) => End::Lost,
        }
    }

    /// Leaves in due form: what was on its way may still come until the peer has answered.
    async fn leave(&self, session: &mut dyn Session, listener: &mut Listener<'_>, course: &mut Course) {
        let now = self.place.now();
        self.state.outbox.iter().for_each(|outbox| outbox.leave(session));
        self.place.over(now, &self.state, Over::Left);
        self.state.ledger.borrow_mut().leaves(now);
        self.moved(now);
        self.is(ReadyState::Closing);
        listener.leaves(now);
        if session.leave() {
            let limit = now + LEAVE_TIMEOUT;
            loop {
                match self.event(session, listener, limit, course).await {
                    Some(Ok(Event::Received | Event::Answered)) if self.place.now() < limit => {}
                    Some(Ok(Event::Closed(closing))) => break self.closed(&closing),
                    Some(Ok(Event::Ended)) => break,
                    Some(_) | None => break self.cut(),
                }
            }
        }
        session.abort();
        listener.count_rest(session);
        self.place.left(self.place.now(), &self.state);
        self.state.ledger.borrow_mut().gone(self.place.life.away.is_none());
    }
}
