//! A TCP socket that counts what crosses it, below TLS: what the kernel's own counters are held
//! against.

use super::kernel::{Info, receive, want_stamps};
use super::meter::Meter;
use crate::clock::{Clock, wall_ahead};
use crate::model::{Nanos, Sockets};
use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// A socket and its counters, which its meter can look at while somebody else has it.
pub(super) struct Line {
    tcp: RefCell<TcpStream>,
    is_ipv4: bool,
    read: Cell<u64>,
    written: Cell<u64>,
    /// Segments that have been told of, in and out.
    told: Cell<(u32, u32)>,
}

impl Line {
    /// Segments since they were last told of.
    pub(super) fn segments(&self) -> Sockets {
        Info::glance(&*self.tcp.borrow()).map_or_else(Sockets::default, |info| self.since_told(&info))
    }

    /// Bytes received that nobody has read; none where the kernel does not tell.
    pub(super) fn unread_bytes(&self) -> u64 {
        rustix::io::ioctl_fionread(&*self.tcp.borrow()).unwrap_or(0)
    }

    fn since_told(&self, info: &Info) -> Sockets {
        let (told_in, told_out) = self.told.replace((info.segments_in, info.segments_out));
        // The kernel's counters have 32 bits.
        let segments_in = u64::from(info.segments_in.wrapping_sub(told_in));
        let segments_out = u64::from(info.segments_out.wrapping_sub(told_out));
        let header_bytes = (segments_in + segments_out) * info.header_bytes(self.is_ipv4);
        Sockets { segments_in, segments_out, header_bytes, ..Sockets::default() }
    }

    /// The whole connection, ours beside the kernel's, now that it closes.
    fn closed(&self) -> Sockets {
        let (own_in, own_out) = (self.read.get(), self.written.get());
        let ours = Sockets { closed: 1, own_in, own_out, ..Sockets::default() };
        let Some(info) = Info::read(&*self.tcp.borrow()) else { return Sockets { unknown: 1, ..ours } };
        let (kernel_in, kernel_out) = (info.handed_over(own_in), info.taken());
        let mut sums = self.since_told(&info);
        sums += Sockets {
            kernel_in,
            kernel_out,
            difference: own_in.abs_diff(kernel_in) + own_out.abs_diff(kernel_out),
            unread: info.unread,
            unsent: info.unsent,
            retransmitted: info.retransmitted,
            ..ours
        };
        sums
    }
}

/// See the module. Dropping it asks the kernel for its counters, tells the meter, and closes.
pub(super) struct Socket {
    line: Rc<Line>,
    meter: Rc<Meter>,
    slot: u32,
    /// Whether the kernel tells when bytes arrived.
    stamped: bool,
}

impl Socket {
    pub(super) fn new(tcp: TcpStream, to: SocketAddr, clock: Clock, meter: &Rc<Meter>) -> Socket {
        // The kernel's stamps are of the real clock; a paused one is not held against them.
        let stamped = matches!(clock, Clock::Monotonic) && meter.wants_stamps() && want_stamps(&tcp);
        if stamped {
            meter.stamped(true);
        }
        let line = Rc::new(Line {
            tcp: RefCell::new(tcp),
            is_ipv4: to.is_ipv4(),
            read: Cell::new(0),
            written: Cell::new(0),
            told: Cell::new((0, 0)),
        });
        let slot = meter.enter(&line);
        Socket { line, meter: Rc::clone(meter), slot, stamped }
    }

    /// Bytes that crossed it, in and out.
    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.line.read.get(), self.line.written.get())
    }

    fn poll_stamped(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let tcp = self.line.tcp.borrow();
        loop {
            ready!(tcp.poll_read_ready(cx))?;
            let into = buf.initialize_unfilled();
            let read = |control: &mut [u8]| tcp.try_io(Interest::READABLE, || receive(&*tcp, into, control));
            match self.meter.with_control(read) {
                Ok((n, stamp)) => {
                    buf.advance(n);
                    if let Some(stamp) = stamp.filter(|_| n > 0) {
                        let at = Clock::Monotonic.now();
                        self.meter.delayed(at, (at + wall_ahead()) - Nanos(stamp));
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.meter.add(self.line.closed());
        self.meter.leave(self.slot);
        if self.stamped {
            self.meter.stamped(false);
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = match self.stamped {
            false => Pin::new(&mut *self.line.tcp.borrow_mut()).poll_read(cx, buf),
            true => self.poll_stamped(cx, buf),
        };
        if let Poll::Ready(Ok(())) = done {
            self.line.read.set(self.line.read.get() + (buf.filled().len() - before) as u64);
        }
        done
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut *self.line.tcp.borrow_mut()).poll_write(cx, bytes);
        if let Poll::Ready(Ok(n)) = done {
            self.line.written.set(self.line.written.get() + n as u64);
        }
        done
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.line.tcp.borrow_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.line.tcp.borrow_mut()).poll_shutdown(cx)
    }
}
