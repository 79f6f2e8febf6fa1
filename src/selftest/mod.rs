//! The proof: known faults are injected into real runs, and what comes out is held against what went
//! in, each time within a bound that is stated beforehand.
//!
//! A part plays scenarios through the real engine against the real bundled server, which does a known
//! thing wrong, or through a relay that does what the server cannot. It must not print, and must not
//! be lenient: no bound depends on the machine, and a part that failed on a busy machine is done again and shown with
//! every attempt, never repeated in silence.

mod bench;
mod build;
mod check;
mod exact;
mod flights;
mod helper;
mod outcome;
mod part;
mod parts;
mod process;
pub mod relay;
mod remembered;
mod table;
mod witness;

pub use check::Check;
pub use helper::{Helper, HelperError, burn};
pub use outcome::{Attempt, Outcome, PartOutcome, State};
pub use part::{Depth, PARTS, Part, choose};
pub use remembered::{RememberError, Remembered, known, last, remember};
pub use table::{render, render_part};
pub use witness::{Stall, Witness};

use crate::clock::{Clock, utc_now};
use crate::engine::{EngineError, Interrupt};
use crate::result::ResultError;
use bench::Bench;
use std::path::PathBuf;

/// Repeats that a part gets when it failed and the machine was busy.
const REPEATS: usize = 2;

/// What the selftest is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Short or full.
    pub depth: Depth,
    /// This program: it is the bundled server, and the helper processes.
    pub program: PathBuf,
    /// Where the results of every run are kept; `None`: nowhere.
    pub keep: Option<PathBuf>,
}

/// Why a part could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SelftestError {
    /// A scenario of ours is none: a fault of pushbench.
    #[error("failed to lay out the run `{name}`: {text}")]
    Scenario {
        /// Which run.
        name: String,
        /// What the scenario layer says.
        text: String,
    },
    /// A run could not be played.
    #[error("failed to play the run `{name}`: {source}")]
    Run {
        /// Which run.
        name: String,
        /// What the engine says.
        source: EngineError,
    },
    /// A helper process could not be had.
    #[error("failed to {what}: {source}")]
    Helper {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The results could not be kept.
    #[error(transparent)]
    Keep(#[from] ResultError),
    /// What a run gave is not what it should hold.
    #[error("failed to find {0} in the results")]
    Missing(&'static str),
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// Told what is going on: may draw, must not block for long.
pub trait Watcher {
    /// An attempt at a part begins; the first is 1.
    fn begins(&mut self, part: &Part, attempt: usize);
    /// A part is over.
    fn ended(&mut self, part: &PartOutcome);
}

/// Does the chosen parts in their order. Blocks for minutes.
///
/// # Errors
/// Only when somebody asked to stop; whatever else goes wrong is the outcome of its part.
pub fn run(
    parts: &[&'static Part],
    options: &Options,
    interrupt: &Interrupt,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, SelftestError> {
    let begun = Clock::Monotonic.now();
    let mut outcome = Outcome::begin(options, utc_now());
    for part in parts {
        let done = one(part, options, interrupt, watcher)?;
        watcher.ended(&done);
        outcome.parts.push(done);
    }
    outcome.took_s = (Clock::Monotonic.now() - begun).as_secs_f64();
    Ok(outcome)
}

fn one(
    part: &'static Part,
    options: &Options,
    interrupt: &Interrupt,
    watcher: &mut dyn Watcher,
) -> Result<PartOutcome, SelftestError> {
    let mut outcome = PartOutcome::begin(part);
    while outcome.attempts.len() <= REPEATS && outcome.wants_another() {
        let number = outcome.attempts.len() + 1;
        watcher.begins(part, number);
        let begun = Clock::Monotonic.now();
        let mut bench = Bench::new(options, interrupt, part.key, number);
        let ended = (part.work)(&mut bench);
        if matches!(ended, Err(SelftestError::Interrupted)) {
            return Err(SelftestError::Interrupted);
        }
        let took_s = (Clock::Monotonic.now() - begun).as_secs_f64();
        outcome.attempts.push(bench.attempt(ended.err(), took_s));
    }
    Ok(outcome)
}
