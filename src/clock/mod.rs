//! The only reader of time.
//!
//! One monotonic clock for every process of a host, so that a stamp written by one process can be
//! read by another. Tests pause it: a paused clock follows tokio's paused time.

mod line;
mod timer;

pub use line::{ClockLine, LiveLine};
pub use timer::{Timer, sleep_blocking};

use crate::model::Nanos;

/// Reads the time. Copy it freely; every copy tells the same time.
#[derive(Clone, Copy, Debug, Default)]
pub enum Clock {
    /// `CLOCK_MONOTONIC`: nanoseconds since boot, the same in all processes, never set back.
    #[default]
    Monotonic,
    /// Tokio's (paused) time since `origin`: for exact tests.
    Paused {
        /// Where zero is.
        origin: tokio::time::Instant,
    },
}

impl Clock {
    /// A clock for a test under `start_paused`, which begins at one second.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn paused() -> Clock {
        Clock::Paused { origin: tokio::time::Instant::now() }
    }

    /// Now. About 25-50 ns; never blocks.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(self) -> Nanos {
        match self {
            Clock::Monotonic => {
                let t = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
                Nanos(t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64)
            }
            Clock::Paused { origin } => {
                Nanos::SECOND + Nanos::from(tokio::time::Instant::now().duration_since(origin))
            }
        }
    }
}

/// CPU time that the calling thread has used so far.
pub fn thread_cpu() -> Nanos {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Nanos(t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64)
}

/// What wall-clock time (`CLOCK_REALTIME`, since 1970) is ahead of the run's clock: for times that
/// others tell by it. Both are slewed alike, so it holds until somebody sets the clock.
pub fn wall_ahead() -> Nanos {
    let wall = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    let wall = Nanos(wall.tv_sec as u64 * 1_000_000_000 + wall.tv_nsec as u64);
    wall - Clock::Monotonic.now()
}

/// Wall-clock time in UTC: for names and manifests, never for measuring.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn utc_now() -> jiff::Timestamp {
    jiff::Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}
