//! One keep-alive HTTP connection and the exchange under way on it: request out, answer in.
//!
//! Both pulling sessions and publishers stand on it. It decides when a connection is dialled anew
//! and what a broken one means; it judges no status and knows no message.

use super::LocalBoxFuture;
use super::http1::{Decoder, Head, Step};
use crate::model::{Failure, Nanos, Traffic};
use crate::net::{Dialer, Place, Stream, io_failure};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A body's buffer up to this size is kept for the next answer; a larger one is let go.
const KEPT_SPILL_BYTES: usize = 1024;

/// Who asks: what an exchange needs of its owner.
pub(super) trait Asker {
    /// The request's bytes, put together in `scratch` or held by the owner, and how many of them
    /// are its head.
    fn request<'r>(&'r mut self, scratch: &'r mut Vec<u8>) -> (&'r [u8], usize);

    /// A connection was made.
    fn connected(&mut self, stream: &Stream);

    /// The kernel has taken the last byte of the request.
    fn sent(&mut self) {}

    /// The head of the answer is here; the answer may still break off.
    fn head(&mut self, head: &Head<'_>);

    /// The answer is whole.
    fn answered(&mut self, answer: &Answered, body: &[u8]);
}

/// A whole answer, but for its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    /// When the read that completed it returned.
    pub(super) received: Nanos,
    /// The bytes of request and answer, with what TLS cost since the last. Both bodies are in
    /// `payload`.
    pub(super) traffic: Traffic,
}

enum Link {
    Down,
    Dialing(LocalBoxFuture<'static, Result<Stream, Failure>>),
    Up(Stream),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    /// Asked to begin; nothing written yet.
    Begin,
    Sending,
    Waiting,
}

/// See the module.
pub(super) struct Exchange {
    dial: Dialer,
    to: Place,
    link: Link,
    stage: Stage,
    /// Whether a connection may carry more than one exchange.
    keep: bool,
    /// The owner has been told of the connection.
    told: bool,
    /// An answer has come over this connection.
    reused: bool,
    /// This request has a connection of its own.
    dialled: bool,
    /// What the kernel did not take of the request at once.
    rest: Vec<u8>,
    head_bytes: u64,
    sent: u64,
    status: u16,
    decoder: Decoder,
    body: Vec<u8>,
    /// All that is not of the exchange under way.
    done: Traffic,
}

impl Exchange {
    /// With the connection given, or with none yet.
    pub(super) fn new(dial: Dialer, to: Place, stream: Option<Stream>) -> Exchange {
        Exchange {
            dial,
            to,
            link: stream.map_or(Link::Down, Link::Up),
            stage: Stage::Idle,
            keep: true,
            told: false,
            reused: false,
            dialled: false,
            rest: Vec::new(),
            head_bytes: 0,
            sent: 0,
            status: 0,
            decoder: Decoder::new(),
            body: Vec::new(),
            done: Traffic::default(),
        }
    }

    /// The same; a connection that is not `kept` ends with the answer, whatever the peer thinks of it.
    pub(super) fn kept(self, kept: bool) -> Exchange {
        Exchange { keep: kept, ..self }
    }

    /// Begins an exchange at the next poll. Must not be called while one is under way.
    pub(super) fn begin(&mut self) {
        debug_assert!(self.stage == Stage::Idle, "one exchange at a time");
        self.stage = Stage::Begin;
        self.dialled = false;
    }

    /// Whether an exchange is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.stage != Stage::Idle
    }

    /// Closes the connection and gives up what is under way.
    pub(super) fn abort(&mut self) {
        self.done += self.current();
        self.hang_up();
        self.clear();
    }

    /// Hands out the connection, when it may carry another request.
    pub(super) fn release(&mut self) -> Option<Stream> {
        match std::mem::replace(&mut self.link, Link::Down) {
            Link::Up(stream) if self.reused => {
                self.done += stream.tls_rest();
                Some(stream)
            }
            other => {
                self.link = other;
                None
            }
        }
    }

    /// Drops the connection; what TLS cost that no answer has told stays counted.
    fn hang_up(&mut self) {
        self.done += self.tls_rest();
        self.link = Link::Down;
    }

    fn tls_rest(&self) -> Traffic {
        if let Link::Up(stream) = &self.link { stream.tls_rest() } else { Traffic::default() }
    }

    /// All bytes so far, of every connection.
    pub(super) fn wire(&self) -> Traffic {
        self.done + self.current() + self.tls_rest()
    }

    /// Goes on with the exchange; `Ready(Ok)` when `asker` was handed the whole answer.
    ///
    /// # Errors
    /// The connection failed and is closed; [`Exchange::begin`] may be called again.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, asker: &mut dyn Asker) -> Poll<Result<(), Failure>> {
        let done = self.poll_steps(cx, asker);
        if let Poll::Ready(Err(_)) = done {
            self.abort();
        }
        done
    }

    fn poll_steps(&mut self, cx: &mut Context<'_>, asker: &mut dyn Asker) -> Poll<Result<(), Failure>> {
        if self.stage == Stage::Idle {
            return Poll::Pending;
        }
        if self.stage == Stage::Begin {
            // Also of one that turns out to be gone: it was made.
            self.tell(asker);
            ready!(self.poll_link(cx))?;
            self.tell(asker);
            self.write_first(cx, asker)?;
        }
        if self.stage == Stage::Sending {
            ready!(self.poll_rest(cx))?;
            asker.sent();
        }
        self.poll_answer(cx, asker)
    }

    /// Sees to it that a connection is there. One that the peer has closed meanwhile is replaced,
    /// but only once: a peer that closes every connection at once would keep us dialling for ever.
    fn poll_link(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        loop {
            match &mut self.link {
                Link::Up(stream) => {
                    if self.dialled || !is_gone(stream, &self.dial, cx, &mut self.done) {
                        return Poll::Ready(Ok(()));
                    }
                    self.hang_up();
                }
                Link::Down => {
                    let (dial, to) = (self.dial.clone(), self.to.clone());
                    self.link = Link::Dialing(Box::pin(async move { dial.connect(&to).await }));
                    self.dialled = true;
                }
                Link::Dialing(dialing) => {
                    self.link = Link::Up(ready!(dialing.as_mut().poll(cx))?);
                    (self.told, self.reused) = (false, false);
                }
            }
        }
    }

    fn tell(&mut self, asker: &mut dyn Asker) {
        if let (Link::Up(stream), false) = (&self.link, self.told) {
            asker.connected(stream);
            self.told = true;
        }
    }

    /// Writes the request, in one call as a rule; what is left waits in a buffer of its own, so that
    /// the one it is put together in can be shared by all connections of the worker.
    fn write_first(&mut self, cx: &mut Context<'_>, asker: &mut dyn Asker) -> Result<(), Failure> {
        let Link::Up(stream) = &mut self.link else { return Err(Failure::Io) };
        let scratch = self.dial.write_buffer();
        let mut scratch = scratch.borrow_mut();
        let (bytes, head_bytes) = asker.request(&mut scratch);
        self.head_bytes = head_bytes as u64;
        self.stage = Stage::Sending;
        let taken = match Pin::new(stream).poll_write(cx, bytes) {
            Poll::Ready(Ok(n)) => n,
            Poll::Ready(Err(e)) => return Err(self.broken(io_failure(&e))),
            Poll::Pending => 0,
        };
        self.sent = taken as u64;
        self.rest.extend_from_slice(&bytes[taken..]);
        Ok(())
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let Link::Up(stream) = &mut self.link else { return Poll::Ready(Err(Failure::Io)) };
        while !self.rest.is_empty() {
            match ready!(Pin::new(&mut *stream).poll_write(cx, &self.rest)) {
                Ok(n) => {
                    self.sent += n as u64;
                    self.rest.drain(..n);
                }
                Err(e) => return Poll::Ready(Err(self.broken(io_failure(&e)))),
            }
        }
        self.rest = Vec::new();
        self.stage = Stage::Waiting;
        Poll::Ready(Ok(()))
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>, asker: &mut dyn Asker) -> Poll<Result<(), Failure>> {
        let buffer = self.dial.read_buffer();
        let mut buffer = buffer.borrow_mut();
        loop {
            let Link::Up(stream) = &mut self.link else { return Poll::Ready(Err(Failure::Io)) };
            let mut into = ReadBuf::new(&mut buffer);
            if let Err(e) = ready!(Pin::new(&mut *stream).poll_read(cx, &mut into)) {
                return Poll::Ready(Err(self.broken(io_failure(&e))));
            }
            let received = stream.last_read_at();
            if into.filled().is_empty() {
                return Poll::Ready(self.closed(received, asker));
            }
            if self.take(into.filled(), received, asker)? {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Takes what one read gave; whether the answer is whole.
    fn take(&mut self, bytes: &[u8], received: Nanos, asker: &mut dyn Asker) -> Result<bool, Failure> {
        let before = self.decoder.counts().total();
        let done = self.decode(bytes, received, asker);
        if done.is_err() {
            // What the decoder stumbled over was read all the same.
            let counted = self.decoder.counts().total() - before;
            self.unasked(bytes.len() as u64 - counted);
        }
        done
    }

    /// Decodes one read. A body that lies in one piece is handed on where it lies.
    fn decode(&mut self, bytes: &[u8], received: Nanos, asker: &mut dyn Asker) -> Result<bool, Failure> {
        let mut rest = bytes;
        let mut piece: &[u8] = &[];
        loop {
            let (n, step) = self.decoder.next(rest)?;
            rest = &rest[n..];
            match step {
                Step::Interim | Step::ChunkEnd => {}
                Step::Head(head) => {
                    self.status = head.status();
                    asker.head(&head);
                }
                Step::Body(next) if self.body.is_empty() && piece.is_empty() => piece = next,
                Step::Body(next) => {
                    self.body.extend_from_slice(std::mem::take(&mut piece));
                    self.body.extend_from_slice(next);
                }
                Step::More => {
                    self.body.extend_from_slice(piece);
                    return Ok(false);
                }
                Step::End => {
                    self.whole(piece, received, rest.len() as u64, asker);
                    return Ok(true);
                }
            }
        }
    }

    /// Counts bytes read that belong to no answer.
    fn unasked(&mut self, bytes: u64) {
        self.done.wire_in += bytes;
        self.done.framing += bytes;
    }

    fn closed(&mut self, received: Nanos, asker: &mut dyn Asker) -> Result<(), Failure> {
        if let Err(failure) = self.decoder.close() {
            return Err(self.broken(failure));
        }
        self.whole(&[], received, 0, asker);
        self.hang_up();
        Ok(())
    }

    /// What a broken connection means: without a byte of an answer, on a connection that has served
    /// before, it was closed as the request was on its way.
    fn broken(&self, failure: Failure) -> Failure {
        let stale = self.reused
            && self.decoder.counts().total() == 0
            && matches!(failure, Failure::Reset | Failure::ClosedEarly);
        if stale { Failure::StaleConnection } else { failure }
    }

    /// Hands over the answer and makes ready for the next. `extra` bytes came that nobody asked for:
    /// whatever they are, the connection is not to be trusted any more.
    fn whole(&mut self, piece: &[u8], received: Nanos, extra: u64, asker: &mut dyn Asker) {
        let mut traffic = self.current();
        if let Link::Up(stream) = &mut self.link {
            traffic += stream.take_tls();
        }
        self.done += traffic;
        self.unasked(extra);
        let body = if self.body.is_empty() { piece } else { &self.body };
        asker.answered(&Answered { status: self.status, received, traffic }, body);
        self.reused = true;
        if extra > 0 || !self.keep || !self.decoder.keep_alive() {
            self.hang_up();
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.stage = Stage::Idle;
        self.rest = Vec::new();
        (self.sent, self.head_bytes) = (0, 0);
        self.decoder.reset();
        if self.body.capacity() > KEPT_SPILL_BYTES {
            self.body = Vec::new();
        }
        self.body.clear();
    }

    /// The bytes of the exchange under way, above TLS.
    fn current(&self) -> Traffic {
        let counts = self.decoder.counts();
        let head_out = self.sent.min(self.head_bytes);
        Traffic {
            payload: self.sent - head_out + counts.body,
            framing: counts.framing,
            headers: head_out + counts.headers,
            wire_in: counts.total(),
            wire_out: self.sent,
            ..Traffic::default()
        }
    }
}

/// Whether the peer has closed an idle connection, or says something on it that nobody asked for.
/// Costs no system call while there is nothing to read.
fn is_gone(stream: &mut Stream, dial: &Dialer, cx: &mut Context<'_>, done: &mut Traffic) -> bool {
    let buffer = dial.read_buffer();
    let mut buffer = buffer.borrow_mut();
    let mut into = ReadBuf::new(&mut buffer);
    let Poll::Ready(read) = Pin::new(stream).poll_read(cx, &mut into) else { return false };
    if read.is_ok() {
        done.wire_in += into.filled().len() as u64;
        done.framing += into.filled().len() as u64;
    }
    true
}
