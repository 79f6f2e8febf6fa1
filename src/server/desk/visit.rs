//! One connection at the desk: its requests, one after another, each bounded in bytes and time.

use super::{Clerk, Question, Reply, Room};
use crate::model::Nanos;
use crate::server::http::{Bad, Decoder, HEAD_LIMIT, Method, Request, Step};
use crate::server::input::Input;
use crate::server::port::Ended;
use crate::server::query;
use crate::server::reply::After;
use crate::server::tls::Tls;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes of one read.
const READ: usize = 4096;
/// Bytes of one request; over TLS as they come. A GET needs no more.
const MOST_BYTES: usize = HEAD_LIMIT + READ;
/// How long somebody has to show the token, handshake and all: strangers take the place of others.
const INTRODUCTION: Nanos = Nanos::from_millis(3_000);
/// How long a later request may take, or an answer may lie unread.
const PATIENCE: Nanos = Nanos::from_millis(10_000);
/// How long somebody who has shown the token may ask nothing. Longer than clients keep a connection
/// that they do not use (90 s in reqwest), so that none is closed under a question.
const IDLE: Nanos = Nanos::from_millis(120_000);
/// How long a visitor may take to read the last bytes.
const LINGER: Nanos = Nanos::from_millis(2_000);

/// One connection.
pub(super) struct Visit<C> {
    stream: TcpStream,
    tls: Option<Tls>,
    room: Rc<Room<C>>,
    input: Input,
    /// Until when the token is to be shown.
    introduction: Nanos,
    /// When the last read that brought something came back.
    received: Nanos,
    /// Whether the token was shown.
    known: bool,
}

impl<C: Clerk> Visit<C> {
    pub(super) fn new(stream: TcpStream, tls: Option<Tls>, room: Rc<Room<C>>) -> Visit<C> {
        let introduction = room.timer.clock().now() + INTRODUCTION;
        Visit {
            stream,
            tls,
            room,
            input: Input::default(),
            introduction,
            received: Nanos::ZERO,
            known: false,
        }
    }

    /// Until the visitor goes or is sent away. How it ended needs no telling.
    pub(super) async fn run(mut self) {
        let _ = self.talk().await;
        let room = Rc::clone(&self.room);
        let deadline = room.timer.clock().now() + LINGER;
        let _ = room.timer.until(deadline, self.wind_up()).await;
    }

    async fn talk(&mut self) -> Result<(), Ended> {
        self.shake().await?;
        let mut decoder = Decoder::default();
        loop {
            let request = match self.request(&mut decoder).await? {
                Ok(request) => request,
                Err(bad) => {
                    let body = matches!(bad, Bad::BodyTooLarge | Bad::Expectation);
                    let why = if body { "nothing here takes a body".to_owned() } else { bad.to_string() };
                    let reply = Reply::plain(bad.status(), "", &why);
                    return self.say(&reply, false, After::Close).await;
                }
            };
            let reply = self.reply(&request).await;
            // Who shows no token has no second guess over the same connection.
            let after = if self.known { request.after } else { After::Close };
            self.say(&reply, request.method == Method::Head, after).await?;
            if after == After::Close {
                return Ok(());
            }
        }
    }

    async fn reply(&mut self, request: &Request) -> Reply {
        if !self.room.token.admits(request.authorization.as_deref()) {
            self.known = false;
            let headers = "WWW-Authenticate: Bearer\r\n";
            return Reply::plain("401 Unauthorized", headers, "want the header Authorization: Bearer TOKEN");
        }
        self.known = true;
        if request.method != Method::Get {
            return Reply::plain("405 Method Not Allowed", "Allow: GET\r\n", "nothing here can be changed");
        }
        let path = request.target.split('?').next().unwrap_or_default();
        let question = Question { path, query: query::query(&request.target), received: self.received };
        self.room.clerk.answer(question).await
    }

    async fn shake(&mut self) -> Result<(), Ended> {
        while self.tls.as_ref().is_some_and(Tls::is_handshaking) {
            self.fill_until(self.introduction).await?;
        }
        Ok(())
    }

    /// The next request, however many reads it takes.
    async fn request(&mut self, decoder: &mut Decoder) -> Result<Result<Request, Bad>, Ended> {
        let mut deadline = if self.known { self.now() + IDLE } else { self.introduction };
        let mut taken = 0;
        loop {
            match decoder.next(&mut self.input) {
                Ok(Step::Request(request)) => return Ok(Ok(request)),
                // Nothing here takes a body.
                Ok(Step::Continue) => return Ok(Err(Bad::Expectation)),
                Ok(Step::More) if taken > MOST_BYTES => return Ok(Err(Bad::BodyTooLarge)),
                Ok(Step::More) => {}
                Err(bad) => return Ok(Err(bad)),
            }
            if taken > 0 {
                deadline = deadline.min(self.received + PATIENCE);
            }
            taken += self.fill_until(deadline).await?;
        }
    }

    async fn fill_until(&mut self, deadline: Nanos) -> Result<usize, Ended> {
        let room = Rc::clone(&self.room);
        room.timer.until(deadline, self.fill()).await.unwrap_or(Err(Ended))
    }

    /// One read into the input; its bytes as they came. Over TLS it may add nothing.
    async fn fill(&mut self) -> Result<usize, Ended> {
        let mut buffer = [0; READ];
        let n = self.stream.read(&mut buffer).await.map_err(|_| Ended)?;
        self.received = self.now();
        let more = match &self.tls {
            None => {
                self.input.extend(&buffer[..n]);
                true
            }
            Some(tls) => {
                let mut out = Vec::new();
                let more = tls.open(&buffer[..n], &mut self.input, &mut out);
                self.stream.write_all(&out).await.map_err(|_| Ended)?;
                more
            }
        };
        if n > 0 && more { Ok(n) } else { Err(Ended) }
    }

    async fn say(&mut self, reply: &Reply, bodiless: bool, after: After) -> Result<(), Ended> {
        let (mut plain, mut out) = (Vec::new(), Vec::new());
        reply.put(&mut plain, bodiless, after);
        match &self.tls {
            None => out = plain,
            Some(tls) => tls.seal(&plain, &mut out),
        }
        let deadline = self.now() + PATIENCE;
        let written = self.room.timer.until(deadline, self.stream.write_all(&out)).await;
        written.and_then(Result::ok).ok_or(Ended)
    }

    /// Says that no more will come, and reads until the visitor has closed: closing at once would reset
    /// the connection under its eyes when bytes of it were left unread.
    async fn wind_up(&mut self) -> Result<(), Ended> {
        let mut out = Vec::new();
        self.tls.iter().for_each(|tls| tls.close(&mut out));
        self.stream.write_all(&out).await.map_err(|_| Ended)?;
        self.stream.shutdown().await.map_err(|_| Ended)?;
        let mut buffer = [0; READ];
        while self.stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
        Ok(())
    }

    fn now(&self) -> Nanos {
        self.room.timer.clock().now()
    }
}
