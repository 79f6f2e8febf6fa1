//! `freeze`: the whole server stands still, with its sockets open.
//!
//! It blocks the server's thread, so that nothing moves: no handshake, no statistics, no timer. The
//! kernel still takes connections and bytes, as it does for a process that is stopped.

use super::words::Words;
use super::{Fault, FaultError, When};
use crate::clock::sleep_blocking;
use crate::model::Nanos;
use crate::server::Server;

/// How it is written.
pub(super) const FORM: &str = "freeze at|every TIME for TIME";

/// A freeze: `freeze at 5s for 1400ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// When, from the first connection accepted.
    pub when: When,
    /// How long it stands still, from when it really stopped.
    pub lasts: Nanos,
}

impl Freeze {
    pub(super) fn read(mut words: Words<'_>) -> Result<Freeze, FaultError> {
        let (when, lasts) = When::read(&mut words)?;
        words.end()?;
        Ok(Freeze { when, lasts })
    }
}

fn next(faults: &[Fault], elapsed: Nanos) -> Option<(Nanos, Freeze)> {
    let all = faults.iter().filter_map(|fault| match fault {
        Fault::Freeze(freeze) => Some(*freeze),
        _ => None,
    });
    all.filter_map(|f| f.when.begins(elapsed).map(|at| (at, f))).min_by_key(|(at, _)| *at)
}

/// Plays all freezes, one after another; one that would begin during another does not happen.
pub(in crate::server) async fn play(server: &Server) {
    let mut elapsed = Nanos::ZERO;
    while let Some((at, freeze)) = next(&server.config.faults, elapsed) {
        let begun = server.life.begun().await;
        server.timer.sleep_until(begun + at).await;
        server.stats.faults.frozen.add(1);
        if let Some(burn) = &server.burn {
            burn.pause(true);
        }
        sleep_blocking(freeze.lasts);
        if let Some(burn) = &server.burn {
            burn.pause(false);
        }
        elapsed = (at + freeze.lasts).max(server.timer.clock().now() - begun);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freezes_take_turns() {
        let faults: Vec<Fault> =
            ["freeze every 3s for 1s", "freeze at 3500ms for 1s"].map(|t| t.parse().unwrap()).into();
        let (at, _) = next(&faults, Nanos::ZERO).unwrap();
        assert_eq!(at, Nanos::SECOND * 3);
        assert_eq!(next(&faults, Nanos::SECOND * 4).unwrap().0, Nanos::SECOND * 6);
    }
}
