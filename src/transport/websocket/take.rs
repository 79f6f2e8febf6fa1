//! What comes in: bytes to messages, messages to units.

use super::deflate::Inflating;
use super::feed::Feed;
use super::frame;
use super::open::Open;
use crate::model::{Failure, Traffic};
use crate::net::io_failure;
use crate::transport::tap::{Mark, Taken};
use crate::transport::{Closing, Sink, Unit, UnitKind};
use std::io;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, error::ProtocolError};

/// Frames of one message: far more than any server makes of one, and few enough that fragments without
/// payload, which no limit on the message ends, end soon.
pub(super) const MOST_FRAMES: u32 = 65_536;

/// The code that stands for a close frame without one (RFC 6455, section 7.1.5).
const NO_CODE: u16 = 1005;

impl Open {
    /// Hands over every message that is whole with these bytes; how the peer ends the session, if one
    /// of them is that.
    pub(super) fn take(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<Option<Closing>, Failure> {
        // Taken out, so that it and the rest of the session can be used side by side.
        let taken = match self.inflating.take() {
            None => self.take_plain(bytes, sink),
            Some(mut inflating) => {
                let taken = self.take_extended(&mut inflating, bytes, sink);
                self.inflating = Some(inflating);
                taken
            }
        };
        self.tell_framing(sink);
        if taken == Ok(None) && self.walker.frames() > MOST_FRAMES {
            return Err(Failure::MessageTooLarge);
        }
        taken
    }

    /// Tells of the frames of a message that is not whole yet, and may never be.
    fn tell_framing(&mut self, sink: &mut dyn Sink) {
        let framing = self.walker.take_framing();
        if framing > 0 {
            self.deliver(UnitKind::Control, &[], Taken { framing, payload: 0 }, sink);
        }
    }

    /// Without an extension: the frame library sees everything, one message after the other.
    fn take_plain(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<Option<Closing>, Failure> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (used, taken) = self.walker.to_end(rest);
            let (piece, left) = rest.split_at(used);
            rest = left;
            if let Some(closing) = self.feed(piece, taken, sink)? {
                return Ok(Some(closing));
            }
        }
        Ok(None)
    }

    /// With compression agreed on: the frame library sees all frames but those of compressed messages.
    fn take_extended(
        &mut self,
        inflating: &mut Inflating,
        bytes: &[u8],
        sink: &mut dyn Sink,
    ) -> Result<Option<Closing>, Failure> {
        let mut rest = bytes;
        loop {
            let (used, mark) = self.walker.advance(rest);
            let (piece, left) = rest.split_at(used);
            rest = left;
            let ended = match mark {
                Mark::Gathering => return Ok(None),
                Mark::Head => {
                    let begun = inflating.begin(self.walker.head(), self.walker.payload_len());
                    begun.inspect_err(|failure| self.explain_order(*failure))?;
                    if inflating.is_compressed() { None } else { self.feed_head(sink)? }
                }
                Mark::Part | Mark::FrameEnd | Mark::End(_) if !inflating.is_compressed() => {
                    self.feed(piece, ended(mark), sink)?
                }
                Mark::End(taken) => {
                    self.inflate(inflating, piece, taken, sink)?;
                    None
                }
                Mark::Part | Mark::FrameEnd => {
                    inflating.gather(piece);
                    None
                }
            };
            if ended.is_some() || mark == Mark::Part {
                return Ok(ended);
            }
        }
    }

    /// Hands over a compressed message that ends with this piece.
    fn inflate(
        &mut self,
        inflating: &mut Inflating,
        piece: &[u8],
        taken: Taken,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        let shared = inflating.shared();
        let mut shared = shared.borrow_mut();
        let body = inflating.finish(piece, &mut shared)?;
        self.deliver(UnitKind::Data, body, taken, sink);
        Ok(())
    }

    /// Puts into words what compression forbids.
    fn explain_order(&self, failure: Failure) {
        if failure == Failure::BadFrame {
            self.say(
                "frames of a compressed message that are masked or out of order (RFC 7692, 6)".to_owned(),
            );
        }
    }

    /// Gives the frame library the header of a frame; one without payload ends with it.
    fn feed_head(&mut self, sink: &mut dyn Sink) -> Result<Option<Closing>, Failure> {
        let mut head = [0; frame::MOST_FRAMING];
        let bytes = self.walker.head();
        let n = bytes.len();
        head[..n].copy_from_slice(bytes);
        let taken = match self.walker.payload_len() {
            0 => ended(self.walker.advance(&[]).1),
            _ => None,
        };
        self.feed(&head[..n], taken, sink)
    }

    /// Gives the frame library this piece, in which at most one message or control frame ends.
    fn feed(
        &mut self,
        piece: &[u8],
        taken: Option<Taken>,
        sink: &mut dyn Sink,
    ) -> Result<Option<Closing>, Failure> {
        let mut feed = Feed { unread: piece, out: &mut self.out };
        match (self.context.read(&mut feed), taken) {
            (Err(Error::Io(e)), None) if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
            (Ok(message), Some(taken)) => self.hand_over(&message, taken, sink),
            (Err(error), _) => Err(self.named(&error)),
            (Ok(_), None) => Err(Failure::BadFrame),
        }
    }

    /// Hands over one message of the frame library; its end, if it is a close frame.
    fn hand_over(
        &mut self,
        message: &Message,
        taken: Taken,
        sink: &mut dyn Sink,
    ) -> Result<Option<Closing>, Failure> {
        let (kind, body): (_, &[u8]) = match message {
            Message::Text(text) => (UnitKind::Data, text.as_bytes()),
            Message::Binary(bytes) => (UnitKind::Data, bytes),
            _ => (UnitKind::Control, &[]),
        };
        self.deliver(kind, body, taken, sink);
        if kind == UnitKind::Data {
            return Ok(None);
        }
        // It hands out its pong, or its half of the close; that the state is final then is no error.
        let _ = self.context.flush(&mut Feed { unread: &[], out: &mut self.out });
        match message {
            Message::Pong(payload) => self.pong(payload, sink),
            Message::Close(frame) => return self.closing(frame.as_ref()).map(Some),
            _ => {}
        }
        Ok(None)
    }

    /// How the peer's close frame says it ends. The frame library puts a code of its own in place of
    /// one that must not be sent: that is not taken for the peer's word.
    fn closing(&self, frame: Option<&CloseFrame>) -> Result<Closing, Failure> {
        let code = frame.map_or(NO_CODE, |f| f.code.into());
        let reason = frame.map_or_else(String::new, |f| f.reason.to_string());
        match self.walker.close_code() {
            Some(sent) if sent != code => {
                self.say(format!(
                    "a close frame with the code {sent}, which must not be sent (RFC 6455, 7.4)"
                ));
                Err(Failure::BadFrame)
            }
            _ => Ok(Closing { code, reason, clean: false }),
        }
    }

    /// The frame library's errors as failures; what breaks the protocol is put into words.
    fn named(&self, error: &Error) -> Failure {
        let failure = failure_of(error);
        if matches!(failure, Failure::BadFrame | Failure::BadUtf8) {
            self.say(error.to_string());
        }
        failure
    }

    fn pong(&mut self, payload: &[u8], sink: &mut dyn Sink) {
        let received = self.stream.last_read_at();
        if let Some(took) = self.pulse.as_mut().and_then(|pulse| pulse.pong(payload, received)) {
            sink.pong(took);
        }
    }

    /// Hands over one unit with exactly the bytes it took; what we wrote since the last one goes
    /// with it as framing. Compression that made a message larger is framing too.
    fn deliver(&mut self, kind: UnitKind, body: &[u8], taken: Taken, sink: &mut dyn Sink) {
        let wire_out = self.stream.written_bytes() - self.told_out;
        let payload = body.len() as u64;
        let saved = payload.saturating_sub(taken.payload);
        let grown = taken.payload.saturating_sub(payload);
        self.told_out += wire_out;
        self.told_payload += payload;
        self.told_saved += saved;
        self.told_units += 1;
        let framing = taken.framing + grown + wire_out;
        let traffic =
            Traffic { payload, framing, saved, wire_in: taken.total(), wire_out, ..Traffic::default() };
        let traffic = traffic + self.stream.take_tls();
        sink.unit(&Unit { kind, received: self.stream.last_read_at(), body, traffic });
    }
}

fn ended(mark: Mark) -> Option<Taken> {
    match mark {
        Mark::End(taken) => Some(taken),
        _ => None,
    }
}

/// The frame library's errors as failures.
fn failure_of(error: &Error) -> Failure {
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
