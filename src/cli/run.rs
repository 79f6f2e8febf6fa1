//! `pushbench run`.

use super::exit;
use super::progress::Live;
use super::report::{FormatArg, style};
use crate::engine::{self, EngineError, Interrupt, Options, Played};
use crate::model::Nanos;
use crate::report::{Format, Style, render};
use crate::result::{EventFiles, Folder, Results, RunResult, Verdict};
use crate::scenario::{self, Overrides, Plan, Quick, TargetPlan};
use crate::{clock, plot, selftest};
use anyhow::Context;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Run a scenario file, or a quick run without one.
///
/// Plays every case of the scenario, prints a table and writes a results folder with charts.
/// Results go to stdout, progress to stderr.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pushbench run scenarios/quickstart.toml
      the bundled server under polling, long polling and WebSocket, in under a minute
  pushbench run scenarios/quickstart.toml --case websocket --clients 2000 --duration 30s
      one case of it, changed
  pushbench run --transport websocket --target ws://127.0.0.1:9000/ws/news --clients 1000 --duration 10s
      no file: hold 1000 clients on a URL and count what comes
  pushbench run --transport websocket --target ws://127.0.0.1:9000/ws/news \\
      --publish http://127.0.0.1:9000/pub/news --rate 20/s --clients 1000 --duration 10s
      the same, and publish through the target: delivery time and loss are measured

Exit codes: 0 good, 1 failed or nothing was delivered, 2 usage or scenario error, 10 an objective
was missed, 11 the run is invalid (the generator was the limit), 12 target refused, 130/143
interrupted (what was measured is kept).")]
pub(super) struct Args {
    /// The scenario file; leave it out for a quick run with --transport
    file: Option<PathBuf>,
    /// Quick run: how the clients attach
    #[arg(long, value_name = "NAME", conflicts_with = "file", required_unless_present = "file", value_parser = Quick::TRANSPORTS)]
    transport: Option<String>,
    /// Drive this target instead: a base URL for a scenario, the whole URL for a quick run (may hold ${channel})
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// Quick run: publish by POST to this URL (may hold ${channel}); without it nothing is published
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    publish: Option<String>,
    /// Quick run: messages for each channel, such as 20/s
    #[arg(long, value_name = "RATE", conflicts_with = "file")]
    rate: Option<String>,
    /// Quick run: size of a message, such as "64 B"
    #[arg(long, value_name = "SIZE", conflicts_with = "file")]
    payload: Option<String>,
    /// Quick run: number of channels (URLs then need ${channel})
    #[arg(long, value_name = "N", conflicts_with = "file")]
    channels: Option<u32>,
    /// Quick run: polling period, such as 1s
    #[arg(long, value_name = "TIME", conflicts_with = "file")]
    every: Option<String>,
    /// Virtual clients
    #[arg(long, value_name = "N")]
    clients: Option<u32>,
    /// Length of the measured phase, such as 30s
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = time)]
    duration: Option<Nanos>,
    /// Only the case of this name; may be given several times
    #[arg(long = "case", value_name = "NAME", conflicts_with = "transport")]
    cases: Vec<String>,
    /// Seed of every random choice: the same seed gives the same due times
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Results folder; default results/<UTC time>-<title>
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Drive an address that is neither loopback nor private: only your own
    #[arg(long)]
    allow_remote: bool,
    /// What to print at the end
    #[arg(long, value_enum, default_value = "text")]
    format: FormatArg,
    /// Write no charts
    #[arg(long)]
    no_charts: bool,
    /// Write every event into events/ of the results folder, for a separate check of the counts: disturbs the times
    #[arg(long)]
    trace_events: bool,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    let plan = match plan(&args) {
        Ok(plan) => plan,
        Err(errors) => {
            super::say(&errors.coloured(super::colour_wanted(&std::io::stderr())).to_string());
            return Ok(exit::USAGE);
        }
    };
    let shown = Shown { format: args.format.into(), charts: !args.no_charts, quiet: args.quiet };
    carry_out(&plan, args.out.as_deref(), args.trace_events, shown)
}

/// How what was measured is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) format: Format,
    pub(super) charts: bool,
    /// No progress on stderr.
    pub(super) quiet: bool,
}

/// Plays a plan into a results folder (`None`: its default place) and gives the exit code.
pub(super) fn carry_out(plan: &Plan, out: Option<&Path>, events: bool, shown: Shown) -> anyhow::Result<u8> {
    let faults = super::faults::wrong(plan);
    if !faults.is_empty() {
        super::say(&faults.join("\n"));
        return Ok(exit::USAGE);
    }
    let _ = engine::preflight::raise_descriptor_limit();
    let folder = match out {
        Some(path) => Folder::create(path),
        None => Folder::create(&Folder::default_path(Path::new("results"), &plan.title, clock::utc_now())),
    }
    .context("failed to prepare the results folder")?;
    let interrupt = Interrupt::on_signals().context("failed to listen for signals")?;
    let played = play(plan, events, shown, &folder, &interrupt)?;
    Ok(finish(shown, &folder, &played, &interrupt))
}

/// The plan, or what is wrong with the scenario.
fn plan(args: &Args) -> Result<Plan, scenario::ScenarioErrors> {
    let mut plan = match &args.file {
        Some(file) => scenario::load(file, &overrides(args)),
        None => scenario::quick(&quick(args)),
    };
    if let (Ok(Plan { target: TargetPlan::External { allow_remote, .. }, .. }), true) =
        (&mut plan, args.allow_remote)
    {
        *allow_remote = true;
    }
    plan
}

/// A time above zero that a flag holds.
pub(super) fn time(text: &str) -> Result<Nanos, String> {
    let below = text.strip_prefix('-').and_then(scenario::units::parse_duration);
    match (scenario::units::parse_duration(text), below) {
        (Some(Nanos::ZERO), _) => Err("that is zero: want a time above zero, such as 30s".to_owned()),
        (Some(time), _) => Ok(time),
        (None, Some(_)) => Err("that is below zero: want a time above zero, such as 30s".to_owned()),
        (None, None) => Err("that is no time: write a number and a unit, such as 30s".to_owned()),
    }
}

fn overrides(args: &Args) -> Overrides {
    Overrides {
        clients: args.clients,
        duration: args.duration,
        target: args.target.clone(),
        cases: args.cases.clone(),
        seed: args.seed,
        ladder: None,
    }
}

fn quick(args: &Args) -> Quick {
    Quick {
        transport: args.transport.clone().unwrap_or_default(),
        target: args.target.clone(),
        publish: args.publish.clone(),
        rate: args.rate.clone(),
        payload: args.payload.clone(),
        channels: args.channels,
        every: args.every.clone(),
        clients: args.clients,
        duration: args.duration,
        seed: args.seed,
        allow_remote: args.allow_remote,
    }
}

fn play(
    plan: &Plan,
    events: bool,
    shown: Shown,
    folder: &Folder,
    interrupt: &Interrupt,
) -> anyhow::Result<Played> {
    let server = std::env::current_exe().context("failed to find this program")?;
    let options = Options {
        selftest: selftest::known(&server),
        server,
        command: std::env::args().collect(),
        trace: None,
        events: events.then(|| EventFiles::within(folder)),
        hurried: false,
    };
    if !shown.quiet {
        super::say(&plan.secrets.hide(&opening(plan)));
    }
    let mut live = Live::new(folder, shown.quiet);
    Ok(engine::play(plan, &options, interrupt, &mut live))
}

fn opening(plan: &Plan) -> String {
    let seconds = super::check::duration(plan).as_secs_f64();
    let notes: String = plan.notes.iter().map(|n| format!("\nnote: {n}")).collect();
    format!("{}\n{}, about {seconds:.0} s{notes}", plan.title, super::check::parts(plan))
}

/// Publishes what was measured, whatever ended it; tells what went wrong; gives the exit code.
fn finish(shown: Shown, folder: &Folder, played: &Played, interrupt: &Interrupt) -> u8 {
    let Played { results, error } = played;
    let stopped = interrupt.exit_code().or(error.as_ref().map(code_of));
    if results.summary.runs.is_empty() && results.summary.ladders.is_empty() {
        folder.remove_if_empty();
        tell(error.as_ref(), interrupt);
        return stopped.unwrap_or(exit::FAILED);
    }
    let whole = publish(shown, folder, results);
    tell(error.as_ref(), interrupt);
    if error.is_some() {
        super::say(&format!("the runs before it are kept in {}", folder.path().display()));
    }
    // What the runs say counts for more than a chart that could not be drawn.
    let judged = if stopped.is_some() { exit::GOOD } else { exit_code(results) };
    let unjudged = if whole { exit::GOOD } else { exit::FAILED };
    stopped.unwrap_or(if judged == exit::GOOD { unjudged } else { judged })
}

fn code_of(error: &EngineError) -> u8 {
    match error {
        EngineError::Refused(_) => exit::REFUSED,
        _ => exit::FAILED,
    }
}

fn tell(error: Option<&EngineError>, interrupt: &Interrupt) {
    match error {
        Some(EngineError::Interrupted) => super::say(&EngineError::Interrupted.to_string()),
        Some(error) => super::say(&format!("error: {error}")),
        None if interrupt.requested() => super::say("interrupted"),
        None => {}
    }
}

/// Writes the results, draws, prints the report, writes the page. A step that fails is told and
/// keeps none of the others from being done: the numbers were paid for. Whether all went well.
fn publish(shown: Shown, folder: &Folder, results: &Results) -> bool {
    let dir = folder.path();
    // Again: since the last run ended it may have turned out that it was the last.
    let mut whole = done(folder.write(results).context("failed to keep the results"));
    if shown.charts {
        // Before the report, which names their folder.
        whole &= done(plot::draw_all(results, &dir.join("charts")).context("failed to draw the charts"));
    }
    whole &= done(print(shown.format, dir, results));
    whole & done(page(folder, results))
}

fn print(format: Format, dir: &Path, results: &Results) -> anyhow::Result<()> {
    // Charts that cannot be read keep nobody from the table.
    let style = style(dir, false).unwrap_or(Style { folder: Some(dir.to_owned()), ..Style::default() });
    let printed = super::report::put(None, &render(results, format, &style));
    // A reader that has seen enough: no fault, and no reason to change the verdict.
    printed.or_else(|error| if super::is_broken_pipe(&error) { Ok(()) } else { Err(error) })
}

fn page(folder: &Folder, results: &Results) -> anyhow::Result<()> {
    let page = render(results, Format::Html, &style(folder.path(), true)?);
    Ok(folder.put("report.html", page.as_bytes())?)
}

/// Tells an error, if it is one.
fn done<T>(step: anyhow::Result<T>) -> bool {
    step.map_err(|error| super::say_error("warning", &error)).is_ok()
}

fn exit_code(results: &Results) -> u8 {
    let silent: BTreeSet<&str> =
        results.summary.runs.iter().filter(|r| delivered_nothing(r)).map(|r| r.case.as_str()).collect();
    for case in &silent {
        super::say(&format!("error: nothing was delivered in {case}: see failures"));
    }
    let (runs, ladders) = (&results.summary.runs, &results.summary.ladders);
    let invalid = runs.iter().map(|r| r.verdict).chain(ladders.iter().map(|l| l.verdict)).max();
    if runs.iter().any(|r| r.generator_limited) || ladders.iter().any(|l| l.generator_limited) {
        exit::INVALID
    } else if results.summary.slo.iter().any(|s| s.met == Some(false)) {
        exit::OBJECTIVE
    } else if !silent.is_empty() || invalid == Some(Verdict::Invalid) {
        // Not the generator's doing, but no result either: what was asked for was not done.
        exit::FAILED
    } else {
        exit::GOOD
    }
}

/// Whether it was to publish and no client got anything of it.
fn delivered_nothing(run: &RunResult) -> bool {
    let published = run.offered_per_s > 0.0 || run.publish_failed > 0;
    published && run.ledger.delivered == 0 && !run.partial
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{LadderResult, Ledger, SloResult, Summary};

    fn run(delivered: u64) -> RunResult {
        let ledger = Ledger { expected: 10, delivered, lost: 10 - delivered, ..Ledger::default() };
        RunResult { case: "poll".into(), offered_per_s: 5.0, ledger, ..RunResult::default() }
    }

    fn code(runs: Vec<RunResult>, met: Option<bool>) -> u8 {
        let slo = vec![SloResult { met, ..SloResult::default() }];
        exit_code(&Results { summary: Summary { runs, slo, ..Summary::default() }, ..Results::default() })
    }

    #[test]
    fn a_time_is_above_zero_and_what_is_not_is_told_why() {
        assert_eq!(time("30s"), Ok(Nanos::SECOND * 30));
        for (text, why) in [("0s", "is zero"), ("-1s", "is below zero"), ("30", "a unit"), ("-s", "a unit")] {
            assert!(time(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn the_worst_of_the_runs_gives_the_exit_code() {
        assert_eq!(code(vec![run(10)], Some(true)), exit::GOOD);
        assert_eq!(code(vec![run(10)], None), exit::GOOD);
        assert_eq!(code(vec![run(10)], Some(false)), exit::OBJECTIVE);
        let invalid = RunResult { verdict: Verdict::Invalid, ..run(10) };
        let limited = RunResult { generator_limited: true, ..invalid.clone() };
        assert_eq!(code(vec![run(10), limited], Some(false)), exit::INVALID);
        assert_eq!(code(vec![run(10), invalid], None), exit::FAILED);
        assert_eq!(code(vec![run(0), run(10)], None), exit::FAILED);
    }

    #[test]
    fn a_ladder_is_judged_like_a_run() {
        let of = |ladder: LadderResult| {
            let summary = Summary { ladders: vec![ladder], ..Summary::default() };
            exit_code(&Results { summary, ..Results::default() })
        };
        assert_eq!(of(LadderResult::default()), exit::GOOD);
        let invalid = LadderResult { verdict: Verdict::Invalid, ..LadderResult::default() };
        assert_eq!(of(invalid.clone()), exit::FAILED);
        assert_eq!(of(LadderResult { generator_limited: true, ..invalid }), exit::INVALID);
    }

    #[test]
    fn only_a_whole_run_that_was_to_publish_can_deliver_nothing() {
        assert!(delivered_nothing(&run(0)) && !delivered_nothing(&run(1)));
        assert!(!delivered_nothing(&RunResult { partial: true, ..run(0) }));
        assert!(!delivered_nothing(&RunResult { offered_per_s: 0.0, ..run(0) }));
        assert!(delivered_nothing(&RunResult { offered_per_s: 0.0, publish_failed: 3, ..run(0) }));
    }
}
