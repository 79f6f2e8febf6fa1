//! `pushbench report` as a process: what it prints where, and its exit codes.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn fixture() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/results-1")
}

fn report() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushbench"));
    command.arg("report");
    command
}

fn told(out: &Output) -> (Option<i32>, String, String) {
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

#[test]
fn every_format_prints_the_cases_and_no_colour_into_a_pipe() {
    for format in ["text", "markdown", "csv", "html", "junit", "json"] {
        let out = report().arg(fixture()).args(["--format", format]).output().unwrap();
        let (code, stdout, stderr) = told(&out);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{format}");
        assert!(["polling, 1 s", "long polling", "websocket"].iter().all(|c| stdout.contains(c)), "{format}");
        assert!(stdout.contains("suspect") && !stdout.contains('\x1b'), "{format}");
    }
}

#[test]
fn into_a_file_it_prints_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.html");
    let out = report().arg(fixture()).args(["--format", "html", "-o"]).arg(&file).output().unwrap();
    assert_eq!(told(&out), (Some(0), String::new(), String::new()));
    assert!(std::fs::read_to_string(file).unwrap().starts_with("<!DOCTYPE html>"));
}

#[test]
fn a_folder_that_is_not_there_is_a_usage_error_that_says_what_would_do() {
    let dir = tempfile::tempdir().unwrap();
    for (given, what) in
        [(dir.path().join("nowhere"), "does not exist"), (dir.path().into(), "no summary.json")]
    {
        let (code, stdout, stderr) = told(&report().arg(&given).output().unwrap());
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        assert!(stderr.contains(what) && stderr.contains(given.to_str().unwrap()), "{stderr}");
        assert!(stderr.contains("pushbench run"), "{stderr}");
        // `plot` says the same.
        let mut plot = Command::new(env!("CARGO_BIN_EXE_pushbench"));
        let plotted = told(&plot.arg("plot").arg(&given).output().unwrap());
        assert_eq!(plotted, (code, stdout, stderr));
    }
}

#[test]
fn what_cannot_be_read_or_written_fails() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("summary.json"), r#"{"schema":"pushbench/summary/2"}"#).unwrap();
    let (code, _, stderr) = told(&report().arg(dir.path()).output().unwrap());
    assert_eq!(code, Some(1));
    assert!(stderr.contains("pushbench/summary/2"), "{stderr}");
    let out = report().arg(fixture()).arg("-o").arg(dir.path().join("no/such/folder")).output().unwrap();
    let (code, _, stderr) = told(&out);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("cannot write") && stderr.contains("because"), "{stderr}");
}

#[test]
fn what_is_missing_beside_the_summary_is_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(fixture().join("summary.json"), dir.path().join("summary.json")).unwrap();
    let (code, stdout, stderr) = told(&report().arg(dir.path()).output().unwrap());
    assert_eq!(code, Some(0));
    assert!(stdout.contains("websocket"));
    assert!(stderr.contains("warning: ") && stderr.contains("latency.hlog is missing"), "{stderr}");
}

#[test]
fn a_broken_pipe_ends_quietly() {
    let mut child = report().arg(fixture()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_price_table_prices_a_stored_folder_and_a_wrong_one_is_refused() {
    let priced = |table: &str| told(&report().arg(fixture()).args(["--price", table]).output().unwrap());
    let (code, stdout, stderr) =
        priced("instance_hour=0.17,cores=4,memory=16 GiB,egress_gb=0.09,currency=EUR");
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let text = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("0.170 EUR an hour for an instance of 4 cores and 16.0 GiB, used to 70 %"),
        "{text}"
    );
    assert_eq!(text.matches(" EUR for 1,000 clients and hour").count(), 2, "{text}");
    assert!(
        text.contains("polling, 1 s: no price: the objectives were missed with the fewest clients"),
        "{text}"
    );
    let (code, stdout, stderr) = priced("cores=4");
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.starts_with("error: --price instance_hour: want "), "{stderr}");
}
