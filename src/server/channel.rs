//! One channel: its bounded history, its subscribers, and the walk of each message past them.

use super::fault::Place;
use super::frame::Opcode;
use super::message::{Message, Walking};
use super::push::Connection;
use super::reply::{self, After};
use super::subscriber::{Kind, Subscriber};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Subscribers served before other tasks get their turn.
const CHUNK: usize = 500;

/// A named stream of messages.
pub(super) struct Channel {
    name: Rc<str>,
    place: Place,
    state: RefCell<State>,
}

struct State {
    /// The sequence before the first message this channel ever had.
    base: u64,
    newest: u64,
    history: VecDeque<Message>,
    history_bytes: usize,
    /// A subscriber keeps its slot, so that nobody is skipped or served twice by a walk under way.
    slots: Vec<Option<Subscriber>>,
    free: Vec<usize>,
    /// Messages on their walk past the subscribers; the first one has come as far as `reached`.
    walking: VecDeque<Walking>,
    reached: usize,
}

/// A place in a channel; leaving is dropping it.
pub(super) struct Subscription {
    channel: Rc<Channel>,
    connection: Rc<Connection>,
    slot: usize,
    kind: Kind,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let stats = &self.connection.server().stats;
        stats.left(self.kind);
        self.channel.leave(self.slot, &self.connection);
        self.connection.server().forget_if_unused(&self.channel);
    }
}

/// What a channel has for a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The cursor for the next time.
    pub(super) newest: u64,
    /// Messages in the answer.
    pub(super) count: u64,
    /// Messages that were published after the cursor and are no longer kept.
    pub(super) skipped: u64,
}

impl Channel {
    /// An empty channel whose first message will have the sequence `base + 1`.
    pub(super) fn new(name: Rc<str>, base: u64) -> Channel {
        let state = State {
            base,
            newest: base,
            history: VecDeque::new(),
            history_bytes: 0,
            slots: Vec::new(),
            free: Vec::new(),
            walking: VecDeque::new(),
            reached: 0,
        };
        Channel { name, place: Place::default(), state: RefCell::new(state) }
    }

    /// Its name.
    pub(super) fn name(&self) -> &Rc<str> {
        &self.name
    }

    /// The sequence of the newest message: the cursor of who wants only what comes.
    pub(super) fn newest(&self) -> u64 {
        self.state.borrow().newest
    }

    /// The sequence before its first message.
    pub(super) fn base(&self) -> u64 {
        self.state.borrow().base
    }

    /// Its part of the line of messages that are to be given out.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Receivers attached now.
    pub(super) fn subscribers(&self) -> usize {
        self.state.borrow().attached()
    }

    /// Whether no message is there.
    pub(super) fn is_empty(&self) -> bool {
        self.state.borrow().history.is_empty()
    }

    /// Whether nobody could tell it from a channel made anew.
    pub(super) fn is_unused(&self) -> bool {
        let state = self.state.borrow();
        state.attached() == 0 && state.newest == state.base && !self.place.is_used()
    }

    /// Takes a message into the history and to the start of its walk; gives its sequence. Within
    /// `(messages, bytes)`, but the newest message is always kept.
    pub(super) fn append(&self, opcode: Opcode, payload: &[u8], (most, most_bytes): (usize, usize)) -> u64 {
        let mut state = self.state.borrow_mut();
        state.newest += 1;
        let message = Message::new(state.newest, opcode, payload);
        state.history_bytes += payload.len();
        state.history.push_back(message.clone());
        while state.history.len() > 1 && (state.history.len() > most || state.history_bytes > most_bytes) {
            if let Some(oldest) = state.history.pop_front() {
                state.history_bytes -= oldest.payload().len();
            }
        }
        state.walking.push_back(Walking::new(message));
        state.newest
    }

    /// Walks messages past the subscribers until that with `sequence` is through. Several
    /// publishers help one another; the order of messages is kept.
    pub(super) async fn fan_out(&self, sequence: u64) {
        while !self.step(sequence, CHUNK) {
            tokio::task::yield_now().await;
        }
    }

    /// Serves up to `budget` slots; whether everything up to `sequence` is through.
    fn step(&self, sequence: u64, mut budget: usize) -> bool {
        let mut state = self.state.borrow_mut();
        while state.walking.front().is_some_and(|w| w.message.sequence <= sequence) {
            let Some(mut walking) = state.walking.pop_front() else { break };
            let end = state.slots.len().min(state.reached.saturating_add(budget));
            budget -= end - state.reached;
            state.serve(&mut walking, end);
            if end < state.slots.len() {
                state.walking.push_front(walking);
                return false;
            }
            state.reached = 0;
        }
        state.tidy();
        true
    }

    /// Attaches a receiver of what comes from now on, which takes `most` messages.
    pub(super) fn join(self: &Rc<Self>, connection: &Rc<Connection>, kind: Kind, most: u64) -> Subscription {
        let mut state = self.state.borrow_mut();
        let connection_of_it = Rc::clone(connection);
        let subscriber = Subscriber { connection: connection_of_it, kind, since: state.newest, left: most };
        let slot = state.free.pop().unwrap_or(state.slots.len());
        if slot == state.slots.len() {
            state.slots.push(None);
        }
        state.slots[slot] = Some(subscriber);
        connection.server().stats.joined(kind);
        Subscription { channel: Rc::clone(self), connection: Rc::clone(connection), slot, kind }
    }

    fn leave(&self, slot: usize, connection: &Rc<Connection>) {
        let mut state = self.state.borrow_mut();
        // A long poll that was answered has left its slot already, maybe to another.
        let own = |s: &Option<Subscriber>| s.as_ref().is_some_and(|s| Rc::ptr_eq(&s.connection, connection));
        if state.slots.get(slot).is_some_and(own) {
            state.vacate(slot);
            state.tidy();
        }
    }

    /// Sends all subscribers away; gives their number.
    pub(super) fn close(&self) -> usize {
        self.step(u64::MAX, usize::MAX);
        let mut state = self.state.borrow_mut();
        let newest = state.newest;
        state.free.clear();
        let leaving: Vec<Subscriber> = state.slots.drain(..).flatten().collect();
        for subscriber in &leaving {
            subscriber.send_away(newest);
        }
        leaving.len()
    }

    /// Adds the whole answer with all messages after `cursor`, or nothing when there are none.
    pub(super) fn read(&self, cursor: u64, after: After, out: &mut Vec<u8>) -> Option<Found> {
        let state = self.state.borrow();
        let found = Some(state.find(cursor)).filter(|f| f.count > 0)?;
        let wanted = || state.history.range(state.history.len() - found.count as usize..);
        let length = wanted().map(|m| m.payload().len() + 1).sum::<usize>() - 1;
        reply::messages(out, found.newest, found.skipped, length, after);
        for (n, message) in wanted().enumerate() {
            out.extend_from_slice(if n == 0 { b"" } else { b"\n" });
            out.extend_from_slice(message.payload());
        }
        Some(found)
    }

    /// What there is for a cursor.
    pub(super) fn find(&self, cursor: u64) -> Found {
        self.state.borrow().find(cursor)
    }

    /// Shows the kept messages after `cursor`, until `add` has taken `most` of them; gives the
    /// sequence of the last one shown and the number of those taken.
    pub(super) fn replay(
        &self,
        cursor: u64,
        most: u64,
        mut add: impl FnMut(&Message) -> bool,
    ) -> Option<(u64, u64)> {
        let state = self.state.borrow();
        let (mut last, mut count) = (None, 0);
        for message in state.history.iter().filter(|m| m.sequence > cursor) {
            if count == most {
                break;
            }
            count += u64::from(add(message));
            last = Some(message.sequence);
        }
        last.map(|last| (last, count))
    }

    /// Forgets all messages, as a restart does; the sequence goes on, so that a cursor never means
    /// two things.
    pub(super) fn lose_history(&self) {
        let mut state = self.state.borrow_mut();
        state.history = VecDeque::new();
        state.history_bytes = 0;
    }

    /// Adds the whole answer with the newest message when it is another than `cursor`; its sequence.
    pub(super) fn read_latest(&self, cursor: Option<u64>, after: After, out: &mut Vec<u8>) -> Option<u64> {
        let state = self.state.borrow();
        let message = state.history.back().filter(|m| Some(m.sequence) != cursor)?;
        message.answer(after, out);
        Some(message.sequence)
    }
}

impl State {
    fn attached(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    fn vacate(&mut self, slot: usize) {
        self.slots[slot] = None;
        self.free.push(slot);
    }

    /// Gives memory back when the last receiver has left and no walk is under way.
    fn tidy(&mut self) {
        if self.attached() == 0 && self.walking.is_empty() {
            self.slots = Vec::new();
            self.free = Vec::new();
        }
    }

    fn serve(&mut self, walking: &mut Walking, end: usize) {
        for slot in self.reached..end {
            let Some(subscriber) = &mut self.slots[slot] else { continue };
            if subscriber.since < walking.message.sequence && !subscriber.deliver(walking) {
                self.vacate(slot);
            }
        }
        self.reached = end;
    }

    fn find(&self, cursor: u64) -> Found {
        // A cursor from the future is one of another life of the server: all is new to it.
        let from = if cursor > self.newest { self.base } else { cursor.max(self.base) };
        let count = (self.newest - from).min(self.history.len() as u64);
        Found { newest: self.newest, count, skipped: self.newest - from - count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(messages: u64, limits: (usize, usize)) -> Channel {
        let channel = Channel::new("a".into(), 10);
        for n in 1..=messages {
            channel.append(Opcode::Text, format!("m{n}").as_bytes(), limits);
        }
        channel
    }

    fn read(channel: &Channel, cursor: u64) -> Option<(Found, String)> {
        let mut out = Vec::new();
        let found = channel.read(cursor, After::Stay, &mut out)?;
        let text = String::from_utf8(out).unwrap();
        Some((found, text.split_once("\r\n\r\n").unwrap().1.to_owned()))
    }

    #[test]
    fn a_cursor_gets_what_came_after_it() {
        let channel = channel(3, (100, 100));
        let whole = Found { newest: 13, count: 3, skipped: 0 };
        assert_eq!(read(&channel, 10), Some((whole, "m1\nm2\nm3".into())));
        assert_eq!(read(&channel, 4), Some((whole, "m1\nm2\nm3".into())), "before the channel began");
        assert_eq!(read(&channel, 99), Some((whole, "m1\nm2\nm3".into())), "of another life");
        assert_eq!(read(&channel, 12).unwrap().1, "m3");
        assert_eq!(read(&channel, 13), None);
    }

    #[test]
    fn history_is_bounded_both_ways_and_says_what_is_missing() {
        let few = channel(5, (2, 100));
        assert_eq!(read(&few, 11), Some((Found { newest: 15, count: 2, skipped: 2 }, "m4\nm5".into())));
        let small = channel(5, (100, 5));
        assert_eq!(read(&small, 10), Some((Found { newest: 15, count: 2, skipped: 3 }, "m4\nm5".into())));
        let tiny = channel(5, (100, 1));
        assert_eq!(read(&tiny, 10).unwrap().1, "m5", "the newest is always kept");
    }

    #[test]
    fn nothing_walks_on_without_subscribers() {
        let channel = channel(3, (2, 100));
        assert!(channel.step(13, 1));
        assert!(channel.state.borrow().walking.is_empty());
    }
}
