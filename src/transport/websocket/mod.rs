//! `websocket`: frames by tungstenite, bytes by our metered connection, handshake by ourselves.
//!
//! The frame library is driven without I/O of its own: one read into the worker's buffer is fed to
//! it message by message, so that a wake-up costs one system call however many messages it brings,
//! no waker is wrapped, and an idle session holds little. Compressed messages pass it by.

pub mod deflate;
pub(super) mod extension;
mod feed;
mod frame;
mod open;
mod pulse;
mod session;
mod take;

use super::handshake::{Offer, Upgraded, upgrade};
use super::{Carrier, LocalBoxFuture, Rhythm, Session};
use crate::model::{Failure, Traffic};
use crate::net::{Attempt, Dialer, Endpoint, io_failure};
use crate::scenario::{DeflateSpec, PingSpec, WebSocketSpec};
use deflate::{Inflating, Shared};
use open::{Open, Parts};
use pulse::Pulse;
use session::{Untold, WebSocketSession};
use std::cell::RefCell;
use std::rc::Rc;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Smallest and largest read buffer of the frame library in a session: idle clients are many, and a
/// larger message than the largest is taken in several pieces.
const READ_BUFFER: (usize, usize) = (512, 64 * 1024);
const WRITE_BUFFER: usize = 4096;

/// RFC 6455.
pub struct WebSocket {
    subprotocols: Vec<String>,
    max_message_bytes: usize,
    binary: bool,
    deflate: Option<DeflateSpec>,
    /// What the sessions of this worker inflate with, when compression is offered.
    shared: Option<Rc<RefCell<Shared>>>,
    ping: Option<PingSpec>,
    dead_after: Option<crate::model::Nanos>,
}

impl WebSocket {
    /// The carrier with its options. Its path and its first texts come with each endpoint, where
    /// their templates have been filled in.
    pub fn new(spec: &WebSocketSpec) -> WebSocket {
        WebSocket {
            subprotocols: spec.subprotocols.clone(),
            max_message_bytes: spec.max_message_bytes as usize,
            binary: spec.binary,
            deflate: spec.deflate,
            shared: spec.deflate.map(|_| Rc::default()),
            ping: spec.ping,
            dead_after: spec.dead_after,
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

    /// Sends the first messages, whole: who subscribes by a message is subscribed then.
    async fn send_first(&self, stream: &mut Attempt, texts: &[String]) -> Result<(), Failure> {
        let mut frames = Vec::new();
        for text in texts {
            frame::write(frame::data(self.binary), text.as_bytes(), &mut frames);
        }
        stream.write_all(&frames).await.map_err(|e| io_failure(&e))
    }

    fn session(&self, dial: &Dialer, to: &Endpoint, upgraded: Upgraded) -> WebSocketSession {
        let Upgraded { stream, part, request_bytes, answer_bytes, received, deflate } = upgraded;
        let stream = stream.keep();
        let untold = Untold { received, part };
        let handshake = Traffic {
            handshake: request_bytes + answer_bytes,
            wire_in: answer_bytes,
            wire_out: request_bytes,
            ..Traffic::default()
        };
        let inflating = deflate.zip(self.shared.as_ref()).map(|(agreed, shared)| {
            Box::new(Inflating::new(agreed.takeover, self.max_message_bytes, Rc::clone(shared)))
        });
        let watched = self.ping.is_some() || self.dead_after.is_some();
        let open = Open::new(Parts {
            stream,
            dial: dial.clone(),
            config: self.config(to.expected_bytes),
            memory: Rc::clone(&to.memory),
            inflating,
            pulse: watched.then(|| Box::new(Pulse::new(self.ping, self.dead_after, received))),
            told_out: request_bytes,
        });
        WebSocketSession::new(open, handshake, untold)
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
            let offer = Offer { protocols: &self.subprotocols, deflate: self.deflate };
            let mut upgraded = upgrade(dial, to, offer).await?;
            if !to.send.is_empty() {
                to.memory.borrow_mut().asked = Some(dial.clock().now());
            }
            self.send_first(&mut upgraded.stream, &to.send).await?;
            Ok(Box::new(self.session(dial, to, upgraded)) as Box<dyn Session>)
        })
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
