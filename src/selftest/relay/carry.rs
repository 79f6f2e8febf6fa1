//! Carries bytes both ways and counts them at the client's side of the relay.

use super::{Counts, Crossed, RelaySpec};
use crate::clock::{Clock, Timer};
use crate::model::Nanos;
use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What a refused publish is answered.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
/// How a publish begins.
const PUBLISH: &[u8] = b"POST /pub/";
/// How a long poll begins.
const LONG_POLL: &[u8] = b"GET /lp/";

/// What all connections of a relay count.
pub(super) struct Shared {
    spec: RelaySpec,
    publishers: Kind,
    subscribers: Kind,
    publishes: AtomicU64,
    refused: AtomicU64,
    gaps: AtomicU64,
    gap_ns: AtomicU64,
}

#[derive(Default)]
struct Kind {
    connections: AtomicU64,
    open: AtomicU64,
    from_clients: AtomicU64,
    to_clients: AtomicU64,
}

impl Kind {
    fn crossed(&self) -> Crossed {
        Crossed {
            connections: self.connections.load(Relaxed),
            open: self.open.load(Relaxed),
            from_clients: self.from_clients.load(Relaxed),
            to_clients: self.to_clients.load(Relaxed),
        }
    }
}

impl Shared {
    pub(super) fn new(spec: RelaySpec) -> Shared {
        Shared {
            spec,
            publishers: Kind::default(),
            subscribers: Kind::default(),
            publishes: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            gap_ns: AtomicU64::new(0),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            publishers: self.publishers.crossed(),
            subscribers: self.subscribers.crossed(),
            refused: self.refused.load(Relaxed),
            gaps: self.gaps.load(Relaxed),
            gap_ns_total: self.gap_ns.load(Relaxed),
        }
    }

    /// Whether the next publish is one to refuse.
    fn refuses(&self) -> bool {
        let (few, of) = self.spec.refuse;
        let refused = of > 0 && self.publishes.fetch_add(1, Relaxed) % of < few;
        self.refused.fetch_add(u64::from(refused), Relaxed);
        refused
    }
}

type Door = (std::net::TcpListener, SocketAddr);

/// Accepts for ever.
pub(super) async fn accept(plain: Door, secure: Option<Door>, shared: Arc<Shared>) -> io::Result<()> {
    let timer = Timer::start(Clock::Monotonic)?;
    let plain = (TcpListener::from_std(plain.0)?, plain.1);
    let secure = secure.map(|(l, to)| TcpListener::from_std(l).map(|l| (l, to))).transpose()?;
    loop {
        let (client, to) = tokio::select! {
            accepted = plain.0.accept() => (accepted?.0, plain.1),
            (accepted, to) = accept_some(secure.as_ref()) => (accepted?, to),
        };
        let (shared, timer) = (Arc::clone(&shared), timer.clone());
        tokio::task::spawn_local(async move {
            // A connection that broke is its client's to tell.
            let _ = carry(client, to, &shared, &timer).await;
        });
    }
}

async fn accept_some(door: Option<&(TcpListener, SocketAddr)>) -> (io::Result<TcpStream>, SocketAddr) {
    match door {
        Some((listener, to)) => (listener.accept().await.map(|a| a.0), *to),
        None => std::future::pending().await,
    }
}

/// One connection.
struct Line<'a> {
    shared: &'a Shared,
    timer: &'a Timer,
    kind: &'a Kind,
    /// Whether it holds long polls.
    long_poll: bool,
    /// When the last answer went out, until the request after it came.
    answered: Rc<Cell<Option<Nanos>>>,
}

async fn carry(client: TcpStream, to: SocketAddr, shared: &Shared, timer: &Timer) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut buffer = vec![0; 64 * 1024];
    let (mut from_client, to_client) = client.into_split();
    let n = from_client.read(&mut buffer).await?;
    if n == 0 {
        return Ok(());
    }
    let first = &buffer[..n];
    let kind = if first.starts_with(PUBLISH) { &shared.publishers } else { &shared.subscribers };
    kind.connections.fetch_add(1, Relaxed);
    kind.open.fetch_add(1, Relaxed);
    let line = Line { shared, timer, kind, long_poll: first.starts_with(LONG_POLL), answered: Rc::default() };
    let carried = line.carry((from_client, to_client), to, buffer, n).await;
    kind.open.fetch_sub(1, Relaxed);
    carried
}

impl Line<'_> {
    async fn carry(
        &self,
        (from_client, to_client): (OwnedReadHalf, OwnedWriteHalf),
        to: SocketAddr,
        buffer: Vec<u8>,
        first: usize,
    ) -> io::Result<()> {
        #[expect(clippy::disallowed_methods, reason = "a relay counts its sockets itself")]
        let server = TcpStream::connect(to).await?;
        server.set_nodelay(true)?;
        let (from_server, to_server) = server.into_split();
        let to_client = tokio::sync::Mutex::new(to_client);
        // Whichever side ends, the line does: what is unread then, nobody wants.
        tokio::select! {
            up = self.up(from_client, to_server, &to_client, (buffer, first)) => up,
            down = self.down(from_server, &to_client) => down,
        }
    }

    async fn up(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        back: &tokio::sync::Mutex<OwnedWriteHalf>,
        (mut buffer, mut n): (Vec<u8>, usize),
    ) -> io::Result<()> {
        while n > 0 {
            self.kind.from_clients.fetch_add(n as u64, Relaxed);
            let publishes = std::ptr::eq(self.kind, &self.shared.publishers);
            if publishes && self.shared.refuses() {
                // Counted first: who has read it finds it in the counts.
                self.kind.to_clients.fetch_add(REFUSAL.len() as u64, Relaxed);
                back.lock().await.write_all(REFUSAL).await?;
            } else {
                self.wait_out_the_gap().await;
                to.write_all(&buffer[..n]).await?;
            }
            n = from.read(&mut buffer).await?;
        }
        Ok(())
    }

    async fn wait_out_the_gap(&self) {
        let Some(answered) = self.answered.take().filter(|_| self.long_poll) else { return };
        self.timer.sleep_until(answered + self.shared.spec.gap).await;
        self.shared.gaps.fetch_add(1, Relaxed);
        self.shared.gap_ns.fetch_add((self.timer.clock().now() - answered).0, Relaxed);
    }

    async fn down(&self, mut from: OwnedReadHalf, to: &tokio::sync::Mutex<OwnedWriteHalf>) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let publishes = std::ptr::eq(self.kind, &self.shared.publishers);
        loop {
            let n = from.read(&mut buffer).await?;
            if n == 0 {
                return Ok(());
            }
            if publishes && self.shared.spec.hold > Nanos::ZERO {
                self.timer.sleep(self.shared.spec.hold).await;
            }
            self.answered.set(Some(self.timer.clock().now()));
            self.kind.to_clients.fetch_add(n as u64, Relaxed);
            to.lock().await.write_all(&buffer[..n]).await?;
        }
    }
}
