//! The command line: one file for each subcommand.

mod check;
mod completions;
mod cost;
mod doctor;
mod faults;
mod plot;
mod presets;
mod probe;
mod progress;
mod report;
mod run;
mod schema;
mod selftest;
mod serve;
mod trial;

use clap::{Parser, Subcommand};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Exit codes; a public contract.
pub mod exit {
    /// Good.
    pub const GOOD: u8 = 0;
    /// Something failed at run time.
    pub const FAILED: u8 = 1;
    /// Usage or scenario error.
    pub const USAGE: u8 = 2;
    /// An objective or a comparison failed.
    pub const OBJECTIVE: u8 = 10;
    /// The run is invalid: the generator, not the target, was the limit.
    pub const INVALID: u8 = 11;
    /// The target was refused by the safety rail.
    pub const REFUSED: u8 = 12;
    /// Ended by Ctrl-C.
    pub const INTERRUPTED: u8 = 130;
    /// Ended by SIGTERM.
    pub const TERMINATED: u8 = 143;
}

/// Measures real-time push: polling, long polling and WebSocket, on your own server.
///
/// A scenario file says which transports carry which feed to how many clients. pushbench plays it,
/// counts every message and byte, prices the server, and says whether to believe the numbers.
#[derive(Debug, Parser)]
#[command(
    name = "pushbench",
    version,
    max_term_width = 100,
    after_help = "Start here: pushbench run scenarios/quickstart.toml"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Cost(cost::Args),
    Check(check::Args),
    Schema(schema::Args),
    #[command(name = "try")]
    Try(trial::Args),
    Serve(serve::Args),
    Probe(probe::Args),
    Report(report::Args),
    Plot(plot::Args),
    Presets(presets::Args),
    Selftest(selftest::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
}

/// Parses the command line, does what it says and gives the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Run(args) => run::main(args),
        Command::Cost(args) => cost::main(args),
        Command::Check(args) => check::main(args),
        Command::Schema(args) => schema::main(args),
        Command::Try(args) => trial::main(args),
        Command::Serve(args) => serve::main(args),
        Command::Probe(args) => probe::main(args),
        Command::Report(args) => report::main(args),
        Command::Plot(args) => plot::main(args),
        Command::Presets(args) => presets::main(args),
        Command::Selftest(args) => selftest::main(args),
        Command::Doctor(args) => doctor::main(args),
        Command::Completions(args) => completions::main(args),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error),
    }
}

/// Tells a person something on stderr, a line or several.
///
/// A reader that went away is no reason to fail: the exit code still tells.
fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether colours are wanted there: a terminal, and nobody said NO_COLOR.
fn colour_wanted(to: &impl IsTerminal) -> bool {
    to.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Whether somebody closed the pipe that was written to.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|e| e.downcast_ref::<io::Error>()).any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// Writes an error for a person: what, and below it why, one cause a line.
fn say_error(grade: &str, error: &anyhow::Error) {
    say(&format!("{grade}: {error}"));
    for cause in error.chain().skip(1) {
        say(&format!("  because {cause}"));
    }
}

/// What is left of a command that failed: a word on stderr and an exit code. A closed pipe is how
/// `| head` ends what only prints; `run`, whose exit code is a verdict, sees to that itself.
fn fail(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::from(exit::GOOD);
    }
    say_error("error", error);
    ExitCode::from(exit::FAILED)
}
