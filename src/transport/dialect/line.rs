//! The dialect's own HTTP requests: steps before a session, and what is sent by `send_by`. One
//! kept-alive connection, one request at a time.

use super::Happening;
use super::compiled::Compiled;
use super::vars::Vars;
use crate::model::{Failure, Nanos, Traffic, percent};
use crate::net::{Dialer, Endpoint, Memory, Stream};
use crate::scenario::RequestSpec;
use crate::transport::cookies;
use crate::transport::exchange::{Answered, Asker, Exchange};
use crate::transport::http1::Head;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// A buffer for answers up to this size is kept for the next.
const KEPT_BYTES: usize = 64 * 1024;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// The step with this index.
    Step(usize),
    /// A text of the session.
    Send,
}

/// See the module.
pub(super) struct Line {
    exchange: Exchange,
    authority: Box<str>,
    memory: Rc<RefCell<Memory>>,
    under_way: Option<Job>,
    retried: bool,
    asking: Asking,
    /// Bytes of the exchange that were told when the session began.
    told: Traffic,
}

/// The request under way, and what has come of its answer.
struct Asking {
    request: Vec<u8>,
    head_bytes: usize,
    path: String,
    memory: Rc<RefCell<Memory>>,
    connects: Vec<(Nanos, Nanos)>,
    answer: Answer,
}

/// A whole answer.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) received: Nanos,
    pub(super) traffic: Traffic,
}

impl Asker for Asking {
    fn request<'r>(&'r mut self, _scratch: &'r mut Vec<u8>) -> (&'r [u8], usize) {
        (&self.request, self.head_bytes)
    }

    fn connected(&mut self, stream: &Stream) {
        self.connects.push((stream.opened().0, stream.usable_at()));
    }

    fn head(&mut self, head: &Head<'_>) {
        cookies::keep(head, &self.path, &self.memory);
        self.answer.head.clear();
        self.answer.head.extend_from_slice(head.raw_bytes());
    }

    fn answered(&mut self, answer: &Answered, body: &[u8]) {
        self.answer.status = answer.status;
        (self.answer.received, self.answer.traffic) = (answer.received, answer.traffic);
        if self.answer.body.capacity() > KEPT_BYTES {
            self.answer.body = Vec::new();
        }
        self.answer.body.clear();
        self.answer.body.extend_from_slice(body);
    }
}

impl Line {
    pub(super) fn new(dial: &Dialer, to: &Endpoint) -> Line {
        let memory = Rc::clone(&to.memory);
        Line {
            exchange: Exchange::new(dial.clone(), to.place(), None),
            authority: to.authority.as_str().into(),
            under_way: None,
            retried: false,
            told: Traffic::default(),
            asking: Asking {
                request: Vec::new(),
                head_bytes: 0,
                path: String::new(),
                memory: Rc::clone(&memory),
                connects: Vec::new(),
                answer: Answer::default(),
            },
            memory,
        }
    }

    /// Whether a request is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    /// Begins a request.
    ///
    /// # Errors
    /// In words: a template that cannot be worked out, or that would break the request.
    pub(super) fn begin(
        &mut self,
        job: Job,
        spec: &RequestSpec,
        vars: &mut Vars,
        compiled: &Compiled,
    ) -> Result<(), String> {
        self.render(spec, vars, compiled)?;
        if let Some(trace) = &compiled.trace {
            trace.tell(&Happening::Request { raw: &self.asking.request });
        }
        (self.under_way, self.retried) = (Some(job), false);
        self.exchange.begin();
        Ok(())
    }

    fn render(&mut self, spec: &RequestSpec, vars: &mut Vars, compiled: &Compiled) -> Result<(), String> {
        let names = compiled.names();
        self.asking.path = path(&vars.render(&spec.path, names)?);
        let body = vars.render(&spec.body, names)?;
        let mut own = String::new();
        for (name, value) in &spec.headers {
            own.push_str(&header(name, &vars.render(value, names)?)?);
        }
        let written = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default();
            !spec.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
        };
        let shared: String = compiled.headers.split_inclusive("\r\n").filter(written).collect();
        let length = match spec.method.as_str() {
            "GET" => String::new(),
            _ => format!("Content-Length: {}\r\n", body.len()),
        };
        let cookie = cookies::line(&self.asking.path, &self.memory);
        let head = format!(
            "{} {} HTTP/1.1\r\nHost: {}\r\n{shared}{cookie}{own}{length}\r\n",
            spec.method.as_str(),
            self.asking.path,
            self.authority
        );
        self.asking.head_bytes = head.len();
        self.asking.request = head.into_bytes();
        self.asking.request.extend_from_slice(&body);
        Ok(())
    }

    /// Goes on with the request; what it was for, when its answer is here.
    ///
    /// # Errors
    /// The connection failed. One that was closed while it was idle is dialled anew, once.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Job, Failure>> {
        loop {
            match ready!(self.exchange.poll(cx, &mut self.asking)) {
                Err(Failure::StaleConnection) if !self.retried => {
                    self.retried = true;
                    self.exchange.begin();
                }
                Err(failure) => {
                    self.under_way = None;
                    return Poll::Ready(Err(failure));
                }
                Ok(()) => {
                    let job = self.under_way.take().unwrap_or(Job::Send);
                    return Poll::Ready(Ok(job));
                }
            }
        }
    }

    /// The last answer.
    pub(super) fn answer(&self) -> &Answer {
        &self.asking.answer
    }

    /// The connections made since the last call: begun, and done.
    pub(super) fn take_connects(&mut self) -> Vec<(Nanos, Nanos)> {
        std::mem::take(&mut self.asking.connects)
    }

    /// Hands out the connection, if it may go on.
    pub(super) fn release(&mut self) -> Option<Stream> {
        self.exchange.release()
    }

    /// All bytes so far, told as a handshake by the caller: from here on only what is new counts.
    pub(super) fn settle(&mut self) -> Traffic {
        self.told = self.exchange.wire();
        let Traffic { wire_in, wire_out, .. } = self.told;
        Traffic { handshake: wire_in + wire_out, wire_in, wire_out, ..Traffic::default() }
    }

    /// Bytes since [`Line::settle`].
    pub(super) fn wire(&self) -> Traffic {
        self.exchange.wire().since(self.told)
    }

    pub(super) fn abort(&mut self) {
        self.under_way = None;
        self.exchange.abort();
    }
}

/// Path and query fit for a request line: what is not a visible ASCII character is percent-encoded.
pub(super) fn path(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_graphic() {
            out.push(byte);
        } else {
            percent(byte, &mut out);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A header line.
pub(super) fn header(name: &str, value: &[u8]) -> Result<String, String> {
    match std::str::from_utf8(value) {
        Ok(value) if !value.chars().any(|c| c.is_control() && c != '\t') => {
            Ok(format!("{name}: {value}\r\n"))
        }
        _ => Err(format!("header `{name}`: its value would break the request")),
    }
}
