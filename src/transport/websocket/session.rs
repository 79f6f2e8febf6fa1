//! The session: what the client sees of an open WebSocket, and of one that has ended.

use super::open::Open;
use crate::model::{Failure, Nanos, Traffic};
use crate::transport::{Closing, Event, Session, Sink, Unit, UnitKind};
use std::task::{Context, Poll};

/// The code of an end without a close frame (RFC 6455, section 7.1.5).
const LOST: u16 = 1006;

pub(super) struct WebSocketSession {
    /// None once the session is over.
    open: Option<Box<Open>>,
    /// The handshake's bytes while the session is open, all bytes when it is over.
    done: Traffic,
    /// What the first poll hands over.
    untold: Option<Box<Untold>>,
    /// How it ended.
    closing: Option<Box<Closing>>,
}

/// What was known before anybody could be told.
pub(super) struct Untold {
    pub(super) opened: (Nanos, Nanos),
    pub(super) received: Nanos,
    /// Bytes of frames that came in the same read as the end of the handshake.
    pub(super) part: Vec<u8>,
}

impl WebSocketSession {
    pub(super) fn new(open: Open, handshake: Traffic, untold: Untold) -> WebSocketSession {
        let (open, untold) = (Some(Box::new(open)), Some(Box::new(untold)));
        WebSocketSession { open, done: handshake, untold, closing: None }
    }

    fn advance(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        let Some(open) = &mut self.open else { return Poll::Ready(Err(Failure::ClosedEarly)) };
        let Some(untold) = self.untold.take() else { return open.poll_messages(cx, sink) };
        sink.connected(untold.opened.0, untold.opened.1);
        let (kind, received) = (UnitKind::Control, untold.received);
        sink.unit(&Unit { kind, received, body: &[], traffic: self.done });
        let event = open.take_and_answer(&untold.part, cx, sink)?;
        Poll::Ready(Ok(event.unwrap_or(Event::Received)))
    }

    /// A connection that is lost while we leave is an end, though not a clean one: it is what was
    /// wanted, and no failure.
    fn left(&self, done: Result<Event, Failure>) -> Result<Event, Failure> {
        match done {
            Err(Failure::ClosedEarly | Failure::Reset) if self.is_closing() => {
                Ok(Event::Closed(Box::new(lost())))
            }
            other => other,
        }
    }

    fn over(&mut self, how: Closing) {
        self.done = self.wire();
        (self.open, self.untold) = (None, None);
        self.closing.get_or_insert_with(|| Box::new(how));
    }
}

fn lost() -> Closing {
    Closing { code: LOST, reason: String::new(), clean: false }
}

impl Session for WebSocketSession {
    fn request(&mut self) {}

    fn poll_event(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        let Poll::Ready(done) = self.advance(cx, sink) else { return Poll::Pending };
        let done = self.left(done);
        match &done {
            Ok(Event::Received) => {}
            Ok(Event::Closed(how)) => self.over(Closing::clone(how)),
            _ => self.over(lost()),
        }
        Poll::Ready(done)
    }

    fn abort(&mut self) {
        if self.open.is_some() {
            self.over(lost());
        }
    }

    fn send(&mut self, body: &[u8], binary: bool) -> Result<(), Failure> {
        match &mut self.open {
            Some(open) => open.queue(body, binary),
            None => Err(Failure::CannotSend),
        }
    }

    fn unsent(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.unsent())
    }

    fn leave(&mut self) -> bool {
        let Some(open) = &mut self.open else { return false };
        open.leave();
        true
    }

    fn is_closing(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.is_leaving())
    }

    fn closing(&self) -> Option<&Closing> {
        self.closing.as_deref()
    }

    fn next_deadline(&self) -> Option<Nanos> {
        self.open.as_ref().and_then(|open| open.next_deadline())
    }

    fn wire(&self) -> Traffic {
        self.open.as_ref().map_or(self.done, |open| self.done + open.wire_since(self.done))
    }
}
