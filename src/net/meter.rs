//! All connections of a worker, as the kernel counts them. One for subscribers, one for publishers.
//!
//! A connection costs it a slot of a list; a message costs it nothing: the kernel is asked when a
//! connection closes and at the ends of phases.

use super::kernel::stamp_buffer;
use super::socket::Line;
use crate::model::{Nanos, Sockets};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// Connections asked in a row before other tasks get their turn.
const IN_A_ROW: usize = 32;
/// Connections at a time whose bytes come with the kernel's own stamp.
const STAMPED: u32 = 16;
/// Most of these stamps kept between two hand-overs; what comes beyond is not taken.
const DELAYS: usize = 8192;

/// See the module.
#[derive(Default)]
pub struct Meter {
    lines: RefCell<Lines>,
    sums: Cell<Sockets>,
    stamps: Option<Stamps>,
}

#[derive(Default)]
struct Lines {
    all: Vec<Option<Weak<Line>>>,
    free: Vec<u32>,
}

/// For a sample of connections: how long what the kernel had received waited until we had read it.
struct Stamps {
    /// Connections that may still become one of the sample.
    left: Cell<u32>,
    /// When the read returned, and how long after the kernel's stamp that was.
    delays: RefCell<Vec<(Nanos, Nanos)>>,
    control: RefCell<Vec<u8>>,
}

impl Meter {
    /// One that has the kernel stamp what a sample of its connections receives: the first 16 of those
    /// open at a time. The others are read as ever.
    pub(super) fn stamping() -> Meter {
        let stamps = Stamps {
            left: Cell::new(STAMPED),
            delays: RefCell::new(Vec::with_capacity(DELAYS)),
            control: RefCell::new(stamp_buffer()),
        };
        Meter { stamps: Some(stamps), ..Meter::default() }
    }

    /// Adds what the kernel tells of every open connection, so that the sums are up to date. Lets other
    /// tasks run in between.
    pub async fn look(&self) {
        let mut next = 0;
        loop {
            let chunk: Vec<Rc<Line>> = {
                let lines = self.lines.borrow();
                let end = (next + IN_A_ROW).min(lines.all.len());
                lines.all[next..end].iter().flatten().filter_map(Weak::upgrade).collect()
            };
            chunk.iter().for_each(|line| self.add(line.segments()));
            next += IN_A_ROW;
            if next >= self.lines.borrow().all.len() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Hands over the sums since the last call.
    pub fn take(&self) -> Sockets {
        self.sums.take()
    }

    /// Hands over the delays since the last call: when a read returned, and how long after the kernel
    /// had received the last of its bytes that was.
    pub fn take_delays(&self, mut to: impl FnMut(Nanos, Nanos)) {
        if let Some(stamps) = &self.stamps {
            stamps.delays.borrow_mut().drain(..).for_each(|(at, delay)| to(at, delay));
        }
    }

    /// Bytes that the first `most` open connections have received and nobody has read yet. A system call
    /// for each.
    pub fn unread_bytes(&self, most: usize) -> u64 {
        let lines = self.lines.borrow();
        let open = lines.all.iter().flatten().filter_map(Weak::upgrade);
        open.take(most).map(|line| line.unread_bytes()).sum()
    }

    /// Connections that are open.
    pub fn open(&self) -> usize {
        let lines = self.lines.borrow();
        lines.all.len() - lines.free.len()
    }

    pub(super) fn add(&self, more: Sockets) {
        let mut sums = self.sums.get();
        sums += more;
        self.sums.set(sums);
    }

    pub(super) fn enter(&self, line: &Rc<Line>) -> u32 {
        let mut lines = self.lines.borrow_mut();
        let entry = Some(Rc::downgrade(line));
        if let Some(slot) = lines.free.pop() {
            lines.all[slot as usize] = entry;
            return slot;
        }
        lines.all.push(entry);
        lines.all.len() as u32 - 1
    }

    pub(super) fn leave(&self, slot: u32) {
        let mut lines = self.lines.borrow_mut();
        lines.all[slot as usize] = None;
        lines.free.push(slot);
    }

    /// Whether one more connection is to be one of the sample.
    pub(super) fn wants_stamps(&self) -> bool {
        self.stamps.as_ref().is_some_and(|s| s.left.get() > 0)
    }

    /// One of the sample came, or went.
    pub(super) fn stamped(&self, came: bool) {
        if let Some(stamps) = &self.stamps {
            let left = stamps.left.get();
            stamps.left.set(if came { left.saturating_sub(1) } else { left + 1 });
        }
    }

    /// Where the kernel puts its stamps, for one read.
    pub(super) fn with_control<T>(&self, read: impl FnOnce(&mut [u8]) -> T) -> T {
        match &self.stamps {
            Some(stamps) => read(&mut stamps.control.borrow_mut()),
            None => read(&mut []),
        }
    }

    pub(super) fn delayed(&self, at: Nanos, delay: Nanos) {
        if let Some(stamps) = &self.stamps {
            let mut delays = stamps.delays.borrow_mut();
            if delays.len() < delays.capacity() {
                delays.push((at, delay));
            }
        }
    }
}
