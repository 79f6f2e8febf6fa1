//! `websocket`: frames by tokio-tungstenite over our metered connection, handshake by ourselves.
//!
//! A session holds little: the frame library's buffers are cut to what a message needs.

use super::handshake::{Upgraded, upgrade};
use super::tap::FrameTap;
use super::{Carrier, Event, LocalBoxFuture, Rhythm, Session, Sink, Unit, UnitKind};
use crate::model::{Failure, Nanos, Traffic};
use crate::net::{Dialer, Endpoint, io_failure};
use crate::scenario::WebSocketSpec;
use futures_util::{SinkExt, Stream as _};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, error::ProtocolError};

/// Smallest and largest read buffer of a session: idle clients are many, and a larger message than
/// the largest is read in several pieces.
const READ_BUFFER: (usize, usize) = (1024, 64 * 1024);
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
            let opened = stream.opened();
            let tap = FrameTap::new(stream, &part);
            let config = Some(self.config(to.expected_bytes));
            let mut socket = WebSocketStream::from_partially_read(tap, part, Role::Client, config).await;
            for text in &to.send {
                socket.feed(Message::text(text.as_str())).await.map_err(|e| named(&e))?;
            }
            if !to.send.is_empty() {
                socket.flush().await.map_err(|e| named(&e))?;
            }
            let handshake = Traffic {
                handshake: request_bytes + answer_bytes,
                wire_in: answer_bytes,
                wire_out: request_bytes,
                ..Traffic::default()
            };
            let session = WebSocketSession {
                socket: Some(socket),
                done: handshake,
                untold: Some(Untold { opened, received }),
                told_out: request_bytes,
            };
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }
}

struct WebSocketSession {
    /// None once the session is over.
    socket: Option<WebSocketStream<FrameTap>>,
    /// The handshake's bytes while the session is open, all bytes when it is over.
    done: Traffic,
    /// What the first poll hands over.
    untold: Option<Untold>,
    /// Bytes written that have been part of a unit.
    told_out: u64,
}

#[derive(Clone, Copy)]
struct Untold {
    opened: (Nanos, Nanos),
    received: Nanos,
}

impl Session for WebSocketSession {
    fn request(&mut self) {}

    fn poll_event(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        if let Some(untold) = self.untold.take() {
            sink.connected(untold.opened.0, untold.opened.1);
            let unit =
                Unit { kind: UnitKind::Control, received: untold.received, body: &[], traffic: self.done };
            sink.unit(&unit);
            return Poll::Ready(Ok(Event::Received));
        }
        let done = self.poll_messages(cx, sink);
        if !matches!(done, Poll::Pending | Poll::Ready(Ok(Event::Received))) {
            self.abort();
        }
        done
    }

    fn abort(&mut self) {
        self.done = self.wire();
        (self.socket, self.untold) = (None, None);
    }

    fn wire(&self) -> Traffic {
        let Some(socket) = &self.socket else { return self.done };
        let tap = socket.get_ref();
        let (taken, out) = (tap.total(), tap.stream().written_bytes() - self.done.wire_out);
        let frames = Traffic {
            payload: taken.payload,
            framing: taken.framing + out,
            wire_in: taken.total(),
            wire_out: out,
            ..Traffic::default()
        };
        self.done + frames
    }
}

impl WebSocketSession {
    /// Hands over all messages that can be had now.
    fn poll_messages(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(Err(Failure::ClosedEarly)) };
        let mut any = false;
        loop {
            let message = match Pin::new(&mut *socket).poll_next(cx) {
                Poll::Pending if any => return Poll::Ready(Ok(Event::Received)),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Err(Failure::ClosedEarly)),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(named(&error))),
                Poll::Ready(Some(Ok(message))) => message,
            };
            any = true;
            let received = socket.get_ref().stream().last_read_at();
            let close = match &message {
                Message::Close(frame) => Some(frame.as_ref().map_or(NO_CODE, |f| f.code.into())),
                _ => None,
            };
            if close.is_some() {
                // The next poll writes our half of the closing handshake. Whatever it comes to, the
                // target has ended the session.
                let _ = Pin::new(&mut *socket).poll_next(cx);
            }
            hand_over(socket, &message, received, &mut self.told_out, sink);
            if let Some(code) = close {
                return Poll::Ready(Ok(Event::Closed(code)));
            }
        }
    }
}

/// Hands over one message with exactly the bytes it took; what we wrote since the last one goes
/// with it as framing.
fn hand_over(
    socket: &mut WebSocketStream<FrameTap>,
    message: &Message,
    received: Nanos,
    told_out: &mut u64,
    sink: &mut dyn Sink,
) {
    let (kind, body): (_, &[u8]) = match message {
        Message::Text(text) => (UnitKind::Data, text.as_bytes()),
        Message::Binary(bytes) => (UnitKind::Data, bytes),
        _ => (UnitKind::Control, &[]),
    };
    let tap = socket.get_mut();
    let taken = tap.walker().next_finished().unwrap_or_default();
    debug_assert_eq!(taken.payload, body.len() as u64, "the tap and the frame library agree");
    let out = tap.stream().written_bytes() - *told_out;
    *told_out += out;
    let traffic = Traffic {
        payload: taken.payload,
        framing: taken.framing + out,
        wire_in: taken.total(),
        wire_out: out,
        ..Traffic::default()
    };
    sink.unit(&Unit { kind, received, body, traffic });
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
        };
        let carrier = WebSocket::new(&spec);
        for (expected, size) in [(0, 1024), (64, 1024), (1024, 2048), (16_000, 16_384), (1 << 20, 65_536)] {
            assert_eq!(carrier.config(expected).read_buffer_size, size);
        }
    }
}
