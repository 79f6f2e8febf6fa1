//! The ledger against one that keeps everything.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashSet};

fn feed(measured: Range<u32>, failed: Vec<u32>) -> ChannelFeed {
    let dues = measured.clone().map(|s| Nanos(u64::from(s) * 10)).collect();
    ChannelFeed { measured, failed, dues, ..ChannelFeed::default() }
}

/// A life: what happens between one instant and the next.
#[derive(Clone, Debug)]
enum Step {
    Receive(Vec<u32>),
    Begin,
    End,
    Leave,
    Replace,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop::collection::vec(0_u32..80, 0..25).prop_map(Step::Receive),
        3 => Just(Step::Begin),
        2 => Just(Step::End),
        1 => Just(Step::Leave),
        1 => Just(Step::Replace),
    ]
}

/// One session of it.
struct Stay {
    since: u64,
    until: Option<u64>,
    client: u32,
    /// The highest sequence seen by its end, and one.
    seen: u32,
    wanted: bool,
}

/// A ledger that keeps everything: each received sequence, and of every instant whose it was.
#[derive(Default)]
struct Everything {
    received: HashSet<u32>,
    spans: Vec<Stay>,
    client: u32,
    highest: u32,
}

impl Everything {
    fn open(&mut self) -> Option<&mut Stay> {
        self.spans.last_mut().filter(|s| s.until.is_none())
    }

    fn end(&mut self, at: u64, wanted: bool) {
        let highest = self.highest;
        if let Some(open) = self.open() {
            (open.until, open.seen, open.wanted) = (Some(at), highest, wanted);
        }
    }

    fn is_here(&self, due: u64) -> bool {
        self.spans.iter().any(|s| s.since <= due && s.until.is_none_or(|until| due < until))
    }

    /// Whether it lies between two sessions of one client.
    fn is_between(&self, due: u64) -> bool {
        self.spans
            .windows(2)
            .any(|w| w[0].client == w[1].client && w[0].until.is_some_and(|u| u <= due) && due < w[1].since)
    }

    fn is_cut(&self, sequence: u32, due: u64, wanted: bool) -> bool {
        self.spans.iter().any(|s| {
            let within = s.until.is_some_and(|u| s.since <= due && due < u);
            within && sequence >= s.seen && s.wanted == wanted
        })
    }
}

/// Plays a life on both ledgers.
fn live(steps: &[Step], pace: u64) -> (ClientLedger, Everything) {
    let (mut ledger, mut all) = (ClientLedger::default(), Everything::default());
    for (i, step) in steps.iter().enumerate() {
        let at = 90 + i as u64 * pace;
        match step {
            Step::Receive(sequences) => {
                for s in sequences {
                    let due = Nanos(u64::from(*s) * 10);
                    if ledger.place(due) == Due::Before {
                        continue;
                    }
                    assert_eq!(ledger.see(*s).is_first(), all.received.insert(*s));
                    all.highest = all.highest.max(*s + 1);
                }
            }
            Step::Begin => {
                ledger.subscribed(Nanos(at));
                if all.open().is_none() {
                    let (client, seen) = (all.client, 0);
                    all.spans.push(Stay { since: at, until: None, client, seen, wanted: false });
                }
            }
            Step::End => {
                ledger.ended(Nanos(at));
                all.end(at, false);
            }
            Step::Leave | Step::Replace => {
                let for_good = matches!(step, Step::Replace);
                // One that is gone already does not leave.
                let here = all.open().is_some();
                if here {
                    ledger.leaves(Nanos(at));
                    ledger.gone(for_good);
                    all.end(at, true);
                    all.client += u32::from(for_good);
                }
            }
        }
    }
    (ledger, all)
}

proptest! {
    /// Over any number of sessions and successors.
    #[test]
    fn agrees_with_a_ledger_that_keeps_everything(
        steps in prop::collection::vec(step(), 0..14),
        pace in 1_u64..90,
        failed in prop::collection::btree_set(10_u32..60, 0..8),
    ) {
        let (ledger, all) = live(&steps, pace);
        let closed = close_client(&ledger, &feed(10..60, failed.iter().copied().collect()));
        let published: BTreeSet<u32> = (10..60).filter(|s| !failed.contains(s)).collect();
        let count = |wanted: &dyn Fn(u32, u64) -> bool| {
            published.iter().filter(|s| wanted(**s, u64::from(**s) * 10)).count() as u64
        };
        let came = |s: u32| all.received.contains(&s);
        prop_assert_eq!(closed.expected, count(&|_, due| all.is_here(due)));
        prop_assert_eq!(closed.delivered, count(&|s, due| all.is_here(due) && came(s)));
        prop_assert_eq!(closed.missing, count(&|s, due| all.is_here(due) && !came(s)));
        prop_assert_eq!(closed.missing_at_end, count(&|s, due| all.is_cut(s, due, false) && !came(s)));
        prop_assert_eq!(closed.missing_at_leave, count(&|s, due| all.is_cut(s, due, true) && !came(s)));
        prop_assert_eq!(closed.missed, count(&|s, due| all.is_between(due) && !came(s)));
        prop_assert_eq!(closed.replayed, count(&|s, due| all.is_between(due) && came(s)));
        let account = closed.expected + closed.missed + closed.replayed + closed.unattached;
        prop_assert_eq!(account, published.len() as u64);
        prop_assert_eq!(closed.received, all.received.iter().filter(|s| (10..60).contains(*s)).count() as u64);
    }
}

#[test]
fn tells_new_late_and_again_apart() {
    let mut l = ClientLedger::default();
    let seen: Vec<Seen> = [0, 3, 2, 2, 3, 4, 1].into_iter().map(|s| l.see(s)).collect();
    use Seen::*;
    assert_eq!(seen, [New, New, Late, Again, AgainNewest, New, Late]);
    assert!(l.gaps.is_empty());
}

#[test]
fn a_client_never_subscribed_is_owed_nothing() {
    let closed = close_client(&ClientLedger::default(), &feed(0..10, vec![]));
    assert_eq!(closed, Closed { unattached: 10, ..Closed::default() });
}

#[test]
fn a_message_lies_in_a_session_between_two_or_before_the_client() {
    let mut l = ClientLedger::default();
    assert_eq!(l.place(Nanos(5)), Due::Early);
    l.subscribed(Nanos(100));
    l.ended(Nanos(200));
    assert_eq!(
        [99, 100, 199, 200].map(|t| l.place(Nanos(t))),
        [Due::Early, Due::Here, Due::Here, Due::Between]
    );
    l.subscribed(Nanos(300));
    assert_eq!(
        [150, 250, 300, 999].map(|t| l.place(Nanos(t))),
        [Due::Here, Due::Between, Due::Here, Due::Here]
    );
    l.leaves(Nanos(400));
    assert_eq!([399, 400].map(|t| l.place(Nanos(t))), [Due::Here, Due::Between]);
    l.gone(true);
    assert_eq!(
        [150, 250, 350, 450].map(|t| l.place(Nanos(t))),
        [Due::Before, Due::Before, Due::Here, Due::Before]
    );
    l.subscribed(Nanos(500));
    assert_eq!([150, 450, 500].map(|t| l.place(Nanos(t))), [Due::Before, Due::Before, Due::Here]);
    assert_eq!(
        (l.sessions(), l.is_subscribed_at(Nanos(250)), l.is_subscribed_at(Nanos(399))),
        (3, false, true)
    );
}

#[test]
fn what_is_due_between_asking_and_knowing_is_early_or_nobodys() {
    let mut l = ClientLedger::default();
    l.subscribed(Nanos(0));
    l.ended(Nanos(20));
    l.asked_and_subscribed(Nanos(50), Nanos(80));
    let places = [45, 50, 79, 80].map(|t| l.place(Nanos(t)));
    assert_eq!(places, [Due::Between, Due::Early, Due::Early, Due::Here]);
    [0, 1, 4, 6, 8, 9].into_iter().for_each(|s| _ = l.see(s));
    let closed = close_client(&l, &feed(0..10, vec![]));
    assert_eq!((closed.expected, closed.missed, closed.replayed, closed.unattached), (4, 2, 1, 3));
    assert_eq!(closed.received, 6);
}

#[test]
fn a_session_that_was_never_answered_did_not_take_place() {
    let mut l = ClientLedger::default();
    l.subscribed(Nanos(0));
    l.ended(Nanos(20));
    l.asked_and_subscribed(Nanos(50), Nanos(60));
    l.never_subscribed();
    assert_eq!((l.sessions(), l.place(Nanos(70))), (1, Due::Between));
    l.never_subscribed();
    assert_eq!(l.sessions(), 1, "one that has ended stays");
}

/// Ten messages of which two are due while it is away; one of these is replayed.
#[test]
fn what_comes_between_two_sessions_is_missed_or_replayed_and_what_a_cut_took_is_lost() {
    let mut l = ClientLedger::default();
    l.subscribed(Nanos(0));
    [0, 1, 2].into_iter().for_each(|s| _ = l.see(s));
    l.ended(Nanos(45));
    l.subscribed(Nanos(65));
    [6, 7, 8, 9].into_iter().for_each(|s| _ = l.see(s));
    let closed = close_client(&l, &feed(0..10, vec![]));
    let wanted = Closed {
        expected: 8,
        delivered: 6,
        missing: 2,
        missing_at_end: 2,
        missing_at_leave: 0,
        missed: 1,
        replayed: 1,
        unattached: 0,
        received: 7,
    };
    assert_eq!(closed, wanted, "3 and 4 were due before the cut, 5 and 6 after it");
}

#[test]
fn time_subscribed_is_that_of_all_sessions_within_the_window() {
    let mut client = ClientLedger::default();
    client.subscribed(Nanos(5));
    client.ended(Nanos(20));
    client.subscribed(Nanos(30));
    let at = |window: std::ops::Range<u64>| Nanos(window.start)..Nanos(window.end);
    assert_eq!(client.subscribed_in(&at(10..50)), Nanos(30));
    assert_eq!(client.subscribed_in(&at(20..30)), Nanos::ZERO);
    assert_eq!([at(10..50), at(20..30), at(0..6)].map(|w| client.sessions_in(&w)), [2, 0, 1]);
}

#[test]
fn what_comes_before_a_session_that_was_asked_for_is_known_to_stand_is_early_the_second_time_too() {
    let mut l = ClientLedger::default();
    l.asked_and_subscribed(Nanos(0), Nanos(10));
    l.ended(Nanos(20));
    l.asks(Nanos(30));
    let places = [15, 25, 30, 35].map(|due| l.place(Nanos(due)));
    assert_eq!(places, [Due::Here, Due::Between, Due::Early, Due::Early]);
    l.asked_and_subscribed(Nanos(30), Nanos(40));
    let places = [25, 35, 45].map(|due| l.place(Nanos(due)));
    assert_eq!(places, [Due::Between, Due::Early, Due::Here]);
}
