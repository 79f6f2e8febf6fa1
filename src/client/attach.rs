//! A client attaches: opens a session and waits until it can receive.

use super::listener::{Listener, count_rest};
use super::virtual_client::{Course, End, VirtualClient};
use crate::model::{Failure, Nanos, Op, Outcome, ReadyState, Sample, Stage, Traffic};
use crate::transport::{Closing, Event, Rhythm, Session};
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::task::{Context, Poll};

/// The code of an end without a close frame (RFC 6455, section 7.1.5).
const NO_CLOSE: u16 = 1006;

/// Why a session cannot receive.
enum Unready {
    Failed(Failure),
    /// A rule ended it, to be opened again.
    Again,
}

/// A client's session. However it ends, and be it that the run is over, what crossed its connections and
/// was in no unit is counted: the books are held against the kernel's.
pub(super) struct Attached<'a> {
    session: Box<dyn Session>,
    client: &'a VirtualClient,
}

impl Deref for Attached<'_> {
    type Target = dyn Session;

    fn deref(&self) -> &(dyn Session + 'static) {
        &*self.session
    }
}

impl DerefMut for Attached<'_> {
    fn deref_mut(&mut self) -> &mut (dyn Session + 'static) {
        &mut *self.session
    }
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        self.session.abort();
        count_rest(&self.client.place, &self.client.state, &*self.session);
    }
}

impl VirtualClient {
    /// A session that can receive; or [`End::NotOpened`], or [`End::Again`]. The operation `connect`
    /// lasts until then.
    pub(super) async fn attach<'a>(
        &'a self,
        intended: Nanos,
        course: &mut Course,
    ) -> Result<Attached<'a>, End> {
        self.begin(Op::Connect, intended);
        self.is(ReadyState::Connecting);
        self.state.told.set(Traffic::default());
        self.endpoint.memory.borrow_mut().asked = None;
        let started = self.place.now();
        let limit = started + self.place.reconnect.timeout.unwrap_or(self.place.connect_timeout);
        let open = self.carrier.open(&self.place.dialer, &self.endpoint);
        let opened = self.place.timer.until(limit, open).await.unwrap_or(Err(Failure::ConnectTimeout));
        self.untold_connections(opened.is_err());
        let opened = opened.map(|session| Attached { session, client: self });
        let opened = match opened {
            Ok(session) if session.is_ready() => Ok(session),
            Ok(session) => self.made_ready(session, limit, course).await,
            Err(failure) => Err(Unready::Failed(failure)),
        };
        let finished = self.place.now();
        self.count_spent();
        if opened.is_err() && self.endpoint.memory.borrow().stay_away {
            // It asked for nothing but to be let alone: no failure.
            self.state.under_way.set(None);
            self.place.recorder.borrow_mut().abandoned(Op::Connect, intended);
            self.tell(Failure::ClosedByPeer);
            return Err(End::NotOpened);
        }
        let outcome = match &opened {
            Ok(_) => Outcome::Good,
            Err(Unready::Failed(failure)) => Outcome::Failed(*failure),
            Err(Unready::Again) => {
                self.state.under_way.set(None);
                self.place.recorder.borrow_mut().abandoned(Op::Connect, intended);
                return Err(End::Again);
            }
        };
        self.end(&Sample { op: Op::Connect, intended, started, finished, outcome });
        if let Outcome::Failed(failure) = outcome {
            self.tell(failure);
        }
        let session = opened.map_err(|_| End::NotOpened)?;
        self.place.recorder.borrow_mut().start(Op::Session, finished);
        self.state.attached.set(true);
        self.is(ReadyState::Open);
        if self.carrier.rhythm() == Rhythm::Push {
            self.is_back(finished, course);
        }
        Ok(session)
    }

    /// Counts connections that came to no session; those of one that did are told of by it.
    pub(super) fn untold_connections(&self, failed: bool) {
        let dialled = std::mem::take(&mut self.endpoint.memory.borrow_mut().dialled);
        let now = self.place.now();
        for _ in 0..if failed { dialled } else { 0 } {
            self.place.recorder.borrow_mut().connected(now);
        }
    }

    /// Polls a session until it can receive: a login goes on.
    async fn made_ready<'a>(
        &'a self,
        mut session: Attached<'a>,
        limit: Nanos,
        course: &mut Course,
    ) -> Result<Attached<'a>, Unready> {
        let opened = self.place.now();
        let mut listener = Listener::new(&self.place, &self.state);
        let pulls = self.carrier.rhythm() != Rhythm::Push;
        course.asking = false;
        if let Some(asked) = self.endpoint.memory.borrow().asked {
            self.state.ledger.borrow_mut().asks(asked);
        }
        while !session.is_ready() {
            // A login that goes on over a pull transport is answered to requests, as messages are.
            if pulls && !course.asking {
                session.request();
                course.asking = true;
            }
            let event = self.event(&mut *session, &mut listener, limit, course).await;
            course.asking &= !matches!(event, Some(Ok(Event::Answered)));
            let failure = match event {
                // A target that talks without end is not waited for without end.
                Some(Ok(Event::Received | Event::Answered)) if self.place.now() < limit => continue,
                Some(Ok(Event::Closed(closing))) => {
                    self.closed(&closing);
                    Failure::ClosedByPeer
                }
                Some(Ok(Event::Ended)) if self.is_told_again() => {
                    listener.count_rest(&*session);
                    return Err(Unready::Again);
                }
                Some(Ok(Event::Ended)) => Failure::ClosedByPeer,
                Some(Err(failure)) => {
                    self.cut();
                    failure
                }
                None | Some(Ok(Event::Received | Event::Answered)) => {
                    session.abort();
                    self.cut();
                    Failure::NotReady
                }
            };
            listener.count_rest(&*session);
            return Err(Unready::Failed(failure));
        }
        let ready = self.place.now();
        self.place.recorder.borrow_mut().stage(ready, Stage::Ready, ready - opened);
        Ok(session)
    }

    /// Whether the session that has just ended was ended by a rule, to be opened again at once. Who
    /// speaks the dialect counts how often that may happen in a row.
    fn is_told_again(&self) -> bool {
        self.endpoint.memory.borrow().more.as_ref().is_some_and(|more| more.agains > 0)
    }

    /// The next event of a session; `None` when `limit` came first. A session that was not ready and
    /// is now counts as an event.
    pub(super) async fn event(
        &self,
        session: &mut dyn Session,
        listener: &mut Listener<'_>,
        limit: Nanos,
        course: &mut Course,
    ) -> Option<Result<Event, Failure>> {
        let was_ready = session.is_ready();
        let mut poll = |cx: &mut Context<'_>| loop {
            if let Poll::Ready(event) = self.poll(cx, session, listener) {
                return Poll::Ready(Some(event));
            }
            if !was_ready && session.is_ready() {
                return Poll::Ready(Some(Ok(Event::Received)));
            }
            let next = session.next_deadline().unwrap_or(Nanos::MAX).min(limit);
            if !course.alarm.rings(&self.place.timer, next, cx) {
                return Poll::Pending;
            }
            if self.place.now() >= limit {
                return Poll::Ready(None);
            }
        };
        let event = poll_fn(&mut poll).await;
        // Between two reads, with nothing borrowed: what became due meanwhile goes out now.
        if let Some(at) = listener.last_received() {
            self.place.pulse.beat(at);
        }
        event
    }

    /// Polls the session; what the client is to send goes out before it, until it leaves.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        session: &mut dyn Session,
        listener: &mut Listener<'_>,
    ) -> Poll<Result<Event, Failure>> {
        let outbox = self.state.outbox.as_ref().filter(|_| !listener.is_leaving());
        let Some(outbox) = outbox else { return session.poll_event(cx, listener) };
        outbox.send(cx, session)?;
        let polled = session.poll_event(cx, listener);
        outbox.sent(session);
        polled
    }

    /// What the client was to send and has not is not published; nor is what is due before it has a
    /// session again.
    pub(super) fn sends_no_more(&self, failure: Failure) {
        self.state.outbox.iter().for_each(|outbox| outbox.close(failure));
    }

    /// Counts the bytes of connections that came to no session.
    pub(super) fn count_spent(&self) {
        let spent = self.endpoint.memory.borrow_mut().take_spent();
        if let (Some(spent), Ok(mut recorder)) = (spent, self.place.recorder.try_borrow_mut()) {
            recorder.traffic(self.place.now(), spent);
        }
    }

    /// Writes down how a WebSocket ended.
    pub(super) fn closed(&self, closing: &Closing) {
        let Closing { code, reason, clean } = closing;
        self.place.recorder.borrow_mut().closed(self.place.now(), *code, reason, *clean);
    }

    /// A WebSocket ended without a close frame.
    pub(super) fn cut(&self) {
        if self.place.close_codes {
            self.closed(&Closing { code: NO_CLOSE, reason: String::new(), clean: false });
        }
    }
}
