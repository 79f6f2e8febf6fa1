//! What the command line changes in a scenario.

use super::lower::Report;
use super::raw::{Case, Scenario, Target, Text};
use super::suggest::nearest;
use crate::model::Nanos;

/// What is asked of the ladders of idle connections; what is left out is as in the file, or its default.
#[derive(Clone, Debug, Default)]
pub struct LadderWish {
    /// In place of `cost.ladder`.
    pub counts: Option<Vec<u32>>,
    /// In place of `cost.hold`.
    pub hold: Option<Nanos>,
    /// In place of `cost.repeat`.
    pub repeat: Option<u32>,
}

/// Values that replace those of the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Virtual clients, in place of `load.clients` and of a sweep over it.
    pub clients: Option<u32>,
    /// In place of `load.measure`.
    pub duration: Option<Nanos>,
    /// Scheme, host and port, in place of `target.base`; paths stay those of the file, and nothing
    /// is started.
    pub target: Option<String>,
    /// The cases to keep, by name; empty: all.
    pub cases: Vec<String>,
    /// In place of `seed`.
    pub seed: Option<u64>,
    /// Only ladders of idle connections are played, also where the file has no `[cost]`.
    pub ladder: Option<LadderWish>,
}

impl Overrides {
    /// Puts them in, and tells the report which keys they stand for.
    pub(super) fn apply(&self, raw: &mut Scenario, r: &mut Report<'_>) {
        let load = raw.load.get_or_insert_default();
        if let Some(clients) = self.clients {
            load.clients = Some(clients);
            r.override_with("load.clients", "--clients");
            if raw.sweep.as_mut().is_some_and(|s| s.clients.take().is_some()) {
                r.note("--clients replaces the sweep over clients");
            }
        }
        if let Some(duration) = self.duration {
            load.measure = Some(Text(duration));
            r.override_with("load.measure", "--duration");
        }
        if let Some(target) = &self.target {
            aim(raw, target, r);
        }
        if let Some(wish) = &self.ladder {
            wish.apply(raw, r);
        }
        if let Some(seed) = self.seed {
            raw.seed = Some(seed);
            r.override_with("seed", "--seed");
        }
    }

    /// Keeps the named cases. Those that the file does not have are errors.
    ///
    /// Done last: the others are checked too.
    pub(super) fn choose(&self, cases: &mut Vec<super::lower::CasePlan>, all: &[String], r: &mut Report<'_>) {
        for wanted in self.cases.iter().filter(|name| !all.contains(name)) {
            let near =
                nearest(wanted, all.iter().map(String::as_str)).map(|n| format!(" (did you mean \"{n}\"?)"));
            let there: Vec<String> = all.iter().map(|n| format!("\"{n}\"")).collect();
            let near = near.unwrap_or_default();
            r.command_line(format!("no case is called \"{wanted}\"{near}; there are: {}", there.join(", ")));
        }
        if !self.cases.is_empty() {
            cases.retain(|c| self.cases.contains(&c.name));
        }
    }
}

impl LadderWish {
    fn apply(&self, raw: &mut Scenario, r: &mut Report<'_>) {
        r.ladders_alone = true;
        // Objectives and claims are about runs, and there is none.
        (raw.slo, raw.claim) = (None, None);
        let cost = raw.cost.get_or_insert_default();
        if let Some(counts) = &self.counts {
            cost.ladder = Some(counts.clone());
            r.override_with("cost.ladder", "--ladder");
        }
        if let Some(hold) = self.hold {
            cost.hold = Some(Text(hold));
            r.override_with("cost.hold", "--hold");
        }
        if let Some(repeat) = self.repeat {
            cost.repeat = Some(repeat);
            r.override_with("cost.repeat", "--repeat");
        }
    }
}

/// Names of all cases that have one.
pub(super) fn names(cases: Option<&Vec<Case>>) -> Vec<String> {
    cases.into_iter().flatten().filter_map(|c| c.name.clone()).collect()
}

fn aim(raw: &mut Scenario, base: &str, r: &mut Report<'_>) {
    r.override_with("target.base", "--target");
    let target = raw.target.get_or_insert_with(Target::default);
    target.base = Some(base.to_owned());
    if target.bundled.take().is_some() {
        r.note("--target: the file's options of the bundled server are not used");
    }
    // The port that was priced belongs to the other target.
    target.cost = None;
    if target.probe.take().is_some() {
        r.note("--target: the file's `probe` stands beside another target and is not asked");
    }
    if target.start.take().is_some() {
        r.note("--target: the file's `start` is not run, the target must be up");
    }
}
