//! Plays a plan: targets, phases, workers, readings, verdicts. Prints nothing and writes no file.

mod assemble;
mod conceal;
mod conductor;
mod control;
mod cores;
mod events;
mod fan;
mod feed;
mod interrupt;
mod manifest;
mod pauses;
mod places;
pub mod preflight;
mod process;
mod program;
mod rail;
mod readings;
mod remote;
mod scrapes;
mod site;
mod target;
mod their_clock;
mod timeline;
mod told;
mod trace;
mod verdict;
mod warm;
mod worker;

pub use cores::{allowed as allowed_cores, pin_this_thread};
pub use interrupt::Interrupt;
pub use timeline::{Phase, Timeline};
pub use trace::{Happened, Noted, Said, Trace};

use crate::result::{
    EventFiles, LadderResult, Results, RunDetail, RunResult, SUMMARY_SCHEMA, Summary, Verdict, cost_models,
    evaluate, priced,
};
use crate::scenario::{Plan, RunPlan, TargetPlan};
use std::path::PathBuf;

/// What the engine needs beside the plan.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program whose `serve` is the bundled reference server: pushbench itself.
    pub server: PathBuf,
    /// The command line, for the manifest.
    pub command: Vec<String>,
    /// Told everything that happens, for a person to read; `None` in a measurement.
    pub trace: Option<Trace>,
    /// Where each event of each run is written; `None` in a measurement that is not to be disturbed.
    pub events: Option<EventFiles>,
    /// What is known of this build's last selftest, for the manifest; `null`: it is not told.
    pub selftest: serde_json::Value,
    /// Leaves out the quiet stretches before the first and after the last client, and with them what the
    /// machine does anyway and what the target puts away: for many short runs that ask something else.
    pub hurried: bool,
}

/// Told what is going on, on the control thread: may draw, must not block for long.
pub trait Observer {
    /// Run `index` of `total` begins.
    fn run_begins(&mut self, index: usize, total: usize, run: &RunPlan);
    /// The run cannot begin yet: `what` says what it waits for, and for how long at most.
    fn waiting(&mut self, what: &str) {
        let _ = what;
    }
    /// About four times a second.
    fn progress(&mut self, progress: &Progress);
    /// A run is over; `results` holds it and all before it.
    ///
    /// # Errors
    /// When the results cannot be kept: the rest of the plan is not run.
    fn run_ended(&mut self, results: &Results) -> std::io::Result<()>;
}

/// Where a run is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Which phase.
    pub phase: Phase,
    /// Clients attached now.
    pub attached: u32,
    /// Clients wanted.
    pub clients: u32,
    /// Messages received a second, in the last whole interval.
    pub delivered_per_s: f64,
    /// 99th percentile of delivery time so far in this phase, nanoseconds.
    pub p99_ns: Option<u64>,
    /// Failures so far.
    pub failures: u64,
    /// Seconds left of this run.
    pub left_s: f64,
}

/// Why a plan could not be played.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The target could not be started or did not become ready.
    #[error("failed to start the target: {0}")]
    Target(String),
    /// The program that is to publish could not be started.
    #[error("failed to start the program that publishes: {0}")]
    Publisher(String),
    /// The safety rail.
    #[error("target refused: {0}")]
    Refused(String),
    /// Certificates or keys will not do.
    #[error("failed to set up TLS: {0}")]
    Tls(String),
    /// The machine cannot do what is asked.
    #[error("this machine cannot run it:\n{0}")]
    Preflight(String),
    /// The probe on the target's machine does not answer us.
    #[error("the probe beside the target cannot be asked: {0}")]
    Probe(String),
    /// Somebody asked to stop before the run had begun.
    #[error("interrupted before the run began")]
    Interrupted,
    /// A worker thread could not be set up.
    #[error("failed to set up a worker: {0}")]
    Worker(String),
    /// The results could not be kept.
    #[error("failed to keep the results: {0}")]
    Keep(#[from] std::io::Error),
}

/// What playing a plan came to.
#[derive(Debug)]
pub struct Played {
    /// Every run that was done, also when a later one failed; `partial` when runs are missing.
    pub results: Results,
    /// Why the rest of the plan was not played.
    pub error: Option<EngineError>,
}

/// Plays every run of the plan in order. What was measured is handed to the observer after each
/// run, so a later failure loses nothing; it is given together with what was measured before it.
/// An interrupt ends the current run early and keeps it, marked partial.
pub fn play(plan: &Plan, options: &Options, interrupt: &Interrupt, observer: &mut dyn Observer) -> Played {
    let machine = preflight::Machine::read();
    let mut results = Results {
        summary: Summary {
            schema: SUMMARY_SCHEMA.to_owned(),
            title: plan.secrets.hide(&plan.title),
            seed: plan.seed,
            target: plan.secrets.hide(&plan.target.in_words()),
            ..Summary::default()
        },
        manifest: manifest::manifest(plan, options, &machine),
        details: Vec::new(),
    };
    let observer = &mut conceal::Discreet { secrets: &plan.secrets, observer };
    let error = preflight_all(plan, &machine)
        .and_then(|()| remote::preflight(plan))
        .and_then(|()| play_runs(plan, options, interrupt, observer, &mut results))
        .and_then(|()| climb_ladders(plan, options, interrupt, observer, &mut results))
        .err();
    let error = error.map(|error| conceal::error(&plan.secrets, error));
    results.summary.partial |= results.summary.runs.len() < plan.runs.len();
    results.summary.partial |= results.summary.ladders.len() < plan.ladders.len();
    Played { results, error }
}

fn play_runs(
    plan: &Plan,
    options: &Options,
    interrupt: &Interrupt,
    observer: &mut dyn Observer,
    results: &mut Results,
) -> Result<(), EngineError> {
    for (index, run) in plan.runs.iter().enumerate() {
        if interrupt.requested() {
            return Err(EngineError::Interrupted);
        }
        observer.run_begins(index, plan.runs.len() + plan.ladders.len(), run);
        let gathered = conductor::conduct(plan, run, index, options, interrupt, observer)?;
        let (result, detail) = assemble::assemble(run, gathered);
        let result = conceal::result(&plan.secrets, result);
        manifest::add_clock(&mut results.manifest, index, &result);
        results.summary.runs.push(result);
        results.details.push(detail);
        conclude(results, plan, interrupt.requested());
        observer.run_ended(results)?;
    }
    Ok(())
}

/// Plays the ladders of idle connections. They have no series, and no events: their steps are all there is.
fn climb_ladders(
    plan: &Plan,
    options: &Options,
    interrupt: &Interrupt,
    observer: &mut dyn Observer,
    results: &mut Results,
) -> Result<(), EngineError> {
    let options = Options { events: None, ..options.clone() };
    for (i, run) in plan.ladders.iter().enumerate() {
        let Some(stairs) = &run.stairs else { continue };
        if interrupt.requested() {
            return Err(EngineError::Interrupted);
        }
        let index = plan.runs.len() + i;
        observer.run_begins(index, plan.runs.len() + plan.ladders.len(), run);
        let gathered = conductor::conduct(plan, run, index, &options, interrupt, observer)?;
        let ladder = conceal::result(&plan.secrets, assemble::ladder(run, stairs, gathered));
        results.summary.ladders.push(ladder);
        results.summary.connection_costs = assemble::connection_costs(&results.summary.ladders);
        conclude(results, plan, interrupt.requested());
        observer.run_ended(results)?;
    }
    Ok(())
}

fn preflight_all(plan: &Plan, machine: &preflight::Machine) -> Result<(), EngineError> {
    for run in plan.runs.iter().chain(&plan.ladders) {
        let demand = demand(plan, run);
        let refusals: Vec<String> = preflight::check(&demand, machine)
            .iter()
            .filter(|p| p.severity == preflight::Severity::Refuse)
            .map(|p| format!("  {p}"))
            .collect();
        if !refusals.is_empty() {
            return Err(EngineError::Preflight(refusals.join("\n")));
        }
    }
    Ok(())
}

fn demand(plan: &Plan, run: &RunPlan) -> preflight::Demand {
    let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let address = match &plan.target {
        TargetPlan::Bundled(_) => nowhere,
        // A name that cannot be looked up is told when the target is.
        TargetPlan::External { base, .. } => {
            let found = crate::net::resolve(&base.host, base.port).unwrap_or_default();
            found.first().copied().unwrap_or(nowhere)
        }
    };
    preflight::Demand {
        clients: run.clients,
        publish_connections: run.publish.as_ref().map_or(0, |p| p.connections()),
        local: rail::is_local(&address),
        bundled_server: matches!(plan.target, TargetPlan::Bundled(_)),
        address,
    }
}

/// The summary's head: the worst verdict, each reason once, the objectives.
fn conclude(results: &mut Results, plan: &Plan, interrupted: bool) {
    let Results { summary, details, .. } = results;
    let (runs, ladders) = (&summary.runs, &summary.ladders);
    let worst = runs.iter().map(|r| r.verdict).chain(ladders.iter().map(|l| l.verdict)).max();
    summary.verdict = worst.unwrap_or(Verdict::Invalid);
    summary.partial = interrupted || runs.iter().any(|r| r.partial) || ladders.iter().any(|l| l.partial);
    let of_run =
        |run: &RunResult| run.reasons.iter().map(|r| format!("{}: {r}", run.case)).collect::<Vec<_>>();
    let of_ladder = |l: &LadderResult| {
        l.reasons.iter().map(|r| format!("{}, cost ladder: {r}", l.case)).collect::<Vec<_>>()
    };
    let mut reasons: Vec<String> = Vec::new();
    for reason in runs.iter().flat_map(of_run).chain(ladders.iter().flat_map(of_ladder)) {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    summary.reasons = reasons;
    let held = |(i, run): (usize, &RunResult)| {
        evaluate((&plan.slo, plan.on_invalid), i, run, details.get(i).unwrap_or(&RunDetail::default()))
    };
    summary.slo = summary.runs.iter().enumerate().flat_map(held).collect();
    summary.claims = crate::result::held(&plan.claims, &summary.runs);
    summary.cost_models = cost_models(&summary.runs);
    summary.prices = plan.price.as_ref().map(|price| priced(price, summary));
}
