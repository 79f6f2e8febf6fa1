//! One endless answer, from its head to its end.

use super::super::cursor::Cursor;
use super::super::http1::{Counts, Decoder, Step};
use super::super::split::{Part, PartKind, Splitter, Then};
use super::super::words;
use super::super::{Event, Session, Sink, Stage, Unit, UnitKind, tell_connected};
use super::Caps;
use super::ask::Asked;
use crate::model::{Failure, Nanos, Traffic};
use crate::net::{self, Dialer, Endpoint, Memory, io_failure};
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

pub(super) struct StreamSession {
    /// None once the session is over.
    open: Option<Box<Open>>,
    /// All bytes when it is over.
    done: Traffic,
}

/// An open session.
struct Open {
    stream: net::Stream,
    dial: Dialer,
    decoder: Decoder,
    splitter: Splitter,
    book: Book,
    caps: Caps,
    /// When the cap on the duration is reached.
    deadline: Option<Nanos>,
    /// What the connection had read and written before this session.
    before: (u64, u64),
    head_out: u64,
    /// What the first poll hands over.
    untold: Option<Untold>,
}

/// What is kept of the parts handed over.
struct Book {
    cursor: Cursor,
    memory: Rc<RefCell<Memory>>,
    /// The HTTP layer's bytes that units have told of.
    told: Counts,
    /// Payload of all units.
    payload: u64,
    /// Parts handed over, and those of data.
    parts: u64,
    events: u64,
    /// What TLS cost and no unit has told of yet; what units have told of.
    tls: Traffic,
    told_tls: Traffic,
}

struct Untold {
    /// Whether the connection is new.
    fresh: bool,
    asked: Nanos,
    received: Nanos,
    part: Vec<u8>,
}

impl StreamSession {
    pub(super) fn new(asked: Asked, caps: Caps, dial: &Dialer, to: &Endpoint) -> StreamSession {
        let Asked { stream, decoder, splitter, cursor, before, head_out, asked, part, reused } = asked;
        let received = stream.last_read_at();
        let memory = Rc::clone(&to.memory);
        let open = Open {
            stream,
            dial: dial.clone(),
            decoder,
            splitter,
            book: Book {
                cursor,
                memory,
                told: Counts::default(),
                payload: 0,
                parts: 0,
                events: 0,
                tls: Traffic::default(),
                told_tls: Traffic::default(),
            },
            caps,
            deadline: caps.duration.map(|d| received + d),
            before,
            head_out,
            untold: Some(Untold { fresh: !reused, asked, received, part }),
        };
        StreamSession { open: Some(Box::new(open)), done: Traffic::default() }
    }

    /// The answer has ended in due form; its connection may serve another session.
    fn ended(&mut self, again: bool) -> Event {
        self.done = self.wire();
        if let Some(open) = self.open.take()
            && again
        {
            let Open { stream, book, .. } = *open;
            book.memory.borrow_mut().kept.put(stream);
        }
        Event::Ended
    }
}

impl Session for StreamSession {
    fn request(&mut self) {}

    fn poll_event(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        let Some(open) = &mut self.open else { return Poll::Ready(Err(Failure::ClosedEarly)) };
        match ready!(open.poll_parts(cx, sink)) {
            Ok(Went::On) => Poll::Ready(Ok(Event::Received)),
            Ok(Went::Ended { again }) => Poll::Ready(Ok(self.ended(again))),
            Err(failure) => {
                self.abort();
                Poll::Ready(Err(failure))
            }
        }
    }

    fn abort(&mut self) {
        self.done = self.wire();
        self.open = None;
    }

    fn next_deadline(&self) -> Option<Nanos> {
        self.open.as_ref().and_then(|open| open.deadline)
    }

    fn wire(&self) -> Traffic {
        self.open.as_ref().map_or(self.done, |open| self.done + open.traffic())
    }
}

/// What a call came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Went {
    On,
    /// The answer has ended, or a cap of ours is reached.
    Ended {
        /// Whether its connection can be used again.
        again: bool,
    },
}

impl Open {
    fn poll_parts(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Went, Failure>> {
        if let Some(untold) = self.untold.take() {
            return Poll::Ready(self.begin(&untold, sink));
        }
        let buffer = self.dial.read_buffer();
        let mut buffer = buffer.borrow_mut();
        loop {
            if self.deadline.is_some_and(|due| self.dial.clock().now() >= due) {
                return Poll::Ready(Ok(Went::Ended { again: false }));
            }
            let mut into = ReadBuf::new(&mut buffer);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut into)).map_err(|e| io_failure(&e))?;
            let before = self.book.parts;
            let went =
                if into.filled().is_empty() { self.closed(sink)? } else { self.take(into.filled(), sink)? };
            if went != Went::On || self.book.parts > before {
                return Poll::Ready(Ok(went));
            }
        }
    }

    /// Tells of the connection and of both heads, and of what came with the end of the latter.
    fn begin(&mut self, untold: &Untold, sink: &mut dyn Sink) -> Result<Went, Failure> {
        if untold.fresh {
            tell_connected(&self.stream, sink);
        }
        sink.stage(Stage::Upgrade, untold.received - untold.asked);
        let (head_in, wire_out) = (self.decoder.counts().headers, self.written());
        let tls = self.stream.take_tls();
        self.book.told_tls += tls;
        let traffic = Traffic {
            headers: self.head_out + head_in,
            // The body of a POST carries no message.
            framing: wire_out - self.head_out,
            wire_in: head_in,
            wire_out,
            ..Traffic::default()
        } + tls;
        self.book.told.headers = head_in;
        let (kind, received) = (UnitKind::Control, untold.received);
        sink.unit(&Unit { kind, received, body: &[], traffic });
        self.take(&untold.part, sink)
    }

    /// Takes what one read gave. A piece of the body waits for what comes behind it, so that a unit
    /// which its chunk ends is handed on where it lies.
    fn take(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<Went, Failure> {
        let (mut rest, mut held): (&[u8], &[u8]) = (bytes, &[]);
        loop {
            let next = self.decoder.next(rest);
            let (n, step) = next.map_err(|failure| words::told(&self.book.memory, failure))?;
            rest = &rest[n..];
            let (then, next): (_, &[u8]) = match step {
                Step::Body(piece) => (Then::More, piece),
                Step::ChunkEnd => (Then::ChunkEnd, &[]),
                Step::End => {
                    self.feed(held, Then::End, sink)?;
                    self.end(sink);
                    let again = rest.is_empty() && self.decoder.keep_alive();
                    return Ok(Went::Ended { again });
                }
                Step::More | Step::Head(_) | Step::Interim => {
                    self.feed(held, Then::More, sink)?;
                    return Ok(self.capped());
                }
            };
            self.feed(held, then, sink)?;
            held = next;
        }
    }

    /// The peer closed: fine where that is how the body ends.
    fn closed(&mut self, sink: &mut dyn Sink) -> Result<Went, Failure> {
        self.decoder.close()?;
        self.feed(&[], Then::End, sink)?;
        self.end(sink);
        Ok(Went::Ended { again: false })
    }

    fn feed(&mut self, bytes: &[u8], then: Then, sink: &mut dyn Sink) -> Result<(), Failure> {
        let (counts, received) = (self.decoder.counts(), self.stream.last_read_at());
        let book = &mut self.book;
        book.tls += self.stream.take_tls();
        let fed = self.splitter.feed(bytes, then, &mut |part| book.hand_over(&part, counts, received, sink));
        fed.map_err(|fault| {
            self.book.memory.borrow_mut().tell(fault.detail);
            fault.failure
        })
    }

    /// The answer is whole: what ended it is told of, and what its head said of a cursor holds.
    fn end(&mut self, sink: &mut dyn Sink) {
        let (counts, received) = (self.decoder.counts(), self.stream.last_read_at());
        if counts.framing > self.book.told.framing || counts.headers > self.book.told.headers {
            self.book.hand_over(&Part { kind: PartKind::Prelude, ..Part::default() }, counts, received, sink);
        }
        self.book.cursor.commit();
        self.book.cursor.keep(&mut self.book.memory.borrow_mut().cursor);
    }

    /// Whether a cap of ours is reached. What came in the same read has been handed over all the
    /// same: it was received.
    fn capped(&self) -> Went {
        let events = self.caps.events.is_some_and(|most| self.book.events >= most);
        let bytes = self.caps.bytes.is_some_and(|most| self.decoder.counts().body >= most);
        if events || bytes { Went::Ended { again: false } } else { Went::On }
    }

    fn written(&self) -> u64 {
        self.stream.written_bytes() - self.before.1
    }

    /// All bytes of this session over its connection: what was no payload and no head is framing.
    fn traffic(&self) -> Traffic {
        let (wire_in, wire_out) = (self.stream.read_bytes() - self.before.0, self.written());
        let headers = self.decoder.counts().headers + self.head_out;
        let payload = self.book.payload;
        let framing = wire_in + wire_out - headers - payload;
        let tls = self.book.told_tls + self.book.tls + self.stream.tls_rest();
        Traffic { payload, framing, headers, wire_in, wire_out, ..Traffic::default() } + tls
    }
}

impl Book {
    /// Hands over one part, with the bytes of the HTTP layer in front of it.
    fn hand_over(&mut self, part: &Part<'_>, counts: Counts, received: Nanos, sink: &mut dyn Sink) {
        let payload = part.body.len() as u64;
        let framing = part.framing + counts.framing - self.told.framing;
        let headers = counts.headers - self.told.headers;
        self.told = counts;
        self.payload += payload;
        let wire_in = payload + framing + headers;
        let tls = std::mem::take(&mut self.tls);
        self.told_tls += tls;
        let traffic = Traffic { payload, framing, headers, wire_in, ..Traffic::default() } + tls;
        let kind = match part.kind {
            PartKind::Data => UnitKind::Data,
            PartKind::Heartbeat | PartKind::Prelude => UnitKind::Control,
        };
        self.parts += 1;
        self.events += u64::from(kind == UnitKind::Data);
        if let Some(pause) = part.retry {
            self.memory.borrow_mut().retry_after = Some(pause);
        }
        if self.cursor.read_part(part) {
            self.cursor.keep(&mut self.memory.borrow_mut().cursor);
        }
        if kind == UnitKind::Data {
            sink.part(part);
        }
        sink.unit(&Unit { kind, received, body: part.body, traffic });
    }
}
