//! Wake-ups on time: one timerfd for each worker, because tokio's own timers step in milliseconds.
//!
//! Two grades. [`Timer::sleep_until`] is for everybody: gathered into steps, so that a thousand
//! clients cost one wake-up. [`Timer::sleep_until_exactly`] is for publishers: a core that has gone to
//! sleep takes 30 to 150 us to come back (more in a virtual machine, which has to ask its host), and
//! no timer setting changes that. So it rings early, and the rest is waited for awake.

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

/// Ordinary wake-ups are gathered into steps of this length, which halves their CPU cost against exact
/// ones; a wake-up comes at most one step after it was due, never before.
const QUANTUM: Nanos = Nanos::from_micros(100);

/// An exact wake-up rings at most so long before its time: as long as a core takes to come back from
/// sleep.
const LEAD_MAX: Nanos = Nanos::from_micros(150);

/// ... and at most this part of the time that there is to wait, so that waiting awake never costs
/// more than 1/20 of a core. Short waits need less: the core has not gone deep into its sleep.
const LEAD_PART: u64 = 20;

/// How long before its time an exact wake-up rings, with so long to wait.
fn lead(wait: Nanos) -> Nanos {
    LEAD_MAX.min(Nanos(wait.0 / LEAD_PART))
}

/// Sleeps until instants of the run's clock. One for each worker thread; clones share it.
#[derive(Clone)]
pub struct Timer {
    clock: Clock,
    shared: Rc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// By the instant at which they are to be woken.
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
        let at = Nanos(due.0.div_ceil(QUANTUM.0).saturating_mul(QUANTUM.0));
        Sleep { timer: self, at, id: None }.await;
    }

    /// Comes back at `due`, as exactly as this loop can: within a few microseconds when nothing else
    /// is ready. Waits the last part awake, but lets every other task of the loop have its turns
    /// meanwhile; costs at most 1/20 of a core. Cancel-safe.
    pub async fn sleep_until_exactly(&self, due: Nanos) {
        if let Clock::Paused { .. } = self.clock {
            return self.sleep_until(due).await;
        }
        let wait = due - self.clock.now();
        Sleep { timer: self, at: due - lead(wait), id: None }.await;
        while self.clock.now() < due {
            tokio::task::yield_now().await;
        }
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
        // Not read: the next setting clears it, and readiness is told by edges.
        fd.readable().await?.clear_ready();
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
        let Some(&(at, _)) = self.waiting.borrow().keys().next() else { return };
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
    at: Nanos,
    id: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = &self.timer.shared;
        if let Some(id) = self.id {
            return match shared.waiting.borrow_mut().get_mut(&(self.at, id)) {
                Some(waker) => {
                    waker.clone_from(cx.waker());
                    Poll::Pending
                }
                None => Poll::Ready(()),
            };
        }
        if self.at <= self.timer.clock.now() {
            return Poll::Ready(());
        }
        let id = shared.next_id.get();
        shared.next_id.set(id + 1);
        shared.waiting.borrow_mut().insert((self.at, id), cx.waker().clone());
        shared.arm();
        self.id = Some(id);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.timer.shared.waiting.borrow_mut().remove(&(self.at, id));
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
    fn exact_wake_ups_are_never_early_and_others_have_their_turns_meanwhile() {
        on_a_worker(async {
            let timer = Timer::start(Clock::Monotonic).unwrap();
            let turns = Rc::new(Cell::new(0_u32));
            let busy = Rc::clone(&turns);
            let other = tokio::task::spawn_local(async move {
                loop {
                    busy.set(busy.get() + 1);
                    tokio::task::yield_now().await;
                }
            });
            for us in [5, 50, 500, 5_000] {
                let due = timer.clock().now() + Nanos::from_micros(us);
                let before = turns.get();
                timer.sleep_until_exactly(due).await;
                assert!(timer.clock().now() >= due);
                assert!(us < 500 || turns.get() > before, "nobody else ran for {us} us");
            }
            other.abort();
            assert!(timer.shared.waiting.borrow().is_empty());
        });
    }

    #[test]
    fn waiting_awake_is_a_small_part_of_waiting() {
        assert_eq!(lead(Nanos::SECOND), LEAD_MAX);
        assert_eq!(lead(Nanos::from_micros(1_000)), Nanos::from_micros(50));
        assert_eq!(lead(Nanos::from_micros(50)), Nanos(2_500));
        assert_eq!(lead(Nanos::ZERO), Nanos::ZERO);
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
