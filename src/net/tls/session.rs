//! The TLS session below one stream: decrypts what the socket gives, encrypts what goes to it.
//!
//! Every whole record that a read gave is decrypted before anything waits, so no wake-up is lost. The
//! ciphertext lies in a buffer that all connections of a worker share; a connection keeps only what
//! of a record is not there yet, and what the kernel did not take.

use super::bytes::TlsBytes;
use super::config::TlsProfile;
use super::pump::Stop;
use crate::clock::Clock;
use crate::model::{Nanos, Traffic};
use crate::net::socket::Socket;
use rustls::Error;
use rustls::client::UnbufferedClientConnection;
use rustls::unbuffered::{ConnectionState, EncryptError};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

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
    pub(super) connection: UnbufferedClientConnection,
    scratch: Rc<RefCell<Vec<u8>>>,
    /// The beginning of what is not whole yet.
    pub(super) part: Vec<u8>,
    /// Decrypted, and not taken yet, since the caller's buffer was too small.
    pub(super) held: Vec<u8>,
    /// Encrypted, and not taken yet by the kernel.
    pub(super) out: Vec<u8>,
    /// Plain bytes that `out` stands for and that the writer has not been told of yet.
    owed: usize,
    pub(super) peer_closed: bool,
    /// After an error the TLS layer is not touched again: it no longer knows where it is in the bytes.
    pub(super) dead: bool,
    /// What broke it, until it has been told.
    pub(super) fault: Option<Error>,
    pub(super) bytes: TlsBytes,
}

impl Session {
    /// Shakes hands over a fresh connection.
    pub(in crate::net) async fn handshake(
        socket: &mut Socket,
        profile: &TlsProfile,
        scratch: Rc<RefCell<Vec<u8>>>,
    ) -> Result<Box<Session>, HandshakeError> {
        scratch.borrow_mut().resize(SCRATCH_BYTES, 0);
        let mut session = Box::new(Session::new(profile, scratch).map_err(HandshakeError::Tls)?);
        poll_fn(|cx| session.poll_handshake(socket, cx)).await?;
        session.bytes.handshake_ends();
        Ok(session)
    }

    pub(super) fn new(profile: &TlsProfile, scratch: Rc<RefCell<Vec<u8>>>) -> Result<Session, Error> {
        Ok(Session {
            connection: UnbufferedClientConnection::new(profile.config(), profile.name())?,
            scratch,
            part: Vec::new(),
            held: Vec::new(),
            out: Vec::new(),
            owed: 0,
            peer_closed: false,
            dead: false,
            fault: None,
            bytes: TlsBytes::default(),
        })
    }

    fn poll_handshake(
        &mut self,
        socket: &mut Socket,
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
        socket: &mut Socket,
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
        socket: &mut Socket,
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

    /// What broke it since the last call: an alert of the peer, say, which can come long after our side
    /// of the handshake is done.
    pub(in crate::net) fn take_fault(&mut self) -> Option<Error> {
        self.fault.take()
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
        socket: &mut Socket,
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
        socket: &mut Socket,
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
    fn poll_out(&mut self, socket: &mut Socket, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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
        socket: &mut Socket,
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

fn broken(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
