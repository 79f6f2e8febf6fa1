//! `multipart`: the parts of a `multipart/*` body (RFC 2046, section 5.1).
//!
//! A part is handed over as soon as it can be known to be whole: with its own `Content-Length` at its
//! last byte, otherwise as its delimiter is there. Some servers send the delimiter behind each part
//! and the line end of that delimiter with the next one, so neither is waited for.

use super::needle::Needle;
use super::out::{Limit, Out, Part, clear};
use super::{Fault, Machine, Then};

/// Most bytes of the headers of one part.
const MOST_HEADERS: usize = 8 * 1024;
/// Most bytes behind a delimiter in its line.
const MOST_PADDING: usize = 256;
/// Longest boundary (RFC 2046 has 70).
const LONGEST_BOUNDARY: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the first delimiter.
    Preamble,
    /// Behind a delimiter, in its line.
    Line,
    /// In the headers of a part.
    Headers,
    /// In a part that its delimiter ends.
    Body,
    /// In a part of this many bytes.
    Counted(usize),
    /// Between such a part and its delimiter.
    Gap,
    /// Behind the last delimiter.
    Epilogue,
}

pub(super) struct Multipart {
    at: At,
    /// LF and the delimiter; the CR before it is looked for apart.
    needle: Needle,
    limit: Limit,
    /// What was cut: of a line, a body (with the LF in front of it), a gap.
    spill: Vec<u8>,
    /// Headers that came in an earlier call than the end of their part.
    headers: Vec<u8>,
    preamble: usize,
}

impl Multipart {
    pub(super) fn new(content_type: Option<&[u8]>, limit: Limit) -> Result<Multipart, Fault> {
        let boundary = content_type
            .and_then(boundary)
            .ok_or_else(|| limit.bad("the content type names no boundary of 1 to 200 bytes"))?;
        let needle = Needle::new(&[b"\n--", boundary].concat());
        let fresh = Multipart {
            at: At::Preamble,
            needle,
            limit,
            spill: Vec::new(),
            headers: Vec::new(),
            preamble: 0,
        };
        Ok(fresh)
    }

    /// Looks for the first delimiter; a body may begin with it. How far it got.
    fn preamble(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        if self.preamble == 0 {
            self.spill.push(b'\n');
        }
        let found = self.needle.end(&self.spill, bytes);
        self.preamble += found.unwrap_or(bytes.len());
        let most = self.limit.max;
        if let Some(n) = found.filter(|_| self.preamble <= most + self.needle.len()) {
            self.begin(At::Line);
            return Ok(n);
        }
        if self.preamble > most + self.needle.len() {
            return Err(self.limit.bad(&format!("no boundary within max_message ({most} bytes)")));
        }
        // A needle may have begun in what was seen; no more than that is kept.
        self.spill.extend_from_slice(bytes);
        let beyond = self.spill.len().saturating_sub(self.needle.len() - 1);
        self.spill.drain(..beyond);
        Ok(bytes.len())
    }

    fn begin(&mut self, at: At) {
        clear(&mut self.spill);
        self.at = at;
    }

    /// What stands behind a delimiter: nothing and a line end, or two hyphens behind the last one.
    fn after(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let line_end = memchr::memchr(b'\n', bytes);
        let n = line_end.map_or(bytes.len(), |at| at + 1);
        if self.spill.len() + n > MOST_PADDING {
            return Err(self.limit.bad("more than 256 bytes behind a delimiter"));
        }
        self.spill.extend_from_slice(&bytes[..n]);
        if self.spill.starts_with(b"--") {
            self.begin(At::Epilogue);
        } else if line_end.is_some() {
            if !self.spill.trim_ascii().is_empty() {
                return Err(self.limit.bad("something else than a line end behind a delimiter"));
            }
            self.begin(At::Headers);
        }
        Ok(n)
    }

    /// Gathers headers up to the empty line. How far it got, and the headers when they lie here.
    fn headers<'b>(&mut self, bytes: &'b [u8]) -> Result<(usize, Option<&'b [u8]>), Fault> {
        if !self.headers.is_empty() {
            return Ok((self.cut_headers(bytes)?, None));
        }
        let mut line = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            if bytes[line..end].trim_ascii().is_empty() {
                self.headers_fit(line)?;
                self.at = self.body_of(&bytes[..line])?;
                return Ok((end + 1, Some(&bytes[..line])));
            }
            line = end + 1;
        }
        self.headers_fit(bytes.len())?;
        self.headers.extend_from_slice(bytes);
        Ok((bytes.len(), None))
    }

    fn headers_fit(&self, bytes: usize) -> Result<(), Fault> {
        if bytes <= MOST_HEADERS {
            Ok(())
        } else {
            Err(self.limit.bad("part headers of more than 8192 bytes"))
        }
    }

    fn cut_headers(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut taken = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let line = memchr::memrchr(b'\n', &self.headers).map_or(0, |at| at + 1);
            self.headers.extend_from_slice(&bytes[taken..=end]);
            taken = end + 1;
            if self.headers[line..].trim_ascii().is_empty() {
                self.headers.truncate(line);
                self.headers_fit(line)?;
                self.at = self.body_of(&self.headers)?;
                return Ok(taken);
            }
        }
        self.headers.extend_from_slice(&bytes[taken..]);
        self.headers_fit(self.headers.len())?;
        Ok(bytes.len())
    }

    /// How the body behind these headers ends.
    fn body_of(&self, headers: &[u8]) -> Result<At, Fault> {
        let Some(text) = (Part { headers, ..Part::default() }).header("content-length") else {
            return Ok(At::Body);
        };
        let length = std::str::from_utf8(text).ok().and_then(|t| t.parse::<u64>().ok());
        let length = length.ok_or_else(|| self.limit.bad("a part's Content-Length is no number"))?;
        match usize::try_from(length) {
            Ok(n) if n <= self.limit.max => Ok(At::Counted(n)),
            _ => Err(self.limit.too_large(&format!("a part of {length} bytes"))),
        }
    }

    /// A body that its delimiter ends, with the LF in front of it; how far it got.
    fn body(&mut self, piece: &Piece<'_>, out: &mut Out<'_>) -> Result<usize, Fault> {
        let cut = self.needle.len();
        // The LF in front of a body may be the one of its delimiter: a part without a body.
        let fresh = self.spill.is_empty();
        let lead = usize::from(fresh);
        if fresh {
            self.spill.push(b'\n');
        }
        let Some(n) = self.needle.end(&self.spill, piece.bytes) else {
            let most = self.limit.max.saturating_add(cut + 1);
            if self.spill.len() + piece.bytes.len() > most {
                return Err(self.limit.too_large("a part without its delimiter"));
            }
            self.spill.extend_from_slice(piece.bytes);
            return Ok(piece.bytes.len());
        };
        let whole = if lead == 1 && n >= cut {
            &piece.bytes[..n - cut]
        } else {
            self.spill.extend_from_slice(&piece.bytes[..n]);
            let end = self.spill.len() - cut;
            self.spill.get(1..end).unwrap_or(b"")
        };
        let body = whole.strip_suffix(b"\r").unwrap_or(whole);
        self.limit.check(body.len(), "a part")?;
        let headers = piece.headers.unwrap_or(&self.headers);
        out.part(piece.base + n, Part { headers, ..Part::of(body) });
        self.headers.clear();
        self.begin(At::Line);
        Ok(n)
    }

    /// A body whose length is known; how far it got.
    fn counted(&mut self, length: usize, piece: &Piece<'_>, out: &mut Out<'_>) -> usize {
        let need = length - self.spill.len();
        let Some(rest) = piece.bytes.get(..need) else {
            self.spill.extend_from_slice(piece.bytes);
            return piece.bytes.len();
        };
        if !self.spill.is_empty() {
            self.spill.extend_from_slice(rest);
        }
        let body = if self.spill.is_empty() { rest } else { &self.spill };
        let headers = piece.headers.unwrap_or(&self.headers);
        out.part(piece.base + need, Part { headers, ..Part::of(body) });
        self.headers.clear();
        self.begin(At::Gap);
        need
    }

    /// The line end and the delimiter behind a body whose length is known.
    fn gap(&mut self, byte: u8) -> Result<(), Fault> {
        self.spill.push(byte);
        let seen = self.spill.strip_prefix(b"\r").unwrap_or(&self.spill);
        if seen.len() == self.needle.len() && self.needle.end(&[], seen).is_some() {
            self.begin(At::Line);
            return Ok(());
        }
        if self.needle.starts_with(seen) {
            Ok(())
        } else {
            Err(self.limit.bad("a part is longer than its Content-Length"))
        }
    }

    fn end(&mut self) -> Result<(), Fault> {
        let fault = match self.at {
            At::Preamble if self.preamble > 0 => Some("the body ends without a boundary"),
            At::Headers | At::Body | At::Counted(_) => Some("the body ends inside a part"),
            At::Line if !self.spill.trim_ascii().is_empty() => Some("the body ends inside a delimiter"),
            _ => None,
        };
        self.headers.clear();
        self.preamble = 0;
        self.begin(At::Preamble);
        fault.map_or(Ok(()), |what| Err(self.limit.bad(what)))
    }
}

/// What is left of a call, where it begins, and the headers of the part if they lie in the call.
struct Piece<'b> {
    bytes: &'b [u8],
    base: usize,
    headers: Option<&'b [u8]>,
}

impl Machine for Multipart {
    fn feed(&mut self, bytes: &[u8], then: Then, out: &mut Out<'_>) -> Result<(), Fault> {
        let mut at = 0;
        let mut headers = None;
        loop {
            let piece = Piece { bytes: &bytes[at..], base: at, headers };
            // A part of no bytes is whole before the next byte comes.
            if piece.bytes.is_empty() && self.at != At::Counted(0) {
                break;
            }
            at += match self.at {
                At::Preamble => self.preamble(piece.bytes)?,
                At::Line => self.after(piece.bytes)?,
                At::Headers => {
                    let (n, found) = self.headers(piece.bytes)?;
                    headers = found;
                    n
                }
                At::Body => self.body(&piece, out)?,
                At::Counted(length) => self.counted(length, &piece, out),
                At::Gap => self.gap(piece.bytes[0]).map(|()| 1)?,
                At::Epilogue => piece.bytes.len(),
            };
        }
        // Headers whose part goes on are kept.
        if let (Some(found), At::Body | At::Counted(_)) = (headers, self.at) {
            self.headers.extend_from_slice(found);
        }
        if then == Then::End { self.end() } else { Ok(()) }
    }
}

/// The parameter `boundary` of a content type, in quotes or without.
fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"boundary=";
    let at = content_type.windows(NAME.len()).position(|w| w.eq_ignore_ascii_case(NAME))? + NAME.len();
    let rest = &content_type[at..];
    let value = match rest.strip_prefix(b"\"") {
        Some(quoted) => &quoted[..memchr::memchr(b'"', quoted)?],
        None => rest.split(|&b| b == b';').next().unwrap_or(rest).trim_ascii(),
    };
    (1..=LONGEST_BOUNDARY).contains(&value.len()).then_some(value)
}
