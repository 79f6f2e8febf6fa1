//! Messages that tell nothing about themselves: when each was first seen, and by how many.
//!
//! A message is known by a hash of its bytes, for as long as it is among the last so many of its
//! channel: a bounded window. A receipt after everybody has had the message begins a new one, since
//! a target may say the same thing twice.

use crate::model::Nanos;
use std::collections::{HashMap, VecDeque};

/// Most messages of one channel that are kept apart.
const MOST_OF_ONE: usize = 4096;
/// Most of all channels together, of one worker.
const MOST_OF_ALL: usize = 1 << 16;
/// Fewest of one channel, however many channels there are.
const LEAST_OF_ONE: usize = 64;

/// The windows of a worker's channels.
#[derive(Debug)]
pub struct SpreadWindows {
    most: usize,
    channels: Vec<Window>,
}

#[derive(Debug, Default)]
struct Window {
    /// In the order of first receipt; the first of them has number `begin`.
    messages: VecDeque<Message>,
    begin: u64,
    by_hash: HashMap<u64, u64>,
}

#[derive(Clone, Copy, Debug)]
struct Message {
    hash: u64,
    first: Nanos,
    receivers: u32,
    attached: u32,
}

/// What a receipt was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// The first of its message in this worker.
    First,
    /// So long after the first.
    Behind(Nanos),
}

/// A message that left its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// When it was first received.
    pub first: Nanos,
    /// Clients that were attached then and did not get it while it was in the window.
    pub missing: u32,
}

impl SpreadWindows {
    /// Windows for so many channels.
    pub fn new(channels: usize) -> SpreadWindows {
        let most = (MOST_OF_ALL / channels.max(1)).clamp(LEAST_OF_ONE, MOST_OF_ONE);
        let windows = std::iter::repeat_with(Window::default).take(channels).collect();
        SpreadWindows { most, channels: windows }
    }

    /// A client of `channel` received a message with this hash. `attached` is asked when it is a new
    /// one: how many clients of the channel could receive it. What left the window for it comes back.
    pub fn receive(
        &mut self,
        channel: usize,
        hash: u64,
        received: Nanos,
        attached: impl FnOnce() -> u32,
    ) -> (Spread, Option<Left>) {
        let most = self.most;
        let window = &mut self.channels[channel];
        if let Some(number) = window.by_hash.get(&hash) {
            let message = &mut window.messages[(number - window.begin) as usize];
            if message.receivers < message.attached {
                message.receivers += 1;
                return (Spread::Behind(received - message.first), None);
            }
        }
        // All that it will ever hold, at once: no receipt later on has to wait for more.
        if window.messages.capacity() == 0 {
            window.messages.reserve(most);
            window.by_hash.reserve(most);
        }
        let left = if window.messages.len() >= most { window.leave() } else { None };
        window.by_hash.insert(hash, window.begin + window.messages.len() as u64);
        let attached = attached().max(1);
        window.messages.push_back(Message { hash, first: received, receivers: 1, attached });
        (Spread::First, left)
    }

    /// Takes all messages out of their windows: nothing more will come.
    pub fn close(&mut self) -> Vec<Left> {
        self.channels.iter_mut().flat_map(|w| std::iter::from_fn(|| w.leave())).collect()
    }
}

impl Window {
    fn leave(&mut self) -> Option<Left> {
        let message = self.messages.pop_front()?;
        // Its hash may be that of a later message by now.
        if self.by_hash.get(&message.hash) == Some(&self.begin) {
            self.by_hash.remove(&message.hash);
        }
        self.begin += 1;
        Some(Left {
            first: message.first,
            missing: message.attached - message.receivers.min(message.attached),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(w: &mut SpreadWindows, hash: u64, at: u64) -> Spread {
        w.receive(0, hash, Nanos(at), || 3).0
    }

    #[test]
    fn receipts_are_held_against_the_first_one() {
        let mut w = SpreadWindows::new(1);
        assert_eq!(receive(&mut w, 7, 10), Spread::First);
        assert_eq!(receive(&mut w, 8, 11), Spread::First);
        assert_eq!(receive(&mut w, 7, 15), Spread::Behind(Nanos(5)));
        assert_eq!(receive(&mut w, 7, 19), Spread::Behind(Nanos(9)));
        // Everybody has had it: the target says it again.
        assert_eq!(receive(&mut w, 7, 30), Spread::First);
        assert_eq!(receive(&mut w, 7, 31), Spread::Behind(Nanos(1)));
        let left = |first, missing| Left { first: Nanos(first), missing };
        assert_eq!(w.close(), [left(10, 0), left(11, 2), left(30, 1)]);
    }

    #[test]
    fn the_window_is_bounded_and_tells_who_missed_what_left_it() {
        let mut w = SpreadWindows::new(1);
        for n in 0..MOST_OF_ONE as u64 {
            assert_eq!(w.receive(0, n, Nanos(n), || 2), (Spread::First, None));
        }
        let left = Left { first: Nanos(0), missing: 1 };
        assert_eq!(w.receive(0, 1 << 40, Nanos(9_999), || 2), (Spread::First, Some(left)));
        // What left is not known any more; what is still there is.
        assert_eq!(w.receive(0, 1, Nanos(10_000), || 2).0, Spread::Behind(Nanos(9_999)));
        assert_eq!(w.receive(0, 0, Nanos(10_001), || 2).0, Spread::First);
        assert_eq!(w.channels[0].messages.len(), MOST_OF_ONE);
        assert_eq!(SpreadWindows::new(100_000).most, LEAST_OF_ONE);
    }
}
