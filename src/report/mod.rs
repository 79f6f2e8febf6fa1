//! Reports: pure functions of results. Reads and writes no file, knows nothing of how numbers
//! were got.
//!
//! `table` computes the cells and `story` what is said around them, once; each format only lays
//! them out.

mod blur;
mod claim;
mod cooperation;
mod cost;
mod cost_model;
mod counted;
mod csv;
mod found;
mod html;
mod idle;
mod junit;
mod layout;
mod lives;
mod markdown;
mod number;
mod objective;
mod steady;
mod story;
mod table;
mod text;
mod timing;
mod value;

use crate::result::{Chart, Results};
use std::path::PathBuf;

/// What a report is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// GitHub's, for comments.
    Markdown,
    /// One row a run, every key of the summary.
    Csv,
    /// One page that needs nothing beside it.
    Html,
    /// Objectives and verdicts as test cases.
    Junit,
    /// The summary as it is stored.
    Json,
}

/// What a report needs to know beside the results.
#[derive(Clone, Debug)]
pub struct Style {
    /// ANSI colours in text.
    pub colour: bool,
    /// Columns of text; below about 90 lines may run over.
    pub width: usize,
    /// The results folder, to be named in the report.
    pub folder: Option<PathBuf>,
    /// The charts: named in text, embedded in HTML.
    pub charts: Vec<Chart>,
    /// What is known of the selftest of the build that measured; filled in from the manifest.
    pub selftest: Option<String>,
}

impl Default for Style {
    fn default() -> Style {
        Style { colour: false, width: 100, folder: None, charts: Vec::new(), selftest: None }
    }
}

/// The report, ending with a new line. The same results give the same text, to the byte.
pub fn render(results: &Results, format: Format, style: &Style) -> String {
    let summary = &results.summary;
    let told = results.manifest["selftest"]["words"].as_str();
    let selftest = told.map(|words| words.replace(char::is_control, ""));
    let style = &Style { selftest: selftest.or(style.selftest.clone()), ..style.clone() };
    match format {
        Format::Text => text::render(summary, style),
        Format::Markdown => markdown::render(summary, style),
        Format::Csv => csv::render(summary),
        Format::Html => html::render(summary, style),
        Format::Junit => junit::render(summary),
        Format::Json => {
            let json = serde_json::to_value(summary).expect("a summary is plain values with text keys");
            format!("{json:#}\n")
        }
    }
}

#[cfg(test)]
mod fixture;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Verdict;

    fn style() -> Style {
        let chart = Chart { name: "delivery".into(), path: "x".into(), svg: "<svg/>".into() };
        Style { folder: Some("results/x".into()), charts: vec![chart], ..Style::default() }
    }

    #[test]
    fn three_runs_in_every_format() {
        let results = fixture::three();
        insta::assert_snapshot!("three_text", render(&results, Format::Text, &style()));
        insta::assert_snapshot!("three_markdown", render(&results, Format::Markdown, &style()));
        insta::assert_snapshot!("three_csv", render(&results, Format::Csv, &style()));
        insta::assert_snapshot!("three_html", render(&results, Format::Html, &style()));
        insta::assert_snapshot!("three_junit", render(&results, Format::Junit, &style()));
        let json: serde_json::Value =
            serde_json::from_str(&render(&results, Format::Json, &style())).unwrap();
        assert_eq!(json, serde_json::to_value(&results.summary).unwrap());
    }

    #[test]
    fn repeats_in_every_format() {
        let results = fixture::repeated();
        insta::assert_snapshot!("repeats_text", render(&results, Format::Text, &style()));
        insta::assert_snapshot!("repeats_markdown", render(&results, Format::Markdown, &style()));
        insta::assert_snapshot!("repeats_html", render(&results, Format::Html, &style()));
        insta::assert_snapshot!("repeats_junit", render(&results, Format::Junit, &style()));
        assert_eq!(render(&results, Format::Csv, &style()).lines().count(), 1 + 9);
    }

    /// Few samples, an unseen target, an invalid run, names of a paragraph, several client counts.
    fn awkward() -> Results {
        let mut results = fixture::repeated();
        results.summary.title = "A question so long that no terminal holds it on one line ".repeat(4);
        results.summary.partial = true;
        for (i, run) in results.summary.runs.iter_mut().enumerate() {
            run.case.push_str(" behind a proxy, with a browser's headers and a name without end");
            run.swept.insert("rate".into(), "20/s".into());
            run.clients = if i < 6 { 500 } else { 15_000 };
            run.ledger.lost = 1_234_567;
        }
        let run = &mut results.summary.runs[7];
        run.verdict = Verdict::Invalid;
        run.reasons = vec!["sent late: ".repeat(20)];
        (run.target_cost, run.delivery.p99_ns, run.bytes.payload) = (None, None, 0);
        run.failures.insert("stale_connection".into(), 12_345);
        results
    }

    #[test]
    fn awkward_runs_keep_to_the_width() {
        let text = render(&awkward(), Format::Text, &style());
        insta::assert_snapshot!("awkward_text", text);
        let table: Vec<_> = text.lines().take_while(|l| !l.starts_with("Verdicts")).collect();
        let widest = table.iter().map(|l| l.chars().count()).max();
        assert!(widest <= Some(100), "{widest:?}");
    }

    #[test]
    fn no_line_is_wider_than_asked_for() {
        for results in [fixture::three(), fixture::repeated(), awkward()] {
            let text = render(&results, Format::Text, &style());
            let long: Vec<_> = text.lines().filter(|l| l.chars().count() > 100).collect();
            assert!(long.is_empty(), "{long:#?}");
        }
    }

    #[test]
    fn colour_is_asked_for_and_moves_nothing() {
        let plain = render(&fixture::three(), Format::Text, &style());
        let painted = render(&fixture::three(), Format::Text, &Style { colour: true, ..style() });
        assert!(!plain.contains('\x1b') && painted.contains("\x1b[33m"));
        let codes = regex_lite::Regex::new("\x1b\\[[0-9]*m").unwrap();
        let stripped: String =
            codes.replace_all(&painted, "").lines().map(|l| format!("{}\n", l.trim_end())).collect();
        assert_eq!(stripped, plain);
    }

    #[test]
    fn every_report_for_people_names_the_selftest_of_its_build() {
        let mut results = fixture::three();
        results.manifest["selftest"] = serde_json::json!({"words": "never for this build"});
        for (format, line) in [
            (Format::Text, "Selftest never for this build"),
            (Format::Markdown, "Selftest: never for this build"),
            (Format::Html, "<p>Selftest: never for this build</p>"),
        ] {
            let told = render(&results, format, &style());
            assert!(told.contains(line), "{told}");
        }
    }

    #[test]
    fn of_no_runs_it_says_so() {
        let text = render(&Results::default(), Format::Text, &Style::default());
        assert!(text.contains("no run was finished"), "{text}");
        for format in [Format::Markdown, Format::Csv, Format::Html, Format::Junit, Format::Json] {
            assert!(!render(&Results::default(), format, &Style::default()).is_empty());
        }
    }
}
