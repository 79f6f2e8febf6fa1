//! `pushbench schema`.

/// Print the JSON Schema of scenario files.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn main(_args: Args) -> anyhow::Result<u8> {
    anyhow::bail!("not built yet")
}
