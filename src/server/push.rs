//! Delivery: whoever publishes writes straight to the subscribers' sockets.
//!
//! A subscriber that keeps up costs one system call a message and no wake-up of its task. What a
//! socket does not take waits in a bounded queue that the connection's own task empties; beyond the
//! bound the client is disconnected and counted. Nothing is dropped in silence. Over TLS the bytes
//! are encrypted before they are written or queued; everything else is the same.

use super::Server;
use super::farewell::Farewell;
use super::input::Input;
use super::tls::Tls;
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
    /// Taken only when this is dropped.
    socket: Option<OwnedWriteHalf>,
    server: Rc<Server>,
    /// Decided once, when it was accepted.
    tls: Option<Box<Tls>>,
    queue: RefCell<Queue>,
    waker: RefCell<Option<Waker>>,
    fate: Cell<Fate>,
    /// A long poll or a stream is held: its answer is not complete yet.
    held: Cell<bool>,
    /// The task has something to do as soon as the held request is answered.
    eager: Cell<bool>,
    /// What a graceful restart says here.
    farewell: Cell<Farewell>,
}

impl Connection {
    /// Takes the writing half.
    pub(super) fn new(socket: OwnedWriteHalf, server: Rc<Server>, tls: Option<Box<Tls>>) -> Connection {
        Connection {
            socket: Some(socket),
            server,
            tls,
            queue: RefCell::default(),
            waker: RefCell::default(),
            fate: Cell::new(Fate::Open),
            held: Cell::new(false),
            eager: Cell::new(false),
            farewell: Cell::new(Farewell::Reset),
        }
    }

    /// The server it belongs to.
    pub(super) fn server(&self) -> &Rc<Server> {
        &self.server
    }

    /// The socket, for its options.
    pub(super) fn socket(&self) -> &TcpStream {
        self.socket.as_ref().expect("taken only by drop").as_ref()
    }

    /// Its TLS session.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
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

    /// Delivers bytes that all subscribers of a kind share. `false` when the client is or was
    /// disconnected.
    pub(super) fn push(&self, bytes: &Rc<[u8]>) -> bool {
        let limit = self.server.config.queue_bytes;
        self.offer(bytes, limit, |taken| (Rc::clone(bytes), taken))
    }

    /// Sends the last bytes; the task then ends the connection.
    pub(super) fn send_last(&self, bytes: &[u8]) {
        if self.send(bytes) {
            self.fate.set(Fate::Closing);
            self.wake();
        }
    }

    /// Ends the connection now, without a word.
    pub(super) fn lose(&self) {
        *self.queue.borrow_mut() = Queue::default();
        self.fate.set(Fate::Lost);
        self.wake();
    }

    fn offer(&self, bytes: &[u8], limit: usize, rest: impl FnOnce(usize) -> Piece) -> bool {
        if self.fate.get() != Fate::Open {
            return false;
        }
        match &self.tls {
            None => self.put(bytes, limit, rest),
            Some(tls) => self.put_sealed(limit, |out| tls.seal(bytes, out)),
        }
    }

    /// Puts what TLS makes: it belongs to this connection alone and cannot be shared.
    fn put_sealed(&self, limit: usize, make: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut sealed = self.server.sealed.borrow_mut();
        sealed.clear();
        make(&mut sealed);
        self.put(&sealed, limit, |taken| (Rc::from(&sealed[taken..]), 0))
    }

    /// Takes in what was read over TLS, and answers what TLS itself has to answer; whether more
    /// may come.
    pub(super) fn receive(&self, tls: &Tls, sealed: &[u8], input: &mut Input) -> bool {
        let mut more = false;
        self.put_sealed(usize::MAX, |out| more = tls.open(sealed, input, out));
        more
    }

    /// Says over TLS that nothing more will come; over plain TCP the end of the stream says it.
    pub(super) fn close_tls(&self) {
        if let Some(tls) = &self.tls {
            self.put_sealed(usize::MAX, |out| tls.close(out));
        }
    }

    fn put(&self, bytes: &[u8], limit: usize, rest: impl FnOnce(usize) -> Piece) -> bool {
        let mut queue = self.queue.borrow_mut();
        let taken = match queue.pieces.is_empty() {
            true if bytes.is_empty() => return true,
            true => self.written(self.socket().try_write(bytes)),
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
        drop(queue);
        self.lose();
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
            let result = self.socket().try_write_vectored(&queue.slices());
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

    /// A long poll or a stream is held from now; `eager`: wake the task when it is answered.
    pub(super) fn hold(&self, eager: bool) {
        self.held.set(true);
        self.eager.set(eager);
    }

    /// Whether it still is.
    pub(super) fn is_held(&self) -> bool {
        self.held.get()
    }

    /// The held answer is complete.
    pub(super) fn let_go(&self) {
        self.held.set(false);
        if self.eager.get() {
            self.wake();
        }
    }

    /// Completes the held answer with these bytes.
    pub(super) fn release(&self, answer: &[u8]) -> bool {
        self.let_go();
        self.send(answer)
    }

    /// Whether all that was sent is written.
    pub(super) fn is_flushed(&self) -> bool {
        self.queue.borrow().pieces.is_empty()
    }

    /// What a graceful restart will say here from now on.
    pub(super) fn set_farewell(&self, farewell: Farewell) {
        self.farewell.set(farewell);
    }

    /// The server goes down, and in due form if `gracefully`, where there is one.
    pub(super) fn interrupt(&self, gracefully: bool) {
        let goodbye = if gracefully { self.farewell.get().bytes(self.held.get()) } else { None };
        match goodbye {
            Some(goodbye) if self.fate.get() == Fate::Open => self.send_last(&goodbye),
            // Its goodbye was said already.
            _ if gracefully && self.fate.get() == Fate::Closing => {}
            _ => self.lose(),
        }
    }
}

impl Drop for Connection {
    /// Dropping the half says in due form that nothing more will come; a lost connection is to be
    /// reset instead, or its client would take what it has for all there was.
    fn drop(&mut self) {
        if let Some(half) = self.socket.take().filter(|_| self.fate.get() == Fate::Lost) {
            half.forget();
        }
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
