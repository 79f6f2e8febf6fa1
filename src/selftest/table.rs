//! The outcome as text.

use super::outcome::{Attempt, Outcome, PartOutcome, State};
use std::fmt::Write;

/// Reasons of an attempt that are told; the rest are counted.
const REASONS: usize = 4;

/// The whole table and a last line that sums it up.
pub fn render(outcome: &Outcome) -> String {
    let mut text = String::new();
    for part in &outcome.parts {
        text.push_str(&render_part(part));
        text.push('\n');
    }
    let build = outcome.build.as_deref().map_or("unknown", |b| &b[..b.len().min(12)]);
    let _ = writeln!(
        text,
        "{} of {} parts passed, {} failed, {} invalid ({}, {:.0} s; pushbench {}, commit {}, build {build})",
        outcome.count(State::Passed),
        outcome.parts.len(),
        outcome.count(State::Failed),
        outcome.count(State::Invalid),
        outcome.depth.key(),
        outcome.took_s,
        outcome.version,
        outcome.commit.unwrap_or("unknown"),
    );
    text
}

/// One part: a head and a line for each check, every attempt shown.
pub fn render_part(part: &PartOutcome) -> String {
    let rules: Vec<String> = part.rules.iter().map(u8::to_string).collect();
    let word = match part.state() {
        State::Passed => "pass",
        State::Failed => "FAIL",
        State::Invalid => "INVALID",
    };
    let took: f64 = part.attempts.iter().map(|a| a.took_s).sum();
    let mut text =
        format!("{:<4} {word:<8} {} (rules {}; {took:.1} s)\n", part.key, part.title, rules.join(", "));
    let several = part.attempts.len() > 1;
    for (i, attempt) in part.attempts.iter().enumerate() {
        if several {
            let _ = writeln!(text, "     attempt {} of {}", i + 1, part.attempts.len());
        }
        lines(attempt, &mut text);
    }
    text
}

fn lines(attempt: &Attempt, text: &mut String) {
    let head = ["", "what", "injected", "measured", "bound", "used"].map(str::to_owned);
    let row = |c: &super::Check| {
        let used = c.bound_used.map_or(String::new(), |u| format!("{:.0} %", u * 100.0));
        let state = if c.passed { "ok" } else { "FAIL" };
        [state.to_owned(), c.what.clone(), c.injected.clone(), c.measured.clone(), c.bound.clone(), used]
    };
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(attempt.checks.iter().map(row)).collect();
    let width = |i: usize| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "     {}", line.trim_end());
    }
    for why in attempt.spoiled.iter().take(REASONS) {
        let _ = writeln!(text, "     disturbed: {why}");
    }
    if let Some(more) = attempt.spoiled.len().checked_sub(REASONS).filter(|more| *more > 0) {
        let _ = writeln!(text, "     disturbed: {more} runs more (--json tells why)");
    }
    if let Some(error) = &attempt.error {
        let _ = writeln!(text, "     {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::tests::{attempt, outcome};
    use super::*;

    #[test]
    fn the_table_shows_every_attempt() {
        let text = render(&outcome(vec![
            vec![attempt(true, &[])],
            vec![attempt(false, &["the run: generator-bound"]), attempt(false, &[])],
        ]));
        let want = "\
T1   pass     known delays (rules 1, 2; 1.5 s)
         what  injected  measured  bound               used
     ok  lost  3         3         difference 0, is 0

T2   FAIL     known delays (rules 1, 2; 3.0 s)
     attempt 1 of 2
           what  injected  measured  bound               used
     FAIL  lost  3         4         difference 0, is 1
     disturbed: the run: generator-bound
     attempt 2 of 2
           what  injected  measured  bound               used
     FAIL  lost  3         4         difference 0, is 1

1 of 2 parts passed, 1 failed, 0 invalid (short, 61 s; pushbench 0.1.0, commit abc, build 00ff)
";
        assert_eq!(text, want);
    }
}
