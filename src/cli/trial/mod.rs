//! `pushbench try`: one client, everything it says and hears. Plays the scenario through the same
//! engine as a run, with a trace; judges the dialect, measures nothing.

mod kind;
mod lines;
mod summary;
mod tally;
mod text;
mod wire;

use super::exit;
use crate::engine::{self, EngineError, Interrupt, Noted, Observer, Options, Played, Progress, Trace};
use crate::model::Nanos;
use crate::result::Results;
use crate::scenario::{self, Channels, Overrides, Phases, Plan, RunPlan, TargetPlan};
use anyhow::Context;
use lines::{Look, Teller};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// The client attaches so long before the first message.
const HEAD_START: Nanos = Nanos::from_millis(500);
/// What ends other programs whose reader went away.
const SIGPIPE: i32 = 13;

/// Try a scenario with one client and see everything that it says and hears.
///
/// Attaches one client as the scenario says and publishes one message a second, if the scenario
/// publishes. Prints every connection, head, frame, chunk and body both ways; which rule of the
/// dialect fired and what it did; what no rule knows; and a summary. No load, no results folder.
///
/// Exit code: 0 when the client was subscribed, everything published reached it, and nothing failed;
/// 1 otherwise; 2 for a scenario that has errors.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pushbench try scenarios/nchan.toml --case websocket
  pushbench try mine.toml#websocket --target http://127.0.0.1:8080      a kind of a preset
  pushbench try mine.toml --for 60s          long enough to see a heartbeat
  pushbench try mine.toml --full | less      nothing is cut off")]
pub(super) struct Args {
    /// Scenario file; or a preset and its kind, such as mine.toml#websocket or nchan.sse, with --target:
    /// the client then shows what the target publishes by itself
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The case to try; default: the first
    #[arg(long, value_name = "NAME")]
    case: Option<String>,
    /// How long
    #[arg(long = "for", value_name = "TIME", default_value = "10s")]
    length: String,
    /// Drive another address than the scenario's target
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// Drive an address that is neither loopback nor private: only your own
    #[arg(long)]
    allow_remote: bool,
    /// Cut nothing off: long texts are shown whole
    #[arg(long)]
    full: bool,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    let Some(length) = scenario::units::parse_duration(&args.length).filter(|d| d.0 > 0) else {
        let want = "write a number and a unit, such as 30s or 500ms";
        super::say(&format!("error: --for {:?} is no time: {want}", args.length));
        return Ok(exit::USAGE);
    };
    if std::fs::read_to_string(&args.file).is_ok_and(|text| scenario::is_preset(&text)) {
        return Ok(not_a_scenario(&args.file));
    }
    let overrides = Overrides {
        target: args.target.clone(),
        cases: args.case.clone().into_iter().collect(),
        ..Overrides::default()
    };
    let loaded = match kind::named(&args.file) {
        Some(named) if args.target.is_none() => {
            super::say(&format!(
                "error: {named} says how to speak, not to whom\n  help: add --target, such as --target \
                 http://127.0.0.1:8080"
            ));
            return Ok(exit::USAGE);
        }
        Some(named) => scenario::parse("command line", &kind::scenario_of(named), &overrides),
        None => scenario::load(&args.file, &overrides),
    };
    let mut plan = match loaded {
        Ok(plan) => plan,
        Err(errors) => {
            super::say(&errors.coloured(super::colour_wanted(&std::io::stderr())).to_string());
            return Ok(exit::USAGE);
        }
    };
    shrink(&mut plan, length, args.allow_remote);
    let interrupt = Interrupt::on_signals().context("failed to listen for signals")?;
    let stdout = std::io::stdout();
    let look = Look { colour: super::colour_wanted(&stdout), full: args.full, secrets: plan.secrets.clone() };
    play(&plan, look, &interrupt)
}

/// A preset says how to speak and not to whom: shows the scenario that tries it.
fn not_a_scenario(file: &Path) -> u8 {
    let name = file.display();
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let info = scenario::preset_info(&name.to_string(), &text);
    let kind = info.ok().and_then(|i| i.kinds.first().map(|(kind, _)| kind.clone()));
    let kind = kind.unwrap_or_else(|| "websocket".to_owned());
    let base = file.file_name().unwrap_or_default().to_string_lossy();
    super::say(&format!(
        "error: {name} is a preset: it says how to speak, not to whom\n  help: try one kind of it with \
         `pushbench try {name}#{kind} --target URL`,\n  or name it in a scenario beside it, and try that:\n\n\
         title = \"Does {base} work?\"\n\
         [target]\nbase = \"http://127.0.0.1:8080\"              # your server\n\
         [publish]\nhttp = {{ post = \"/pub/${{channel}}\" }}         # how a message gets into it\n\
         channels = [\"news\"]\nrate = \"1/s\"\n\
         [load]\nclients = 1\n\
         [[case]]\nname = \"mine\"\npreset = \"./{base}#{kind}\"\n"
    ));
    exit::USAGE
}

/// One client, one channel, a message a second.
fn shrink(plan: &mut Plan, length: Nanos, allow_remote: bool) {
    plan.runs.truncate(1);
    plan.slo.clear();
    if let (TargetPlan::External { allow_remote: allowed, .. }, true) = (&mut plan.target, allow_remote) {
        *allowed = true;
    }
    for run in &mut plan.runs {
        run.clients = 1;
        run.workers = 1;
        run.groups.truncate(1);
        run.channels = match &run.channels {
            Channels::Fresh(_) => Channels::Fresh(1),
            Channels::Named(names) => Channels::Named(names[..1].to_vec()),
        };
        let drain = run.phases.drain;
        run.phases =
            Phases { connect: HEAD_START, warmup: Nanos::ZERO, warmup_least: None, measure: length, drain };
        if let Some(publish) = &mut run.publish {
            publish.rate_per_s = 1.0;
        }
    }
}

/// Plays it while another thread prints.
fn play(plan: &Plan, look: Look, interrupt: &Interrupt) -> anyhow::Result<u8> {
    let (sender, inbox) = channel();
    let options = Options {
        server: std::env::current_exe().context("failed to find this program")?,
        command: std::env::args().collect(),
        trace: Some(Trace::new(sender)),
        selftest: serde_json::Value::Null,
        events: None,
        hurried: false,
    };
    let gone = interrupt.clone();
    let printer = thread::spawn(move || print(&inbox, Teller::new(look), &gone));
    let played = engine::play(plan, &options, interrupt, &mut Quiet);
    drop(options);
    let seen = printer.join().map_err(|_| anyhow::anyhow!("the printing thread panicked"))?;
    if let Some(error) = told(&played) {
        super::say(&format!("error: {error}"));
        return Ok(if matches!(error, EngineError::Refused(_)) { exit::REFUSED } else { exit::FAILED });
    }
    let run = played.results.summary.runs.first();
    let judged = summary::judge(plan, run, seen.tally());
    let mut out = std::io::stdout().lock();
    let summary = plan.secrets.hide(&summary::text(&judged, seen.tally()));
    let _ = out.write_all(summary.as_bytes());
    let failed = if judged.good() { exit::GOOD } else { exit::FAILED };
    Ok(interrupt.exit_code().filter(|_| !judged.good()).unwrap_or(failed))
}

/// An interrupt before anything began is an error; one during the run has a summary.
fn told(played: &Played) -> Option<&EngineError> {
    played.error.as_ref().filter(|_| played.results.summary.runs.is_empty())
}

/// Prints what happens until nobody sends any more. A reader that went away ends the trial too: the
/// target is not to be driven for nobody.
fn print(inbox: &Receiver<Noted>, mut teller: Teller, interrupt: &Interrupt) -> Teller {
    let stdout = std::io::stdout();
    for noted in inbox {
        let text = teller.tell(&noted);
        let mut out = stdout.lock();
        let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        let gone = printed.is_err_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe);
        if gone && !interrupt.requested() {
            interrupt.request(SIGPIPE);
        }
    }
    teller
}

/// The trace tells enough.
struct Quiet;

impl Observer for Quiet {
    fn run_begins(&mut self, _: usize, _: usize, run: &RunPlan) {
        super::say(&format!("one client, case \"{}\", {}", run.case, run.transport()));
    }

    fn waiting(&mut self, what: &str) {
        super::say(&format!("waiting for {what}"));
    }

    fn progress(&mut self, _: &Progress) {}

    fn run_ended(&mut self, _: &Results) -> std::io::Result<()> {
        Ok(())
    }
}
