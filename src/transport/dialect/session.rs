//! A session that speaks a dialect: the carrier's session, its rules, and what they send.

use super::engine::{Ending, Engine};
use super::filter::{Around, Cutter, Filter};
use super::line::Line;
use super::pulse::{Due, Pulse};
use super::seen::Seen;
use super::{Happening, Outgoing};
use crate::clock::Clock;
use crate::model::{Failure, Nanos, Traffic};
use crate::net::Memory;
use crate::scenario::Names;
use crate::transport::{Closing, Event, Session, Sink, Unit, UnitKind};
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Sessions in a row that rules may end to be opened again, without readiness between.
const MOST_AGAINS: u32 = 10;
/// The code of a normal close (RFC 6455, section 7.4.1).
const NORMAL: u16 = 1000;

/// See the module.
pub(super) struct DialectSession {
    pub(super) inner: Box<dyn Session>,
    pub(super) engine: Box<Engine>,
    pub(super) clock: Clock,
    pub(super) memory: Rc<RefCell<Memory>>,
    pub(super) around: Around,
    pub(super) cutter: Option<Box<Cutter>>,
    /// The dialect's own connection, where it has use for one.
    pub(super) line: Option<Box<Line>>,
    pub(super) pulse: Option<Box<Pulse>>,
    /// What the first poll hands over.
    pub(super) untold: Option<Box<Untold>>,
    /// Bytes of the steps before, as handshake.
    pub(super) steps: Traffic,
    /// The client was shown that it is ready.
    pub(super) told_ready: bool,
    /// The carrier's request was answered; what rules sent is still under way.
    pub(super) answered: bool,
    /// It leaves: rules are done with.
    pub(super) leaving: bool,
}

/// What happened before anybody could be told.
#[derive(Default)]
pub(super) struct Untold {
    pub(super) connects: Vec<(Nanos, Nanos)>,
    pub(super) traffic: Traffic,
    pub(super) received: Nanos,
}

impl Session for DialectSession {
    fn request(&mut self) {
        if self.engine.compiled.moving {
            self.aim_anew();
        }
        self.answered = false;
        self.inner.request();
    }

    fn poll_event(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        if let Some(untold) = self.untold.take() {
            untold.connects.iter().for_each(|(started, finished)| sink.connected(*started, *finished));
            let (kind, received) = (UnitKind::Control, untold.received);
            sink.unit(&Unit { kind, received, body: &[], traffic: untold.traffic });
        }
        loop {
            if let Some(done) = self.finish() {
                return Poll::Ready(done);
            }
            if self.engine.is_ready() && !std::mem::replace(&mut self.told_ready, true) {
                self.memory.borrow_mut().more.get_or_insert_default().agains = 0;
                if !self.is_pull() {
                    return Poll::Ready(Ok(Event::Received));
                }
            }
            self.send_out();
            self.beat();
            let line = self.poll_line(cx, sink);
            if self.engine.end.is_some() || (line.is_ready() && !self.line_is_done()) {
                continue;
            }
            if self.answered {
                if self.line_is_done() {
                    self.answered = false;
                    return Poll::Ready(Ok(Event::Answered));
                }
                return Poll::Pending;
            }
            let Poll::Ready(event) = self.poll_inner(cx, sink) else {
                if self.has_more() {
                    continue;
                }
                return Poll::Pending;
            };
            if let Some(done) = self.after(event) {
                return Poll::Ready(done);
            }
        }
    }

    fn abort(&mut self) {
        self.inner.abort();
        if let Some(line) = &mut self.line {
            line.abort();
        }
    }

    fn is_ready(&self) -> bool {
        self.engine.is_ready() && self.inner.is_ready()
    }

    fn send(&mut self, body: &[u8], binary: bool) -> Result<(), Failure> {
        if self.engine.compiled.spec.send_by.is_some() {
            self.engine.queue(Outgoing::Text(body.to_vec()));
            return Ok(());
        }
        self.inner.send(body, binary)
    }

    fn unsent(&self) -> usize {
        self.inner.unsent() + self.engine.unsent()
    }

    fn leave(&mut self) -> bool {
        self.leaving = true;
        self.inner.leave()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn closing(&self) -> Option<&Closing> {
        self.inner.closing()
    }

    fn next_deadline(&self) -> Option<Nanos> {
        let pulse = self.pulse.as_ref().and_then(|p| p.next(self.sign()));
        [pulse, self.engine.settle_at, self.inner.next_deadline()].into_iter().flatten().min()
    }

    fn wire(&self) -> Traffic {
        let line = self.line.as_ref().map(|line| line.wire()).unwrap_or_default();
        self.inner.wire() + self.steps + line
    }
}

impl DialectSession {
    fn is_pull(&self) -> bool {
        self.engine.compiled.pull
    }

    /// When the peer last gave a sign that counts for the keep-alive.
    fn sign(&self) -> Nanos {
        if self.engine.compiled.pongs { self.engine.ponged } else { self.engine.heard }
    }

    /// Path and body of the next request, with the variables as they are now.
    fn aim_anew(&mut self) {
        let compiled = Rc::clone(&self.engine.compiled);
        let request = &compiled.spec.request;
        if request.path.names(Names::CURSOR) || request.body.names(Names::CURSOR) {
            let memory = self.memory.borrow();
            let cursor = compiled.cursor(&memory);
            // A cursor larger than any variable stays what it was.
            let _ = self.engine.vars.set(Names::CURSOR, cursor.as_bytes());
        }
        let path = self.engine.vars.render(&request.path, compiled.names());
        let body = self.engine.vars.render(&request.body, compiled.names());
        match (path, body) {
            (Ok(path), Ok(body)) => self.inner.aim(&super::line::path(&path), &body),
            (Err(why), _) | (_, Err(why)) => self.engine.fail(Failure::NotReady, why),
        }
    }

    /// Ends the session, when something has said so.
    fn finish(&mut self) -> Option<Result<Event, Failure>> {
        let done = match self.engine.end.take()? {
            Ending::Failed(failure, detail) => {
                self.tell_over(&detail);
                self.memory.borrow_mut().tell(detail);
                if failure == Failure::ResumeLost {
                    self.forget();
                }
                Err(failure)
            }
            Ending::Again(by) => {
                self.tell_over("opened again");
                self.again(&by)
            }
            Ending::Close if self.leaving => return None,
            Ending::Close => {
                self.tell_over("closed by a rule");
                if self.leave() {
                    return None;
                }
                let reason = "closed by a rule".to_owned();
                Ok(Event::Closed(Box::new(Closing { code: NORMAL, reason, clean: true })))
            }
        };
        self.keep();
        self.abort();
        Some(done)
    }

    fn tell_over(&self, how: &str) {
        if let Some(trace) = &self.engine.compiled.trace {
            trace.tell(&Happening::Over { how });
        }
    }

    fn again(&mut self, by: &str) -> Result<Event, Failure> {
        let mut memory = self.memory.borrow_mut();
        let more = memory.more.get_or_insert_default();
        more.agains += 1;
        if more.agains > MOST_AGAINS {
            more.agains = 0;
            memory.tell(format!(
                "{by}: {MOST_AGAINS} sessions in a row were opened again, and none became ready"
            ));
            return Err(Failure::RuleLoop);
        }
        Ok(Event::Ended)
    }

    /// Whether nothing is under way, nor to be sent, on the dialect's own connection.
    fn line_is_done(&self) -> bool {
        !self.engine.has_out() && self.line.as_ref().is_none_or(|line| !line.is_busy())
    }

    /// Whether a poll that came to nothing has left something to do.
    fn has_more(&self) -> bool {
        let busy = self.line.as_ref().is_some_and(|line| line.is_busy());
        self.engine.end.is_some()
            || (self.engine.has_out() && !busy && !self.leaving)
            || (self.engine.is_ready() && !self.told_ready)
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        if self.leaving {
            return self.inner.poll_event(cx, sink);
        }
        let cutter = self.cutter.as_deref_mut();
        let (engine, around) = (&mut *self.engine, &mut self.around);
        self.inner.poll_event(cx, &mut Filter { engine, around, cutter, sink })
    }

    /// What the carrier's event comes to; `None`: go on.
    fn after(&mut self, event: Result<Event, Failure>) -> Option<Result<Event, Failure>> {
        match event {
            Ok(Event::Received) if self.has_more() => None,
            Ok(Event::Received) => Some(Ok(Event::Received)),
            Ok(Event::Answered) => {
                self.answered = true;
                None
            }
            Ok(Event::Ended) => self.ended(None, b"", Ok(Event::Ended)),
            Ok(Event::Closed(closing)) => {
                let (code, reason) = (closing.code, closing.reason.clone());
                self.ended(Some(code), reason.as_bytes(), Ok(Event::Closed(closing)))
            }
            Err(failure @ (Failure::ClosedEarly | Failure::Reset)) => self.ended(None, b"", Err(failure)),
            Err(failure) => {
                self.keep();
                Some(Err(failure))
            }
        }
    }

    /// The session has ended by itself: a rule may know better what that means.
    fn ended(
        &mut self,
        close: Option<u16>,
        reason: &[u8],
        plainly: Result<Event, Failure>,
    ) -> Option<Result<Event, Failure>> {
        if !self.leaving && self.engine.end.is_none() {
            let mut seen = Seen::unit(reason);
            (seen.close, seen.end) = (close, true);
            self.engine.over(&seen, self.clock.now());
        }
        if matches!(self.engine.end, Some(Ending::Failed(..) | Ending::Again(_))) {
            return self.finish();
        }
        if !self.engine.is_ready() {
            let mut memory = self.memory.borrow_mut();
            // No rule wanted this end: it is not one to be opened again.
            memory.more.iter_mut().for_each(|more| more.agains = 0);
            let waiting = || format!("it ended before it was ready: {}", self.engine.waiting_for());
            memory.detail.get_or_insert_with(waiting);
        }
        self.keep();
        Some(plainly)
    }

    /// Timers: readiness that only time tells, and the keep-alive.
    fn beat(&mut self) {
        let settles = self.engine.settle_at.is_some();
        if self.leaving || (!settles && self.pulse.is_none()) {
            return;
        }
        let now = self.clock.now();
        if self.engine.settle_at.is_some_and(|at| now >= at) {
            self.engine.becomes_ready();
        }
        let sign = self.sign();
        let Some(pulse) = &mut self.pulse else { return };
        let compiled = Rc::clone(&self.engine.compiled);
        if let Err(why) = pulse.learn(&mut self.engine.vars, &compiled, now) {
            return self.engine.fail(Failure::RuleFailed, why);
        }
        match pulse.due(now, sign) {
            Due::Nothing => {}
            Due::Dead => self.engine.fail(Failure::DeadPeer, "keepalive: nothing came in time".to_owned()),
            Due::Send => self.engine.send_keepalive(),
        }
    }

    /// Leaves to the next session of this client what the dialect keeps.
    fn keep(&mut self) {
        let keep = &self.engine.compiled.spec.keep;
        if keep.is_empty() {
            return;
        }
        let value = |slot: &u16| self.engine.vars.get(*slot).map(|value| (*slot, value.to_vec()));
        let kept: Vec<_> = keep.iter().filter_map(value).collect();
        self.memory.borrow_mut().more.get_or_insert_default().kept = kept;
    }

    /// What was kept is of no use any more.
    fn forget(&mut self) {
        for slot in self.engine.compiled.spec.keep.clone() {
            self.engine.vars.unset(slot);
        }
        if let Some(more) = &mut self.memory.borrow_mut().more {
            more.kept.clear();
        }
    }
}

impl Drop for DialectSession {
    fn drop(&mut self) {
        self.keep();
    }
}
