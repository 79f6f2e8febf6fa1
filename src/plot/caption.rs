//! The two lines beneath every chart: what was run, and whether to believe it.

use super::case::Case;
use super::text::{counted, plain};
use crate::result::{Results, RunResult, Verdict};

/// What a caption says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caption {
    /// Transports, payload, rate, channels, clients, runs, co-located or not.
    pub(super) facts: String,
    /// The verdict and its reasons.
    pub(super) verdict: String,
    /// Whether the verdict is a good one.
    pub(super) good: bool,
}

/// The caption of a chart that shows `cases`, out of `all` there are.
pub(super) fn caption(results: &Results, cases: &[Case<'_>], all: usize) -> Caption {
    let verdict = cases.iter().map(Case::verdict).max().unwrap_or_default();
    Caption {
        facts: facts(cases, all),
        verdict: verdict_line(results, cases, verdict),
        good: verdict == Verdict::Valid && !results.summary.partial,
    }
}

fn facts(cases: &[Case<'_>], all: usize) -> String {
    let runs: Vec<&RunResult> = cases.iter().flat_map(|c| &c.runs).map(|r| r.result).collect();
    if runs.is_empty() {
        return "no runs".to_owned();
    }
    let mut facts = vec![
        distinct(runs.iter().map(|r| r.transport.replace('_', " ")), ", "),
        format!("payload {} B", span(runs.iter().map(|r| f64::from(r.payload_bytes)))),
        format!("{} messages/s", span(runs.iter().map(|r| r.offered_per_s))),
        format!("{} channels", span(runs.iter().map(|r| f64::from(r.channels)))),
        format!("{} clients{}", span(runs.iter().map(|r| f64::from(r.clients))), largest_of(cases)),
        runs_of(cases),
        place(&runs).to_owned(),
    ];
    match cases.iter().map(|c| c.disbelieved.len()).sum() {
        0 => {}
        n => facts.push(format!("{} left out", counted(n, "invalid run", "invalid runs"))),
    }
    if runs.iter().any(|r| r.insecure) {
        facts.push("certificates not verified".to_owned());
    }
    if all > cases.len() {
        facts.push(format!("{} of {all} cases shown", cases.len()));
    }
    facts.join(" · ")
}

fn runs_of(cases: &[Case<'_>]) -> String {
    let counts = || {
        let each = |c: &Case<'_>| c.runs.len() / c.client_counts().len().max(1);
        cases.iter().map(each).collect::<Vec<_>>()
    };
    let (least, most) = (counts().into_iter().min(), counts().into_iter().max());
    let measured = median_seconds(cases);
    match (least, most) {
        (Some(a), Some(b)) if a != b => format!("{a}–{b} runs of {measured} s each"),
        (_, Some(n)) => format!("{} of {measured} s", counted(n, "run", "runs each")),
        _ => String::new(),
    }
}

fn median_seconds(cases: &[Case<'_>]) -> String {
    let seconds = cases.iter().flat_map(|c| &c.runs).map(|r| r.result.measured_s);
    plain(crate::result::median(seconds).unwrap_or_default())
}

/// A reader must know that a sweep's other runs are not in the chart.
fn largest_of(cases: &[Case<'_>]) -> &'static str {
    let chosen = cases.iter().any(|c| c.left_out);
    if chosen { " (the sweep's largest)" } else { "" }
}

/// Where the target of these cases ran.
pub(super) fn place_of(cases: &[Case<'_>]) -> &'static str {
    let runs: Vec<&RunResult> = cases.iter().flat_map(|c| &c.runs).map(|r| r.result).collect();
    place(&runs)
}

fn place(runs: &[&RunResult]) -> &'static str {
    let seen: Vec<bool> = runs.iter().filter_map(|r| r.target_cost.as_ref()).map(|c| c.co_located).collect();
    match (seen.contains(&true), seen.contains(&false)) {
        (true, false) => "co-located",
        (false, true) => "not co-located",
        (true, true) => "partly co-located",
        (false, false) => "target not visible",
    }
}

fn distinct(values: impl Iterator<Item = String>, separator: &str) -> String {
    let mut seen: Vec<String> = Vec::new();
    for v in values {
        if !seen.contains(&v) {
            seen.push(v);
        }
    }
    seen.join(separator)
}

/// One number, or the least and the greatest.
fn span(values: impl Iterator<Item = f64>) -> String {
    let (lo, hi) = values.fold((f64::MAX, f64::MIN), |(lo, hi), v| (lo.min(v), hi.max(v)));
    if plain(lo) == plain(hi) { plain(hi) } else { format!("{}–{}", plain(lo), plain(hi)) }
}

fn verdict_line(results: &Results, cases: &[Case<'_>], verdict: Verdict) -> String {
    let cut = if results.summary.partial { ", cut short before its end" } else { "" };
    let word = match verdict {
        Verdict::Valid => return format!("Verdict: valid{cut}"),
        Verdict::Suspect => "suspect",
        Verdict::Invalid => "invalid",
    };
    let why = distinct(cases.iter().flat_map(reasons), "; ");
    let why = if why.is_empty() { "no reason was stored".to_owned() } else { why };
    format!("Verdict: {word}{cut}: {why}")
}

/// Why a case is doubtful, with its name.
fn reasons(case: &Case<'_>) -> Vec<String> {
    let doubtful = case.all_runs().filter(|r| r.result.verdict != Verdict::Valid);
    let reasons = doubtful.flat_map(|r| &r.result.reasons);
    reasons.map(|reason| format!("{}: {reason}", case.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{case::cases, fixture};

    #[test]
    fn a_caption_says_what_was_run() {
        let results = fixture::three_cases();
        let cases = cases(&results);
        let caption = caption(&results, &cases, 3);
        assert_eq!(
            caption.facts,
            "poll, long poll, websocket · payload 64 B · 200 messages/s · 10 channels · 500 clients · \
             1 run of 30 s · co-located"
        );
        assert_eq!(caption.verdict, "Verdict: valid");
        assert!(caption.good);
    }

    #[test]
    fn an_invalid_run_says_why() {
        let results = fixture::invalid_run();
        let caption = caption(&results, &cases(&results), 3);
        assert_eq!(caption.verdict, "Verdict: invalid: websocket: generator CPU 97 % of its cores");
        assert!(!caption.good);
    }

    #[test]
    fn a_run_that_is_left_out_is_told_with_its_reasons() {
        let mut results = fixture::repeats();
        let run = &mut results.summary.runs[0];
        (run.verdict, run.reasons) = (Verdict::Invalid, vec!["steal".into()]);
        let told = format!("Verdict: invalid: {}: steal", run.case);
        let caption = caption(&results, &cases(&results), 3);
        assert!(caption.facts.ends_with(" · 1 invalid run left out"), "{}", caption.facts);
        assert_eq!(caption.verdict, told);
    }
}
