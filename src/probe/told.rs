//! What a probe on another machine tells, as JSON: `pushbench probe` writes it, a run reads it.
//!
//! A contract between two builds that may differ: fields are added, never renamed; what cannot be read any
//! more is another schema.

use super::procfs;
use crate::clock::Clock;
use crate::model::Cost;
use serde::{Deserialize, Serialize};

/// The schema that this build writes and reads.
pub const TOLD_SCHEMA: &str = "pushbench/probe/1";
/// Drawn by the kernel at each boot: two processes that read the same one run on the same kernel.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// `GET /v1/reading`: one reading. All instants are of the machine on which it was taken
/// (`CLOCK_MONOTONIC`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToldReading {
    /// [`TOLD_SCHEMA`] of who wrote it.
    pub schema: String,
    /// When the probe began: another value is another probe, whose counters began anew.
    pub began_ns: u64,
    /// When the question was there.
    pub received_ns: u64,
    /// When the answer was made ready.
    pub sent_ns: u64,
    /// The reading; `None`: see `error`.
    pub cost: Option<Cost>,
    /// What is read, a line a process.
    pub found: Vec<String>,
    /// What could not be read, in words.
    pub warnings: Vec<String>,
    /// Why there is no reading.
    pub error: Option<String>,
}

/// `GET /v1/about`: who tells. Reads nothing of the target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// [`TOLD_SCHEMA`] of who wrote it.
    pub schema: String,
    /// Its version of pushbench.
    pub version: String,
    /// Name of the host.
    pub host: String,
    /// Release of its kernel.
    pub kernel: String,
    /// CPUs online.
    pub cores: u32,
    /// Which boot of which kernel; empty where it does not tell.
    pub boot_id: String,
    /// What is read, in words: `port 18080`, `unit nginx.service`.
    pub reads: Vec<String>,
    /// As in [`ToldReading`].
    pub began_ns: u64,
    /// As in [`ToldReading`].
    pub received_ns: u64,
    /// As in [`ToldReading`].
    pub sent_ns: u64,
}

impl About {
    /// Of this process and its machine, which reads this.
    pub fn of_this_machine(reads: Vec<String>) -> About {
        let host = rustix::system::uname();
        About {
            schema: TOLD_SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: host.nodename().to_string_lossy().into_owned(),
            kernel: host.release().to_string_lossy().into_owned(),
            cores: procfs::machine_time(Clock::Monotonic).map_or(0, |m| m.cpus),
            boot_id: boot_id(),
            reads,
            ..About::default()
        }
    }

    /// Whether whoever told this runs on the kernel that we run on: on this machine, be it in another
    /// namespace.
    pub fn is_this_machine(&self) -> bool {
        !self.boot_id.is_empty() && self.boot_id == boot_id()
    }
}

fn boot_id() -> String {
    procfs::text(BOOT_ID).map(|id| id.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Nanos;

    #[test]
    fn what_is_told_is_what_is_read_and_a_build_may_know_less() {
        let cost = Some(Cost { at: Nanos(7), ..Cost::default() });
        let told = ToldReading { cost, found: vec!["7 it".into()], sent_ns: 9, ..ToldReading::default() };
        let text = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<ToldReading>(&text).unwrap(), told);
        let newer = r#"{"schema": "pushbench/probe/1", "of_the_future": {}, "error": "why"}"#;
        let read: ToldReading = serde_json::from_str(newer).unwrap();
        assert_eq!((read.cost, read.error.as_deref()), (None, Some("why")));
    }

    #[test]
    fn a_machine_knows_itself_and_no_other() {
        let own = About::of_this_machine(vec!["port 1".into()]);
        assert!(own.is_this_machine() && own.cores > 0 && !own.host.is_empty(), "{own:?}");
        let other = About { boot_id: "0".into(), ..own.clone() };
        let mute = About { boot_id: String::new(), ..own };
        assert!(!other.is_this_machine() && !mute.is_this_machine());
    }
}
