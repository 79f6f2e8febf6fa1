//! Clients over several sessions: each opening takes the next of a list of scripted ones.

use super::{START, TAG, ms};
use crate::client::{ClientState, VirtualClient, Workplace};
use crate::clock::{Clock, Timer};
use crate::model::{Backoff, Failure, LifeSpec, Nanos, Op, ReadyState, ReconnectSpec, Stage, Stamp, Traffic};
use crate::net::{Dialer, Endpoint, Memory};
use crate::record::{ChannelFeed, Closed, Counts, Recorder, Snapshot, close_client};
use crate::transport::{Carrier, Closing, Event, LocalBoxFuture, Rhythm, Session, Sink, Unit, UnitKind};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// What a session does, each so long after the thing before.
#[derive(Clone, Debug)]
enum Do {
    Message(u32, Nanos),
    Ready,
    Fail(Failure),
    Close,
    End,
    /// The request is answered with nothing.
    Answer,
}

/// One opening.
#[derive(Clone, Debug)]
enum Opening {
    Refused(Failure),
    /// Never comes about.
    Hangs,
    Session {
        ready: bool,
        answers_leave: bool,
        acts: Vec<(u64, Do)>,
    },
}

fn session(acts: &[(u64, Do)]) -> Opening {
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
        self.log.borrow_mut().push((since_start(self.clock), "aborted"));
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

struct Cast {
    rhythm: Rhythm,
    openings: Vec<Opening>,
    reconnect: ReconnectSpec,
    life: LifeSpec,
    asks: Option<Nanos>,
    wants: Option<Nanos>,
    run_ms: u64,
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

fn fixed(pause: u64) -> ReconnectSpec {
    ReconnectSpec { backoff: Backoff::Fixed { interval: ms(pause) }, ..ReconnectSpec::default() }
}

fn stays(stay: u64, away: Option<u64>) -> LifeSpec {
    LifeSpec { stay: Some(ms(stay)), away: away.map(ms), fixed: true }
}

struct Outcome {
    seen: Snapshot,
    state: Rc<ClientState>,
    attempts: Vec<u64>,
    log: Vec<(u64, &'static str)>,
}

impl Outcome {
    fn counts(&self, op: Op) -> Counts {
        self.seen.measured.operations_of(op)
    }

    fn failures(&self, failure: Failure) -> u64 {
        self.seen.measured.failures[failure as usize]
    }

    /// Milliseconds in each ready state.
    fn states(&self) -> [u64; 4] {
        self.seen.measured.ready_ns.map(|ns| ns / 1_000_000)
    }

    /// Its account against a feed with one message due each 10 ms from the start.
    fn account(&self, messages: u32) -> Closed {
        let dues = (0..messages).map(|i| START + ms(u64::from(i) * 10)).collect();
        close_client(
            &self.state.ledger.borrow(),
            &ChannelFeed { measured: 0..messages, failed: vec![], dues, ..ChannelFeed::default() },
        )
    }
}

fn play(cast: Cast) -> Outcome {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let clock = Clock::paused();
        let place = Rc::new(Workplace {
            timer: Timer::start(clock).unwrap(),
            dialer: Rc::new(Dialer::new(clock)),
            recorder: RefCell::new(Recorder::new(START..Nanos::MAX)),
            tag: TAG,
            payload_bytes: Stamp::LEN as u64,
            latest_value: false,
            echo: false,
            follow: None,
            close_codes: true,
            life: cast.life,
            reconnect: cast.reconnect,
            connect_timeout: ms(500),
            request_timeout: Nanos::SECOND * 5,
        });
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
        let task = tokio::task::spawn_local(client.run());
        place.timer.sleep_until(START + ms(cast.run_ms)).await;
        task.abort();
        let _ = task.await;
        state.settle(&place);
        let seen = place.recorder.borrow_mut().take();
        let (attempts, log) = (carrier.attempts.borrow().clone(), log.borrow().clone());
        Outcome { seen, state, attempts, log }
    })
}

const DONE_ONCE: Counts = Counts { started: 1, finished: 1, failed: 0 };

#[test]
fn a_lost_session_comes_back_by_the_policy_and_the_gap_is_told_exactly() {
    let first: Vec<_> = (0..5).map(|i| (10, Do::Message(i, ms(u64::from(i) * 10)))).collect();
    let first = [first, vec![(10, Do::Fail(Failure::Reset))]].concat();
    let back = [(0, Do::Message(18, ms(180))), (0, Do::Message(4, ms(40))), (30, Do::Message(30, ms(300)))];
    let openings = vec![
        session(&first),
        Opening::Refused(Failure::ConnectRefused),
        Opening::Refused(Failure::ConnectRefused),
        session(&back),
    ];
    let p = play(Cast { openings, ..Cast::default() });
    // Lost at 60; every attempt is refused at once.
    assert_eq!(p.attempts, [0, 160, 260, 360]);
    assert_eq!(p.counts(Op::Reconnect), DONE_ONCE);
    assert_eq!(p.seen.measured.response_of(Op::Reconnect).max_ns(), Some(300_000_000));
    assert_eq!(p.counts(Op::Connect), Counts { started: 4, finished: 2, failed: 2 });
    assert_eq!(p.counts(Op::Session), Counts { started: 2, finished: 0, failed: 1 });
    assert_eq!((p.seen.measured.reconnect_attempts, p.failures(Failure::Reset)), (3, 1));
    assert_eq!(
        p.seen.measured.details.iter().collect::<Vec<_>>(),
        [(Failure::ConnectRefused, "the door is shut")]
    );
    // Due from 60 to 350 while it was away: 30, of which 18 and 30 were replayed; 4 came twice, 5 was
    // due at 50, before the cut.
    let account = p.account(100);
    assert_eq!((account.missed, account.replayed, account.unattached), (28, 2, 0));
    assert_eq!((account.expected, account.delivered, account.missing_at_end), (70, 5, 1));
    let m = &p.seen.measured;
    assert_eq!((m.received, m.replayed, m.duplicate, account.received), (5, 2, 1, 7));
    assert_eq!(m.response_of(Op::Deliver).count(), 5, "a replay is in no delivery time");
    assert_eq!(p.states(), [0, 60 + 640, 0, 300]);
}

#[test]
fn attempts_are_counted_and_the_client_gives_up() {
    let reconnect = ReconnectSpec { attempts: Some(2), ..fixed(50) };
    let refused = Opening::Refused(Failure::ConnectRefused);
    let openings = vec![session(&[(10, Do::Close)]), refused.clone(), refused.clone(), refused];
    let p = play(Cast { openings, reconnect, ..Cast::default() });
    assert_eq!(p.attempts, [0, 60, 110]);
    assert_eq!(p.counts(Op::Reconnect), Counts { started: 1, finished: 0, failed: 1 });
    assert_eq!((p.seen.measured.gave_up, p.state.returning.get()), (1, false));
    assert_eq!(
        p.seen.measured.failures_total(),
        3,
        "the close and two refusals; giving up is none of its own"
    );
    assert_eq!(p.account(100).unattached, 99);
    let close: Vec<_> =
        p.seen.measured.closes.kept().map(|(c, n)| (c.code, c.reason.as_str(), c.clean, n)).collect();
    assert_eq!(close, [(1012, "bye", true, 1)]);
}

#[test]
fn a_server_that_asks_for_patience_gets_it_once() {
    let openings =
        vec![session(&[(10, Do::Fail(Failure::Reset))]), session(&[(10, Do::Close)]), session(&[])];
    let p = play(Cast { openings, asks: Some(ms(400)), ..Cast::default() });
    assert_eq!(p.attempts, [0, 410, 520], "the close asked for nothing");
    assert_eq!(p.seen.measured.closes.by_code(), [(1006, 1), (1012, 1)].into());
}

#[test]
fn the_policy_starts_anew_after_a_session() {
    let backoff = Backoff::Exponential { interval: ms(100), max: ms(10_000), decay: 2.0, jitter: 0.0 };
    let refused = Opening::Refused(Failure::ConnectRefused);
    let openings =
        vec![refused.clone(), refused.clone(), session(&[(10, Do::Close)]), refused.clone(), session(&[])];
    let reconnect = ReconnectSpec { backoff, ..ReconnectSpec::default() };
    let p = play(Cast { openings, reconnect, ..Cast::default() });
    assert_eq!(p.attempts, [0, 100, 300, 410, 610]);
    assert_eq!(p.counts(Op::Reconnect), DONE_ONCE, "the first session was not won back");
}

#[test]
fn an_attempt_has_a_limit_of_its_own() {
    let reconnect = ReconnectSpec { timeout: Some(ms(30)), ..fixed(100) };
    let p = play(Cast { openings: vec![Opening::Hangs, session(&[])], reconnect, ..Cast::default() });
    assert_eq!((p.attempts.as_slice(), p.failures(Failure::ConnectTimeout)), (&[0, 130][..], 1));
}

#[test]
fn a_session_counts_once_it_is_ready_and_not_before() {
    let slow = Opening::Session {
        ready: false,
        answers_leave: true,
        acts: vec![(5, Do::Message(0, ms(0))), (35, Do::Ready), (10, Do::Message(5, ms(50)))],
    };
    let never = Opening::Session { ready: false, answers_leave: true, acts: vec![] };
    let p = play(Cast { openings: vec![slow], ..Cast::default() });
    assert_eq!(p.seen.measured.response_of(Op::Connect).max_ns(), Some(40_000_000));
    assert_eq!(p.seen.measured.stages[Stage::Ready as usize].max_ns(), Some(40_000_000));
    assert_eq!((p.seen.measured.early, p.seen.measured.received), (1, 1));
    assert_eq!(p.states(), [40, 960, 0, 0]);
    let p = play(Cast { openings: vec![never, session(&[])], ..Cast::default() });
    assert_eq!((p.attempts.as_slice(), p.failures(Failure::NotReady)), (&[0, 600][..], 1));
    assert_eq!(p.counts(Op::Session).started, 1);
}

#[test]
fn a_stream_that_ends_on_purpose_is_opened_again_at_once_and_fails_nothing() {
    let part = |i: u32| session(&[(40, Do::Message(i, ms(40 * u64::from(i) + 30))), (0, Do::End)]);
    let openings = vec![part(0), part(1), part(2), part(3), session(&[])];
    let p = play(Cast { openings, ..Cast::default() });
    assert_eq!(p.attempts, [0, 40, 80, 120, 160]);
    assert_eq!((p.seen.measured.reopened, p.seen.measured.reconnect_attempts), (4, 0));
    assert_eq!(p.counts(Op::Session), Counts { started: 5, finished: 4, failed: 0 });
    assert_eq!(p.seen.measured.failures_total(), 0);
    assert_eq!(p.counts(Op::Reconnect), Counts::default());
}

#[test]
fn a_target_that_ends_every_stream_at_once_is_not_stormed() {
    let openings: Vec<_> = (0..50).map(|_| session(&[(0, Do::End)])).collect();
    let p = play(Cast { openings, reconnect: fixed(300), ..Cast::default() });
    assert_eq!(p.attempts, [0, 0, 0, 300, 600, 900]);
}

#[test]
fn a_stream_that_cannot_be_opened_again_is_lost_since_its_end() {
    let refused = Opening::Refused(Failure::ConnectRefused);
    let openings = vec![session(&[(50, Do::End)]), refused, session(&[])];
    let p = play(Cast { openings, ..Cast::default() });
    assert_eq!(p.attempts, [0, 50, 150]);
    assert_eq!(p.seen.measured.response_of(Op::Reconnect).max_ns(), Some(100_000_000));
}

#[test]
fn clients_leave_in_due_form_and_return() {
    // While it leaves: one due before, which is its own, and one due since, which is nobody's.
    let acts = [(205, Do::Message(19, ms(190))), (5, Do::Message(20, ms(205)))];
    let openings = vec![session(&acts), session(&[]), session(&[])];
    let p = play(Cast { openings, life: stays(200, Some(100)), ..Cast::default() });
    // Left at 200, answered at 220, away for 100.
    assert_eq!(p.attempts, [0, 320, 640, 960]);
    assert_eq!(p.counts(Op::Session), Counts { started: 3, finished: 3, failed: 0 });
    assert_eq!((p.seen.measured.failures_total(), p.counts(Op::Reconnect).started), (0, 0));
    assert_eq!(p.seen.measured.closes.by_code(), [(1000, 3)].into());
    assert_eq!(p.states(), [40, 600, 60, 300]);
    let account = p.account(50);
    // Due while away, from 200 to 310: 12. Of the first stay 0 to 18 are lost, 19 came; of the second,
    // from 320 on, nothing had come when it left.
    assert_eq!((account.missed, account.missing_at_end, account.missing_at_leave), (12, 0, 18));
    assert_eq!((account.delivered, account.missing, account.received), (1, 37, 1));
}

#[test]
fn a_peer_that_does_not_answer_a_leave_is_given_up() {
    let mute = Opening::Session { ready: true, answers_leave: false, acts: vec![] };
    let cast = Cast { openings: vec![mute], life: stays(200, Some(100)), run_ms: 5_600, ..Cast::default() };
    let p = play(cast);
    assert_eq!(p.attempts, [0, 5_300]);
    assert_eq!(p.log, [(200, "left"), (5_200, "aborted")]);
    assert_eq!(p.states()[ReadyState::Closing as usize], 5_000);
    assert_eq!(p.seen.measured.closes.by_code(), [(1006, 1)].into());
}

#[test]
fn one_that_comes_and_goes_is_followed_by_another_who_remembers_nothing() {
    let newcomer =
        [(10, Do::Message(2, ms(20))), (0, Do::Message(21, ms(210))), (20, Do::Message(24, ms(240)))];
    let openings = vec![session(&[(30, Do::Message(2, ms(20)))]), session(&newcomer), session(&[])];
    let p = play(Cast { openings, life: stays(200, None), run_ms: 400, ..Cast::default() });
    assert_eq!(p.attempts, [0, 220]);
    let m = &p.seen.measured;
    assert_eq!((m.received, m.redundant, m.duplicate, m.replayed, m.early), (2, 2, 0, 0, 0));
    let account = p.account(40);
    // 20 and 21 were due between the two: nobody's.
    assert_eq!((account.unattached, account.missed, account.received), (2, 0, 2));
}

#[test]
fn a_busy_session_is_left_on_time_too() {
    let acts: Vec<_> = (0..100_000_u32).map(|i| (u64::from(i % 2), Do::Message(i, ms(0)))).collect();
    let p = play(Cast { openings: vec![session(&acts)], life: stays(200, Some(10_000)), ..Cast::default() });
    assert_eq!(p.log[0], (200, "left"));
}

#[test]
fn a_session_is_polled_when_it_wants_to_be() {
    let p = play(Cast { openings: vec![session(&[])], wants: Some(ms(70)), ..Cast::default() });
    assert_eq!(p.log, [(70, "polled")]);
}

#[test]
fn pull_clients_leave_and_return_and_give_up_held_requests() {
    let held = Rhythm::Held { settle: ms(10) };
    let first = session(&[(50, Do::Answer), (500, Do::Answer)]);
    let cast = Cast {
        rhythm: held,
        openings: vec![first, session(&[])],
        life: stays(200, Some(100)),
        ..Cast::default()
    };
    let p = play(Cast { run_ms: 450, ..cast });
    assert_eq!(p.attempts, [0, 300]);
    assert_eq!(p.counts(Op::Poll), Counts { started: 3, finished: 2, failed: 0 });
    assert_eq!(p.seen.measured.response_of(Op::Poll).count(), 1, "the one given up has no time");
    assert_eq!(p.counts(Op::Session), Counts { started: 2, finished: 1, failed: 0 });
    assert_eq!((p.account(40).missed, p.states()), (10 + 1, [0; 4]));
}

#[test]
fn held_requests_that_fail_follow_the_policy() {
    let held = Rhythm::Held { settle: ms(10) };
    let fails: Vec<_> = (0..3).map(|_| (5, Do::Fail(Failure::Status5xx))).collect();
    let reconnect = ReconnectSpec { attempts: Some(2), ..fixed(100) };
    let p = play(Cast { rhythm: held, openings: vec![session(&fails)], reconnect, ..Cast::default() });
    assert_eq!(p.counts(Op::Poll), Counts { started: 3, finished: 0, failed: 3 });
    assert_eq!((p.seen.measured.gave_up, p.attempts.len()), (1, 1));
}

#[test]
fn a_pull_session_that_the_target_forgot_is_opened_anew() {
    let held = Rhythm::Held { settle: ms(10) };
    let openings = vec![session(&[(20, Do::Fail(Failure::ResumeLost))]), session(&[(10, Do::Answer)])];
    let p = play(Cast { rhythm: held, openings, ..Cast::default() });
    assert_eq!(p.attempts, [0, 120]);
    assert_eq!(p.counts(Op::Reconnect), DONE_ONCE);
}
