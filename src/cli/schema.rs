//! `pushbench schema`.

use crate::scenario;
use std::io::Write;

/// Print the JSON Schema of scenario files, or of preset files.
///
/// Editors complete and check scenario files from it: each begins with the line
/// `#:schema ../scenario.schema.json`. `pushbench check` enforces exactly this schema, and then what
/// a schema cannot say.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: pushbench schema > scenario.schema.json")]
pub(super) struct Args {
    /// That of preset files (`#:schema ../../preset.schema.json`).
    #[arg(long)]
    preset: bool,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    let schema = if args.preset { scenario::preset_schema() } else { scenario::schema() };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &schema).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(super::exit::GOOD)
}
