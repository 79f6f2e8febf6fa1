//! The last selftest, kept between invocations, so that every run can name it.

use super::build::{self, Build};
use super::outcome::{Outcome, State};
use super::{Options, PARTS};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// The environment variable that names the file in place of the state folder.
const FILE_VARIABLE: &str = "PUSHBENCH_SELFTEST_FILE";
/// The schema of the file.
const SCHEMA: &str = "pushbench/selftest-last/1";

/// Why a selftest could not be remembered.
#[derive(Debug, thiserror::Error)]
pub enum RememberError {
    /// Neither `XDG_STATE_HOME` nor `HOME` says where.
    #[error("failed to remember the selftest: neither XDG_STATE_HOME nor HOME is set")]
    NoPlace,
    /// The file could not be written.
    #[error("failed to remember the selftest in {path}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// What is kept of a selftest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    schema: String,
    /// Version of the build that was tested.
    pub version: String,
    /// Its commit, if it was known.
    pub commit: Option<String>,
    /// `short` or `full`.
    pub depth: String,
    /// When it began, UTC.
    pub started_at: String,
    /// The parts that passed.
    pub passed: Vec<String>,
    /// The parts that did not.
    pub not_passed: Vec<String>,
    build: Build,
}

impl Remembered {
    /// What a run says of it: `passed 10 of 10 (full) on 2026-03-21, this build`.
    pub fn words(&self, program: &Path) -> String {
        let all = self.passed.len() + self.not_passed.len();
        let day = self.started_at.split('T').next().unwrap_or_default();
        let told = format!("passed {} of {all} ({}) on {day}", self.passed.len(), self.depth);
        let failed = match self.not_passed.is_empty() {
            true => String::new(),
            false => format!(" (not: {})", self.not_passed.join(", ")),
        };
        match self.build.is(program) {
            true => format!("{told}{failed}, this build"),
            false => format!("never for this build; {told}{failed}, another build"),
        }
    }
}

/// What a run of `program` tells of the last selftest, for its manifest: `words` for people, and the rest
/// of what was kept.
pub fn known(program: &Path) -> serde_json::Value {
    let Some(last) = last() else { return serde_json::json!({"words": "never for this build"}) };
    serde_json::json!({
        "words": last.words(program),
        "this_build": last.build.is(program),
        "version": last.version,
        "commit": last.commit,
        "depth": last.depth,
        "started_at": last.started_at,
        "passed": last.passed,
        "not_passed": last.not_passed,
    })
}

/// The last selftest of any build; `None` when there is none that can be read.
pub fn last() -> Option<Remembered> {
    let text = std::fs::read(file()?).ok()?;
    serde_json::from_slice::<Remembered>(&text).ok().filter(|r| r.schema == SCHEMA)
}

/// Keeps a selftest of all parts; one of some parts is nothing to go by, and `false` comes back.
///
/// # Errors
/// There is no place, or it cannot be written to.
pub fn remember(outcome: &Outcome, options: &Options) -> Result<bool, RememberError> {
    if outcome.parts.len() < PARTS.len() {
        return Ok(false);
    }
    let path = file().ok_or(RememberError::NoPlace)?;
    write(&path, outcome, options).map_err(|source| RememberError::Write { path, source })?;
    Ok(true)
}

fn write(path: &Path, outcome: &Outcome, options: &Options) -> io::Result<()> {
    let keys = |passed: bool| {
        let parts = outcome.parts.iter().filter(|p| (p.state() == State::Passed) == passed);
        parts.map(|p| p.key.to_owned()).collect()
    };
    let kept = Remembered {
        schema: SCHEMA.to_owned(),
        version: outcome.version.to_owned(),
        commit: outcome.commit.map(str::to_owned),
        depth: outcome.depth.key().to_owned(),
        started_at: outcome.started_at.clone(),
        passed: keys(true),
        not_passed: keys(false),
        build: build::id(&options.program)?,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&temporary, format!("{:#}\n", serde_json::json!(kept)))?;
    std::fs::rename(&temporary, path)
}

/// `$XDG_STATE_HOME/pushbench/selftest.json`, or below `~/.local/state`.
fn file() -> Option<PathBuf> {
    let given = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    given(FILE_VARIABLE).or_else(|| {
        let state = given("XDG_STATE_HOME").or_else(|| Some(given("HOME")?.join(".local/state")))?;
        Some(state.join("pushbench/selftest.json"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::outcome::tests::{attempt, outcome};
    use super::*;
    use crate::selftest::Depth;

    #[test]
    fn what_was_kept_names_the_build_and_what_failed() {
        let dir = tempfile::tempdir().unwrap();
        let [program, other, path] = ["program", "other", "state/selftest.json"].map(|n| dir.path().join(n));
        std::fs::write(&program, "abc").unwrap();
        std::fs::write(&other, "abd").unwrap();
        let options = Options { depth: Depth::Short, program: program.clone(), keep: None };
        let good =
            outcome(vec![vec![attempt(true, &[])], vec![attempt(false, &["busy"]), attempt(true, &[])]]);
        write(&path, &good, &options).unwrap();
        let read = || serde_json::from_slice::<Remembered>(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read().words(&program), "passed 2 of 2 (short) on 2026-03-21, this build");
        assert_eq!(
            read().words(&other),
            "never for this build; passed 2 of 2 (short) on 2026-03-21, another build"
        );
        let bad = outcome(vec![vec![attempt(true, &[])], vec![attempt(false, &[])]]);
        write(&path, &bad, &options).unwrap();
        assert_eq!(read().words(&program), "passed 1 of 2 (short) on 2026-03-21 (not: T2), this build");
        assert!(std::fs::read_dir(path.parent().unwrap()).unwrap().count() == 1, "nothing is left over");
    }

    #[test]
    fn a_selftest_of_some_parts_is_not_kept() {
        let options = Options { depth: Depth::Short, program: PathBuf::from("/none"), keep: None };
        assert!(matches!(remember(&outcome(vec![vec![attempt(true, &[])]]), &options), Ok(false)));
    }
}
