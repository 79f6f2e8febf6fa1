//! A connection's own task: reads, lets requests be answered one after another, and ends it.

use super::Server;
use super::fault::Ballast;
use super::http::{Bad, Decoder, Request, Step};
use super::input::Input;
use super::push::{Connection, Fate};
use super::reply::{self, After};
use super::route::{self, Next};
use super::session;
use super::tls::Tls;
use crate::model::Nanos;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

/// How long a connection that is being closed may take to read its last bytes.
const LINGER: Nanos = Nanos::from_millis(2_000);
/// Bytes that may wait while a request is held.
const HELD_INPUT: usize = 64 * 1024;

/// The connection is over; nothing more can be read or written.
#[derive(Debug)]
pub(super) struct Ended;

/// The side of a connection that its task owns.
pub(super) struct Port {
    pub(super) connection: Rc<Connection>,
    pub(super) input: Input,
    half: OwnedReadHalf,
    /// When the last read that brought something came back.
    pub(super) read_at: Nanos,
    /// What it costs on purpose, once it has asked for messages.
    ballast: Option<Ballast>,
}

/// Serves one connection until it ends; over TLS when there is a session. From the call, not only
/// from when the task first runs, a restart ends this connection too.
pub(super) fn run(server: Rc<Server>, socket: TcpStream, tls: Option<Box<Tls>>) -> impl Future<Output = ()> {
    server.stats.connections.add(1);
    server.stats.accepted.add(1);
    let (half, writer) = socket.into_split();
    let connection = Rc::new(Connection::new(writer, Rc::clone(&server), tls));
    let ticket = server.live.enter(&connection);
    let mut port = Port { connection, input: Input::default(), half, read_at: Nanos::ZERO, ballast: None };
    async move {
        // How it ended needs no telling: a peer that went away is daily bread.
        let _ = converse(&mut port).await;
        if port.is_to_be_finished() {
            let _ = port.finish().await;
        }
        if port.connection.fate() == Fate::Lost {
            port.reset();
        }
        server.live.leave(ticket);
        server.stats.faults.memory_bytes.take(port.ballast.as_ref().map_or(0, Ballast::bytes));
        server.stats.connections.less();
    }
}

async fn converse(port: &mut Port) -> Result<(), Ended> {
    if port.connection.tls().is_some() {
        let done = port.shake().await;
        let stats = &port.connection.server().stats;
        let outcome = if done.is_ok() { &stats.tls_handshakes } else { &stats.tls_failed };
        outcome.add(1);
        done?;
    }
    talk(port).await
}

async fn talk(port: &mut Port) -> Result<(), Ended> {
    let mut decoder = Decoder::default();
    loop {
        let request = match port.request(&mut decoder).await? {
            Ok(request) => request,
            Err(bad) => {
                port.refuse(bad);
                port.flush().await?;
                return port.finish().await;
            }
        };
        match route::answer(port, request).await? {
            Next::Request(after) => {
                port.flush().await?;
                if after == After::Close {
                    return port.finish().await;
                }
            }
            Next::WebSocket(purpose, subscription) => return session::run(port, purpose, subscription).await,
        }
    }
}

impl Port {
    /// The next request, however many reads it takes.
    async fn request(&mut self, decoder: &mut Decoder) -> Result<Result<Request, Bad>, Ended> {
        loop {
            match decoder.next(&mut self.input) {
                Ok(Step::Request(request)) => return Ok(Ok(request)),
                Ok(Step::Continue) => {
                    self.connection.send(b"HTTP/1.1 100 Continue\r\n\r\n");
                }
                Ok(Step::More) => self.fill().await?,
                Err(bad) => return Ok(Err(bad)),
            }
        }
    }

    /// Completes the TLS handshake.
    async fn shake(&mut self) -> Result<(), Ended> {
        let server = Rc::clone(self.connection.server());
        let deadline = server.timer.clock().now() + server.config.handshake;
        while self.connection.tls().is_some_and(Tls::is_handshaking) {
            server.timer.until(deadline, self.fill()).await.unwrap_or(Err(Ended))?;
        }
        Ok(())
    }

    /// Whether last bytes are on their way that closing at once might destroy.
    fn is_to_be_finished(&self) -> bool {
        let alerted = self.connection.tls().is_some_and(Tls::is_broken);
        self.connection.fate() == Fate::Closing || (alerted && self.connection.fate() == Fate::Open)
    }

    /// Takes the memory that a subscribing connection costs on purpose, until it ends.
    pub(super) fn load(&mut self) {
        let server = self.connection.server();
        let Some(bytes) = server.plan.memory.filter(|_| self.ballast.is_none()) else { return };
        server.stats.faults.memory_bytes.add(bytes);
        self.ballast = Some(Ballast::take(bytes));
    }

    fn refuse(&self, bad: Bad) {
        let mut out = Vec::new();
        reply::text(&mut out, bad.status(), "", &format!("{bad}\n"), After::Close);
        self.connection.send(&out);
    }

    /// Waits for bytes from the client, and writes what is queued meanwhile.
    ///
    /// # Errors
    /// The connection is over, or is to be closed. Cancel-safe.
    pub(super) async fn fill(&mut self) -> Result<(), Ended> {
        poll_fn(|cx| self.poll_fill(cx)).await
    }

    /// As [`Port::fill`] while an answer is held; comes back as well when it is complete.
    pub(super) async fn fill_held(&mut self) -> Result<(), Ended> {
        poll_fn(|cx| match self.connection.is_held() {
            true if self.input.waiting().len() < HELD_INPUT => self.poll_fill(cx),
            // Not read, so a client that goes away now is noticed only when it is written to.
            true => self.poll_idle(cx),
            false => Poll::Ready(Ok(())),
        })
        .await
    }

    /// Writes what is queued and waits for whatever others do.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        self.connection.register(cx);
        if self.connection.fate() != Fate::Open {
            return Poll::Ready(Err(Ended));
        }
        ready!(self.connection.poll_flush(cx)).map_err(|_| Ended)?;
        Poll::Pending
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// The connection is over.
    pub(super) async fn flush(&self) -> Result<(), Ended> {
        poll_fn(|cx| {
            self.connection.register(cx);
            if self.connection.fate() == Fate::Lost {
                return Poll::Ready(Err(Ended));
            }
            self.connection.poll_flush(cx).map_err(|_| Ended)
        })
        .await
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        self.connection.register(cx);
        if self.connection.fate() != Fate::Open {
            return Poll::Ready(Err(Ended));
        }
        // Whoever does not read its answers is not read from either.
        ready!(self.connection.poll_flush(cx)).map_err(|_| Ended)?;
        let got = ready!(self.poll_read(cx));
        if got == 0 { Poll::Ready(Err(Ended)) } else { Poll::Ready(Ok(())) }
    }

    /// One read through the buffer of the thread into the input; 0 when nothing more will come.
    /// Over TLS a read may add nothing to the input.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        let mut buffer = self.connection.server().buffer.borrow_mut();
        let mut read = ReadBuf::new(&mut buffer);
        let result = ready!(Pin::new(&mut self.half).poll_read(cx, &mut read));
        if result.is_err() {
            return Poll::Ready(0);
        }
        self.read_at = self.connection.server().timer.clock().now();
        let more = match self.connection.tls() {
            None => {
                self.input.extend(read.filled());
                true
            }
            Some(tls) => self.connection.receive(tls, read.filled(), &mut self.input),
        };
        Poll::Ready(if more { read.filled().len() } else { 0 })
    }

    /// Ends the connection in due form: writes the rest, says that no more will come, and reads
    /// until the client has closed. Closing at once would reset the connection under the client's
    /// eyes when bytes of it were left unread.
    pub(super) async fn finish(&mut self) -> Result<(), Ended> {
        let timer = self.connection.server().timer.clone();
        let deadline = timer.clock().now() + LINGER;
        timer.until(deadline, self.wind_up()).await.unwrap_or(Err(Ended))
    }

    async fn wind_up(&mut self) -> Result<(), Ended> {
        self.connection.close_tls();
        self.flush().await?;
        rustix::net::shutdown(self.connection.socket(), rustix::net::Shutdown::Write).map_err(|_| Ended)?;
        while poll_fn(|cx| self.poll_read(cx)).await > 0 && self.connection.fate() != Fate::Lost {
            let unread = self.input.waiting().len();
            self.input.consume(unread);
        }
        Ok(())
    }

    /// Makes the kernel forget what the client never read.
    fn reset(&self) {
        // Failing only means that the kernel keeps trying for a while.
        let _ = rustix::net::sockopt::set_socket_linger(self.connection.socket(), Some(Duration::ZERO));
    }
}
