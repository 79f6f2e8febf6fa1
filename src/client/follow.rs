//! Messages that a target publishes by itself: told by their own time and number, or, when nothing
//! in them can be read, by when the others got them.

use super::{ClientState, Workplace};
use crate::model::Nanos;
use crate::record::{Followed, Spread, SpreadWindows};
use crate::transport::{OwnValues, Unit};
use std::cell::RefCell;
use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;

/// What the clients of a worker know of a target's own messages.
pub struct Follow {
    values: OwnValues,
    /// What the target's clock is ahead of the run's.
    clock_ahead: Nanos,
    /// Where nothing in a message can be read.
    spread: Option<RefCell<Crowd>>,
}

/// The clients of each channel, and what they got.
struct Crowd {
    windows: SpreadWindows,
    clients: Vec<Vec<Rc<ClientState>>>,
}

impl Follow {
    /// Times that the messages tell are by a clock that is so far ahead of the run's.
    pub fn new(values: OwnValues, clock_ahead: Nanos, channels: usize) -> Follow {
        let blind = !values.has_sequence() && !values.has_time();
        let crowd = || Crowd { windows: SpreadWindows::new(channels), clients: vec![Vec::new(); channels] };
        Follow { values, clock_ahead, spread: blind.then(|| RefCell::new(crowd())) }
    }

    /// This client listens, too.
    pub fn joined(&self, state: &Rc<ClientState>) {
        if let Some(spread) = &self.spread {
            spread.borrow_mut().clients[state.channel as usize].push(Rc::clone(state));
        }
    }

    /// One data unit is one message; whether it is new to the client and could be read.
    pub(super) fn message(&self, place: &Workplace, state: &ClientState, unit: &Unit<'_>) -> bool {
        let mut recorder = place.recorder.borrow_mut();
        let (number, time) = (self.values.sequence(unit.body), self.values.time(unit.body));
        if (self.values.has_sequence() && number.is_none()) || (self.values.has_time() && time.is_none()) {
            recorder.unstamped(unit.received);
            return false;
        }
        let time = time.map(|at| at - self.clock_ahead);
        let mut ledger = state.ledger.borrow_mut();
        let early = time.is_some_and(|at| ledger.is_early(at));
        let seen = number.map(|n| ledger.see_own(n, recorder.is_measured(unit.received)));
        let last = state.last_message.replace(Some(unit.received));
        let gap = last.map(|last| unit.received - last);
        let latest_value = place.latest_value;
        recorder.follow(&Followed { received: unit.received, time, early, seen, gap, latest_value });
        drop(ledger);
        if let Some(spread) = &self.spread {
            let crowd = &mut *spread.borrow_mut();
            let clients = &crowd.clients[state.channel as usize];
            let attached = || clients.iter().filter(|c| c.attached.get()).count() as u32;
            let (behind, left) =
                crowd.windows.receive(state.channel as usize, hash(unit.body), unit.received, attached);
            match behind {
                Spread::First => recorder.first_receipt(unit.received),
                Spread::Behind(time) => recorder.behind(unit.received, time),
            }
            left.iter().for_each(|left| recorder.missing(left.first, left.missing));
        }
        seen.is_none_or(|seen| seen.is_first())
    }

    /// Nothing more will come: counts who missed what is still in the windows.
    pub fn close(&self, place: &Workplace) {
        if let Some(spread) = &self.spread {
            let mut recorder = place.recorder.borrow_mut();
            let left = spread.borrow_mut().windows.close();
            left.iter().for_each(|left| recorder.missing(left.first, left.missing));
        }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
