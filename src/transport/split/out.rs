//! Parts, what went wrong with them, and the bookkeeping of bytes between them.

use crate::model::{Failure, Nanos};

/// A buffer up to this size is kept for the next unit that is cut; a larger one is let go.
const KEPT_BYTES: usize = 1024;

/// What a part is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartKind {
    /// It may hold messages.
    #[default]
    Data,
    /// A sign of life: an empty line, an SSE comment (its text is the body) or a block without data,
    /// an empty array. No message.
    Heartbeat,
    /// What surrounds the units: a prelude, the end of the last delimiter.
    Prelude,
}

/// One part of a body. The slices live as long as the call that hands it over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part<'a> {
    /// What it is.
    pub kind: PartKind,
    /// The bytes that a user would see.
    pub body: &'a [u8],
    /// How many bytes of the body under way were framing since the last part: with the lengths of
    /// all bodies, exactly what was fed.
    pub framing: u64,
    /// SSE: the event's name; empty: none was given.
    pub event: &'a [u8],
    /// SSE: the id that this block sets; an empty one takes the last back.
    pub id: Option<&'a [u8]>,
    /// SSE: the pause that the server asks for before the next attempt.
    pub retry: Option<Nanos>,
    /// Multipart: the part's own header lines, each with its line end.
    pub headers: &'a [u8],
}

impl<'a> Part<'a> {
    /// Data, or a heartbeat when there is none.
    pub(super) fn of(body: &'a [u8]) -> Part<'a> {
        let kind = if body.is_empty() { PartKind::Heartbeat } else { PartKind::Data };
        Part { kind, body, ..Part::default() }
    }

    /// The first of the part's own headers with this name, in any case of letters.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.split(|&b| b == b'\n').find_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            line[..colon].eq_ignore_ascii_case(name.as_bytes()).then(|| line[colon + 1..].trim_ascii())
        })
    }
}

/// What is wrong with a body, as a class and in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// `MessageTooLarge` or `BadFraming`.
    pub failure: Failure,
    /// Which splitter, which limit.
    pub detail: String,
}

/// The limit of one splitter, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) splitter: &'static str,
    pub(super) max: usize,
}

impl Limit {
    /// A unit of so many bytes is not too large. `what` is it, such as "a line".
    pub(super) fn check(&self, bytes: usize, what: &str) -> Result<(), Fault> {
        if bytes <= self.max { Ok(()) } else { Err(self.too_large(what)) }
    }

    pub(super) fn too_large(&self, what: &str) -> Fault {
        let detail = format!("{}: {what} is larger than max_message ({} bytes)", self.splitter, self.max);
        Fault { failure: Failure::MessageTooLarge, detail }
    }

    pub(super) fn bad(&self, what: &str) -> Fault {
        Fault { failure: Failure::BadFraming, detail: format!("{}: {what}", self.splitter) }
    }
}

/// Where a splitter hands its parts, for the time of one call; counts the bytes between them.
pub(super) struct Out<'o> {
    each: &'o mut dyn FnMut(Part<'_>),
    /// Bytes of earlier calls that no part has told of.
    untold: u64,
    /// Up to where the bytes of this call were told of.
    told: usize,
}

impl<'o> Out<'o> {
    pub(super) fn new(untold: u64, each: &'o mut dyn FnMut(Part<'_>)) -> Out<'o> {
        Out { each, untold, told: 0 }
    }

    /// Hands over a part that ends before byte `at` of this call. Its body is no longer than what it
    /// was cut from.
    pub(super) fn part(&mut self, at: usize, part: Part<'_>) {
        let framing = self.untold(at) - part.body.len() as u64;
        (self.untold, self.told) = (0, at);
        (self.each)(Part { framing, ..part });
    }

    /// Hands over a unit that ends before byte `at` of this call with `piece`; what of it came with
    /// earlier calls lies in `spill`, which is empty afterwards.
    pub(super) fn spilled(&mut self, spill: &mut Vec<u8>, piece: &[u8], at: usize) {
        if spill.is_empty() {
            return self.part(at, Part::of(piece));
        }
        spill.extend_from_slice(piece);
        self.part(at, Part::of(spill));
        clear(spill);
    }

    /// A body has ended: what belongs to no unit of it is a part too.
    pub(super) fn rest(&mut self, at: usize) {
        if self.untold(at) > 0 {
            self.part(at, Part { kind: PartKind::Prelude, ..Part::default() });
        }
    }

    /// Bytes before `at` that no part has told of.
    pub(super) fn untold(&self, at: usize) -> u64 {
        self.untold + (at - self.told) as u64
    }
}

/// Empties the buffer of a unit that was cut, and lets a large one go.
pub(super) fn clear(spill: &mut Vec<u8>) {
    if spill.capacity() > KEPT_BYTES {
        *spill = Vec::new();
    }
    spill.clear();
}
