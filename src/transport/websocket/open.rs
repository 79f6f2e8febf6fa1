//! An open connection: when it is read and written, what waits, and how the peer is watched.

use super::deflate::Inflating;
use super::feed::Feed;
use super::frame;
use super::pulse::{Beat, Pulse};
use super::take::MOST_FRAMES;
use crate::model::{Failure, Nanos, Traffic};
use crate::net::{Dialer, Memory, Stream, io_failure};
use crate::transport::tap::FrameWalker;
use crate::transport::{Event, Sink};
use crate::transport::{Stage, tell_connected};
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

/// Most bytes that wait to be written, but for one message larger than that. A peer that takes
/// nothing is sent nothing more; while so much waits, nothing of it is read either, since its pings
/// would be answered.
const QUEUE_BYTES: usize = 64 * 1024;

/// Reads in a row after which others of the worker have their turn, however much there still is to be
/// read: a peer that never pauses is one of many.
const MOST_READS: u8 = 4;

/// An open session. Many are idle: what few need is boxed.
pub(super) struct Open {
    pub(super) stream: Stream,
    pub(super) context: WebSocketContext,
    pub(super) walker: FrameWalker,
    /// Messages, pongs and close frames not yet taken by the kernel.
    pub(super) out: Vec<u8>,
    /// Whose read buffer is used.
    dial: Dialer,
    memory: Rc<RefCell<Memory>>,
    /// When compression was agreed on.
    pub(super) inflating: Option<Box<Inflating>>,
    /// When the peer is watched.
    pub(super) pulse: Option<Box<Pulse>>,
    /// What units have told so far: bytes written, payload, bytes saved; and how many they were.
    pub(super) told_out: u64,
    pub(super) told_payload: u64,
    pub(super) told_saved: u64,
    pub(super) told_units: u64,
    /// Reads since there was nothing to read.
    reads: u8,
    /// Whether our close frame was sent.
    leaving: bool,
}

/// What an open session is made of.
pub(super) struct Parts {
    pub(super) stream: Stream,
    pub(super) dial: Dialer,
    pub(super) config: WebSocketConfig,
    pub(super) memory: Rc<RefCell<Memory>>,
    pub(super) inflating: Option<Box<Inflating>>,
    pub(super) pulse: Option<Box<Pulse>>,
    /// Bytes written that the handshake tells of.
    pub(super) told_out: u64,
}

impl Open {
    pub(super) fn new(parts: Parts) -> Open {
        let Parts { stream, dial, config, memory, inflating, pulse, told_out } = parts;
        Open {
            stream,
            context: WebSocketContext::new(Role::Client, Some(config)),
            walker: FrameWalker::default(),
            out: Vec::new(),
            dial,
            memory,
            inflating,
            pulse,
            told_out,
            told_payload: 0,
            told_saved: 0,
            told_units: 0,
            reads: 0,
            leaving: false,
        }
    }

    /// Hands over the messages of one read; of more than one only until a message is whole.
    pub(super) fn poll_messages(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut dyn Sink,
    ) -> Poll<Result<Event, Failure>> {
        let before = self.told_units;
        let buffer = self.dial.read_buffer();
        let mut buffer = buffer.borrow_mut();
        while self.told_units == before {
            if let Poll::Ready(Err(failure)) = self.poll_send(cx) {
                return Poll::Ready(Err(failure));
            }
            if self.reads == MOST_READS {
                self.reads = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let Poll::Ready(read) = self.poll_read(cx, &mut buffer) else {
                self.reads = 0;
                return self.watch(cx);
            };
            let read = read?;
            self.reads += 1;
            if let Some(event) = self.take_and_answer(&buffer[..read], cx, sink)? {
                return Poll::Ready(Ok(event));
            }
        }
        Poll::Ready(Ok(Event::Received))
    }

    /// Hands over every message that is whole with these bytes, and writes what they call for. The
    /// end of the session, if one of them is that: a clean one when our half of it went out.
    pub(super) fn take_and_answer(
        &mut self,
        bytes: &[u8],
        cx: &mut Context<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Option<Event>, Failure> {
        let taken = self.take(bytes, sink);
        if let Err(failure) = taken {
            self.explain(failure);
        }
        let event = taken?;
        match (event, self.poll_send(cx)) {
            (Some(mut closing), sent) => {
                closing.clean = sent == Poll::Ready(Ok(()));
                Ok(Some(Event::Closed(Box::new(closing))))
            }
            (None, Poll::Ready(Err(failure))) => Err(failure),
            (None, _) => Ok(None),
        }
    }

    /// Queues a message, and writes at once what the kernel takes.
    pub(super) fn queue(&mut self, body: &[u8], binary: bool) -> Result<(), Failure> {
        let full = !self.out.is_empty() && self.out.len() + body.len() > QUEUE_BYTES;
        let why = match () {
            () if self.leaving => "the session is closing".to_owned(),
            () if full => format!("{} bytes wait to be written: the queue is full", self.out.len()),
            () if !binary && std::str::from_utf8(body).is_err() => "a text that is not UTF-8".to_owned(),
            () => {
                frame::write(frame::data(binary), body, &mut self.out);
                self.send_now();
                return Ok(());
            }
        };
        self.memory.borrow_mut().tell(why);
        Err(Failure::CannotSend)
    }

    /// Sends our close frame, once.
    pub(super) fn leave(&mut self) {
        if std::mem::replace(&mut self.leaving, true) {
            return;
        }
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let mut feed = Feed { unread: &[], out: &mut self.out };
        // It only fills `out`; were the session over, there would be nothing to say.
        let _ = self.context.close(&mut feed, Some(frame));
        self.send_now();
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// When to be polled although nothing came.
    pub(super) fn next_deadline(&self) -> Option<Nanos> {
        let pulse = self.pulse.as_ref().filter(|_| !self.leaving)?;
        Some(pulse.deadline(self.stream.last_read_at()))
    }

    /// Tells of the connection and the stages that making it had; what TLS cost so far.
    pub(super) fn tell(&mut self, upgraded: Nanos, sink: &mut dyn Sink) -> Traffic {
        tell_connected(&self.stream, sink);
        sink.stage(Stage::Upgrade, upgraded - self.stream.usable_at());
        self.stream.take_tls()
    }

    /// What crossed the socket since the handshake; what no unit told of is framing.
    pub(super) fn wire_since(&self, handshake: Traffic) -> Traffic {
        let wire_in = self.stream.read_bytes() - handshake.wire_in;
        let wire_out = self.stream.written_bytes() - handshake.wire_out;
        let (payload, saved) = (self.told_payload, self.told_saved);
        let framing = wire_in + wire_out + saved - payload;
        Traffic { payload, framing, saved, wire_in, wire_out, ..Traffic::default() } + self.stream.tls_total()
    }

    /// All that has come was read: looks after the peer's pulse.
    fn watch(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Failure>> {
        let Some(pulse) = self.pulse.as_mut().filter(|_| !self.leaving) else { return Poll::Pending };
        match pulse.beat(self.dial.clock().now(), self.stream.last_read_at()) {
            Beat::Rest => Poll::Pending,
            Beat::Ping(payload) => {
                frame::write(frame::PING, &payload, &mut self.out);
                ready!(self.poll_send(cx))?;
                Poll::Pending
            }
            Beat::Dead(why) => {
                self.memory.borrow_mut().tell(why);
                Poll::Ready(Err(Failure::DeadPeer))
            }
        }
    }

    /// Reads what there is: at least a byte.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, Failure>> {
        if self.out.len() > QUEUE_BYTES {
            return Poll::Pending;
        }
        let mut into = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut into)).map_err(|e| io_failure(&e))?;
        match into.filled().len() {
            0 => Poll::Ready(Err(Failure::ClosedEarly)),
            read => Poll::Ready(Ok(read)),
        }
    }

    /// Writes what is to be written, as far as the kernel takes it.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        if self.out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut sent = 0;
        let done = loop {
            match Pin::new(&mut self.stream).poll_write(cx, &self.out[sent..]) {
                Poll::Ready(Ok(n)) => sent += n,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(io_failure(&error))),
                Poll::Pending => break Poll::Pending,
            }
            if sent == self.out.len() {
                // Given back: an idle session holds nothing.
                self.out = Vec::new();
                return Poll::Ready(Ok(()));
            }
        };
        self.out.drain(..sent);
        done
    }

    /// Bytes that the kernel has not taken yet.
    pub(super) fn unsent(&self) -> usize {
        self.out.len()
    }

    /// The same outside of a poll: who queued it polls the session next, which waits for the kernel
    /// and hears of what failed.
    fn send_now(&mut self) {
        let _ = self.poll_send(&mut Context::from_waker(Waker::noop()));
    }

    /// Puts into words which limit a failure was about.
    fn explain(&self, failure: Failure) {
        let limit = self.context.get_config().max_message_size.unwrap_or_default();
        self.say(match failure {
            Failure::MessageTooLarge if self.walker.frames() > MOST_FRAMES => {
                format!("a message in more than {MOST_FRAMES} frames")
            }
            Failure::MessageTooLarge => format!("a message above max_message = {limit} B"),
            Failure::BadDeflate => "a compressed message that does not inflate (RFC 7692)".to_owned(),
            _ => return,
        });
    }

    pub(super) fn say(&self, why: String) {
        self.memory.borrow_mut().tell(why);
    }
}
