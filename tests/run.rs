//! `pushbench run` as a user runs it: the bundled server, bad targets, signals.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::disallowed_methods, reason = "tests of the whole program are outside of its clock")]

#[path = "support/accept.rs"]
mod accept;
#[path = "witness/agreement.rs"]
mod agreement;
#[path = "run/cost.rs"]
mod cost;
mod support;

use accept::{head, upgraded};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::{assert_all_delivered, assert_books_close, number, pushbench, ran, run};

#[test]
fn the_quickstart_delivers_everything_over_each_transport() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("r");
    let ran = run(&out, &["scenarios/quickstart.toml", "--clients", "100", "--duration", "3s"]);
    ran.assert_good_or_busy();
    let transports: Vec<&str> = ran.runs().iter().map(|r| r["transport"].as_str().unwrap()).collect();
    assert_eq!(transports, ["poll", "long_poll", "websocket"]);
    for run in ran.runs() {
        assert_all_delivered(run);
        assert_books_close(run);
        assert_eq!(number(run, "/failures_by_side/harness"), 0);
        assert!(run["target_cost"]["cpu_s"].as_f64().unwrap() > 0.0);
        // The same feed for all: due times come from the seed alone.
        assert_eq!(run["published"], ran.runs()[0]["published"]);
    }
    // And a fresh server for each: none pays for what another run left behind.
    let servers: BTreeSet<String> =
        ran.runs().iter().map(|r| r["target_cost"]["found"].to_string()).collect();
    assert_eq!(servers.len(), 3, "{servers:?}");
    let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("paid, co-located with the generator; they are not costs of a transport"),
        "{told}"
    );
    let websocket = &ran.runs()[2];
    // 2 bytes of frame header for each message of up to 125 bytes, and no HTTP header at all.
    assert_eq!(number(websocket, "/bytes/framing"), 2 * number(websocket, "/bytes/messages"));
    assert_eq!(number(websocket, "/bytes/headers"), 0);
    for file in ["summary.json", "manifest.json", "intervals.csv", "cost.csv", "latency.hlog", "report.html"]
    {
        assert!(out.join(file).metadata().unwrap().len() > 0, "{file}");
    }
    let charts = std::fs::read_dir(out.join("charts")).unwrap().count();
    assert!(charts >= 8, "four charts as SVG and PNG, not {charts} files");
    for case in ["polling", "long polling", "websocket"] {
        assert!(ran.stdout.contains(case), "{case} is in the table:\n{}", ran.stdout);
    }
    assert!(ran.stdout.contains("Selftest never for this build"), "{}", ran.stdout);
    let manifest: Value = serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["selftest"]["words"], "never for this build");
}

/// One part of the selftest as a user runs it: T7 takes seconds, and a busy machine widens its own bound.
#[test]
fn a_part_of_the_selftest_shows_each_check_and_is_not_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let memory = dir.path().join("selftest.json");
    let mut command = pushbench(&["selftest", "--short", "--json", "--quiet", "--only", "t7"]);
    let output = command.env("PUSHBENCH_SELFTEST_FILE", &memory).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["schema"], &told["depth"]), (&"pushbench/selftest/1".into(), &"short".into()));
    assert_eq!(told["build_sha256"].as_str().map(str::len), Some(64));
    let part = &told["parts"][0];
    assert_eq!((part["key"].as_str(), part["attempts"].as_array().map(Vec::len)), (Some("T7"), Some(1)));
    for check in part["attempts"][0]["checks"].as_array().unwrap() {
        for key in ["what", "injected", "measured", "bound"] {
            assert!(!check[key].as_str().unwrap().is_empty(), "{check:#}");
        }
    }
    assert!(!memory.exists(), "one part is no selftest");
    let unknown = pushbench(&["selftest", "--only", "T11"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no part \"T11\"; there are T1, T2,"));
}

/// Method, rule 6: latency of polls with random phase is uniform over the period.
#[test]
fn polling_delivery_time_is_uniform_over_the_period() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = dir.path().join("uniform.toml");
    let text = r#"
title = "Is polling's delivery time uniform over its period?"
[publish]
http = { post = "/pub/${channel}" }
channels = 5
rate = "4/s"
arrivals = "poisson"
[load]
clients = 200
measure = "15s"
[[case]]
name = "poll"
poll = { get = "/poll/${channel}", every = "1s" }
"#;
    std::fs::write(&scenario, text).unwrap();
    let out = dir.path().join("r");
    let ran = run(&out, &[scenario.to_str().unwrap(), "--no-charts"]);
    ran.assert_good_or_busy();
    assert_all_delivered(&ran.runs()[0]);
    // Without `warmup` measuring begins when the run is steady, at a whole second, and is as long as asked.
    let steady = &ran.runs()[0]["steady"];
    let warm_up_s = steady["warmup_s"].as_f64().unwrap();
    assert!(steady["auto"] == true && (8.0..=30.0).contains(&warm_up_s), "{steady}");
    assert_eq!((warm_up_s.fract(), &ran.runs()[0]["measured_s"]), (0.0, &Value::from(15.0)));
    let (results, _) = pushbench::result::Results::read(&out).unwrap();
    let mut times = pushbench::record::Timing::empty_histogram();
    results.details[0].latency.iter().for_each(|i| times.add(&i.delivery).unwrap());
    let n = times.len() as f64;
    assert!(n >= 10_000.0, "{n} samples");
    let floor = number(&ran.runs()[0], "/delivery/min_ns") as f64;
    let mut seen = 0.0;
    let mut distance: f64 = 0.0;
    for step in times.iter_recorded() {
        let below = seen / n;
        seen += step.count_at_value() as f64;
        // A bucket's samples lie within 0.1 % of its value: compare with its middle.
        let wanted = ((step.value_iterated_to() as f64 * 0.9995 - floor) / 1e9).clamp(0.0, 1.0);
        distance = distance.max((below - wanted).abs().min((seen / n - wanted).abs()));
    }
    let bound = 1.95 / n.sqrt();
    assert!(distance < bound, "KS distance {distance:.4} of {n} samples, bound {bound:.4}");
}

#[test]
fn a_latest_value_endpoint_conflates_and_repeats_but_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = dir.path().join("latest.toml");
    let text = r#"
title = "Latest value"
[publish]
http = { post = "/pub/${channel}" }
rate = "20/s"
[load]
clients = 10
connect = "200ms"
warmup = "500ms"
measure = "2s"
[[case]]
name = "slow"
poll = { get = "/latest/${channel}", every = "500ms", endpoint = "latest", cursor = "none" }
[[case]]
name = "fast"
poll = { get = "/latest/${channel}", every = "20ms", endpoint = "latest", cursor = "none" }
"#;
    std::fs::write(&scenario, text).unwrap();
    let ran = run(&dir.path().join("r"), &[scenario.to_str().unwrap(), "--no-charts"]);
    ran.assert_good_or_busy();
    let [slow, fast] = ran.runs() else { panic!("two runs") };
    for run in [slow, fast] {
        let of = |key: &str| number(run, &format!("/ledger/{key}"));
        assert_eq!(of("expected"), of("delivered") + of("lost") + of("conflated"));
        assert_eq!((of("lost"), of("duplicate")), (0, 0));
        assert_books_close(run);
    }
    // Asked twice a second for 20 values a second: most are overwritten. Asked fifty times: most are old.
    assert!(number(slow, "/ledger/conflated") > number(slow, "/ledger/delivered"));
    assert!(number(fast, "/ledger/redundant") > number(fast, "/ledger/delivered"));
}

#[test]
fn a_quick_run_without_a_publisher_says_what_it_did_not_measure() {
    let dir = tempfile::tempdir().unwrap();
    let server = pushbench::server::start_on_thread(pushbench::server::Config::default()).unwrap();
    let target = format!("ws://{}/ws/news", server.address);
    let out = dir.path().join("r");
    let args = ["--transport", "websocket", "--target", &target, "--clients", "20", "--duration", "1s"];
    let ran = run(&out, &args);
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    assert_eq!(number(run, "/operations/session/open"), 20);
    assert_eq!(run["delivery"]["p50_ns"], Value::Null);
    assert!(ran.stderr.contains("--publish"), "{}", ran.stderr);
}

/// Begins a run of one case of the quickstart with 60 s to measure.
fn begin_long_run(out: &Path, case: &str, more: &[&str]) -> Child {
    let args =
        ["run", "scenarios/quickstart.toml", "--clients", "100", "--case", case, "--no-charts", "--out"];
    let mut command = pushbench(&[&args[..], &[out.to_str().unwrap()], more].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([name, &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn an_interrupt_keeps_what_was_measured() {
    let dir = tempfile::tempdir().unwrap();
    let runs: Vec<_> = ["polling, 1 s", "long polling", "websocket"]
        .into_iter()
        .map(|case| {
            let out = dir.path().join(case);
            thread::spawn(move || {
                let child = begin_long_run(&out, case, &["--duration", "60s"]);
                // Connect 1 s and warm-up 2 s have passed, and measuring has begun.
                thread::sleep(Duration::from_secs(6));
                signal(child.id(), "-INT");
                let ended = Instant::now();
                let ran = ran(&out, child.wait_with_output().unwrap());
                assert!(ended.elapsed() < Duration::from_secs(12), "{case}");
                ran
            })
        })
        .collect();
    for run in runs {
        let ran = run.join().unwrap();
        assert_eq!(ran.code, 130, "{}", ran.stderr);
        assert_eq!(ran.summary["partial"], true);
        let run = &ran.runs()[0];
        assert_eq!(run["partial"], true);
        assert_ne!(run["verdict"], "valid");
        let measured = run["measured_s"].as_f64().unwrap();
        assert!((0.5..20.0).contains(&measured), "{measured}");
        assert_eq!(number(run, "/ledger/lost"), 0, "{run:#}");
        assert!(number(run, "/ledger/delivered") > 0);
        assert!(!run["reasons"].to_string().contains("fault of pushbench"), "{}", run["reasons"]);
        assert_books_close(run);
    }
}

/// Method, rule 2 and F5: a server frozen for S of D seconds of a constant rate shows in the share
/// of messages that the schedule put into the freeze: L(q) = S - (1 - q) D.
#[test]
fn a_frozen_target_is_in_the_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("r");
    let child = begin_long_run(&out, "websocket", &["--duration", "5s"]);
    thread::sleep(Duration::from_millis(4_500));
    let children = Command::new("pgrep").args(["-P", &child.id().to_string()]).output().unwrap();
    let server: u32 = String::from_utf8(children.stdout).unwrap().trim().parse().unwrap();
    signal(server, "-STOP");
    let frozen = Instant::now();
    thread::sleep(Duration::from_millis(1_500));
    signal(server, "-CONT");
    let freeze = frozen.elapsed().as_secs_f64();
    let ran = ran(&out, child.wait_with_output().unwrap());
    let run = &ran.runs()[0];
    assert_all_delivered(run);
    let wanted = freeze - 0.1 * 5.0;
    let p90 = number(run, "/delivery/p90_ns") as f64 / 1e9;
    assert!((p90 / wanted - 1.0).abs() < 0.15, "p90 {p90:.3} s, {wanted:.3} s by F5");
}

#[test]
fn what_cannot_be_written_or_reached_is_said_before_the_load() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a-file");
    std::fs::write(&file, "x").unwrap();
    let begun = Instant::now();
    let refused = run(&file.join("r"), &["scenarios/quickstart.toml"]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("a-file"), "{}", refused.stderr);
    assert!(begun.elapsed() < Duration::from_secs(5));

    let far = run(
        &dir.path().join("far"),
        &["--transport", "poll", "--target", "http://192.0.2.1/x", "--duration", "1s"],
    );
    assert_eq!(far.code, 12, "{}", far.stderr);
    assert!(far.stderr.contains("allow"), "{}", far.stderr);

    let many = run(&dir.path().join("many"), &["scenarios/quickstart.toml", "--clients", "1000000"]);
    assert_eq!(many.code, 2, "{}", many.stderr);
    assert!(many.stderr.contains("15000") || many.stderr.contains("15,000"), "{}", many.stderr);
}

/// A target that does `bad` to every second connection and holds the others open in good order.
fn half_bad(bad: fn(&mut TcpStream, &str)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let count = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), count) = (stream, Arc::clone(&count)) else { return };
            thread::spawn(move || {
                let Some(head) = head(&mut stream) else { return };
                // The readiness probe is a plain request for "/" and gets a plain answer.
                if head.starts_with("GET / ") {
                    let _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                } else if count.fetch_add(1, Ordering::Relaxed) % 2 == 0 {
                    bad(&mut stream, &head);
                } else {
                    let _ = stream.write_all(upgraded(&head).as_bytes());
                    // Held until the client goes.
                    let _ = stream.read(&mut [0; 16]);
                }
            });
        }
    });
    address
}

fn frames(stream: &mut TcpStream, head: &str, bytes: &[u8]) {
    let _ = stream.write_all(upgraded(head).as_bytes());
    let _ = stream.write_all(bytes);
}

/// What a bad target does, and the failure by which it must be counted.
type Bad = (&'static str, fn(&mut TcpStream, &str));

const BAD: &[Bad] = &[
    ("status_5xx", |s, _| {
        let _ = s.write_all(b"HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\nno");
    }),
    ("redirect", |s, _| {
        let _ = s.write_all(b"HTTP/1.1 301 Moved\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n");
    }),
    ("bad_http", |s, _| {
        let _ = s.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n");
    }),
    ("head_too_large", |s, _| {
        let _ = s.write_all(b"HTTP/1.1 101 Switching Protocols\r\nx: ");
        for _ in 0..10 {
            let _ = s.write_all(&vec![b'a'; 1 << 20]);
        }
    }),
    ("bad_accept", |s, _| {
        let _ = s.write_all(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
    }),
    ("bad_utf8", |s, head| frames(s, head, &[0x81, 2, 0xc3, 0x28])),
    ("closed_early", |s, head| frames(s, head, &[0x81, 100, b'x'])),
    ("bad_frame", |s, head| frames(s, head, &[0x83, 1, b'x'])),
    ("closed_by_peer", |s, head| frames(s, head, &[0x88, 2, 0x03, 0xe9])),
];

#[test]
fn each_kind_of_bad_target_is_counted_by_its_name_and_the_other_clients_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let tests: Vec<_> = BAD
        .iter()
        .map(|(failure, bad)| {
            let out = dir.path().join(failure);
            let target = format!("ws://{}/ws", half_bad(*bad));
            thread::spawn(move || {
                let args = [
                    "--transport",
                    "websocket",
                    "--target",
                    &target,
                    "--clients",
                    "10",
                    "--duration",
                    "1s",
                    "--no-charts",
                ];
                (*failure, run(&out, &args))
            })
        })
        .collect();
    for test in tests {
        let (failure, ran) = test.join().unwrap();
        ran.assert_good_or_busy();
        let run = &ran.runs()[0];
        assert_eq!(run["failures"][failure], 5, "{failure}: {:#}", run["failures"]);
        assert_eq!(number(run, "/operations/session/open"), 5, "{failure}: the others go on");
        assert_books_close(run);
        assert_ne!(run["verdict"], "valid", "{failure}: half of the clients are missing");
    }
}

#[test]
fn a_poll_target_that_is_bad_is_asked_again_and_each_answer_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || {
                while head(&mut stream).is_some() {
                    let answer =
                        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nx";
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let target = format!("http://{address}/poll");
    let args = [
        "--transport",
        "poll",
        "--every",
        "100ms",
        "--target",
        &target,
        "--clients",
        "5",
        "--duration",
        "1s",
        "--no-charts",
    ];
    let ran = run(&dir.path().join("r"), &args);
    let run = &ran.runs()[0];
    let failed = number(run, "/failures/bad_chunk");
    assert!(failed >= 5 * 8, "{:#}", run["failures"]);
    assert_eq!(failed, number(run, "/operations/poll/failed"));
    assert_books_close(run);
    assert!(number(run, "/generator/rss_bytes_max") < 200 << 20);
}

#[test]
fn nobody_there_is_said_at_once_and_a_target_that_dies_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let scenario = dir.path().join("dead.toml");
    let text = format!(
        "title = \"dead\"\n[target]\nbase = \"http://{free}\"\nready_timeout = \"300ms\"\n[load]\nclients = 3\n[[case]]\nname = \"ws\"\nwebsocket = {{ path = \"/ws\" }}\n"
    );
    std::fs::write(&scenario, text).unwrap();
    let ran = run(&dir.path().join("r"), &[scenario.to_str().unwrap()]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains(&free.to_string()), "{}", ran.stderr);
}

/// The target goes away and comes back: of pulling it is told as of pushing. Proxies of the environment,
/// where nobody listens, are not asked.
#[test]
fn an_outage_is_told_of_every_transport_and_no_proxy_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = dir.path().join("outage.toml");
    let text = r#"
title = "Who comes back?"
[target]
bundled = { fault = "restart at 2s for 300ms" }
[publish]
http = { post = "/pub/${channel}" }
rate = "20/s"
[load]
clients = 10
connect = "300ms"
warmup = "200ms"
measure = "3s"
drain = "1500ms"
[[case]]
name = "poll"
poll = { get = "/poll/${channel}", every = "100ms" }
[[case]]
name = "long poll"
long_poll = { get = "/lp/${channel}" }
reconnect = { policy = "fixed", interval = "50ms" }
[[case]]
name = "sse"
sse = { get = "/sse/${channel}" }
reconnect = { policy = "fixed", interval = "50ms" }
"#;
    std::fs::write(&scenario, text).unwrap();
    let out = dir.path().join("r");
    let args = ["run", scenario.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let mut command = pushbench(&args);
    for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(proxy, "http://127.0.0.1:1");
    }
    let ran = ran(&out, command.output().unwrap());
    assert_eq!(ran.runs().len(), 3, "{}", ran.stderr);
    for run in ran.runs() {
        assert_books_close(run);
        assert_eq!(number(run, "/reconnects/count"), 10, "{run}");
        assert!(number(run, "/reconnects/attempts") >= 10);
        assert_eq!(number(run, "/operations/session/failed"), 10);
        // What the target had acknowledged and took along is lost, and nothing else.
        assert_eq!(number(run, "/ledger/lost"), number(run, "/ledger/lost_at_disconnect"), "{run}");
        assert_eq!(number(run, "/ledger/duplicate"), 0, "{run}");
    }
}

/// Ten clients of each kind, five on each of two channels; the target is away from 1.5 s to 1.9 s.
fn restarted(target: &str) -> String {
    let group = |name: &str, how: &str| {
        let back = "reconnect = { policy = \"fixed\", interval = \"150ms\" }";
        format!("[[case.group]]\nname = \"{name}\"\n{how}\n{back}\n")
    };
    format!(
        "title = \"A restart\"\n[target]\n{target}\n\
         [publish]\nhttp = {{ post = \"/pub/${{channel}}\" }}\nchannels = 2\nrate = \"25/s\"\n\
         [load]\nclients = 40\nconnect = \"300ms\"\nwarmup = \"0s\"\nmeasure = \"4s\"\ndrain = \"2s\"\n\
         [[case]]\nname = \"mixed\"\n{}{}{}{}",
        group("websocket", "websocket = { path = \"/ws/${channel}\" }"),
        group("sse", "sse = { get = \"/sse/${channel}\" }"),
        group("chunked", "chunked = { get = \"/chunked/${channel}\" }"),
        group("long_poll", "long_poll = { get = \"/lp/${channel}\" }"),
    )
}

/// Plays it; every client came back, and the ledger of each group closes to the message. Groups by name,
/// with what each has: published to its clients, received, never received.
fn assert_all_came_back(target: &str) -> Vec<(String, [u64; 3])> {
    let dir = tempfile::tempdir().unwrap();
    let scenario = dir.path().join("restart.toml");
    std::fs::write(&scenario, restarted(target)).unwrap();
    let ran = run(&dir.path().join("r"), &[scenario.to_str().unwrap(), "--no-charts"]);
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    assert_books_close(run);
    assert!(number(run, "/failures/connect_refused") > 0, "the restart was noticed: {}", run["failures"]);
    // Each message is for the five clients of a group that are on its channel.
    let to_each_group = number(run, "/published") * 5;
    let groups = run["groups"].as_array().unwrap();
    let told = groups.iter().map(|group| {
        let name = group["name"].as_str().unwrap();
        let of = |key: &str| number(group, &format!("/ledger/{key}"));
        for none in ["lost", "in_flight", "conflated", "duplicate", "reordered", "redundant"] {
            assert_eq!(of(none), 0, "{name}, {none}: {group:#}");
        }
        assert_eq!(of("expected"), of("delivered"), "{name}");
        let closed = of("expected") + of("missed") + of("replayed") + of("unattached");
        assert_eq!(closed, to_each_group, "{name}: {group:#}");
        assert_eq!(number(group, "/reconnects/count"), 10, "{name}");
        assert_eq!(number(group, "/reconnects/gave_up"), 0, "{name}");
        if ["sse", "long_poll"].contains(&name) {
            assert_eq!(of("missed"), 0, "{name} has a cursor, and the history was kept");
        }
        // A message that was due before its client had attached may still have been given to it.
        let received = of("delivered") + of("replayed") + of("unacknowledged") + of("early");
        (name.to_owned(), [closed, received, of("missed") + of("unattached") - of("early")])
    });
    told.collect()
}

#[test]
fn every_client_comes_back_after_a_restart_of_the_bundled_server() {
    let groups = assert_all_came_back("bundled = { fault = \"restart at 1500ms for 400ms\" }");
    let names: Vec<&str> = groups.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["websocket", "sse", "chunked", "long_poll"]);
}

#[test]
fn missed_is_what_a_restarted_server_says_it_could_not_give() {
    let faults = vec!["restart at 1500ms for 400ms".parse().unwrap()];
    let config = pushbench::server::Config { faults, ..Default::default() };
    let server = pushbench::server::start_on_thread(config).unwrap();
    let groups = assert_all_came_back(&format!("base = \"http://{}\"", server.address));
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.write_all(b"GET /stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let stats: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(stats["restarts"], 1);
    for (name, [published, received, missed]) in groups {
        let given = stats["delivered"][&name].as_u64().unwrap();
        assert_eq!(given, received, "{name}: what was given was received");
        // What it took without having said so is in neither.
        let unsaid = stats["published"].as_u64().unwrap() * 5 - published;
        assert_eq!(published + unsaid - given, missed, "{name}: and the rest was missed");
    }
}
