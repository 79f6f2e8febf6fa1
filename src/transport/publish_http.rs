//! The publisher's side of HTTP: one kept-alive connection that posts one message at a time.
//!
//! Paces nothing and judges no status. A message costs no allocation once the connection has seen
//! one of its size.

use super::exchange::{Answered, Asker, Exchange};
use super::http1::Head;
use super::publish_values::ReceiversReader;
use super::request::PostHead;
use crate::clock::Clock;
use crate::model::{Failure, Nanos, Traffic};
use crate::net::Dialer;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// A target's answer to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// When the kernel had taken the last byte of the request.
    pub sent: Nanos,
    /// When the read that completed the answer returned.
    pub received: Nanos,
    /// The bytes of request and answer: the message is `payload`; both heads are `headers`; the
    /// answer's body, if any, is `framing`.
    pub traffic: Traffic,
    /// The kept-alive connection was found closed as the message was sent, and it was sent a second
    /// time, over a new one.
    pub retried: bool,
    /// How many received it, as the answer tells, where a reader was given.
    pub receivers: Option<u32>,
    /// When the connect of a new connection began and when it was done, if one was made for this.
    pub connected: Option<(Nanos, Nanos)>,
}

/// One publishing connection. Connects at its first message, or beforehand by
/// [`PostConnection::open`].
pub struct PostConnection {
    exchange: Exchange,
    post: Post,
    retried: bool,
}

struct Post {
    clock: Clock,
    bytes: Vec<u8>,
    head_bytes: usize,
    sent: Nanos,
    connected: Option<(Nanos, Nanos)>,
    answer: Option<Answered>,
    reader: Option<Rc<ReceiversReader>>,
    receivers: Option<u32>,
}

impl PostConnection {
    /// A connection to be made when it is needed.
    pub fn new(dial: &Dialer, to: SocketAddr) -> PostConnection {
        PostConnection::with(dial, Exchange::new(dial.clone(), to, None))
    }

    /// Connects at once. Cancel-safe.
    ///
    /// # Errors
    /// As [`Dialer::connect`].
    pub async fn open(dial: &Dialer, to: SocketAddr) -> Result<PostConnection, Failure> {
        let stream = dial.connect(to).await?;
        Ok(PostConnection::with(dial, Exchange::new(dial.clone(), to, Some(stream))))
    }

    fn with(dial: &Dialer, exchange: Exchange) -> PostConnection {
        let post = Post {
            clock: dial.clock(),
            bytes: Vec::new(),
            head_bytes: 0,
            sent: Nanos::ZERO,
            connected: None,
            answer: None,
            reader: None,
            receivers: None,
        };
        PostConnection { exchange, post, retried: false }
    }

    /// The same, but the answers tell how many received a message.
    #[must_use]
    pub fn reading(mut self, reader: Option<Rc<ReceiversReader>>) -> PostConnection {
        self.post.reader = reader;
        self
    }

    /// Begins to send one message; it goes out as [`PostConnection::poll_answer`] is polled.
    /// Must not be called while one is under way.
    pub fn begin(&mut self, head: &PostHead, body: &[u8]) {
        self.post.head_bytes = head.render(body, &mut self.post.bytes);
        (self.post.connected, self.post.answer, self.post.receivers) = (None, None, None);
        self.retried = false;
        self.exchange.begin();
    }

    /// Whether a message is under way.
    pub fn is_busy(&self) -> bool {
        self.exchange.is_busy()
    }

    /// Goes on until the answer is whole. Pending for ever when no message is under way.
    ///
    /// # Errors
    /// The connection failed and is closed; the next message connects again. The message may or may
    /// not have been published.
    pub fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Failure>> {
        loop {
            match ready!(self.exchange.poll(cx, &mut self.post)) {
                // Not a byte came back: the peer closed while it was idle. Once, on a connection of
                // its own, where it cannot happen again.
                Err(Failure::StaleConnection) if !self.retried => {
                    self.retried = true;
                    self.exchange.begin();
                }
                Err(failure) => return Poll::Ready(Err(failure)),
                Ok(()) => {
                    if let Some(answer) = self.post.answer.take() {
                        return Poll::Ready(Ok(self.told(&answer)));
                    }
                }
            }
        }
    }

    /// Gives up the message under way, if any, and resets the connection.
    pub fn abort(&mut self) {
        self.exchange.abort();
    }

    /// All bytes of this publisher so far, also of messages that failed.
    pub fn wire(&self) -> Traffic {
        self.exchange.wire()
    }

    fn told(&self, answer: &Answered) -> Answer {
        let message = (self.post.bytes.len() - self.post.head_bytes) as u64;
        let mut traffic = answer.traffic;
        traffic.framing += traffic.payload - message;
        traffic.payload = message;
        Answer {
            status: answer.status,
            sent: self.post.sent,
            received: answer.received,
            traffic,
            retried: self.retried,
            receivers: self.post.receivers,
            connected: self.post.connected,
        }
    }
}

impl Asker for Post {
    fn request<'r>(&'r mut self, _scratch: &'r mut Vec<u8>) -> (&'r [u8], usize) {
        (&self.bytes, self.head_bytes)
    }

    fn connected(&mut self, started: Nanos, finished: Nanos) {
        self.connected = Some((started, finished));
    }

    fn sent(&mut self) {
        self.sent = self.clock.now();
    }

    fn head(&mut self, head: &Head<'_>) {
        self.receivers = self.reader.as_ref().and_then(|r| r.in_head(head));
    }

    fn answered(&mut self, answer: &Answered, body: &[u8]) {
        if self.receivers.is_none() {
            self.receivers = self.reader.as_ref().and_then(|r| r.in_body(body));
        }
        self.answer = Some(*answer);
    }
}
