//! The opening handshake of RFC 6455, section 4: asked by us, validated by us.
//!
//! Ours, because a harness must tell a status from a wrong key, count the bytes of both heads, and
//! keep a hostile answer within bounds.

use super::http1::{Decoder, Head, Step};
use super::pull::unexpected;
use crate::model::{Failure, Nanos};
use crate::net::{Dialer, Endpoint, Stream, io_failure};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// An open WebSocket before its first frame.
pub(super) struct Upgraded {
    pub(super) stream: Stream,
    /// Bytes of frames that came in the same read as the end of the head.
    pub(super) part: Vec<u8>,
    /// Bytes of the request, of the answer's head.
    pub(super) request_bytes: u64,
    pub(super) answer_bytes: u64,
    /// When the read that completed the head returned.
    pub(super) received: Nanos,
}

/// Connects and upgrades. Cancel-safe: dropping it resets the connection.
pub(super) async fn upgrade(dial: &Dialer, to: &Endpoint, offered: &[String]) -> Result<Upgraded, Failure> {
    let mut stream = dial.connect(&to.place()).await?;
    let key = key();
    stream.write_all(request(to, offered, &key).as_bytes()).await.map_err(|e| io_failure(&e))?;
    let mut decoder = Decoder::new();
    let part = loop {
        if let Some(part) = read_head(&mut stream, dial, &mut decoder, offered, &key).await? {
            break part;
        }
    };
    Ok(Upgraded {
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

fn request(to: &Endpoint, offered: &[String], key: &str) -> String {
    let protocols = match offered {
        [] => String::new(),
        _ => format!("Sec-WebSocket-Protocol: {}\r\n", offered.join(", ")),
    };
    format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{protocols}{}\r\n",
        to.path, to.authority, to.headers
    )
}

/// One read. The bytes behind the head, once the head is there and is what it must be.
async fn read_head(
    stream: &mut Stream,
    dial: &Dialer,
    decoder: &mut Decoder,
    offered: &[String],
    key: &str,
) -> Result<Option<Vec<u8>>, Failure> {
    let buffer = dial.read_buffer();
    poll_fn(|cx| {
        let mut buffer = buffer.borrow_mut();
        let mut into = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut into)).map_err(|e| io_failure(&e))?;
        if into.filled().is_empty() {
            return Poll::Ready(Err(Failure::ClosedEarly));
        }
        Poll::Ready(decode(into.filled(), decoder, offered, key))
    })
    .await
}

fn decode(
    bytes: &[u8],
    decoder: &mut Decoder,
    offered: &[String],
    key: &str,
) -> Result<Option<Vec<u8>>, Failure> {
    let mut rest = bytes;
    loop {
        let (n, step) = decoder.next(rest)?;
        rest = &rest[n..];
        match step {
            Step::More => return Ok(None),
            Step::Head(head) => return validate(&head, offered, key).map(|()| Some(rest.to_vec())),
            _ => {}
        }
    }
}

fn validate(head: &Head<'_>, offered: &[String], key: &str) -> Result<(), Failure> {
    match head.status() {
        101 if head.is_http11() => {}
        status @ 300..600 if status != 304 => return Err(unexpected(status)),
        _ => return Err(Failure::UpgradeRefused),
    }
    if !head.lists("Upgrade", "websocket") || !head.lists("Connection", "upgrade") {
        return Err(Failure::UpgradeRefused);
    }
    if head.header("Sec-WebSocket-Accept") != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(Failure::BadAccept);
    }
    // We offer no extension; a server that uses one all the same would send frames we cannot read.
    if head.header("Sec-WebSocket-Extensions").is_some_and(|v| !v.is_empty()) {
        return Err(Failure::UpgradeRefused);
    }
    // As browsers do: who offers subprotocols needs one of them, who offers none takes none.
    let agreed = match head.header("Sec-WebSocket-Protocol") {
        Some(chosen) => offered.iter().any(|o| o.as_bytes() == chosen),
        None => offered.is_empty(),
    };
    if agreed { Ok(()) } else { Err(Failure::UpgradeRefused) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const GOOD: &str = "Upgrade: WebSocket\r\nConnection: keep-alive, UPGRADE\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

    fn answer(text: &str, offered: &[&str]) -> Result<Option<Vec<u8>>, Failure> {
        let offered: Vec<String> = offered.iter().map(ToString::to_string).collect();
        decode(text.as_bytes(), &mut Decoder::new(), &offered, KEY)
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
        let text = request(&to, &["x".into(), "y".into()], KEY);
        assert!(text.starts_with("GET /ws HTTP/1.1\r\nHost: h\r\n"));
        assert!(text.ends_with("==\r\nSec-WebSocket-Protocol: x, y\r\nA: b\r\n\r\n"));
        assert_eq!(key().len(), 24);
        assert_ne!(key(), key());
    }
}
