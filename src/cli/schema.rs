//! `pushbench schema`.

use crate::scenario;
use std::io::Write;

/// Print the JSON Schema of scenario files.
///
/// Editors complete and check scenario files from it: each begins with the line
/// `#:schema ../scenario.schema.json`. `pushbench check` enforces exactly this schema, and then what
/// a schema cannot say.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: pushbench schema > scenario.schema.json")]
pub(super) struct Args {}

pub(super) fn main(_args: Args) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &scenario::schema()).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(super::exit::GOOD)
}
