//! `pushbench check`.

use crate::model::Nanos;
use crate::scenario::{self, Overrides, Plan, PresetInfo, RunPlan, ScenarioErrors};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Check scenario files without running them.
///
/// Tells every error of every file at once, with its line, what was found and what would do. For a
/// good file: what it asks, how many runs it makes and about how long they take. Opens no socket.
///
/// Exit code: 0 when all files are good, 2 otherwise.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pushbench check scenarios/*.toml\n  pushbench check mine.toml && pushbench run mine.toml"
)]
pub(super) struct Args {
    /// Scenario files, or preset files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    let mut code = super::exit::GOOD;
    for file in &args.files {
        if let Ok(text) = std::fs::read_to_string(file)
            && scenario::is_preset(&text)
        {
            match scenario::check_preset(&file.display().to_string(), &text) {
                Ok(info) => good_preset(file, &info)?,
                Err(errors) => {
                    bad(errors)?;
                    code = super::exit::USAGE;
                }
            }
            continue;
        }
        match scenario::load(file, &Overrides::default()) {
            Ok(plan) if super::faults::wrong(&plan).is_empty() => good(file, &plan)?,
            Ok(plan) => {
                super::say(&super::faults::wrong(&plan).join("\n"));
                code = super::exit::USAGE;
            }
            Err(errors) => {
                bad(errors)?;
                code = super::exit::USAGE;
            }
        }
    }
    Ok(code)
}

fn good(file: &Path, plan: &Plan) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}: {}", file.display(), plan.secrets.hide(&summary(plan)))?;
    for note in &plan.notes {
        writeln!(out, "  note: {}", plan.secrets.hide(note))?;
    }
    Ok(())
}

/// `scenarios/presets/mine.toml: preset "Mine" with 2 kinds: sse, websocket`
fn good_preset(file: &Path, info: &PresetInfo) -> std::io::Result<()> {
    let kinds: Vec<&str> = info.kinds.iter().map(|(kind, _)| kind.as_str()).collect();
    let s = if kinds.len() == 1 { "" } else { "s" };
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}: preset \"{}\" with {} kind{s}: {}",
        file.display(),
        info.title,
        kinds.len(),
        kinds.join(", ")
    )
}

/// Errors go to stderr, in colour when a terminal wants it.
fn bad(errors: ScenarioErrors) -> std::io::Result<()> {
    let err = std::io::stderr();
    let colour = super::colour_wanted(&err);
    writeln!(err.lock(), "{}\n", errors.coloured(colour))
}

/// `"Which transport ...?": 3 runs, 500 clients, about 47 s`
fn summary(plan: &Plan) -> String {
    format!("\"{}\": {}, about {}", plan.title, parts(plan), roughly(duration(plan)))
}

/// `3 runs, 500 clients, then 3 cost ladders of 250, 500, 1000, 2000 idle clients`
pub(super) fn parts(plan: &Plan) -> String {
    let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let clients = plan.runs.iter().map(|r| r.clients);
    let (least, most) = (clients.clone().min().unwrap_or(0), clients.max().unwrap_or(0));
    let clients = if least == most { most.to_string() } else { format!("{least} to {most}") };
    let runs = format!("{}, {clients} clients", counted(plan.runs.len(), "run"));
    let Some(stairs) = plan.ladders.first().and_then(|run| run.stairs.as_ref()) else { return runs };
    let counts: Vec<String> = stairs.counts().map(|n| n.to_string()).collect();
    let ladders = counted(plan.ladders.len(), "cost ladder");
    let ladders = format!("{ladders} of {} idle clients", counts.join(", "));
    if plan.runs.is_empty() { ladders } else { format!("{runs}, then {ladders}") }
}

/// All phases, and about a second for each run to start its target and to settle.
pub(super) fn duration(plan: &Plan) -> Nanos {
    let rest = |run: &RunPlan| run.stairs.as_ref().map_or(Nanos::ZERO, |stairs| stairs.hold);
    let all = plan.runs.iter().chain(&plan.ladders);
    all.fold(Nanos::ZERO, |sum, run| sum + run.phases.total() + rest(run) + Nanos::SECOND)
}

fn roughly(d: Nanos) -> String {
    let s = d.as_secs_f64().round() as u64;
    if s < 120 { format!("{s} s") } else { format!("{} min {} s", s / 60, s % 60) }
}
