//! Opens connections, and holds what all connections of a worker share.

use super::attempt::Shaking;
use super::errors::handshake_failure;
use super::socket::Socket;
use super::tls::Session;
use super::watch::Watched;
use super::{Meter, Place, Stream, Watch, connect_failure};
use crate::clock::Clock;
use crate::model::Failure;
use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::{TcpSocket, TcpStream};

/// Size of the read buffer that all HTTP connections of a worker share.
pub const READ_BUFFER_BYTES: usize = 64 * 1024;

/// Opens connections. One for each worker; clones share its buffers.
#[derive(Clone)]
pub struct Dialer {
    clock: Clock,
    read_buffer: Rc<RefCell<Box<[u8]>>>,
    write_buffer: Rc<RefCell<Vec<u8>>>,
    /// For ciphertext; empty until the first TLS connection.
    tls_buffer: Rc<RefCell<Vec<u8>>>,
    watch: Option<Rc<dyn Watch>>,
    connections: Rc<Cell<u32>>,
    meter: Rc<Meter>,
    /// That of the publishers' connections.
    publishers: Rc<Meter>,
    /// A connection that the next connect takes in place of a new one.
    parked: Option<Rc<RefCell<Option<Stream>>>>,
}

impl Dialer {
    /// A dialer that stamps what it reads with this clock.
    pub fn new(clock: Clock) -> Dialer {
        Dialer {
            clock,
            read_buffer: Rc::new(RefCell::new(vec![0; READ_BUFFER_BYTES].into_boxed_slice())),
            write_buffer: Rc::default(),
            tls_buffer: Rc::default(),
            watch: None,
            connections: Rc::default(),
            meter: Rc::new(Meter::stamping()),
            publishers: Rc::default(),
            parked: None,
        }
    }

    /// From here on somebody looks at all connections.
    pub fn watched(mut self, by: Rc<dyn Watch>) -> Dialer {
        self.watch = Some(by);
        self
    }

    /// A dialer of the same worker for its publishers, whose connections are metered apart.
    pub fn for_publishers(&self) -> Dialer {
        Dialer { meter: Rc::clone(&self.publishers), ..self.clone() }
    }

    /// Meters the connections of everybody but the publishers.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Meters the connections of the publishers.
    pub fn publishers_meter(&self) -> &Meter {
        &self.publishers
    }

    /// The clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Connects, with `TCP_NODELAY` and a reset on close (see [`Stream`]), and shakes hands where TLS
    /// is to be spoken.
    ///
    /// Has no timeout of its own: drop the future to give up. Cancel-safe.
    ///
    /// # Errors
    /// The failure that the system's error stands for. `CertificateRefused` and `TlsFailed` put what
    /// was wrong into words, in the place's memory.
    pub async fn connect(&self, to: &Place) -> Result<Stream, Failure> {
        if let Some(parked) = self.parked.as_ref().and_then(|p| p.borrow_mut().take()) {
            return Ok(parked);
        }
        let started = self.clock.now();
        let socket = open(to.address).await.map_err(|e| connect_failure(&e))?;
        to.memory.borrow_mut().dialled += 1;
        let socket = Socket::new(socket, to.address, self.clock, &self.meter);
        let finished = self.clock.now();
        let stream = match &to.tls {
            None => Stream::new(socket, self.clock, (started, finished)),
            Some(profile) => {
                let mut shaking = Shaking::new(socket, &to.memory);
                let scratch = Rc::clone(&self.tls_buffer);
                let shaken = Session::handshake(shaking.socket(), profile, scratch).await;
                let session = shaken.map_err(|error| {
                    let (failure, why) = handshake_failure(&error);
                    to.memory.borrow_mut().tell(why);
                    failure
                })?;
                let mut stream = Stream::new(shaking.keep(), self.clock, (started, finished));
                stream.secure(session, &to.memory);
                stream
            }
        };
        Ok(self.seen(stream, to.address))
    }

    /// Lets who looks at connections see this one.
    fn seen(&self, mut stream: Stream, to: SocketAddr) -> Stream {
        if let Some(by) = &self.watch {
            self.connections.set(self.connections.get() + 1);
            let number = self.connections.get();
            stream.watch(Watched::open(Rc::clone(by), number, to, stream.opened().1));
        }
        stream
    }

    /// A dialer of one client, whose next connect takes this connection, which counts from zero.
    pub(crate) fn parking(&self, mut stream: Stream) -> Dialer {
        stream.start_over();
        Dialer { parked: Some(Rc::new(RefCell::new(Some(stream)))), ..self.clone() }
    }

    /// The read buffer of the worker: borrowed for one read and the decoding of what it gave, never
    /// across an await.
    pub(crate) fn read_buffer(&self) -> Rc<RefCell<Box<[u8]>>> {
        Rc::clone(&self.read_buffer)
    }

    /// Where requests of the worker are put together; the same rule as for [`Dialer::read_buffer`].
    pub(crate) fn write_buffer(&self) -> Rc<RefCell<Vec<u8>>> {
        Rc::clone(&self.write_buffer)
    }
}

async fn open(to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_nodelay(true)?;
    // The close is a reset: tens of thousands of TIME-WAITs would use up the ports of the next run.
    socket.set_zero_linger()?;
    socket.connect(to).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn on_a_worker<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn nobody_listening_is_a_refusal() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let failed =
            on_a_worker(async { Dialer::new(Clock::Monotonic).connect(&Place::plain(free)).await.err() });
        assert_eq!(failed, Some(Failure::ConnectRefused));
    }

    #[test]
    fn bytes_are_counted_stamps_follow_reads_and_a_drop_is_a_reset() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            peer.read_exact(&mut [0; 5]).unwrap();
            peer.write_all(b"abc").unwrap();
            peer.read(&mut [0; 1]).map_err(|e| e.kind())
        });
        on_a_worker(async {
            let to = Place::plain(address);
            let mut stream = Dialer::new(Clock::Monotonic).connect(&to).await.unwrap();
            let (started, finished) = stream.opened();
            assert!(started <= finished);
            stream.write_all(b"hello").await.unwrap();
            stream.read_exact(&mut [0; 3]).await.unwrap();
            assert_eq!((stream.read_bytes(), stream.written_bytes()), (3, 5));
            assert_eq!((stream.wire_bytes(), stream.tls_took()), ((3, 5), None));
            assert!(stream.last_read_at() >= finished);
        });
        assert_eq!(server.join().unwrap(), Err(io::ErrorKind::ConnectionReset));
    }

    #[test]
    fn what_nobody_reads_is_told_of_so_many_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = Place::plain(listener.local_addr().unwrap());
        on_a_worker(async {
            let dialer = Dialer::new(Clock::Monotonic);
            let mut open = Vec::new();
            for _ in 0..2 {
                let mut ours = dialer.connect(&to).await.unwrap();
                let (mut theirs, _) = listener.accept().unwrap();
                theirs.write_all(&[7; 1_000]).unwrap();
                // Of what came in one piece, all is there when the first byte is.
                ours.read_exact(&mut [0; 1]).await.unwrap();
                open.push((ours, theirs));
            }
            let unread = |most| dialer.meter().unread_bytes(most);
            assert_eq!((unread(0), unread(1), unread(64)), (0, 999, 1_998));
            open[0].0.read_exact(&mut [0; 999]).await.unwrap();
            assert_eq!(unread(64), 999);
        });
    }
}
