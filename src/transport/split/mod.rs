//! Splitters: where a message ends inside a body, an answer or a sequence of frames.
//!
//! A splitter does no I/O and knows no carrier: bytes go in however a transport cut them, parts come
//! out. A unit that lies in one piece is handed on where it lies; only one that was cut is put
//! together in a buffer, and no larger than the limit. Every byte fed belongs to exactly one part, so
//! that what a framing costs is known to the byte. To add one: a file here and a row in [`SPLITTERS`].

mod delimiter;
mod json;
mod json_array;
mod json_concat;
mod length;
mod multipart;
mod needle;
mod out;
mod rows;
mod script;
mod sse;
#[cfg(test)]
mod tests;
mod whole;

pub use out::{Fault, Part, PartKind};
pub use rows::{SPLITTERS, SplitterRow};

use crate::scenario::SplitSpec;
use out::Out;

/// What comes behind the bytes of one call of [`Splitter::feed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Then {
    /// More of the same body, as far as anybody knows.
    More,
    /// An HTTP chunk ends here. A boundary for the splitter `chunk`, nothing for all others.
    ChunkEnd,
    /// The body (the answer, the frame) ends here, in due form. The next byte begins another one.
    End,
}

/// One way of splitting, in the middle of its work.
trait Machine {
    /// As [`Splitter::feed`]. After `Then::End` it is as new.
    fn feed(&mut self, bytes: &[u8], then: Then, out: &mut Out<'_>) -> Result<(), Fault>;
}

/// Cuts bodies into units; one for each body under way.
pub struct Splitter {
    kind: Kind,
    /// Bytes fed that no part has told of.
    untold: u64,
}

enum Kind {
    Whole(whole::Whole),
    Delimiter(delimiter::Delimiter),
    Sse(Box<sse::Sse>),
    Multipart(Box<multipart::Multipart>),
    Length(length::Length),
    Script(script::Script),
    JsonArray(json_array::JsonArray),
    JsonConcat(json_concat::JsonConcat),
}

impl Splitter {
    /// A splitter of this kind. `max` is the largest unit taken, bytes, and with it what is held of a
    /// unit that is not whole yet. `content_type` is the body's; only `multipart` needs it.
    ///
    /// # Errors
    /// `BadFraming` when `multipart` finds no boundary in the content type.
    pub fn new(spec: &SplitSpec, max: usize, content_type: Option<&[u8]>) -> Result<Splitter, Fault> {
        let limit = out::Limit { splitter: spec.key(), max };
        let kind = match spec {
            SplitSpec::Whole => Kind::Whole(whole::Whole::new(Then::End, limit)),
            SplitSpec::Chunk => Kind::Whole(whole::Whole::new(Then::ChunkEnd, limit)),
            SplitSpec::Delimiter(bytes) => Kind::Delimiter(delimiter::Delimiter::new(bytes, limit)),
            SplitSpec::Sse => Kind::Sse(Box::new(sse::Sse::new(limit))),
            SplitSpec::Multipart => {
                Kind::Multipart(Box::new(multipart::Multipart::new(content_type, limit)?))
            }
            SplitSpec::Length(prefix) => Kind::Length(length::Length::new(*prefix, limit)),
            SplitSpec::Script => Kind::Script(script::Script::new(limit)),
            SplitSpec::JsonArray => Kind::JsonArray(json_array::JsonArray::new(limit)),
            SplitSpec::JsonConcat => Kind::JsonConcat(json_concat::JsonConcat::new(limit)),
        };
        Ok(Splitter { kind, untold: 0 })
    }

    /// Takes the next bytes of a body, however it was cut, and hands out the parts that are whole with
    /// them. Allocates nothing for a unit that lies in `bytes` whole. With `Then::End` all is handed
    /// out, and the splitter is ready for the next body.
    ///
    /// # Errors
    /// `MessageTooLarge` or `BadFraming`, with words that name the splitter and the limit. What was
    /// handed out by then holds; the splitter is of no use any more.
    pub fn feed(&mut self, bytes: &[u8], then: Then, each: &mut dyn FnMut(Part<'_>)) -> Result<(), Fault> {
        let mut out = Out::new(self.untold, each);
        self.machine().feed(bytes, then, &mut out)?;
        if then == Then::End {
            out.rest(bytes.len());
        }
        self.untold = out.untold(bytes.len());
        Ok(())
    }

    /// Bytes fed that no part has told of yet: those of a unit under way.
    pub fn untold(&self) -> u64 {
        self.untold
    }

    fn machine(&mut self) -> &mut dyn Machine {
        match &mut self.kind {
            Kind::Whole(m) => m,
            Kind::Delimiter(m) => m,
            Kind::Sse(m) => &mut **m,
            Kind::Multipart(m) => &mut **m,
            Kind::Length(m) => m,
            Kind::Script(m) => m,
            Kind::JsonArray(m) => m,
            Kind::JsonConcat(m) => m,
        }
    }
}
