//! `pushbench report`: reads a results folder and prints it. Runs nothing, changes nothing in it.

use super::exit;
use crate::report::{Format, Style, render};
use crate::result::{ResultError, Results, priced, read_charts};
use crate::scenario::PriceSpec;
use anyhow::Context;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Print the report of a results folder.
///
/// Reads what `pushbench run` wrote and prints it again: the table, whether to believe it and why,
/// the objectives, the failures with their meaning. The same folder gives the same report.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The results folder: the one that `pushbench run` named when it ended.
    dir: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value = "text")]
    format: FormatArg,
    /// Write to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Price the cases by this table, in place of the scenario's: instance_hour (wanted), cores, memory,
    /// egress_gb, currency, headroom.
    #[arg(long, value_name = "KEY=VALUE,...")]
    price: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  pushbench report results/20260321T140502Z-which-transport
  pushbench report DIR --format html -o report.html      one page, charts included
  pushbench report DIR --format markdown >> \"$GITHUB_STEP_SUMMARY\"
  pushbench report DIR --format csv -o runs.csv          one row a run, every key (cost alone: a step)
  pushbench report DIR --price \"instance_hour=0.17,cores=4,memory=16 GiB,egress_gb=0.09\"

Reading it:
  delivery time  publish intended -> received; \"-\" where too few publishes lie beyond a quantile
  lost           owed to a subscribed client and never received
  message hdr    message layer: heads, frames, empty polls and pings, to the payload of useful messages
  stream B/msg   TCP stream layer: with TLS records, without TCP and IP headers; docs/bytes.md
  verdict        valid; suspect: read the reason first; invalid: the generator was the limit

Colours go to terminals only, and not when NO_COLOR is set.
Exit codes: 0 printed, 1 cannot be read or written, 2 no such results folder.";

/// The formats, as the command line names them.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum FormatArg {
    /// A table for a terminal of 100 columns.
    Text,
    /// GitHub's Markdown.
    Markdown,
    /// One row a run, every key of summary.json.
    Csv,
    /// One self-contained page with the charts.
    Html,
    /// Verdicts and objectives as test cases.
    Junit,
    /// summary.json as it is read.
    Json,
}

impl From<FormatArg> for Format {
    fn from(arg: FormatArg) -> Format {
        match arg {
            FormatArg::Text => Format::Text,
            FormatArg::Markdown => Format::Markdown,
            FormatArg::Csv => Format::Csv,
            FormatArg::Html => Format::Html,
            FormatArg::Junit => Format::Junit,
            FormatArg::Json => Format::Json,
        }
    }
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    let price = match args.price.as_deref().map(PriceSpec::parse).transpose() {
        Err(told) => {
            writeln!(io::stderr().lock(), "error: --price {told}")?;
            return Ok(exit::USAGE);
        }
        Ok(price) => price,
    };
    let (mut results, warnings) = match Results::read(&args.dir) {
        Err(error @ (ResultError::Missing { .. } | ResultError::NoSummary { .. })) => {
            writeln!(io::stderr().lock(), "error: {error}")?;
            return Ok(exit::USAGE);
        }
        read => read?,
    };
    for warning in warnings {
        writeln!(io::stderr().lock(), "warning: {warning}")?;
    }
    if let Some(price) = price {
        results.summary.prices = Some(priced(&price, &results.summary));
    }
    let style = style(&args.dir, args.output.is_some())?;
    put(args.output.as_deref(), &render(&results, args.format.into(), &style))?;
    Ok(exit::GOOD)
}

/// How to lay out what lies in `dir`: for a file without colours, for a terminal as it wants.
pub(super) fn style(dir: &Path, to_file: bool) -> anyhow::Result<Style> {
    Ok(Style {
        colour: !to_file && super::colour_wanted(&io::stdout()),
        folder: Some(dir.to_owned()),
        charts: read_charts(dir)?,
        ..Style::default()
    })
}

/// Writes a report to a file, or to standard output.
pub(super) fn put(output: Option<&Path>, report: &str) -> anyhow::Result<()> {
    match output {
        Some(path) => {
            std::fs::write(path, report).with_context(|| format!("cannot write {}", path.display()))
        }
        None => {
            let mut out = io::stdout().lock();
            out.write_all(report.as_bytes())
                .and_then(|()| out.flush())
                .context("cannot write to standard output")
        }
    }
}
