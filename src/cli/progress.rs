//! What a run tells on stderr while it runs: one line drawn again and again on a terminal, a few
//! plain lines elsewhere.

use crate::clock::Clock;
use crate::engine::{Observer, Phase, Progress};
use crate::model::Nanos;
use crate::result::{Folder, Results};
use crate::scenario::RunPlan;
use std::io::{self, IsTerminal, Write};

/// How often a plain line is written while a phase goes on.
const CALM: Nanos = Nanos::from_millis(10_000);

/// Columns of the line that is drawn again and again.
const WIDTH: usize = 90;

/// Draws progress and keeps the results.
pub(super) struct Live<'a> {
    folder: &'a Folder,
    terminal: bool,
    quiet: bool,
    last_phase: Option<Phase>,
    last_line: Nanos,
}

impl<'a> Live<'a> {
    pub(super) fn new(folder: &'a Folder, quiet: bool) -> Live<'a> {
        let terminal = io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        Live { folder, terminal, quiet, last_phase: None, last_line: Nanos::ZERO }
    }

    /// Writes to stderr; a reader that went away is no reason to stop a run.
    fn write(&self, text: &str) {
        if !self.quiet {
            let mut stderr = io::stderr().lock();
            let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
        }
    }

    fn is_due(&mut self, phase: Phase) -> bool {
        let now = Clock::Monotonic.now();
        let due = self.terminal || self.last_phase != Some(phase) || now - self.last_line >= CALM;
        if due {
            self.last_phase = Some(phase);
            self.last_line = now;
        }
        due
    }
}

impl Observer for Live<'_> {
    fn run_begins(&mut self, index: usize, total: usize, run: &RunPlan) {
        self.last_phase = None;
        let swept: String = run.swept.iter().map(|(key, value)| format!(", {key} {value}")).collect();
        let repeat = if run.repeat > 0 { format!(", repeat {}", run.repeat + 1) } else { String::new() };
        let clients = match &run.stairs {
            None => format!("{} clients", run.clients),
            Some(stairs) => {
                let counts: Vec<String> = stairs.counts().map(|n| n.to_string()).collect();
                format!("cost ladder of {} idle clients", counts.join(", "))
            }
        };
        self.write(&format!("run {}/{total}: {}, {clients}{swept}{repeat}\n", index + 1, run.case));
    }

    fn waiting(&mut self, what: &str) {
        self.write(&format!("waiting for {what}\n"));
    }

    fn progress(&mut self, progress: &Progress) {
        if !self.is_due(progress.phase) {
            return;
        }
        let line = line(progress);
        // Back to the start of the line, and blanks over what the last one left behind its end: no
        // escape sequence, which NO_COLOR would have to forbid.
        self.write(&if self.terminal { format!("\r{line:<WIDTH$}") } else { format!("{line}\n") });
    }

    fn run_ended(&mut self, results: &Results) -> io::Result<()> {
        if self.terminal {
            self.write(&format!("\r{:WIDTH$}\r", ""));
        }
        self.folder.write(results).map_err(io::Error::other)
    }
}

fn line(p: &Progress) -> String {
    let phase = match p.phase {
        Phase::Idle => "starting",
        Phase::Connect => "connect",
        Phase::Warmup => "warm-up",
        Phase::Measure => "measure",
        Phase::Drain => "drain",
        Phase::After => "closing",
    };
    let p99 = p.p99_ns.map_or("-".to_owned(), |ns| Nanos(ns).to_string());
    format!(
        "  {phase:<8} {:>5}/{} clients  {:>8.0} delivered/s  p99 {p99:>8}  {} failed  {:>3.0} s left",
        p.attached,
        p.clients,
        p.delivered_per_s,
        p.failures,
        p.left_s.max(0.0).ceil(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_a_terminal_and_says_what_matters() {
        let progress = Progress {
            phase: Phase::Measure,
            attached: 500,
            clients: 500,
            delivered_per_s: 10_000.4,
            p99_ns: Some(1_230_000),
            failures: 2,
            left_s: 7.2,
        };
        let line = line(&progress);
        assert_eq!(
            line,
            "  measure    500/500 clients     10000 delivered/s  p99  1.23 ms  2 failed    8 s left"
        );
        assert!(line.len() <= WIDTH, "what the last line left is blanked out");
    }
}
