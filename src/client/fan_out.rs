//! Who was subscribed when a message was due, for the fan-out of each message: the clients of a worker by
//! channel.

use super::{ClientState, VirtualClient, Workplace};
use crate::model::{Nanos, Stamp};
use crate::record::{FanWindows, Piece, Receipt, Recorder};
use std::cell::RefCell;
use std::rc::Rc;

/// The receivers of a worker's channels, and the messages on their way to them.
pub struct FanOut(RefCell<Inner>);

struct Inner {
    windows: FanWindows,
    channels: Vec<Crowd>,
}

/// The clients of one channel.
#[derive(Default)]
struct Crowd {
    clients: Vec<Rc<ClientState>>,
    /// How many of them were subscribed when they were last counted.
    subscribed: u32,
    /// No client came or went at or after this instant, as far as is known.
    settled: Nanos,
    /// Whether somebody came or went since they were counted.
    stale: bool,
}

impl Crowd {
    /// How many were subscribed at that instant. They are counted only when somebody came or went since.
    fn subscribed_at(&mut self, at: Nanos) -> u32 {
        if !self.stale && at >= self.settled {
            return self.subscribed;
        }
        // The one whose ledger is in use is the one that receives: it was subscribed.
        let there = |c: &&Rc<ClientState>| c.ledger.try_borrow().is_ok_and(|l| !l.is_subscribed_at(at));
        let counted = (self.clients.len() - self.clients.iter().filter(there).count()) as u32;
        if at >= self.settled {
            (self.subscribed, self.stale) = (counted, false);
        }
        counted
    }
}

impl FanOut {
    /// For channels of which some have clients on other workers, too.
    pub fn new(split: Vec<bool>) -> FanOut {
        let channels = split.iter().map(|_| Crowd::default()).collect();
        FanOut(RefCell::new(Inner { windows: FanWindows::new(split.into_iter()), channels }))
    }

    /// This client listens, too.
    pub fn joined(&self, state: &Rc<ClientState>) {
        let crowd = &mut self.0.borrow_mut().channels[state.channel as usize];
        crowd.clients.push(Rc::clone(state));
        crowd.stale = true;
    }

    /// A client of this channel came or went at that instant.
    fn moved(&self, channel: u32, at: Nanos) {
        let crowd = &mut self.0.borrow_mut().channels[channel as usize];
        crowd.settled = crowd.settled.max(at);
        crowd.stale = true;
    }

    /// A client that was subscribed when this message was due has it for the first time.
    pub(super) fn receive(&self, stamp: &Stamp, received: Nanos, recorder: &mut Recorder) {
        let Inner { windows, channels } = &mut *self.0.borrow_mut();
        let Stamp { channel, sequence, due, .. } = *stamp;
        let crowd = &mut channels[channel as usize];
        let subscribers = || crowd.subscribed_at(due);
        windows.receive(&Receipt { channel, sequence, due, received }, recorder, subscribers);
    }

    /// What is known of messages with receivers on other workers, since the last time.
    pub fn take_pieces(&self) -> Vec<Piece> {
        self.0.borrow_mut().windows.take_pieces()
    }

    /// Nothing more will come.
    pub fn close(&self, place: &Workplace) {
        self.0.borrow_mut().windows.close(&mut place.recorder.borrow_mut());
    }
}

impl VirtualClient {
    /// It asked at `asked`, and can receive what is due from `at` on; `Nanos::MAX`: nobody knows yet.
    pub(super) fn subscribed(&self, asked: Nanos, at: Nanos) {
        if self.state.ledger.borrow_mut().asked_and_subscribed(asked, at) && at != Nanos::MAX {
            self.moved(at);
        }
    }

    /// It came or went at that instant.
    pub(super) fn moved(&self, at: Nanos) {
        self.place.fan_out.iter().for_each(|fan_out| fan_out.moved(self.state.channel, at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscribers_are_those_of_the_instant_at_which_a_message_was_due() {
        let fan_out = FanOut::new(vec![false]);
        let clients: Vec<Rc<ClientState>> = (0..3).map(|_| Rc::new(ClientState::of_channel(0))).collect();
        clients.iter().for_each(|c| fan_out.joined(c));
        let at = |due: u64| fan_out.0.borrow_mut().channels[0].subscribed_at(Nanos(due));
        let come = |i: usize, when: u64| {
            clients[i].ledger.borrow_mut().subscribed(Nanos(when));
            fan_out.moved(0, Nanos(when));
        };
        assert_eq!(at(0), 0);
        come(0, 10);
        come(1, 20);
        assert_eq!((at(5), at(15), at(25), at(30)), (0, 1, 2, 2));
        clients[0].ledger.borrow_mut().ended(Nanos(40));
        fan_out.moved(0, Nanos(40));
        // One that was due before the end is owed to it, whenever it is asked for.
        assert_eq!((at(39), at(40), at(41)), (2, 1, 1));
        come(0, 50);
        assert_eq!((at(45), at(60), at(15)), (1, 2, 1));
        // The one that is receiving counts though its ledger is in use.
        let _in_use = clients[2].ledger.borrow_mut();
        fan_out.moved(0, Nanos(60));
        assert_eq!(at(60), 3);
    }
}
