//! Scripted servers, and one client of a scenario's first group.

use pushbench::clock::Clock;
use pushbench::model::{Failure, Nanos, RunTag, Stamp, Traffic};
use pushbench::net::{Cookies, Dialer, Endpoint, Memory};
use pushbench::scenario::{GroupPlan, Overrides, parse};
use pushbench::transport::dialect::{Dialect, Happening, Trace};
use pushbench::transport::{Carrier, Event, Session, Sink, Unit, UnitKind, carrier};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Nothing here takes that long; a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(40);
pub(crate) const TAG: RunTag = RunTag::new(7);

/// A message of this run.
pub(crate) fn stamp(sequence: u32) -> String {
    let stamp = Stamp { run: TAG, channel: 0, sequence, due: Nanos(0), late: Nanos(0) };
    String::from_utf8(stamp.encode().to_vec()).unwrap()
}

/// Serves connections, each by a thread of its own; the script gets their number from 0.
pub(crate) fn serve(script: impl Fn(&mut Peer, usize) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let script = Arc::new(script);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let script = Arc::clone(&script);
            std::thread::spawn(move || script(&mut Peer(stream.unwrap()), number));
        }
    });
    address
}

/// The server's side of a connection.
pub(crate) struct Peer(TcpStream);

impl Peer {
    /// A request with its body; empty when the client has gone.
    pub(crate) fn request(&mut self) -> String {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return String::new(),
            }
        }
        let mut text = String::from_utf8(head).unwrap();
        let length = text.lines().find_map(|l| l.strip_prefix("Content-Length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).unwrap();
        text.push_str(&String::from_utf8(body).unwrap());
        text
    }

    /// Answers with a status, more header lines and a body.
    pub(crate) fn answer(&mut self, status: u16, fields: &str, body: &str) {
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{fields}\r\n", body.len());
        let _ = self.0.write_all((head + body).as_bytes());
    }

    /// Takes an upgrade; its request.
    pub(crate) fn upgrade(&mut self) -> String {
        let request = self.request();
        self.accept(&request);
        request
    }

    /// Accepts an upgrade that has been read.
    pub(crate) fn accept(&mut self, request: &str) {
        let key = request.lines().find_map(|l| l.strip_prefix("Sec-WebSocket-Key: ")).unwrap_or("none");
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            derive_accept_key(key.as_bytes())
        );
        let _ = self.0.write_all(answer.as_bytes());
    }

    /// Sends a text frame.
    pub(crate) fn text(&mut self, text: &str) {
        self.frame(0x81, text.as_bytes());
    }

    /// Sends a final frame; the first byte is given.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) {
        let mut out = vec![first];
        match payload.len() {
            n @ 0..126 => out.push(n as u8),
            n => {
                out.push(126);
                out.extend((n as u16).to_be_bytes());
            }
        }
        out.extend(payload);
        let _ = self.0.write_all(&out);
    }

    /// The next frame's payload; `None` when the client has gone.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).ok()?;
        let mut length = usize::from(head[1] & 0x7F);
        if length == 126 {
            let mut more = [0; 2];
            self.0.read_exact(&mut more).ok()?;
            length = usize::from(u16::from_be_bytes(more));
        }
        let (mut mask, mut payload) = ([0; 4], vec![0; length]);
        self.0.read_exact(&mut mask).ok()?;
        self.0.read_exact(&mut payload).ok()?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(b, m)| *b ^= m);
        Some(payload)
    }

    /// The same as text; empty when the client has gone.
    pub(crate) fn next_text(&mut self) -> String {
        self.next().map(|b| String::from_utf8(b).unwrap()).unwrap_or_default()
    }

    /// Waits until the client has gone.
    pub(crate) fn linger(&mut self) {
        let mut buffer = [0; 4096];
        while matches!(self.0.read(&mut buffer), Ok(1..)) {}
    }
}

/// The first group of a scenario whose case has this text.
pub(crate) fn group(case: &str) -> GroupPlan {
    let text = format!(
        "title = \"t?\"\n[target]\nbase = \"http://127.0.0.1:1\"\n[load]\nclients = 1\n[[case]]\nname = \"c\"\n{case}"
    );
    let plan = parse("test.toml", &text, &Overrides::default()).unwrap_or_else(|e| panic!("{e}"));
    plan.runs[0].groups[0].clone()
}

/// What became of the units.
#[derive(Default)]
pub(crate) struct Basket {
    pub(crate) data: Vec<String>,
    pub(crate) kinds: Vec<UnitKind>,
    pub(crate) told: Traffic,
    pub(crate) connects: usize,
}

impl Sink for Basket {
    fn unit(&mut self, unit: &Unit<'_>) {
        assert!(unit.traffic.balances(), "{unit:?}");
        self.told += unit.traffic;
        self.kinds.push(unit.kind);
        if unit.kind == UnitKind::Data {
            self.data.push(String::from_utf8(unit.body.to_vec()).unwrap());
        }
    }

    fn connected(&mut self, started: Nanos, finished: Nanos) {
        assert!(started <= finished);
        self.connects += 1;
    }
}

/// Keeps what was told, in words.
#[derive(Default)]
pub(crate) struct Notes(pub(crate) RefCell<Vec<String>>);

impl Trace for Notes {
    fn tell(&self, happening: &Happening<'_>) {
        self.0.borrow_mut().push(format!("{happening:?}"));
    }
}

/// One client.
pub(crate) struct Client {
    carrier: Dialect,
    endpoint: Endpoint,
    dial: Dialer,
    pub(crate) session: Option<Box<dyn Session>>,
    pub(crate) basket: Basket,
    pub(crate) notes: Rc<Notes>,
}

impl Client {
    pub(crate) fn new(case: &str, address: SocketAddr) -> Client {
        let group = group(case);
        let spec = group.dialect.clone().expect("the case speaks a dialect");
        let notes = Rc::new(Notes::default());
        let trace = Rc::clone(&notes) as Rc<dyn Trace>;
        let plain = carrier(&group.carrier);
        let mut endpoint = Endpoint::new(address, "h", "/unused");
        (endpoint.channel, endpoint.client) = ("news".into(), 3);
        let mut memory = Memory::default();
        if group.cookies {
            memory.more.get_or_insert_default().cookies = Some(Cookies::default());
        }
        endpoint.memory = Rc::new(RefCell::new(memory));
        Client {
            carrier: Dialect::new(plain, spec, TAG, 1, String::new()).traced(trace),
            endpoint,
            dial: Dialer::new(Clock::Monotonic),
            session: None,
            basket: Basket::default(),
            notes,
        }
    }

    pub(crate) async fn open(&mut self) -> Result<(), Failure> {
        self.basket = Basket::default();
        let open = self.carrier.open(&self.dial, &self.endpoint);
        self.session = Some(tokio::time::timeout(PATIENCE, open).await.unwrap()?);
        Ok(())
    }

    /// The next event, or readiness; polled again when the session says so.
    pub(crate) async fn next(&mut self) -> Result<Event, Failure> {
        let session = self.session.as_mut().unwrap();
        let clock = self.dial.clock();
        let event = async {
            loop {
                let wait = session.next_deadline().map(|at| Duration::from(at - clock.now()));
                // The poll itself may learn of a deadline, so it is not waited for long without one.
                let wait = wait.unwrap_or(Duration::from_millis(5)) + Duration::from_millis(1);
                let polled = poll_fn(|cx| session.poll_event(cx, &mut self.basket));
                if let Ok(event) = tokio::time::timeout(wait, polled).await {
                    return event;
                }
            }
        };
        let event = tokio::time::timeout(PATIENCE, event).await.unwrap();
        assert!(session.wire().balances(), "{:?}", session.wire());
        event
    }

    /// Asks and is answered, as a pull client does.
    pub(crate) async fn ask(&mut self) -> Result<(), Failure> {
        self.session.as_mut().unwrap().request();
        loop {
            match self.next().await? {
                Event::Answered => return Ok(()),
                Event::Received => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Goes on until so many messages are there.
    pub(crate) async fn until_data(&mut self, count: usize) -> Result<(), Failure> {
        while self.basket.data.len() < count {
            match self.next().await? {
                Event::Received | Event::Answered => {}
                other => panic!("{other:?}"),
            }
        }
        Ok(())
    }

    /// Goes on until it can receive.
    pub(crate) async fn until_ready(&mut self) -> Result<(), Failure> {
        while !self.is_ready() {
            self.next().await?;
        }
        Ok(())
    }

    /// Goes on until it fails or ends.
    pub(crate) async fn until_over(&mut self) -> Result<Event, Failure> {
        loop {
            match self.next().await? {
                Event::Received | Event::Answered => {}
                over => return Ok(over),
            }
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.session.as_ref().unwrap().is_ready()
    }

    pub(crate) fn detail(&self) -> String {
        self.endpoint.memory.borrow_mut().detail.take().unwrap_or_default()
    }

    /// Everything on the wire was told, in the units or not at all.
    pub(crate) fn all_is_told(&self) {
        let wire = self.session.as_ref().unwrap().wire();
        let told = self.basket.told;
        assert_eq!((wire.wire_in, wire.wire_out), (told.wire_in, told.wire_out));
    }

    /// Whether a note holds all these words.
    pub(crate) fn noted(&self, words: &[&str]) -> bool {
        self.notes.0.borrow().iter().any(|note| words.iter().all(|w| note.contains(w)))
    }
}

/// On a runtime such as a worker has.
pub(crate) fn on_a_worker<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Whether a session waits now.
pub(crate) fn is_idle(client: &mut Client) -> bool {
    let waker = std::task::Waker::noop();
    let session = client.session.as_mut().unwrap();
    matches!(
        session.poll_event(&mut std::task::Context::from_waker(waker), &mut client.basket),
        Poll::Pending
    )
}
