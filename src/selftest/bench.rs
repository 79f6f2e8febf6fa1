//! What a part works with: plays scenarios, keeps results, gathers checks.

use super::check::Check;
use super::flights::{self, Flight};
use super::outcome::Attempt;
use super::process::Started;
use super::{Depth, Options, SelftestError};
use crate::engine::{self, EngineError, Interrupt, Observer, Progress};
use crate::model::Nanos;
use crate::pace::{Schedule, Spacing};
use crate::record::Timing;
use crate::result::{EventFiles, Folder, Results, RunDetail, RunResult};
use crate::scenario::{self, Arrivals, Channels, Overrides, RunPlan};
use hdrhistogram::Histogram;
use std::path::{Path, PathBuf};

/// Messages that may have met a stall of the machine, percent; with more, the machine was measured.
const MOST_LEFT_OUT: f64 = 25.0;

/// Share of the time that the generator may wait for a CPU beside a witness, who takes some of it: beyond,
/// somebody else is there.
const MOST_WAITED: f64 = 0.1;

/// One attempt at a part.
pub(super) struct Bench<'a> {
    options: &'a Options,
    interrupt: &'a Interrupt,
    /// Names what is kept: part, attempt.
    label: String,
    checks: Vec<Check>,
    spoiled: Vec<String>,
}

/// One run: its plan, what the summary says of it, and its series.
pub(super) struct Ran {
    /// What was planned.
    pub(super) plan: RunPlan,
    /// The summary's row.
    pub(super) run: RunResult,
    /// Intervals, readings, histograms.
    pub(super) detail: RunDetail,
}

/// All delivery times of a run, from its seconds.
pub(super) fn delivery(detail: &RunDetail) -> Histogram<u64> {
    let mut all = Timing::empty_histogram();
    detail.latency.iter().for_each(|i| all.add(&i.delivery).expect("all histograms have the same bounds"));
    all
}

/// One message of a feed.
pub(super) struct Sent {
    /// Its number on its channel, from 1: what the faults count by.
    pub(super) number: u64,
    /// When it was due, from the first instant of the feed.
    pub(super) due: Nanos,
    /// Whether it was due in `measure`.
    pub(super) measured: bool,
}

impl Ran {
    /// A number of the summary's row by its documented key, such as `/ledger/lost`: what is proved is what
    /// is printed. `None`: `null`, or no such key.
    pub(super) fn told(&self, pointer: &str) -> Option<f64> {
        serde_json::to_value(&self.run).ok()?.pointer(pointer)?.as_f64()
    }

    /// Share of `measure` that the target was runnable without a CPU.
    pub(super) fn target_waited(&self) -> f64 {
        let mut rows = self.detail.cost.iter().filter(|r| r.of == "target" && r.phase == "measure");
        let first = rows.next();
        match first.zip(rows.next_back()) {
            Some((a, b)) if b.at_s > a.at_s => {
                (b.run_delay_s_total - a.run_delay_s_total) / (b.at_s - a.at_s)
            }
            _ => 0.0,
        }
    }

    /// The feed, channel by channel, as it was fixed before the run.
    pub(super) fn sent(&self) -> Vec<(String, Vec<Sent>)> {
        let (Some(feed), Channels::Named(names)) = (&self.plan.publish, &self.plan.channels) else {
            return Vec::new();
        };
        let spacing = match feed.arrivals {
            Arrivals::Constant => Spacing::Constant,
            Arrivals::Poisson => Spacing::Poisson,
        };
        let (from, to) = (self.plan.phases.warmup, self.plan.phases.warmup + self.plan.phases.measure);
        let of = |i: usize| {
            let schedule = Schedule::of_channel(spacing, feed.rate_per_s, self.plan.seed, i as u32);
            let dues = schedule.take_while(|due| *due < to).zip(1..);
            dues.map(|(due, number)| Sent { number, due, measured: due >= from }).collect()
        };
        names.iter().enumerate().map(|(i, name)| (name.clone(), of(i))).collect()
    }

    /// The same, only what was due in `measure`, each with the name of its channel.
    pub(super) fn measured(&self) -> Vec<(String, Sent)> {
        let of = |(name, sent): (String, Vec<Sent>)| {
            sent.into_iter().filter(|s| s.measured).map(move |s| (name.clone(), s))
        };
        self.sent().into_iter().flat_map(of).collect()
    }
}

/// So many channel names as a TOML list: the draws of faults depend on the name, so it is fixed.
pub(super) fn channels(count: u32) -> String {
    let names: Vec<String> = (0..count).map(|i| format!("\"c{i}\"")).collect();
    format!("[{}]", names.join(", "))
}

struct Silent;

impl Observer for Silent {
    fn run_begins(&mut self, _index: usize, _total: usize, _run: &RunPlan) {}
    fn progress(&mut self, _progress: &Progress) {}
    fn run_ended(&mut self, _results: &Results) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> Bench<'a> {
    pub(super) fn new(options: &'a Options, interrupt: &'a Interrupt, part: &str, attempt: usize) -> Self {
        let label = format!("{part}-{attempt}");
        Bench { options, interrupt, label, checks: Vec::new(), spoiled: Vec::new() }
    }

    /// Short or full.
    pub(super) fn depth(&self) -> Depth {
        self.options.depth
    }

    /// Tells how many of a run's messages met a stall of the machine; too many spoil the attempt.
    pub(super) fn kept(&mut self, name: &str, all: &[Flight], kept: Vec<Flight>) -> Vec<Flight> {
        let share = 100.0 * (1.0 - kept.len() as f64 / all.len().max(1) as f64);
        if share > MOST_LEFT_OUT {
            self.spoil(name, &format!("{share:.0} % of the messages met a stall of the machine"));
        }
        self.check(Check::holds(
            format!("{name}: messages that met a stall of the machine"),
            "",
            format!("{share:.1} %"),
            format!("left out; at most {MOST_LEFT_OUT:.0} %"),
            share <= MOST_LEFT_OUT,
        ));
        kept
    }

    /// Somebody who sees the machine stand still, on every core that we may use.
    pub(super) fn witness(&self) -> Result<Started, SelftestError> {
        Started::witness(&self.options.program, &engine::allowed_cores())
            .map_err(|source| SelftestError::Helper { what: "start a witness", source })
    }

    /// Plays a scenario of exactly one run and gives each message by itself, too. For who heeds stalls of
    /// the machine by a witness: what spoils the attempt is somebody else on the cores.
    pub(super) fn play_each(
        &mut self,
        name: &str,
        scenario: &str,
    ) -> Result<(Ran, Vec<Flight>), SelftestError> {
        let place = self.place(&format!("{name}-events"));
        let folder = Folder::create(&place)?;
        let ran = self.played(name, scenario, Some(EventFiles::within(&folder)))?;
        self.heed_company(name, &ran);
        let flights = flights::read(&place, &ran);
        if !self.keeps() {
            // Best effort: it is a folder for temporary files.
            let _ = std::fs::remove_dir_all(&place);
        }
        Ok((ran, flights?))
    }

    /// Spoils the attempt when the generator had to wait for its cores.
    fn heed_company(&mut self, name: &str, ran: &Ran) {
        let share = ran.run.generator.run_delay_share;
        if share > MOST_WAITED {
            self.spoil(name, &format!("the generator waited {:.1} % of the time for a CPU", share * 100.0));
        }
    }

    /// Plays a scenario of exactly one run. One whose generator was starved spoils the attempt.
    pub(super) fn play(&mut self, name: &str, scenario: &str) -> Result<Ran, SelftestError> {
        let ran = self.play_anyhow(name, scenario)?;
        if ran.run.generator_limited {
            self.spoil(name, &ran.run.reasons.join("; "));
        }
        Ok(ran)
    }

    /// The same for a run that is meant to go wrong.
    pub(super) fn play_anyhow(&mut self, name: &str, scenario: &str) -> Result<Ran, SelftestError> {
        self.played(name, scenario, None)
    }

    fn played(
        &mut self,
        name: &str,
        scenario: &str,
        events: Option<EventFiles>,
    ) -> Result<Ran, SelftestError> {
        self.heed()?;
        let scenario_error = |text: String| SelftestError::Scenario { name: name.to_owned(), text };
        let text = format!("title = \"selftest {} {name}\"\n{scenario}", self.label);
        let mut plan = scenario::parse(name, &text, &Overrides::default())
            .map_err(|errors| scenario_error(errors.to_string()))?;
        let options = engine::Options {
            server: self.options.program.clone(),
            command: vec!["pushbench".to_owned(), "selftest".to_owned()],
            trace: None,
            selftest: serde_json::Value::Null,
            events,
            hurried: true,
        };
        let played = engine::play(&plan, &options, self.interrupt, &mut Silent);
        match played.error {
            None if self.interrupt.requested() => return Err(SelftestError::Interrupted),
            None => {}
            Some(EngineError::Interrupted) => return Err(SelftestError::Interrupted),
            Some(source) => return Err(SelftestError::Run { name: name.to_owned(), source }),
        }
        self.keep(name, &played.results)?;
        let Results { mut summary, mut details, .. } = played.results;
        match (plan.runs.pop(), summary.runs.pop(), details.pop()) {
            (Some(plan), Some(run), Some(detail)) if summary.runs.is_empty() => Ok(Ran { plan, run, detail }),
            _ => Err(scenario_error("it is not exactly one run".to_owned())),
        }
    }

    fn keep(&self, name: &str, results: &Results) -> Result<(), SelftestError> {
        let Some(keep) = &self.options.keep else { return Ok(()) };
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let folder = Folder::create(&keep.join(format!("{}-{name}", self.label)))?;
        Ok(folder.write(results)?)
    }

    /// This program, for a process of its own.
    pub(super) fn program(&self) -> &Path {
        &self.options.program
    }

    /// A folder for the results of a run that a part starts as a process, and where they may stay.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        let name = format!("{}-{name}", self.label);
        match &self.options.keep {
            Some(keep) => keep.join(name),
            None => std::env::temp_dir().join(format!("pushbench-selftest-{}-{name}", std::process::id())),
        }
    }

    /// Whether results are kept.
    pub(super) fn keeps(&self) -> bool {
        self.options.keep.is_some()
    }

    /// Starts the bundled server as a process beside the runs.
    pub(super) fn server(&self, args: &[&str]) -> Result<Started, SelftestError> {
        Started::server(&self.options.program, args)
            .map_err(|source| SelftestError::Helper { what: "start a server", source })
    }

    /// Whether somebody asked to stop.
    pub(super) fn heed(&self) -> Result<(), SelftestError> {
        if self.interrupt.requested() { Err(SelftestError::Interrupted) } else { Ok(()) }
    }

    /// Starts a relay with its server, on the core that a target gets.
    pub(super) fn relay(&self, words: &str) -> Result<Started, SelftestError> {
        let core = engine::allowed_cores().first().copied().unwrap_or(0);
        self.helper(&format!("relay {words} cpu {core}"))
    }

    /// Starts a helper process of this program.
    pub(super) fn helper(&self, words: &str) -> Result<Started, SelftestError> {
        Started::helper(&self.options.program, words)
            .map_err(|source| SelftestError::Helper { what: "start a helper process", source })
    }

    /// Adds a line of proof.
    pub(super) fn check(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// The attempt says nothing: the machine, not pushbench, was measured.
    pub(super) fn spoil(&mut self, what: &str, why: &str) {
        self.spoiled.push(format!("{what}: {why}"));
    }

    /// What came of it.
    pub(super) fn attempt(self, error: Option<SelftestError>, took_s: f64) -> Attempt {
        let error = error.map(|e| e.to_string());
        Attempt { checks: self.checks, spoiled: self.spoiled, error, took_s }
    }
}
