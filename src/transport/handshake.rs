//! The opening handshake of RFC 6455, section 4: asked by us, validated by us.
//!
//! Ours, because a harness must tell a status from a wrong key, count the bytes of both heads, and
//! keep a hostile answer within bounds.

use super::cookies;
use super::http1::{Decoder, Head, Step};
use super::pull::unexpected;
use super::websocket::extension::{self, Agreed};
use super::words;
use crate::model::{Failure, Nanos};
use crate::net::{Attempt, Dialer, Endpoint, io_failure};
use crate::scenario::DeflateSpec;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What is offered to the target.
#[derive(Clone, Copy)]
pub(super) struct Offer<'a> {
    pub(super) protocols: &'a [String],
    pub(super) deflate: Option<DeflateSpec>,
}

/// An open WebSocket before its first frame.
pub(super) struct Upgraded {
    /// Not kept yet: if the session does not come to stand, its bytes are counted all the same.
    pub(super) stream: Attempt,
    /// Bytes of frames that came in the same read as the end of the head.
    pub(super) part: Vec<u8>,
    /// Bytes of the request, of the answer's head.
    pub(super) request_bytes: u64,
    pub(super) answer_bytes: u64,
    /// When the read that completed the head returned.
    pub(super) received: Nanos,
    /// What the target takes of the compression that was offered.
    pub(super) deflate: Option<Agreed>,
}

/// Connects and upgrades. Cancel-safe: dropping it resets the connection; the bytes that crossed it
/// are then in the endpoint's memory.
pub(super) async fn upgrade(dial: &Dialer, to: &Endpoint, offer: Offer<'_>) -> Result<Upgraded, Failure> {
    let mut stream = Attempt::new(dial.connect(&to.place()).await?, &to.memory);
    let asked = Asked { to: Some(to), offer, key: key() };
    to.memory.borrow_mut().asked = Some(dial.clock().now());
    stream.write_all(asked.request(to).as_bytes()).await.map_err(|e| io_failure(&e))?;
    let mut decoder = Decoder::new();
    let (deflate, part) = loop {
        let done = read_head(&mut stream, dial, &mut decoder, &asked).await;
        if let Some(done) = done.map_err(|refused| refused.tell(to))? {
            break done;
        }
    };
    Ok(Upgraded {
        deflate,
        part,
        request_bytes: stream.written_bytes(),
        answer_bytes: decoder.counts().headers,
        received: stream.last_read_at(),
        stream,
    })
}

/// Sixteen random bytes in base64.
fn key() -> String {
    data_encoding::BASE64.encode(&fastrand::u128(..).to_ne_bytes())
}

/// What was agreed, and the bytes behind the head.
type Answered = (Option<Agreed>, Vec<u8>);

/// Why it came to nothing, and in words what a class alone does not tell.
#[derive(Debug, PartialEq, Eq)]
struct Refused(Failure, Option<String>);

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Refused {
        Refused(failure, words::of_http(failure))
    }
}

impl Refused {
    fn of(why: impl Into<String>) -> Refused {
        Refused(Failure::UpgradeRefused, Some(why.into()))
    }

    fn tell(self, to: &Endpoint) -> Failure {
        if let Some(why) = self.1 {
            to.memory.borrow_mut().tell(why);
        }
        self.0
    }
}

/// One read.
async fn read_head(
    stream: &mut Attempt,
    dial: &Dialer,
    decoder: &mut Decoder,
    asked: &Asked<'_>,
) -> Result<Option<Answered>, Refused> {
    let buffer = dial.read_buffer();
    poll_fn(|cx| {
        let mut buffer = buffer.borrow_mut();
        let mut into = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut **stream).poll_read(cx, &mut into)).map_err(|e| io_failure(&e))?;
        if into.filled().is_empty() {
            return Poll::Ready(Err(Failure::ClosedEarly.into()));
        }
        Poll::Ready(asked.decode(into.filled(), decoder))
    })
    .await
}

/// A request that is out, against which its answer is held.
struct Asked<'a> {
    /// Whose cookies the answer sets.
    to: Option<&'a Endpoint>,
    offer: Offer<'a>,
    key: String,
}

impl Asked<'_> {
    fn request(&self, to: &Endpoint) -> String {
        let protocols = match self.offer.protocols {
            [] => String::new(),
            offered => format!("Sec-WebSocket-Protocol: {}\r\n", offered.join(", ")),
        };
        let (key, extensions) = (&self.key, extension::offer(self.offer.deflate));
        format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{extensions}{protocols}{}{}\r\n",
            to.path,
            to.authority,
            to.headers,
            cookies::line(&to.path, &to.memory)
        )
    }

    /// What was agreed and the bytes behind the head, once the head is there and is what it must be.
    fn decode(&self, bytes: &[u8], decoder: &mut Decoder) -> Result<Option<Answered>, Refused> {
        let mut rest = bytes;
        loop {
            let (n, step) = decoder.next(rest)?;
            rest = &rest[n..];
            match step {
                Step::More => return Ok(None),
                Step::Head(head) => {
                    if let Some(to) = self.to {
                        cookies::keep(&head, &to.path, &to.memory);
                        if let Some(pause) = words::retry_after(&head).filter(|_| head.status() != 101) {
                            to.memory.borrow_mut().retry_after = Some(pause);
                        }
                    }
                    return Ok(Some((self.validate(&head)?, rest.to_vec())));
                }
                _ => {}
            }
        }
    }

    fn validate(&self, head: &Head<'_>) -> Result<Option<Agreed>, Refused> {
        match head.status() {
            101 if head.is_http11() => {}
            status => {
                let words = Some(words::answered_with("the upgrade", head));
                let failure = match status {
                    300..600 if status != 304 => unexpected(status),
                    _ => Failure::UpgradeRefused,
                };
                return Err(Refused(failure, words));
            }
        }
        if !head.lists("Upgrade", "websocket") || !head.lists("Connection", "upgrade") {
            return Err(Refused::of("a status 101 without Upgrade: websocket and Connection: upgrade"));
        }
        if head.header("Sec-WebSocket-Accept") != Some(derive_accept_key(self.key.as_bytes()).as_bytes()) {
            let came = head.header("Sec-WebSocket-Accept").map(String::from_utf8_lossy);
            let came = came.unwrap_or("missing".into());
            let words = format!("Sec-WebSocket-Accept is {came}: who answered has not read the key");
            return Err(Refused(Failure::BadAccept, Some(words)));
        }
        // A server that uses what was not offered would send frames we cannot read.
        let fields = head.values("Sec-WebSocket-Extensions");
        let deflate = extension::agreed(fields, self.offer.deflate).map_err(Refused::of)?;
        // As browsers do: who offers subprotocols needs one of them, who offers none takes none.
        let offered = self.offer.protocols;
        match head.header("Sec-WebSocket-Protocol") {
            Some(chosen) if offered.iter().any(|o| o.as_bytes() == chosen) => Ok(deflate),
            None if offered.is_empty() => Ok(deflate),
            None => Err(Refused::of("the target takes none of the subprotocols")),
            Some(_) => Err(Refused::of("the target takes a subprotocol that was not offered")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const GOOD: &str = "Upgrade: WebSocket\r\nConnection: keep-alive, UPGRADE\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

    fn answer(text: &str, offered: &[&str]) -> Result<Option<Vec<u8>>, Failure> {
        let protocols: Vec<String> = offered.iter().map(ToString::to_string).collect();
        let offer = Offer { protocols: &protocols, deflate: None };
        let asked = Asked { to: None, offer, key: KEY.into() };
        let answered = asked.decode(text.as_bytes(), &mut Decoder::new());
        answered.map(|done| done.map(|(_, part)| part)).map_err(|refused| refused.0)
    }

    fn fields(fields: &str, offered: &[&str]) -> Result<Option<Vec<u8>>, Failure> {
        answer(&format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n\u{1}\u{2}"), offered)
    }

    #[test]
    fn a_good_answer_is_taken_and_what_follows_kept() {
        assert_eq!(fields(GOOD, &[]), Ok(Some(vec![1, 2])));
        let with = format!("{GOOD}Sec-WebSocket-Protocol: b\r\n");
        assert_eq!(fields(&with, &["a", "b"]), Ok(Some(vec![1, 2])));
        assert_eq!(answer("HTTP/1.1 101 Sw", &[]), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = Err(Failure::UpgradeRefused);
        assert_eq!(fields(&GOOD.replace("WebSocket", "h2c"), &[]), refused);
        assert_eq!(fields(&GOOD.replace("UPGRADE", "close"), &[]), refused);
        assert_eq!(fields(&format!("{GOOD}Sec-WebSocket-Extensions: permessage-deflate\r\n"), &[]), refused);
        assert_eq!(fields(&format!("{GOOD}Sec-WebSocket-Protocol: c\r\n"), &["a", "b"]), refused);
        assert_eq!(fields(&format!("{GOOD}Sec-WebSocket-Protocol: c\r\n"), &[]), refused);
        assert_eq!(fields(GOOD, &["a"]), refused);
        assert_eq!(fields(&GOOD.replace("s3p", "S3P"), &[]), Err(Failure::BadAccept));
        assert_eq!(fields("Upgrade: websocket\r\nConnection: upgrade\r\n", &[]), Err(Failure::BadAccept));
    }

    #[test]
    fn other_statuses_are_told_apart() {
        for (status, failure) in [
            ("200 OK", Failure::UpgradeRefused),
            ("301 Moved", Failure::Redirect),
            ("304 Same", Failure::UpgradeRefused),
            ("426 Upgrade", Failure::Status4xx),
            ("500 No", Failure::Status5xx),
        ] {
            assert_eq!(answer(&format!("HTTP/1.1 {status}\r\n\r\n"), &[]), Err(failure));
        }
        let old = format!("HTTP/1.0 101 Switching Protocols\r\n{GOOD}\r\n");
        assert_eq!(answer(&old, &[]), Err(Failure::UpgradeRefused));
    }

    #[test]
    fn the_request_is_what_it_says() {
        let mut to = Endpoint::new("127.0.0.1:80".parse().unwrap(), "h", "/ws");
        to.headers = "A: b\r\n".into();
        let protocols = ["x".into(), "y".into()];
        let asked = |deflate| {
            let offer = Offer { protocols: &protocols, deflate };
            Asked { to: None, offer, key: KEY.into() }.request(&to)
        };
        let text = asked(None);
        assert!(text.starts_with("GET /ws HTTP/1.1\r\nHost: h\r\n"));
        assert!(text.ends_with("==\r\nSec-WebSocket-Protocol: x, y\r\nA: b\r\n\r\n"));
        let compressed = asked(Some(DeflateSpec { no_context_takeover: false }));
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        assert!(compressed.contains(offer));
        assert_eq!((compressed.len() - text.len(), offer.len()), (70, 70));
        assert_eq!(key().len(), 24);
        assert_ne!(key(), key());
    }
}
