//! `poll` and `long_poll`: ask, be answered, ask again. They differ only in their rhythm, which is
//! the client's business; the exchange is the same.

use super::cookies;
use super::cursor::Cursor;
use super::exchange::{Answered, Asker, Exchange};
use super::http1::Head;
use super::request::PullRequest;
use super::words;
use super::{Carrier, Event, LocalBoxFuture, Rhythm, Session, Sink, Unit, UnitKind, tell_connected};
use crate::model::{Failure, Traffic};
use crate::net::{Dialer, Endpoint, Memory, Stream};
use crate::scenario::{LongPollSpec, Method, PollSpec, PullSpec};
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// Asks for what is new; one kept-alive connection for each session, or one for each request.
pub struct Pull {
    rhythm: Rhythm,
    method: Method,
    keep_alive: bool,
    statuses: Rc<Statuses>,
    /// The cursor of a session that has asked nothing yet.
    cursor: Cursor,
}

struct Statuses {
    data: Vec<u16>,
    empty: Vec<u16>,
}

impl Pull {
    /// The carrier `poll`.
    pub fn poll(spec: &PollSpec) -> Pull {
        Pull::new(&spec.pull, Rhythm::Interval { every: spec.every, fixed_rate: spec.fixed_rate })
    }

    /// The carrier `long_poll`.
    pub fn long_poll(spec: &LongPollSpec) -> Pull {
        Pull::new(&spec.pull, Rhythm::Held { settle: spec.settle })
    }

    fn new(spec: &PullSpec, rhythm: Rhythm) -> Pull {
        let statuses = Rc::new(Statuses { data: spec.status.clone(), empty: spec.empty.clone() });
        let PullSpec { method, keep_alive, .. } = *spec;
        Pull { rhythm, method, keep_alive, statuses, cursor: Cursor::new(&spec.cursor) }
    }

    /// The header lines of a request: one that goes alone says that its connection ends with it.
    fn headers(&self, own: &str) -> String {
        if self.keep_alive {
            return own.to_owned();
        }
        let other = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
        let rest: String = own.split_inclusive("\r\n").filter(other).collect();
        format!("Connection: close\r\n{rest}")
    }
}

impl Carrier for Pull {
    fn rhythm(&self) -> Rhythm {
        self.rhythm
    }

    fn open<'a>(
        &'a self,
        dial: &'a Dialer,
        to: &'a Endpoint,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Session>, Failure>> {
        Box::pin(async move {
            let place = to.place();
            let stream = dial.connect(&place).await?;
            let mut cursor = self.cursor.clone();
            cursor.restore(&to.memory.borrow().cursor);
            let session = PullSession {
                request: PullRequest::new(self.method, to, &self.headers(&to.headers)),
                exchange: Exchange::new(dial.clone(), place, Some(stream)).kept(self.keep_alive),
                cursor,
                statuses: Rc::clone(&self.statuses),
                memory: Rc::clone(&to.memory),
            };
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }
}

struct PullSession {
    exchange: Exchange,
    request: PullRequest,
    cursor: Cursor,
    statuses: Rc<Statuses>,
    /// For its cookies, its cursor, and what was wrong.
    memory: Rc<RefCell<Memory>>,
}

impl Session for PullSession {
    fn request(&mut self) {
        // What was wrong with an earlier answer is not told of this one.
        self.memory.borrow_mut().detail = None;
        self.exchange.begin();
    }

    fn poll_event(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        let PullSession { exchange, request, cursor, statuses, memory } = self;
        let mut asking = Asking { request, cursor, statuses, memory, sink };
        let done = ready!(exchange.poll(cx, &mut asking));
        if let Err(failure) = done {
            words::told(memory, failure);
            self.cursor.discard();
        }
        Poll::Ready(done.map(|()| Event::Answered))
    }

    fn aim(&mut self, target: &str, body: &[u8]) {
        self.request.aim(target, body);
    }

    fn abort(&mut self) {
        self.exchange.abort();
        self.cursor.discard();
    }

    fn wire(&self) -> Traffic {
        self.exchange.wire()
    }
}

/// A session's parts and the sink, for the time of one poll.
struct Asking<'a> {
    request: &'a PullRequest,
    cursor: &'a mut Cursor,
    statuses: &'a Statuses,
    memory: &'a RefCell<Memory>,
    sink: &'a mut dyn Sink,
}

impl Asker for Asking<'_> {
    fn request<'r>(&'r mut self, scratch: &'r mut Vec<u8>) -> (&'r [u8], usize) {
        let head =
            self.request.render(self.cursor, &cookies::line(self.request.path(), self.memory), scratch);
        (scratch, head)
    }

    fn connected(&mut self, stream: &Stream) {
        let mut memory = self.memory.borrow_mut();
        memory.dialled = memory.dialled.saturating_sub(1);
        drop(memory);
        tell_connected(stream, self.sink);
    }

    fn head(&mut self, head: &Head<'_>) {
        self.sink.head(head);
        cookies::keep(head, self.request.path(), self.memory);
        if self.statuses.expects(head.status()) {
            self.cursor.read_head(head);
        } else {
            words::refused("the poll", head, &mut self.memory.borrow_mut());
        }
    }

    fn answered(&mut self, answer: &Answered, body: &[u8]) {
        let kind = self.statuses.judge(answer.status, body);
        if kind == UnitKind::Data {
            self.cursor.read_body(body);
        }
        self.cursor.commit();
        self.cursor.keep(&mut self.memory.borrow_mut().cursor);
        self.sink.unit(&Unit { kind, received: answer.received, body, traffic: answer.traffic });
    }
}

impl Statuses {
    fn expects(&self, status: u16) -> bool {
        self.data.contains(&status) || self.empty.contains(&status)
    }

    fn judge(&self, status: u16, body: &[u8]) -> UnitKind {
        if self.data.contains(&status) && !body.is_empty() {
            UnitKind::Data
        } else if self.expects(status) {
            UnitKind::Empty
        } else {
            UnitKind::Refused(unexpected(status))
        }
    }
}

/// The failure that a status stands for which nobody expects. An unexpected 304 sends nobody
/// elsewhere.
pub fn unexpected(status: u16) -> Failure {
    match status {
        304 => Failure::StatusUnexpected,
        300..400 => Failure::Redirect,
        400..500 => Failure::Status4xx,
        500..600 => Failure::Status5xx,
        _ => Failure::StatusUnexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_judged_by_the_lists_first() {
        let statuses = Statuses { data: vec![200, 410], empty: vec![204, 304, 408] };
        assert_eq!(statuses.judge(200, b"x"), UnitKind::Data);
        assert_eq!(statuses.judge(200, b""), UnitKind::Empty);
        assert_eq!(statuses.judge(410, b"x"), UnitKind::Data);
        assert_eq!(statuses.judge(408, b"late"), UnitKind::Empty);
        for (status, failure) in [
            (301, Failure::Redirect),
            (404, Failure::Status4xx),
            (503, Failure::Status5xx),
            (201, Failure::StatusUnexpected),
            (101, Failure::StatusUnexpected),
            (999, Failure::StatusUnexpected),
        ] {
            assert_eq!(statuses.judge(status, b""), UnitKind::Refused(failure), "{status}");
        }
        assert_eq!(unexpected(304), Failure::StatusUnexpected);
    }
}
