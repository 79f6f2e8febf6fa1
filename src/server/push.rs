//! Delivery: whoever publishes writes straight to the subscribers' sockets.
//!
//! A subscriber that keeps up costs one system call a message and no wake-up of its task. What a
//! socket does not take waits in a bounded queue that the connection's own task empties; beyond the
//! bound the client is disconnected and counted. Nothing is dropped in silence.

use super::Server;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

/// What a queued piece costs beside its bytes, so that many tiny ones are bounded as well.
const PIECE_COST: usize = 32;
/// Pieces handed to one write while a queue is emptied.
const PIECES_A_WRITE: usize = 32;

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes on.
    Open,
    /// Its last bytes are written or queued; then it ends in due form.
    Closing,
    /// It failed, or the client did not read: it ends now.
    Lost,
}

/// The side of a connection that others may write to.
pub(super) struct Connection {
    socket: OwnedWriteHalf,
    server: Rc<Server>,
    queue: RefCell<Queue>,
    waker: RefCell<Option<Waker>>,
    fate: Cell<Fate>,
    /// A long poll is held and not answered yet.
    held: Cell<bool>,
    /// The task has something to do as soon as the held request is answered.
    eager: Cell<bool>,
}

impl Connection {
    /// Takes the writing half.
    pub(super) fn new(socket: OwnedWriteHalf, server: Rc<Server>) -> Connection {
        Connection {
            socket,
            server,
            queue: RefCell::default(),
            waker: RefCell::default(),
            fate: Cell::new(Fate::Open),
            held: Cell::new(false),
            eager: Cell::new(false),
        }
    }

    /// The server it belongs to.
    pub(super) fn server(&self) -> &Rc<Server> {
        &self.server
    }

    /// The socket, for its options.
    pub(super) fn socket(&self) -> &TcpStream {
        self.socket.as_ref()
    }

    /// How it stands.
    pub(super) fn fate(&self) -> Fate {
        self.fate.get()
    }

    /// Sends an answer. Not bounded: the next request is read only when this is written. `false`
    /// when the client is or was disconnected.
    pub(super) fn send(&self, bytes: &[u8]) -> bool {
        self.offer(bytes, usize::MAX, |taken| (Rc::from(&bytes[taken..]), 0))
    }

    /// Delivers a frame that all subscribers share. `false` when the client is or was disconnected.
    pub(super) fn push(&self, frame: &Rc<[u8]>) -> bool {
        let limit = self.server.config.queue_bytes;
        self.offer(frame, limit, |taken| (Rc::clone(frame), taken))
    }

    /// Sends the last bytes; the task then ends the connection.
    pub(super) fn send_last(&self, bytes: &[u8]) {
        if self.send(bytes) {
            self.fate.set(Fate::Closing);
            self.wake();
        }
    }

    fn offer(&self, bytes: &[u8], limit: usize, rest: impl FnOnce(usize) -> Piece) -> bool {
        if self.fate.get() != Fate::Open {
            return false;
        }
        let mut queue = self.queue.borrow_mut();
        let taken = match queue.pieces.is_empty() {
            true => self.written(self.socket.try_write(bytes)),
            false => Ok(0),
        };
        match taken {
            Ok(n) if n == bytes.len() => return true,
            Ok(n) if queue.cost + bytes.len() - n <= limit => {
                queue.add(rest(n));
                self.wake();
                return true;
            }
            Ok(_) => self.server.stats.slow_dropped.add(1),
            Err(_) => {}
        }
        *queue = Queue::default();
        self.fate.set(Fate::Lost);
        self.wake();
        false
    }

    /// Counts what a write took; a full socket took nothing.
    fn written(&self, result: io::Result<usize>) -> io::Result<usize> {
        match result {
            Ok(n) => {
                self.server.stats.bytes_written.add(n as u64);
                Ok(n)
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(e) => Err(e),
        }
    }

    /// Writes what is queued; ready when all is written. For the connection's task only.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut queue = self.queue.borrow_mut();
            if queue.pieces.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let result = self.socket.try_write_vectored(&queue.slices());
            match self.written(result)? {
                0 => {
                    drop(queue);
                    ready!(self.socket().poll_write_ready(cx))?;
                }
                n => queue.advance(n),
            }
        }
    }

    /// Remembers the task to wake when others leave something to do.
    pub(super) fn register(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        match waker.as_mut() {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        }
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// A long poll waits from now; `eager`: wake the task when it is answered.
    pub(super) fn hold(&self, eager: bool) {
        self.held.set(true);
        self.eager.set(eager);
    }

    /// Whether the long poll still waits.
    pub(super) fn is_held(&self) -> bool {
        self.held.get()
    }

    /// The long poll waits no more; sends its answer.
    pub(super) fn release(&self, answer: &[u8]) -> bool {
        self.held.set(false);
        if self.eager.get() {
            self.wake();
        }
        self.send(answer)
    }
}

/// Bytes, and how many of them are written already.
type Piece = (Rc<[u8]>, usize);

#[derive(Default)]
struct Queue {
    pieces: VecDeque<Piece>,
    cost: usize,
}

impl Queue {
    fn add(&mut self, piece: Piece) {
        self.cost += piece.0.len() - piece.1 + PIECE_COST;
        self.pieces.push_back(piece);
    }

    fn slices(&self) -> Vec<IoSlice<'_>> {
        self.pieces.iter().take(PIECES_A_WRITE).map(|(bytes, start)| IoSlice::new(&bytes[*start..])).collect()
    }

    fn advance(&mut self, mut n: usize) {
        while let Some((bytes, start)) = self.pieces.front_mut() {
            let left = bytes.len() - *start;
            if n < left {
                *start += n;
                self.cost -= n;
                return;
            }
            n -= left;
            self.cost -= left + PIECE_COST;
            self.pieces.pop_front();
        }
        // A client that lagged once is not to hold memory for ever.
        self.pieces = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_counts_what_it_holds() {
        let mut queue = Queue::default();
        queue.add((Rc::from(*b"abcd"), 1));
        queue.add((Rc::from(*b"efg"), 0));
        assert_eq!(queue.cost, 6 + 2 * PIECE_COST);
        queue.advance(4);
        assert_eq!(queue.cost, 2 + PIECE_COST);
        assert_eq!(&*queue.slices()[0], b"fg");
        queue.advance(2);
        assert_eq!((queue.cost, queue.pieces.capacity()), (0, 0));
    }
}
