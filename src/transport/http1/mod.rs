//! The HTTP/1.1 response decoder: bytes in, parts out. Does no I/O and knows no carrier.
//!
//! It is ours, not a library's, because a chunk may be a message boundary, because some bodies end
//! only by the close, and because every byte is counted by what it was for. It hands on slices of
//! what it is given; only a head that came in several pieces is copied, and let go again.

mod chunked;
mod head;
#[cfg(test)]
mod tests;

pub use head::Head;

use crate::model::Failure;
use chunked::Chunked;
use head::{Body, Line, find_end, may_be_http, parse};

/// Most bytes of all heads of one answer together, interim ones included; of its trailers too.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Most bytes of a body, but for an endless one; of a chunk always.
pub const MAX_BODY_BYTES: u64 = 16 * 1024 * 1024;

/// The bytes of one answer so far, by purpose; their sum is what was consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Heads from the status line to the blank line, interim (1xx) ones and trailer fields too.
    pub headers: u64,
    /// Chunk size lines, the line ends around them, the last chunk.
    pub framing: u64,
    /// Body.
    pub body: u64,
}

impl Counts {
    /// All bytes.
    pub fn total(&self) -> u64 {
        self.headers + self.framing + self.body
    }
}

/// What [`Decoder::next`] came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'s, 'b> {
    /// All input is consumed; more is needed.
    More,
    /// An interim answer (1xx) went by.
    Interim,
    /// The head of the answer.
    Head(Head<'s>),
    /// A piece of the body, never empty.
    Body(&'b [u8]),
    /// A chunk is whole: the pieces since the last one belong together.
    ChunkEnd,
    /// The answer is whole. What is left of the input is not part of it.
    End,
}

enum State {
    Head,
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    Done,
}

/// Decodes one answer after another.
pub struct Decoder {
    state: State,
    keep_alive: bool,
    head_request: bool,
    /// Most bytes of a body.
    most_body: u64,
    /// The pieces of a head that did not come in one.
    spill: Vec<u8>,
    counts: Counts,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::new()
    }
}

impl Decoder {
    /// A decoder of answers to `GET`, `POST` and the like. Allocates nothing.
    pub fn new() -> Decoder {
        Decoder {
            state: State::Head,
            keep_alive: false,
            head_request: false,
            most_body: MAX_BODY_BYTES,
            spill: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// A decoder of answers to `HEAD`: they tell of a body and have none.
    pub fn for_head_requests() -> Decoder {
        Decoder { head_request: true, ..Decoder::new() }
    }

    /// A decoder of answers whose body may go on for ever: who takes it bounds what is kept of it.
    pub fn endless() -> Decoder {
        Decoder { most_body: u64::MAX, ..Decoder::new() }
    }

    /// Ready for the next answer; forgets what it has of this one.
    pub fn reset(&mut self) {
        *self = Decoder { head_request: self.head_request, most_body: self.most_body, ..Decoder::new() };
    }

    /// The bytes consumed for this answer, to the byte at any time.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether the connection may carry another request once this answer is whole.
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Goes on to the next part: how many bytes of `input` were consumed, and what it was. Call it
    /// with the rest of the input until it says `More` or `End`, even when that rest is empty.
    ///
    /// # Errors
    /// `BadHttp`, `HeadTooLarge`, `BadChunk`, `BodyTooLarge`. The decoder is of no use then until it
    /// is reset.
    pub fn next<'s, 'b: 's>(&'s mut self, input: &'b [u8]) -> Result<(usize, Step<'s, 'b>), Failure> {
        match &mut self.state {
            State::Head => return self.head(input),
            State::Length(0) => self.state = State::Done,
            State::Length(left) => {
                let n = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= n as u64;
                return Ok(self.body(&input[..n]));
            }
            State::UntilClose => {
                if self.counts.body + input.len() as u64 > self.most_body {
                    return Err(Failure::BodyTooLarge);
                }
                return Ok(self.body(input));
            }
            State::Chunked(chunked) => {
                let (n, step) = chunked.next(input, &mut self.counts, self.most_body)?;
                if step == Step::End {
                    self.state = State::Done;
                }
                return Ok((n, step));
            }
            State::Done => {}
        }
        Ok((0, Step::End))
    }

    /// The peer closed. Fine when that is how the body ends.
    ///
    /// # Errors
    /// `ClosedEarly` when the answer is not whole.
    pub fn close(&mut self) -> Result<(), Failure> {
        match self.state {
            State::UntilClose | State::Done | State::Length(0) => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(Failure::ClosedEarly),
        }
    }

    fn body<'b>(&mut self, piece: &'b [u8]) -> (usize, Step<'static, 'b>) {
        self.counts.body += piece.len() as u64;
        // The head was used when it was handed out; it is not kept while the body comes.
        self.spill = Vec::new();
        if piece.is_empty() { (0, Step::More) } else { (piece.len(), Step::Body(piece)) }
    }

    fn head<'s, 'b: 's>(&'s mut self, input: &'b [u8]) -> Result<(usize, Step<'s, 'b>), Failure> {
        let known = self.spill.len();
        let room = MAX_HEAD_BYTES - (self.counts.headers as usize - known);
        let in_input = if known == 0 { find_end(input, 0) } else { None };
        let Some(consumed) = in_input.or_else(|| self.gather(input, room)) else {
            return self.unfinished(input.len(), room);
        };
        let raw = if in_input.is_some() { &input[..consumed] } else { &self.spill };
        let Line { status, minor, body, keep_alive } = parse(raw, room)?;
        self.counts.headers += consumed as u64;
        if (100..200).contains(&status) && status != 101 {
            self.spill = Vec::new();
            return Ok((consumed, Step::Interim));
        }
        self.keep_alive = keep_alive;
        self.state = match body {
            _ if self.head_request => State::Done,
            Body::None => State::Done,
            Body::Length(n) if n > self.most_body => return Err(Failure::BodyTooLarge),
            Body::Length(n) => State::Length(n),
            Body::Chunked => State::Chunked(Chunked::default()),
            Body::UntilClose => State::UntilClose,
        };
        let raw = if in_input.is_some() { &input[..consumed] } else { &self.spill };
        Ok((consumed, Step::Head(Head::new(status, minor, raw))))
    }

    /// Adds the input to the pieces of the head, one byte beyond the limit at most; how much of it
    /// the head took, when it is whole.
    fn gather(&mut self, input: &[u8], room: usize) -> Option<usize> {
        let known = self.spill.len();
        let take = input.len().min(room + 1 - known);
        self.spill.extend_from_slice(&input[..take]);
        let end = find_end(&self.spill, known.saturating_sub(2))?;
        self.spill.truncate(end);
        Some(end - known)
    }

    fn unfinished(&mut self, taken: usize, room: usize) -> Result<(usize, Step<'static, 'static>), Failure> {
        if !may_be_http(&self.spill) {
            return Err(Failure::BadHttp);
        }
        if self.spill.len() > room {
            return Err(Failure::HeadTooLarge);
        }
        self.counts.headers += taken as u64;
        Ok((taken, Step::More))
    }
}
