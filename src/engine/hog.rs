//! Takes CPU away from the generator on purpose, to see whether the verdict notices (`selftest`).
//!
//! Never runs in a measurement that somebody did not ask to be spoiled.

use super::cores::pin_this_thread;
use crate::clock::{self, Clock};
use crate::model::Nanos;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// The share is kept over each stretch of this length.
const STRETCH: Nanos = Nanos::from_millis(20);

/// A thread that burns a share of one core until it is dropped.
#[derive(Debug)]
pub(super) struct Hog {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Hog {
    /// Burns `share` (0.0..=1.0) of this core, or of any when none is given.
    pub(super) fn start(share: f64, core: Option<usize>) -> Hog {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("hog".to_owned()).spawn(move || {
            pin_this_thread(core);
            while !seen.load(Ordering::Relaxed) {
                burn(share.clamp(0.0, 1.0));
            }
        });
        // Without a thread nothing is starved, and who asked for it will see that.
        Hog { stop, thread: thread.ok() }
    }
}

/// One stretch: by its own CPU clock, so that what others take of the core is not counted as burnt.
fn burn(share: f64) {
    let (begun, cpu) = (Clock::Monotonic.now(), clock::thread_cpu());
    let wanted = Nanos((STRETCH.0 as f64 * share) as u64);
    while clock::thread_cpu() - cpu < wanted {
        std::hint::spin_loop();
    }
    clock::sleep_blocking((begun + STRETCH) - Clock::Monotonic.now());
}

impl Drop for Hog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends within a stretch, and has nothing to say.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_burns_its_share_and_no_more() {
        let cpu = clock::thread_cpu();
        (0..5).for_each(|_| burn(0.25));
        let burnt = clock::thread_cpu() - cpu;
        let wanted = Nanos((STRETCH * 5).0 / 4);
        assert!(burnt >= wanted && burnt < wanted * 2, "{burnt} instead of {wanted}");
    }

    #[test]
    fn it_ends_when_it_is_dropped() {
        let hog = Hog::start(1.0, None);
        let stop = Arc::clone(&hog.stop);
        drop(hog);
        assert_eq!(Arc::strong_count(&stop), 1, "its thread is gone");
    }
}
