//! Ladders of idle connections, as a user runs them against the bundled server.

use super::support::{Ran, pushbench, ran};
use serde_json::Value;
use std::path::Path;

/// Short, and large enough that what the kernel counts late of resident pages (some hundred KB) is no matter.
const SCENARIO: &str = r#"
title = "What does an idle connection cost?"
[load]
clients = 2000
connect = "2s"
measure = "1s"
warmup = "0s"
[cost]
ladder = [500, 1000, 1500, 2000]
hold = "1s"
[[case]]
name = "plain"
websocket = { path = "/ws/${channel}" }
[[case]]
name = "heavy"
websocket = { path = "/ws/${channel}" }
fault = "memory 10KiB"
"#;

fn priced(command: &str, dir: &Path, more: &[&str]) -> Ran {
    let (file, out) = (dir.join("cost.toml"), dir.join("r"));
    std::fs::write(&file, SCENARIO).unwrap();
    let args = [&[command, file.to_str().unwrap(), "--out", out.to_str().unwrap()], more].concat();
    let done = ran(&out, pushbench(&args).output().unwrap());
    done.assert_good_or_busy();
    done
}

fn slope(cost: &Value, key: &str) -> (f64, f64, f64) {
    let of = |end: &str| cost[key][end].as_f64().unwrap_or_else(|| panic!("no {key} in {cost:#}"));
    (of("value"), of("low"), of("high"))
}

/// Method, rule 20: 10 KiB a connection are found within 5 %.
#[test]
fn memory_of_a_connection_is_the_slope_over_the_steps() {
    let dir = tempfile::tempdir().unwrap();
    let done = priced("cost", dir.path(), &[]);
    let (runs, ladders) = (&done.summary["runs"], done.summary["ladders"].as_array().unwrap());
    assert_eq!((runs.as_array().map(Vec::len), ladders.len()), (Some(0), 2), "{:#}", done.summary);
    for ladder in ladders {
        let steps = ladder["steps"].as_array().unwrap();
        let clients: Vec<_> = steps.iter().map(|s| s["clients"].as_u64().unwrap()).collect();
        assert_eq!(clients, [500, 1000, 1500, 2000], "{ladder:#}");
        if ladder["verdict"] == "invalid" {
            continue;
        }
        assert!(steps.iter().all(|s| s["cpu_us_per_s"].is_number()), "{ladder:#}");
        // One descriptor a connection, but for what the server opens for a moment.
        let (value, low, high) = slope(ladder, "descriptors_per_connection");
        assert!((value - 1.0).abs() < 0.05 && low <= value && value <= high, "{ladder:#}");
    }
    // Of each ladder by itself: one that a busy machine made invalid is in no common slope.
    let costs = &done.summary["ladders"];
    // Other tests run the same program meanwhile, and with each that starts or ends PSS shares its pages out
    // anew: resident bytes are those of the server alone.
    let user = |i: usize| slope(&costs[i], "rss_bytes_per_connection");
    let ((plain, ..), (heavy, low, high)) = (user(0), user(1));
    let gained = heavy - plain;
    assert!((gained / 10_240.0 - 1.0).abs() < 0.05, "10 KiB more are {gained} B more: {costs:#}");
    // Steps that lie exactly in a line have an interval of no width, and resident pages are told late.
    assert!(low <= heavy && heavy <= high && high - low < heavy && plain > 200.0, "{costs:#}");
    assert!(slope(&costs[1], "user_bytes_per_connection").0 > 5_000.0, "{costs:#}");
    // Where the kernel's part can be told at all, a socket and a descriptor cost some KiB: both ends of it
    // on a machine, one in a control group.
    if costs[0]["kernel_of"] != "" {
        let (kernel, ..) = slope(&costs[0], "kernel_bytes_per_connection");
        assert!((500.0..20_000.0).contains(&kernel), "{costs:#}");
    }
    assert!(
        done.stdout.contains("What an idle connection costs") && done.stdout.contains("heavy"),
        "{}",
        done.stdout
    );
    assert!(dir.path().join("r/charts/bytes-per-connection.svg").exists());
    again(&dir.path().join("r"));
}

/// A folder of ladders alone is reported and drawn again.
fn again(folder: &Path) {
    let folder = folder.to_str().unwrap();
    for format in ["text", "markdown", "html", "junit", "csv", "json"] {
        let output = pushbench(&["report", folder, "--format", format]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && told.contains("heavy"), "{format}: {told}");
    }
    let output = pushbench(&["plot", folder]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && told.contains("idle-connections.png"), "{told}");
}

#[test]
fn a_run_climbs_the_ladders_of_its_scenario_after_its_runs() {
    let dir = tempfile::tempdir().unwrap();
    let done = priced("run", dir.path(), &["--case", "plain", "--no-charts"]);
    assert_eq!((done.runs().len(), done.summary["ladders"].as_array().map(Vec::len)), (1, Some(1)));
    assert!(
        done.stderr.contains("1 run, 2000 clients, then 1 cost ladder of 500, 1000, 1500, 2000 idle clients"),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr.contains("run 2/2: plain, cost ladder of 500, 1000, 1500, 2000 idle clients"),
        "{}",
        done.stderr
    );
    assert_eq!(done.summary["partial"], false);
}

#[test]
fn more_steps_than_descriptors_are_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("cost.toml"), dir.path().join("r"));
    std::fs::write(&file, SCENARIO).unwrap();
    let limited = format!(
        "ulimit -n 300; exec '{}' cost '{}' --out '{}'",
        env!("CARGO_BIN_EXE_pushbench"),
        file.display(),
        out.display()
    );
    let output = std::process::Command::new("sh").args(["-c", &limited]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("descriptors: found 300"), "{told}");
    assert!(!out.exists(), "a ladder that never began leaves nothing");
}
