//! Virtual clients over a mock carrier under paused time: exact.

mod lives;

use super::{ClientState, VirtualClient, Workplace};
use crate::clock::{Clock, Timer};
use crate::model::{Failure, LifeSpec, Nanos, Op, ReconnectSpec, RunTag, Stamp, Traffic};
use crate::net::{Dialer, Endpoint};
use crate::record::{Counts, Recorder, Snapshot};
use crate::transport::{Carrier, Closing, Event, LocalBoxFuture, Rhythm, Session, Sink, Unit, UnitKind};
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

const TAG: RunTag = RunTag::new(7);
const START: Nanos = Nanos::SECOND;

fn ms(n: u64) -> Nanos {
    Nanos::from_millis(n)
}

/// What the mock does at an instant.
#[derive(Clone, Copy)]
enum Act {
    /// Hands over the message of this number, due at this instant.
    Message(u32, Nanos),
    Empty,
    Refuse(Failure),
    Break(Failure),
    Close(u16),
}

/// Plays a script. Push: each act at its instant. Pull: each request takes the next act, which
/// answers at its instant (or at once, when that has passed).
struct Script {
    rhythm: Rhythm,
    acts: Vec<(Nanos, Act)>,
}

type Wait = Pin<Box<dyn Future<Output = ()>>>;

struct Playing {
    clock: Clock,
    acts: std::vec::IntoIter<(Nanos, Act)>,
    next: Option<(Wait, Act)>,
    pull: bool,
}

impl Carrier for Script {
    fn rhythm(&self) -> Rhythm {
        self.rhythm
    }

    fn open<'a>(
        &'a self,
        dial: &'a Dialer,
        _to: &'a Endpoint,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Session>, Failure>> {
        let pull = self.rhythm != Rhythm::Push;
        let acts = self.acts.clone().into_iter();
        let mut playing = Playing { clock: dial.clock(), acts, next: None, pull };
        if !pull {
            playing.turn();
        }
        Box::pin(async move { Ok(Box::new(playing) as Box<dyn Session>) })
    }
}

impl Playing {
    #[expect(clippy::disallowed_methods, reason = "paused time is tokio's")]
    fn turn(&mut self) {
        let clock = self.clock;
        self.next = self.acts.next().map(|(at, act)| {
            let wait = tokio::time::sleep((at - clock.now()).into());
            (Box::pin(wait) as Wait, act)
        });
    }

    fn unit(&self, kind: UnitKind, body: &[u8], sink: &mut dyn Sink) {
        let traffic = Traffic {
            payload: body.len() as u64,
            framing: 2,
            wire_in: body.len() as u64 + 2,
            ..Traffic::default()
        };
        sink.unit(&Unit { kind, received: self.clock.now(), body, traffic });
    }
}

impl Session for Playing {
    fn request(&mut self) {
        assert!(self.next.is_none(), "one request at a time");
        self.turn();
    }

    fn poll_event(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        let Some((wait, act)) = &mut self.next else { return Poll::Pending };
        std::task::ready!(wait.as_mut().poll(cx));
        let act = *act;
        self.next = None;
        if !self.pull {
            self.turn();
        }
        match act {
            Act::Message(sequence, due) => {
                let stamp = Stamp { run: TAG, channel: 0, sequence, due, late: Nanos::ZERO };
                self.unit(UnitKind::Data, &stamp.encode(), sink);
            }
            Act::Empty => self.unit(UnitKind::Empty, b"", sink),
            Act::Refuse(failure) => self.unit(UnitKind::Refused(failure), b"no", sink),
            Act::Break(failure) => return Poll::Ready(Err(failure)),
            Act::Close(code) => {
                let closing = Closing { code, reason: String::new(), clean: true };
                return Poll::Ready(Ok(Event::Closed(Box::new(closing))));
            }
        }
        Poll::Ready(Ok(if self.pull { Event::Answered } else { Event::Received }))
    }

    fn abort(&mut self) {
        self.next = None;
    }

    fn wire(&self) -> Traffic {
        Traffic::default()
    }
}

/// Where clients of these tests work: they stay, and do not come back.
fn workplace(clock: Clock) -> Workplace {
    Workplace {
        pulse: Rc::default(),
        timer: Timer::start(clock).unwrap(),
        dialer: Rc::new(Dialer::new(clock)),
        recorder: RefCell::new(Recorder::new(START..Nanos::MAX)),
        events: None,
        tag: TAG,
        payload_bytes: Stamp::LEN as u64,
        latest_value: false,
        echo: false,
        follow: None,
        fan_out: None,
        close_codes: true,
        life: LifeSpec::default(),
        reconnect: ReconnectSpec::default(),
        connect_timeout: Nanos::SECOND,
        request_timeout: Nanos::SECOND * 5,
    }
}

/// Runs one client over a script until `end`; what it recorded and what remains of it.
fn play(rhythm: Rhythm, acts: Vec<(Nanos, Act)>, end: Nanos) -> (Snapshot, Rc<ClientState>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let clock = Clock::paused();
        let place = Rc::new(workplace(clock));
        let state = Rc::new(ClientState::default());
        let endpoint = Endpoint::new(([127, 0, 0, 1], 1).into(), "", "/");
        let client = VirtualClient {
            place: Rc::clone(&place),
            state: Rc::clone(&state),
            carrier: Rc::new(Script { rhythm, acts }),
            endpoint,
            due: START,
            phase: 0.5,
            seed: 1,
        };
        let task = tokio::task::spawn_local(client.run());
        place.timer.sleep_until(end).await;
        task.abort();
        let snapshot = place.recorder.borrow_mut().take();
        (snapshot, state)
    })
}

/// A server frozen for 200 ms under a message each 10 ms: the stall is in the times of the 20
/// messages that the schedule put into it, each from its own due time.
#[test]
fn a_stall_shows_in_as_many_messages_as_the_schedule_put_into_it() {
    let due = |i: u32| START + ms(10) * u64::from(i + 1);
    let (from, to) = (due(30), due(30) + ms(200));
    let acts = (0..100).map(|i| {
        let sent = due(i) + ms(1);
        (if sent >= from && sent < to { to } else { sent }, Act::Message(i, due(i)))
    });
    let (s, _) = play(Rhythm::Push, acts.collect(), START + Nanos::SECOND * 3);
    let times = s.measured.response_of(Op::Deliver);
    assert_eq!(times.count(), 100);
    assert_eq!((times.min_ns(), times.max_ns()), (Some(1_000_000), Some(200_000_000)));
    let stalled = times.histogram().count_between(2_000_000, u64::MAX / 2);
    assert_eq!(stalled, 20);
}

#[test]
fn a_push_client_that_is_closed_stays_away_and_is_told() {
    let acts = vec![(START + ms(5), Act::Message(0, START + ms(4))), (START + ms(9), Act::Close(1001))];
    let (s, state) = play(Rhythm::Push, acts, START + Nanos::SECOND);
    assert_eq!(s.measured.failures[Failure::ClosedByPeer as usize], 1);
    assert_eq!(s.measured.closes.by_code(), [(1001, 1)].into());
    assert!(!state.attached.get());
    assert!(state.ledger.borrow().is_subscribed_at(START + ms(8)));
    assert!(!state.ledger.borrow().is_subscribed_at(START + ms(9)));
}

#[test]
fn interval_polls_keep_their_ticks() {
    let every = ms(100);
    let acts = vec![
        (Nanos::ZERO, Act::Empty),
        (Nanos::ZERO, Act::Message(0, START + ms(20))),
        // Asked for at 150, answered at 420: the ticks at 250 and 350 have passed.
        (START + ms(420), Act::Empty),
        (Nanos::ZERO, Act::Empty),
        (Nanos::ZERO, Act::Empty),
    ];
    let (s, _) = play(Rhythm::Interval { every, fixed_rate: true }, acts, START + ms(500));
    let polls = s.measured.response_of(Op::Poll);
    assert_eq!(s.measured.operations_of(Op::Poll), Counts { started: 5, finished: 5, failed: 0 });
    // Due at 150 and answered at 420; the one after it was due at 250 and answered at 420.
    assert_eq!(polls.max_ns(), Some(270_000_000));
    assert_eq!(s.measured.polls_skipped, 1);
    assert_eq!((s.measured.fresh, s.measured.empty), (1, 4));
    assert_eq!(s.measured.response_of(Op::Deliver).max_ns(), Some(30_000_000));
}

#[test]
fn held_requests_follow_at_once_and_failures_are_counted_not_timed() {
    let acts = vec![
        (START + ms(10), Act::Message(0, START + ms(9))),
        (START + ms(30), Act::Refuse(Failure::Status5xx)),
        (START + ms(140), Act::Break(Failure::Reset)),
        (START + ms(400), Act::Message(2, START + ms(390))),
    ];
    let (s, state) = play(Rhythm::Held { settle: ms(300) }, acts, START + Nanos::SECOND);
    let polls = s.measured.operations_of(Op::Poll);
    assert_eq!((polls.started, polls.finished, polls.failed), (5, 2, 2));
    assert_eq!(state.under_way.get(), Some(Op::Poll));
    assert_eq!(s.measured.response_of(Op::Poll).count(), 2);
    assert_eq!(s.measured.failures[Failure::Status5xx as usize], 1);
    assert_eq!(s.measured.failures[Failure::Reset as usize], 1);
}

#[test]
fn bytes_are_split_into_payload_and_framing() {
    let acts = vec![(START + ms(5), Act::Message(0, START)), (START + ms(6), Act::Empty)];
    let (s, _) = play(Rhythm::Push, acts, START + ms(50));
    let bytes = s.measured.traffic;
    assert_eq!((bytes.payload, bytes.framing), (Stamp::LEN as u64, 4));
    assert!(bytes.balances());
}
