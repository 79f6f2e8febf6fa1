//! A mock target for clients over several sessions: each opening takes the next of a scripted list.

use crate::client::tests::{START, TAG, ms, workplace};
use crate::client::{ClientState, VirtualClient, Workplace};
use crate::clock::Clock;
use crate::model::{Backoff, Failure, LifeSpec, Nanos, Op, ReconnectSpec, Stamp, Traffic};
use crate::net::{Dialer, Endpoint, Memory};
use crate::record::{ChannelFeed, Closed, Counts, Snapshot, close_client};
use crate::transport::{Carrier, Closing, Event, LocalBoxFuture, Rhythm, Session, Sink, Unit, UnitKind};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// What a session does, each so long after the thing before.
#[derive(Clone, Debug)]
pub(super) enum Do {
    Message(u32, Nanos),
    Ready,
    Fail(Failure),
    Close,
    End,
    /// It ends because a rule wants it opened again.
    Again,
    /// The request is answered with nothing.
    Answer,
}

/// One opening.
#[derive(Clone, Debug)]
pub(super) enum Opening {
    Refused(Failure),
    /// Asks the client not to come again.
    LetAlone,
    /// Never comes about.
    Hangs,
    Session {
        ready: bool,
        answers_leave: bool,
        acts: Vec<(u64, Do)>,
    },
}

/// A pull session; its messages are answers.
pub(super) fn pulled(acts: &[(u64, Do)]) -> Opening {
    let acts = acts.iter().flat_map(|(span, act)| match act {
        Do::Message(..) => vec![(*span, act.clone()), (0, Do::Answer)],
        act => vec![(*span, act.clone())],
    });
    session(&acts.collect::<Vec<_>>())
}

pub(super) fn session(acts: &[(u64, Do)]) -> Opening {
    Opening::Session { ready: true, answers_leave: true, acts: acts.to_vec() }
}

struct Stages {
    rhythm: Rhythm,
    openings: RefCell<VecDeque<Opening>>,
    /// When each attempt began, since the start.
    attempts: RefCell<Vec<u64>>,
    /// What the server asks to wait, each time that it refuses or fails.
    asks: Option<Nanos>,
    log: Rc<RefCell<Vec<(u64, &'static str)>>>,
    /// When a session wants to be polled again, after its begin.
    wants: Option<Nanos>,
}

type Wait = Pin<Box<dyn Future<Output = ()>>>;

struct Played {
    clock: Clock,
    acts: VecDeque<(u64, Do)>,
    wait: Option<Wait>,
    ready: bool,
    answers_leave: bool,
    leaving: Option<Wait>,
    memory: Rc<RefCell<Memory>>,
    asks: Option<Nanos>,
    log: Rc<RefCell<Vec<(u64, &'static str)>>>,
    deadline: Option<Nanos>,
    aborted: bool,
}

#[expect(clippy::disallowed_methods, reason = "paused time is tokio's")]
fn after(span: u64) -> Wait {
    Box::pin(tokio::time::sleep(ms(span).into()))
}

fn since_start(clock: Clock) -> u64 {
    (clock.now() - START).0 / 1_000_000
}

impl Carrier for Stages {
    fn rhythm(&self) -> Rhythm {
        self.rhythm
    }

    fn open<'a>(
        &'a self,
        dial: &'a Dialer,
        to: &'a Endpoint,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Session>, Failure>> {
        self.attempts.borrow_mut().push(since_start(dial.clock()));
        let opening = self.openings.borrow_mut().pop_front().unwrap_or(Opening::Hangs);
        Box::pin(async move {
            match opening {
                Opening::Hangs => std::future::pending().await,
                Opening::Refused(failure) => {
                    let mut memory = to.memory.borrow_mut();
                    memory.retry_after = self.asks;
                    memory.tell("the door is shut");
                    Err(failure)
                }
                Opening::LetAlone => {
                    to.memory.borrow_mut().stay_away = true;
                    Err(Failure::ClosedByPeer)
                }
                Opening::Session { ready, answers_leave, acts } => {
                    let clock = dial.clock();
                    Ok(Box::new(Played {
                        clock,
                        acts: acts.into(),
                        wait: None,
                        ready,
                        answers_leave,
                        leaving: None,
                        memory: Rc::clone(&to.memory),
                        asks: self.asks,
                        log: Rc::clone(&self.log),
                        deadline: self.wants.map(|wants| clock.now() + wants),
                        aborted: false,
                    }) as Box<dyn Session>)
                }
            }
        })
    }
}

impl Played {
    fn unit(&self, kind: UnitKind, body: &[u8], sink: &mut dyn Sink) {
        let payload = body.len() as u64;
        let traffic = Traffic { payload, framing: 2, wire_in: payload + 2, ..Traffic::default() };
        sink.unit(&Unit { kind, received: self.clock.now(), body, traffic });
    }

    fn act(&mut self, act: Do, sink: &mut dyn Sink) -> Result<Event, Failure> {
        match act {
            Do::Message(sequence, due) => {
                let stamp = Stamp { run: TAG, channel: 0, sequence, due: START + due, late: Nanos::ZERO };
                self.unit(UnitKind::Data, &stamp.encode(), sink);
            }
            Do::Ready => self.ready = true,
            Do::Fail(failure) => {
                self.memory.borrow_mut().retry_after = self.asks;
                return Err(failure);
            }
            Do::Close => return Ok(closed(1012)),
            Do::End => return Ok(Event::Ended),
            Do::Again => {
                self.memory.borrow_mut().more.get_or_insert_default().agains += 1;
                return Ok(Event::Ended);
            }
            Do::Answer => {
                self.unit(UnitKind::Empty, b"", sink);
                return Ok(Event::Answered);
            }
        }
        Ok(Event::Received)
    }
}

fn closed(code: u16) -> Event {
    Event::Closed(Box::new(Closing { code, reason: "bye".to_owned(), clean: true }))
}

impl Session for Played {
    fn request(&mut self) {}

    fn poll_event(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        if self.deadline.is_some_and(|at| at <= self.clock.now()) {
            self.log.borrow_mut().push((since_start(self.clock), "polled"));
            self.deadline = None;
        }
        if let Some((span, _)) = self.acts.front() {
            let wait = self.wait.get_or_insert_with(|| after(*span));
            if wait.as_mut().poll(cx).is_ready() {
                self.wait = None;
                let act = self.acts.pop_front().map(|(_, act)| act);
                return Poll::Ready(act.map_or(Ok(Event::Received), |act| self.act(act, sink)));
            }
        }
        let Some(leaving) = &mut self.leaving else { return Poll::Pending };
        ready!(leaving.as_mut().poll(cx));
        Poll::Ready(Ok(closed(1000)))
    }

    fn abort(&mut self) {
        if !std::mem::replace(&mut self.aborted, true) {
            self.log.borrow_mut().push((since_start(self.clock), "aborted"));
        }
    }

    fn is_ready(&self) -> bool {
        self.ready
    }

    fn leave(&mut self) -> bool {
        self.log.borrow_mut().push((since_start(self.clock), "left"));
        self.leaving = Some(after(if self.answers_leave { 20 } else { 60_000 }));
        true
    }

    fn next_deadline(&self) -> Option<Nanos> {
        self.deadline
    }

    fn wire(&self) -> Traffic {
        Traffic::default()
    }
}

pub(super) struct Cast {
    pub(super) rhythm: Rhythm,
    pub(super) openings: Vec<Opening>,
    pub(super) reconnect: ReconnectSpec,
    pub(super) life: LifeSpec,
    pub(super) asks: Option<Nanos>,
    pub(super) wants: Option<Nanos>,
    pub(super) run_ms: u64,
}

impl Default for Cast {
    fn default() -> Cast {
        Cast {
            rhythm: Rhythm::Push,
            openings: Vec::new(),
            reconnect: fixed(100),
            life: LifeSpec::default(),
            asks: None,
            wants: None,
            run_ms: 1_000,
        }
    }
}

pub(super) fn fixed(pause: u64) -> ReconnectSpec {
    ReconnectSpec { backoff: Backoff::Fixed { interval: ms(pause) }, ..ReconnectSpec::default() }
}

pub(super) fn stays(stay: u64, away: Option<u64>) -> LifeSpec {
    LifeSpec { stay: Some(ms(stay)), away: away.map(ms), fixed: true }
}

pub(super) struct Outcome {
    pub(super) seen: Snapshot,
    pub(super) state: Rc<ClientState>,
    pub(super) attempts: Vec<u64>,
    pub(super) log: Vec<(u64, &'static str)>,
}

impl Outcome {
    pub(super) fn counts(&self, op: Op) -> Counts {
        self.seen.measured.operations_of(op)
    }

    pub(super) fn failures(&self, failure: Failure) -> u64 {
        self.seen.measured.failures[failure as usize]
    }

    /// Milliseconds in each ready state.
    pub(super) fn states(&self) -> [u64; 4] {
        self.seen.measured.ready_ns.map(|ns| ns / 1_000_000)
    }

    /// Its account against a feed with one message due each 10 ms from the start.
    pub(super) fn account(&self, messages: u32) -> Closed {
        let dues = (0..messages).map(|i| START + ms(u64::from(i) * 10)).collect();
        close_client(
            &self.state.ledger.borrow(),
            &ChannelFeed { measured: 0..messages, failed: vec![], dues, ..ChannelFeed::default() },
        )
    }
}

pub(super) fn play(cast: Cast) -> Outcome {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let clock = Clock::paused();
        let (life, reconnect, connect_timeout) = (cast.life, cast.reconnect, ms(500));
        let place = Rc::new(Workplace { life, reconnect, connect_timeout, ..workplace(clock) });
        let state = Rc::new(ClientState::default());
        let log = Rc::new(RefCell::new(Vec::new()));
        let carrier = Rc::new(Stages {
            rhythm: cast.rhythm,
            openings: RefCell::new(cast.openings.into()),
            attempts: RefCell::default(),
            asks: cast.asks,
            log: Rc::clone(&log),
            wants: cast.wants,
        });
        let client = VirtualClient {
            place: Rc::clone(&place),
            state: Rc::clone(&state),
            carrier: Rc::clone(&carrier) as Rc<dyn Carrier>,
            endpoint: Endpoint::new(([127, 0, 0, 1], 1).into(), "", "/"),
            due: START,
            phase: 0.5,
            seed: 7,
        };
        let life = client.run();
        FUTURE_BYTES.set(size_of_val(&life));
        let task = tokio::task::spawn_local(life);
        place.timer.sleep_until(START + ms(cast.run_ms)).await;
        task.abort();
        let _ = task.await;
        state.settle(&place);
        let seen = place.recorder.borrow_mut().take();
        let (attempts, log) = (carrier.attempts.borrow().clone(), log.borrow().clone());
        Outcome { seen, state, attempts, log }
    })
}

thread_local! {
    static FUTURE_BYTES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Bytes of a client's task.
pub(super) fn future_bytes() -> usize {
    play(Cast::default());
    FUTURE_BYTES.get()
}
