//! Chunked request bodies. Line ends must be CRLF; extensions and trailers are read over.

use super::http::{BODY_LIMIT, Bad, HEAD_LIMIT};
use super::input::Input;

/// Longest size line, extensions included, in bytes.
const LINE_LIMIT: usize = 1_024;

/// Decodes one body, whatever the reads split it into.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    state: State,
    body: Vec<u8>,
    trailer_bytes: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Size,
    Data(usize),
    DataEnd,
    Trailer,
}

impl Chunked {
    /// Goes on with what waits: the body once its end has come, `None` when more is needed.
    ///
    /// # Errors
    /// The framing is broken, or the body is above the limit.
    pub(super) fn decode(&mut self, input: &mut Input) -> Result<Option<Vec<u8>>, Bad> {
        loop {
            match self.state {
                State::Size => {
                    let Some(line) = take_line(input, LINE_LIMIT)? else { return Ok(None) };
                    self.state = self.begin(&line)?;
                }
                State::Data(left) => {
                    let n = left.min(input.waiting().len());
                    self.body.extend_from_slice(&input.waiting()[..n]);
                    input.consume(n);
                    if n < left {
                        self.state = State::Data(left - n);
                        return Ok(None);
                    }
                    self.state = State::DataEnd;
                }
                State::DataEnd => {
                    let Some(line) = take_line(input, 0)? else { return Ok(None) };
                    debug_assert!(line.is_empty(), "a limit of 0 lets only an empty line through");
                    self.state = State::Size;
                }
                State::Trailer => {
                    let Some(line) = take_line(input, HEAD_LIMIT)? else { return Ok(None) };
                    if line.is_empty() {
                        return Ok(Some(std::mem::take(&mut self.body)));
                    }
                    self.trailer_bytes += line.len();
                    if self.trailer_bytes > HEAD_LIMIT {
                        return Err(Bad::HeadTooLarge);
                    }
                }
            }
        }
    }

    fn begin(&self, line: &[u8]) -> Result<State, Bad> {
        let digits = line.split(|&b| b == b';').next().unwrap_or_default().trim_ascii_end();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Bad::Malformed("chunk size"));
        }
        let text = std::str::from_utf8(digits).map_err(|_| Bad::Malformed("chunk size"))?;
        let size = usize::from_str_radix(text, 16).map_err(|_| Bad::BodyTooLarge)?;
        match size {
            0 => Ok(State::Trailer),
            n if n > BODY_LIMIT - self.body.len() => Err(Bad::BodyTooLarge),
            n => Ok(State::Data(n)),
        }
    }
}

/// The next line without its CRLF.
fn take_line(input: &mut Input, limit: usize) -> Result<Option<Vec<u8>>, Bad> {
    let waiting = input.waiting();
    let Some(end) = memchr::memchr(b'\n', waiting) else {
        let too_long = waiting.len() > limit + 1;
        return if too_long { Err(Bad::Malformed("chunk line")) } else { Ok(None) };
    };
    let line = waiting[..end].strip_suffix(b"\r").ok_or(Bad::Malformed("chunk line"))?;
    if line.len() > limit {
        return Err(Bad::Malformed("chunk line"));
    }
    let line = line.to_vec();
    input.consume(end + 1);
    Ok(Some(line))
}
