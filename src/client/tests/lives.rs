//! Clients over several sessions, exact under paused time.

mod mock;

use super::ms;
use crate::model::{Backoff, Failure, Op, ReadyState, ReconnectSpec, Stage};
use crate::record::Counts;
use crate::transport::Rhythm;
use mock::{Cast, Do, Opening, fixed, play, pulled, session, stays};

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
fn a_session_that_a_rule_ends_before_it_is_ready_is_opened_again_at_once_and_blames_nobody() {
    let again = || Opening::Session { ready: false, answers_leave: true, acts: vec![(10, Do::Again)] };
    let looped =
        Opening::Session { ready: false, answers_leave: true, acts: vec![(10, Do::Fail(Failure::RuleLoop))] };
    let openings = [vec![again(); 5], vec![session(&[])]].concat();
    let p = play(Cast { openings, ..Cast::default() });
    assert_eq!(p.attempts, [0, 10, 20, 30, 40, 50], "no pause, however often");
    assert_eq!((p.seen.measured.failures_total(), p.seen.measured.reopened), (0, 5));
    assert_eq!(p.counts(Op::Connect), Counts { started: 6, finished: 6, failed: 0 });
    assert_eq!(p.seen.measured.response_of(Op::Connect).count(), 1, "what was given up has no time");
    assert_eq!(p.counts(Op::Reconnect).started, 0);
    let p = play(Cast { openings: vec![again(), looped, session(&[])], ..Cast::default() });
    assert_eq!((p.attempts.as_slice(), p.failures(Failure::RuleLoop)), (&[0, 10, 120][..], 1));
}

#[test]
fn a_target_that_talks_and_is_never_ready_is_not_waited_for_without_end() {
    let acts: Vec<_> = (0..100_000_u32).map(|i| (u64::from(i % 2), Do::Message(i, ms(0)))).collect();
    let talks = Opening::Session { ready: false, answers_leave: true, acts };
    let p = play(Cast { openings: vec![talks], reconnect: ReconnectSpec::default(), ..Cast::default() });
    assert_eq!((p.failures(Failure::NotReady), p.log[0]), (1, (500, "aborted")));
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
    // The run is over after a second, and the client lets go of what it has.
    assert_eq!(p.log, [(70, "polled"), (1_000, "aborted")]);
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
    assert_eq!((p.account(40).missed, p.states()), (10, [0; 4]), "from when it left until it asked again");
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

/// A restart in the middle of a run: the same is told of a client that pulls as of one that is pushed to.
#[test]
fn an_outage_of_a_pull_client_is_a_lost_session_and_a_way_back() {
    for rhythm in [Rhythm::Held { settle: ms(10) }, Rhythm::Interval { every: ms(50), fixed_rate: true }] {
        let acts = [
            (0, Do::Answer),
            (0, Do::Fail(Failure::Status5xx)),
            (0, Do::Fail(Failure::ConnectRefused)),
            (0, Do::Answer),
            (0, Do::Answer),
        ];
        let p =
            play(Cast { rhythm, openings: vec![session(&acts)], reconnect: fixed(50), ..Cast::default() });
        assert_eq!((p.attempts.len(), p.seen.measured.reconnect_attempts), (1, 2), "{rhythm:?}");
        assert_eq!(p.counts(Op::Reconnect), DONE_ONCE);
        assert_eq!(p.counts(Op::Session), Counts { started: 2, finished: 0, failed: 1 });
        assert!(p.state.attached.get() && !p.state.returning.get());
        assert_eq!(p.seen.measured.failures_total(), 2, "the two requests, each once");
        assert_eq!(p.seen.measured.response_of(Op::Reconnect).max_ns(), Some(100_000_000));
        assert_eq!(p.account(90).missed, 10, "due while it was away, for 100 ms");
    }
}

#[test]
fn what_is_due_while_a_session_is_asked_for_is_early_and_not_replayed() {
    // Lost at 50, asked for again at 150, answered at 190.
    let acts = [
        (0, Do::Answer),
        (50, Do::Fail(Failure::Reset)),
        (40, Do::Message(17, ms(170))),
        (30, Do::Message(20, ms(200))),
    ];
    let held = Rhythm::Held { settle: ms(300) };
    let p = play(Cast { rhythm: held, openings: vec![pulled(&acts)], ..Cast::default() });
    let m = &p.seen.measured;
    assert_eq!((m.early, m.replayed, m.received), (1, 0, 1));
    let account = p.account(21);
    // Away from 50 to 150: 10. From there to 190 nobody's: 4. From 0 to 50, and from 190 on, its own.
    assert_eq!((account.missed, account.replayed, account.unattached), (10, 0, 4));
    assert_eq!((account.expected, account.received), (7, 2));
}

#[test]
fn a_held_request_that_nobody_ever_answers_well_is_no_subscription() {
    let fails: Vec<_> = (0..9).map(|_| (50, Do::Fail(Failure::Status5xx))).collect();
    let held = Rhythm::Held { settle: ms(10) };
    let p = play(Cast { rhythm: held, openings: vec![session(&fails)], ..Cast::default() });
    let account = p.account(90);
    assert_eq!((account.expected, account.missed, account.unattached), (0, 0, 90));
    assert_eq!(p.counts(Op::Reconnect).started, 0, "it never was there");
}

#[test]
fn a_target_that_asks_to_be_let_alone_is() {
    let p = play(Cast { openings: vec![Opening::LetAlone, session(&[])], ..Cast::default() });
    assert_eq!((p.attempts.as_slice(), p.seen.measured.failures_total()), (&[0][..], 0));
    assert_eq!(p.counts(Op::Connect), DONE_ONCE);
    assert_eq!(p.seen.measured.gave_up, 0);
}

#[test]
fn a_pull_session_that_the_target_forgot_is_opened_anew() {
    let held = Rhythm::Held { settle: ms(10) };
    let openings = vec![session(&[(20, Do::Fail(Failure::ResumeLost))]), session(&[(10, Do::Answer)])];
    let p = play(Cast { rhythm: held, openings, ..Cast::default() });
    assert_eq!(p.attempts, [0, 120]);
    assert_eq!(p.counts(Op::Reconnect), DONE_ONCE);
}

/// Idle clients are many: what one holds beside its session is little.
#[test]
fn a_client_takes_little_memory() {
    let bytes = mock::future_bytes();
    assert!(bytes <= 2_048, "{bytes} bytes");
}
