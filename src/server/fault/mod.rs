//! What goes wrong on purpose: words into values, and what plays them.
//!
//! A fault is a kind and its own words; each kind has a place of its own here. Faults of messages are
//! played where a message enters its channel (`line`), so that they are the same whatever carries it
//! on. `docs/server.md` tells all of them to the word.

mod alarm;
mod burn;
mod draw;
mod every;
mod freeze;
mod line;
mod memory;
mod pace;
mod plan;
mod restart;
mod skew;
mod when;
mod words;

pub use draw::{draw, exponential};
pub use every::{Refuse, Swap, Withhold};
pub use freeze::Freeze;
pub use pace::{Delay, Service, Slow};
pub use restart::Restart;
pub use skew::Skew;
pub use when::When;

pub(super) use burn::Burn;
pub(super) use freeze::play as play_freezes;
pub(super) use line::{Line, Place};
pub(super) use memory::Ballast;
pub(super) use plan::Plan;
pub(super) use restart::next_restart;

use std::str::FromStr;
use words::Words;

/// How all faults are written, one line a kind.
pub const KINDS: [&str; 13] = [
    restart::FORM,
    freeze::FORM,
    pace::DELAY,
    pace::SERVICE,
    pace::SLOW,
    every::DROP,
    every::DUPLICATE,
    every::SWAP,
    every::WITHHOLD,
    every::REFUSE,
    burn::FORM,
    memory::FORM,
    skew::FORM,
];

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server goes away and comes back on the same port.
    Restart(Restart),
    /// It stands still.
    Freeze(Freeze),
    /// Messages are held.
    Delay(Delay),
    /// Messages are served by one worker.
    Service(Service),
    /// Early messages are held longer.
    Slow(Slow),
    /// Every N-th message is never given out.
    Drop(u64),
    /// Every N-th message is given out twice.
    Duplicate(u64),
    /// Every N-th message changes places with the next one.
    Swap(Swap),
    /// Every N-th message comes late or never.
    Withhold(Withhold),
    /// Every N-th publish is refused.
    Refuse(Refuse),
    /// So many millionths of a core are used up.
    Burn(u64),
    /// So many bytes are held for each subscribing connection.
    Memory(u64),
    /// What is told about time is off.
    Clock(Skew),
}

/// Why faults cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No such kind.
    #[error("unknown fault `{0}`: want {all}", all = KINDS.join(" | "))]
    Kind(String),
    /// Another word was wanted.
    #[error("found `{found}` where {want} is wanted: {form}")]
    Word {
        /// What is there; empty at the end.
        found: String,
        /// What should be.
        want: &'static str,
        /// How the fault is written.
        form: &'static str,
    },
    /// A time that is none.
    #[error("bad time `{0}`: {1}")]
    Time(String, String),
    /// What cannot be played.
    #[error("{0}")]
    Unplayable(&'static str),
    /// One kind given twice.
    #[error("two faults of the kind `{0}`: give one")]
    Twice(&'static str),
    /// Two kinds that leave one another nothing to do.
    #[error("{0}")]
    Pair(&'static str),
}

impl Fault {
    /// Its first word.
    pub fn kind(self) -> &'static str {
        match self {
            Fault::Restart(_) => "restart",
            Fault::Freeze(_) => "freeze",
            Fault::Delay(_) => "delay",
            Fault::Service(_) => "service",
            Fault::Slow(_) => "slow",
            Fault::Drop(_) => "drop",
            Fault::Duplicate(_) => "duplicate",
            Fault::Swap(_) => "swap",
            Fault::Withhold(_) => "withhold",
            Fault::Refuse(_) => "refuse",
            Fault::Burn(_) => "burn",
            Fault::Memory(_) => "memory",
            Fault::Clock(_) => "clock",
        }
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Fault, FaultError> {
        let mut words = text.split_whitespace();
        let kind = words.next().unwrap_or_default();
        let after = |form| Words::new(words, form);
        match kind {
            "restart" => Restart::read(after(restart::FORM)).map(Fault::Restart),
            "freeze" => Freeze::read(after(freeze::FORM)).map(Fault::Freeze),
            "delay" => Delay::read(after(pace::DELAY)).map(Fault::Delay),
            "service" => Service::read(after(pace::SERVICE)).map(Fault::Service),
            "slow" => Slow::read(after(pace::SLOW)).map(Fault::Slow),
            "drop" => every::number(after(every::DROP)).map(Fault::Drop),
            "duplicate" => every::number(after(every::DUPLICATE)).map(Fault::Duplicate),
            "swap" => Swap::read(after(every::SWAP)).map(Fault::Swap),
            "withhold" => Withhold::read(after(every::WITHHOLD)).map(Fault::Withhold),
            "refuse" => Refuse::read(after(every::REFUSE)).map(Fault::Refuse),
            "burn" => burn::read(after(burn::FORM)).map(Fault::Burn),
            "memory" => memory::read(after(memory::FORM)).map(Fault::Memory),
            "clock" => Skew::read(after(skew::FORM)).map(Fault::Clock),
            other => Err(FaultError::Kind(other.into())),
        }
    }
}

#[cfg(test)]
mod tests;
