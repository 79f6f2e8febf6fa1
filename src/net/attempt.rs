//! A connection that has not come to a session yet.

use super::socket::Socket;
use super::{Memory, Stream};
use crate::model::Traffic;
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// A connection whose opening handshake is under way. Dropped before [`Attempt::keep`], because the
/// target refused or the time was up, it leaves the bytes that crossed it in the client's memory:
/// they are on the wire all the same.
pub struct Attempt {
    stream: Option<Stream>,
    memory: Rc<RefCell<Memory>>,
    /// What had crossed it before, told by who had it then.
    before: (u64, u64),
}

impl Attempt {
    /// The attempt of a client with this memory.
    pub fn new(stream: Stream, memory: &Rc<RefCell<Memory>>) -> Attempt {
        Attempt { stream: Some(stream), memory: Rc::clone(memory), before: (0, 0) }
    }

    /// The same over a connection that has served before, whose bytes have been told.
    pub fn again(stream: Stream, memory: &Rc<RefCell<Memory>>) -> Attempt {
        let before = stream.wire_bytes();
        Attempt { stream: Some(stream), memory: Rc::clone(memory), before }
    }

    /// The session stands; from here on it counts by itself.
    pub fn keep(mut self) -> Stream {
        self.stream.take().expect("it is there until the attempt is kept, which ends it")
    }
}

impl Deref for Attempt {
    type Target = Stream;

    fn deref(&self) -> &Stream {
        self.stream.as_ref().expect("it is there until the attempt is kept, which ends it")
    }
}

impl DerefMut for Attempt {
    fn deref_mut(&mut self) -> &mut Stream {
        self.stream.as_mut().expect("it is there until the attempt is kept, which ends it")
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some(stream) = &self.stream else { return };
        let (read, written) = stream.wire_bytes();
        spend(&self.memory, (read - self.before.0, written - self.before.1));
    }
}

/// All of an attempt that came to nothing is handshake.
fn spend(memory: &RefCell<Memory>, (wire_in, wire_out): (u64, u64)) {
    let spent = Traffic { handshake: wire_in + wire_out, wire_in, wire_out, ..Traffic::default() };
    memory.borrow_mut().spend(spent);
}

/// A socket over which TLS hands are being shaken; the same rule.
pub(super) struct Shaking<'a> {
    socket: Option<Socket>,
    memory: &'a RefCell<Memory>,
}

impl Shaking<'_> {
    pub(super) fn new(socket: Socket, memory: &RefCell<Memory>) -> Shaking<'_> {
        Shaking { socket: Some(socket), memory }
    }

    pub(super) fn socket(&mut self) -> &mut Socket {
        self.socket.as_mut().expect("it is there until it is kept, which ends this")
    }

    pub(super) fn keep(mut self) -> Socket {
        self.socket.take().expect("it is there until it is kept, which ends this")
    }
}

impl Drop for Shaking<'_> {
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            spend(self.memory, socket.bytes());
        }
    }
}
