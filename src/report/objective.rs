//! Objectives in words: the repeats of a row are one line.

use super::number::{Kind, grouped, shown, three_digits};
use super::table::Row;
use super::value::Value;
use crate::result::{SloResult, Summary, Unit, at_least, metric};

/// One objective held against one row.
pub(super) struct ObjectiveLine {
    pub(super) label: String,
    pub(super) key: String,
    pub(super) objective: String,
    /// `Some(false)` when any repeat missed it.
    pub(super) met: Option<bool>,
    /// `met`, `missed 2/5`, `unknown`.
    pub(super) words: String,
    /// The value, or least to greatest.
    pub(super) measured: String,
}

/// One line for each objective and row, in the scenario's order.
pub(super) fn lines(summary: &Summary, rows: &[Row<'_>], labels: &[String]) -> Vec<ObjectiveLine> {
    let mut lines = Vec::new();
    let mut kinds: Vec<(&str, &str)> = Vec::new();
    for slo in &summary.slo {
        if !kinds.contains(&(&slo.key, &slo.objective)) {
            kinds.push((&slo.key, &slo.objective));
        }
    }
    for (key, objective) in kinds {
        for (row, label) in rows.iter().zip(labels) {
            let of_row = |s: &&SloResult| row.runs.iter().any(|(i, _)| *i == s.run);
            let same = |s: &&SloResult| s.key == key && s.objective == objective && of_row(s);
            let held: Vec<_> = summary.slo.iter().filter(same).collect();
            if !held.is_empty() {
                let told = |s: &&&SloResult| row.told.iter().any(|(i, _)| *i == s.run);
                let measured = measured(summary, key, &held.iter().filter(told).copied().collect::<Vec<_>>());
                lines.push(objective_line(label, measured, &held));
            }
        }
    }
    lines
}

fn objective_line(label: &str, measured: String, held: &[&SloResult]) -> ObjectiveLine {
    let so_many = |met| held.iter().filter(|s| s.met == met).count();
    let (missed, unknown) = (so_many(Some(false)), so_many(None));
    let met = if missed > 0 { Some(false) } else { (unknown == 0).then_some(true) };
    let of = |n: usize| if held.len() == 1 { String::new() } else { format!(" {n}/{}", held.len()) };
    let words = match met {
        Some(true) => "met".to_owned(),
        Some(false) => format!("missed{}", of(missed)),
        None => format!("unknown{}", of(unknown)),
    };
    let (key, objective) = (held[0].key.clone(), held[0].objective.clone());
    let measured = format!("{measured}{}", why(held));
    ObjectiveLine { label: label.to_owned(), measured, key, objective, met, words }
}

/// Why it could not be judged, where that is known; of several repeats the first.
fn why(held: &[&SloResult]) -> String {
    held.iter().find_map(|s| s.reason.as_ref()).map_or(String::new(), |reason| format!(" ({reason})"))
}

fn measured(summary: &Summary, key: &str, held: &[&SloResult]) -> String {
    let mut values: Vec<Value> = held.iter().filter_map(|s| value(summary, s)).collect();
    values.sort_by(Value::order);
    let show = |v: &Value| match v {
        Value::Known(v) => in_unit(key, *v),
        Value::AtLeast(v) => format!(">= {}", in_unit(key, *v)),
    };
    match (values.first(), values.last()) {
        (Some(least), Some(greatest)) if values.len() > 1 => format!("{} .. {}", show(least), show(greatest)),
        (Some(only), _) => show(only),
        _ => "-".to_owned(),
    }
}

/// What an objective was held against.
pub(super) fn value(summary: &Summary, slo: &SloResult) -> Option<Value> {
    let censored = || at_least(&slo.key, summary.runs.get(slo.run)?);
    slo.measured.map(Value::Known).or_else(|| censored().map(Value::AtLeast))
}

/// A metric's value with its unit.
pub(super) fn in_unit(key: &str, value: f64) -> String {
    match metric(key).map(|m| m.unit) {
        Some(Unit::Nanos) => shown(value, Kind::Time),
        Some(Unit::CpuMicros) => format!("{} us", three_digits(value)),
        Some(Unit::Bytes) => format!("{} B", three_digits(value)),
        Some(Unit::Ratio) => shown(value, Kind::Ratio),
        Some(Unit::Count) | None => grouped(value),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{fixture, story, table};
    use super::*;

    #[test]
    fn an_objective_that_one_repeat_misses_is_missed() {
        let mut results = fixture::repeated();
        let last = results.summary.slo.iter_mut().rfind(|s| s.run == 2).unwrap();
        last.met = Some(false);
        let rows = table::rows(&results.summary);
        let lines = lines(&results.summary, &rows, &story::labels(&rows));
        let words: Vec<_> = lines.iter().map(|o| o.words.as_str()).collect();
        assert_eq!(words, ["missed 3/3", "met", "missed 1/3"]);
    }

    #[test]
    fn what_an_invalid_run_measured_is_in_no_range() {
        let mut results = fixture::repeated();
        let of_row = |s: &&mut SloResult| [2, 5, 8].contains(&s.run);
        for (slo, measured) in results.summary.slo.iter_mut().filter(of_row).zip([9e9, 2e6, 3e6]) {
            slo.measured = Some(measured);
        }
        let told = |summary: &Summary| {
            let rows = table::rows(summary);
            lines(summary, &rows, &story::labels(&rows)).remove(2).measured
        };
        assert_eq!(told(&results.summary), "2.00 ms .. 9.00 s");
        results.summary.runs[2].verdict = crate::result::Verdict::Invalid;
        assert_eq!(told(&results.summary), "2.00 ms .. 3.00 ms");
    }

    #[test]
    fn too_few_samples_and_what_never_came_are_said() {
        let mut results = fixture::three();
        let slo = &mut results.summary.slo[1];
        (slo.met, slo.reason) = (None, Some("insufficient samples: 6 of 100".into()));
        let slo = &mut results.summary.slo[2];
        (slo.met, slo.measured) = (Some(false), None);
        let run = &mut results.summary.runs[2];
        (run.delivery.p99_ns, run.ledger.lost) = (None, run.delivery.count);
        run.delivery_censored_at_ns = Some(2_000_000_000);
        let rows = table::rows(&results.summary);
        let lines = lines(&results.summary, &rows, &story::labels(&rows));
        assert_eq!(lines[1].words, "unknown");
        assert!(lines[1].measured.ends_with(" (insufficient samples: 6 of 100)"), "{}", lines[1].measured);
        assert_eq!((lines[2].words.as_str(), lines[2].measured.as_str()), ("missed", ">= 2.00 s"));
    }
}
