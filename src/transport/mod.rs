//! The carriers: ways to attach to a target and receive what it pushes.
//!
//! A carrier opens sockets only through the dialer and reports what happened. It measures no
//! latency, paces nothing, retries nothing and never sees a recorder: the client does that. To add
//! one: a file here and a row in [`CARRIERS`].

mod carriers;
mod cookies;
mod cursor;
pub mod dialect;
mod exchange;
mod handshake;
mod headers;
pub mod http1;
mod json_at;
mod publish_http;
mod publish_message;
mod publish_values;
mod pull;
mod request;
pub mod split;
mod stream;
pub mod tap;
pub mod websocket;
mod words;

pub use carriers::{CARRIERS, CarrierRow, carrier};
pub use headers::{RequestKind, block};
pub use publish_http::{Answer, PostConnection};
pub use publish_message::MessageMaker;
pub use publish_values::{ClockReader, OwnValues, ReceiversReader};
pub use pull::{Pull, unexpected};
pub use request::PostHead;
pub use stream::HttpStream;
pub use websocket::WebSocket;

pub use crate::model::Stage;

use crate::model::{Failure, Nanos, Traffic};
use crate::net::{self, Dialer, Endpoint};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future of one thread.
pub type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// One way to attach.
pub trait Carrier {
    /// Who speaks when.
    fn rhythm(&self) -> Rhythm;

    /// Attaches: connects and does the opening handshake, if there is one. A push session is then
    /// subscribed; a pull session is connected and waits for [`Session::request`].
    ///
    /// Has no timeout of its own: drop the future to give up (cancel-safe, closes the socket).
    fn open<'a>(
        &'a self,
        dial: &'a Dialer,
        to: &'a Endpoint,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Session>, Failure>>;
}

/// Who speaks when; the client paces accordingly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// The target sends whenever it has something.
    Push,
    /// The client asks at an interval and is answered at once.
    Interval {
        /// The period.
        every: Nanos,
        /// Whether the period runs from the schedule (fixed rate) or from the last answer (fixed
        /// delay).
        fixed_rate: bool,
    },
    /// The client asks, the target holds the request until it has something, the client asks again.
    Held {
        /// How long after the first request was sent the client counts as subscribed although
        /// nothing was answered: the target never says that it holds the request.
        settle: Nanos,
    },
}

/// One attachment of one client. Poll-based, so that a received message costs no allocation.
pub trait Session {
    /// Pull sessions: begin the next request (its bytes go out as `poll_event` is polled); connects
    /// again first when the connection is gone. Push sessions: nothing.
    ///
    /// Must not be called while a request is under way.
    fn request(&mut self);

    /// Goes on until something has been handed to `sink`, the session has ended, or nothing more
    /// can be done now (`Pending`).
    ///
    /// All units of one read carry the same `received`: the instant that read returned.
    ///
    /// # Errors
    /// The connection failed and is closed. A push session is over then; a pull session may be
    /// asked again with [`Session::request`], which connects anew and keeps the cursor.
    fn poll_event(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>>;

    /// Gives up what is under way and closes the connection without ceremony (a reset, so that no
    /// TIME-WAIT is left behind). A pull session may be asked again.
    fn abort(&mut self);

    /// Whether it can receive what is published from now on. A session whose login goes on after it
    /// was opened says no until that is done; the client polls it meanwhile, and counts as subscribed
    /// only then.
    fn is_ready(&self) -> bool {
        true
    }

    /// Queues a message to the target; what the kernel takes goes out at once, the rest as
    /// `poll_event` is polled. A text has to be UTF-8.
    ///
    /// # Errors
    /// `CannotSend` when the transport has no way back, when the session is over or closing, or when
    /// 64 KiB wait already (the queue is bounded; a single larger message is taken); the memory of
    /// the endpoint tells which.
    fn send(&mut self, body: &[u8], binary: bool) -> Result<(), Failure> {
        let _ = (body, binary);
        Err(Failure::CannotSend)
    }

    /// Bytes that were queued by [`Session::send`] and that the kernel has not taken yet.
    fn unsent(&self) -> usize {
        0
    }

    /// Pull sessions: from the next request on, ask with this target (path and query) and body.
    fn aim(&mut self, target: &str, body: &[u8]) {
        let _ = (target, body);
    }

    /// Leaves in due form: a WebSocket sends its close frame and goes on to be polled until the peer
    /// has answered (`Event::Closed`); the others just end. Returns whether there is something to wait
    /// for.
    fn leave(&mut self) -> bool {
        self.abort();
        false
    }

    /// Whether it is leaving: from [`Session::leave`] on until its end, the state that browsers call
    /// `CLOSING`. A close that the peer begins is answered within one `poll_event`.
    fn is_closing(&self) -> bool {
        false
    }

    /// How a WebSocket ended, once it is over: also when the end was a failure, as a browser has it
    /// (code 1006 and not clean when no close frame came).
    fn closing(&self) -> Option<&Closing> {
        None
    }

    /// When `poll_event` wants to be polled although nothing came: a ping is due, or the peer counts
    /// as dead. Polled at or after that instant it fails or tells a later one.
    fn next_deadline(&self) -> Option<Nanos> {
        None
    }

    /// Bytes through this session's sockets so far, units that were never finished included.
    ///
    /// A session adds what TLS cost in one line each: [`net::Stream::take_tls`] to the traffic of a unit it
    /// hands over, [`net::Stream::tls_total`] here (or [`net::Stream::tls_rest`], when what units told is kept as
    /// a sum), before the connection is dropped. All three are zero over plain TCP.
    fn wire(&self) -> Traffic;
}

/// What [`Session::poll_event`] came back with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A push session received and goes on; poll it again.
    Received,
    /// A pull session's request has been answered in full.
    Answered,
    /// A push session ended on purpose and is to be opened again at once: a response limit was
    /// reached, by the target or by us. No error.
    Ended,
    /// A push session ended with a WebSocket close frame, the peer's or the answer to ours.
    Closed(Box<Closing>),
}

/// How a WebSocket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The code; 1005: a close frame without one (RFC 6455, section 7.1.5).
    pub code: u16,
    /// The reason, at most 123 bytes.
    pub reason: String,
    /// What a browser calls `wasClean`: both close frames went over.
    pub clean: bool,
}

/// Where a session hands what it receives.
pub trait Sink {
    /// One unit has arrived in full.
    fn unit(&mut self, unit: &Unit<'_>);

    /// The head of the answer that the next units belong to.
    fn head(&mut self, head: &http1::Head<'_>) {
        let _ = head;
    }

    /// What a splitter tells of the next unit beside its bytes: event, headers of the part.
    fn part(&mut self, part: &split::Part<'_>) {
        let _ = part;
    }

    /// A stage of attaching took so long.
    fn stage(&mut self, stage: Stage, took: Nanos) {
        let _ = (stage, took);
    }

    /// The pong to a ping of ours came after so long.
    fn pong(&mut self, took: Nanos) {
        let _ = took;
    }

    /// A TCP connection was made (the first one, or another one after the last was lost); its stages
    /// follow.
    fn connected(&mut self, started: Nanos, finished: Nanos);
}

/// Tells of a connection, and of the stages that making it had.
fn tell_connected(stream: &net::Stream, sink: &mut dyn Sink) {
    let (started, finished) = stream.opened();
    sink.connected(started, finished);
    sink.stage(Stage::Tcp, finished - started);
    if let Some(took) = stream.tls_took() {
        sink.stage(Stage::Tls, took);
    }
}

/// One unit of a transport: an answer, a message, a control frame.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'a> {
    /// What it is.
    pub kind: UnitKind,
    /// When the read that completed it returned.
    pub received: Nanos,
    /// The bytes a user would see: an answer's body, a message's text. May hold no, one or several
    /// stamped messages.
    pub body: &'a [u8],
    /// The bytes that crossed the socket for it, both ways, balanced: `payload` is the body's length.
    /// The client moves what is no stamped message from `payload` to `framing`.
    ///
    /// A pull answer: its own request and answer. A WebSocket unit: its frames, and as framing what
    /// we wrote since the last unit (pongs, first texts); the first unit of a session is the
    /// handshake. A stream's first unit is both heads, each later one a part of the body with the chunk
    /// sizes in front of it. Over TLS each also has what the records cost that the socket carried since
    /// the last unit, the first one of a connection its TLS handshake. What never became a unit (a broken answer, a request nobody answered, half a
    /// message) is in [`Session::wire`] alone, so `wire` less all units is exactly that.
    pub traffic: Traffic,
}

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// It may hold messages.
    Data,
    /// A pull answer that says "nothing new": an expected `empty` status, never an error.
    Empty,
    /// Ping, pong, close: no message, counted as overhead.
    Control,
    /// A whole answer that is not what was asked for (a status 500, a redirect): the connection
    /// may go on, the request has failed.
    Refused(Failure),
}
