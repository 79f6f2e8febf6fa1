//! Inflates the messages of `permessage-deflate` (RFC 7692, section 7.2.2).
//!
//! A message is gathered as it is compressed and inflated when it is whole, into a buffer that all
//! sessions of a worker share: an idle session holds nothing but, where the server keeps its window,
//! a window of its own (some tens of KB from its first compressed message on). What a message inflates
//! to is bounded while it is inflated, so that a few bytes cannot fill the memory.

use crate::model::Failure;
use flate2::{Decompress, FlushDecompress, Status};
use std::cell::{RefCell, RefMut};
use std::rc::Rc;

/// What the sender left out at the end of each message: an empty stored block.
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];
/// Another empty stored block, the last one or one of many: it must go by without a trace, which it
/// does only where a block begins. A message cut short is told by that.
const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xFF, 0xFF];
const ANY_BLOCK: [u8; 5] = [0, 0, 0, 0xFF, 0xFF];
/// First size of the output buffer.
const FIRST_BYTES: usize = 4096;

/// Inflates one whole message into `out`, which grows as it has to and is meant to be used again;
/// how many bytes of it that filled. `takeover`: the window goes on to the next message.
///
/// # Errors
/// `MessageTooLarge` beyond `max` bytes, `BadDeflate` when it is not compressed data or is cut short.
/// The state is of no use then.
pub fn inflate(
    state: &mut Decompress,
    compressed: &[u8],
    takeover: bool,
    max: usize,
    out: &mut Vec<u8>,
) -> Result<usize, Failure> {
    let mut run = Run { state, out, filled: 0, max };
    run.take(compressed)?;
    run.take(&TAIL)?;
    let filled = run.filled;
    let ended = run.take(if takeover { &ANY_BLOCK } else { &LAST_BLOCK })?;
    if run.filled != filled || ended == takeover {
        return Err(Failure::BadDeflate);
    }
    Ok(filled)
}

/// One message being inflated.
struct Run<'a> {
    state: &'a mut Decompress,
    out: &'a mut Vec<u8>,
    filled: usize,
    max: usize,
}

impl Run<'_> {
    /// Takes all of this input; whether the compressed stream ended with it.
    fn take(&mut self, mut input: &[u8]) -> Result<bool, Failure> {
        loop {
            let room = self.room();
            let before = (self.state.total_in(), self.state.total_out());
            let into = &mut self.out[self.filled..room];
            let status = self.state.decompress(input, into, FlushDecompress::None);
            let used = (self.state.total_in() - before.0) as usize;
            let given = (self.state.total_out() - before.1) as usize;
            (input, self.filled) = (&input[used..], self.filled + given);
            if self.filled > self.max {
                return Err(Failure::MessageTooLarge);
            }
            match status.map_err(|_| Failure::BadDeflate)? {
                Status::StreamEnd => {
                    // A sender may end its stream with a message; the next byte begins another.
                    self.state.reset(false);
                    if input.is_empty() {
                        return Ok(true);
                    }
                }
                _ if input.is_empty() && self.filled < room => return Ok(false),
                _ if used == 0 && given == 0 && self.filled < room => return Err(Failure::BadDeflate),
                _ => {}
            }
        }
    }

    /// Makes room for more output, up to a byte beyond the limit; the end of that room.
    fn room(&mut self) -> usize {
        let most = self.max.saturating_add(1);
        if self.filled == self.out.len() {
            let wanted = (self.out.len() * 2).max(FIRST_BYTES).min(most);
            self.out.resize(wanted.max(self.out.len()), 0);
        }
        self.out.len().min(most)
    }
}

/// What the sessions of a worker share.
pub(super) struct Shared {
    /// For servers that forget their window after each message.
    state: Decompress,
    out: Vec<u8>,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared { state: Decompress::new(false), out: Vec::new() }
    }
}

/// The message under way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UnderWay {
    None,
    Plain,
    Compressed { text: bool },
}

/// The compressed side of one session.
pub(super) struct Inflating {
    shared: Rc<RefCell<Shared>>,
    takeover: bool,
    /// The session's own window, from its first compressed message on.
    own: Option<Decompress>,
    max: usize,
    message: UnderWay,
    /// Whether the current frame is part of a compressed message.
    compressed: bool,
    gathered: Vec<u8>,
}

impl Inflating {
    pub(super) fn new(takeover: bool, max: usize, shared: Rc<RefCell<Shared>>) -> Inflating {
        let message = UnderWay::None;
        Inflating { shared, takeover, own: None, max, message, compressed: false, gathered: Vec::new() }
    }

    /// Whether the current frame belongs to us and not to the frame library.
    pub(super) fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// A frame begins, with this header and so many bytes of payload.
    ///
    /// # Errors
    /// `BadFrame` where the order of frames or a header breaks RFC 6455 in a way that the frame library
    /// cannot see, `MessageTooLarge`.
    pub(super) fn begin(&mut self, head: &[u8], payload: u64) -> Result<(), Failure> {
        let (last, reserved) = (head[0] & 0x80 != 0, head[0] & 0x70);
        let masked = head[1] & 0x80 != 0;
        let next = match (head[0] & 0x0F, self.message) {
            // Control frames and reserved ones: the library knows what is wrong with them.
            (3.., _) => {
                self.compressed = false;
                return Ok(());
            }
            (0, under_way @ UnderWay::Compressed { .. }) if reserved == 0 => under_way,
            (0, UnderWay::Compressed { .. }) => return Err(Failure::BadFrame),
            (1 | 2, UnderWay::Compressed { .. }) => return Err(Failure::BadFrame),
            (opcode @ (1 | 2), UnderWay::None) if reserved == 0x40 => {
                UnderWay::Compressed { text: opcode == 1 }
            }
            _ => UnderWay::Plain,
        };
        self.compressed = matches!(next, UnderWay::Compressed { .. });
        if self.compressed && masked {
            return Err(Failure::BadFrame);
        }
        if self.compressed && self.gathered.len() as u64 + payload > self.most_compressed() {
            return Err(Failure::MessageTooLarge);
        }
        // A compressed message stays under way until it has been inflated.
        self.message = if last && !self.compressed { UnderWay::None } else { next };
        Ok(())
    }

    /// Keeps a piece of a compressed message that is not whole yet.
    pub(super) fn gather(&mut self, piece: &[u8]) {
        self.gathered.extend_from_slice(piece);
    }

    pub(super) fn shared(&self) -> Rc<RefCell<Shared>> {
        Rc::clone(&self.shared)
    }

    /// Inflates the message that ends with this piece.
    ///
    /// # Errors
    /// As [`inflate`]; `BadUtf8` when it is a text and not UTF-8.
    pub(super) fn finish<'s>(
        &mut self,
        piece: &[u8],
        shared: &'s mut RefMut<'_, Shared>,
    ) -> Result<&'s [u8], Failure> {
        let text = self.message == UnderWay::Compressed { text: true };
        self.message = UnderWay::None;
        let mut gathered = std::mem::take(&mut self.gathered);
        let whole = if gathered.is_empty() {
            piece
        } else {
            gathered.extend_from_slice(piece);
            &gathered
        };
        let Shared { state, out } = &mut **shared;
        let state =
            if self.takeover { self.own.get_or_insert_with(|| Decompress::new(false)) } else { state };
        let inflated = inflate(state, whole, self.takeover, self.max, out);
        if inflated.is_err() {
            // Another session goes on with it.
            state.reset(false);
        }
        let body = &out[..inflated?];
        if text && std::str::from_utf8(body).is_err() {
            return Err(Failure::BadUtf8);
        }
        Ok(body)
    }

    /// Compression makes a message larger by no more than this (zlib's own bound for its smallest
    /// memory); beyond it are blocks that inflate to nothing, without end.
    fn most_compressed(&self) -> u64 {
        let max = self.max as u64;
        max + max / 8 + 64
    }
}

#[cfg(test)]
mod tests;
