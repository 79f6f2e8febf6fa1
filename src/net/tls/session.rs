//! The TLS session below one stream: decrypts what the socket gives, encrypts what goes to it.
//!
//! Every whole record that a read gave is decrypted before anything waits, so no wake-up is lost. The
//! ciphertext lies in a buffer that all connections of a worker share; a connection keeps only what
//! of a record is not there yet, and what the kernel did not take.

use super::bytes::TlsBytes;
use super::config::TlsProfile;
use crate::clock::Clock;
use crate::model::{Nanos, Traffic};
use rustls::Error;
use rustls::client::UnbufferedClientConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Size of the buffer for ciphertext that the TLS connections of a worker share: more than what one
/// write encrypts at most, and several records of the largest size.
const SCRATCH_BYTES: usize = 96 * 1024;
/// Plain bytes that one write takes at most.
const WRITE_BYTES: usize = 64 * 1024;
/// A record that is not whole is kept up to this size; one can have 16 KiB and what surrounds it, a
/// message of the handshake that goes over several of them 64 KiB.
const PART_BYTES: usize = 80 * 1024;
/// A buffer up to this size is kept for the next time.
const KEPT_BYTES: usize = 512;

/// Why a handshake failed.
pub(in crate::net) enum HandshakeError {
    /// The connection under it did.
    Io(io::Error),
    /// The two sides did not agree.
    Tls(Error),
    /// The peer went away in the middle of it.
    Closed,
}

/// See the module.
pub(in crate::net) struct Session {
    connection: UnbufferedClientConnection,
    scratch: Rc<RefCell<Vec<u8>>>,
    /// The beginning of what is not whole yet.
    part: Vec<u8>,
    /// Decrypted, and not taken yet, since the caller's buffer was too small.
    held: Vec<u8>,
    /// Encrypted, and not taken yet by the kernel.
    out: Vec<u8>,
    /// Plain bytes that `out` stands for and that the writer has not been told of yet.
    owed: usize,
    peer_closed: bool,
    /// After an error the TLS layer is not touched again: it no longer knows where it is in the bytes.
    dead: bool,
    bytes: TlsBytes,
}

/// Where a pump stopped.
#[derive(PartialEq, Eq)]
enum Stop {
    /// Application data may be sent.
    Open,
    /// Nothing can be done before more is read.
    Blocked,
}

impl Session {
    /// Shakes hands over a fresh connection.
    pub(in crate::net) async fn handshake(
        socket: &mut TcpStream,
        profile: &TlsProfile,
        scratch: Rc<RefCell<Vec<u8>>>,
    ) -> Result<Box<Session>, HandshakeError> {
        scratch.borrow_mut().resize(SCRATCH_BYTES, 0);
        let mut session = Box::new(Session::new(profile, scratch).map_err(HandshakeError::Tls)?);
        poll_fn(|cx| session.poll_handshake(socket, cx)).await?;
        session.bytes.handshake_ends();
        Ok(session)
    }

    fn new(profile: &TlsProfile, scratch: Rc<RefCell<Vec<u8>>>) -> Result<Session, Error> {
        Ok(Session {
            connection: UnbufferedClientConnection::new(profile.config(), profile.name())?,
            scratch,
            part: Vec::new(),
            held: Vec::new(),
            out: Vec::new(),
            owed: 0,
            peer_closed: false,
            dead: false,
            bytes: TlsBytes::default(),
        })
    }

    fn poll_handshake(
        &mut self,
        socket: &mut TcpStream,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), HandshakeError>> {
        let scratch = Rc::clone(&self.scratch);
        loop {
            let (taken, stop) = match self.pump_part() {
                Ok(pumped) => pumped,
                Err(error) => {
                    // The peer is told why, as far as that can be done without waiting.
                    let _ = self.poll_out(socket, cx);
                    return Poll::Ready(Err(HandshakeError::Tls(error)));
                }
            };
            self.part.drain(..taken);
            ready!(self.poll_out(socket, cx)).map_err(HandshakeError::Io)?;
            if stop == Stop::Open {
                return Poll::Ready(Ok(()));
            }
            let mut scratch = scratch.borrow_mut();
            let mut into = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut *socket).poll_read(cx, &mut into)).map_err(HandshakeError::Io)?;
            if into.filled().is_empty() {
                return Poll::Ready(Err(HandshakeError::Closed));
            }
            self.bytes.read.wire += into.filled().len() as u64;
            self.part.extend_from_slice(into.filled());
        }
    }

    /// Reads into `buf` what there is. `stamp` is set to the instant at which a read of the socket
    /// returned.
    pub(in crate::net) fn poll_read(
        &mut self,
        socket: &mut TcpStream,
        (clock, stamp): (Clock, &mut Nanos),
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.held.is_empty() || buf.remaining() == 0 {
            self.give(buf);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        while buf.filled().len() == before && !self.peer_closed {
            // An answer of the TLS layer itself, such as to a change of keys: as far as it goes.
            if let Poll::Ready(Err(e)) = self.poll_out(socket, cx) {
                return Poll::Ready(Err(e));
            }
            let read = ready!(self.poll_fill(socket, cx, buf, || *stamp = clock.now()))?;
            if read == 0 {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// One read of the socket, and the decryption of all that is whole with it.
    fn poll_fill(
        &mut self,
        socket: &mut TcpStream,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        has_read: impl FnOnce(),
    ) -> Poll<io::Result<usize>> {
        let scratch = Rc::clone(&self.scratch);
        let mut scratch = scratch.borrow_mut();
        let known = self.part.len();
        if known > PART_BYTES {
            return Poll::Ready(Err(broken(Error::PeerSentOversizedRecord)));
        }
        let mut into = ReadBuf::new(&mut scratch[known..]);
        ready!(Pin::new(socket).poll_read(cx, &mut into))?;
        has_read();
        let read = into.filled().len();
        self.bytes.read.wire += read as u64;
        scratch[..known].copy_from_slice(&self.part);
        let incoming = &mut scratch[..known + read];
        let mut held = std::mem::take(&mut self.held);
        let pumped = self.pump(incoming, &mut |plain| {
            let fits = if held.is_empty() { plain.len().min(buf.remaining()) } else { 0 };
            buf.put_slice(&plain[..fits]);
            held.extend_from_slice(&plain[fits..]);
        });
        self.held = held;
        let (taken, _) = pumped.map_err(broken)?;
        self.part.clear();
        self.part.shrink_to(KEPT_BYTES);
        self.part.extend_from_slice(&incoming[taken..]);
        Poll::Ready(Ok(read))
    }

    /// Hands out what was decrypted before.
    fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let n = self.held.len().min(buf.remaining());
        buf.put_slice(&self.held[..n]);
        self.held.drain(..n);
        if self.held.is_empty() {
            self.held = Vec::new();
        }
    }

    /// Encrypts and writes. Ready when the kernel has taken the last byte of what these plain bytes
    /// became; until then it is to be called again with the same bytes.
    pub(in crate::net) fn poll_write(
        &mut self,
        socket: &mut TcpStream,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.owed == 0 && !bytes.is_empty() {
            let (taken, _) = self.pump_part().map_err(broken)?;
            self.part.drain(..taken);
            // What the TLS layer has to say goes first.
            ready!(self.poll_out(socket, cx))?;
            return self.poll_encrypted(socket, cx, &bytes[..bytes.len().min(WRITE_BYTES)]);
        }
        ready!(self.poll_out(socket, cx))?;
        Poll::Ready(Ok(self.settle()))
    }

    fn poll_encrypted(
        &mut self,
        socket: &mut TcpStream,
        cx: &mut Context<'_>,
        plain: &[u8],
    ) -> Poll<io::Result<usize>> {
        let scratch = Rc::clone(&self.scratch);
        let mut scratch = scratch.borrow_mut();
        let length = {
            let status = self.connection.process_tls_records(&mut self.part);
            match status.state.map_err(broken)? {
                ConnectionState::WriteTraffic(mut open) => open.encrypt(plain, &mut scratch),
                _ => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        };
        let length = length.map_err(|e| match e {
            EncryptError::InsufficientSize(_) => io::Error::other("the buffer for TLS records is too small"),
            EncryptError::EncryptExhausted => broken(Error::EncryptError),
        })?;
        self.owed = plain.len();
        let mut sent = 0;
        while sent < length {
            match Pin::new(&mut *socket).poll_write(cx, &scratch[sent..length])? {
                Poll::Ready(n) => {
                    self.bytes.written.wire += n as u64;
                    sent += n;
                }
                Poll::Pending => {
                    self.out.extend_from_slice(&scratch[sent..length]);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(self.settle()))
    }

    /// All that was encrypted is gone: the plain bytes that it stood for.
    fn settle(&mut self) -> usize {
        self.bytes.written.whole = self.bytes.written.wire;
        self.bytes.written.plain += self.owed as u64;
        std::mem::take(&mut self.owed)
    }

    /// Writes what waits to be written.
    fn poll_out(&mut self, socket: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let n = ready!(Pin::new(&mut *socket).poll_write(cx, &self.out))?;
            self.bytes.written.wire += n as u64;
            self.out.drain(..n);
        }
        if self.out.capacity() > 0 {
            self.out = Vec::new();
        }
        if self.owed == 0 {
            self.bytes.written.whole = self.bytes.written.wire;
        }
        Poll::Ready(Ok(()))
    }

    /// Says goodbye in due form, then writes what waits.
    pub(in crate::net) fn poll_goodbye(
        &mut self,
        socket: &mut TcpStream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.dead {
            return self.poll_out(socket, cx);
        }
        let mut notify = [0; 64];
        let status = self.connection.process_tls_records(&mut self.part);
        if let Ok(ConnectionState::WriteTraffic(mut open)) = status.state {
            // Empty when it was said before.
            let length = open.queue_close_notify(&mut notify).unwrap_or(0);
            self.out.extend_from_slice(&notify[..length]);
        }
        self.poll_out(socket, cx)
    }

    /// Lets the TLS layer go on until it wants more bytes, or may send: how many of the incoming bytes
    /// are done with. What it has to say itself is put into `out`.
    fn pump(&mut self, incoming: &mut [u8], plain: &mut dyn FnMut(&[u8])) -> Result<(usize, Stop), Error> {
        let mut taken = 0;
        if self.dead {
            return Err(Error::General("the connection had failed before".to_owned()));
        }
        loop {
            let UnbufferedStatus { discard, state } =
                self.connection.process_tls_records(&mut incoming[taken..]);
            taken += discard;
            self.bytes.read.whole += discard as u64;
            match state {
                Err(error) => {
                    self.say_last_words();
                    return Err(error);
                }
                Ok(ConnectionState::ReadTraffic(mut records)) => {
                    while let Some(record) = records.next_record() {
                        let record = record?;
                        taken += record.discard;
                        self.bytes.read.whole += record.discard as u64;
                        self.bytes.read.plain += record.payload.len() as u64;
                        plain(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut record)) => {
                    encode(&mut self.out, |room| record.encode(room));
                }
                Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
                Ok(ConnectionState::PeerClosed) => self.peer_closed = true,
                Ok(ConnectionState::WriteTraffic(_)) => return Ok((taken, Stop::Open)),
                Ok(_) => return Ok((taken, Stop::Blocked)),
            }
        }
    }

    /// The same with what is there already; what it decrypts is held.
    fn pump_part(&mut self) -> Result<(usize, Stop), Error> {
        let (mut held, mut part) = (std::mem::take(&mut self.held), std::mem::take(&mut self.part));
        let pumped = self.pump(&mut part, &mut |plain| held.extend_from_slice(plain));
        (self.held, self.part) = (held, part);
        pumped
    }

    /// After an error: the alert that tells the peer of it.
    fn say_last_words(&mut self) {
        self.dead = true;
        // What is to be written comes before anything is looked at, so there need be no bytes.
        while self.connection.wants_write() {
            let state = self.connection.process_tls_records(&mut []).state;
            let Ok(ConnectionState::EncodeTlsData(mut record)) = state else { return };
            encode(&mut self.out, |room| record.encode(room));
        }
    }

    /// See [`crate::net::Stream::tls_bytes`].
    pub(in crate::net) fn record_bytes(&self) -> (u64, u64) {
        self.bytes.records()
    }

    /// See [`crate::net::Stream::tls_handshake_bytes`].
    pub(in crate::net) fn handshake_bytes(&self) -> (u64, u64) {
        self.bytes.handshake()
    }

    /// See [`crate::net::Stream::take_tls`].
    pub(in crate::net) fn take(&mut self) -> Traffic {
        self.bytes.take()
    }

    /// See [`crate::net::Stream::start_over`].
    pub(in crate::net) fn start_over(&mut self) {
        self.bytes.start_over(self.held.len() as u64);
    }

    /// See [`crate::net::Stream::tls_total`].
    pub(in crate::net) fn total(&self) -> Traffic {
        self.bytes.total(self.held.len() as u64)
    }

    /// See [`crate::net::Stream::tls_rest`].
    pub(in crate::net) fn rest(&self) -> Traffic {
        self.bytes.rest(self.held.len() as u64)
    }
}

/// Appends one record to `out`, with as much room as it asks for.
fn encode(out: &mut Vec<u8>, mut into: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) {
    if let Err(EncodeError::InsufficientSize(wanted)) = into(&mut []) {
        let known = out.len();
        out.resize(known + wanted.required_size, 0);
        let written = into(&mut out[known..]).unwrap_or(0);
        out.truncate(known + written);
    }
}

fn broken(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// A session without a socket, for tests.
#[cfg(test)]
impl Session {
    pub(super) fn unconnected(profile: &TlsProfile) -> Result<Session, Error> {
        Session::new(profile, Rc::default())
    }

    /// As if these bytes had been read; what is to be written.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        self.bytes.read.wire += bytes.len() as u64;
        self.part.extend_from_slice(bytes);
        let (taken, stop) = self.pump_part()?;
        self.part.drain(..taken);
        if stop == Stop::Open && self.bytes.read.handshake == 0 {
            self.bytes.handshake_ends();
        }
        Ok(std::mem::take(&mut self.out))
    }

    /// Bytes that are to go out with the next.
    pub(super) fn unsent(&mut self, mut bytes: Vec<u8>) {
        bytes.append(&mut self.out);
        self.out = bytes;
    }

    pub(super) fn take_held(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    pub(super) fn account(&self) -> TlsBytes {
        self.bytes
    }
}
