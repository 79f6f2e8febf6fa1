//! A probe on the target's machine.

use super::Base;
use std::fmt;
use std::path::PathBuf;

/// `[target] probe = { ... }`: what is asked for the target's cost, in place of reading it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbePlan {
    /// Where it listens.
    pub base: Base,
    /// What it wants to be shown.
    pub token: ProbeToken,
    /// Where the token came from, for a person: `the environment variable PROBE_TOKEN`.
    pub token_from: String,
    /// A PEM file with roots to trust; `None`: the system's.
    pub ca: Option<PathBuf>,
}

/// A token. Shown nowhere, not even by `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProbeToken(pub String);

impl fmt::Debug for ProbeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("token")
    }
}
