//! The accounts of a run against those that a separate checker derives from its events.

use crate::support::{Ran, number, run};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// One group beside another, so that their accounts are held apart, too.
const MIXED: &str = r#"
[[case]]
name = "mixed"
[[case.group]]
name = "pushed"
websocket = { path = "/ws/${channel}" }
[[case.group]]
name = "held"
long_poll = { get = "/lp/${channel}" }
"#;

const LATEST: &str = r#"
[[case]]
name = "latest"
poll = { get = "/latest/${channel}", every = "150ms", endpoint = "latest" }
"#;

fn cases(names: &[&str], more: &str) -> String {
    let of = |name: &&str| match *name {
        "poll" => r#"poll = { get = "/poll/${channel}", every = "150ms" }"#,
        "long poll" => r#"long_poll = { get = "/lp/${channel}" }"#,
        "sse" => r#"sse = { get = "/sse/${channel}" }"#,
        _ => r#"websocket = { path = "/ws/${channel}" }"#,
    };
    names.iter().map(|n| format!("[[case]]\nname = \"{n}\"\n{}\n{more}\n", of(n))).collect()
}

/// Plays these cases and writes their events.
fn played(dir: &Path, target: &str, load: &str, cases: &str) -> (PathBuf, Ran) {
    let scenario = dir.join("scenario.toml");
    let text = format!(
        "title = \"events\"\nseed = 5\n{target}\n[publish]\nhttp = {{ post = \"/pub/${{channel}}\" }}\n\
         channels = 2\nrate = \"40/s\"\npayload = \"64 B\"\n[load]\nclients = 6\nconnect = \"300ms\"\n\
         warmup = \"300ms\"\ndrain = \"1500ms\"\n{load}\n{cases}"
    );
    fs::write(&scenario, text).unwrap();
    let out = dir.join("r");
    let ran = run(&out, &[scenario.to_str().unwrap(), "--trace-events", "--no-charts", "--quiet"]);
    ran.assert_good_or_busy();
    (out, ran)
}

fn checked(folder: &Path) -> Output {
    let script = crate::support::root().join("tests/witness/events.py");
    Command::new("python3").arg(script).arg(folder).output().expect("this test needs python3")
}

fn assert_agrees(folder: &Path, runs: usize) {
    let output = checked(folder);
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}\n{errors}");
    assert_eq!(told.matches("received copies").count(), runs, "every run was checked:\n{told}");
}

fn sum(runs: &[Value], key: &str) -> u64 {
    runs.iter().map(|run| number(run, &format!("/ledger/{key}"))).sum()
}

const ALL: [&str; 4] = ["poll", "long poll", "sse", "websocket"];

#[test]
fn a_separate_checker_agrees_on_clean_runs_and_notices_a_missing_line() {
    let dir = tempfile::tempdir().unwrap();
    let (out, ran) = played(dir.path(), "", "measure = \"1s\"", &(cases(&ALL, "") + LATEST));
    assert_agrees(&out, 5);
    assert!(sum(ran.runs(), "delivered") > 0 && sum(ran.runs(), "conflated") > 0);
    for run in ran.runs() {
        assert_ne!(run["verdict"], "valid", "writing events disturbs");
        assert!(run["notes"].to_string().contains("events were written"), "{}", run["notes"]);
    }
    let file = out.join("events/run-3-worker-0.tsv");
    let whole = fs::read_to_string(&file).unwrap();
    // Nothing is published after `measure`: the last that came was due in it, if not its only copy.
    let last = whole.lines().rfind(|line| line.starts_with("recv\t")).unwrap();
    fs::write(&file, whole.replacen(&format!("{last}\n"), "", 1)).unwrap();
    let told = checked(&out);
    let text = String::from_utf8_lossy(&told.stdout);
    assert_eq!(told.status.code(), Some(1), "{text}");
    let differs = |line: &str| line.trim_start().starts_with("delivered ") && line.ends_with("DIFFERS");
    assert_eq!(text.lines().filter(|line| differs(line)).count(), 1, "{text}");
    fs::write(&file, whole.trim_end().rsplit_once('\n').unwrap().0).unwrap();
    let told = checked(&out);
    assert_eq!(told.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&told.stdout).contains("ends without its end"));
}

#[test]
fn a_separate_checker_agrees_on_lost_doubled_swapped_and_late_messages() {
    let dir = tempfile::tempdir().unwrap();
    let target = "[target]\nbundled = { fault = [\"drop every 7\", \"duplicate every 5\", \
                  \"swap every 4\", \"withhold every 11\"] }";
    let (out, ran) = played(dir.path(), target, "measure = \"1500ms\"", &(cases(&ALL, "") + MIXED));
    assert_agrees(&out, 5);
    for run in ran.runs() {
        for key in ["lost", "duplicate", "reordered"] {
            assert!(number(run, &format!("/ledger/{key}")) > 0, "{key}: {:#}", run["ledger"]);
        }
    }
    assert_eq!(ran.runs()[4]["groups"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_separate_checker_agrees_on_clients_that_come_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let target = "[target]\nbundled = { fault = \"restart at 1300ms for 300ms\" }";
    let back = "reconnect = { policy = \"fixed\", interval = \"150ms\" }";
    let (out, ran) = played(dir.path(), target, "measure = \"1800ms\"", &cases(&ALL, back));
    assert_agrees(&out, 4);
    let runs = ran.runs();
    assert!(runs.iter().all(|run| number(run, "/publish_failed") > 0), "the restart was in measure");
}

/// Those that are away for a while, and those that are followed by others.
#[test]
fn a_separate_checker_agrees_on_clients_that_come_and_go() {
    for (life, between) in [("stay = \"400ms\"\naway = \"150ms\"", true), ("stay = \"400ms\"", false)] {
        let dir = tempfile::tempdir().unwrap();
        let load = "measure = \"1500ms\"\nworkers = 2";
        let (out, ran) = played(dir.path(), "", load, &cases(&ALL, life));
        assert_agrees(&out, 4);
        let away = sum(ran.runs(), "missed") + sum(ran.runs(), "replayed");
        assert_eq!(away > 0, between, "{life}");
    }
}
