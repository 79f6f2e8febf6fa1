//! What target and generator cost, read at the ends of phases and once a second between.
//!
//! The target is read on a thread of its own and comes in when it comes; the generator and its machine
//! are a few small files, read at once.

mod asker;
mod row;

use super::timeline::Phase;
use crate::model::{Cost, Nanos};
use crate::probe::{Depth, Probe, SelfProbe, Vital, Vitals};
use crate::result::CostRow;
use asker::{Answer, Asker};
use row::row;

/// How the names of worker threads begin.
pub(super) const WORKER_NAME: &str = "worker-";

/// All readings of a run.
pub(super) struct Readings {
    target: Option<Asker>,
    own: SelfProbe,
    vitals: Vitals,
    taken: Vec<Reading>,
    warnings: Vec<String>,
    found: Vec<String>,
    /// Where the target is read; empty where it is not.
    source: String,
    clock_error: Option<Nanos>,
}

/// One reading.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The phase that it ends.
    pub(super) phase: Phase,
    /// `None` when the target could not be seen, or its reading has not come. Stamped when it was really
    /// taken.
    pub(super) target: Option<Cost>,
    /// pushbench itself; `None` when even that could not be read.
    pub(super) own: Option<Cost>,
    /// Whether the machine let the generator work.
    pub(super) vital: Vital,
}

impl Readings {
    /// Reads with this probe, or says why there is none. The generator's own `cores`: none given when it
    /// is not pinned.
    pub(super) fn new(probe: Result<Box<dyn Probe>, String>, cores: Vec<usize>) -> Readings {
        let mut readings = Readings {
            target: None,
            own: SelfProbe::new(),
            vitals: Vitals::new(cores, WORKER_NAME),
            taken: Vec::new(),
            warnings: Vec::new(),
            found: Vec::new(),
            source: probe.as_ref().map(|probe| probe.source()).unwrap_or_default(),
            clock_error: None,
        };
        match probe.map(Asker::new) {
            Err(why) => readings.warn(why),
            Ok(Err(error)) => readings.warn(format!("the target's cost was not read: {error}")),
            Ok(Ok(asker)) => readings.target = Some(asker),
        }
        readings
    }

    /// Whether the target can be read at all.
    pub(super) fn sees_target(&self) -> bool {
        self.target.is_some()
    }

    /// Takes one; that of the target may come later.
    pub(super) fn take(&mut self, phase: Phase, depth: Depth) {
        if let Some(asker) = &mut self.target {
            asker.ask(self.taken.len(), depth);
        }
        let own = self.own.read(Depth::Light).ok();
        let vital = self.vitals.read();
        self.taken.push(Reading { phase, target: None, own, vital });
        let come = self.target.as_mut().map(Asker::collect).unwrap_or_default();
        self.enter(come);
    }

    /// Takes one, and waits for that of the target and for all before it, or until it is given up.
    pub(super) fn take_whole(&mut self, phase: Phase, depth: Depth) {
        self.take(phase, depth);
        let come = self.target.as_mut().map(Asker::wait).unwrap_or_default();
        self.enter(come);
    }

    fn enter(&mut self, come: Vec<Answer>) {
        for answer in come {
            match answer.cost {
                Ok(cost) => self.taken[answer.index].target = Some(cost),
                Err(error) => self.warn(error),
            }
            answer.warnings.into_iter().for_each(|w| self.warn(w));
            self.found = answer.found;
            self.clock_error = answer.clock_error;
        }
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// What could not be read.
    pub(super) fn warnings(&self) -> Vec<String> {
        let late = self.target.as_ref().and_then(Asker::warning);
        self.warnings.iter().cloned().chain(late).collect()
    }

    /// Every process that was taken for the target.
    pub(super) fn found(&self) -> &[String] {
        &self.found
    }

    /// Where the target was read: `local`, or the address of a probe on another machine.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// By how much the instants of its readings may be wrong, when they are of another machine's clock.
    pub(super) fn clock_error(&self) -> Option<Nanos> {
        self.clock_error
    }

    /// All readings in order.
    pub(super) fn all(&self) -> &[Reading] {
        &self.taken
    }

    /// The last reading that ends this phase and has what is asked for.
    pub(super) fn end_of<T>(&self, phase: Phase, of: impl Fn(&Reading) -> Option<T>) -> Option<T> {
        self.taken.iter().rev().filter(|r| r.phase == phase).find_map(of)
    }

    /// The last reading before this phase that has it.
    pub(super) fn before<T>(&self, phase: Phase, of: impl Fn(&Reading) -> Option<T>) -> Option<T> {
        self.taken.iter().rev().filter(|r| r.phase < phase).find_map(of)
    }

    /// The reading that was taken for this end of a second, where it was.
    pub(super) fn soon_after(&self, at: Nanos) -> Option<&Reading> {
        self.taken.iter().find(|r| r.vital.at >= at).filter(|r| r.vital.at < at + Nanos::SECOND)
    }

    /// The readings at both ends of a stretch of the run: each is taken within a moment after it.
    pub(super) fn around(&self, start: Nanos, end: Nanos) -> Option<(&Reading, &Reading)> {
        let at = |limit: Nanos| self.taken.iter().find(|r| r.vital.at >= limit);
        let (from, to) = (at(start)?, at(end)?);
        (to.vital.at > from.vital.at).then_some((from, to))
    }

    /// Rows of `cost.csv`, times from `start`.
    pub(super) fn rows(&self, start: Nanos) -> Vec<CostRow> {
        let both = |r: &Reading| [("target", r.phase, r.target), ("generator", r.phase, r.own)];
        self.taken
            .iter()
            .flat_map(both)
            .filter_map(|(of, phase, cost)| cost.map(|c| row(of, phase, &c, start)))
            .collect()
    }
}
