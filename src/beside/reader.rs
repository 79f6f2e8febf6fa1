//! The one thread that reads. Whoever wants a reading waits for its turn.

use crate::model::Cost;
use crate::probe::{Depth, Probe};
use std::io;
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait; beyond, somebody is told to come again.
const MOST_WAITING: usize = 16;

/// What a turn brought.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// The reading, or why there is none.
    pub(super) cost: Result<Cost, String>,
    /// What is read.
    pub(super) found: Vec<String>,
    /// What could not be.
    pub(super) warnings: Vec<String>,
}

/// Why there was no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    /// The probe hangs, or too many ask.
    #[error("{MOST_WAITING} questions wait already: the probe hangs, or too many ask; come again")]
    Busy,
    /// The thread is gone.
    #[error("the thread that reads has ended")]
    Ended,
}

struct Turn {
    depth: Depth,
    taken: oneshot::Sender<Taken>,
}

/// The thread, from outside. It ends with this value, or never if the probe hangs.
pub(super) struct Reader(mpsc::Sender<Turn>);

impl Reader {
    /// Puts the probe on its thread.
    pub(super) fn start(mut probe: Box<dyn Probe>) -> io::Result<Reader> {
        let (turns, mut waiting) = mpsc::channel::<Turn>(MOST_WAITING);
        std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
            while let Some(turn) = waiting.blocking_recv() {
                // Who has gone away meanwhile costs the target nothing.
                if turn.taken.is_closed() {
                    continue;
                }
                let cost = probe.read(turn.depth).map_err(|e| e.to_string());
                let taken = Taken { cost, found: probe.found(), warnings: probe.warnings() };
                let _ = turn.taken.send(taken);
            }
        })?;
        Ok(Reader(turns))
    }

    /// One reading, when its turn has come. Cancel-safe: who no longer waits is passed over.
    pub(super) async fn read(&self, depth: Depth) -> Result<Taken, Unread> {
        let (taken, told) = oneshot::channel();
        self.0.try_send(Turn { depth, taken }).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => Unread::Busy,
            mpsc::error::TrySendError::Closed(_) => Unread::Ended,
        })?;
        told.await.map_err(|_| Unread::Ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::probe::ProbeError;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll, Waker};

    /// Reads only while nobody else holds the lock; knows how many read at a time.
    struct Locked(Arc<Mutex<()>>, Arc<AtomicU32>);

    impl Probe for Locked {
        fn read(&mut self, _: Depth) -> Result<Cost, ProbeError> {
            let _held = self.0.lock().unwrap();
            let n = self.1.fetch_add(1, Ordering::Relaxed);
            Ok(Cost { at: Clock::Monotonic.now(), processes: n, ..Cost::default() })
        }

        fn found(&self) -> Vec<String> {
            vec!["7 it".to_owned()]
        }
    }

    fn reader() -> (Reader, Arc<Mutex<()>>, Arc<AtomicU32>) {
        let (lock, count) = (Arc::default(), Arc::default());
        let probe = Locked(Arc::clone(&lock), Arc::clone(&count));
        (Reader::start(Box::new(probe)).unwrap(), lock, count)
    }

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    #[test]
    fn everybody_has_a_reading_of_its_own_one_after_the_other() {
        let (reader, _, _) = reader();
        let mut seen = block_on(async {
            let (a, b, c) = tokio::join!(
                reader.read(Depth::Light),
                reader.read(Depth::Full),
                reader.read(Depth::Thorough)
            );
            [a, b, c].map(|taken| taken.unwrap().cost.unwrap().processes)
        });
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
    }

    #[test]
    fn a_probe_that_hangs_gathers_no_endless_queue_and_forgets_who_has_gone() {
        let (reader, lock, count) = reader();
        let mut cx = Context::from_waker(Waker::noop());
        let held = lock.lock().unwrap();
        // One of them may be with the probe already; two more than wait are one too many in any case.
        let mut all: Vec<_> = (0..MOST_WAITING + 2).map(|_| Box::pin(reader.read(Depth::Light))).collect();
        let first: Vec<_> = all.iter_mut().map(|one| one.as_mut().poll(&mut cx)).collect();
        assert!(matches!(first.last(), Some(Poll::Ready(Err(Unread::Busy)))), "{first:?}");
        drop(all);
        drop(held);
        while block_on(reader.read(Depth::Light)).is_err() {
            std::thread::yield_now();
        }
        assert!(count.load(Ordering::Relaxed) <= 2, "those who had gone were read for");
    }
}
