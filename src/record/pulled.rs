//! Messages that pull transports brought: what of their delivery time was waiting for the next request.
//!
//! Knows instants only: who asked, and how, is the client's business.

use super::{Arrival, Recorder, Timing};
use crate::model::Nanos;

/// The request that brought a message, and when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One of an interval poll.
    AtInterval(Nanos),
    /// One that the target holds until there is something.
    Held(Nanos),
}

/// What was seen of pull transports.
#[derive(Clone, Debug, Default)]
pub struct Pulled {
    /// Interval polls: from when a message was due until the request that brought it began.
    pub wait: Timing,
    /// Interval polls: from then, or from when it was due if that was later, until it was received.
    pub rest: Timing,
    /// First receipts over held requests.
    pub held: u64,
    /// Of these, those sent before their request can have been at the target.
    pub in_gap: u64,
    /// Held requests: from an answer to the next request.
    pub turnaround: Timing,
    /// Least time from a held request to an answer that brought something, by the end of this part.
    pub round_trip: RoundTrip,
}

impl Pulled {
    /// Adds all of another: commutative and associative.
    pub(super) fn merge(&mut self, o: &Pulled) {
        self.wait.merge(&o.wait);
        self.rest.merge(&o.rest);
        self.held += o.held;
        self.in_gap += o.in_gap;
        self.turnaround.merge(&o.turnaround);
        self.round_trip.keep(o.round_trip.0);
    }
}

/// The least time of a round trip; none seen: `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundTrip(pub Option<Nanos>);

impl RoundTrip {
    fn keep(&mut self, other: Option<Nanos>) {
        self.0 = self.0.into_iter().chain(other).min();
    }
}

impl Recorder {
    /// A message was received that this request asked for.
    pub(super) fn pulled(&mut self, a: &Arrival, asked: &Asked) {
        match *asked {
            Asked::AtInterval(at) => {
                let part = &mut self.part(a.stamp.due).pulled;
                // A request that was on its way already cost the message no waiting.
                let begun = at.max(a.stamp.due);
                part.wait.record(begun - a.stamp.due);
                part.rest.record(a.received - begun);
            }
            Asked::Held(at) => {
                self.round_trip.keep(Some(a.received - at));
                let least = self.round_trip;
                // The request is at the target half a round trip after it began.
                let there = at + Nanos(least.0.map_or(0, |trip| trip.0 / 2));
                let part = &mut self.part(a.stamp.due).pulled;
                part.held += 1;
                part.in_gap += u64::from(a.stamp.sent() < there);
                part.round_trip.keep(least.0);
            }
        }
    }

    /// The request that follows a held one's answer, which was read at `answered`, begins.
    pub fn turned_around(&mut self, answered: Nanos, asked: Nanos) {
        self.part(answered).pulled.turnaround.record(asked - answered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Op, RunTag, Stamp};
    use crate::record::{Due, Seen, Tally};
    use proptest::prelude::*;

    fn arrival(due: u64, late: u64, received: u64, asked: Asked) -> Arrival {
        let us = Nanos::from_micros;
        let (due, late) = (us(due), us(late));
        let stamp = Stamp { run: RunTag::new(1), channel: 0, sequence: 0, due, late };
        let (seen, place, latest_value) = (Seen::New, Due::Here, false);
        Arrival { stamp, received: us(received), seen, place, latest_value, asked: Some(asked) }
    }

    fn of(arrivals: &[Arrival]) -> Tally {
        let mut recorder = Recorder::new(Nanos::ZERO..Nanos::MAX);
        arrivals.iter().for_each(|a| recorder.arrive(a));
        recorder.take().measured
    }

    proptest! {
        /// One message at a time, so that the exact ends of the histograms are its times.
        #[test]
        fn the_parts_sum_to_the_delivery_time(due in 0_u64..1 << 40, asked in 0_u64..1 << 40, took in 0_u64..1 << 30) {
            let received = due.max(asked) + took;
            let tally = of(&[arrival(due, 0, received, Asked::AtInterval(Nanos::from_micros(asked)))]);
            let only = |t: &Timing| t.min_ns().unwrap();
            let delivery = only(tally.response_of(Op::Deliver));
            prop_assert_eq!(only(&tally.pulled.wait) + only(&tally.pulled.rest), delivery);
            prop_assert_eq!(only(&tally.pulled.wait), asked.saturating_sub(due) * 1_000);
        }
    }

    #[test]
    fn every_delivery_of_a_poll_is_in_both_parts_and_no_other_is() {
        let at = |us| Asked::AtInterval(Nanos::from_micros(us));
        let push = Arrival { asked: None, ..arrival(5, 0, 9, at(0)) };
        let again = Arrival { seen: Seen::Again, ..arrival(5, 0, 9, at(7)) };
        let tally = of(&[arrival(1, 0, 9, at(7)), arrival(8, 0, 9, at(7)), push, again]);
        assert_eq!((tally.pulled.wait.count(), tally.pulled.rest.count()), (2, 2));
        assert_eq!(tally.pulled.held, 0);
    }

    /// A round trip of 100 us: what was sent up to 50 us after a request began was there before it.
    #[test]
    fn a_message_sent_before_its_request_was_there_is_in_the_gap() {
        let held = |us| Asked::Held(Nanos::from_micros(us));
        let first = arrival(900, 0, 1_100, held(1_000));
        let in_gap = |a: Arrival| of(&[first, a]).pulled.in_gap - 1;
        assert_eq!(in_gap(arrival(4_990, 0, 5_100, held(5_000))), 1);
        assert_eq!(in_gap(arrival(5_049, 0, 5_149, held(5_000))), 1);
        assert_eq!(in_gap(arrival(5_050, 0, 5_150, held(5_000))), 0);
        assert_eq!(in_gap(arrival(7_000, 0, 7_060, held(5_000))), 0);
        // Due in the gap, but sent after it.
        assert_eq!(in_gap(arrival(4_990, 100, 5_150, held(5_000))), 0);
        assert_eq!(of(&[first]).pulled.round_trip, RoundTrip(Some(Nanos::from_micros(100))));
    }
}
