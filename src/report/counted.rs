//! What the target counted itself, a line a series.

use super::number::{grouped, three_digits};
use super::table::Row;
use crate::result::{MetricGain, MetricReconciled, MetricSeries, RunResult, median};

/// A line for each series of each row; of believed repeats the median.
pub(super) fn lines(rows: &[Row<'_>], labels: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for (row, label) in rows.iter().zip(labels) {
        let runs: Vec<&RunResult> = row.told.iter().map(|(_, r)| *r).collect();
        let first = runs.iter().find_map(|r| r.target_metrics.as_ref());
        for series in first.iter().flat_map(|m| &m.series) {
            lines.push(format!("{label}: {} {}", series.name, said(series, &runs)));
        }
    }
    lines
}

/// What could not be read, in words.
pub(super) fn warnings(run: &RunResult) -> Vec<String> {
    run.target_metrics.as_ref().map(|m| m.warnings.clone()).unwrap_or_default()
}

fn said(series: &MetricSeries, runs: &[&RunResult]) -> String {
    let middle = |of: &dyn Fn(&MetricSeries) -> Option<f64>| {
        let same = |r: &&RunResult| {
            let metrics = r.target_metrics.as_ref()?;
            of(metrics.series.iter().find(|s| s.name == series.name)?)
        };
        median(runs.iter().filter_map(same))
    };
    let unit = if series.unit.is_empty() { String::new() } else { format!(" {}", series.unit) };
    let mut parts = Vec::new();
    if series.kind == "counter" {
        let gain = |phase: &'static str| middle(&move |s| s.gains.iter().find(|g| g.phase == phase)?.gain);
        parts.push(match gain("measure") {
            Some(n) => {
                let rate = middle(&|s| rate(s.gains.iter().find(|g| g.phase == "measure")?));
                let rate = rate.map_or(String::new(), |rate| format!(" ({}/s)", three_digits(rate)));
                format!("{}{unit} in measure{rate}", number(n))
            }
            None => "not known in measure".to_owned(),
        });
        parts.extend(gain("run").map(|n| format!("{} in the whole run", number(n))));
    } else {
        let level = |of: fn(&MetricSeries) -> Option<f64>| middle(&move |s| of(s));
        match (level(|s| s.last), level(|s| s.max)) {
            (Some(last), Some(max)) => {
                parts.push(format!("{}{unit} at the end of measure, {} at most", number(last), number(max)));
            }
            (Some(last), None) => parts.push(format!("{}{unit} at the end of measure", number(last))),
            _ => parts.push("not known".to_owned()),
        }
    }
    parts.extend(beside(series, runs));
    parts.join(", ")
}

/// A gain over the time between its two readings, which is not quite that of the phase.
fn rate(gain: &MetricGain) -> Option<f64> {
    let seconds = gain.to_s? - gain.from_s?;
    (seconds > 0.0).then(|| gain.gain.map(|n| n / seconds))?
}

/// The same as we counted it: of repeats the median, and how many of them differ.
fn beside(series: &MetricSeries, runs: &[&RunResult]) -> Option<String> {
    let of = |r: &&RunResult| {
        let reconciled = &r.target_metrics.as_ref()?.reconciled;
        reconciled.iter().find(|r| r.name == series.name && r.difference.is_some()).cloned()
    };
    let all: Vec<MetricReconciled> = runs.iter().filter_map(of).collect();
    let ours = median(all.iter().map(|r| r.ours as f64));
    let under_way = all.iter().filter(|r| r.difference != Some(0.0)).map(|r| r.in_flight).max();
    let differ = all.iter().filter(|r| r.agrees != Some(true)).count();
    let told = format!("{} by our count", number(ours?));
    Some(match (differ, under_way) {
        (0, None) => told,
        (0, Some(under_way)) => format!("{told}, {under_way} were under way"),
        _ if all.len() == 1 => format!("{told}: they DIFFER"),
        _ => format!("{told}: they DIFFER in {differ} of {} repeats", all.len()),
    })
}

fn number(value: f64) -> String {
    if value.abs() >= 100.0 || value.fract() == 0.0 { grouped(value) } else { three_digits(value) }
}

#[cfg(test)]
mod tests {
    use super::super::{fixture, table};
    use super::*;
    use crate::result::{TargetMetrics, Verdict};

    fn metrics(gain: Option<f64>, ours: u64) -> TargetMetrics {
        let of = |phase: &str| MetricGain {
            phase: phase.into(),
            gain,
            from_s: Some(2.5),
            to_s: Some(12.5),
            ..MetricGain::default()
        };
        let counter = MetricSeries {
            name: "sent".into(),
            kind: "counter".into(),
            unit: "messages".into(),
            gains: vec![of("measure"), of("run")],
            ..MetricSeries::default()
        };
        let gauge = MetricSeries {
            name: "memory".into(),
            kind: "gauge".into(),
            last: Some(12.5),
            max: Some(2048.0),
            ..MetricSeries::default()
        };
        let difference = gain.map(|g| g - ours as f64);
        let agrees = difference.map(|d| d == 0.0);
        let beside =
            MetricReconciled { name: "sent".into(), ours, difference, agrees, ..MetricReconciled::default() };
        TargetMetrics { series: vec![counter, gauge], reconciled: vec![beside], ..TargetMetrics::default() }
    }

    fn of(metrics: TargetMetrics) -> Vec<String> {
        let mut results = fixture::three();
        results.summary.runs.truncate(1);
        let run = &mut results.summary.runs[0];
        // The readings may lie farther apart than the ends of the phase.
        (run.case, run.measured_s, run.target_metrics) = ("a".into(), 8.0, Some(metrics));
        let rows = table::rows(&results.summary);
        lines(&rows, &["a".to_owned()])
    }

    #[test]
    fn a_gain_without_its_two_instants_has_no_rate() {
        let mut without = metrics(Some(6_000.0), 6_000);
        without.series[0].gains[0].to_s = None;
        assert!(of(without)[0].starts_with("a: sent 6,000 messages in measure, 6,000 in the whole run"));
    }

    #[test]
    fn a_median_is_of_believed_runs() {
        let mut results = fixture::three();
        results.summary.runs.truncate(1);
        let mut run = results.summary.runs.remove(0);
        for (gain, verdict) in [(6_000.0, Verdict::Valid), (1.0, Verdict::Invalid), (8_000.0, Verdict::Valid)]
        {
            (run.target_metrics, run.verdict) = (Some(metrics(Some(gain), gain as u64)), verdict);
            results.summary.runs.push(run.clone());
        }
        let rows = table::rows(&results.summary);
        let told = lines(&rows, &["a".to_owned()]);
        assert!(told[0].starts_with("a: sent 7,000 messages in measure (700/s)"), "{told:?}");
    }

    #[test]
    fn gains_levels_and_our_own_count_are_told() {
        let told = of(metrics(Some(6_000.0), 6_000));
        assert_eq!(
            told[0],
            "a: sent 6,000 messages in measure (600/s), 6,000 in the whole run, 6,000 by our count"
        );
        assert_eq!(told[1], "a: memory 12.5 at the end of measure, 2,048 at most");
        assert!(of(metrics(Some(6_000.0), 5_999))[0].ends_with("5,999 by our count: they DIFFER"));
        assert_eq!(of(metrics(None, 7))[0], "a: sent not known in measure");
    }

    #[test]
    fn a_repeat_that_differs_is_told_wherever_it_stands() {
        let mut results = fixture::three();
        results.summary.runs.truncate(1);
        let run = &mut results.summary.runs[0];
        (run.case, run.measured_s) = ("a".into(), 10.0);
        let mut runs = vec![run.clone(); 3];
        for (run, ours) in runs.iter_mut().zip([6_000, 6_002, 5_990]) {
            run.target_metrics = Some(metrics(Some(6_000.0), ours));
        }
        let runs: Vec<&RunResult> = runs.iter().collect();
        let series = &metrics(None, 0).series[0];
        assert_eq!(beside(series, &runs).unwrap(), "6,000 by our count: they DIFFER in 2 of 3 repeats");
        assert_eq!(beside(series, &runs[..1]).unwrap(), "6,000 by our count");
    }
}
