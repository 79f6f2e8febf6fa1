//! Chunked bodies (RFC 9112, section 7.1), byte by byte where they are framing.

use super::{Counts, MAX_BODY_BYTES, MAX_HEAD_BYTES, Step};
use crate::model::Failure;

/// Most bytes of a chunk's size line, extensions included.
const MAX_LINE: u32 = 4096;

/// Where in a chunked body the decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the digits of a size; none yet when `digits` is 0.
    Size {
        digits: u8,
    },
    /// Behind the size, up to the line's CR.
    Extension,
    /// Before the LF of a size line.
    SizeLf,
    /// In the data, `left` bytes to come.
    Data,
    /// The data is whole and not yet told.
    Told,
    /// Before the CR, the LF behind the data.
    DataCr,
    DataLf,
    /// At the start of a trailer line, in it, before the LF of the blank one.
    TrailerStart,
    Trailer,
    LastLf,
}

/// The state of a chunked body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunked {
    at: At,
    /// The size being read, then the bytes of data to come.
    left: u64,
    /// Bytes of this size line.
    line: u32,
    /// Bytes of all trailer lines.
    trailers: u32,
}

impl Default for Chunked {
    fn default() -> Chunked {
        Chunked { at: At::Size { digits: 0 }, left: 0, line: 0, trailers: 0 }
    }
}

impl Chunked {
    /// As [`super::Decoder::next`]; `most` bounds the body.
    pub(super) fn next<'s, 'b: 's>(
        &mut self,
        input: &'b [u8],
        counts: &mut Counts,
        most: u64,
    ) -> Result<(usize, Step<'s, 'b>), Failure> {
        let mut at = 0;
        loop {
            if self.at == At::Told {
                self.at = At::DataCr;
                return Ok((at, Step::ChunkEnd));
            }
            if at == input.len() {
                return Ok((at, Step::More));
            }
            if self.at == At::Data {
                return self.data(input, at, counts);
            }
            let end = self.control(input[at], counts, most)?;
            at += 1;
            if end {
                return Ok((at, Step::End));
            }
        }
    }

    fn data<'s, 'b: 's>(
        &mut self,
        input: &'b [u8],
        at: usize,
        counts: &mut Counts,
    ) -> Result<(usize, Step<'s, 'b>), Failure> {
        let n = (input.len() - at).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= n as u64;
        if self.left == 0 {
            self.at = At::Told;
        }
        counts.body += n as u64;
        Ok((at + n, Step::Body(&input[at..at + n])))
    }

    /// Takes one byte that is not data; whether it was the last of the body.
    fn control(&mut self, byte: u8, counts: &mut Counts, most: u64) -> Result<bool, Failure> {
        if matches!(self.at, At::TrailerStart | At::Trailer) {
            return self.trailer(byte, counts);
        }
        counts.framing += 1;
        self.at = match (self.at, byte) {
            (At::Size { digits }, _) => self.size(digits, byte)?,
            (At::Extension, b'\r') => At::SizeLf,
            (At::Extension, b'\n') => return Err(Failure::BadChunk),
            (At::Extension, _) => At::Extension,
            (At::SizeLf, b'\n') => self.sized(counts, most)?,
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size { digits: 0 },
            (At::LastLf, b'\n') => return Ok(true),
            _ => return Err(Failure::BadChunk),
        };
        self.line += 1;
        if self.line > MAX_LINE { Err(Failure::BadChunk) } else { Ok(false) }
    }

    fn size(&mut self, digits: u8, byte: u8) -> Result<At, Failure> {
        if digits == 0 {
            (self.left, self.line) = (0, 0);
        }
        if let Some(digit) = char::from(byte).to_digit(16) {
            // Bounded here, so that sixteen Fs never get near an overflow.
            self.left = self.left * 16 + u64::from(digit);
            let fits = self.left <= MAX_BODY_BYTES && digits < 32;
            return if fits { Ok(At::Size { digits: digits + 1 }) } else { Err(Failure::BadChunk) };
        }
        match byte {
            _ if digits == 0 => Err(Failure::BadChunk),
            b'\r' => Ok(At::SizeLf),
            b';' | b' ' | b'\t' => Ok(At::Extension),
            _ => Err(Failure::BadChunk),
        }
    }

    fn sized(&mut self, counts: &Counts, most: u64) -> Result<At, Failure> {
        match self.left {
            0 => Ok(At::TrailerStart),
            n if counts.body + n > most => Err(Failure::BodyTooLarge),
            _ => Ok(At::Data),
        }
    }

    /// A byte behind the last chunk: trailer fields count as headers, the blank line as framing.
    fn trailer(&mut self, byte: u8, counts: &mut Counts) -> Result<bool, Failure> {
        if self.at == At::TrailerStart && byte == b'\r' {
            counts.framing += 1;
            self.at = At::LastLf;
            return Ok(false);
        }
        counts.headers += 1;
        self.trailers += 1;
        if self.trailers as usize > MAX_HEAD_BYTES {
            return Err(Failure::HeadTooLarge);
        }
        self.at = if byte == b'\n' { At::TrailerStart } else { At::Trailer };
        Ok(false)
    }
}
