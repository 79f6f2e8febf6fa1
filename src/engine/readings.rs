//! What target and generator cost, read at the ends of phases and once a second between.

use super::timeline::Phase;
use crate::model::{Cost, Nanos};
use crate::probe::{Depth, PortProbe, Probe, SelfProbe, Vital, Vitals};
use crate::result::CostRow;

/// How the names of worker threads begin.
pub(super) const WORKER_NAME: &str = "worker-";

/// All readings of a run.
pub(super) struct Readings {
    target: Option<PortProbe>,
    own: SelfProbe,
    vitals: Vitals,
    taken: Vec<Reading>,
    warnings: Vec<String>,
    found: Vec<String>,
}

/// One reading.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The phase that it ends.
    pub(super) phase: Phase,
    /// `None` when the target could not be seen.
    pub(super) target: Option<Cost>,
    /// pushbench itself; `None` when even that could not be read.
    pub(super) own: Option<Cost>,
    /// Whether the machine let the generator work.
    pub(super) vital: Vital,
}

impl Readings {
    /// Reads the owners of `port` and what the run started; a target elsewhere cannot be read. The
    /// generator's own `cores`: none given when it is not pinned.
    pub(super) fn new(port: u16, started: Option<u32>, local: bool, cores: Vec<usize>) -> Readings {
        let warnings = match local {
            true => Vec::new(),
            false => vec!["the target runs on another machine: its cost was not read".to_owned()],
        };
        Readings {
            target: local.then(|| PortProbe::new(port, started)),
            own: SelfProbe::new(),
            vitals: Vitals::new(cores, WORKER_NAME),
            taken: Vec::new(),
            warnings,
            found: Vec::new(),
        }
    }

    /// Takes one.
    pub(super) fn take(&mut self, phase: Phase, depth: Depth) {
        let target = self.target.as_mut().map(|p| p.read(depth));
        let target = match target {
            Some(Err(error)) => {
                self.warn(error.to_string());
                None
            }
            Some(Ok(cost)) => Some(cost),
            None => None,
        };
        for warning in self.target.as_ref().map(Probe::warnings).unwrap_or_default() {
            self.warn(warning);
        }
        for line in self.target.as_ref().map(Probe::found).unwrap_or_default() {
            if !self.found.contains(&line) {
                self.found.push(line);
            }
        }
        let own = self.own.read(Depth::Light).ok();
        let vital = self.vitals.read();
        self.taken.push(Reading { phase, target, own, vital });
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// What could not be read.
    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Every process that was taken for the target.
    pub(super) fn found(&self) -> &[String] {
        &self.found
    }

    /// All readings in order.
    pub(super) fn all(&self) -> &[Reading] {
        &self.taken
    }

    /// The last reading that ends this phase.
    pub(super) fn end_of(&self, phase: Phase) -> Option<&Reading> {
        self.taken.iter().rfind(|r| r.phase == phase)
    }

    /// The last reading before this phase.
    pub(super) fn before(&self, phase: Phase) -> Option<&Reading> {
        self.taken.iter().rfind(|r| r.phase < phase)
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

fn row(of: &str, phase: Phase, cost: &Cost, start: Nanos) -> CostRow {
    CostRow {
        of: of.to_owned(),
        at_s: cost.at.as_secs_f64() - start.as_secs_f64(),
        phase: phase.key().to_owned(),
        processes: cost.processes,
        threads: cost.threads,
        cpu_s_total: cost.cpu_ns_total as f64 / 1e9,
        run_delay_s_total: cost.run_delay_ns_total as f64 / 1e9,
        context_switches_total: cost.voluntary_switches_total + cost.involuntary_switches_total,
        descriptors: cost.descriptors,
        rss_bytes: cost.rss_bytes,
        pss_bytes: cost.pss_bytes,
        kernel_socket_bytes: cost.kernel_socket_bytes,
    }
}
