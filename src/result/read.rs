//! A results folder read back. What cannot be read is an error; what is missing beside the summary
//! is a warning, since the summary stands alone.

use super::{ResultError, Results, RunDetail, SUMMARY_SCHEMA, Summary, folder, hlog, series};
use serde_json::Value;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

impl Results {
    /// Reads the folder `dir`: the results and, in words, what of them is missing or was left out.
    ///
    /// Files of the same schema with fewer or more keys (an older or newer build) are read: what is
    /// absent is zero, null or empty; what is unknown is left out.
    ///
    /// # Errors
    /// When there is no such folder, or its summary is missing, damaged or of another schema.
    pub fn read(dir: &Path) -> Result<(Results, Vec<String>), ResultError> {
        if !dir.exists() {
            return Err(ResultError::Missing { path: dir.to_owned() });
        }
        let summary = summary(dir)?;
        let mut warnings = Vec::new();
        let manifest = kept(manifest(dir), Value::Null, &mut warnings);
        let mut details = details(dir, summary.runs.len(), &mut warnings);
        if summary.runs.iter().any(|r| r.target_metrics.is_some()) {
            metrics(dir, &mut details, &mut warnings);
        }
        Ok((Results { summary, manifest, details }, warnings))
    }
}

/// Whether `dir` holds a file that only we write.
pub(super) fn is_results(dir: &Path) -> bool {
    summary(dir).is_ok()
        || manifest(dir).is_ok()
        || matches!(summary(dir), Err(ResultError::UnknownSchema { .. }))
}

fn summary(dir: &Path) -> Result<Summary, ResultError> {
    let path = dir.join("summary.json");
    if !path.exists() {
        return Err(ResultError::NoSummary { path: dir.to_owned() });
    }
    let json = json(&path, SUMMARY_SCHEMA)?;
    let malformed = |found| ResultError::Malformed { path: path.clone(), found };
    complete(&json).map_err(malformed)?;
    serde_json::from_value(json).map_err(|e| malformed(e.to_string()))
}

/// The keys without which defaults would tell a lie: a run without a verdict is not valid.
fn complete(json: &Value) -> Result<(), String> {
    if !json["verdict"].is_string() {
        return Err("no \"verdict\"".to_owned());
    }
    let runs = json["runs"].as_array().ok_or("no \"runs\"")?;
    for (i, run) in runs.iter().enumerate() {
        let missing =
            ["case", "clients", "verdict", "delivery", "ledger"].into_iter().find(|k| run[k].is_null());
        if let Some(key) = missing {
            return Err(format!("run {i} has no {key:?}"));
        }
    }
    Ok(())
}

fn manifest(dir: &Path) -> Result<Value, ResultError> {
    json(&dir.join("manifest.json"), folder::MANIFEST_SCHEMA)
}

/// A JSON file whose `schema` is `want`, or `want` with a minor number behind a dot.
fn json(path: &Path, want: &'static str) -> Result<Value, ResultError> {
    let text = fs::read(path).map_err(|source| ResultError::Read { path: path.to_owned(), source })?;
    let malformed = |found| ResultError::Malformed { path: path.to_owned(), found };
    let json: Value = serde_json::from_slice(&text).map_err(|e| malformed(e.to_string()))?;
    let found = json["schema"].as_str().ok_or_else(|| malformed("no \"schema\"".to_owned()))?;
    let minor = found.strip_prefix(want).map(|rest| rest.is_empty() || rest.starts_with('.'));
    if minor != Some(true) {
        return Err(ResultError::UnknownSchema { path: path.to_owned(), found: found.to_owned(), want });
    }
    Ok(json)
}

fn details(dir: &Path, runs: usize, warnings: &mut Vec<String>) -> Vec<RunDetail> {
    let mut details = vec![RunDetail::default(); runs];
    let intervals = kept(series::read_intervals(&dir.join("intervals.csv")), Vec::new(), warnings);
    let cost = kept(series::read_cost(&dir.join("cost.csv")), Vec::new(), warnings);
    let latency = kept(hlog::read(&dir.join("latency.hlog")), Default::default(), warnings);
    // A crash between two files leaves series of a run that the summary does not tell of yet.
    for (run, row) in intervals {
        details.get_mut(run).into_iter().for_each(|d| d.intervals.push(row.clone()));
    }
    for (run, row) in cost {
        details.get_mut(run).into_iter().for_each(|d| d.cost.push(row.clone()));
    }
    for (run, intervals) in latency {
        details.get_mut(run).into_iter().for_each(|d| d.latency.clone_from(&intervals));
    }
    details
}

/// The file is there only when some run read values.
fn metrics(dir: &Path, details: &mut [RunDetail], warnings: &mut Vec<String>) {
    for (run, row) in kept(series::read_metrics(&dir.join("metrics.csv")), Vec::new(), warnings) {
        details.get_mut(run).into_iter().for_each(|d| d.metrics.push(row.clone()));
    }
}

/// What was read, or `instead` and a warning.
fn kept<T>(read: Result<T, ResultError>, instead: T, warnings: &mut Vec<String>) -> T {
    read.unwrap_or_else(|error| {
        warnings.push(match &error {
            ResultError::Read { path, source } if source.kind() == ErrorKind::NotFound => {
                format!("{} is missing: what it held is not shown", path.display())
            }
            ResultError::Read { path, source } => format!("cannot read {}: {source}", path.display()),
            _ => format!("left out: {error}"),
        });
        instead
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(summary: &str) -> Result<(Results, Vec<String>), ResultError> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("summary.json"), summary).unwrap();
        Results::read(dir.path())
    }

    #[test]
    fn a_summary_alone_is_read_with_a_warning_for_each_file_that_is_missing() {
        let (results, warnings) =
            read_with(r#"{"schema":"pushbench/summary/1","verdict":"valid","runs":[]}"#).unwrap();
        assert_eq!(results.summary.runs, []);
        assert_eq!(warnings.len(), 4);
        assert!(warnings.iter().all(|w| w.contains("is missing")), "{warnings:?}");
    }

    #[test]
    fn minors_are_read_and_unknown_keys_left_out() {
        let run =
            r#"{"case":"a","clients":1,"verdict":"suspect","delivery":{"count":3},"ledger":{},"new":1}"#;
        let text = format!(r#"{{"schema":"pushbench/summary/1.4","verdict":"suspect","runs":[{run}]}}"#);
        let (results, _) = read_with(&text).unwrap();
        assert_eq!(results.summary.runs[0].delivery.count, 3);
        assert_eq!(results.summary.runs[0].target_cost, None);
    }

    #[test]
    fn another_schema_is_refused_with_both_names() {
        for schema in ["pushbench/summary/2", "pushbench/summary/10", "k6"] {
            let error =
                read_with(&format!(r#"{{"schema":"{schema}","verdict":"valid","runs":[]}}"#)).unwrap_err();
            let told = error.to_string();
            assert!(told.contains(schema) && told.contains("pushbench/summary/1\""), "{told}");
        }
    }

    #[test]
    fn a_run_without_a_verdict_is_not_taken_for_valid() {
        let run = r#"{"case":"a","clients":1,"delivery":{},"ledger":{}}"#;
        let text = format!(r#"{{"schema":"pushbench/summary/1","verdict":"valid","runs":[{run}]}}"#);
        let error = read_with(&text).unwrap_err().to_string();
        assert!(error.contains("run 0 has no \"verdict\""), "{error}");
        assert!(read_with("{").unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn no_folder_and_no_results_say_what_would_do() {
        let error = Results::read(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(matches!(error, ResultError::Missing { .. }), "{error}");
        let dir = tempfile::tempdir().unwrap();
        let error = Results::read(dir.path()).unwrap_err();
        assert!(matches!(error, ResultError::NoSummary { .. }), "{error}");
    }
}
