//! A connection that has not come to a session yet.

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
}

impl Attempt {
    /// The attempt of a client with this memory.
    pub fn new(stream: Stream, memory: &Rc<RefCell<Memory>>) -> Attempt {
        Attempt { stream: Some(stream), memory: Rc::clone(memory) }
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
        let (wire_in, wire_out) = (stream.read_bytes(), stream.written_bytes());
        let spent = Traffic { handshake: wire_in + wire_out, wire_in, wire_out, ..Traffic::default() };
        self.memory.borrow_mut().spend(spent);
    }
}
