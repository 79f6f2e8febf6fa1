//! Turns the units that a session hands over into messages, counts and bytes.

use super::{ClientState, Workplace};
use crate::model::{Failure, Nanos, Stage, Stamp, Traffic};
use crate::record::{Arrival, Asked, Due, Seen};
use crate::transport::{Session, Sink, Unit, UnitKind};

/// The receiving side of one client.
pub(super) struct Listener<'a> {
    place: &'a Workplace,
    state: &'a ClientState,
    answer: Answer,
    /// Whether a data unit has come.
    brought: bool,
    /// Since when the client is leaving: what is due from then on is none of its.
    leaving: Option<Nanos>,
    /// The request under way, of a pull session.
    asked: Option<Asked>,
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
        Listener { place, state, answer: Answer::default(), brought: false, leaving: None, asked: None }
    }

    /// The one that listens to the answer of this request.
    pub(super) fn of_request(self, asked: Option<Asked>) -> Listener<'a> {
        Listener { asked, ..self }
    }

    /// Whether any data has come.
    pub(super) fn has_brought(&self) -> bool {
        self.brought
    }

    /// It leaves at this instant: only what was due before counts.
    pub(super) fn leaves(&mut self, at: Nanos) {
        self.leaving = Some(at);
    }

    /// Whether the client is leaving.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// When the last read returned that brought anything.
    pub(super) fn last_received(&self) -> Option<Nanos> {
        self.answer.received
    }

    /// The answer since the last call.
    pub(super) fn take_answer(&mut self) -> Answer {
        std::mem::take(&mut self.answer)
    }

    /// Records each stamped message of a body; how many had not been received before.
    fn messages(&mut self, unit: &Unit<'_>) -> u64 {
        if self.place.events.is_some() {
            self.log(unit);
        }
        let mut recorder = self.place.recorder.borrow_mut();
        let mut ledger = self.state.ledger.borrow_mut();
        let (mut ours, mut others, mut fresh) = (0, 0, 0);
        for found in Stamp::find_all(unit.body) {
            match found {
                Ok(stamp) if stamp.run == self.place.tag && stamp.channel == self.state.channel => {
                    ours += 1;
                    if self.leaving.is_some_and(|at| stamp.due >= at) {
                        continue;
                    }
                    let place = ledger.place(stamp.due);
                    // History that a newcomer is given is in nobody's account.
                    let seen = if place == Due::Before { Seen::Again } else { ledger.see(stamp.sequence) };
                    fresh += u64::from(seen.is_first());
                    let (received, latest_value) = (unit.received, self.place.latest_value);
                    let asked = self.asked;
                    recorder.arrive(&Arrival { stamp, received, seen, place, latest_value, asked });
                    if let Some(fan_out) = self.place.fan_out.as_ref().filter(|_| owed(seen, place)) {
                        fan_out.receive(&stamp, received, &mut recorder);
                    }
                }
                _ => {
                    others += 1;
                    recorder.foreign(unit.received);
                }
            }
        }
        if ours + others == 0 {
            recorder.unstamped(unit.received);
        }
        self.answer.fresh += fresh;
        fresh
    }

    /// Writes down every stamp of this run in a body, before anything is made of them.
    fn log(&self, unit: &Unit<'_>) {
        let ours = Stamp::find_all(unit.body).flatten().filter(|stamp| stamp.run == self.place.tag);
        ours.for_each(|stamp| self.place.log(|log| log.received(unit.received, self.state, &stamp)));
    }

    fn follows(&self, unit: &Unit<'_>) -> bool {
        self.place
            .follow
            .as_ref()
            .is_some_and(|follow| follow.message(self.place, self.state, unit, self.is_leaving()))
    }

    fn weighed(&mut self, unit: &Unit<'_>) -> Traffic {
        let payload = self.messages(unit) * self.place.payload_bytes;
        let mut traffic = unit.traffic.with_payload(payload);
        if self.place.echo {
            // What the client wrote since its last unit stands in the framing: its message is none.
            let sent = payload.min(traffic.framing);
            traffic.framing -= sent;
            traffic.payload += sent;
        }
        traffic
    }

    /// Counts the bytes that were never part of a unit: those of an exchange or a session that
    /// failed. Nothing of them is payload.
    pub(super) fn count_rest(&self, session: &dyn Session) {
        count_rest(self.place, self.state, session);
    }
}

/// See [`Listener::count_rest`].
pub(super) fn count_rest(place: &Workplace, state: &ClientState, session: &dyn Session) {
    let rest = session.wire().since(state.told.get());
    state.told.set(session.wire());
    // Where a client panics while it records, its bytes are the least of the trouble.
    if let Ok(mut recorder) = place.recorder.try_borrow_mut() {
        recorder.traffic(place.now(), rest.with_payload(0));
    }
}

/// Whether a message was owed to its client and had not been received.
fn owed(seen: Seen, place: Due) -> bool {
    place == Due::Here && seen.is_first()
}

impl Sink for Listener<'_> {
    fn unit(&mut self, unit: &Unit<'_>) {
        self.answer.received = Some(unit.received);
        self.brought |= unit.kind == UnitKind::Data;
        self.state.told.set(self.state.told.get() + unit.traffic);
        let traffic = match unit.kind {
            // All that a target publishes by itself is payload: nobody told what a message of it is.
            UnitKind::Data if self.place.follow.is_some() => {
                let fresh = self.follows(unit);
                self.answer.fresh += u64::from(fresh);
                if fresh { unit.traffic } else { unit.traffic.with_payload(0) }
            }
            // Nobody told what a message of this target is: all of its body counts as payload.
            UnitKind::Data if self.place.payload_bytes == 0 => {
                self.messages(unit);
                self.answer.fresh += 1;
                unit.traffic
            }
            // A message received again carries nothing: it is overhead, as the method has it.
            UnitKind::Data => self.weighed(unit),
            UnitKind::Empty | UnitKind::Control => unit.traffic.with_payload(0),
            UnitKind::Refused(failure) => {
                self.answer.refused = Some(failure);
                unit.traffic.with_payload(0)
            }
        };
        self.place.recorder.borrow_mut().traffic(unit.received, traffic);
    }

    fn stage(&mut self, stage: Stage, took: Nanos) {
        // The first is told by `connected`, the last is the client's own to see.
        if matches!(stage, Stage::Tls | Stage::Upgrade) {
            self.place.recorder.borrow_mut().stage(self.place.now(), stage, took);
        }
    }

    fn connected(&mut self, started: Nanos, finished: Nanos) {
        let mut recorder = self.place.recorder.borrow_mut();
        recorder.connected(finished);
        recorder.stage(finished, Stage::Tcp, finished - started);
    }
}
