//! Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends at once, and what was
//! started with us.

use super::process;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Whether somebody asked to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    signal: Arc<AtomicI32>,
}

impl Interrupt {
    /// One that no signal triggers.
    pub fn never() -> Interrupt {
        Interrupt::default()
    }

    /// Listens for SIGINT and SIGTERM on a thread of its own.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn on_signals() -> io::Result<Interrupt> {
        let interrupt = Interrupt::default();
        let seen = interrupt.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (int, term) = {
            let _guard = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(seen.watch(int, term)))?;
        Ok(interrupt)
    }

    async fn watch(self, mut int: Signal, mut term: Signal) {
        loop {
            let number = tokio::select! {
                _ = int.recv() => 2,
                _ = term.recv() => 15,
            };
            if self.signal.swap(number, Ordering::Relaxed) != 0 {
                process::kill_started_and_exit(128 + number);
            }
        }
    }

    /// Asks for an orderly end, as the signal with this number would.
    pub fn request(&self, number: i32) {
        self.signal.store(number, Ordering::Relaxed);
    }

    /// Whether an end was asked for.
    pub fn requested(&self) -> bool {
        self.signal.load(Ordering::Relaxed) != 0
    }

    /// 130 after SIGINT, 143 after SIGTERM.
    pub fn exit_code(&self) -> Option<u8> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            n => u8::try_from(128 + n).ok(),
        }
    }
}
