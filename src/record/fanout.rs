//! When the first, the median and the last receiver of each message had it.
//!
//! A window for each channel: a ring by sequence, a few bytes a message, so that nothing is allocated for
//! one and nothing is kept of those that are over. A message that a much later one drives out before all
//! had it is incomplete. Where the clients of a channel are spread over several workers each sees a part of
//! the receivers: it hands over a [`Piece`] for each message, to be put together by whoever gets them all.

use super::{Recorder, Timing};
use crate::model::Nanos;

/// Most messages of one channel that may be under way.
const MOST_OF_ONE: usize = 4096;
/// Most of all channels together, of one worker.
const MOST_OF_ALL: usize = 1 << 16;
/// Fewest of one channel, however many channels there are.
const LEAST_OF_ONE: usize = 64;
/// Arrivals of a piece that are kept: up to so many receivers all of them are.
pub(super) const MARKS: u32 = 16;

/// What is known of the fan-out of some messages.
#[derive(Clone, Debug, Default)]
pub struct Fan {
    /// Messages that anybody had.
    pub messages: u64,
    /// The sum of their subscribers.
    pub receivers: u64,
    /// Of the messages, those that fewer than half of their subscribers had.
    pub below_half: u64,
    /// Those that not all had.
    pub incomplete: u64,
    /// Of the incomplete, those that a later message drove out.
    pub pushed_out: u64,
    /// Delivery time of the first receiver.
    pub first: Timing,
    /// Of the one with whom half, rounded up, had it.
    pub median: Timing,
    /// Of the one with whom all had it.
    pub last: Timing,
}

impl Fan {
    /// Adds all of another: commutative and associative.
    pub fn merge(&mut self, o: &Fan) {
        self.messages += o.messages;
        self.receivers += o.receivers;
        self.below_half += o.below_half;
        self.incomplete += o.incomplete;
        self.pushed_out += o.pushed_out;
        self.first.merge(&o.first);
        self.median.merge(&o.median);
        self.last.merge(&o.last);
    }
}

/// What one worker knows of one message. Times are delivery times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its channel.
    pub channel: u32,
    /// Its number on the channel.
    pub sequence: u32,
    /// When it was due.
    pub due: Nanos,
    /// This worker's clients that were subscribed then.
    pub subscribers: u32,
    /// Of these, those that had it.
    pub receivers: u32,
    /// Delivery time of the first.
    pub first: Nanos,
    /// Of the last so far.
    pub last: Nanos,
    /// When every so many had it: with up to 16 subscribers each one, else every sixteenth part of them.
    pub marks: [Nanos; 16],
    /// Whether a later message drove it out.
    pub pushed_out: bool,
}

/// The mark that receiver number `n` (from 1) of `subscribers` sets, if any: with up to 16 every one has
/// its own, else sixteen lie evenly spread, the last at the last.
pub(super) fn mark_of(n: u32, subscribers: u32) -> Option<usize> {
    let at = |j: u32| rank_of_mark(j, subscribers);
    let j = (u64::from(n) * u64::from(MARKS.min(subscribers)) / u64::from(subscribers.max(1))) as u32;
    (j > 0 && at(j - 1) == n).then(|| j as usize - 1)
}

/// How many had it when mark `j` (from 0) was set.
pub(super) fn rank_of_mark(j: u32, subscribers: u32) -> u32 {
    let marks = MARKS.min(subscribers).max(1);
    (u64::from(j + 1) * u64::from(subscribers)).div_ceil(u64::from(marks)) as u32
}

/// How many of `subscribers` are half.
pub(super) fn half(subscribers: u32) -> u32 {
    subscribers.div_ceil(2)
}

/// The windows of one worker.
#[derive(Debug)]
pub struct FanWindows {
    most: usize,
    channels: Vec<Window>,
    pieces: Vec<Piece>,
}

#[derive(Debug, Default)]
struct Window {
    /// Whether other workers have receivers, too.
    split: bool,
    slots: Vec<Slot>,
    /// One for each slot where the channel is split, else empty.
    parts: Vec<Part>,
}

/// A message under way, or one that is over, or nothing yet.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    due: Nanos,
    sequence: u32,
    /// 0: nothing yet.
    subscribers: u32,
    receivers: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    first: Nanos,
    last: Nanos,
    marks: [Nanos; MARKS as usize],
}

/// One receipt by a client that had been subscribed when the message was due, and had it not before.
#[derive(Clone, Copy, Debug)]
pub struct Receipt {
    /// The channel.
    pub channel: u32,
    /// The message's number on it.
    pub sequence: u32,
    /// When it was due.
    pub due: Nanos,
    /// When it was received.
    pub received: Nanos,
}

impl FanWindows {
    /// Windows for channels of which some are `split` over several workers.
    pub fn new(split: impl Iterator<Item = bool>) -> FanWindows {
        let channels: Vec<Window> = split.map(|split| Window { split, ..Window::default() }).collect();
        let share = (MOST_OF_ALL / channels.len().max(1)).clamp(LEAST_OF_ONE, MOST_OF_ONE);
        FanWindows { most: 1 << share.ilog2(), channels, pieces: Vec::new() }
    }

    /// Takes note of a receipt. `subscribers` is asked once for a message: how many clients of this worker
    /// were subscribed to its channel when it was due.
    pub fn receive(&mut self, r: &Receipt, recorder: &mut Recorder, subscribers: impl FnOnce() -> u32) {
        let most = self.most;
        let window = &mut self.channels[r.channel as usize];
        // All that it will ever hold, at once: no receipt later on has to wait for more.
        if window.slots.is_empty() {
            window.slots.resize(most, Slot::default());
            window.parts.resize(if window.split { most } else { 0 }, Part::default());
        }
        let index = r.sequence as usize & (most - 1);
        let slot = window.slots[index];
        if slot.subscribers == 0 || slot.sequence < r.sequence {
            self.pieces.extend(window.leave(index, r.channel, true, recorder));
            let window = &mut self.channels[r.channel as usize];
            let subscribers = subscribers().max(1);
            window.slots[index] = Slot { due: r.due, sequence: r.sequence, subscribers, receivers: 0 };
            if !window.split {
                recorder.fan_begun(r.due, subscribers);
            }
        } else if slot.sequence > r.sequence || slot.receivers >= slot.subscribers {
            return;
        }
        let window = &mut self.channels[r.channel as usize];
        let whole = window.arrived(index, r.received, recorder);
        if whole && window.split {
            self.pieces.extend(window.piece(index, r.channel, false));
        }
    }

    /// What this worker knows of messages whose receivers are spread over several, since the last time.
    pub fn take_pieces(&mut self) -> Vec<Piece> {
        std::mem::take(&mut self.pieces)
    }

    /// Nothing more will come: what is under way stays incomplete.
    pub fn close(&mut self, recorder: &mut Recorder) {
        for (channel, window) in self.channels.iter_mut().enumerate() {
            for index in 0..window.slots.len() {
                self.pieces.extend(window.leave(index, channel as u32, false, recorder));
                window.slots[index] = Slot::default();
            }
        }
    }
}

impl Window {
    /// One more has the message in this slot; whether all have it now.
    fn arrived(&mut self, index: usize, received: Nanos, recorder: &mut Recorder) -> bool {
        let slot = &mut self.slots[index];
        slot.receivers += 1;
        let (n, all, time) = (slot.receivers, slot.subscribers, received - slot.due);
        match self.parts.get_mut(index) {
            None => recorder.fan_arrived(slot.due, n, all, time),
            Some(part) => {
                part.first = if n == 1 { time } else { part.first.min(time) };
                part.last = if n == 1 { time } else { part.last.max(time) };
                mark_of(n, all).into_iter().for_each(|mark| part.marks[mark] = time);
            }
        }
        n == all
    }

    /// A message leaves its slot. What all have had was told when the last one had it.
    fn leave(&self, index: usize, channel: u32, driven: bool, recorder: &mut Recorder) -> Option<Piece> {
        let slot = self.slots[index];
        if slot.receivers >= slot.subscribers {
            return None;
        }
        if self.split {
            return self.piece(index, channel, driven);
        }
        recorder.fan_left(slot.due, slot.receivers < half(slot.subscribers), driven);
        None
    }

    fn piece(&self, index: usize, channel: u32, pushed_out: bool) -> Option<Piece> {
        let Slot { due, sequence, subscribers, receivers } = self.slots[index];
        let Part { first, last, marks } = *self.parts.get(index)?;
        Some(Piece { channel, sequence, due, subscribers, receivers, first, last, marks, pushed_out })
    }
}

impl Recorder {
    /// The first receiver has a message that was due then.
    fn fan_begun(&mut self, due: Nanos, subscribers: u32) {
        let fan = &mut self.part(due).fan;
        fan.messages += 1;
        fan.receivers += u64::from(subscribers);
    }

    /// Receiver number `n` of `all` has it, so long after it was due.
    fn fan_arrived(&mut self, due: Nanos, n: u32, all: u32, time: Nanos) {
        if n != 1 && n != all && n != half(all) {
            return;
        }
        let fan = &mut self.part(due).fan;
        let reached =
            [(n == 1, &mut fan.first), (n == half(all), &mut fan.median), (n == all, &mut fan.last)];
        reached.into_iter().filter(|(it, _)| *it).for_each(|(_, timing)| timing.record(time));
    }

    /// A message will not be received by all.
    fn fan_left(&mut self, due: Nanos, below_half: bool, pushed_out: bool) {
        let fan = &mut self.part(due).fan;
        fan.incomplete += 1;
        fan.below_half += u64::from(below_half);
        fan.pushed_out += u64::from(pushed_out);
    }
}

#[cfg(test)]
mod tests;
