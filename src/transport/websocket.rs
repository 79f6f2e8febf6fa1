//! `websocket`: frames by tungstenite, bytes by our metered connection, handshake by ourselves.
//!
//! The frame library is driven without I/O of its own: one read into the worker's buffer is fed to
//! it whole, so that a wake-up costs one system call however many messages it brings, no waker is
//! wrapped, and an idle session holds little.

use super::handshake::{Upgraded, upgrade};
use super::tap::FrameWalker;
use super::{
    Carrier, Closing, Event, LocalBoxFuture, Rhythm, Session, Sink, Stage, Unit, UnitKind, tell_connected,
};
use crate::model::{Failure, Nanos, Traffic};
use crate::net::{Dialer, Endpoint, Stream, io_failure};
use crate::scenario::WebSocketSpec;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Error, Message, error::ProtocolError};

/// Smallest and largest read buffer of the frame library in a session: idle clients are many, and a
/// larger message than the largest is taken in several pieces.
const READ_BUFFER: (usize, usize) = (512, 64 * 1024);
const WRITE_BUFFER: usize = 4096;
/// The code that stands for a close frame without one (RFC 6455, section 7.1.5).
const NO_CODE: u16 = 1005;

/// RFC 6455.
pub struct WebSocket {
    subprotocols: Vec<String>,
    max_message_bytes: usize,
}

impl WebSocket {
    /// The carrier with its options. Its path and its first texts come with each endpoint, where
    /// their templates have been filled in.
    pub fn new(spec: &WebSocketSpec) -> WebSocket {
        WebSocket {
            subprotocols: spec.subprotocols.clone(),
            max_message_bytes: spec.max_message_bytes as usize,
        }
    }

    fn config(&self, expected_bytes: u32) -> WebSocketConfig {
        // A frame with its header in one read, and some room for a second one.
        let wanted = (expected_bytes as usize + 14).next_power_of_two();
        WebSocketConfig::default()
            .read_buffer_size(wanted.clamp(READ_BUFFER.0, READ_BUFFER.1))
            .write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(self.max_message_bytes))
            .max_frame_size(Some(self.max_message_bytes))
    }
}

impl Carrier for WebSocket {
    fn rhythm(&self) -> Rhythm {
        Rhythm::Push
    }

    fn open<'a>(
        &'a self,
        dial: &'a Dialer,
        to: &'a Endpoint,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Session>, Failure>> {
        Box::pin(async move {
            let Upgraded { stream, part, request_bytes, answer_bytes, received } =
                upgrade(dial, to, &self.subprotocols).await?;
            let config = Some(self.config(to.expected_bytes));
            let mut walker = FrameWalker::default();
            walker.walk(&part);
            let context = WebSocketContext::from_partially_read(part, Role::Client, config);
            let handshake = Traffic {
                handshake: request_bytes + answer_bytes,
                wire_in: answer_bytes,
                wire_out: request_bytes,
                ..Traffic::default()
            };
            let mut open = Open { stream, context, walker, out: Vec::new(), dial: dial.clone() };
            open.send(&to.send).await?;
            let session = WebSocketSession {
                open: Some(Box::new(open)),
                done: handshake,
                untold: Some(received),
                told_out: request_bytes,
            };
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }
}

struct WebSocketSession {
    /// None once the session is over.
    open: Option<Box<Open>>,
    /// The handshake's bytes while the session is open, all bytes when it is over.
    done: Traffic,
    /// When the read that completed the handshake returned, until the first poll tells of it.
    untold: Option<Nanos>,
    /// Bytes written that have been part of a unit.
    told_out: u64,
}

/// An open session.
struct Open {
    stream: Stream,
    context: WebSocketContext,
    walker: FrameWalker,
    /// Pongs, close frames and texts not yet taken by the kernel.
    out: Vec<u8>,
    /// Whose read buffer is used.
    dial: Dialer,
}

/// What the frame library sees of a connection: the bytes of one read, and a place for what it
/// wants written.
struct Feed<'r, 'w> {
    unread: &'r [u8],
    out: &'w mut Vec<u8>,
}

impl Read for Feed<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Read::read(&mut self.unread, into)
    }
}

impl Write for Feed<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self.out, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Session for WebSocketSession {
    fn request(&mut self) {}

    fn poll_event(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        let done = match self.untold.take() {
            Some(received) => self.begin(received, sink),
            None => self.poll_messages(cx, sink),
        };
        if !matches!(done, Poll::Pending | Poll::Ready(Ok(Event::Received))) {
            self.abort();
        }
        done
    }

    fn abort(&mut self) {
        self.done = self.wire();
        (self.open, self.untold) = (None, None);
    }

    fn wire(&self) -> Traffic {
        let Some(open) = &self.open else { return self.done };
        let (taken, out) = (open.walker.total(), open.stream.written_bytes() - self.done.wire_out);
        let frames = Traffic {
            payload: taken.payload,
            framing: taken.framing + out,
            wire_in: taken.total(),
            wire_out: out,
            ..Traffic::default()
        };
        self.done + frames + open.stream.tls_total()
    }
}

impl WebSocketSession {
    /// Tells of the handshake, and of messages that came in the same read as its end.
    fn begin(&mut self, received: Nanos, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        let Some(open) = &mut self.open else { return Poll::Ready(Err(Failure::ClosedEarly)) };
        tell_connected(&open.stream, sink);
        sink.stage(Stage::Upgrade, received - open.stream.usable_at());
        let traffic = self.done + open.stream.take_tls();
        sink.unit(&Unit { kind: UnitKind::Control, received, body: &[], traffic });
        let event = open.take_messages(&[], &mut self.told_out, sink)?;
        Poll::Ready(Ok(event.unwrap_or(Event::Received)))
    }

    /// Hands over the messages of one read; of more than one only until a message is whole.
    fn poll_messages(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        let Some(open) = &mut self.open else { return Poll::Ready(Err(Failure::ClosedEarly)) };
        let before = open.walker.ended();
        let buffer = open.dial.read_buffer();
        let mut buffer = buffer.borrow_mut();
        while open.walker.ended() == before {
            if let Poll::Ready(Err(failure)) = open.poll_send(cx) {
                return Poll::Ready(Err(failure));
            }
            let read = ready!(open.poll_read(cx, &mut buffer))?;
            let event = open.take_messages(&buffer[..read], &mut self.told_out, sink)?;
            // Pongs, and our half of a closing handshake; whatever the latter comes to, the target
            // has ended the session.
            let sent = open.poll_send(cx);
            match (event, sent) {
                (Some(event), _) => return Poll::Ready(Ok(event)),
                (None, Poll::Ready(Err(failure))) => return Poll::Ready(Err(failure)),
                (None, _) => {}
            }
        }
        Poll::Ready(Ok(Event::Received))
    }
}

impl Open {
    /// Sends texts, whole.
    async fn send(&mut self, texts: &[String]) -> Result<(), Failure> {
        for text in texts {
            let mut feed = Feed { unread: &[], out: &mut self.out };
            self.context.write(&mut feed, Message::text(text.as_str())).map_err(|e| named(&e))?;
            self.context.flush(&mut feed).map_err(|e| named(&e))?;
        }
        self.stream.write_all(&self.out).await.map_err(|e| io_failure(&e))?;
        self.out = Vec::new();
        Ok(())
    }

    /// Reads what there is: at least a byte.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, Failure>> {
        let mut into = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut into)).map_err(|e| io_failure(&e))?;
        let read = into.filled();
        if read.is_empty() {
            return Poll::Ready(Err(Failure::ClosedEarly));
        }
        self.walker.walk(read);
        Poll::Ready(Ok(read.len()))
    }

    /// Writes what is to be written, as far as the kernel takes it.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        while !self.out.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out));
            self.out.drain(..written.map_err(|e| io_failure(&e))?);
        }
        self.out = Vec::new();
        Poll::Ready(Ok(()))
    }

    /// Hands over every message that is whole with these bytes; the end of the session, if one of
    /// them is that.
    fn take_messages(
        &mut self,
        bytes: &[u8],
        told_out: &mut u64,
        sink: &mut dyn Sink,
    ) -> Result<Option<Event>, Failure> {
        let mut unread = bytes;
        loop {
            let mut feed = Feed { unread, out: &mut self.out };
            let message = self.context.read(&mut feed);
            unread = feed.unread;
            match message {
                Err(Error::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(named(&error)),
                Ok(message) => {
                    self.hand_over(&message, told_out, sink);
                    if let Some(event) = self.closing(&message) {
                        return Ok(Some(event));
                    }
                }
            }
        }
    }

    /// The end of the session, when this message is that; our half of it is then to be sent.
    fn closing(&mut self, message: &Message) -> Option<Event> {
        let Message::Close(frame) = message else { return None };
        let mut feed = Feed { unread: &[], out: &mut self.out };
        // It hands out the reply; that the state is final then is no error to us.
        let _ = self.context.flush(&mut feed);
        let code = frame.as_ref().map_or(NO_CODE, |f| f.code.into());
        let reason = frame.as_ref().map_or_else(String::new, |f| f.reason.to_string());
        Some(Event::Closed(Box::new(Closing { code, reason, clean: true })))
    }

    /// Hands over one message with exactly the bytes it took; what we wrote since the last one goes
    /// with it as framing.
    fn hand_over(&mut self, message: &Message, told_out: &mut u64, sink: &mut dyn Sink) {
        let (kind, body): (_, &[u8]) = match message {
            Message::Text(text) => (UnitKind::Data, text.as_bytes()),
            Message::Binary(bytes) => (UnitKind::Data, bytes),
            _ => (UnitKind::Control, &[]),
        };
        let taken = self.walker.next_finished().unwrap_or_default();
        debug_assert_eq!(taken.payload, body.len() as u64, "the walker and the frame library agree");
        let out = self.stream.written_bytes() - *told_out;
        *told_out += out;
        let traffic = Traffic {
            payload: taken.payload,
            framing: taken.framing + out,
            wire_in: taken.total(),
            wire_out: out,
            ..Traffic::default()
        };
        let traffic = traffic + self.stream.take_tls();
        sink.unit(&Unit { kind, received: self.stream.last_read_at(), body, traffic });
    }
}

/// The frame library's errors as failures.
fn named(error: &Error) -> Failure {
    match error {
        Error::Io(e) => io_failure(e),
        Error::Capacity(_) => Failure::MessageTooLarge,
        Error::Utf8(_) => Failure::BadUtf8,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete)
        | Error::ConnectionClosed
        | Error::AlreadyClosed => Failure::ClosedEarly,
        Error::Protocol(_) => Failure::BadFrame,
        _ => Failure::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_read_buffer_follows_the_message() {
        let spec = WebSocketSpec {
            path: "/".into(),
            subprotocols: vec![],
            send: vec![],
            max_message_bytes: 1 << 20,
            binary: false,
            deflate: None,
            ping: None,
            dead_after: None,
        };
        let carrier = WebSocket::new(&spec);
        for (expected, size) in [(0, 512), (64, 512), (1024, 2048), (16_000, 16_384), (1 << 20, 65_536)] {
            assert_eq!(carrier.config(expected).read_buffer_size, size);
        }
    }
}
