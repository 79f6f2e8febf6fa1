//! Messages that a target publishes by itself: told by their own time and number, or, when nothing
//! in them can be read, by when the others got them.

use super::{ClientState, Workplace};
use crate::clock::LiveLine;
use crate::model::Nanos;
use crate::record::{Due, Followed, Seen, Spread, SpreadWindows};
use crate::transport::{OwnValues, Unit};
use std::cell::RefCell;
use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;
use std::sync::Arc;

/// What the clients of a worker know of a target's own messages.
pub struct Follow {
    values: OwnValues,
    clock: TheirClock,
    /// Where nothing in a message can be read.
    spread: Option<RefCell<Crowd>>,
}

/// The clock of the times that messages tell.
pub enum TheirClock {
    /// So far ahead of the run's.
    Ahead(Nanos),
    /// As far ahead as who asks it finds while the run goes on.
    Asked(Arc<LiveLine>),
    /// It was to be asked and could not be: taken for wall-clock time, which is so far ahead of the
    /// run's; a time that cannot be that is none.
    Unknown(Nanos),
}

/// A time further from its receipt than this is no wall-clock time.
const STRANGE: Nanos = Nanos(24 * 3_600 * Nanos::SECOND.0);

impl TheirClock {
    /// The instant on the run's clock that it calls `theirs`.
    fn ours(&self, theirs: Nanos, received: Nanos) -> Option<Nanos> {
        match self {
            TheirClock::Ahead(ahead) => Some(theirs - *ahead),
            TheirClock::Asked(line) => Some(line.now().ours(theirs)),
            TheirClock::Unknown(ahead) => {
                let apart = theirs.0.abs_diff((received + *ahead).0);
                (apart < STRANGE.0).then(|| theirs - *ahead)
            }
        }
    }
}

/// The clients of each channel, and what they got.
struct Crowd {
    windows: SpreadWindows,
    clients: Vec<Vec<Rc<ClientState>>>,
}

impl Follow {
    /// Times that the messages tell are by this clock.
    pub fn new(values: OwnValues, clock: TheirClock, channels: usize) -> Follow {
        let blind = !values.has_sequence() && !values.has_time();
        let crowd = || Crowd { windows: SpreadWindows::new(channels), clients: vec![Vec::new(); channels] };
        Follow { values, clock, spread: blind.then(|| RefCell::new(crowd())) }
    }

    /// This client listens, too.
    pub fn joined(&self, state: &Rc<ClientState>) {
        if let Some(spread) = &self.spread {
            spread.borrow_mut().clients[state.channel as usize].push(Rc::clone(state));
        }
    }

    /// One data unit is one message; whether it is new to the client and could be read. To a client
    /// that leaves, what was published since is none of its.
    pub(super) fn message(
        &self,
        place: &Workplace,
        state: &ClientState,
        unit: &Unit<'_>,
        leaving: bool,
    ) -> bool {
        let mut recorder = place.recorder.borrow_mut();
        let (number, time) = (self.values.sequence(unit.body), self.values.time(unit.body));
        if (self.values.has_sequence() && number.is_none()) || (self.values.has_time() && time.is_none()) {
            recorder.unstamped(unit.received);
            return false;
        }
        let time = time.and_then(|at| self.clock.ours(at, unit.received));
        let mut ledger = state.ledger.borrow_mut();
        let due = time.map_or(Due::Here, |at| ledger.place(at.min(unit.received)));
        if leaving && due != Due::Here {
            return false;
        }
        let owed = due == Due::Here && recorder.is_measured(unit.received);
        // History that a newcomer is given is in nobody's account.
        let seen = match due {
            Due::Before => Some(Seen::Again),
            _ => number.map(|n| ledger.see_own(n, owed)),
        };
        let last = state.last_message.replace(Some(unit.received));
        let gap = last.map(|last| unit.received - last);
        let latest_value = place.latest_value;
        let is_bounded = matches!(self.clock, TheirClock::Asked(_));
        let received = unit.received;
        recorder.follow(&Followed { received, time, place: due, seen, gap, is_bounded, latest_value });
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
