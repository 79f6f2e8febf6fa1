//! Into the stdin of a program that publishes: a line of channel, tab and message for each, written
//! when it is due.
//!
//! A message counts as acknowledged when the pipe has taken its line. A pipe that takes nothing is
//! full: the program is behind, and the message is dropped and told, never written late.

use super::books::{Books, Desk, Job};
use super::{FeedChannel, Outlet};
use crate::model::{Failure, Nanos, Outcome};
use crate::transport::MessageMaker;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::{Poll, Waker};
use tokio::net::unix::pipe::Sender;
use tokio::task::JoinHandle;

/// The pipe.
pub(super) struct Pipe {
    fd: Sender,
    books: Rc<Books>,
    channels: Rc<[FeedChannel]>,
    message: RefCell<MessageMaker>,
    line: RefCell<Vec<u8>>,
    /// The line that was taken in part, how much of it, and when it was begun: the rest must follow,
    /// or the program would read half a line.
    under_way: Cell<Option<(Job, usize, Nanos)>>,
    ended: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    task: RefCell<Option<JoinHandle<()>>>,
}

impl Pipe {
    pub(super) fn new(fd: OwnedFd, (books, channels): Desk, message: MessageMaker) -> io::Result<Rc<Pipe>> {
        let pipe = Rc::new(Pipe {
            fd: Sender::from_owned_fd(fd)?,
            books,
            channels,
            message: RefCell::new(message),
            line: RefCell::default(),
            under_way: Cell::default(),
            ended: Cell::default(),
            waker: RefCell::default(),
            task: RefCell::default(),
        });
        *pipe.task.borrow_mut() = Some(tokio::task::spawn_local(Rc::clone(&pipe).finish_lines()));
        Ok(pipe)
    }

    /// Writes a line as far as the pipe takes it.
    fn write(&self, job: Job) {
        let started = self.books.place.now();
        let channel = &self.channels[job.channel];
        let mut message = self.message.borrow_mut();
        let mut line = self.line.borrow_mut();
        line.clear();
        line.extend_from_slice(channel.name.as_bytes());
        line.push(b'\t');
        line.extend_from_slice(self.books.message(&mut message, channel, job, started));
        line.push(b'\n');
        // Not through the runtime, which would first have to learn that there is room.
        match rustix::io::write(&self.fd, &line) {
            Ok(written) if written == line.len() => {
                self.books.settle(job, started, self.books.place.now(), Outcome::Good);
            }
            Ok(written) => {
                self.under_way.set(Some((job, written, started)));
                if let Some(waker) = self.waker.borrow_mut().take() {
                    waker.wake();
                }
            }
            Err(rustix::io::Errno::AGAIN) => self.books.give_up(job, Failure::PublishBacklog),
            Err(_) => {
                self.ended.set(true);
                self.books.give_up(job, Failure::PublisherEnded);
            }
        }
    }

    /// Writes the rest of lines that were taken in part.
    async fn finish_lines(self: Rc<Self>) {
        loop {
            let (job, from, started) = poll_fn(|cx| match self.under_way.get() {
                Some(under_way) => Poll::Ready(under_way),
                None => {
                    *self.waker.borrow_mut() = Some(cx.waker().clone());
                    Poll::Pending
                }
            })
            .await;
            if self.fd.writable().await.is_err() {
                return;
            }
            let written = self.fd.try_write(&self.line.borrow()[from..]);
            let whole = self.line.borrow().len();
            let outcome = match written {
                Ok(n) if from + n == whole => Outcome::Good,
                Ok(n) => {
                    self.under_way.set(Some((job, from + n, started)));
                    continue;
                }
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                    continue;
                }
                Err(_) => {
                    self.ended.set(true);
                    Outcome::Failed(Failure::PublisherEnded)
                }
            };
            self.under_way.set(None);
            self.books.settle(job, started, self.books.place.now(), outcome);
        }
    }
}

impl Outlet for Pipe {
    fn give(self: Rc<Self>, job: Job) {
        if self.ended.get() {
            self.books.give_up(job, Failure::PublisherEnded);
        } else if self.under_way.get().is_some() {
            self.books.give_up(job, Failure::PublishBacklog);
        } else {
            self.write(job);
        }
    }

    fn open(&self) -> Vec<Job> {
        self.under_way.get().map(|(job, ..)| job).into_iter().collect()
    }

    fn abort(&self) {
        self.task.borrow().iter().for_each(JoinHandle::abort);
    }
}
