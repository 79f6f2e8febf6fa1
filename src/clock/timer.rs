//! Wake-ups on time: one timerfd for each worker, because tokio's own timers step in milliseconds.

use super::Clock;
use crate::model::Nanos;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::io::unix::AsyncFd;

/// Wake-ups are gathered into steps of this length, which halves their CPU cost against exact ones;
/// `pace::GRID` is the same, so that due times fall on the steps;
/// a wake-up comes at most one step after it was due, never before.
const QUANTUM: Nanos = Nanos::from_micros(100);

/// Sleeps until instants of the run's clock. One for each worker thread; clones share it.
#[derive(Clone)]
pub struct Timer {
    clock: Clock,
    shared: Rc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: RefCell<BTreeMap<(Nanos, u64), Waker>>,
    next_id: Cell<u64>,
    /// What the timerfd is set to; `Nanos::MAX` when it is not set.
    armed: Cell<Nanos>,
    fd: Option<AsyncFd<OwnedFd>>,
}

impl Timer {
    /// A timer whose driver runs as a local task of the current thread's runtime.
    ///
    /// # Errors
    /// When the kernel gives no timerfd (out of descriptors).
    #[expect(deprecated, reason = "sound here: an OwnedFd keeps its descriptor for as long as it lives")]
    pub fn start(clock: Clock) -> io::Result<Timer> {
        let fd = match clock {
            Clock::Monotonic => {
                let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
                Some(AsyncFd::try_new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?)
            }
            Clock::Paused { .. } => None,
        };
        let shared = Rc::new(Shared { fd, armed: Cell::new(Nanos::MAX), ..Shared::default() });
        if shared.fd.is_some() {
            let driven = Rc::downgrade(&shared);
            tokio::task::spawn_local(async move {
                while let Some(shared) = driven.upgrade() {
                    if shared.expire(clock).await.is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Timer { clock, shared })
    }

    /// The clock it goes by.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Comes back at `due` or up to 100 us after it; at once when `due` has passed.
    /// Cancel-safe.
    pub async fn sleep_until(&self, due: Nanos) {
        if let Clock::Paused { .. } = self.clock {
            #[expect(clippy::disallowed_methods, reason = "paused time is tokio's")]
            tokio::time::sleep((due - self.clock.now()).into()).await;
            return;
        }
        Sleep { timer: self, due, id: None }.await;
    }

    /// Comes back after `span`.
    pub async fn sleep(&self, span: Nanos) {
        self.sleep_until(self.clock.now() + span).await;
    }

    /// Runs `work` but gives up at `deadline`: `None` then. Cancel-safe when `work` is.
    pub async fn until<T>(&self, deadline: Nanos, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.sleep_until(deadline) => None,
        }
    }
}

impl Shared {
    /// Waits for the timerfd and wakes all that are due.
    async fn expire(&self, clock: Clock) -> io::Result<()> {
        let Some(fd) = &self.fd else { return std::future::pending().await };
        let mut ready = fd.readable().await?;
        let mut ticks = [0_u8; 8];
        // An empty read only means that the timer was set anew meanwhile.
        let _ = rustix::io::read(fd.get_ref(), &mut ticks);
        ready.clear_ready();
        self.armed.set(Nanos::MAX);
        let now = clock.now();
        loop {
            let first =
                self.waiting.borrow_mut().first_entry().and_then(|e| (e.key().0 <= now).then(|| e.remove()));
            let Some(waker) = first else { break };
            waker.wake();
        }
        self.arm();
        Ok(())
    }

    fn arm(&self) {
        let Some(&(due, _)) = self.waiting.borrow().keys().next() else { return };
        let at = Nanos(due.0.div_ceil(QUANTUM.0).saturating_mul(QUANTUM.0));
        if at >= self.armed.get() {
            return;
        }
        let Some(fd) = &self.fd else { return };
        let value =
            Timespec { tv_sec: (at.0 / 1_000_000_000) as i64, tv_nsec: (at.0 % 1_000_000_000) as i64 };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        if timerfd_settime(fd.get_ref(), TimerfdTimerFlags::ABSTIME, &once).is_ok() {
            self.armed.set(at);
        }
    }
}

struct Sleep<'a> {
    timer: &'a Timer,
    due: Nanos,
    id: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = &self.timer.shared;
        if let Some(id) = self.id {
            return match shared.waiting.borrow_mut().get_mut(&(self.due, id)) {
                Some(waker) => {
                    waker.clone_from(cx.waker());
                    Poll::Pending
                }
                None => Poll::Ready(()),
            };
        }
        if self.due <= self.timer.clock.now() {
            return Poll::Ready(());
        }
        let id = shared.next_id.get();
        shared.next_id.set(id + 1);
        shared.waiting.borrow_mut().insert((self.due, id), cx.waker().clone());
        shared.arm();
        self.id = Some(id);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.timer.shared.waiting.borrow_mut().remove(&(self.due, id));
        }
    }
}

/// Blocks the thread for `span`: for control threads, never on a worker.
pub fn sleep_blocking(span: Nanos) {
    std::thread::sleep(span.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_a_worker<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, work)
    }

    #[test]
    fn wakes_in_order_and_never_early() {
        on_a_worker(async {
            let timer = Timer::start(Clock::Monotonic).unwrap();
            let base = timer.clock().now();
            let woken = Rc::new(RefCell::new(Vec::new()));
            let tasks: Vec<_> = [30_u64, 10, 20]
                .into_iter()
                .map(|ms| {
                    let (timer, woken) = (timer.clone(), Rc::clone(&woken));
                    tokio::task::spawn_local(async move {
                        let due = base + Nanos::from_millis(ms);
                        timer.sleep_until(due).await;
                        assert!(timer.clock().now() >= due);
                        woken.borrow_mut().push(ms);
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(*woken.borrow(), [10, 20, 30]);
        });
    }

    #[test]
    fn a_dropped_sleep_leaves_nothing_behind() {
        on_a_worker(async {
            let timer = Timer::start(Clock::Monotonic).unwrap();
            let far = timer.clock().now() + Nanos::SECOND * 1_000;
            let near = timer.clock().now() + Nanos::from_millis(1);
            assert!(timer.until(near, timer.sleep_until(far)).await.is_none());
            assert!(timer.shared.waiting.borrow().is_empty());
        });
    }
}
