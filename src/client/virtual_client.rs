//! One virtual client: attaches when it is due, then listens or asks until it is dropped.

use super::listener::{Answer, Listener};
use super::pull_pace::PullPace;
use super::{ClientState, Workplace};
use crate::model::{Failure, Nanos, Op, Outcome, Sample};
use crate::net::Endpoint;
use crate::transport::{Carrier, Event, Rhythm, Session};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A client about to run.
pub struct VirtualClient {
    /// What it shares with the others of its worker.
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
}

impl VirtualClient {
    /// Runs until the task is dropped, or until a push session has ended: a client without a
    /// reconnect policy stays away.
    pub async fn run(self) {
        let mut intended = self.due;
        loop {
            self.place.timer.sleep_until(intended).await;
            let opened = self.attach(intended).await;
            match (opened, self.carrier.rhythm()) {
                (Ok(session), Rhythm::Push) => return self.listen(session).await,
                (Ok(session), rhythm) => return self.ask(session, rhythm).await,
                (Err(_), Rhythm::Push) => return,
                (Err(_), rhythm) => intended = self.next_attempt(rhythm),
            }
        }
    }

    /// A pull client whose first connection failed tries again: at its period, or after a second.
    fn next_attempt(&self, rhythm: Rhythm) -> Nanos {
        let pause = match rhythm {
            Rhythm::Interval { every, .. } => every.max(Nanos::from_millis(100)),
            Rhythm::Held { .. } | Rhythm::Push => Nanos::SECOND,
        };
        self.place.now() + pause
    }

    async fn attach(&self, intended: Nanos) -> Result<Box<dyn Session>, Failure> {
        self.begin(Op::Connect, intended);
        let started = self.place.now();
        let open = self.carrier.open(&self.place.dialer, &self.endpoint);
        let opened = self.place.timer.until(started + self.place.connect_timeout, open).await;
        let opened = opened.unwrap_or(Err(Failure::ConnectTimeout));
        let finished = self.place.now();
        let spent = self.endpoint.memory.borrow_mut().take_spent();
        if let Some(spent) = spent {
            self.place.recorder.borrow_mut().traffic(finished, spent);
        }
        let outcome = opened.as_ref().err().map_or(Outcome::Good, |f| Outcome::Failed(*f));
        self.end(&Sample { op: Op::Connect, intended, started, finished, outcome });
        if opened.is_ok() {
            self.place.recorder.borrow_mut().start(Op::Session, finished);
            self.state.attached.set(true);
        }
        opened
    }

    async fn listen(&self, mut session: Box<dyn Session>) {
        let since = self.place.now();
        self.state.ledger.borrow_mut().subscribed(since);
        let mut listener = Listener::new(&self.place, &self.state);
        let failure = loop {
            match self.next_event(&mut *session, &mut listener).await {
                Ok(Event::Received | Event::Answered) => {}
                Ok(Event::Closed(closing)) => {
                    self.place.recorder.borrow_mut().closed(self.place.now(), closing.code);
                    break Failure::ClosedByPeer;
                }
                Ok(Event::Ended) => break Failure::ClosedByPeer,
                Err(failure) => break failure,
            }
        };
        listener.count_rest(&*session);
        self.state.outbox.iter().for_each(|outbox| outbox.close(failure));
        let finished = self.place.now();
        self.state.attached.set(false);
        self.state.ledger.borrow_mut().ended(finished);
        let outcome = Outcome::Failed(failure);
        let sample = Sample { op: Op::Session, intended: since, started: since, finished, outcome };
        self.place.recorder.borrow_mut().record(&sample);
    }

    /// Polls the session; what the client is to send goes out before it.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        session: &mut dyn Session,
        listener: &mut Listener<'_>,
    ) -> Poll<Result<Event, Failure>> {
        let Some(outbox) = &self.state.outbox else { return session.poll_event(cx, listener) };
        outbox.send(cx, session)?;
        let polled = session.poll_event(cx, listener);
        outbox.sent(session);
        polled
    }

    /// The next thing that a push session tells; `Received` too when it only wanted to be polled.
    async fn next_event(
        &self,
        session: &mut dyn Session,
        listener: &mut Listener<'_>,
    ) -> Result<Event, Failure> {
        let deadline = session.next_deadline();
        let event = poll_fn(|cx| self.poll(cx, session, listener));
        match deadline {
            None => event.await,
            Some(at) => self.place.timer.until(at, event).await.unwrap_or(Ok(Event::Received)),
        }
    }

    async fn ask(&self, mut session: Box<dyn Session>, rhythm: Rhythm) {
        let now = self.place.now();
        let mut pace = PullPace::new(rhythm, now, self.phase);
        let mut intended = now;
        loop {
            let mut good = self.exchange(&mut *session, intended, rhythm).await;
            if good == Err(Failure::StaleConnection) {
                // The peer gave up an idle connection as this request went out: a browser asks
                // again at once, and so do we, once. Both requests are counted.
                good = self.exchange(&mut *session, intended, rhythm).await;
            }
            let next = pace.after(self.place.now(), good.is_ok());
            if next.skipped > 0 {
                self.place.recorder.borrow_mut().skipped_polls(next.intended, next.skipped);
            }
            intended = next.intended;
            self.place.timer.sleep_until(intended).await;
        }
    }

    /// One request and its answer.
    async fn exchange(
        &self,
        session: &mut dyn Session,
        intended: Nanos,
        rhythm: Rhythm,
    ) -> Result<(), Failure> {
        self.begin(Op::Poll, intended);
        let started = self.place.now();
        session.request();
        if let Rhythm::Held { settle } = rhythm {
            self.state.ledger.borrow_mut().subscribed(started + settle);
        }
        let mut listener = Listener::new(&self.place, &self.state);
        let answered = self.answer(session, &mut listener, started).await;
        let answer = listener.take_answer();
        let outcome = answered.and(answer.refused.map_or(Ok(()), Err));
        if outcome.is_err() {
            listener.count_rest(session);
        }
        self.account(intended, started, &answer, outcome);
        outcome
    }

    async fn answer(
        &self,
        session: &mut dyn Session,
        listener: &mut Listener<'_>,
        started: Nanos,
    ) -> Result<(), Failure> {
        let deadline = started + self.place.request_timeout;
        let exchange = async {
            loop {
                match poll_fn(|cx| session.poll_event(cx, listener)).await? {
                    Event::Answered => return Ok(()),
                    Event::Received => {}
                    Event::Ended | Event::Closed(_) => return Err(Failure::ClosedByPeer),
                }
            }
        };
        match self.place.timer.until(deadline, exchange).await {
            Some(ended) => ended,
            None => {
                session.abort();
                Err(Failure::Timeout)
            }
        }
    }

    fn account(&self, intended: Nanos, started: Nanos, answer: &Answer, outcome: Result<(), Failure>) {
        let finished = answer.received.unwrap_or_else(|| self.place.now());
        if outcome.is_ok() {
            self.state.ledger.borrow_mut().subscribed(finished);
            self.place.recorder.borrow_mut().answered(intended, answer.fresh > 0);
        }
        let outcome = outcome.map_or_else(Outcome::Failed, |()| Outcome::Good);
        self.end(&Sample { op: Op::Poll, intended, started, finished, outcome });
    }

    fn begin(&self, op: Op, intended: Nanos) {
        self.state.under_way.set(Some(op));
        self.place.recorder.borrow_mut().start(op, intended);
    }

    fn end(&self, sample: &Sample) {
        self.state.under_way.set(None);
        self.place.recorder.borrow_mut().record(sample);
    }
}
