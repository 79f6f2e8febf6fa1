//! One row a run: every key of the summary, with dots between the levels.

use crate::result::{
    FanOut, Polling, ReadyStates, Receive, Receivers, RunResult, Spread, Summary, TargetCost,
};
use serde_json::Value;

pub(super) fn render(summary: &Summary) -> String {
    let runs: Vec<_> = summary.runs.iter().map(flat).collect();
    let columns = columns(&runs);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut put =
        |cells: Vec<&str>| writer.write_record(cells).expect("memory takes every record of one length");
    put(columns.iter().map(String::as_str).collect());
    for run in &runs {
        let cell = |c: &String| run.iter().find(|(k, _)| k == c).map_or("", |(_, v)| v.as_str());
        put(columns.iter().map(cell).collect());
    }
    let bytes = writer.into_inner().expect("memory is flushed without fail");
    String::from_utf8(bytes).expect("cells are text")
}

/// Keys of the schema in its order, whatever the runs lack, and among them those of the runs' own
/// maps (failures, close codes, swept values).
fn columns(runs: &[Vec<(String, String)>]) -> Vec<String> {
    let whole = RunResult {
        target_cost: Some(TargetCost::default()),
        ready_states: Some(ReadyStates::default()),
        receivers: Some(Receivers::default()),
        receive: Some(Receive::default()),
        spread: Some(Spread::default()),
        fan_out: Some(FanOut::default()),
        polling: Some(Polling::default()),
        ..Default::default()
    };
    let absent = [
        "target_cost",
        "ready_states",
        "receivers",
        "receive",
        "spread",
        "fan_out",
        "polling",
        "target_metrics",
    ];
    let mut columns: Vec<String> = flat(&whole).into_iter().map(|(k, _)| k).collect();
    let top = |key: &str| key.split('.').next().unwrap_or_default().to_owned();
    let order: Vec<String> = match serde_json::to_value(&whole) {
        Ok(Value::Object(o)) => o.keys().cloned().collect(),
        _ => Vec::new(),
    };
    for (key, _) in runs.iter().flatten() {
        if !columns.contains(key) && !absent.contains(&key.as_str()) {
            columns.push(key.clone());
        }
    }
    columns.sort_by_key(|c| order.iter().position(|t| *t == top(c)));
    columns
}

fn flat(run: &RunResult) -> Vec<(String, String)> {
    let mut cells = Vec::new();
    let json = serde_json::to_value(run).expect("a run is plain values with text keys");
    walk("", &json, &mut cells);
    cells
}

fn walk(path: &str, value: &Value, cells: &mut Vec<(String, String)>) {
    let cell = match value {
        Value::Object(keys) => {
            let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
            return keys.iter().for_each(|(k, v)| walk(&format!("{prefix}{k}"), v, cells));
        }
        Value::Array(texts) => texts.iter().map(text).collect::<Vec<_>>().join("; "),
        one => text(one),
    };
    cells.push((path.to_owned(), cell));
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}
