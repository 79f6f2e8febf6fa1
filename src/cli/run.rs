//! `pushbench run`.

use super::exit;
use super::progress::Live;
use super::report::FormatArg;
use crate::engine::{self, EngineError, Interrupt, Options};
use crate::model::Nanos;
use crate::report::{Format, render};
use crate::result::{Folder, Results, Verdict};
use crate::scenario::{self, Overrides, Plan, Quick, TargetPlan};
use crate::{clock, plot};
use anyhow::Context;
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

Exit codes: 0 good, 1 failed, 2 usage or scenario error, 10 an objective was missed, 11 the run is
invalid (the generator was the limit), 12 target refused, 130/143 interrupted (what was measured is kept).")]
pub(super) struct Args {
    /// The scenario file; leave it out for a quick run with --transport
    file: Option<PathBuf>,
    /// Quick run: poll, long_poll or websocket
    #[arg(long, value_name = "NAME", conflicts_with = "file", required_unless_present = "file", value_parser = ["poll", "long_poll", "websocket"])]
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
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
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
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    let plan = match plan(&args)? {
        Ok(plan) => plan,
        Err(errors) => {
            super::say(&errors.coloured(super::colour_wanted(&std::io::stderr())).to_string());
            return Ok(exit::USAGE);
        }
    };
    let _ = engine::preflight::raise_descriptor_limit();
    let folder = match &args.out {
        Some(path) => Folder::create(path),
        None => Folder::create(&Folder::default_path(Path::new("results"), &plan.title, clock::utc_now())),
    }
    .context("failed to prepare the results folder")?;
    let played = play(&plan, &args, &folder)?;
    finish(&args, &folder, played)
}

/// The plan, or what is wrong with the scenario. The outer error is one of usage.
fn plan(args: &Args) -> anyhow::Result<Result<Plan, scenario::ScenarioErrors>> {
    let duration = args.duration.as_deref().map(duration).transpose()?;
    let mut plan = match &args.file {
        Some(file) => scenario::load(file, &overrides(args, duration)),
        None => scenario::quick(&quick(args, duration)),
    };
    if let (Ok(Plan { target: TargetPlan::External { allow_remote, .. }, .. }), true) =
        (&mut plan, args.allow_remote)
    {
        *allow_remote = true;
    }
    Ok(plan)
}

fn duration(text: &str) -> anyhow::Result<Nanos> {
    scenario::units::parse_duration(text).filter(|d| d.0 > 0).with_context(|| {
        format!("--duration {text:?} is no time: write a number and a unit, such as 30s or 500ms")
    })
}

fn overrides(args: &Args, duration: Option<Nanos>) -> Overrides {
    Overrides {
        clients: args.clients,
        duration,
        target: args.target.clone(),
        cases: args.cases.clone(),
        seed: args.seed,
    }
}

fn quick(args: &Args, duration: Option<Nanos>) -> Quick {
    Quick {
        transport: args.transport.clone().unwrap_or_default(),
        target: args.target.clone(),
        publish: args.publish.clone(),
        rate: args.rate.clone(),
        payload: args.payload.clone(),
        channels: args.channels,
        every: args.every.clone(),
        clients: args.clients,
        duration,
        seed: args.seed,
        allow_remote: args.allow_remote,
    }
}

/// What playing the plan came to.
enum Played {
    Whole(Box<Results>, Interrupt),
    /// It failed on the way; runs before that are kept.
    Failed(EngineError),
}

fn play(plan: &Plan, args: &Args, folder: &Folder) -> anyhow::Result<Played> {
    let interrupt = Interrupt::on_signals().context("failed to listen for signals")?;
    let options = Options {
        server: std::env::current_exe().context("failed to find this program")?,
        command: std::env::args().collect(),
    };
    if !args.quiet {
        super::say(&opening(plan));
    }
    let mut live = Live::new(folder, args.quiet);
    Ok(match engine::play(plan, &options, &interrupt, &mut live) {
        Ok(results) => Played::Whole(Box::new(results), interrupt),
        Err(error) => Played::Failed(error),
    })
}

fn opening(plan: &Plan) -> String {
    let seconds: f64 = plan.runs.iter().map(|r| r.phases.total().as_secs_f64() + 1.0).sum();
    let notes: String = plan.notes.iter().map(|n| format!("\nnote: {n}")).collect();
    format!("{}\n{} runs, about {seconds:.0} s{notes}", plan.title, plan.runs.len())
}

fn finish(args: &Args, folder: &Folder, played: Played) -> anyhow::Result<u8> {
    let (results, interrupt) = match played {
        Played::Whole(results, interrupt) => (results, interrupt),
        Played::Failed(error) => return failed(folder, error),
    };
    if results.summary.runs.is_empty() {
        folder.remove_if_empty();
        super::say("interrupted before anything was measured");
        return Ok(interrupt.exit_code().unwrap_or(exit::FAILED));
    }
    publish(args, folder, &results)?;
    Ok(interrupt.exit_code().unwrap_or(exit_code(&results)))
}

/// An engine error; the runs before it are kept in the folder.
fn failed(folder: &Folder, error: EngineError) -> anyhow::Result<u8> {
    let code = match &error {
        EngineError::Refused(_) => exit::REFUSED,
        _ => exit::FAILED,
    };
    folder.remove_if_empty();
    super::say(&format!("error: {error}"));
    if folder.path().exists() {
        super::say(&format!("the runs before it are kept in {}", folder.path().display()));
    }
    Ok(code)
}

/// Draws, writes the page, prints the report.
fn publish(args: &Args, folder: &Folder, results: &Results) -> anyhow::Result<()> {
    let dir = folder.path();
    if !args.no_charts {
        plot::draw_all(results, &dir.join("charts")).context("failed to draw the charts")?;
    }
    let page = render(results, Format::Html, &super::report::style(dir, true)?);
    folder.put("report.html", page.as_bytes())?;
    super::report::put(None, &render(results, args.format.into(), &super::report::style(dir, false)?))
}

fn exit_code(results: &Results) -> u8 {
    if results.summary.verdict == Verdict::Invalid {
        exit::INVALID
    } else if results.summary.slo.iter().any(|s| s.met == Some(false)) {
        exit::OBJECTIVE
    } else {
        exit::GOOD
    }
}
