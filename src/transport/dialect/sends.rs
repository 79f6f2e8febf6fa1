//! What a session sends, over its carrier or over the dialect's own connection, and the answers there.

use super::engine::{excerpt, is_good};
use super::filter::{Around, Filter};
use super::line::Job;
use super::seen::Seen;
use super::session::DialectSession;
use super::{Happening, Outgoing};
use crate::model::{Failure, Nanos};
use crate::scenario::{DialectSpec, RequestSpec, StepAction, StepSpec};
use crate::transport::{Sink, Unit, UnitKind, unexpected};
use std::rc::Rc;
use std::task::{Context, Poll};

impl DialectSession {
    /// Sends what rules and steps have queued, as far as there is a way.
    pub(super) fn send_out(&mut self) {
        let compiled = Rc::clone(&self.engine.compiled);
        while self.engine.end.is_none() && !self.leaving {
            if self.line.as_ref().is_some_and(|line| line.is_busy()) {
                return;
            }
            let Some(next) = self.engine.next_out() else { return };
            let done = match (&next, &compiled.spec.send_by) {
                (Outgoing::Text(body), None) => {
                    if let Some(trace) = &compiled.trace {
                        trace.tell(&Happening::Sent { body });
                    }
                    self.inner
                        .send(body, compiled.spec.request.binary)
                        .map_err(|failure| (failure, String::new()))
                }
                (Outgoing::Text(body), Some(request)) => self
                    .engine
                    .vars
                    .set_text(body)
                    .and_then(|()| self.begin(Job::Send, request))
                    .map_err(|why| (Failure::RuleFailed, why)),
                (Outgoing::Step(at), _) => match &compiled.spec.steps[*at].action {
                    StepAction::Http(request) => {
                        self.begin(Job::Step(*at), request).map_err(|why| (Failure::NotReady, why))
                    }
                    StepAction::Send(_) | StepAction::Wait => Ok(()),
                },
            };
            match done {
                Ok(()) => {}
                // The carrier has put it into words itself.
                Err((failure, why)) if why.is_empty() => {
                    let why = self.memory.borrow_mut().detail.take();
                    self.engine.fail(failure, why.unwrap_or_else(|| "a send was refused".to_owned()));
                }
                Err((failure, why)) => self.engine.fail(failure, why),
            }
        }
    }

    fn begin(&mut self, job: Job, request: &RequestSpec) -> Result<(), String> {
        let compiled = Rc::clone(&self.engine.compiled);
        match &mut self.line {
            Some(line) => line.begin(job, request, &mut self.engine.vars, &compiled),
            None => Err("no connection for requests".to_owned()),
        }
    }

    /// Goes on with the dialect's own request; `Ready` when an answer was dealt with.
    pub(super) fn poll_line(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<()> {
        let Some(line) = self.line.as_mut().filter(|line| line.is_busy()) else { return Poll::Pending };
        let polled = line.poll(cx);
        line.take_connects().iter().for_each(|(started, finished)| sink.connected(*started, *finished));
        match polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(failure)) => {
                self.engine.fail(failure, "a request of the dialect failed".to_owned())
            }
            Poll::Ready(Ok(Job::Step(at))) => self.step_answered(at, sink),
            Poll::Ready(Ok(Job::Send)) => self.send_answered(sink),
        }
        Poll::Ready(())
    }

    fn step_answered(&mut self, at: usize, sink: &mut dyn Sink) {
        let Some(line) = &self.line else { return };
        let answer = line.answer();
        let mut seen = Seen::unit(&answer.body);
        (seen.status, seen.head) = (answer.status, &answer.head);
        self.engine.tell_answer(answer.status, &answer.head, &answer.body);
        self.engine.step_answered(at, &seen, answer.received);
        let (kind, received, traffic) = (UnitKind::Control, answer.received, answer.traffic);
        sink.unit(&Unit { kind, received, body: &[], traffic: traffic.with_payload(0) });
    }

    /// The answer to a send goes by the rules like anything else that comes.
    fn send_answered(&mut self, sink: &mut dyn Sink) {
        let Some(line) = &self.line else { return };
        let answer = line.answer();
        self.engine.tell_answer(answer.status, &answer.head, &answer.body);
        let compiled = Rc::clone(&self.engine.compiled);
        let good = compiled.spec.send_by.as_ref().is_none_or(|by| is_good(&by.status, answer.status));
        let known = compiled.rules.iter().any(|r| r.pattern.spec.status.contains(&answer.status));
        if !good && !known {
            let detail = format!("send_by: status {}, body {}", answer.status, excerpt(&answer.body));
            self.engine.fail(unexpected(answer.status), detail);
        }
        let kind = if answer.body.is_empty() { UnitKind::Empty } else { UnitKind::Data };
        let unit = Unit { kind, received: answer.received, body: &answer.body, traffic: answer.traffic };
        let mut around = Around::answer(answer.status, &answer.head);
        let mut told = Quiet { sink, good };
        let cutter = self.cutter.as_deref_mut().filter(|cutter| !cutter.across);
        Filter { engine: &mut self.engine, around: &mut around, cutter, sink: &mut told }.unit(&unit);
    }
}

/// Hands on the answer to a send: it is a message or nothing, never a refused poll or an empty one.
struct Quiet<'a> {
    sink: &'a mut dyn Sink,
    good: bool,
}

impl Sink for Quiet<'_> {
    fn unit(&mut self, unit: &Unit<'_>) {
        let stays = unit.kind == UnitKind::Data && self.good;
        let kind = if stays { UnitKind::Data } else { UnitKind::Control };
        self.sink.unit(&Unit { kind, ..*unit });
    }

    fn connected(&mut self, started: Nanos, finished: Nanos) {
        self.sink.connected(started, finished);
    }
}

/// Whether a dialect has use for a connection of its own once its session is open.
pub(super) fn needs_line(spec: &DialectSpec, done: usize) -> bool {
    let later = |s: &StepSpec| matches!(s.action, StepAction::Http(_));
    spec.send_by.is_some() || spec.steps.iter().skip(done).any(later)
}
