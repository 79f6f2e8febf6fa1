//! What a selftest came to; what `--json` shows.

use super::check::Check;
use super::{Depth, Options, Part, build};
use serde::Serialize;

/// The schema of the JSON form.
const SCHEMA: &str = "pushbench/selftest/1";

/// How a part ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Every check held.
    Passed,
    /// A check did not hold, or the part could not be done.
    Failed,
    /// No attempt says anything: the machine was too busy each time.
    Invalid,
}

/// One attempt at a part.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// The lines of proof.
    pub checks: Vec<Check>,
    /// What disturbed it, by the verdict of its own runs. If it held nevertheless, the more so; if not, it
    /// says nothing.
    pub spoiled: Vec<String>,
    /// Why it could not be done to its end.
    pub error: Option<String>,
    /// Seconds.
    pub took_s: f64,
}

impl Attempt {
    fn state(&self) -> State {
        let held = self.error.is_none() && !self.checks.is_empty() && self.checks.iter().all(|c| c.passed);
        match (held, self.spoiled.is_empty()) {
            (true, _) => State::Passed,
            (false, false) => State::Invalid,
            (false, true) => State::Failed,
        }
    }
}

/// One part with all its attempts.
#[derive(Clone, Debug, Serialize)]
pub struct PartOutcome {
    /// `T1` to `T10`.
    pub key: &'static str,
    /// What it proves.
    pub title: &'static str,
    /// The rules of the method that it checks.
    pub rules: &'static [u8],
    /// All of them: only what failed on a busy machine is done again.
    pub attempts: Vec<Attempt>,
}

impl PartOutcome {
    pub(super) fn begin(part: &Part) -> PartOutcome {
        PartOutcome { key: part.key, title: part.title, rules: part.rules, attempts: Vec::new() }
    }

    /// How it ended: that of the last attempt.
    pub fn state(&self) -> State {
        self.attempts.last().map_or(State::Invalid, Attempt::state)
    }

    /// Whether nothing is known yet.
    pub(super) fn wants_another(&self) -> bool {
        self.state() == State::Invalid
    }
}

/// A whole selftest.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Short or full.
    pub depth: Depth,
    /// Version of this build.
    pub version: &'static str,
    /// Commit of this build, if it is known.
    pub commit: Option<&'static str>,
    /// A hash of this very program.
    pub build: Option<String>,
    /// When it began, UTC.
    pub started_at: String,
    /// Seconds.
    pub took_s: f64,
    /// The parts that were done.
    pub parts: Vec<PartOutcome>,
}

impl Outcome {
    pub(super) fn begin(options: &Options, now: jiff::Timestamp) -> Outcome {
        Outcome {
            depth: options.depth,
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("PUSHBENCH_COMMIT"),
            build: build::id(&options.program).ok().map(|b| b.sha256),
            started_at: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            took_s: 0.0,
            parts: Vec::new(),
        }
    }

    /// Parts that ended so.
    pub fn count(&self, state: State) -> usize {
        self.parts.iter().filter(|p| p.state() == state).count()
    }

    /// The JSON form: every part, every attempt, every check.
    pub fn to_json(&self) -> serde_json::Value {
        let part = |p: &PartOutcome| {
            let mut value = serde_json::to_value(p).unwrap_or_default();
            value["state"] = serde_json::to_value(p.state()).unwrap_or_default();
            value
        };
        serde_json::json!({
            "schema": SCHEMA,
            "depth": self.depth.key(),
            "version": self.version,
            "commit": self.commit,
            "build_sha256": self.build,
            "started_at": self.started_at,
            "took_s": self.took_s,
            "passed": self.count(State::Passed),
            "failed": self.count(State::Failed),
            "invalid": self.count(State::Invalid),
            "parts": self.parts.iter().map(part).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::selftest) fn attempt(passed: bool, spoiled: &[&str]) -> Attempt {
        let check = Check::count("lost", 3, if passed { 3 } else { 4 });
        let spoiled = spoiled.iter().map(|s| (*s).to_owned()).collect();
        Attempt { checks: vec![check], spoiled, error: None, took_s: 1.5 }
    }

    pub(in crate::selftest) fn outcome(parts: Vec<Vec<Attempt>>) -> Outcome {
        let keys = ["T1", "T2", "T3"];
        let part =
            |(i, attempts)| PartOutcome { key: keys[i], title: "known delays", rules: &[1, 2], attempts };
        Outcome {
            depth: Depth::Short,
            version: "0.1.0",
            commit: Some("abc"),
            build: Some("00ff".to_owned()),
            started_at: "2026-03-21T14:05:02Z".to_owned(),
            took_s: 61.25,
            parts: parts.into_iter().enumerate().map(part).collect(),
        }
    }

    #[test]
    fn only_a_spoiled_attempt_is_repeated_and_none_is_forgotten() {
        let part = |attempts| outcome(vec![attempts]).parts.remove(0);
        assert!(part(vec![]).wants_another());
        assert!(part(vec![attempt(false, &["busy"])]).wants_another());
        assert!(!part(vec![attempt(true, &["busy"])]).wants_another(), "it held in spite of that");
        assert!(!part(vec![attempt(false, &[])]).wants_another(), "a failure is a failure");
        let repeated = part(vec![attempt(false, &["busy"]), attempt(true, &[])]);
        assert_eq!((repeated.state(), repeated.attempts.len()), (State::Passed, 2));
    }

    #[test]
    fn an_error_or_no_check_at_all_is_no_proof() {
        let error = Attempt { error: Some("no".to_owned()), ..attempt(true, &[]) };
        assert_eq!(error.state(), State::Failed);
        assert_eq!(Attempt { checks: vec![], ..attempt(true, &[]) }.state(), State::Failed);
    }

    #[test]
    fn json_holds_every_attempt_and_the_sums() {
        let json = outcome(vec![
            vec![attempt(true, &[])],
            vec![attempt(false, &["busy"]), attempt(false, &[])],
            vec![attempt(false, &["busy"]); 3],
        ])
        .to_json();
        assert_eq!((&json["passed"], &json["failed"], &json["invalid"]), (&1.into(), &1.into(), &1.into()));
        assert_eq!(json["parts"][1]["attempts"][0]["spoiled"][0], "busy");
        assert_eq!(json["parts"][1]["state"], "failed");
        assert_eq!(json["parts"][2]["attempts"].as_array().unwrap().len(), 3);
        assert_eq!(json["parts"][1]["attempts"][1]["checks"][0]["bound"], "difference 0, is 1");
    }
}
