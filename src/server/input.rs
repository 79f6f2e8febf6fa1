//! Bytes that came in and were not understood yet.
//!
//! Connections read into one buffer of the thread; only what is left over waits here, so that an
//! idle connection holds no buffer at all.

/// An empty buffer larger than this is given back.
const KEPT_CAPACITY: usize = 512;

/// A queue of bytes: in at the end, out at the front.
#[derive(Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
}

impl Input {
    /// Adds what was read.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What waits.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// What waits, to unmask it in place.
    pub(super) fn waiting_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// Takes `n` bytes off the front; at most what waits.
    pub(super) fn consume(&mut self, n: usize) {
        self.start += n;
        if self.start >= self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
            if self.bytes.capacity() > KEPT_CAPACITY {
                self.bytes = Vec::new();
            }
        }
    }

    /// Gives the memory back when nothing waits: the connection is to be idle for long.
    pub(super) fn rest(&mut self) {
        if self.waiting().is_empty() {
            *self = Input::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Input;

    #[test]
    fn first_in_first_out() {
        let mut input = Input::default();
        input.extend(b"abc");
        input.consume(2);
        input.extend(b"de");
        assert_eq!(input.waiting(), b"cde");
        input.consume(3);
        assert!(input.waiting().is_empty());
    }

    #[test]
    fn an_empty_buffer_holds_no_large_memory() {
        let mut input = Input::default();
        input.extend(&[0; 100_000]);
        input.consume(100_000);
        assert_eq!(input.bytes.capacity(), 0);
        input.extend(b"x");
        input.consume(1);
        input.rest();
        assert_eq!(input.bytes.capacity(), 0);
    }
}
