//! `[cost]`: a ladder of idle connections.

use super::{CasePlan, Report, nonzero};
use crate::model::Nanos;
use crate::scenario::MOST_CLIENTS;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::Ladder;

/// Fewest steps: the slope over them has an interval.
const LEAST_STEPS: usize = 4;
/// The fewest clients of which an eighth is one.
const LEAST_CLIENTS: u32 = 8;

/// `[cost]` with every default.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct LadderPlan {
    /// Clients attached at each step, rising.
    pub(in crate::scenario) counts: Vec<u32>,
    pub(in crate::scenario) hold: Nanos,
    pub(in crate::scenario) repeat: u32,
}

pub(super) fn lower(raw: &Ladder, clients: u32, cases: &[CasePlan], r: &mut Report<'_>) -> LadderPlan {
    let at = |key| KeyPath::at("cost").key(key);
    let hold = nonzero(raw.hold.as_ref(), Nanos(3 * Nanos::SECOND.0), &at("hold"), r);
    if !hold.0.is_multiple_of(Nanos::SECOND.0) {
        r.bad(&at("hold"), "whole seconds, such as \"3s\": a run reads its costs once a second");
    }
    let given = raw.ladder.clone().or_else(|| eighths(clients));
    if given.is_none() && !r.is_broken(&at("ladder")) {
        too_few(clients, r);
    }
    let counts = given.unwrap_or_else(|| (1..=LEAST_STEPS as u32).collect());
    let rises = counts.windows(2).all(|pair| pair[0] < pair[1]);
    let in_range = counts.iter().all(|n| (1..=MOST_CLIENTS).contains(n));
    if counts.len() < LEAST_STEPS || !rises || !in_range {
        let want = format!(
            "at least {LEAST_STEPS} rising counts from 1 to {MOST_CLIENTS}, such as [250, 500, 1000, 2000]"
        );
        r.bad(&at("ladder"), want);
    }
    let repeat = raw.repeat.unwrap_or(1);
    if repeat == 0 {
        r.bad(&at("repeat"), "1 or more");
    }
    if cases.iter().flat_map(|c| &c.groups).any(|g| g.plan.life.stay.is_some()) {
        r.note("the clients of a cost ladder stay: `stay` and `away` are of the other runs");
    }
    LadderPlan { counts, hold, repeat }
}

/// An eighth, a quarter, half and all of them; `None`: these are too few for four different steps.
fn eighths(clients: u32) -> Option<Vec<u32>> {
    (clients >= LEAST_CLIENTS).then(|| [8, 4, 2, 1].map(|part| clients / part).to_vec())
}

/// Never more clients than the file has: what it was told to drive may bear no more.
fn too_few(clients: u32, r: &mut Report<'_>) {
    let at = KeyPath::at("load").key("clients");
    let s = if clients == 1 { "" } else { "s" };
    let message = format!(
        "{clients} client{s} (`load.clients`) make no cost ladder of 1/8, 1/4, 1/2 and all of them; that takes {LEAST_CLIENTS}"
    );
    let help =
        "raise `load.clients`, or say the steps: `[cost] ladder` or --ladder, such as 250,500,1000,2000";
    r.wrong(&at, message, Some(help.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::eighths;

    #[test]
    fn a_ladder_of_any_load_has_four_different_steps() {
        assert_eq!(eighths(2_000), Some(vec![250, 500, 1_000, 2_000]));
        for clients in [8, 9, 15, 500, 14_999] {
            let steps = eighths(clients).unwrap();
            assert!(steps.windows(2).all(|w| w[0] < w[1]), "{clients}");
            assert!(steps[0] > 0 && steps.last() == Some(&clients), "{clients}");
        }
    }

    #[test]
    fn no_ladder_has_more_clients_than_the_load() {
        for clients in [1, 3, 7] {
            assert_eq!(eighths(clients), None, "{clients}");
        }
    }
}
