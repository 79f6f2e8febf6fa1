//! One exact wake-up: a timerfd of its own, without the steps that [`crate::clock::Timer`] gathers
//! its wake-ups into.

use crate::clock::Clock;
use crate::model::Nanos;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use tokio::io::unix::AsyncFd;

/// A thread that slept runs some 30 to 80 us after its timer: so much sooner it is woken, and then looks
/// at the clock in turns with whatever else there is to do.
const EARLY: Nanos = Nanos::from_micros(80);

/// Waits for one instant at a time.
pub(super) struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    /// Inside a runtime.
    ///
    /// # Errors
    /// The kernel gives no timerfd (out of descriptors).
    #[expect(deprecated, reason = "sound here: an OwnedFd keeps its descriptor for as long as it lives")]
    pub(super) fn new() -> io::Result<Alarm> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Alarm(AsyncFd::try_new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?))
    }

    /// Comes back at `due` on the monotonic clock, never before; one caller at a time. Cancel-safe.
    ///
    /// # Errors
    /// The timerfd is of no use.
    pub(super) async fn until(&self, due: Nanos) -> io::Result<()> {
        let woken = due - EARLY;
        while Clock::Monotonic.now() < woken {
            let (tv_sec, tv_nsec) = ((woken.0 / 1_000_000_000) as i64, (woken.0 % 1_000_000_000) as i64);
            let it_value = Timespec { tv_sec, tv_nsec };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::ABSTIME, &once)?;
            let mut ready = self.0.readable().await?;
            // An empty read only means that it was set anew meanwhile.
            let _ = rustix::io::read(self.0.get_ref(), &mut [0_u8; 8]);
            ready.clear_ready();
        }
        while Clock::Monotonic.now() < due {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}
