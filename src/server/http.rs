//! HTTP/1.1 requests in: heads by `httparse`, bodies by length or chunks.
//!
//! Decodes alike however the bytes are split over reads. Knows no endpoint and writes nothing.

use super::chunked::Chunked;
use super::handshake::Offer;
use super::input::Input;
use super::reply::After;

/// Longest request head, in bytes.
pub(super) const HEAD_LIMIT: usize = 16 * 1024;
/// Longest request body and WebSocket message, in bytes.
pub(super) const BODY_LIMIT: usize = 1024 * 1024;
const HEADERS_LIMIT: usize = 100;

/// Why a request cannot be understood. The connection ends after the answer: nobody knows where the
/// next request would begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Bad {
    /// 400.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// 413.
    #[error("body above 1 MiB")]
    BodyTooLarge,
    /// 417.
    #[error("unknown expectation")]
    Expectation,
    /// 431.
    #[error("head above 16 KiB or 100 headers")]
    HeadTooLarge,
    /// 501.
    #[error("unknown transfer coding")]
    Coding,
}

impl Bad {
    /// The status to answer with.
    pub(super) fn status(self) -> &'static str {
        match self {
            Bad::Malformed(_) => "400 Bad Request",
            Bad::BodyTooLarge => "413 Content Too Large",
            Bad::Expectation => "417 Expectation Failed",
            Bad::HeadTooLarge => "431 Request Header Fields Too Large",
            Bad::Coding => "501 Not Implemented",
        }
    }
}

/// The methods that some endpoint knows, and all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// GET.
    Get,
    /// HEAD: known only so that its refusal carries no body.
    Head,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
    /// Any other.
    Other,
}

/// One request, body and all.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Path and query as sent.
    pub(super) target: String,
    /// Value of `If-None-Match`.
    pub(super) if_none_match: Option<String>,
    /// Value of `Last-Event-ID`.
    pub(super) last_event_id: Option<String>,
    /// Value of `Authorization`: the desk asks for one.
    pub(super) authorization: Option<String>,
    /// HTTP/1.0: the answer may have no chunks.
    pub(super) old: bool,
    /// What becomes of the connection.
    pub(super) after: After,
    /// The WebSocket handshake, when an `Upgrade` header was there.
    pub(super) offer: Option<Box<Offer>>,
    pub(super) body: Vec<u8>,
}

/// What [`Decoder::next`] came to.
pub(super) enum Step {
    /// More bytes are needed.
    More,
    /// The client waits for `100 Continue` before it sends the body.
    Continue,
    /// A request is complete.
    Request(Request),
}

#[derive(Debug)]
enum Framing {
    Length(usize),
    Chunked(Chunked),
}

#[derive(Debug)]
struct Partial {
    request: Request,
    framing: Framing,
    continue_due: bool,
}

/// Turns the bytes of one connection into requests.
#[derive(Default)]
pub(super) struct Decoder {
    /// A request whose head is read and whose body is not.
    partial: Option<Box<Partial>>,
}

impl Decoder {
    /// The next request out of what waits.
    ///
    /// # Errors
    /// [`Bad`]: answer it and close.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Step, Bad> {
        if self.partial.is_none() {
            let Some((length, partial)) = parse_head(input.waiting())? else { return Ok(Step::More) };
            input.consume(length);
            if let Framing::Length(0) = partial.framing {
                return Ok(Step::Request(partial.request));
            }
            self.partial = Some(Box::new(partial));
        }
        let mut partial = self.partial.take().expect("set just above");
        if let Some(body) = partial.framing.decode(input)? {
            partial.request.body = body;
            return Ok(Step::Request(partial.request));
        }
        let step = if std::mem::take(&mut partial.continue_due) { Step::Continue } else { Step::More };
        self.partial = Some(partial);
        Ok(step)
    }
}

impl Framing {
    fn decode(&mut self, input: &mut Input) -> Result<Option<Vec<u8>>, Bad> {
        match self {
            Framing::Chunked(chunked) => chunked.decode(input),
            Framing::Length(n) if input.waiting().len() >= *n => {
                let body = input.waiting()[..*n].to_vec();
                input.consume(*n);
                Ok(Some(body))
            }
            Framing::Length(_) => Ok(None),
        }
    }
}

/// Head length and what it says; `None` while it is not complete.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, Partial)>, Bad> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_LIMIT];
    let mut head = httparse::Request::new(&mut headers);
    match head.parse(bytes) {
        Ok(httparse::Status::Complete(n)) if n <= HEAD_LIMIT => Ok(Some((n, read_head(&head)?))),
        Ok(httparse::Status::Partial) if bytes.len() <= HEAD_LIMIT => Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => Err(Bad::HeadTooLarge),
        Err(_) => Err(Bad::Malformed("request head")),
    }
}

fn read_head(head: &httparse::Request<'_, '_>) -> Result<Partial, Bad> {
    let mut fields = Fields::default();
    for header in head.headers.iter() {
        fields.take(header.name, header.value.trim_ascii())?;
    }
    let new = head.version == Some(1);
    if new && fields.hosts != 1 {
        return Err(Bad::Malformed("Host header"));
    }
    let after = match (fields.close, new, fields.keep_alive) {
        (false, true, _) => After::Stay,
        (false, false, true) => After::StaySaid,
        _ => After::Close,
    };
    let framing = match (fields.chunked, fields.length) {
        (true, Some(_)) => return Err(Bad::Malformed("body framing: both length and chunks")),
        (true, None) => Framing::Chunked(Chunked::default()),
        (false, length) => Framing::Length(length.unwrap_or(0)),
    };
    let request = Request {
        method: method(head.method.unwrap_or_default()),
        target: head.path.unwrap_or_default().to_owned(),
        if_none_match: fields.if_none_match,
        last_event_id: fields.last_event_id,
        authorization: fields.authorization,
        old: !new,
        after,
        offer: fields.offer,
        body: Vec::new(),
    };
    Ok(Partial { request, framing, continue_due: fields.expects && new })
}

/// Header values that matter here.
#[derive(Default)]
struct Fields {
    hosts: u32,
    close: bool,
    keep_alive: bool,
    length: Option<usize>,
    chunked: bool,
    expects: bool,
    if_none_match: Option<String>,
    last_event_id: Option<String>,
    authorization: Option<String>,
    offer: Option<Box<Offer>>,
}

impl Fields {
    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), Bad> {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        if is("host") {
            self.hosts += 1;
        } else if is("connection") {
            self.take_connection(value);
        } else if is("content-length") {
            self.take_length(value)?;
        } else if is("transfer-encoding") {
            if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Bad::Coding);
            }
            self.chunked = true;
        } else if is("expect") {
            if !value.eq_ignore_ascii_case(b"100-continue") {
                return Err(Bad::Expectation);
            }
            self.expects = true;
        } else if is("if-none-match") {
            self.if_none_match = Some(String::from_utf8_lossy(value).into_owned());
        } else if is("last-event-id") {
            self.last_event_id = Some(String::from_utf8_lossy(value).into_owned());
        } else if is("authorization") {
            self.authorization = Some(String::from_utf8_lossy(value).into_owned());
        } else if is("upgrade") {
            let offer = self.offer();
            offer.websocket |= tokens(value).any(|t| t.eq_ignore_ascii_case(b"websocket"));
        } else if is("sec-websocket-version") {
            self.offer().version = Some(value.to_vec());
        } else if is("sec-websocket-key") {
            self.offer().key = Some(value.to_vec());
        }
        Ok(())
    }

    fn take_connection(&mut self, value: &[u8]) {
        for token in tokens(value) {
            self.close |= token.eq_ignore_ascii_case(b"close");
            self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
            if token.eq_ignore_ascii_case(b"upgrade") {
                self.offer().connection = true;
            }
        }
    }

    fn take_length(&mut self, value: &[u8]) -> Result<(), Bad> {
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(Bad::Malformed("Content-Length"));
        }
        let text = std::str::from_utf8(value).map_err(|_| Bad::Malformed("Content-Length"))?;
        let length = text.parse().ok().filter(|&n| n <= BODY_LIMIT).ok_or(Bad::BodyTooLarge)?;
        if self.length.is_some_and(|earlier| earlier != length) {
            return Err(Bad::Malformed("Content-Length"));
        }
        self.length = Some(length);
        Ok(())
    }

    fn offer(&mut self) -> &mut Offer {
        self.offer.get_or_insert_default()
    }
}

/// The parts of a comma-separated list.
fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(<[u8]>::trim_ascii)
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        _ => Method::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that comes out when `bytes` arrive in these parts.
    fn decode(parts: &[&[u8]]) -> (Vec<String>, Option<Bad>) {
        let (mut decoder, mut input) = (Decoder::default(), Input::default());
        let mut seen = Vec::new();
        for part in parts {
            input.extend(part);
            loop {
                match decoder.next(&mut input) {
                    Ok(Step::More) => break,
                    Ok(Step::Continue) => seen.push("continue".into()),
                    Ok(Step::Request(r)) => seen.push(format!("{r:?}")),
                    Err(bad) => return (seen, Some(bad)),
                }
            }
        }
        (seen, None)
    }

    fn fault(text: &str) -> Option<Bad> {
        decode(&[text.as_bytes()]).1
    }

    const PIPELINED: &[u8] = b"POST /pub/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello\
        GET /poll/a?after=1 HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"1\"\r\n\r\n\
        PUT /pub/a HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\n0A\r\n0123456789\r\n0\r\nT: t\r\n\r\n\
        GET /ok HTTP/1.0\r\nConnection: Keep-Alive, x\r\n\r\n";

    #[test]
    fn any_split_decodes_alike() {
        let (whole, fault) = decode(&[PIPELINED]);
        assert_eq!((whole.len(), fault), (4, None));
        assert!(whole[2].contains(&format!("body: {:?}", b"abc0123456789")), "{}", whole[2]);
        assert!(whole[3].contains("StaySaid"));
        for at in 0..PIPELINED.len() {
            let (first, second) = PIPELINED.split_at(at);
            assert_eq!(decode(&[first, second]).0, whole, "split at {at}");
        }
        let bytes: Vec<&[u8]> = PIPELINED.chunks(1).collect();
        assert_eq!(decode(&bytes).0, whole);
    }

    #[test]
    fn continue_is_said_once_and_only_when_the_body_is_awaited() {
        let head = b"POST /pub/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
        let (apart, _) = decode(&[head, b"h", b"i"]);
        assert_eq!((apart.len(), apart[0].as_str()), (2, "continue"));
        let (together, _) = decode(&[&[head, &b"hi"[..]].concat()]);
        assert_eq!(together.len(), 1);
    }

    #[test]
    fn each_fault_is_named() {
        let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(fault("GET  / HTTP/1.1\r\n\r\n"), Some(Bad::Malformed("request head")));
        assert_eq!(fault("GET / HTTP/1.1\r\n\r\n"), Some(Bad::Malformed("Host header")));
        for length in ["+1", "-1", "", "1 1", "0x1"] {
            let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
            assert_eq!(fault(&head), Some(Bad::Malformed("Content-Length")), "{length}");
        }
        let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n";
        assert_eq!(fault(head), Some(Bad::BodyTooLarge));
        let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(matches!(fault(head), Some(Bad::Malformed(_))));
        let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n";
        assert_eq!(fault(head), Some(Bad::Coding));
        let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(HEAD_LIMIT));
        assert_eq!(fault(&long), Some(Bad::HeadTooLarge));
        assert_eq!(fault(&format!("{chunked}FFFFFFFFFFFFFFFFF\r\n")), Some(Bad::BodyTooLarge));
        assert_eq!(fault(&format!("{chunked}FFFFFFFFFFFFFFFF\r\n")), Some(Bad::BodyTooLarge));
        assert_eq!(fault(&format!("{chunked}+1\r\n")), Some(Bad::Malformed("chunk size")));
        assert_eq!(fault(&format!("{chunked}1\r\nabc\r\n")), Some(Bad::Malformed("chunk line")));
        assert_eq!(fault(&format!("{chunked}1\n")), Some(Bad::Malformed("chunk line")));
    }
}
