//! A TCP connection, with or without TLS over it, that counts what crosses it.

use super::errors::tls_words;
use super::socket::Socket;
use super::tls::Session;
use super::watch::Watched;
use super::{Memory, Way};
use crate::clock::Clock;
use crate::model::{Nanos, Traffic};
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A metered TCP connection, plain or with TLS over it. Dropping it resets it, so that it leaves no
/// TIME-WAIT behind; bytes the kernel has not sent by then are lost.
///
/// Two layers are counted apart. [`Stream::read_bytes`] and [`Stream::written_bytes`] are what the
/// layer above reads and writes: HTTP, frames. What TLS adds to them is told by [`Stream::take_tls`],
/// [`Stream::tls_rest`] and [`Stream::tls_total`] as traffic, all zero over plain TCP. The sum is what
/// crossed the socket: [`Stream::wire_bytes`].
pub struct Stream {
    socket: Socket,
    tls: Option<Box<Session>>,
    clock: Clock,
    started: Nanos,
    finished: Nanos,
    /// When the TLS handshake was done; `finished` without one.
    secured: Nanos,
    last_read_at: Nanos,
    read: u64,
    written: u64,
    watched: Option<Box<Watched>>,
    /// Where it is told what broke TLS; only there with it.
    memory: Option<Rc<RefCell<Memory>>>,
}

impl Stream {
    pub(super) fn new(socket: Socket, clock: Clock, (started, finished): (Nanos, Nanos)) -> Stream {
        Stream {
            socket,
            tls: None,
            clock,
            started,
            finished,
            secured: finished,
            last_read_at: finished,
            read: 0,
            written: 0,
            watched: None,
            memory: None,
        }
    }

    /// From here on somebody looks at it.
    pub(super) fn watch(&mut self, watched: Box<Watched>) {
        self.watched = Some(watched);
    }

    /// From here on TLS is spoken.
    pub(super) fn secure(&mut self, session: Box<Session>, memory: &Rc<RefCell<Memory>>) {
        self.memory = Some(Rc::clone(memory));
        self.tls = Some(session);
        self.secured = self.clock.now();
        self.last_read_at = self.secured;
    }

    /// When the TCP connect began and when it was done.
    pub fn opened(&self) -> (Nanos, Nanos) {
        (self.started, self.finished)
    }

    /// How long the TLS handshake took, if there was one.
    pub fn tls_took(&self) -> Option<Nanos> {
        self.tls.as_ref().map(|_| self.secured - self.finished)
    }

    /// When the first byte could be sent over it: after the TCP connect, and the TLS handshake if
    /// there was one.
    pub fn usable_at(&self) -> Nanos {
        self.secured
    }

    /// When the last read of the socket that gave anything returned (the end of a connection counts
    /// too); when the connection could be used, before the first.
    pub fn last_read_at(&self) -> Nanos {
        self.last_read_at
    }

    /// Bytes read so far, above TLS.
    pub fn read_bytes(&self) -> u64 {
        self.read
    }

    /// Bytes written so far, above TLS: taken by the kernel, not necessarily received by the peer.
    pub fn written_bytes(&self) -> u64 {
        self.written
    }

    /// Counts from zero again: what crossed it so far has been told by who used it.
    pub(crate) fn start_over(&mut self) {
        (self.read, self.written) = (0, 0);
        if let Some(tls) = &mut self.tls {
            tls.start_over();
        }
    }

    /// Bytes that crossed the socket so far, in and out.
    pub fn wire_bytes(&self) -> (u64, u64) {
        let tls = self.tls_total();
        (self.read + tls.wire_in, self.written + tls.wire_out)
    }

    /// What the TLS records that are done with have beside what they carry, in and out, so far; the
    /// handshake's apart. Session tickets, which follow the handshake, are such records.
    pub fn tls_bytes(&self) -> (u64, u64) {
        self.tls.as_ref().map_or((0, 0), |tls| tls.record_bytes())
    }

    /// Bytes of the TLS handshake, in and out.
    pub fn tls_handshake_bytes(&self) -> (u64, u64) {
        self.tls.as_ref().map_or((0, 0), |tls| tls.handshake_bytes())
    }

    /// What TLS cost since this was last called, to be added to the unit that is being told: records
    /// in `tls`, the handshake (with the first call) in `handshake`, both in `wire_in` and `wire_out`.
    /// Balanced. Records that are not whole yet come with a later call.
    pub fn take_tls(&mut self) -> Traffic {
        self.tls.as_mut().map_or_else(Traffic::default, |tls| tls.take())
    }

    /// What TLS cost so far and no [`Stream::take_tls`] has given, unfinished records included: for
    /// who adds to what units have told.
    pub fn tls_rest(&self) -> Traffic {
        self.tls.as_ref().map_or_else(Traffic::default, |tls| tls.rest())
    }

    /// All that TLS cost so far, unfinished records included: for who counts the connection as a whole.
    pub fn tls_total(&self) -> Traffic {
        self.tls.as_ref().map_or_else(Traffic::default, |tls| tls.total())
    }

    /// Resets the connection. The same as dropping it, said aloud.
    pub fn abort(self) {
        drop(self);
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.tls.is_some() {
            return self.poll_read_tls(cx, buf);
        }
        let before = buf.filled().len();
        let done = Pin::new(&mut self.socket).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = done {
            // One reading of the clock for each read: everything in it has arrived at this instant.
            self.last_read_at = self.clock.now();
            self.read += (buf.filled().len() - before) as u64;
            if let Some(watched) = &self.watched {
                watched.crossed(Way::In, &buf.filled()[before..], self.last_read_at);
            }
        }
        done
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Stream { socket, tls, .. } = &mut *self;
        let done = match tls {
            None => Pin::new(socket).poll_write(cx, bytes),
            Some(tls) => tls.poll_write(socket, cx, bytes),
        };
        self.tell_fault(&done);
        if let Poll::Ready(Ok(n)) = done {
            self.written += n as u64;
            if let Some(watched) = &self.watched {
                watched.crossed(Way::Out, &bytes[..n], self.clock.now());
            }
        }
        done
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Stream { socket, tls, .. } = &mut *self;
        if let Some(tls) = tls {
            ready!(tls.poll_goodbye(socket, cx))?;
        }
        Pin::new(socket).poll_shutdown(cx)
    }
}

impl Stream {
    fn poll_read_tls(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Stream { socket, tls: Some(tls), clock, last_read_at, read, watched, .. } = self else {
            return Poll::Pending;
        };
        let before = buf.filled().len();
        let done = tls.poll_read(socket, (*clock, last_read_at), cx, buf);
        *read += (buf.filled().len() - before) as u64;
        if let (Some(watched), true) = (watched, buf.filled().len() > before) {
            watched.crossed(Way::In, &buf.filled()[before..], *last_read_at);
        }
        self.tell_fault(&done);
        done
    }

    /// Puts into words what broke TLS. An alert that refuses our certificate comes when our side of the
    /// handshake is long done, and looks like any broken read.
    fn tell_fault<T>(&mut self, done: &Poll<io::Result<T>>) {
        let Poll::Ready(Err(_)) = done else { return };
        let fault = self.tls.as_mut().and_then(|tls| tls.take_fault());
        if let (Some(fault), Some(memory)) = (fault, &self.memory) {
            memory.borrow_mut().tell(tls_words(&fault));
        }
    }
}
