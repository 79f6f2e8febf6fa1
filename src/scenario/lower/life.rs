//! `reconnect`, `stay`, `away`, `life`: a group's populations and its policy.

use super::{Report, nonzero};
use crate::model::Nanos;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Case, Life, Policy, Reconnect, ReconnectTable};
use crate::scenario::{Backoff, LifeSpec, ReconnectSpec};

/// First and longest pause where none is written.
const INTERVAL: Nanos = Nanos::SECOND;
const MAX: Nanos = Nanos(30 * Nanos::SECOND.0);

/// How long the clients of a case stay.
pub(super) fn life(case: &Case, at: &KeyPath, r: &mut Report<'_>) -> LifeSpec {
    let mut span = |given: Option<&_>, key| given.map(|_| nonzero(given, Nanos::SECOND, &at.key(key), r));
    let (stay, away) = (span(case.stay.as_ref(), "stay"), span(case.away.as_ref(), "away"));
    for (key, given) in [("away", away.is_some()), ("life", case.life.is_some())] {
        if given && stay.is_none() {
            let message = format!("`{}` without `stay`: the clients never leave", at.key(key));
            r.wrong(&at.key(key), message, Some("say how long they stay: stay = \"30s\"".into()));
        }
    }
    LifeSpec { stay, away, fixed: case.life == Some(Life::Fixed) }
}

/// A case with groups has no clients of its own: what is said of them belongs in each group.
pub(super) fn belongs_to_groups(case: &Case, at: &KeyPath, r: &mut Report<'_>) {
    let keys = [
        ("reconnect", case.reconnect.is_some()),
        ("stay", case.stay.is_some()),
        ("away", case.away.is_some()),
        ("life", case.life.is_some()),
    ];
    for (key, _) in keys.into_iter().filter(|(_, given)| *given) {
        let at = at.key(key);
        r.wrong_key(&at, format!("`{at}` belongs in each [[case.group]]: the groups hold the clients"));
    }
}

/// What the clients of a case do when a session ends though it was to stay.
pub(super) fn reconnect(given: Option<&Reconnect>, at: &KeyPath, r: &mut Report<'_>) -> ReconnectSpec {
    let Some(Reconnect(table)) = given else { return ReconnectSpec::default() };
    let policy = table.policy.unwrap_or(Policy::Exponential);
    refuse_strangers(table, policy, at, r);
    let interval = nonzero(table.interval.as_ref(), INTERVAL, &at.key("interval"), r);
    // A first pause beyond the default limit is its own limit.
    let max = nonzero(table.max.as_ref(), MAX.max(interval), &at.key("max"), r);
    if max < interval {
        r.bad(&at.key("max"), "at least `interval`");
    }
    let timeout = table.timeout.as_ref();
    ReconnectSpec {
        backoff: backoff(table, policy, interval, max),
        attempts: table.attempts,
        timeout: timeout.map(|_| nonzero(timeout, Nanos::SECOND, &at.key("timeout"), r)),
        honour_server: table.honour_server.unwrap_or(true),
    }
}

fn backoff(table: &ReconnectTable, policy: Policy, interval: Nanos, max: Nanos) -> Backoff {
    match policy {
        Policy::None => Backoff::None,
        Policy::Fixed => Backoff::Fixed { interval },
        Policy::Exponential => {
            let (decay, jitter) = (table.decay.unwrap_or(1.5), table.jitter.unwrap_or(0.5));
            Backoff::Exponential { interval, max, decay, jitter }
        }
        Policy::FullJitter => Backoff::FullJitter { interval, max, decay: table.decay.unwrap_or(2.0) },
    }
}

/// Keys that mean nothing under this policy: to take them in silence would be to promise them.
fn refuse_strangers(table: &ReconnectTable, policy: Policy, at: &KeyPath, r: &mut Report<'_>) {
    let grows = matches!(policy, Policy::Exponential | Policy::FullJitter);
    let comes_back = policy != Policy::None;
    let keys = [
        ("interval", table.interval.is_some(), comes_back),
        ("max", table.max.is_some(), grows),
        ("decay", table.decay.is_some(), grows),
        ("jitter", table.jitter.is_some(), policy == Policy::Exponential),
        ("attempts", table.attempts.is_some(), comes_back),
        ("timeout", table.timeout.is_some(), comes_back),
        ("honour_server", table.honour_server.is_some(), comes_back),
    ];
    let word = Policy::WORDS.iter().find(|(_, p)| *p == policy).map_or("", |(word, _)| *word);
    for (key, _, _) in keys.into_iter().filter(|(_, given, known)| *given && !known) {
        let at = at.key(key);
        r.wrong_key(&at, format!("`{at}` means nothing to the policy \"{word}\""));
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Nanos;
    use crate::scenario::{Backoff, GroupPlan, Overrides, parse};

    fn group(keys: &str) -> GroupPlan {
        let text = format!(
            "title = \"?\"\n[load]\nclients = 4\n[[case]]\nname = \"c\"\nwebsocket = {{ path = \"/\" }}\n{keys}\n"
        );
        let plan = parse("test", &text, &Overrides::default()).unwrap_or_else(|e| panic!("{e}"));
        plan.runs[0].groups[0].clone()
    }

    fn s(n: u64) -> Nanos {
        Nanos::SECOND * n
    }

    #[test]
    fn words_have_sensible_parameters() {
        assert_eq!(group("").reconnect.backoff, Backoff::None);
        assert_eq!(group("reconnect = \"fixed\"").reconnect.backoff, Backoff::Fixed { interval: s(1) });
        let exponential = Backoff::Exponential { interval: s(1), max: s(30), decay: 1.5, jitter: 0.5 };
        assert_eq!(group("reconnect = \"exponential\"").reconnect.backoff, exponential);
        assert_eq!(group("reconnect = {}").reconnect.backoff, exponential);
        let full = Backoff::FullJitter { interval: s(1), max: s(30), decay: 2.0 };
        assert_eq!(group("reconnect = \"full-jitter\"").reconnect.backoff, full);
    }

    #[test]
    fn every_parameter_can_be_set() {
        let spec = group(
            "reconnect = { policy = \"exponential\", interval = \"2s\", max = \"9s\", decay = 3, jitter = 0, \
             attempts = 7, timeout = \"4s\", honour_server = false }",
        )
        .reconnect;
        let backoff = Backoff::Exponential { interval: s(2), max: s(9), decay: 3.0, jitter: 0.0 };
        assert_eq!((spec.backoff, spec.attempts, spec.timeout), (backoff, Some(7), Some(s(4))));
        assert!(!spec.honour_server);
    }

    #[test]
    fn clients_stay_leave_and_return() {
        let life = group("stay = \"30s\"\naway = \"5s\"\nlife = \"fixed\"").life;
        assert_eq!((life.stay, life.away, life.fixed), (Some(s(30)), Some(s(5)), true));
        let life = group("stay = \"30s\"").life;
        assert_eq!((life.stay, life.away, life.fixed), (Some(s(30)), None, false));
    }
}
