//! `pushbench cost`: what an idle connection costs.

use super::exit;
use super::report::FormatArg;
use super::run::{Shown, carry_out, time};
use crate::model::Nanos;
use crate::report::Format;
use crate::scenario::{self, LadderWish, MOST_CLIENTS, Overrides, TargetPlan};
use std::path::PathBuf;

/// Price an idle connection: memory in user space and kernel, descriptors, idle CPU.
///
/// Plays each case of the scenario with nothing published and clients that attach in steps, reads the
/// target at the end of each step, and tells the slope over the steps with its 95 % interval. The
/// scenario's [cost] section says which steps; without one they are 1/8, 1/4, 1/2 and all of its clients,
/// 8 or more.
/// Results go to stdout, progress to stderr.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pushbench cost scenarios/quickstart.toml
      what a client of each case costs the bundled server while nothing happens
  pushbench cost mine.toml --ladder 500,1000,2000,4000 --hold 10s --repeat 3
      larger steps, longer rests, three times: the interval gets narrower
  pushbench cost mine.toml --case websocket --hold 60s
      long enough that heartbeats every 30 s are in the idle CPU
  pushbench cost mine.toml --json | jq '.connection_costs[].user_bytes_per_connection'
      numbers for a program

Reading it:
  user B       one connection more in the target's processes (PSS), give or take half the interval
  kernel B     the same in the kernel: of the target's control group, or of the whole machine
  CPU us/s     heartbeats and empty polls, as far as they come within the rest
  kept B       for each connection: PSS after all had left, less that before the first
Pages are 4 KiB and heaps grow in chunks: ladders of a few hundred clients have wide intervals.

Exit codes: 0 good, 1 failed, 2 usage or scenario error, 11 invalid (the generator was the limit),
12 target refused, 130/143 interrupted (what was measured is kept).")]
pub(super) struct Args {
    /// The scenario file
    file: PathBuf,
    /// Clients attached at each step, such as 250,500,1000,2000: at least four, rising
    #[arg(long, value_name = "N,N,..", allow_hyphen_values = true, value_parser = steps)]
    ladder: Option<Steps>,
    /// How long each step rests, in whole seconds [default: 3s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = time)]
    hold: Option<Nanos>,
    /// How often each ladder is climbed
    #[arg(long, value_name = "N")]
    repeat: Option<u32>,
    /// Drive this target instead: a base URL
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// Only the case of this name; may be given several times
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<String>,
    /// Seed of every random choice
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
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write no charts
    #[arg(long)]
    no_charts: bool,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    let counts = args.ladder.map(|Steps(counts)| counts);
    let wish = LadderWish { counts, hold: args.hold, repeat: args.repeat };
    let overrides = Overrides {
        target: args.target,
        cases: args.cases,
        seed: args.seed,
        ladder: Some(wish),
        ..Overrides::default()
    };
    let mut plan = match scenario::load(&args.file, &overrides) {
        Ok(plan) => plan,
        Err(errors) => {
            super::say(&errors.coloured(super::colour_wanted(&std::io::stderr())).to_string());
            return Ok(exit::USAGE);
        }
    };
    if let (TargetPlan::External { allow_remote, .. }, true) = (&mut plan.target, args.allow_remote) {
        *allow_remote = true;
    }
    let format = if args.json { Format::Json } else { args.format.into() };
    let shown = Shown { format, charts: !args.no_charts, quiet: args.quiet };
    carry_out(&plan, args.out.as_deref(), false, shown)
}

/// The steps of a ladder, in one value.
#[derive(Clone, Debug)]
struct Steps(Vec<u32>);

/// Tells the first item that will not do.
fn steps(text: &str) -> Result<Steps, String> {
    let wrong = |why: String| {
        format!(
            "{why}; want numbers of clients, at least four, each more than the one before, such as 250,500,1000,2000"
        )
    };
    if text.trim().is_empty() {
        return Err(wrong("there is none".to_owned()));
    }
    let mut counts: Vec<u32> = Vec::new();
    for (at, item) in text.split(',').map(str::trim).enumerate() {
        let place = format!("item {} ({item:?})", at + 1);
        let count = item.parse::<u64>().map_err(|_| wrong(format!("{place} is no number of clients")))?;
        let count = u32::try_from(count).ok().filter(|n| (1..=MOST_CLIENTS).contains(n));
        let count = count.ok_or_else(|| wrong(format!("{place} is not from 1 to {MOST_CLIENTS}")))?;
        if let Some(before) = counts.last().filter(|before| **before >= count) {
            return Err(wrong(format!("{place} is not more than {before}, the one before")));
        }
        counts.push(count);
    }
    match counts.len() {
        1 => Err(wrong("that is 1 step".to_owned())),
        few @ ..4 => Err(wrong(format!("these are {few} steps"))),
        _ => Ok(Steps(counts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_four_that_rise_and_what_is_not_is_named() {
        assert_eq!(steps("250, 500,1000,2000").unwrap().0, [250, 500, 1_000, 2_000]);
        for (text, why) in [
            ("", "there is none"),
            ("10,x", "item 2 (\"x\") is no number"),
            ("10,,20,30", "item 2 (\"\") is no number"),
            ("-1,2,3,4", "item 1 (\"-1\") is no number"),
            ("1,2,3,20000", "item 4 (\"20000\") is not from 1 to 15000"),
            ("1,99999999999", "item 2 (\"99999999999\") is not from 1"),
            ("10,20,20,30", "item 3 (\"20\") is not more than 20"),
            ("10", "that is 1 step;"),
            ("10,20,30", "these are 3 steps;"),
        ] {
            let told = steps(text).unwrap_err();
            assert!(told.contains(why) && told.ends_with("such as 250,500,1000,2000"), "{text}: {told}");
        }
    }
}
