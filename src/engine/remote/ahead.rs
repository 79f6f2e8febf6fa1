//! How far another host's clock is ahead of ours, from questions and answers. Pure.
//!
//! Of one exchange it is certain that the other received the question after we had sent it, and sent its
//! answer before we had it: its clock is ahead by at least `there_sent - received` and at most `there_received -
//! sent`. The middle of that is wrong by at most half the time that was spent on the way; what the other took
//! for its reading is not in it.
//!
//! One offset is kept for the whole run and moved only as far as an exchange proves it wrong. So the time between two
//! readings is the other clock's own. That is more right than mapping each reading by its own middle: what the CPU
//! shares of a machine are made of, idle time and busy time, was counted by that machine's clock, and half a round trip
//! of noise at both ends would show as CPU time on each of its cores. Two clocks part by some 50 millionths at most,
//! which is as small an error of a share. As the offset always fits the exchange that a reading came with, the instant lies
//! between question and answer, so instants never go back.

use crate::analysis::clock_fit::Exchange;
use crate::model::{Cost, Nanos};

/// How fast two clocks may part, millionths: a quartz has at most 50, `adjtime` corrects by some.
const DRIFT_PPM: i128 = 100;

/// What is known of another clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ahead {
    /// It is ahead by at least and at most so much, nanoseconds; below zero: it is behind.
    least: i128,
    most: i128,
    /// By how much it is taken to be.
    used: i128,
    /// How fast both may part.
    drift_ppm: i128,
    /// When the last exchange was over (our clock).
    at: u64,
    /// The most that `used` may have been wrong.
    error: u64,
}

impl Ahead {
    /// From at least one exchange, in order. `same`: it is our own clock, unless the exchanges say otherwise (a
    /// process may live in a time namespace).
    pub(super) fn of(exchanges: &[Exchange], same: bool) -> Option<Ahead> {
        let (first, rest) = exchanges.split_first()?;
        let (least, most) = proven(first);
        let mut ahead = Ahead { least, most, used: 0, drift_ppm: DRIFT_PPM, at: first.received_ns, error: 0 };
        rest.iter().for_each(|e| ahead.narrow(e));
        if same && (ahead.least..=ahead.most).contains(&0) {
            return Some(Ahead { least: 0, most: 0, drift_ppm: 0, ..ahead });
        }
        ahead.used = (ahead.least + ahead.most) / 2;
        ahead.account();
        Some(ahead)
    }

    /// Takes one more in, and moves as little as it must.
    pub(super) fn heed(&mut self, exchange: &Exchange) {
        self.narrow(exchange);
        self.used = self.used.clamp(self.least, self.most);
        self.account();
    }

    fn narrow(&mut self, exchange: &Exchange) {
        let passed = i128::from(exchange.sent_ns.saturating_sub(self.at));
        let drift = passed * self.drift_ppm / 1_000_000;
        let (least, most) = proven(exchange);
        let narrowed = (least.max(self.least - drift), most.min(self.most + drift));
        // They contradict each other: somebody set a clock, and the later one holds.
        (self.least, self.most) = if narrowed.0 <= narrowed.1 { narrowed } else { (least, most) };
        self.at = exchange.received_ns;
    }

    fn account(&mut self) {
        let off = (self.most - self.used).max(self.used - self.least);
        self.error = self.error.max(u64::try_from(off).unwrap_or(u64::MAX));
    }

    /// An instant of the other clock on ours.
    fn here(&self, there: Nanos) -> Nanos {
        Nanos(u64::try_from(i128::from(there.0) - self.used).unwrap_or(0))
    }

    /// A reading of the other machine with its instants on our clock.
    pub(super) fn home(&self, mut cost: Cost) -> Cost {
        cost.at = self.here(cost.at);
        if let Some(machine) = &mut cost.machine {
            machine.at = self.here(machine.at);
        }
        cost
    }

    /// The most that an instant may have been wrong so far.
    pub(super) fn error(&self) -> Nanos {
        Nanos(self.error)
    }
}

fn proven(e: &Exchange) -> (i128, i128) {
    let ahead = |theirs: u64, ours: u64| i128::from(theirs) - i128::from(ours);
    let (least, most) = (ahead(e.there_sent_ns, e.received_ns), ahead(e.there_received_ns, e.sent_ns));
    (least.min(most), most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MachineTime;

    const S: u64 = 1_000_000_000;

    /// An exchange begun at `sent` with a clock that is ahead by `ahead`: so long out, there, and back.
    fn exchange(sent: u64, ahead: u64, [out, there, back]: [u64; 3]) -> Exchange {
        let there_received_ns = sent + out + ahead;
        let received_ns = sent + out + there + back;
        Exchange { sent_ns: sent, there_received_ns, there_sent_ns: there_received_ns + there, received_ns }
    }

    fn of(all: &[Exchange]) -> Ahead {
        Ahead::of(all, false).unwrap()
    }

    #[test]
    fn the_middle_is_wrong_by_half_the_way_at_most_and_the_reading_is_not_on_the_way() {
        let even = of(&[exchange(S, 900 * S, [300, 40_000_000, 300])]);
        assert_eq!((even.here(Nanos(905 * S)), even.error()), (Nanos(5 * S), Nanos(300)));
        let uneven = of(&[exchange(S, 900 * S, [600, 40_000_000, 0])]);
        let off = uneven.here(Nanos(905 * S)).0.abs_diff(5 * S);
        assert_eq!((off, uneven.error()), (300, Nanos(300)));
        // Behind us, by more than it has run.
        let behind =
            Exchange { sent_ns: 9 * S, there_received_ns: 10, there_sent_ns: 10, received_ns: 9 * S };
        assert_eq!(of(&[behind]).here(Nanos(7)), Nanos(9 * S - 3));
        assert_eq!(Ahead::of(&[], true), None);
    }

    #[test]
    fn a_slow_exchange_moves_nothing_and_quick_ones_narrow() {
        let mut ahead = of(&[exchange(S, 5 * S, [9_000_000, 0, 100]), exchange(2 * S, 5 * S, [100, 0, 100])]);
        let first = ahead.here(Nanos(8 * S));
        assert!(ahead.error() <= Nanos(200_000), "{ahead:?}");
        ahead.heed(&exchange(3 * S, 5 * S, [1_000, 0, 50_000_000]));
        assert_eq!(ahead.here(Nanos(8 * S)), first);
    }

    #[test]
    fn lengths_are_the_other_clocks_own() {
        // Ways that differ by milliseconds from reading to reading.
        let ways = [[100, 0, 100], [4_000_000, 0, 100], [100, 0, 7_000_000], [100, 0, 100]];
        let mut ahead = of(&[exchange(0, 50 * S, ways[0])]);
        let mut at = Vec::new();
        for (i, way) in ways.iter().enumerate() {
            ahead.heed(&exchange(i as u64 * S, 50 * S, *way));
            at.push(ahead.here(Nanos(51 * S + i as u64 * S)).0);
        }
        let lengths: Vec<u64> = at.windows(2).map(|w| w[1] - w[0]).collect();
        assert_eq!(lengths, [S; 3]);
    }

    #[test]
    fn instants_never_go_back_however_both_clocks_part() {
        // 80 millionths slower there, over ten minutes; each reading is taken when the question is there.
        let mut last = Nanos::ZERO;
        let there = |now: u64| 700 * S + now - now / 12_500;
        let ask = |sent: u64| Exchange {
            sent_ns: sent,
            there_received_ns: there(sent + 150),
            there_sent_ns: there(sent + 150),
            received_ns: sent + 300,
        };
        let mut ahead = of(&[ask(0)]);
        for second in 1..600 {
            let asked = ask(second * S);
            ahead.heed(&asked);
            let at = ahead.here(Nanos(asked.there_received_ns));
            assert!(at > last && at.0 >= asked.sent_ns && at.0 <= asked.received_ns, "{second}: {ahead:?}");
            last = at;
        }
    }

    #[test]
    fn a_clock_that_is_set_is_believed_at_once() {
        let mut ahead = of(&[exchange(S, 5 * S, [100, 0, 100])]);
        ahead.heed(&exchange(2 * S, 9 * S, [100, 0, 100]));
        assert_eq!(ahead.here(Nanos(12 * S)).0.abs_diff(3 * S), 100);
    }

    #[test]
    fn our_own_clock_is_exact_and_both_instants_of_a_reading_move() {
        let own = Ahead::of(&[exchange(S, 0, [100, 5, 900])], true).unwrap();
        assert_eq!((own.here(Nanos(7)), own.error()), (Nanos(7), Nanos::ZERO));
        let space = Ahead::of(&[exchange(S, 30 * S, [100, 5, 100])], true).unwrap();
        let machine = Some(MachineTime { at: Nanos(31 * S), ..MachineTime::default() });
        let cost = space.home(Cost { at: Nanos(32 * S), machine, ..Cost::default() });
        assert_eq!((cost.at, cost.machine.unwrap().at), (Nanos(2 * S), Nanos(S)));
    }
}
