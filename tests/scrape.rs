//! What the target counts itself, read beside a run; and every way in which that can go wrong.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use support::{Ran, assert_all_delivered, assert_books_close, number, run};

const SCENARIO: &str = r#"
title = "What does the target count?"
[publish]
http = { post = "/pub/${channel}" }
channels = 2
rate = "20/s"
[load]
clients = 10
connect = "500ms"
warmup = "1s"
measure = "3s"
drain = "1s"
[[case]]
name = "websocket"
websocket = { path = "/ws/${channel}" }
"#;

/// Plays the scenario with these pages.
fn played(dir: &Path, metrics: &str, more: &[&str]) -> Ran {
    let scenario = dir.join("metrics.toml");
    std::fs::write(&scenario, [SCENARIO, metrics].concat()).unwrap();
    let ran = run(&dir.join("r"), &[&[scenario.to_str().unwrap()], more].concat());
    ran.assert_good_or_busy();
    ran
}

fn series<'a>(run: &'a Value, name: &str) -> &'a Value {
    let all = run["target_metrics"]["series"].as_array().unwrap_or_else(|| panic!("no metrics in {run:#}"));
    all.iter().find(|s| s["name"] == name).unwrap_or_else(|| panic!("no {name} in {all:#?}"))
}

fn gain<'a>(run: &'a Value, name: &str, phase: &str) -> &'a Value {
    let gains = series(run, name)["gains"].as_array().unwrap();
    gains.iter().find(|g| g["phase"] == phase).unwrap_or_else(|| panic!("no {phase} in {gains:#?}"))
}

fn beside<'a>(run: &'a Value, name: &str) -> &'a Value {
    let all = run["target_metrics"]["reconciled"].as_array().unwrap();
    all.iter().find(|r| r["name"] == name).unwrap()
}

const STATS: &str = r#"
[[metrics]]
url = "/stats"
format = "json"
series = [
  { name = "published", pointer = "/published", kind = "counter", is = "published", unit = "messages" },
  { name = "sent", pointer = ["/delivered/websocket", "/delivered/poll"], kind = "counter", is = "delivered", unit = "messages" },
  { name = "subscribers", pointer = "/subscribers/websocket", kind = "gauge", is = "subscribers" },
]
"#;

#[test]
fn the_bundled_servers_own_counts_are_ours() {
    let dir = tempfile::tempdir().unwrap();
    let ran = played(dir.path(), STATS, &[]);
    let run = &ran.runs()[0];
    assert_all_delivered(run);
    assert_books_close(run);
    for name in ["published", "sent", "subscribers"] {
        let beside = beside(run, name);
        assert_eq!(beside["agrees"], true, "{beside:#}");
        assert_eq!(beside["difference"], 0.0, "{beside:#}");
    }
    assert_eq!(beside(run, "subscribers")["ours"], 10);
    assert_eq!(series(run, "subscribers")["idle"], 0.0);
    assert_eq!(series(run, "subscribers")["max"], 10.0);
    // Phases follow each other without a hole: their gains are the run's.
    let of = |phase| gain(run, "sent", phase)["gain"].as_f64().unwrap();
    assert_eq!(of("connect") + of("warmup") + of("measure") + of("drain"), of("run"));
    assert_eq!(of("run"), beside(run, "sent")["ours"].as_f64().unwrap());
    assert_eq!(run["target_metrics"]["warnings"], serde_json::json!([]));
    let source = &run["target_metrics"]["sources"][0];
    assert!(source["scrapes"].as_u64() >= Some(8) && source["failed"] == 0, "{source:#}");
    let csv = std::fs::read_to_string(dir.path().join("r/metrics.csv")).unwrap();
    assert!(
        csv.starts_with("run,case,clients,repeat,at_s,took_s,phase,name,kind,unit,value,schema\n"),
        "{csv}"
    );
    assert_eq!(csv.lines().count() as u64, 1 + 3 * source["scrapes"].as_u64().unwrap());
    assert!(dir.path().join("r/charts/target-metrics.svg").exists());
    assert!(ran.stdout.contains("Counted by the target itself"), "{}", ran.stdout);
}

/// A page that answers with what `body` makes of the number of the request; `None`: it never answers.
fn page(body: impl Fn(u64) -> Option<Vec<u8>> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let asked = AtomicU64::new(0);
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let Some(body) = body(asked.fetch_add(1, Ordering::Relaxed)) else {
                held.push(stream);
                continue;
            };
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
            // It may be given up half way.
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    format!("http://{address}/metrics")
}

fn prometheus(url: &str, name: &str, metric: &str) -> String {
    format!(
        "[[metrics]]\nurl = \"{url}\"\nformat = \"prometheus\"\ntimeout = \"500ms\"\nseries = [{{ name = \"{name}\", \
         metric = \"{metric}\", kind = \"counter\" }}]\n"
    )
}

#[test]
fn what_cannot_be_read_is_a_warning_with_its_reason_and_the_run_goes_on() {
    let pages = [
        prometheus(&page(|_| None), "held", "a_total"),
        prometheus(&page(|_| Some(vec![b'#'; 10 << 20])), "long", "a_total"),
        prometheus(
            &page(|n| Some(format!("a_total {}\n", 100 + n % 3 * 10).into_bytes())),
            "back",
            "a_total",
        ),
        prometheus(&page(|n| Some(format!("a_total {}\n", 5 * n).into_bytes())), "other", "b_total"),
        prometheus(&page(|n| Some(format!("a_total {}\n", 5 * n).into_bytes())), "good", "a_total"),
        prometheus("/nope", "missing", "a_total"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let ran = played(dir.path(), &pages.concat(), &["--no-charts"]);
    let run = &ran.runs()[0];
    assert_all_delivered(run);
    assert_books_close(run);
    let warnings = run["target_metrics"]["warnings"].to_string();
    for told in [
        "no whole answer within 500 ms",
        "the answer is longer than 4194304 bytes",
        "back: the counter went back",
        "no value of other: there is no metric",
        "the answer was status 404",
    ] {
        assert!(warnings.contains(told), "{told:?} is not in {warnings}");
        assert!(ran.stdout.contains(&told[..20]), "{told:?} is not in {}", ran.stdout);
    }
    for name in ["held", "long", "other", "missing"] {
        let gain = gain(run, name, "measure");
        assert!(gain["gain"].is_null() && gain["reason"].is_string(), "{name}: {gain:#}");
        assert_eq!(number(series(run, name), "/samples"), 0);
    }
    let back = gain(run, "back", "run");
    assert!(back["gain"].is_null() && back["gain_at_least"].as_f64() > Some(0.0), "{back:#}");
    assert!(number(series(run, "back"), "/restarts") >= 1);
    assert!(gain(run, "good", "measure")["gain"].as_f64() >= Some(10.0));
    let held = &run["target_metrics"]["sources"][0];
    assert_eq!(held["failed"], held["scrapes"]);
}
