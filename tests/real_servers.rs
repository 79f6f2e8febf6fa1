//! Against servers that people run: nginx with nchan (Debian packages) and npm `ws`. `.ci/run test`
//! installs both; without them these tests fail, they are never skipped.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::disallowed_methods, reason = "tests of the whole program are outside of its clock")]

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use support::{Ran, assert_all_delivered, assert_books_close, number, pushbench, ran, root, run};

/// nginx listens on a fixed port: one test at a time.
static NGINX: Mutex<()> = Mutex::new(());

fn nginx_alone() -> MutexGuard<'static, ()> {
    NGINX.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn nchan_delivers_everything_over_all_three_transports() {
    let _alone = nginx_alone();
    let dir = tempfile::tempdir().unwrap();
    let ran = run(&dir.path().join("r"), &["scenarios/nchan.toml", "--duration", "4s"]);
    ran.assert_good_or_busy();
    let transports: Vec<&str> = ran.runs().iter().map(|r| r["transport"].as_str().unwrap()).collect();
    for transport in ["poll", "long_poll", "websocket"] {
        assert!(transports.contains(&transport), "{transport} is in {transports:?}");
    }
    for run in ran.runs() {
        assert_all_delivered(run);
        assert_books_close(run);
        let cost = &run["target_cost"];
        // nginx is a master with workers: all of them are the target.
        assert!(cost["processes"].as_u64().unwrap() >= 2, "{cost:#}");
        assert!(cost["cpu_s"].as_f64().unwrap() > 0.0);
    }
}

/// nchan tells lines of `key: value`.
const NCHAN_STATUS: &str = r#"
title = "What does nchan count?"
[target]
base = "http://127.0.0.1:18080"
start = "exec START"
ready = "/ok"
[publish]
http = { post = "/pub/${channel}", status = [200, 201, 202] }
channels = 4
rate = "10/s"
[load]
clients = 40
connect = "500ms"
warmup = "1s"
measure = "3s"
[[case]]
name = "websocket"
websocket = { path = "/ws/${channel}" }
[[metrics]]
url = "/nchan_status"
format = "text"
series = [
  { name = "published", key = "total published messages", kind = "counter", is = "published" },
  { name = "subscribers", key = "subscribers", kind = "gauge", is = "subscribers" },
  { name = "shared_memory", key = "shared memory used", kind = "gauge", unit = "bytes" },
]
"#;

#[test]
fn nchans_own_count_is_ours() {
    let _alone = nginx_alone();
    let dir = tempfile::tempdir().unwrap();
    let start = root().join("tests/targets/nchan/start.sh");
    let text = NCHAN_STATUS.replace("START", start.to_str().unwrap());
    let scenario = dir.path().join("nchan.toml");
    std::fs::write(&scenario, text).unwrap();
    let ran = run(&dir.path().join("r"), &[scenario.to_str().unwrap(), "--no-charts"]);
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    assert_all_delivered(run);
    let metrics = &run["target_metrics"];
    assert_eq!(metrics["warnings"], serde_json::json!([]));
    let reconciled = metrics["reconciled"].as_array().unwrap();
    assert!(reconciled.len() == 2 && reconciled.iter().all(|r| r["agrees"] == true), "{metrics:#}");
    assert_eq!(reconciled[1]["ours"], 40);
    assert!(metrics["series"][2]["max"].as_f64() > Some(4096.0), "{metrics:#}");
}

#[test]
fn npm_ws_delivers_everything() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(&dir.path().join("r"), &["scenarios/node-ws.toml", "--duration", "4s"]);
    ran.assert_good_or_busy();
    for run in ran.runs() {
        assert_all_delivered(run);
        assert_books_close(run);
        assert_eq!(
            number(run, "/bytes/framing"),
            2 * number(run, "/bytes/messages"),
            "a frame header has 2 bytes"
        );
    }
}

#[test]
fn npm_ws_compresses_and_delivers_everything() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(&dir.path().join("r"), &["scenarios/node-ws-deflate.toml", "--duration", "4s"]);
    ran.assert_good_or_busy();
    let saved = |run: &serde_json::Value| number(run, "/bytes/saved");
    let [plain, deflate, alone] = ran.runs() else { panic!("three runs") };
    for run in [plain, deflate, alone] {
        assert_all_delivered(run);
        assert_books_close(run);
    }
    assert_eq!(saved(plain), 0);
    assert!(saved(alone) > 0, "{:#}", alone["bytes"]);
    // With the window of the messages before, more is saved a byte of payload.
    let share = |run| saved(run) as f64 / number(run, "/bytes/payload") as f64;
    assert!(share(deflate) > share(alone), "{} {}", share(deflate), share(alone));
}

/// A process of the test's own, ended with it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn nginx() -> Server {
    let script = root().join("tests/targets/nchan/start.sh");
    let mut command = Command::new("sh");
    let child = command.arg(&script).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let server = Server(child);
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect("127.0.0.1:18080").is_err() {
        assert!(
            Instant::now() < deadline,
            "nginx did not start: are nginx-light and libnginx-mod-nchan installed?"
        );
        thread::sleep(Duration::from_millis(20));
    }
    server
}

/// What went through a connection: towards the target, and back.
type Recording = Arc<Mutex<(Vec<u8>, Vec<u8>)>>;

/// A plain relay to nginx that writes down every byte of the connections that poll.
fn recorder() -> (u16, Recording) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let recording = Recording::default();
    let kept = Arc::clone(&recording);
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let target = TcpStream::connect("127.0.0.1:18080").unwrap();
            relay(client.try_clone().unwrap(), target.try_clone().unwrap(), Arc::clone(&kept), true);
            relay(target, client, Arc::clone(&kept), false);
        }
    });
    (port, recording)
}

fn relay(mut from: TcpStream, mut to: TcpStream, kept: Recording, outward: bool) {
    thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut chunk) {
            {
                let mut kept = kept.lock().unwrap();
                let side = if outward { &mut kept.0 } else { &mut kept.1 };
                side.extend_from_slice(&chunk[..n]);
            }
            if to.write_all(&chunk[..n]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// Splits recorded bytes at the ends of heads; every exchange of this test has no body.
fn heads(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.split_inclusive("\r\n\r\n").map(str::to_owned).collect()
}

#[test]
fn the_header_bytes_of_a_poll_are_those_that_a_recording_of_the_exchange_holds() {
    let _alone = nginx_alone();
    let _nginx = nginx();
    let (port, recording) = recorder();
    let dir = tempfile::tempdir().unwrap();
    let target = format!("http://127.0.0.1:{port}/poll/headerbytes");
    let args = [
        "--transport",
        "poll",
        "--every",
        "100ms",
        "--target",
        &target,
        "--clients",
        "1",
        "--duration",
        "2s",
        "--no-charts",
    ];
    let ran = run(&dir.path().join("r"), &args);
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    let recorded = recording.lock().unwrap();
    let is_poll = |h: &&String| h.starts_with("GET /poll/");
    let requests: Vec<String> = heads(&recorded.0).iter().filter(is_poll).cloned().collect();
    let answers: Vec<String> =
        heads(&recorded.1).iter().filter(|h| h.starts_with("HTTP/1.1 304")).cloned().collect();
    let one = (requests[1].len() + answers[1].len()) as u64;
    // Nothing is published, so that every exchange is the same, to the byte.
    assert!(requests[1..].iter().all(|r| r.len() == requests[1].len()), "{requests:#?}");
    assert!(answers[1..].iter().all(|a| a.len() == answers[1].len()), "{answers:#?}");
    let headers = number(run, "/bytes/headers");
    assert_eq!(
        headers % one,
        0,
        "{headers} bytes are no whole number of exchanges of {one}: {requests:?} {answers:?}"
    );
    let counted = headers / one;
    let sent = number(run, "/polls/sent");
    assert!(counted.abs_diff(sent) <= 1, "{counted} exchanges counted, {sent} polls sent");
    assert_eq!(
        number(run, "/bytes/wire_in") + number(run, "/bytes/wire_out"),
        headers,
        "no body, no framing"
    );
    assert_eq!(number(run, "/bytes/wire_out") % requests[1].len() as u64, 0);
    assert_books_close(run);
}

/// The answer of nginx to a plain request.
fn asked(path: &str) -> String {
    let mut stream = TcpStream::connect("127.0.0.1:18080").unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A number of nchan's own account.
fn nchan(key: &str) -> u64 {
    let status = asked("/nchan_status");
    let line = status.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {key} in {status}")).trim().parse().unwrap()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Asks the nginx master that this script started to reload, as `nginx -s reload` does.
fn reload(server: &Server) {
    let script = server.0.id();
    let children = std::fs::read_to_string(format!("/proc/{script}/task/{script}/children")).unwrap();
    let master = children.split_whitespace().next().expect("the script has a child");
    assert!(Command::new("kill").args(["-HUP", master]).status().unwrap().success());
}

/// One population over two transports; other carriers that nchan has are a group more.
const ROLLING: &str = r#"
[[case.group]]
name = "sockets"
weight = 3
websocket = { path = "/ws/${channel}" }
reconnect = { policy = "exponential", interval = "300ms", max = "2s", decay = 2, jitter = 0.5 }
[[case.group]]
name = "long polls"
long_poll = { get = "/lp/${channel}" }
reconnect = { policy = "fixed", interval = "100ms" }
"#;

/// What is played: these groups, 80 messages a second on four channels.
const RELOADED: &str = r#"
title = "Does everybody survive a rolling restart?"
[target]
base = "http://127.0.0.1:18080"
[publish]
http = { post = "/pub/${channel}", status = [200, 201, 202] }
channels = 4
rate = "20/s"
[load]
clients = 40
connect = "500ms"
warmup = "1s"
measure = "7s"
[[case]]
name = "rolling restart"
"#;

/// Plays these groups with 80 messages a second on four channels, and reloads nginx two seconds into the feed:
/// `measure` has begun by then.
fn through_a_reload(dir: &Path, groups: &str) -> (Ran, PathBuf) {
    let _alone = nginx_alone();
    let nginx = nginx();
    let (scenario, out) = (dir.join("rolling.toml"), dir.join("r"));
    std::fs::write(&scenario, [RELOADED, groups].concat()).unwrap();
    let args = ["run", scenario.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let before = nchan("total published messages");
    let running = pushbench(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the feed", || nchan("total published messages") >= before + 160);
    reload(&nginx);
    (ran(&out, running.wait_with_output().unwrap()), out)
}

#[test]
fn every_client_comes_back_from_a_reload_and_the_gap_is_counted_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let (ran, out) = through_a_reload(dir.path(), ROLLING);
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    assert_books_close(run);
    let reasons = run["reasons"].to_string();
    for fault in ["does not close", "not come back", "gave up"] {
        assert!(!reasons.contains(fault), "{reasons}");
    }
    // Every socket was closed with the code of an endpoint that goes away, and came back.
    assert_eq!(run["closes"], serde_json::json!({"1001": 30}), "{run:#}");
    assert_eq!(run["close_details"][0]["clean"], true);
    // Of long polls, a request that fails after a good answer ends the session, and the next good answer is
    // the way back: none fails where nginx answers all that it holds before it goes.
    let back = number(run, "/reconnects/count");
    assert!((30..=40).contains(&back), "{}", run["reconnects"]);
    assert_eq!(number(run, "/reconnects/gave_up"), 0);
    assert!(number(run, "/reconnects/max_ns") >= 150_000_000, "no pause is shorter than the policy has it");
    // Every message of every client has its place in the account.
    let ledger = |key: &str| number(run, &format!("/ledger/{key}"));
    let owed = number(run, "/published") * 40 / 4;
    assert_eq!(ledger("expected") + ledger("missed") + ledger("replayed") + ledger("unattached"), owed);
    assert_eq!(ledger("expected"), ledger("delivered") + ledger("lost"), "{:#}", run["ledger"]);
    // All were there before and after: only what was due between asking for the next session and knowing
    // that it stands belongs to none.
    assert!(ledger("unattached") <= 2 * 40, "{:#}", run["ledger"]);
    assert!(ledger("missed") > 0, "the sockets have no cursor: what was published meanwhile is gone");
    assert_eq!(number(run, "/delivery/count"), ledger("delivered") + ledger("unacknowledged"));
    let groups = run["groups"].as_array().unwrap();
    let clients: Vec<u64> = groups.iter().map(|g| number(g, "/clients")).collect();
    assert_eq!(clients, [30, 10]);
    for key in ["expected", "delivered", "lost", "missed", "replayed"] {
        let sum: u64 = groups.iter().map(|g| number(g, &format!("/ledger/{key}"))).sum();
        assert_eq!(sum, ledger(key), "{key} of the groups");
    }
    // nchan forgets across a reload what a long poll's cursor stands for: it says "Missed message" itself.
    let gap = number(&groups[1], "/ledger/missed") + number(&groups[1], "/ledger/replayed");
    assert!(gap <= 10 * 20, "less than a second: {:#}", groups[1]);
    let states = &run["ready_states"];
    assert!(
        states["open_s"].as_f64().unwrap() > 5.0 && states["closed_s"].as_f64().unwrap() > 0.1,
        "{states}"
    );
    let intervals = std::fs::read_to_string(out.join("intervals.csv")).unwrap();
    assert_eq!(column(&intervals, "sessions_lost"), back);
    assert!(column(&intervals, "attempts") >= 70, "{intervals}");
    assert!(out.join("charts/herd.png").exists(), "the herd is drawn");
    assert!(ran.stdout.contains(&format!("{back} times back")), "{}", ran.stdout);
}

/// The other kinds of nchan that are held open.
const ROLLING_STREAMS: &str = r#"
[[case.group]]
name = "sse"
preset = "nchan.sse"
reconnect = { policy = "fixed", interval = "500ms" }
[[case.group]]
name = "chunked"
preset = "nchan.chunked"
reconnect = { policy = "fixed", interval = "500ms" }
[[case.group]]
name = "multipart"
preset = "nchan.multipart"
reconnect = { policy = "fixed", interval = "500ms" }
[[case.group]]
name = "raw"
preset = "nchan.raw"
reconnect = { policy = "fixed", interval = "500ms" }
"#;

/// Streams that nginx ends in due form are opened again at once, others come back under the policy. How
/// much is lost is nchan's doing (a subscriber that comes at the wrong instant of a reload may be given
/// nothing any more): it is told, and each message has its place in the account.
#[test]
fn streams_come_back_from_a_reload_and_every_message_has_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let (ran, out) = through_a_reload(dir.path(), ROLLING_STREAMS);
    let run = &ran.runs()[0];
    assert_books_close(run);
    let reasons = run["reasons"].to_string();
    for fault in ["does not close", "not come back", "gave up"] {
        assert!(!reasons.contains(fault), "{reasons}");
    }
    let reconnects = |key: &str| number(run, &format!("/reconnects/{key}"));
    assert!(reconnects("count") + reconnects("reopened") >= 40, "{}", run["reconnects"]);
    let ledger = |key: &str| number(run, &format!("/ledger/{key}"));
    let owed = number(run, "/published") * 40 / 4;
    assert_eq!(ledger("expected") + ledger("missed") + ledger("replayed") + ledger("unattached"), owed);
    assert_eq!(ledger("expected"), ledger("delivered") + ledger("lost"), "{:#}", run["ledger"]);
    let intervals = std::fs::read_to_string(out.join("intervals.csv")).unwrap();
    let attached = intervals.lines().next().unwrap().split(',').position(|c| c == "attached").unwrap();
    let last = intervals.lines().last().unwrap().split(',').nth(attached);
    assert_eq!(last, Some("40"), "all are attached in the end");
    for group in run["groups"].as_array().unwrap() {
        assert!(number(group, "/ledger/delivered") > 0, "{group:#}");
    }
}

/// The sum of a column.
fn column(csv: &str, name: &str) -> u64 {
    let mut lines = csv.lines();
    let at = lines.next().unwrap().split(',').position(|c| c == name).unwrap();
    lines.map(|l| l.split(',').nth(at).unwrap().parse::<u64>().unwrap()).sum()
}
