//! Heads of answers: where one ends, what it says, how its body is framed.

use crate::model::Failure;
use std::mem::MaybeUninit;

/// Most header fields of a head.
const MAX_FIELDS: usize = 128;
const START: &[u8] = b"HTTP/1.";

/// The head of an answer, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'h> {
    status: u16,
    minor: u8,
    raw: &'h [u8],
}

impl<'h> Head<'h> {
    pub(super) fn new(status: u16, minor: u8, raw: &'h [u8]) -> Head<'h> {
        Head { status, minor, raw }
    }

    /// The status, 100 to 999.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether it is HTTP/1.1, not 1.0.
    pub fn is_http11(&self) -> bool {
        self.minor == 1
    }

    /// The first field of this name, in any case of letters; its value without the space around it.
    /// Looks through the head at each call.
    pub fn header(&self, name: &str) -> Option<&'h [u8]> {
        self.values(name).next()
    }

    /// Whether a comma-separated field (or one of several of that name) lists `token`, both in any
    /// case of letters.
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.values(name).flat_map(tokens).any(|t| t.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// The bytes of the head, status line and blank line included.
    pub fn raw_bytes(&self) -> &'h [u8] {
        self.raw
    }

    /// Every field of this name, in any case of letters, without the space around its value.
    pub fn values<'n>(&self, name: &'n str) -> impl Iterator<Item = &'h [u8]> + use<'h, 'n> {
        // The parser has seen these lines: each has a colon and none is folded.
        self.raw.split(|&b| b == b'\n').skip(1).filter_map(move |line| {
            let colon = memchr::memchr(b':', line)?;
            line[..colon].eq_ignore_ascii_case(name.as_bytes()).then(|| line[colon + 1..].trim_ascii())
        })
    }
}

/// How the body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    None,
    Length(u64),
    Chunked,
    UntilClose,
}

/// What a head says of itself, its body and its connection.
pub(super) struct Line {
    pub(super) status: u16,
    pub(super) minor: u8,
    pub(super) body: Body,
    pub(super) keep_alive: bool,
}

/// The index behind the blank line, if there is one; looks from `from` on.
pub(super) fn find_end(bytes: &[u8], from: usize) -> Option<usize> {
    for at in memchr::memchr_iter(b'\n', &bytes[from..]) {
        let rest = &bytes[from + at + 1..];
        if rest.starts_with(b"\n") {
            return Some(from + at + 2);
        }
        if rest.starts_with(b"\r\n") {
            return Some(from + at + 3);
        }
    }
    None
}

/// Whether this is, or may become, a status line of HTTP/1: garbage is told at its first byte.
pub(super) fn may_be_http(bytes: &[u8]) -> bool {
    let n = bytes.len().min(START.len());
    bytes[..n] == START[..n]
}

/// Parses a whole head of at most `room` bytes.
pub(super) fn parse(raw: &[u8], room: usize) -> Result<Line, Failure> {
    if !may_be_http(raw) {
        return Err(Failure::BadHttp);
    }
    if raw.len() > room {
        return Err(Failure::HeadTooLarge);
    }
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    match config.parse_response_with_uninit_headers(&mut response, raw, &mut fields) {
        Ok(httparse::Status::Complete(n)) if n == raw.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Failure::HeadTooLarge),
        _ => return Err(Failure::BadHttp),
    }
    let (Some(status @ 100..), Some(minor)) = (response.code, response.version) else {
        return Err(Failure::BadHttp);
    };
    rules(status, minor, response.headers)
}

fn rules(status: u16, minor: u8, fields: &[httparse::Header<'_>]) -> Result<Line, Failure> {
    let mut length = None;
    let mut coding = None;
    let (mut close, mut keep) = (false, false);
    for field in fields {
        if field.name.eq_ignore_ascii_case("content-length") {
            length = Some(one_length(length, field.value)?);
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            coding = tokens(field.value).last().or(coding);
        } else if field.name.eq_ignore_ascii_case("connection") {
            close |= tokens(field.value).any(|t| t.eq_ignore_ascii_case(b"close"));
            keep |= tokens(field.value).any(|t| t.eq_ignore_ascii_case(b"keep-alive"));
        }
    }
    let body = match (coding.filter(|c| !c.eq_ignore_ascii_case(b"identity")), length) {
        _ if status < 200 || status == 204 || status == 304 => Body::None,
        // A coding outranks a length (RFC 9112, section 6.3).
        (Some(last), _) if last.eq_ignore_ascii_case(b"chunked") => Body::Chunked,
        (Some(_), _) | (None, None) => Body::UntilClose,
        (None, Some(n)) => Body::Length(n),
    };
    let persistent = !close && (minor == 1 || keep) && status != 101;
    Ok(Line { status, minor, body, keep_alive: persistent && body != Body::UntilClose })
}

/// The length a field tells, which must be the one already known, if there is one. A number beyond
/// all numbers is not bad HTTP, only too large.
fn one_length(known: Option<u64>, value: &[u8]) -> Result<u64, Failure> {
    let mut length = known;
    let mut any = false;
    for token in tokens(value) {
        if !token.iter().all(u8::is_ascii_digit) {
            return Err(Failure::BadHttp);
        }
        let told = token.iter().fold(0_u64, |n, d| n.saturating_mul(10).saturating_add(u64::from(d - b'0')));
        if length.is_some_and(|l| l != told) {
            return Err(Failure::BadHttp);
        }
        length = Some(told);
        any = true;
    }
    length.filter(|_| any).ok_or(Failure::BadHttp)
}

/// The members of a comma-separated list, empty ones left out.
fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(<[u8]>::trim_ascii).filter(|t| !t.is_empty())
}
