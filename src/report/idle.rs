//! What an idle connection costs: the slopes over the ladders, and what to know when reading them.

use super::number::{grouped, three_digits};
use super::table::word;
use crate::result::{ConnectionCost, LadderResult, Slope, Summary, Verdict};

/// The heading of the section.
pub(super) const HEADING: &str = "What an idle connection costs";

/// Heads of the columns behind the name and before the verdict.
pub(super) const HEADS: [&str; 5] = ["user B", "kernel B", "descriptors", "CPU us/s", "kept B"];

/// One case.
pub(super) struct IdleLine {
    pub(super) case: String,
    /// One for each of [`HEADS`]; `-` where it is not known.
    pub(super) cells: Vec<String>,
    pub(super) verdict: Verdict,
    pub(super) words: String,
}

/// The section; without lines there is none.
#[derive(Default)]
pub(super) struct Idle {
    pub(super) lines: Vec<IdleLine>,
    pub(super) notes: Vec<String>,
}

impl Idle {
    /// Of all ladders of a summary.
    pub(super) fn of(summary: &Summary) -> Idle {
        let ladders = &summary.ladders;
        let mut cases: Vec<&str> = Vec::new();
        for ladder in ladders {
            if !cases.contains(&ladder.case.as_str()) {
                cases.push(&ladder.case);
            }
        }
        let lines: Vec<IdleLine> = cases.iter().map(|case| line(summary, case)).collect();
        let notes = if lines.is_empty() { Vec::new() } else { notes(summary, &cases) };
        Idle { lines, notes }
    }
}

fn of_case<'a>(summary: &'a Summary, case: &'a str) -> impl Iterator<Item = &'a LadderResult> {
    summary.ladders.iter().filter(move |l| l.case == case)
}

fn line(summary: &Summary, case: &str) -> IdleLine {
    let cost = summary.connection_costs.iter().find(|c| c.case == case).cloned().unwrap_or_default();
    let verdicts: Vec<Verdict> = of_case(summary, case).map(|l| l.verdict).collect();
    let verdict = verdicts.iter().copied().max().unwrap_or_default();
    let so_many = verdicts.iter().filter(|v| **v == verdict).count();
    let words = match so_many == verdicts.len() {
        true => word(verdict).to_owned(),
        false => format!("{} {so_many}/{}", word(verdict), verdicts.len()),
    };
    IdleLine { case: case.to_owned(), cells: cells(&cost), verdict, words }
}

fn cells(cost: &ConnectionCost) -> Vec<String> {
    let whole = |v: f64| grouped(v.round());
    let kept = cost.kept_bytes_per_connection.filter(|v| v.is_finite());
    vec![
        told(cost.slopes.user_bytes_per_connection, whole),
        told(cost.slopes.kernel_bytes_per_connection, whole),
        told(cost.slopes.descriptors_per_connection, small),
        told(cost.slopes.idle_cpu_us_per_s_per_connection, small),
        kept.map_or("-".to_owned(), whole),
    ]
}

/// Three digits; what would be all zeros is 0.
fn small(value: f64) -> String {
    if value.abs() < 1e-6 { "0".to_owned() } else { three_digits(value) }
}

/// The value and half its interval.
fn told(slope: Option<Slope>, show: fn(f64) -> String) -> String {
    let known = slope.filter(|s| s.value.is_finite() && s.half().is_finite());
    // A bound of less than what is shown of the value is none.
    let bound = |s: &Slope| if s.half() < s.value.abs() * 1e-6 { 0.0 } else { s.half() };
    known.map_or("-".to_owned(), |s| format!("{} ± {}", show(s.value), show(bound(&s))))
}

fn notes(summary: &Summary, cases: &[&str]) -> Vec<String> {
    // What the columns mean is of no use where they are empty.
    let slopes = summary.connection_costs.iter().map(|c| &c.slopes);
    let mut notes = Vec::new();
    if slopes.into_iter().any(|s| s.user_bytes_per_connection.is_some()) {
        notes.push(climbed(summary));
        notes.extend(kernel(summary));
    }
    let mut told: Vec<(&String, Vec<&str>)> = Vec::new();
    for ladder in &summary.ladders {
        for text in ladder.reasons.iter().chain(&ladder.warnings).chain(&ladder.notes) {
            match told.iter_mut().find(|(t, _)| *t == text) {
                Some((_, of)) if of.contains(&ladder.case.as_str()) => {}
                Some((_, of)) => of.push(&ladder.case),
                None => told.push((text, vec![&ladder.case])),
            }
        }
    }
    let say = |(text, of): (&String, Vec<&str>)| match of.len() == cases.len() {
        true => text.clone(),
        false => format!("{}: {text}", of.join("; ")),
    };
    notes.extend(told.into_iter().map(say));
    notes
}

/// How it was got.
fn climbed(summary: &Summary) -> String {
    let steps = || summary.ladders.iter().flat_map(|l| &l.steps).map(|s| s.clients);
    let most_steps = summary.ladders.iter().map(|l| l.steps.len()).max().unwrap_or(0);
    let hold = summary.ladders.iter().map(|l| l.hold_s).fold(0.0, f64::max);
    let each = summary.ladders.iter().map(|l| l.repeat + 1).max().unwrap_or(1);
    let repeats = if each > 1 { format!(", climbed {each} times") } else { String::new() };
    format!(
        "slopes over {most_steps} steps of {} to {} idle clients that rested up to {} s{repeats}, with 95 % intervals; \
         user: PSS of the target's processes; kept: PSS after all had left, less that before the first; CPU: \
         heartbeats and empty polls, as far as they come within the rest",
        grouped(f64::from(steps().min().unwrap_or(0))),
        grouped(f64::from(steps().max().unwrap_or(0))),
        three_digits(hold),
    )
}

/// Where the kernel's part is from.
fn kernel(summary: &Summary) -> Vec<String> {
    let has = |of: &str| summary.ladders.iter().any(|l| l.kernel_of == of);
    let both =
        if summary.ladders.iter().any(|l| l.co_located) { ", both ends of the connections" } else { "" };
    let told = [
        (
            has("control group"),
            format!(
                "kernel: kernel memory and socket buffers charged to the target's control group (version 1 of them, and \
                 Linux before 6.12, leave the TCP sockets themselves out); slab of the whole machine{both}: {}",
                slab(summary)
            ),
        ),
        (has("machine"), format!("kernel: slab of the whole machine{both}")),
        (
            has(""),
            "kernel: not known: the target has no control group of its own that tells kernel memory"
                .to_owned(),
        ),
    ];
    told.into_iter().filter(|(there, _)| *there).map(|(_, text)| text).collect()
}

/// The least and the greatest slope of the whole machine's slab.
fn slab(summary: &Summary) -> String {
    let costs = summary.connection_costs.iter();
    let slopes = costs.filter_map(|c| c.slopes.slab_bytes_per_connection).map(|s| s.value);
    let mut all: Vec<f64> = slopes.filter(|v| v.is_finite()).collect();
    all.sort_unstable_by(f64::total_cmp);
    match (all.first(), all.last()) {
        (Some(least), Some(most)) => format!("{} to {} B", grouped(least.round()), grouped(most.round())),
        _ => "not known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Style, csv, fixture, html, junit, markdown, text};
    use super::*;

    #[test]
    fn every_format_tells_what_an_idle_connection_costs() {
        let mut results = fixture::laddered(fixture::three());
        results.summary.ladders[0].warnings.push("only 1900 of <2000> clients were attached".into());
        let style = Style::default();
        let plain = text::render(&results.summary, &style);
        let flat = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("What an idle connection costs"), "{plain}");
        assert!(
            flat.contains("long polling 3,000 ± 30 2,500 ± 20 1.00 ± 0 0.250 ± 0.0100 12 valid"),
            "{plain}"
        );
        assert!(flat.contains("polling, 1 s: only 1900 of <2000> clients"), "{plain}");
        let md = markdown::render(&results.summary, &style);
        assert!(md.contains("| long polling | 3,000 ± 30 | 2,500 ± 20 | 1.00 ± 0 |"), "{md}");
        let page = html::render(&results.summary, &style);
        assert!(page.contains("<td>3,000 ± 30</td>") && page.contains("of &lt;2000&gt; clients"), "{page}");
        assert!(junit::render(&results.summary).contains("long polling, cost ladder, repeat 0"));
    }

    #[test]
    fn ladders_alone_are_a_report_of_their_own() {
        let mut results = fixture::laddered(fixture::three());
        results.summary.runs.clear();
        let plain = text::render(&results.summary, &Style::default());
        assert!(plain.contains("nothing published") && !plain.contains("no run was finished"), "{plain}");
        let rows = csv::render(&results.summary);
        assert_eq!(rows.lines().count(), 1 + 3 * 4, "{rows}");
        assert!(rows.starts_with("case,transport,repeat,"), "{rows}");
    }

    #[test]
    fn what_is_not_known_is_no_number() {
        let cost = ConnectionCost::default();
        assert_eq!(cells(&cost), ["-", "-", "-", "-", "-"]);
        let nan = Slope { value: f64::NAN, low: 0.0, high: 0.0 };
        assert_eq!(told(Some(nan), small), "-");
        assert!(Idle::of(&Summary::default()).lines.is_empty());
        assert!(Idle::of(&Summary::default()).notes.is_empty());
    }
}
