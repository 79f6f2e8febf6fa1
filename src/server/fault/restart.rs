//! `restart`: the server goes away and comes back on the same port.

use super::words::Words;
use super::{Fault, FaultError, When};
use crate::model::Nanos;

/// How it is written.
pub(super) const FORM: &str = "restart at|every TIME for TIME [gracefully] [losing history]";

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

impl Restart {
    pub(super) fn read(mut words: Words<'_>) -> Result<Restart, FaultError> {
        let (when, down) = When::read(&mut words)?;
        let mut restart = Restart { when, down, gracefully: false, losing_history: false };
        while let Some(word) = words.next() {
            match word {
                "gracefully" => restart.gracefully = true,
                "losing" => {
                    words.expect("history", "`history`")?;
                    restart.losing_history = true;
                }
                other => return Err(words.wanted(Some(other), "`gracefully` or `losing history`")),
            }
        }
        Ok(restart)
    }
}

/// The restart that begins first at or after `elapsed` (since the first connection), and when. One
/// that would begin while another one keeps the server down does not happen.
pub(in crate::server) fn next_restart(faults: &[Fault], elapsed: Nanos) -> Option<(Nanos, Restart)> {
    let all = faults.iter().filter_map(|fault| match fault {
        Fault::Restart(restart) => Some(*restart),
        _ => None,
    });
    all.filter_map(|r| r.when.begins(elapsed).map(|at| (at, r))).min_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(next_restart(&faults[1..], Nanos::SECOND * 7), None);
    }
}
