//! When each phase of a run begins and ends, on the run's clock. Pure.

use crate::model::Nanos;
use crate::scenario::Phases;
use std::ops::Range;

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the first client.
    Idle,
    /// Clients attach.
    Connect,
    /// Messages flow and are not counted.
    Warmup,
    /// What counts.
    Measure,
    /// Nothing new is published.
    Drain,
    /// All clients are gone.
    After,
}

impl Phase {
    /// The key in results.
    pub const fn key(self) -> &'static str {
        match self {
            Phase::Idle => "idle",
            Phase::Connect => "connect",
            Phase::Warmup => "warmup",
            Phase::Measure => "measure",
            Phase::Drain => "drain",
            Phase::After => "after",
        }
    }
}

/// The instants between phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The first client is due.
    pub start: Nanos,
    /// Publishing begins.
    pub connected: Nanos,
    /// Counting begins.
    pub measure: Nanos,
    /// Publishing and counting end.
    pub drain: Nanos,
    /// All is over.
    pub end: Nanos,
}

impl Timeline {
    /// The phases laid out from `start`.
    pub fn new(start: Nanos, phases: &Phases) -> Timeline {
        let connected = start + phases.connect;
        let measure = connected + phases.warmup;
        let drain = measure + phases.measure;
        Timeline { start, connected, measure, drain, end: drain + phases.drain }
    }

    /// `measure` begins at `at`, earlier than planned, and is as long as planned.
    pub fn begun(&self, at: Nanos) -> Timeline {
        let earlier = |planned: Nanos| at + (planned - self.measure);
        Timeline { measure: at, drain: earlier(self.drain), end: earlier(self.end), ..*self }
    }

    /// Cut short at `at`: what was under way gets `grace` to arrive.
    pub fn cut(&self, at: Nanos, grace: Nanos) -> Timeline {
        Timeline {
            start: self.start,
            connected: self.connected.min(at),
            measure: self.measure.min(at),
            drain: self.drain.min(at),
            end: self.end.min(at + grace),
        }
    }

    /// What counts.
    pub fn measured(&self) -> Range<Nanos> {
        self.measure..self.drain
    }

    /// The phase at that instant.
    pub fn phase(&self, at: Nanos) -> Phase {
        match at {
            at if at < self.start => Phase::Idle,
            at if at < self.connected => Phase::Connect,
            at if at < self.measure => Phase::Warmup,
            at if at < self.drain => Phase::Measure,
            at if at < self.end => Phase::Drain,
            _ => Phase::After,
        }
    }

    /// The ends of the intervals: each whole second from the start, and each change of phase, so
    /// that no interval lies in two phases.
    pub fn boundaries(&self) -> Vec<Nanos> {
        let seconds = (1..).map(|n| self.start + Nanos::SECOND * n).take_while(|at| *at < self.end);
        let mut all: Vec<Nanos> = seconds.collect();
        all.extend([self.connected, self.measure, self.drain, self.end]);
        all.retain(|at| *at > self.start);
        all.sort_unstable();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline() -> Timeline {
        let ms = Nanos::from_millis;
        let phases = Phases {
            connect: ms(500),
            warmup: ms(1_000),
            warmup_least: None,
            measure: ms(2_000),
            drain: ms(700),
        };
        Timeline::new(Nanos::SECOND, &phases)
    }

    #[test]
    fn no_interval_lies_in_two_phases() {
        let ms: Vec<u64> = timeline().boundaries().iter().map(|b| b.0 / 1_000_000 - 1_000).collect();
        assert_eq!(ms, [500, 1_000, 1_500, 2_000, 3_000, 3_500, 4_000, 4_200]);
    }

    #[test]
    fn what_begins_earlier_moves_all_that_follows_and_no_boundary_before_it() {
        let (planned, at) = (timeline(), Nanos::from_millis(2_000));
        let begun = planned.begun(at);
        assert_eq!((begun.connected, begun.measure), (planned.connected, at));
        assert_eq!(
            (begun.drain - begun.measure, begun.end - begun.drain),
            (planned.drain - planned.measure, planned.end - planned.drain)
        );
        let until = |t: &Timeline| t.boundaries().into_iter().filter(|b| *b <= at).collect::<Vec<_>>();
        assert_eq!(until(&begun), until(&planned));
    }

    #[test]
    fn a_cut_ends_what_has_not_begun() {
        let cut = timeline().cut(Nanos::from_millis(3_000), Nanos::from_millis(500));
        assert_eq!(cut.drain, Nanos::from_millis(3_000));
        assert_eq!(cut.end, Nanos::from_millis(3_500));
        assert_eq!(cut.phase(Nanos::from_millis(3_100)), Phase::Drain);
        let early = timeline().cut(Nanos::from_millis(1_200), Nanos::ZERO);
        assert!(early.measured().is_empty());
    }
}
