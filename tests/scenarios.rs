//! Every shipped scenario is good; every broken one is told all its errors, word for word.

use pushbench::model::Nanos;
use pushbench::scenario::{self, Overrides, Quick};
use std::path::{Path, PathBuf};
use std::process::Command;

fn files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(&root).expect("the folder is there");
    let mut files: Vec<_> = entries.map(|e| e.expect("readable").path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "toml"));
    files.sort();
    assert!(!files.is_empty(), "no scenario in {folder}");
    files
}

fn check(args: &[&Path]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushbench"));
    command.arg("check").args(args).output().expect("pushbench starts")
}

#[test]
fn shipped_scenarios_are_good_and_ask_a_question() {
    for file in files("scenarios") {
        let text = std::fs::read_to_string(&file).expect("readable");
        assert!(text.starts_with("#:schema ../scenario.schema.json\n"), "{}", file.display());
        let plan = scenario::load(&file, &Overrides::default()).unwrap_or_else(|e| panic!("{e}"));
        assert!(plan.title.ends_with('?'), "{}: a scenario asks a question", file.display());
        assert_eq!(plan.path.as_deref(), Some(file.as_path()));
        // NATS and mosquitto answer no HTTP request with a good status: nothing can be asked of them.
        let mute = |note: &&String| note.starts_with("`target.start` without `target.ready`");
        let notes: Vec<&String> = plan.notes.iter().filter(|n| !mute(n)).collect();
        assert!(notes.is_empty(), "{}: {notes:?}", file.display());
    }
}

#[test]
fn the_quickstart_takes_under_a_minute() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/quickstart.toml");
    let plan = scenario::load(&file, &Overrides::default()).expect("good");
    let total = plan.runs.iter().fold(Nanos::ZERO, |sum, run| sum + run.phases.total() + Nanos::SECOND);
    assert!(total < Nanos(55 * Nanos::SECOND.0), "{total}");
    assert_eq!(plan.runs.len(), 3);
}

#[test]
fn every_error_of_a_broken_scenario_is_told_at_once() {
    for file in files("tests/broken") {
        let text = std::fs::read_to_string(&file).expect("readable");
        let name = file.file_name().expect("a file").to_string_lossy().into_owned();
        let errors = scenario::parse(&name, &text, &Overrides::default()).expect_err(&name);
        insta::assert_snapshot!(name.trim_end_matches(".toml"), errors.to_string());
    }
}

#[test]
fn the_committed_schema_is_the_one_that_is_enforced() {
    let printed = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pushbench")).args(args).output().expect("starts");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let committed = include_str!("../scenario.schema.json");
    assert!(printed(&["schema"]) == committed, "renew it: cargo run -- schema > scenario.schema.json");
    let committed = include_str!("../preset.schema.json");
    assert!(
        printed(&["schema", "--preset"]) == committed,
        "renew it: cargo run -- schema --preset > preset.schema.json"
    );
}

#[test]
fn check_tells_by_its_exit_code() {
    let (good, broken) = (files("scenarios"), files("tests/broken"));
    let output = check(&good.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    // A line each, and notes below some.
    assert_eq!(told.lines().filter(|line| !line.starts_with(' ')).count(), good.len(), "{told}");
    assert!(told.contains("3 runs, 500 clients, about 48 s"), "{told}");

    let output = check(&[&good[0], &broken[0]]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("errors in") && !told.contains('\x1b'), "{told}");

    let output = check(&[Path::new("not/there.toml")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read not/there.toml"));
}

#[test]
fn the_quick_form_is_a_scenario() {
    let quick = Quick {
        transport: "websocket".into(),
        target: Some("ws://127.0.0.1:9000/ws/${channel}".into()),
        publish: Some("http://127.0.0.1:9001/pub/${channel}".into()),
        channels: Some(4),
        clients: Some(1000),
        duration: Some(Nanos(5 * Nanos::SECOND.0)),
        ..Quick::default()
    };
    let plan = scenario::quick(&quick).unwrap_or_else(|e| panic!("{e}"));
    let again =
        scenario::parse("saved", &plan.source, &Overrides::default()).expect("its source is a scenario");
    assert_eq!(again.to_json(), plan.to_json());
    let run = &plan.runs[0];
    assert_eq!((run.clients, run.channels.len(), run.phases.measure.0), (1000, 4, 5_000_000_000));
    let feed = run.publish.as_ref().expect("it publishes");
    assert_eq!(feed.base().map(|b| b.port), Some(9001));
}

#[test]
fn a_fault_that_the_server_cannot_play_is_told_with_its_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("fault.toml");
    let text = "title = \"Faults?\"\n[target]\nbundled = { fault = \"drop every 3\" }\n[load]\nclients = 1\n\
                [[case]]\nname = \"a\"\nwebsocket = { path = \"/ws/a\" }\nfault = \"restart at noon for 2s\"\n";
    std::fs::write(&file, text).expect("written");
    let output = check(&[&file]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("fault.toml:9: fault \"restart at noon for 2s\": "), "{told}");
    assert_eq!(told.trim().lines().count(), 1, "the other one is good: {told}");
}
