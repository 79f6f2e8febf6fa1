//! Dialects as data: a carrier around another one, whose sessions go by the rules of a scenario.
//!
//! It knows no dialect: what is matched, set, sent and delivered is the scenario's business. Units
//! that hold a stamp of this run go through untouched, so that nothing is parsed on the hot path.

mod compiled;
mod engine;
mod filter;
mod guard;
mod line;
mod mqtt;
mod pulse;
mod rehearse;
mod seen;
mod sends;
mod session;
mod trace;
mod vars;
mod words;

pub use rehearse::Rehearsal;
pub use trace::{Happening, Trace};

use super::split::Splitter;
use super::{Carrier, LocalBoxFuture, Rhythm, Session, http1};
use crate::model::{Failure, RunTag, Traffic};
use crate::net::{Dialer, Endpoint};
use crate::scenario::{DialectSpec, Names, ReadySpec, SplitSpec, StepAction};
use compiled::Compiled;
use engine::Engine;
use filter::{Around, Cutter};
use line::{Line, header, path};
use seen::Seen;
use session::{DialectSession, Untold};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use vars::Vars;

/// Something to send.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outgoing {
    /// A message.
    Text(Vec<u8>),
    /// The HTTP request of the step with this index.
    Step(usize),
}

impl Outgoing {
    fn bytes(&self) -> usize {
        match self {
            Outgoing::Text(body) => body.len(),
            Outgoing::Step(_) => 0,
        }
    }
}

/// A carrier whose sessions speak a dialect. One for each group and worker thread.
pub struct Dialect {
    inner: Box<dyn Carrier>,
    compiled: Rc<Compiled>,
}

impl Dialect {
    /// The carrier with a dialect around it. Stamps of `tag` are ours; what is random follows `seed`
    /// and the client. `headers` are those of the dialect's own requests: whole lines, each ended by
    /// CRLF (see [`super::block`]).
    pub fn new(
        inner: Box<dyn Carrier>,
        spec: Arc<DialectSpec>,
        tag: RunTag,
        seed: u64,
        headers: String,
    ) -> Dialect {
        let pull = inner.rhythm() != Rhythm::Push;
        let mut compiled = Compiled::new(spec, tag, seed, headers);
        compiled.pull = pull;
        Dialect { inner, compiled: Rc::new(compiled) }
    }

    /// The same for a target that publishes by itself: what rules call a message is one, though
    /// nothing in it says so.
    #[must_use]
    pub fn own_feed(mut self, own: bool) -> Dialect {
        if let Some(compiled) = Rc::get_mut(&mut self.compiled) {
            compiled.own_feed = own;
        }
        self
    }

    /// The same, with somebody who is told of everything: for one client, not for runs.
    #[must_use]
    pub fn traced(mut self, trace: Rc<dyn Trace>) -> Dialect {
        if let Some(compiled) = Rc::get_mut(&mut self.compiled) {
            compiled.trace = Some(trace);
        }
        self
    }
}

impl Carrier for Dialect {
    /// The inner carrier's; a held request counts as subscribed when the dialect says so.
    fn rhythm(&self) -> Rhythm {
        match (self.inner.rhythm(), self.compiled.spec.ready) {
            (Rhythm::Held { .. }, ReadySpec::Settle(settle)) => Rhythm::Held { settle },
            (rhythm, _) => rhythm,
        }
    }

    fn open<'a>(
        &'a self,
        dial: &'a Dialer,
        to: &'a Endpoint,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Session>, Failure>> {
        Box::pin(async move {
            let told = |detail: String| {
                to.memory.borrow_mut().tell(detail);
                Failure::NotReady
            };
            let mut engine = Box::new(self.engine(to).map_err(told)?);
            let mut line = Box::new(Line::new(dial, to));
            let done = self.steps_before(&mut engine, &mut line, to).await?;
            let inner_to = self.endpoint(&mut engine.vars, to).map_err(told)?;
            let steps = line.settle();
            let mut connects = line.take_connects();
            let pinned = self.compiled.spec.same_connection.then(|| line.release()).flatten();
            if pinned.is_some() {
                // The carrier tells of it, as of its own.
                connects.pop();
            }
            let parking = pinned.map(|stream| dial.parking(stream));
            let inner = self.inner.open(parking.as_ref().unwrap_or(dial), &inner_to).await?;
            let now = dial.clock().now();
            let spec = &self.compiled.spec;
            let inner = match &spec.mqtt {
                None => inner,
                Some(mqtt) => mqtt::over(inner, mqtt, &mut engine.vars, &self.compiled, dial.clock(), to)
                    .map_err(told)?,
            };
            engine.opened(done, now);
            let untold = Untold { connects, traffic: steps, received: now };
            Ok(Box::new(DialectSession {
                inner,
                engine,
                clock: dial.clock(),
                memory: Rc::clone(&to.memory),
                around: Around::default(),
                cutter: cutter(spec).map_err(told)?,
                line: sends::needs_line(spec, done).then_some(line),
                pulse: spec.keepalive.as_ref().map(|_| Box::default()),
                untold: (done > 0).then(|| Box::new(untold)),
                steps: if done > 0 { steps } else { Traffic::default() },
                told_ready: false,
                answered: false,
                leaving: false,
            }) as Box<dyn Session>)
        })
    }
}

fn cutter(spec: &DialectSpec) -> Result<Option<Box<Cutter>>, String> {
    if spec.split == SplitSpec::Whole {
        return Ok(None);
    }
    let splitter = Splitter::new(&spec.split, http1::MAX_BODY_BYTES as usize, None).map_err(|f| f.detail)?;
    Ok(Some(Box::new(Cutter { splitter, across: spec.split_across, held: Traffic::default() })))
}

impl Dialect {
    /// The engine of a new session: variables at their start, and what the last session left.
    fn engine(&self, to: &Endpoint) -> Result<Engine, String> {
        let compiled = &self.compiled;
        let mut memory = to.memory.borrow_mut();
        let more = memory.more.get_or_insert_default();
        more.sessions += 1;
        let client = u64::from(to.client).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let seed = compiled.seed ^ client ^ more.sessions.rotate_left(32);
        let mut vars = Vars::new(compiled.names(), &to.channel, to.client, seed, compiled.spec.rows.clone());
        for (slot, template) in &compiled.spec.vars {
            let value = vars.render(template, compiled.names())?;
            vars.set(*slot, &value)?;
        }
        for (slot, value) in &more.kept {
            vars.set(*slot, value)?;
        }
        vars.set(Names::CURSOR, compiled.cursor(&memory).as_bytes())?;
        Ok(Engine::new(Rc::clone(compiled), vars))
    }

    /// The HTTP steps at the beginning; how many there were.
    async fn steps_before(
        &self,
        engine: &mut Engine,
        line: &mut Line,
        to: &Endpoint,
    ) -> Result<usize, Failure> {
        let compiled = &self.compiled;
        let mut done = 0;
        for step in &compiled.spec.steps {
            let StepAction::Http(request) = &step.action else { break };
            let told = |detail: String| {
                to.memory.borrow_mut().tell(detail);
                Failure::NotReady
            };
            engine.tell_step(done, step);
            line.begin(line::Job::Step(done), request, &mut engine.vars, compiled).map_err(told)?;
            let answered = poll_fn(|cx| line.poll(cx)).await;
            answered.inspect_err(|failure| {
                let detail =
                    format!("step {} ({} {}): {failure}", done + 1, request.method.as_str(), request.path);
                to.memory.borrow_mut().tell(detail);
            })?;
            let answer = line.answer();
            let mut seen = Seen::unit(&answer.body);
            (seen.status, seen.head) = (answer.status, &answer.head);
            engine.tell_answer(answer.status, &answer.head, &answer.body);
            engine.step_before(done, &seen).map_err(told)?;
            done += 1;
        }
        Ok(done)
    }

    /// Where the carrier attaches, with everything filled in.
    fn endpoint(&self, vars: &mut Vars, to: &Endpoint) -> Result<Endpoint, String> {
        let (names, request) = (self.compiled.names(), &self.compiled.spec.request);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let mut send = Vec::with_capacity(request.send.len());
        for template in &request.send {
            send.push(text(vars.render(template, names)?));
        }
        let mut filled = Endpoint {
            path: path(&vars.render(&request.path, names)?),
            body: text(vars.render(&request.body, names)?),
            send,
            ..to.clone()
        };
        if let Some(headers) = &request.headers {
            filled.headers.clear();
            for (name, value) in headers {
                filled.headers.push_str(&header(name, &vars.render(value, names)?)?);
            }
        }
        Ok(filled)
    }
}
