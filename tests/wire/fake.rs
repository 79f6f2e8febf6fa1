//! Scripted servers, and a client that keeps what it is handed.

use pushbench::clock::Clock;
use pushbench::model::{Failure, Nanos, Sockets, Traffic};
use pushbench::net::{Dialer, Endpoint};
use pushbench::scenario::{CarrierSpec, CursorSpec, LongPollSpec, PollSpec, PullSpec, WebSocketSpec};
use pushbench::transport::{Event, Session, Sink, Stage, Unit, UnitKind, carrier};
use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Nothing here takes that long; a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves connections one after the other; the script gets their number from 0.
pub(crate) fn serve(script: impl Fn(&mut TcpStream, usize) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (number, peer) in listener.incoming().enumerate() {
            script(&mut peer.unwrap(), number);
        }
    });
    address
}

/// A request's head; empty when the peer closed or reset first.
pub(crate) fn read_head(peer: &mut impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match peer.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return String::new(),
        }
    }
    String::from_utf8(head).unwrap()
}

/// Reads a request and writes this; the client may have gone by then.
pub(crate) fn answer(peer: &mut (impl Read + Write), bytes: &[u8]) -> String {
    let head = read_head(peer);
    let _ = peer.write_all(bytes);
    head
}

/// The answer that accepts this upgrade.
pub(crate) fn accepting(request: &str) -> String {
    let key = request.lines().find_map(|l| l.strip_prefix("Sec-WebSocket-Key: ")).unwrap_or("none");
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )
}

/// Accepts an upgrade and sends these bytes with it, in one write.
pub(crate) fn upgrade(peer: &mut (impl Read + Write), frames: &[u8]) {
    let request = read_head(peer);
    let _ = peer.write_all(&[accepting(&request).as_bytes(), frames].concat());
}

/// Waits until the client has gone.
pub(crate) fn linger(peer: &mut impl Read) {
    let mut buffer = [0; 4096];
    while matches!(peer.read(&mut buffer), Ok(1..)) {}
}

/// Closes with a reset.
pub(crate) fn reset(peer: &mut TcpStream) {
    rustix::net::sockopt::set_socket_linger(&*peer, Some(Duration::ZERO)).unwrap();
}

/// A final unmasked frame.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80 | opcode];
    match payload.len() {
        n @ 0..126 => out.push(n as u8),
        n @ 126..65_536 => {
            out.push(126);
            out.extend((n as u16).to_be_bytes());
        }
        n => {
            out.push(127);
            out.extend((n as u64).to_be_bytes());
        }
    }
    out.extend(payload);
    out
}

pub(crate) fn pull_spec(cursor: CursorSpec) -> PullSpec {
    PullSpec {
        method: pushbench::scenario::Method::Get,
        body: String::new(),
        path: "/p".into(),
        status: vec![200],
        empty: vec![204, 304, 408],
        cursor,
        keep_alive: true,
    }
}

pub(crate) fn poll() -> CarrierSpec {
    CarrierSpec::Poll(PollSpec {
        pull: pull_spec(CursorSpec::None),
        every: Nanos::SECOND,
        fixed_rate: true,
        latest_value: false,
    })
}

pub(crate) fn long_poll(cursor: CursorSpec) -> CarrierSpec {
    CarrierSpec::LongPoll(LongPollSpec { pull: pull_spec(cursor), settle: Nanos::from_millis(50) })
}

pub(crate) fn websocket() -> CarrierSpec {
    CarrierSpec::WebSocket(WebSocketSpec {
        path: "/ws".into(),
        subprotocols: vec![],
        send: vec![],
        max_message_bytes: 100_000,
        binary: false,
        deflate: None,
        ping: None,
        dead_after: None,
    })
}

/// A unit, kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) kind: UnitKind,
    pub(crate) body: Vec<u8>,
    pub(crate) received: Nanos,
    pub(crate) traffic: Traffic,
}

#[derive(Default)]
pub(crate) struct Basket {
    pub(crate) units: Vec<Kept>,
    pub(crate) connects: usize,
    /// The stages that were told of, in order.
    pub(crate) stages: Vec<Stage>,
    /// Whether TLS may have a part in the bytes.
    pub(crate) secure: bool,
    pub(crate) pongs: Vec<Nanos>,
}

impl Sink for Basket {
    fn unit(&mut self, unit: &Unit<'_>) {
        assert!(unit.traffic.balances(), "{unit:?}");
        assert!(self.secure || unit.traffic.tls == 0);
        self.units.push(Kept {
            kind: unit.kind,
            body: unit.body.to_vec(),
            received: unit.received,
            traffic: unit.traffic,
        });
    }

    fn stage(&mut self, stage: Stage, took: Nanos) {
        assert!(took < Nanos(PATIENCE.as_nanos() as u64));
        self.stages.push(stage);
    }

    fn pong(&mut self, took: Nanos) {
        self.pongs.push(took);
    }

    fn connected(&mut self, started: Nanos, finished: Nanos) {
        assert!(started <= finished);
        self.connects += 1;
    }
}

pub(crate) struct Client {
    pub(crate) session: Box<dyn Session>,
    pub(crate) basket: Basket,
    /// Whose meter holds our count against the kernel's.
    pub(crate) dial: Dialer,
}

impl Client {
    pub(crate) async fn open(spec: &CarrierSpec, address: SocketAddr) -> Result<Client, Failure> {
        Client::open_at(spec, &endpoint(address)).await
    }

    pub(crate) async fn open_at(spec: &CarrierSpec, to: &Endpoint) -> Result<Client, Failure> {
        let (dial, carrier) = (Dialer::new(Clock::Monotonic), carrier(spec));
        let session = tokio::time::timeout(PATIENCE, carrier.open(&dial, to)).await.unwrap()?;
        let basket = Basket { secure: to.tls.is_some(), ..Basket::default() };
        Ok(Client { session, basket, dial })
    }

    pub(crate) async fn next(&mut self) -> Result<Event, Failure> {
        let event = poll_fn(|cx| self.session.poll_event(cx, &mut self.basket));
        let event = tokio::time::timeout(PATIENCE, event).await.unwrap();
        assert!(self.session.wire().balances(), "{:?}", self.session.wire());
        event
    }

    /// The same with no limit but the caller's.
    pub(crate) async fn next_unlimited(&mut self) -> Result<Event, Failure> {
        poll_fn(|cx| self.session.poll_event(cx, &mut self.basket)).await
    }

    /// The next event, also when it only comes because the session wanted to be polled; as the loop
    /// of a client does it.
    pub(crate) async fn next_on_time(&mut self) -> Result<Event, Failure> {
        loop {
            let deadline = self.session.next_deadline().unwrap_or(Nanos::MAX);
            let wait = Duration::from(deadline - Clock::Monotonic.now()).min(PATIENCE);
            let event = poll_fn(|cx| self.session.poll_event(cx, &mut self.basket));
            if let Ok(event) = tokio::time::timeout(wait, event).await {
                assert!(self.session.wire().balances(), "{:?}", self.session.wire());
                return event;
            }
        }
    }

    pub(crate) async fn ask(&mut self) -> Result<Event, Failure> {
        self.session.request();
        self.next().await
    }

    /// Goes on until it fails or ends.
    pub(crate) async fn until_over(&mut self) -> Result<u16, Failure> {
        loop {
            if let Event::Closed(code) = self.next().await? {
                return Ok(code.code);
            }
        }
    }

    /// Closes all connections: what the kernel counted of them, which is to the byte what was told.
    pub(crate) fn close(&mut self) -> Sockets {
        self.session.abort();
        assert_eq!(self.dial.meter().open(), 0);
        let sums = self.dial.meter().take();
        let wire = self.session.wire();
        assert_eq!((sums.difference, sums.unknown), (0, 0), "{sums:?}");
        assert_eq!((sums.own_in, sums.own_out), (wire.wire_in, wire.wire_out), "{sums:?} {wire:?}");
        sums
    }

    pub(crate) fn last(&self) -> &Kept {
        self.basket.units.last().unwrap()
    }

    /// The bytes of all units together.
    pub(crate) fn told(&self) -> Traffic {
        self.basket.units.iter().fold(Traffic::default(), |sum, unit| sum + unit.traffic)
    }
}

pub(crate) fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::new(address, "h", "/p")
}

/// On a runtime such as a worker has.
pub(crate) fn on_a_worker<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// `websocket()` with other options.
pub(crate) fn websocket_with(change: impl FnOnce(&mut WebSocketSpec)) -> CarrierSpec {
    let CarrierSpec::WebSocket(mut spec) = websocket() else { panic!("a WebSocket") };
    change(&mut spec);
    CarrierSpec::WebSocket(spec)
}

/// Accepts an upgrade with this extension and sends these bytes with it, in one write.
pub(crate) fn upgrade_with(peer: &mut TcpStream, extension: &str, frames: &[u8]) {
    let request = read_head(peer);
    let head = accepting(&request);
    let head = format!("{}Sec-WebSocket-Extensions: {extension}\r\n\r\n", &head[..head.len() - 2]);
    let _ = peer.write_all(&[head.as_bytes(), frames].concat());
}

/// A client's frame: its opcode and its payload without the mask; `None` when there is none.
pub(crate) fn client_frame(peer: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    peer.read_exact(&mut head).ok()?;
    assert_eq!(head[1] & 0x80, 0x80, "a client masks");
    let mut wide = [0; 8];
    let length = match head[1] & 0x7F {
        126 => {
            peer.read_exact(&mut wide[6..]).ok()?;
            u64::from_be_bytes(wide)
        }
        127 => {
            peer.read_exact(&mut wide).ok()?;
            u64::from_be_bytes(wide)
        }
        n => u64::from(n),
    };
    let (mut mask, mut body) = ([0; 4], vec![0; length as usize]);
    peer.read_exact(&mut mask).ok()?;
    peer.read_exact(&mut body).ok()?;
    body.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    assert_eq!(head[0] & 0xF0, 0x80, "whole and not compressed");
    Some((head[0] & 0x0F, body))
}
