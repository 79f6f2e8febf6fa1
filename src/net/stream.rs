//! A TCP connection that counts what crosses it.

use super::Way;
use super::watch::Watched;
use crate::clock::Clock;
use crate::model::Nanos;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A metered TCP connection. Dropping it resets it, so that it leaves no TIME-WAIT behind; bytes the
/// kernel has not sent by then are lost.
pub struct Stream {
    socket: TcpStream,
    clock: Clock,
    started: Nanos,
    finished: Nanos,
    last_read_at: Nanos,
    read: u64,
    written: u64,
    watched: Option<Box<Watched>>,
}

impl Stream {
    pub(super) fn new(socket: TcpStream, clock: Clock, started: Nanos) -> Stream {
        let finished = clock.now();
        Stream {
            socket,
            clock,
            started,
            finished,
            last_read_at: finished,
            read: 0,
            written: 0,
            watched: None,
        }
    }

    /// From here on somebody looks at it.
    pub(super) fn watch(&mut self, watched: Box<Watched>) {
        self.watched = Some(watched);
    }

    /// When the connect began and when it was done.
    pub fn opened(&self) -> (Nanos, Nanos) {
        (self.started, self.finished)
    }

    /// When the last read that gave anything returned (the end of a connection counts too); when
    /// the connection was made, before the first.
    pub fn last_read_at(&self) -> Nanos {
        self.last_read_at
    }

    /// Bytes read so far.
    pub fn read_bytes(&self) -> u64 {
        self.read
    }

    /// Bytes written so far: taken by the kernel, not necessarily received by the peer.
    pub fn written_bytes(&self) -> u64 {
        self.written
    }

    /// Counts from zero again: what crossed it so far has been told by who used it.
    pub(crate) fn start_over(&mut self) {
        (self.read, self.written) = (0, 0);
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
        let done = Pin::new(&mut self.socket).poll_write(cx, bytes);
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
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
