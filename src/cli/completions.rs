//! `pushbench completions`.

use clap::CommandFactory as _;
use std::io::Write as _;

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
bash:        pushbench completions bash > ~/.local/share/bash-completion/completions/pushbench
zsh:         pushbench completions zsh > ~/.zfunc/_pushbench   (with ~/.zfunc in fpath)
fish:        pushbench completions fish > ~/.config/fish/completions/pushbench.fish
elvish:      pushbench completions elvish >> ~/.config/elvish/rc.elv
powershell:  pushbench completions powershell >> $PROFILE")]
pub(super) struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    // Into memory first: the generator panics where a pipe breaks.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "pushbench", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(super::exit::GOOD)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, ValueEnum as _};

    #[test]
    fn every_shell_gets_every_subcommand() {
        for shell in clap_complete::Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut crate::cli::Cli::command(), "pushbench", &mut script);
            let script = String::from_utf8(script).unwrap();
            for command in crate::cli::Cli::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
        }
    }
}
