//! `pushbench presets`.

use crate::scenario::{self, Proof};
use std::io::Write;

/// List the shipped presets, or print one to copy and edit.
///
/// A case names one as `preset = "socketio.websocket"`, a file of your own as
/// `preset = "./mine.toml#websocket"`; its own keys come on top.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pushbench presets\n  pushbench presets show socketio > mine.toml && pushbench check mine.toml"
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print a preset's file.
    Show {
        /// Its name, as listed.
        name: String,
    },
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    match args.what {
        None => list(),
        Some(What::Show { name }) => show(&name),
    }
}

/// Environment variables that a preset names are those of whoever runs it: listing needs none.
fn list() -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    for (name, text) in scenario::PRESETS {
        let info = scenario::preset_info(name, text)?;
        let proof = match &info.proof {
            Proof::Proven(server) => format!("proven with {server}"),
            Proof::Specification(document) => format!("from specification, not proven: {document}"),
        };
        writeln!(out, "{name}: {} ({proof})", info.title)?;
        for (kind, transport) in &info.kinds {
            writeln!(out, "  {name}.{kind}  ({transport})")?;
        }
    }
    Ok(super::exit::GOOD)
}

fn show(name: &str) -> anyhow::Result<u8> {
    match scenario::preset(name) {
        Some(text) => std::io::stdout().lock().write_all(text.as_bytes())?,
        None => {
            let names: Vec<&str> = scenario::PRESETS.iter().map(|(n, _)| *n).collect();
            super::say(&format!("error: there is no preset \"{name}\"; there are: {}", names.join(", ")));
            return Ok(super::exit::USAGE);
        }
    }
    Ok(super::exit::GOOD)
}
