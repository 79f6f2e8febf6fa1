//! `pushbench plot`: the charts of a results folder, drawn again from what is stored in it.

use crate::plot;
use crate::result::{ResultError, Results};
use anyhow::Context;
use std::io::Write;
use std::path::PathBuf;

/// Draw the charts of a results folder again
///
/// Reads what `pushbench run` stored and writes each chart as SVG (for pages) and PNG (for slides).
/// Runs nothing, and changes nothing else in the folder.
///
///   delivery-percentiles  delivery time by percentile, a line for each case
///   delivery-over-time    delivery time and rate through the phases, generator health beneath
///   bytes-per-message     payload, framing, headers and TLS of one delivered message
///   target-cost           the target's CPU for a million deliveries and memory for a connection
///   by-clients            delivery time and CPU by number of clients, when the scenario sweeps it
///   cost-by-clients       the target's CPU by number of clients, beside the cost model
///   cost-by-rate          the same by rate, when the scenario sweeps that
///   target                the target's CPU, memory, sockets and descriptors through the phases
///   bytes-per-connection  what an idle connection costs, with intervals, when there are cost ladders
///   idle-connections      the steps of those ladders and the lines through them
///
/// Suspect and invalid runs are dashed or hatched, and named so in the chart.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  pushbench plot results/20260101T120000Z-quickstart
  pushbench plot results/20260101T120000Z-quickstart --out slides/

Exit codes: 0 drawn, 1 cannot be read or written, 2 no such results folder."
)]
pub(super) struct Args {
    /// A folder that `pushbench run` wrote.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Where the charts go; made when missing [default: DIR/charts].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    let (results, warnings) = match Results::read(&args.dir) {
        Err(error @ (ResultError::Missing { .. } | ResultError::NoSummary { .. })) => {
            super::say(&format!("error: {error}"));
            return Ok(super::exit::USAGE);
        }
        read => read.with_context(|| format!("failed to plot {}", args.dir.display()))?,
    };
    for warning in warnings {
        writeln!(std::io::stderr(), "warning: {warning}")?;
    }
    let into = args.out.unwrap_or_else(|| args.dir.join("charts"));
    let mut out = std::io::stdout().lock();
    for path in plot::draw_all(&results, &into)? {
        writeln!(out, "{}", path.display())?;
    }
    Ok(super::exit::GOOD)
}
