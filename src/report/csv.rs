//! One row a run: every key of the summary, with dots between the levels. Of ladders alone, one row a step.

use crate::result::{
    FanOut, LadderResult, Polling, ReadyStates, Receive, Receivers, RunResult, Spread, Summary, TargetCost,
};
use serde_json::Value;

pub(super) fn render(summary: &Summary) -> String {
    if summary.runs.is_empty() && !summary.ladders.is_empty() {
        return steps(&summary.ladders);
    }
    let runs: Vec<_> = summary.runs.iter().map(flat).collect();
    written(&columns(&runs), &runs)
}

/// Each step with the names of its ladder.
fn steps(ladders: &[LadderResult]) -> String {
    let mut rows = Vec::new();
    for ladder in ladders {
        for step in &ladder.steps {
            let repeat = ladder.repeat.to_string();
            let names = [("case", &ladder.case), ("transport", &ladder.transport), ("repeat", &repeat)];
            let mut cells: Vec<(String, String)> =
                names.into_iter().map(|(key, name)| (key.to_owned(), name.clone())).collect();
            walk("", &serde_json::to_value(step).expect("a step is plain values"), &mut cells);
            rows.push(cells);
        }
    }
    let columns: Vec<String> = rows.first().into_iter().flatten().map(|(key, _)| key.clone()).collect();
    written(&columns, &rows)
}

fn written(columns: &[String], runs: &[Vec<(String, String)>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut put =
        |cells: Vec<&str>| writer.write_record(cells).expect("memory takes every record of one length");
    put(columns.iter().map(String::as_str).collect());
    for run in runs {
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
