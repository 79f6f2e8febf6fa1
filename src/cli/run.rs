//! `pushbench run`.

/// Run a scenario, or a quick one without a file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn main(_args: Args) -> anyhow::Result<u8> {
    anyhow::bail!("not built yet")
}
