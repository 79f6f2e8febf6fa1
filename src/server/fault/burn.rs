//! `burn`: a thread that uses up a share of one core, by its own CPU clock.

use super::FaultError;
use super::words::Words;
use crate::clock::{Clock, sleep_blocking, thread_cpu};
use crate::model::Nanos;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// How it is written.
pub(super) const FORM: &str = "burn SHARE";

/// Each turn burns its share first and sleeps for the rest: over a second the share is off by one
/// turn's at most.
const TURN: Nanos = Nanos::from_millis(2);
/// Where others kept it from its core for longer, it does not make up for it later.
const DEBT: Nanos = Nanos::from_millis(20);

/// Millionths of one core, of `burn 0.5`.
pub(super) fn read(mut words: Words<'_>) -> Result<u64, FaultError> {
    let share = words.millionths(("", 1e6, 1.0), "a share of one core such as 0.5 (above 0, at most 1)")?;
    words.end()?;
    Ok(share)
}

/// The thread; it ends when this is dropped.
pub(in crate::server) struct Burn {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    paused: AtomicBool,
}

impl Burn {
    /// Begins to burn `share_ppm` millionths of a core.
    ///
    /// # Errors
    /// No thread is to be had.
    pub(in crate::server) fn start(share_ppm: u64) -> io::Result<Burn> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("burn".into()).spawn(move || own.burn(share_ppm))?;
        Ok(Burn { shared, thread: Some(thread) })
    }

    /// Stands still, or goes on.
    pub(super) fn pause(&self, paused: bool) {
        self.shared.paused.store(paused, Ordering::Relaxed);
    }
}

impl Drop for Burn {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Nothing in it can panic.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn burn(&self, share_ppm: u64) {
        let (mut begun, mut turns) = (Start::now(), 0);
        while !self.over.load(Ordering::Relaxed) {
            turns += 1;
            let end = TURN * turns;
            let owed = Nanos((u128::from(end.0) * u128::from(share_ppm) / 1_000_000) as u64);
            let paused = self.spend(&begun, owed);
            let passed = begun.wall();
            if paused || passed > end + DEBT {
                (begun, turns) = (Start::now(), 0);
            } else if passed < end {
                sleep_blocking(end - passed);
            }
        }
    }

    /// Burns until `owed` is spent since the start; whether it was told to stand still meanwhile.
    fn spend(&self, begun: &Start, owed: Nanos) -> bool {
        while begun.cpu() < owed && !self.over.load(Ordering::Relaxed) {
            if self.paused.load(Ordering::Relaxed) {
                sleep_blocking(TURN);
                return true;
            }
            for _ in 0..200 {
                std::hint::spin_loop();
            }
        }
        false
    }
}

/// Both clocks of the thread when it began.
struct Start {
    wall: Nanos,
    cpu: Nanos,
}

impl Start {
    fn now() -> Start {
        Start { wall: Clock::Monotonic.now(), cpu: thread_cpu() }
    }

    fn wall(&self) -> Nanos {
        Clock::Monotonic.now() - self.wall
    }

    fn cpu(&self) -> Nanos {
        thread_cpu() - self.cpu
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_burns_no_more_than_its_share() {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let begun = Start::now();
            own.burn(250_000);
            (begun.wall(), begun.cpu())
        });
        sleep_blocking(Nanos::from_millis(300));
        shared.over.store(true, Ordering::Relaxed);
        let (wall, cpu) = thread.join().unwrap();
        // A busy machine may give it less, never more: one turn ahead, and its own looks at the clocks.
        assert!(cpu.0 > 0 && cpu.0 < wall.0 / 4 + 5_000_000, "{cpu} of {wall}");
    }
}
