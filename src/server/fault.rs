//! What goes wrong on purpose: words into values. Plays nothing itself.
//!
//! A fault is a kind and its own words, so that another kind is one variant and one function here.

use super::span::span;
use crate::model::Nanos;
use std::str::{FromStr, SplitWhitespace};

/// How all faults are written.
const KINDS: &str = "restart at|every TIME for TIME [gracefully] [losing history]";

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server goes away and comes back on the same port.
    Restart(Restart),
}

/// A restart: `restart at 5s for 500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// When, from the first connection accepted.
    pub when: When,
    /// How long connects are refused; above zero, and below the period of [`When::Every`].
    pub down: Nanos,
    /// WebSockets are closed with 1001 and streams end in due form; otherwise, and for all other
    /// connections, the connection is reset.
    pub gracefully: bool,
    /// The messages of before are forgotten; sequences go on.
    pub losing_history: bool,
}

/// An instant, from the first connection accepted; above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Once.
    At(Nanos),
    /// Again and again, the first time after one period.
    Every(Nanos),
}

/// Why a fault is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No such kind.
    #[error("unknown fault `{0}`: want {KINDS}")]
    Kind(String),
    /// Another word was wanted.
    #[error("found `{found}` where {want} is wanted: {KINDS}")]
    Word {
        /// What is there; empty at the end.
        found: String,
        /// What should be.
        want: &'static str,
    },
    /// A time that is none.
    #[error("bad time `{0}`: {1}")]
    Time(String, String),
    /// A time that cannot be played.
    #[error("{0}")]
    Unplayable(&'static str),
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Fault, FaultError> {
        let mut words = text.split_whitespace();
        match words.next() {
            Some("restart") => restart(words).map(Fault::Restart),
            other => Err(FaultError::Kind(other.unwrap_or_default().into())),
        }
    }
}

fn restart(mut words: SplitWhitespace<'_>) -> Result<Restart, FaultError> {
    let when = match words.next() {
        Some("at") => When::At(time(&mut words)?),
        Some("every") => When::Every(time(&mut words)?),
        other => return Err(wanted(other, "`at` or `every`")),
    };
    expect(&mut words, "for", "`for`")?;
    let mut restart = Restart { when, down: time(&mut words)?, gracefully: false, losing_history: false };
    while let Some(word) = words.next() {
        match word {
            "gracefully" => restart.gracefully = true,
            "losing" => {
                expect(&mut words, "history", "`history`")?;
                restart.losing_history = true;
            }
            other => return Err(wanted(Some(other), "`gracefully` or `losing history`")),
        }
    }
    let (When::At(first) | When::Every(first)) = when;
    if first == Nanos::ZERO || restart.down == Nanos::ZERO {
        return Err(FaultError::Unplayable("a restart wants times above 0"));
    }
    match when {
        When::Every(period) if period <= restart.down => Err(FaultError::Unplayable(
            "a restart must be over before the next one: want `for` below `every`",
        )),
        _ => Ok(restart),
    }
}

fn time(words: &mut SplitWhitespace<'_>) -> Result<Nanos, FaultError> {
    let word = words.next().ok_or_else(|| wanted(None, "a time such as 500ms or 5s"))?;
    span(word).map_err(|want| FaultError::Time(word.into(), want))
}

fn expect(words: &mut SplitWhitespace<'_>, word: &str, want: &'static str) -> Result<(), FaultError> {
    match words.next() {
        Some(found) if found == word => Ok(()),
        other => Err(wanted(other, want)),
    }
}

fn wanted(found: Option<&str>, want: &'static str) -> FaultError {
    FaultError::Word { found: found.unwrap_or_default().into(), want }
}

/// The restart that begins first at or after `elapsed` (since the first connection), and when. One
/// that would begin while another one keeps the server down does not happen.
pub(super) fn next_restart(faults: &[Fault], elapsed: Nanos) -> Option<(Nanos, Restart)> {
    let begins = |restart: &Restart| match restart.when {
        When::At(at) => (at >= elapsed).then_some(at),
        When::Every(period) => period.0.checked_mul(elapsed.0.div_ceil(period.0).max(1)).map(Nanos),
    };
    let all = faults.iter().map(|Fault::Restart(restart)| restart);
    all.filter_map(|restart| begins(restart).map(|at| (at, *restart))).min_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Nanos = Nanos::SECOND;

    fn parse(text: &str) -> Result<Fault, String> {
        text.parse().map_err(|e: FaultError| e.to_string())
    }

    #[test]
    fn restarts_are_read() {
        let plain = Restart {
            when: When::At(S * 5),
            down: Nanos::from_millis(500),
            gracefully: false,
            losing_history: false,
        };
        assert_eq!(parse("restart at 5s for 500ms"), Ok(Fault::Restart(plain)));
        let every = Restart { when: When::Every(S * 5), gracefully: true, losing_history: true, ..plain };
        assert_eq!(parse("restart every 5s for 500ms losing history gracefully"), Ok(Fault::Restart(every)));
    }

    #[test]
    fn mistakes_are_told_with_what_would_do() {
        for (text, told) in [
            ("", "unknown fault ``: want restart at|every TIME"),
            ("explode", "unknown fault `explode`"),
            ("restart", "found `` where `at` or `every` is wanted"),
            ("restart at", "a time such as 500ms or 5s is wanted"),
            ("restart at 5 for 1s", "bad time `5`: want a number and a unit"),
            ("restart at 5s", "found `` where `for` is wanted"),
            ("restart at 5s for 1s quietly", "found `quietly` where `gracefully` or `losing history`"),
            ("restart at 5s for 1s losing face", "found `face` where `history` is wanted"),
            ("restart at 0 for 1s", "times above 0"),
            ("restart at 5s for 0", "times above 0"),
            ("restart every 1s for 1s", "want `for` below `every`"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn restarts_take_turns() {
        let faults: Vec<Fault> =
            ["restart every 4s for 1s", "restart at 6s for 1s", "restart at 4500ms for 1s"]
                .map(|text| text.parse().unwrap())
                .into();
        let (mut now, mut begun) = (Nanos::ZERO, Vec::new());
        while begun.len() < 4 {
            let (at, restart) = next_restart(&faults, now).unwrap();
            begun.push(at.0 / 1_000_000);
            now = at + restart.down;
        }
        assert_eq!(begun, [4_000, 6_000, 8_000, 12_000]);
        assert_eq!(next_restart(&faults[1..], S * 7), None);
    }
}
