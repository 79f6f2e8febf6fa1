//! JUnit XML: each run's verdict and each objective as a test case, for CI that counts tests.
//!
//! An invalid run and a missed objective fail; a suspect run passes with its reasons as output,
//! as it does in the exit code; what is not known is skipped.

use super::objective::{in_unit, value};
use super::value::Value;
use crate::result::{LadderResult, RunResult, SloResult, Summary, Verdict};

pub(super) fn render(summary: &Summary) -> String {
    let runs = summary.runs.iter().enumerate().map(|(i, r)| suite(summary, i, r));
    let suites: Vec<Suite> = runs.chain(summary.ladders.iter().map(ladder)).collect();
    let sum = |of: fn(&Suite) -> usize| suites.iter().map(of).sum::<usize>();
    let body: String = suites.iter().map(|s| s.xml.as_str()).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n{body}</testsuites>\n",
        escaped(&summary.title),
        sum(|s| s.tests),
        sum(|s| s.failures),
        sum(|s| s.skipped),
    )
}

struct Suite {
    xml: String,
    tests: usize,
    failures: usize,
    skipped: usize,
}

fn suite(summary: &Summary, index: usize, run: &RunResult) -> Suite {
    let name = escaped(&suite_name(run));
    let held = summary.slo.iter().filter(|s| s.run == index);
    let judged = verdict((run.verdict, &run.reasons, run.insecure), &name);
    let cases = std::iter::once(judged).chain(held.map(|s| objective(summary, s, &name))).collect();
    whole(&name, cases, run.measured_s)
}

/// A ladder of idle connections has a verdict, and no objective is held against it.
fn ladder(ladder: &LadderResult) -> Suite {
    let name = escaped(&format!("{}, cost ladder, repeat {}", ladder.case, ladder.repeat));
    let judged = verdict((ladder.verdict, &ladder.reasons, false), &name);
    whole(&name, vec![judged], ladder.hold_s * ladder.steps.len() as f64)
}

fn whole(name: &str, cases: Vec<String>, seconds: f64) -> Suite {
    let so_many = |what: &str| cases.iter().filter(|c| c.contains(what)).count();
    let (tests, failures, skipped) = (cases.len(), so_many("<failure "), so_many("<skipped "));
    let xml = format!(
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\" time=\"{:.3}\">\n{}  </testsuite>\n",
        if seconds.is_finite() { seconds } else { 0.0 },
        cases.concat()
    );
    Suite { xml, tests, failures, skipped }
}

fn suite_name(run: &RunResult) -> String {
    let swept: String =
        run.swept.iter().filter(|(k, _)| *k != "clients").map(|(k, v)| format!(", {k} {v}")).collect();
    format!("{}, {} clients{swept}, repeat {}", run.case, run.clients, run.repeat)
}

fn verdict((verdict, reasons, insecure): (Verdict, &[String], bool), suite: &str) -> String {
    let reasons = escaped(&reasons.join("; "));
    let unseen = if insecure { "<system-out>certificates were not verified</system-out>" } else { "" };
    let inside = match verdict {
        Verdict::Valid => String::new(),
        Verdict::Suspect => format!("<system-out>suspect: {reasons}</system-out>"),
        Verdict::Invalid => format!("<failure type=\"invalid\" message=\"{reasons}\"/>"),
    };
    case(suite, "verdict", &(inside + unseen))
}

fn objective(summary: &Summary, slo: &SloResult, suite: &str) -> String {
    let measured = match value(summary, slo) {
        None => "no value".to_owned(),
        Some(Value::Known(v)) => in_unit(&slo.key, v),
        Some(Value::AtLeast(v)) => format!("at least {}", in_unit(&slo.key, v)),
    };
    let why = slo.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    let told = escaped(&format!("measured {measured}, wanted {}{why}", slo.objective));
    let inside = match slo.met {
        Some(true) => String::new(),
        Some(false) => format!("<failure type=\"objective\" message=\"{told}\"/>"),
        None => format!("<skipped message=\"{told}\"/>"),
    };
    case(suite, &escaped(&format!("{} {}", slo.key, slo.objective)), &inside)
}

fn case(suite: &str, name: &str, inside: &str) -> String {
    format!("    <testcase classname=\"{suite}\" name=\"{name}\">{inside}</testcase>\n")
}

/// Text in XML; what XML 1.0 cannot hold becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn invalid_fails_unknown_is_skipped_suspect_passes() {
        let mut results = fixture::three();
        results.summary.runs[1].verdict = Verdict::Invalid;
        results.summary.runs[1].reasons = vec!["a < b & \"c\" \u{1}".into()];
        results.summary.slo[1].met = None;
        let xml = render(&results.summary);
        assert!(xml.contains("tests=\"6\" failures=\"2\" skipped=\"1\""), "{xml}");
        assert!(xml.contains("message=\"a &lt; b &amp; &quot;c&quot; \u{fffd}\""), "{xml}");
    }
}
