//! The request of a stream, and the head of its answer.

use super::super::cookies;
use super::super::cursor::Cursor;
use super::super::http1::{Decoder, Head, Step};
use super::super::request::PullRequest;
use super::super::split::{Fault, Splitter};
use super::super::words;
use super::HttpStream;
use crate::model::{Failure, Nanos};
use crate::net::{self, Attempt, Dialer, Endpoint, Memory, io_failure};
use crate::scenario::{SplitSpec, StreamKind, StreamSpec};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

/// An answer whose head is there and is what it must be.
pub(super) struct Asked {
    pub(super) stream: net::Stream,
    pub(super) decoder: Decoder,
    pub(super) splitter: Splitter,
    pub(super) cursor: Cursor,
    /// What the connection had read and written before this request.
    pub(super) before: (u64, u64),
    /// Bytes of the request's head.
    pub(super) head_out: u64,
    /// When the request went out.
    pub(super) asked: Nanos,
    /// Bytes of the body that came with the end of the head.
    pub(super) part: Vec<u8>,
    /// Whether the connection had served an earlier session.
    pub(super) reused: bool,
}

impl HttpStream {
    /// Connects, or uses the connection that the last session left, and asks. Cancel-safe: dropping
    /// it resets the connection; the bytes that crossed it are then in the endpoint's memory.
    pub(super) async fn attach(&self, dial: &Dialer, to: &Endpoint) -> Result<Asked, Failure> {
        let kept = to.memory.borrow_mut().kept.take();
        if let Some(kept) = kept {
            let mut kept = Attempt::again(kept, &to.memory);
            if is_alive(&mut kept, dial).await {
                let read = kept.read_bytes();
                let mut seen = read;
                match self.ask(kept, dial, to, &mut seen).await {
                    // The peer gave up an idle connection as this request went out: asked again at
                    // once, as browsers do.
                    Err(Failure::Reset | Failure::ClosedEarly) if seen == read => {}
                    done => return done.map(|asked| Asked { reused: true, ..asked }),
                }
            }
        }
        let stream = Attempt::new(dial.connect(&to.place()).await?, &to.memory);
        self.ask(stream, dial, to, &mut 0).await
    }

    /// Asks over this connection. `seen` is what it has read by the end, also when it failed.
    async fn ask(
        &self,
        mut stream: Attempt,
        dial: &Dialer,
        to: &Endpoint,
        seen: &mut u64,
    ) -> Result<Asked, Failure> {
        let before = (stream.read_bytes(), stream.written_bytes());
        let mut cursor = self.cursor.clone();
        cursor.restore(&to.memory.borrow().cursor);
        let mut request = Vec::new();
        let headers = headers(&self.spec, &to.headers) + &cookies::line(&to.path, &to.memory);
        let head_out = PullRequest::new(self.spec.method, to, &headers).render(&cursor, "", &mut request);
        let asked = dial.clock().now();
        to.memory.borrow_mut().asked = Some(asked);
        let mut decoder = Decoder::endless();
        let sent = stream.write_all(&request).await.map_err(|e| io_failure(&e));
        let answered = match sent {
            Ok(()) => self.answer(&mut stream, dial, to, &mut decoder, &mut cursor).await,
            Err(failure) => Err(failure),
        };
        *seen = stream.read_bytes();
        let (splitter, part) = answered?;
        let (stream, head_out, reused) = (stream.keep(), head_out as u64, false);
        Ok(Asked { stream, decoder, splitter, cursor, before, head_out, asked, part, reused })
    }

    /// Reads until the head of the answer is there.
    async fn answer(
        &self,
        stream: &mut net::Stream,
        dial: &Dialer,
        to: &Endpoint,
        decoder: &mut Decoder,
        cursor: &mut Cursor,
    ) -> Result<(Splitter, Vec<u8>), Failure> {
        let buffer = dial.read_buffer();
        loop {
            let answered = poll_fn(|cx| {
                let mut buffer = buffer.borrow_mut();
                let mut into = ReadBuf::new(&mut buffer);
                ready!(Pin::new(&mut *stream).poll_read(cx, &mut into)).map_err(|e| io_failure(&e))?;
                if into.filled().is_empty() {
                    return Poll::Ready(Err(Failure::ClosedEarly));
                }
                Poll::Ready(self.head(into.filled(), to, decoder, cursor))
            });
            if let Some(answered) = answered.await? {
                return Ok(answered);
            }
        }
    }

    /// What one read gave. The bytes behind the head, once it is there and is what it must be.
    fn head(
        &self,
        bytes: &[u8],
        to: &Endpoint,
        decoder: &mut Decoder,
        cursor: &mut Cursor,
    ) -> Result<Option<(Splitter, Vec<u8>)>, Failure> {
        let mut rest = bytes;
        loop {
            let (n, step) = decoder.next(rest).map_err(|failure| words::told(&to.memory, failure))?;
            rest = &rest[n..];
            match step {
                Step::More => return Ok(None),
                Step::Head(head) => {
                    cookies::keep(&head, &to.path, &to.memory);
                    let splitter = self.judge(&head, &mut to.memory.borrow_mut())?;
                    cursor.read_head(&head);
                    return Ok(Some((splitter, rest.to_vec())));
                }
                _ => {}
            }
        }
    }

    /// Whether this is the head of a stream, and how its body is cut.
    fn judge(&self, head: &Head<'_>, memory: &mut Memory) -> Result<Splitter, Failure> {
        let spec = &self.spec;
        if !spec.status.contains(&head.status()) {
            return Err(refused(spec.kind, head, memory));
        }
        let content_type = head.header("Content-Type");
        let bad = |what: String| Fault { failure: Failure::BadFraming, detail: what };
        let splitter = if spec.kind == StreamKind::Sse && !content_type.is_some_and(is_event_stream) {
            let told = String::from_utf8_lossy(content_type.unwrap_or(b"missing"));
            Err(bad(format!("sse: the content type is {told}; browsers take text/event-stream only")))
        } else if spec.split == SplitSpec::Chunk && !head.lists("Transfer-Encoding", "chunked") {
            Err(bad("chunk: the answer has no Transfer-Encoding: chunked".to_owned()))
        } else {
            Splitter::new(&spec.split, spec.max_message_bytes as usize, content_type)
        };
        splitter.map_err(|fault| {
            memory.tell(fault.detail);
            fault.failure
        })
    }
}

/// The failure that an unexpected status is, and what the client is to remember of it.
fn refused(kind: StreamKind, head: &Head<'_>, memory: &mut Memory) -> Failure {
    if kind == StreamKind::Sse && head.status() == 204 {
        memory.stay_away = true;
        memory.tell("sse: status 204 asks the client not to come back");
        return Failure::ClosedByPeer;
    }
    words::refused("the stream", head, memory)
}

fn is_event_stream(content_type: &[u8]) -> bool {
    let essence = content_type.split(|&b| b == b';').next().unwrap_or(content_type);
    essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

/// The header lines of a request: what the framing needs, where the user has not said otherwise.
fn headers(spec: &StreamSpec, own: &str) -> String {
    let has = |name: &str| own.lines().any(|line| is_field(line, name));
    let accept = match spec.split {
        SplitSpec::Sse => Some("text/event-stream"),
        SplitSpec::Multipart => Some("multipart/mixed"),
        _ => None,
    };
    // What a browser's fetch() accepts by default, a page replaces.
    let any = "Accept: */*\r\n";
    let mut block = if accept.is_some() { own.replacen(any, "", 1) } else { own.to_owned() };
    if let Some(accept) = accept.filter(|_| !has("Accept") || own.contains(any)) {
        block += &format!("Accept: {accept}\r\n");
    }
    if spec.split == SplitSpec::Chunk && !has("TE") {
        // Every HTTP/1.1 client takes chunks; nchan wants to be told. A hop-by-hop field has to be
        // named in Connection.
        block += if has("Connection") { "TE: chunked\r\n" } else { "Connection: TE\r\nTE: chunked\r\n" };
    }
    block
}

fn is_field(line: &str, name: &str) -> bool {
    line.split_once(':').is_some_and(|(field, _)| field.eq_ignore_ascii_case(name))
}

/// Whether a kept connection can be used: the peer has neither closed it nor said anything on it.
async fn is_alive(stream: &mut net::Stream, dial: &Dialer) -> bool {
    let buffer = dial.read_buffer();
    poll_fn(|cx| {
        let mut buffer = buffer.borrow_mut();
        let mut into = ReadBuf::new(&mut buffer);
        let read = Pin::new(&mut *stream).poll_read(cx, &mut into);
        Poll::Ready(read.is_pending())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{CursorSpec, Method};

    fn spec(split: SplitSpec) -> StreamSpec {
        StreamSpec {
            kind: StreamKind::Stream,
            method: Method::Get,
            path: "/".into(),
            body: String::new(),
            split,
            status: vec![200],
            cursor: CursorSpec::None,
            most_duration: None,
            most_events: None,
            most_bytes: None,
            max_message_bytes: 1024,
        }
    }

    #[test]
    fn what_a_framing_needs_is_asked_for_unless_the_user_asks() {
        let lines = |split, own| headers(&spec(split), own);
        assert_eq!(lines(SplitSpec::Sse, "A: b\r\n"), "A: b\r\nAccept: text/event-stream\r\n");
        assert_eq!(lines(SplitSpec::Sse, "accept: x/y\r\n"), "accept: x/y\r\n");
        assert_eq!(
            lines(SplitSpec::Multipart, "Accept: */*\r\nA: b\r\n"),
            "A: b\r\nAccept: multipart/mixed\r\n"
        );
        assert_eq!(lines(SplitSpec::Chunk, ""), "Connection: TE\r\nTE: chunked\r\n");
        assert_eq!(lines(SplitSpec::Chunk, "Connection: close\r\n"), "Connection: close\r\nTE: chunked\r\n");
        assert_eq!(lines(SplitSpec::Chunk, "TE: trailers\r\n"), "TE: trailers\r\n");
        assert_eq!(lines(SplitSpec::Script, "Accept: */*\r\n"), "Accept: */*\r\n");
    }
}
