//! `intervals.csv`, `cost.csv` and `metrics.csv`: one row a reading, with the run it belongs to in front and the
//! schema behind. Absent values are empty cells.

use super::{CostRow, Interval, MetricRow, ResultError, Results, RunDetail, RunResult};
use serde::{Serialize, de::DeserializeOwned};
use std::io;
use std::path::Path;

const INTERVALS_SCHEMA: &str = "pushbench/intervals/1";
const COST_SCHEMA: &str = "pushbench/cost/1";
const METRICS_SCHEMA: &str = "pushbench/metrics/1";
/// The columns that tell the run.
const RUN_COLUMNS: [&str; 4] = ["run", "case", "clients", "repeat"];

/// The bytes of `intervals.csv`.
pub(super) fn intervals(results: &Results) -> io::Result<Vec<u8>> {
    table(results, INTERVALS_SCHEMA, |detail| &detail.intervals)
}

/// The bytes of `cost.csv`.
pub(super) fn cost(results: &Results) -> io::Result<Vec<u8>> {
    table(results, COST_SCHEMA, |detail| &detail.cost)
}

/// The bytes of `metrics.csv`; `None` when no run read any.
pub(super) fn metrics(results: &Results) -> Option<io::Result<Vec<u8>>> {
    let any = results.details.iter().any(|d| !d.metrics.is_empty());
    any.then(|| table(results, METRICS_SCHEMA, |detail| &detail.metrics))
}

fn table<T: Serialize + Default>(
    results: &Results,
    schema: &str,
    rows: impl Fn(&RunDetail) -> &Vec<T>,
) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let fields = field_names::<T>();
    let header = RUN_COLUMNS.iter().copied().chain(fields.iter().map(String::as_str)).chain(["schema"]);
    writer.write_record(header)?;
    for (i, (run, detail)) in results.summary.runs.iter().zip(&results.details).enumerate() {
        let RunResult { case, clients, repeat, .. } = run;
        for row in rows(detail) {
            writer.serialize((i, case, clients, repeat, row, schema))?;
        }
    }
    writer.into_inner().map_err(|e| io::Error::other(e.to_string()))
}

/// The serde names of a struct's fields, in order.
pub(super) fn field_names<T: Serialize + Default>() -> Vec<String> {
    let json = serde_json::to_value(T::default()).unwrap_or_default();
    json.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default()
}

/// The rows of `intervals.csv`, each with the index of its run.
pub(super) fn read_intervals(path: &Path) -> Result<Vec<(usize, Interval)>, ResultError> {
    rows(path, INTERVALS_SCHEMA)
}

/// The rows of `cost.csv`, each with the index of its run.
pub(super) fn read_cost(path: &Path) -> Result<Vec<(usize, CostRow)>, ResultError> {
    rows(path, COST_SCHEMA)
}

/// The rows of `metrics.csv`, each with the index of its run.
pub(super) fn read_metrics(path: &Path) -> Result<Vec<(usize, MetricRow)>, ResultError> {
    rows(path, METRICS_SCHEMA)
}

fn rows<T: DeserializeOwned>(path: &Path, want: &'static str) -> Result<Vec<(usize, T)>, ResultError> {
    let text = std::fs::read(path).map_err(|source| ResultError::Read { path: path.to_owned(), source })?;
    let malformed = |e: csv::Error| ResultError::Malformed { path: path.to_owned(), found: e.to_string() };
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let header = reader.headers().map_err(malformed)?.clone();
    let of_run = column(&header, "run", path)?;
    let of_schema = column(&header, "schema", path)?;
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record.map_err(malformed)?;
        if record.get(of_schema) != Some(want) {
            let found = record.get(of_schema).unwrap_or_default().to_owned();
            return Err(ResultError::UnknownSchema { path: path.to_owned(), found, want });
        }
        let run = record.get(of_run).and_then(|r| r.parse().ok());
        let run = run.ok_or_else(|| ResultError::Malformed {
            path: path.to_owned(),
            found: format!("run {:?} is no number", record.get(of_run).unwrap_or_default()),
        })?;
        found.push((run, record.deserialize(Some(&header)).map_err(malformed)?));
    }
    Ok(found)
}

fn column(header: &csv::StringRecord, name: &str, path: &Path) -> Result<usize, ResultError> {
    let missing = || ResultError::Malformed { path: path.to_owned(), found: format!("no column {name:?}") };
    header.iter().position(|h| h == name).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(interval: Interval) -> Results {
        let detail = RunDetail { intervals: vec![interval], ..Default::default() };
        let run = RunResult { case: "polling, 1 s".into(), clients: 500, repeat: 2, ..Default::default() };
        let mut results = Results { details: vec![detail], ..Default::default() };
        results.summary.runs = vec![run];
        results
    }

    #[test]
    fn a_header_a_row_and_empty_cells_for_what_is_absent() {
        let row = Interval { length_s: 1.0, phase: "measure".into(), delivered: 7, ..Default::default() };
        let text = String::from_utf8(intervals(&results(row)).unwrap()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[0].starts_with("run,case,clients,repeat,start_s,length_s,phase,attached,"),
            "{}",
            lines[0]
        );
        assert_eq!(
            lines[1],
            "0,\"polling, 1 s\",500,2,0.0,1.0,measure,0,0,7,,,,0,0,0,0,0,,,,,,,,0,0,,,,,,,,,,pushbench/intervals/1"
        );
        assert_eq!(lines[0].split(',').count(), 37);
    }

    #[test]
    fn not_finite_is_an_empty_cell_and_the_rest_comes_back() {
        let row = Interval {
            start_s: f64::NAN,
            generator_cpu_share: Some(f64::INFINITY),
            target_cpu_share: Some(0.1 + 0.2),
            delivery_p99_ns: Some(u64::MAX),
            ..Default::default()
        };
        let bytes = intervals(&results(row.clone())).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).to_lowercase().contains("nan"));
        assert!(!String::from_utf8_lossy(&bytes).contains("inf"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let (run, back) = read_intervals(file.path()).unwrap().remove(0);
        assert_eq!(run, 0);
        assert!(back.start_s.is_nan());
        let wanted = Interval { start_s: 0.0, generator_cpu_share: None, ..row };
        assert_eq!(Interval { start_s: 0.0, ..back }, wanted);
    }

    #[test]
    fn an_unknown_schema_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "run,schema\n0,pushbench/cost/9\n").unwrap();
        let error = read_cost(file.path()).unwrap_err();
        assert!(matches!(error, ResultError::UnknownSchema { .. }), "{error}");
    }
}
