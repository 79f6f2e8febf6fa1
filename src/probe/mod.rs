//! What the target pays, read from outside. Cumulative counters; the reports take differences.

mod cgroup;
mod family;
mod group;
mod named;
mod network;
mod own;
mod owner;
mod parse;
mod port;
mod procfs;
mod sockets;
mod told;
mod totals;
mod vitals;

pub use cgroup::OwnGroup;
pub use named::{GroupName, Named, NamedBy};
pub use own::SelfProbe;
pub use port::PortProbe;
pub use told::{About, TOLD_SCHEMA, ToldReading};
pub use vitals::{Vital, Vitals};

use crate::model::{Cost, Nanos};

/// Reads what a group of processes has cost so far.
pub trait Probe: Send {
    /// One reading. Blocks for as long as the kernel takes (well under a millisecond for a few
    /// processes, tens of milliseconds when thorough); never called on a worker.
    ///
    /// # Errors
    /// When nothing of the target can be seen, with a reason a person can act on. A process that
    /// ended meanwhile is no error: its share is kept.
    fn read(&mut self, depth: Depth) -> Result<Cost, ProbeError>;

    /// What is being read, a line a process: `pid name`.
    fn found(&self) -> Vec<String>;

    /// What could not be read, or only in part, in words; each once, empty when all is well.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Where it reads: `local`, or the address of a probe on another machine.
    fn source(&self) -> String {
        LOCAL.to_owned()
    }

    /// By how much the instants of its readings may be wrong so far; `None`: they are of this machine's
    /// own clock.
    fn clock_error(&self) -> Option<Nanos> {
        None
    }
}

/// The source of what is read on this machine.
const LOCAL: &str = "local";

/// How much to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What is cheap.
    Light,
    /// The proportional set size and swap too, which walks page tables.
    Full,
    /// Who holds connections of the target, too: walks the kernel's table of sockets, and what all processes
    /// hold.
    Thorough,
}

/// Why the target could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// No process of this network namespace owns the port.
    #[error("no visible process listens on port {port}: {hint}")]
    NoOwner {
        /// The port.
        port: u16,
        /// What would do.
        hint: &'static str,
    },
    /// None of the processes that are named is there, and no port was given.
    #[error("none of the processes that are named is there: {missing}")]
    NobodyNamed {
        /// What was not found.
        missing: String,
    },
    /// The probe on another machine told nothing.
    #[error("the probe at {url}: {why}")]
    Remote {
        /// Where it is.
        url: String,
        /// What went wrong, and what would do.
        why: String,
    },
    /// A file of `/proc` could not be read.
    #[error("failed to read {path}: {source}")]
    Proc {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}
