//! A ladder of idle connections: in which steps clients attach, and when each step is read.

use crate::model::Nanos;

/// The steps of one run, all instants from the first connect. Steps begin and end at whole seconds, where a
/// run has its intervals and readings anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stairs {
    /// Rising; at least one.
    pub steps: Vec<Stair>,
    /// How long each step rests.
    pub hold: Nanos,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stair {
    /// Clients that are attached by then, those of the steps before too.
    pub clients: u32,
    /// The first of its clients is due.
    pub begin: Nanos,
    /// Its clients are due evenly over this.
    pub ramp: Nanos,
    /// All should have attached, and the rest begins.
    pub rest: Nanos,
    /// The rest ends, and the target is read.
    pub end: Nanos,
}

/// Between the end of a rest and the first client of the next step: the target is read meanwhile.
const READING: Nanos = Nanos::from_millis(200);

impl Stairs {
    /// Steps to `counts` (rising), at most `per_s` new clients a second; each has `settle` after its last
    /// client was due, and then rests for `hold` (both are rounded up to where whole seconds end).
    pub fn new(counts: &[u32], per_s: f64, settle: Nanos, hold: Nanos) -> Stairs {
        let whole = |at: Nanos| Nanos(at.0.next_multiple_of(Nanos::SECOND.0));
        let hold = whole(hold.max(Nanos(1)));
        let (mut steps, mut begin, mut before) = (Vec::new(), Nanos::ZERO, 0);
        for clients in counts.iter().copied() {
            let ramp = Nanos((f64::from(clients.saturating_sub(before)) / per_s * 1e9) as u64);
            let rest = whole(begin + ramp + settle);
            steps.push(Stair { clients, begin, ramp, rest, end: rest + hold });
            (begin, before) = (rest + hold + READING, clients);
        }
        Stairs { steps, hold }
    }

    /// When client `client` (from 0) is due.
    pub fn attaches_at(&self, client: usize) -> Nanos {
        let clients = |i: usize| self.steps[i].clients as usize;
        let last = self.steps.len().saturating_sub(1);
        let at = (0..self.steps.len()).find(|i| client < clients(*i)).unwrap_or(last);
        let before = if at == 0 { 0 } else { clients(at - 1) };
        let (step, new) = (&self.steps[at], (clients(at) - before).max(1));
        let share = u128::from(step.ramp.0) * client.saturating_sub(before) as u128 / new as u128;
        step.begin + Nanos(share as u64)
    }

    /// The counts of all steps.
    pub fn counts(&self) -> impl Iterator<Item = u32> {
        self.steps.iter().map(|step| step.clients)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Nanos = Nanos::from_millis;

    fn stairs() -> Stairs {
        Stairs::new(&[250, 500, 1_000, 2_000], 500.0, MS(500), MS(3_000))
    }

    #[test]
    fn each_step_attaches_settles_rests_and_ends_at_a_whole_second() {
        let told: Vec<_> =
            stairs().steps.iter().map(|s| (s.clients, s.begin, s.ramp, s.rest, s.end)).collect();
        assert_eq!(
            told,
            [
                (250, MS(0), MS(500), MS(1_000), MS(4_000)),
                (500, MS(4_200), MS(500), MS(6_000), MS(9_000)),
                (1_000, MS(9_200), MS(1_000), MS(11_000), MS(14_000)),
                (2_000, MS(14_200), MS(2_000), MS(17_000), MS(20_000)),
            ]
        );
    }

    #[test]
    fn clients_are_due_in_their_step_at_the_rate_of_the_load() {
        let stairs = stairs();
        let at = |client| stairs.attaches_at(client);
        assert_eq!((at(0), at(125), at(249)), (MS(0), MS(250), MS(498)));
        assert_eq!((at(250), at(500), at(1_999)), (MS(4_200), MS(9_200), MS(16_198)));
        assert!((1..2_000).all(|i| at(i) > at(i - 1)));
    }

    #[test]
    fn a_load_that_attaches_at_once_climbs_at_once() {
        let stairs = Stairs::new(&[1, 2, 3, 4], f64::INFINITY, MS(500), MS(1_500));
        assert_eq!((stairs.hold, stairs.steps[0].ramp), (MS(2_000), Nanos::ZERO));
        assert_eq!(stairs.steps[3].end, MS(12_000));
    }
}
