//! The rules at work: what comes in is judged, what it asks for is queued. Does no I/O.

use super::compiled::{Compiled, Rule};
use super::guard::Guard;
use super::seen::{Seen, Source};
use super::vars::Vars;
use super::words::{describe, excerpt, is_good};
use super::{Happening, Outgoing};
use crate::model::{Failure, Nanos};
use crate::scenario::{ReadySpec, StepAction, StepSpec, Template, Then};
use std::collections::VecDeque;
use std::rc::Rc;

/// Most texts that wait to be sent.
const MOST_WAITING: usize = 256;
/// Most bytes of them together.
const MOST_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// What a unit is, as the rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A message.
    Deliver,
    /// Something that a rule or a step knows.
    Known,
    /// "Nothing new".
    Empty,
    /// No rule knows it.
    Unknown,
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is to be left in due form.
    Close,
    /// It is to be opened again at once; by which rule.
    Again(String),
    /// It has failed; why, in words.
    Failed(Failure, String),
}

/// See the module. One for each session.
pub(super) struct Engine {
    pub(super) compiled: Rc<Compiled>,
    pub(super) vars: Vars,
    /// What the session is to do next about its end.
    pub(super) end: Option<Ending>,
    /// When anything was last heard of the peer.
    pub(super) heard: Nanos,
    /// When our keep-alive was last answered.
    pub(super) ponged: Nanos,
    /// When the target counts as having subscribed us, if it never says.
    pub(super) settle_at: Option<Nanos>,
    out: VecDeque<Outgoing>,
    out_bytes: usize,
    /// The step under way.
    step: usize,
    waits: bool,
    ready: bool,
    guard: Guard,
}

impl Engine {
    pub(super) fn new(compiled: Rc<Compiled>, vars: Vars) -> Engine {
        Engine {
            compiled,
            vars,
            end: None,
            heard: Nanos::ZERO,
            ponged: Nanos::ZERO,
            settle_at: None,
            out: VecDeque::new(),
            out_bytes: 0,
            step: 0,
            waits: false,
            ready: false,
            guard: Guard::default(),
        }
    }

    /// Whether the session can receive.
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    /// The next thing to send.
    pub(super) fn next_out(&mut self) -> Option<Outgoing> {
        let next = self.out.pop_front()?;
        self.out_bytes -= next.bytes();
        if self.out.is_empty() {
            self.out = VecDeque::new();
        }
        Some(next)
    }

    /// Bytes of texts that wait to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.out_bytes
    }

    pub(super) fn has_out(&self) -> bool {
        !self.out.is_empty()
    }

    /// The session is open; `done` steps were done before.
    pub(super) fn opened(&mut self, done: usize, now: Nanos) {
        self.step = done;
        (self.heard, self.ponged) = (now, now);
        if self.compiled.spec.ready == ReadySpec::Open {
            self.becomes_ready();
        }
        self.advance(now);
    }

    /// Begins the next steps, up to one that something must come for.
    pub(super) fn advance(&mut self, now: Nanos) {
        let compiled = Rc::clone(&self.compiled);
        while let Some(step) = compiled.spec.steps.get(self.step) {
            self.tell_step(self.step, step);
            match &step.action {
                StepAction::Http(_) => {
                    self.queue(Outgoing::Step(self.step));
                    return;
                }
                StepAction::Send(texts) => {
                    let number = self.step + 1;
                    self.send(texts, || format!("step {number}"));
                }
                StepAction::Wait => {}
            }
            if step.expect.is_some() {
                self.waits = true;
                return;
            }
            self.step += 1;
        }
        match compiled.spec.ready {
            ReadySpec::Steps => self.becomes_ready(),
            ReadySpec::Settle(after) => self.settle_at = self.settle_at.or(Some(now + after)),
            ReadySpec::Open | ReadySpec::Rule => {}
        }
    }

    pub(super) fn tell_step(&self, at: usize, step: &StepSpec) {
        if let Some(trace) = &self.compiled.trace {
            trace.tell(&Happening::Step { number: at + 1, what: &describe(step) });
        }
    }

    /// The target counts as having subscribed us, from now on.
    pub(super) fn becomes_ready(&mut self) {
        self.settle_at = None;
        if std::mem::replace(&mut self.ready, true) {
            return;
        }
        self.guard.progress();
        if let Some(trace) = &self.compiled.trace {
            trace.tell(&Happening::Ready);
        }
    }

    /// What the session waits for, while it is not ready.
    pub(super) fn waiting_for(&self) -> String {
        match self.compiled.spec.steps.get(self.step) {
            Some(step) => format!("step {} ({}) was not answered as expected", self.step + 1, describe(step)),
            None => "no rule said \"ready\"".to_owned(),
        }
    }

    /// A message came that no rule is to look at.
    pub(super) fn delivered(&mut self, now: Nanos) {
        self.heard = now;
        self.guard.progress();
    }

    /// Judges a unit that came at `now`, and does what the first rule that knows it says.
    pub(super) fn judge(&mut self, seen: &Seen<'_>, now: Nanos) -> Verdict {
        self.heard = now;
        if seen.stamped {
            self.guard.progress();
            self.apply(seen, now);
            return Verdict::Deliver;
        }
        if self.expected(seen, now) {
            return Verdict::Known;
        }
        match self.apply(seen, now) {
            Some(verdict) => verdict,
            None => self.unknown(seen),
        }
    }

    fn unknown(&mut self, seen: &Seen<'_>) -> Verdict {
        if let Some(trace) = &self.compiled.trace {
            trace.tell(&Happening::Unmatched { body: seen.body });
        }
        if self.compiled.spec.strict {
            let detail = format!("no rule knows {}", excerpt(seen.body));
            self.fail(Failure::Unmatched, detail);
        }
        Verdict::Unknown
    }

    /// The session has ended by itself: whether a rule knows what to do about it.
    pub(super) fn over(&mut self, seen: &Seen<'_>, now: Nanos) -> bool {
        self.apply(seen, now).is_some()
    }

    /// Whether it is what the step under way waits for.
    fn expected(&mut self, seen: &Seen<'_>, now: Nanos) -> bool {
        let compiled = Rc::clone(&self.compiled);
        let Some(step) = compiled.steps.get(self.step).filter(|_| self.waits) else { return false };
        if !step.pattern.as_ref().is_some_and(|p| p.fits(seen)) {
            return false;
        }
        self.step_done(seen, &step.sets, now);
        true
    }

    fn step_done(&mut self, seen: &Seen<'_>, sets: &[(u16, Source)], now: Nanos) {
        let number = self.step + 1;
        if let Some(trace) = &self.compiled.trace {
            trace.tell(&Happening::Expected { number });
        }
        self.guard.progress();
        (self.waits, self.step) = (false, self.step + 1);
        self.set(sets, seen, true, || format!("step {number}"));
        if self.end.is_none() {
            self.advance(now);
        }
    }

    /// The answer to an HTTP step is here.
    pub(super) fn step_answered(&mut self, at: usize, seen: &Seen<'_>, now: Nanos) {
        let compiled = Rc::clone(&self.compiled);
        if let Err(detail) = self.check_step(at, seen) {
            return self.fail(Failure::NotReady, detail);
        }
        self.step_done(seen, &compiled.steps[at].sets, now);
    }

    /// The answer to an HTTP step that was done before the session.
    ///
    /// # Errors
    /// In words: a status that is not good, or not what was expected.
    pub(super) fn step_before(&mut self, at: usize, seen: &Seen<'_>) -> Result<(), String> {
        self.check_step(at, seen)?;
        let compiled = Rc::clone(&self.compiled);
        self.set(&compiled.steps[at].sets, seen, true, || format!("step {}", at + 1));
        match self.end.take() {
            Some(Ending::Failed(_, detail)) => Err(detail),
            _ => Ok(()),
        }
    }

    fn check_step(&self, at: usize, seen: &Seen<'_>) -> Result<(), String> {
        let step = &self.compiled.spec.steps[at];
        let StepAction::Http(request) = &step.action else { return Ok(()) };
        let what = || format!("step {} ({})", at + 1, describe(step));
        if !is_good(&request.status, seen.status) {
            return Err(format!("{}: status {}, body {}", what(), seen.status, excerpt(seen.body)));
        }
        match &self.compiled.steps[at].pattern {
            Some(pattern) if !pattern.fits(seen) => {
                Err(format!("{}: wanted {}, body {}", what(), pattern.label, excerpt(seen.body)))
            }
            _ => Ok(()),
        }
    }

    /// Does what the first rule that knows it says; what it makes of it.
    fn apply(&mut self, seen: &Seen<'_>, now: Nanos) -> Option<Verdict> {
        let compiled = Rc::clone(&self.compiled);
        let at = compiled.rules.iter().position(|rule| rule.pattern.fits(seen))?;
        let (rule, spec) = (&compiled.rules[at], &compiled.spec.rules[at]);
        if let Some(trace) = &compiled.trace {
            let words: Vec<String> = spec.then.iter().map(Then::word).collect();
            let then = words.join(", ");
            trace.tell(&Happening::Rule { number: at + 1, by: &rule.pattern.label, then: &then });
        }
        self.set(&rule.sets, seen, false, || rule.label.clone());
        let message = compiled.own_feed && spec.then.contains(&Then::Deliver);
        if !spec.send.is_empty() {
            self.send_by_rule(rule, &spec.send, message, now);
        } else if message {
            self.guard.progress();
        }
        let mut verdict = Verdict::Known;
        for then in &spec.then {
            self.then(then, rule, now, &mut verdict);
        }
        Some(verdict)
    }

    fn then(&mut self, then: &Then, rule: &Rule, now: Nanos, verdict: &mut Verdict) {
        match then {
            Then::Ready => self.becomes_ready(),
            Then::Deliver => *verdict = Verdict::Deliver,
            Then::Empty => *verdict = Verdict::Empty,
            Then::Pong => self.ponged = now,
            Then::ResumeLost => self.fail(Failure::ResumeLost, rule.label.clone()),
            Then::Close => self.end = self.end.take().or(Some(Ending::Close)),
            Then::Again => self.end = self.end.take().or_else(|| Some(Ending::Again(rule.label.clone()))),
            Then::Fail(why) if why.is_empty() => self.fail(Failure::RuleFailed, rule.label.clone()),
            Then::Fail(why) => self.fail(Failure::RuleFailed, format!("{}: {why}", rule.label)),
        }
    }

    /// The session has failed; the first failure counts.
    pub(super) fn fail(&mut self, failure: Failure, detail: String) {
        if !matches!(self.end, Some(Ending::Failed(..))) {
            self.end = Some(Ending::Failed(failure, detail));
        }
    }

    /// What a fault of the rules themselves is.
    fn fault(&self) -> Failure {
        if self.ready { Failure::RuleFailed } else { Failure::NotReady }
    }

    fn set(&mut self, sets: &[(u16, Source)], seen: &Seen<'_>, must: bool, who: impl Fn() -> String) {
        let compiled = Rc::clone(&self.compiled);
        for (slot, source) in sets {
            let name = compiled.names().name(*slot);
            let done = match source {
                Source::Template(template) => self
                    .vars
                    .render(template, compiled.names())
                    .and_then(|value| self.vars.set(*slot, &value)),
                found => match found.find(seen) {
                    Some(value) => self.vars.set(*slot, &value),
                    None if must => Err(format!("nothing for it in {}", excerpt(seen.body))),
                    None => continue,
                },
            };
            match (done, &compiled.trace) {
                (Err(why), _) => return self.fail(self.fault(), format!("{}: `{name}`: {why}", who())),
                (Ok(()), Some(trace)) => {
                    let value = self.vars.get(*slot).unwrap_or_default();
                    trace.tell(&Happening::Set { name, value });
                }
                (Ok(()), None) => {}
            }
        }
    }

    fn send_by_rule(&mut self, rule: &Rule, texts: &[Template], message: bool, now: Nanos) {
        if let Some(over) = self.guard.sends(texts.len(), now, message) {
            let detail = format!("{}: {}, and nothing came of them", rule.label, over.words());
            return self.fail(Failure::RuleLoop, detail);
        }
        self.send(texts, || rule.label.clone());
    }

    fn send(&mut self, texts: &[Template], who: impl Fn() -> String) {
        let compiled = Rc::clone(&self.compiled);
        for template in texts {
            match self.vars.render(template, compiled.names()) {
                Ok(body) => self.queue_for(Outgoing::Text(body), &who),
                Err(why) => return self.fail(self.fault(), format!("{}: {why}", who())),
            }
        }
    }

    /// The keep-alive is due.
    pub(super) fn send_keepalive(&mut self) {
        let compiled = Rc::clone(&self.compiled);
        let text = compiled.spec.keepalive.as_ref().and_then(|k| k.send.as_ref());
        self.send(text.map_or(&[], std::slice::from_ref), || "keepalive".to_owned());
    }

    /// Tells of the answer to a request of the dialect's own.
    pub(super) fn tell_answer(&self, status: u16, head: &[u8], body: &[u8]) {
        if let Some(trace) = &self.compiled.trace {
            trace.tell(&Happening::Answer { status, head, body });
        }
    }

    /// Queues what is to be sent.
    pub(super) fn queue(&mut self, what: Outgoing) {
        self.queue_for(what, &|| "what is to be sent".to_owned());
    }

    fn queue_for(&mut self, what: Outgoing, who: &dyn Fn() -> String) {
        self.out_bytes += what.bytes();
        self.out.push_back(what);
        if self.out.len() > MOST_WAITING || self.out_bytes > MOST_WAITING_BYTES {
            let most = format!("{MOST_WAITING} texts, or {MOST_WAITING_BYTES} bytes");
            self.fail(Failure::RuleLoop, format!("{}: more than {most}, wait to be sent", who()));
        }
    }
}
