//! Turns the units that a session hands over into messages, counts and bytes.

use super::{ClientState, Workplace};
use crate::model::{Failure, Nanos, Stamp, Traffic};
use crate::record::Arrival;
use crate::transport::{Sink, Unit, UnitKind};

/// The receiving side of one client.
pub(super) struct Listener<'a> {
    place: &'a Workplace,
    state: &'a ClientState,
    answer: Answer,
}

/// What the last request of a pull session came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answer {
    /// When the read that completed it returned.
    pub(super) received: Option<Nanos>,
    /// Messages not received before.
    pub(super) fresh: u64,
    /// An answer that is not what was asked for.
    pub(super) refused: Option<Failure>,
}

impl<'a> Listener<'a> {
    pub(super) fn new(place: &'a Workplace, state: &'a ClientState) -> Listener<'a> {
        Listener { place, state, answer: Answer::default() }
    }

    /// The answer since the last call.
    pub(super) fn take_answer(&mut self) -> Answer {
        std::mem::take(&mut self.answer)
    }

    /// Records each stamped message of a body; how many of this run there were.
    fn messages(&mut self, unit: &Unit<'_>) -> u64 {
        let mut recorder = self.place.recorder.borrow_mut();
        let mut ledger = self.state.ledger.borrow_mut();
        let mut count = 0;
        for found in Stamp::find_all(unit.body) {
            match found {
                Ok(stamp) if stamp.run == self.place.tag && stamp.channel == self.state.channel => {
                    count += 1;
                    let seen = ledger.see(stamp.sequence);
                    self.answer.fresh += u64::from(seen.is_first());
                    let (received, latest_value) = (unit.received, self.place.latest_value);
                    recorder.arrive(&Arrival { stamp, received, seen, latest_value });
                }
                _ => recorder.foreign(unit.received),
            }
        }
        if count == 0 {
            recorder.unstamped(unit.received);
        }
        count
    }
}

/// Splits a body into what was published and what it came wrapped in.
fn split_body(mut traffic: Traffic, payload: u64) -> Traffic {
    let wrapping = traffic.payload.saturating_sub(payload);
    traffic.payload -= wrapping;
    traffic.framing += wrapping;
    traffic
}

impl Sink for Listener<'_> {
    fn unit(&mut self, unit: &Unit<'_>) {
        self.answer.received = Some(unit.received);
        let traffic = match unit.kind {
            // Nobody told what a message of this target is: all of its body counts as payload.
            UnitKind::Data if self.place.payload_bytes == 0 => {
                self.messages(unit);
                self.answer.fresh += 1;
                unit.traffic
            }
            UnitKind::Data => split_body(unit.traffic, self.messages(unit) * self.place.payload_bytes),
            UnitKind::Empty | UnitKind::Control => split_body(unit.traffic, 0),
            UnitKind::Refused(failure) => {
                self.answer.refused = Some(failure);
                split_body(unit.traffic, 0)
            }
        };
        self.place.recorder.borrow_mut().traffic(unit.received, traffic);
    }

    fn connected(&mut self, _started: Nanos, finished: Nanos) {
        self.place.recorder.borrow_mut().connected(finished);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_payload_and_what_it_is_wrapped_in() {
        let traffic = Traffic { payload: 130, wire_in: 130, ..Traffic::default() };
        let split = split_body(traffic, 128);
        assert_eq!((split.payload, split.framing), (128, 2));
        assert!(split.balances());
        // A server that shortens messages cannot make the payload larger than the body.
        assert_eq!(split_body(traffic, 500).payload, 130);
    }
}
