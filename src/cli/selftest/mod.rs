//! `pushbench selftest`.

mod helper;

use super::exit;
use crate::engine::{self, Interrupt};
use crate::selftest::{
    self, Depth, Helper, Options, Outcome, Part, PartOutcome, SelftestError, State, Watcher,
};
use anyhow::Context;
use std::io::{self, Write};
use std::path::PathBuf;

/// Prove that what pushbench measures is what was there.
///
/// Injects known faults (delays, a freeze, lost and doubled messages, a wrong clock, a starved
/// generator and more) into real runs, and holds what comes out against what went in. Every line has
/// a bound that does not depend on the machine. A part that failed while the machine was busy, by the
/// verdict of its own runs, is done again at most twice, and every attempt is shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pushbench selftest --short               two minutes, more when a part is done again
  pushbench selftest --only T3,T5          these parts; nothing is kept for later runs to name
  pushbench selftest --json --keep out     all results of all runs in out/

What each part proves, how, and within what: docs/selftest.md. The outcome of a whole selftest is kept
in $XDG_STATE_HOME/pushbench/selftest.json (PUSHBENCH_SELFTEST_FILE names another file), and the report
of every run says what it was.

Exit codes: 0 all parts passed, 1 could not be done, 2 usage, 10 a part failed, 11 no part failed but
one says nothing, because this machine was too busy, 130/143 interrupted.")]
pub(super) struct Args {
    /// The short form, two minutes unless a part is done again
    #[arg(long)]
    short: bool,
    /// Only these parts, such as T3,T5
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    only: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Keep the results folder of every run in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
    /// Be a process that a part needs beside its runs
    #[arg(long, hide = true, value_name = "WORDS")]
    helper: Option<Helper>,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    if let Some(helper) = &args.helper {
        return helper::main(helper);
    }
    let parts = match selftest::choose(&args.only) {
        Ok(parts) => parts,
        Err(unknown) => {
            let keys: Vec<&str> = selftest::PARTS.iter().map(|p| p.key).collect();
            super::say(&format!("error: no part {unknown:?}; there are {}", keys.join(", ")));
            return Ok(exit::USAGE);
        }
    };
    let _ = engine::preflight::raise_descriptor_limit();
    let options = Options {
        depth: if args.short { Depth::Short } else { Depth::Full },
        program: std::env::current_exe().context("failed to find this program")?,
        keep: args.keep.clone(),
    };
    let interrupt = Interrupt::on_signals().context("failed to listen for signals")?;
    let outcome = match selftest::run(&parts, &options, &interrupt, &mut Told { quiet: args.quiet }) {
        Ok(outcome) => outcome,
        Err(SelftestError::Interrupted) => {
            super::say("interrupted");
            return Ok(interrupt.exit_code().unwrap_or(exit::FAILED));
        }
        Err(error) => return Err(error.into()),
    };
    show(&outcome, args.json)?;
    // What was proved does not depend on whether it can be kept.
    if let Err(error) = selftest::remember(&outcome, &options) {
        super::say_error("warning", &error.into());
    }
    Ok(exit_code(&outcome))
}

fn show(outcome: &Outcome, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match json {
        true => writeln!(out, "{:#}", outcome.to_json()),
        false => write!(out, "{}", selftest::render(outcome)),
    }
}

fn exit_code(outcome: &Outcome) -> u8 {
    if outcome.count(State::Failed) > 0 {
        exit::OBJECTIVE
    } else if outcome.count(State::Invalid) > 0 {
        exit::INVALID
    } else {
        exit::GOOD
    }
}

/// Tells on stderr what is going on.
struct Told {
    quiet: bool,
}

impl Watcher for Told {
    fn begins(&mut self, part: &Part, attempt: usize) {
        if !self.quiet {
            let again = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            super::say(&format!("{} {}{again} ...", part.key, part.title));
        }
    }

    fn ended(&mut self, part: &PartOutcome) {
        if !self.quiet {
            let word = match part.state() {
                State::Passed => "passed",
                State::Failed => "FAILED",
                State::Invalid => "says nothing: the machine was too busy",
            };
            let took: f64 = part.attempts.iter().map(|a| a.took_s).sum();
            super::say(&format!("{} {word} ({took:.1} s)", part.key));
        }
    }
}
