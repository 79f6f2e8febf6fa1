//! Against servers that people run: nginx with nchan (Debian packages) and npm `ws`. `.ci/run test`
//! installs both; without them these tests fail, they are never skipped.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::disallowed_methods, reason = "tests of the whole program are outside of its clock")]

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use support::{assert_all_delivered, assert_books_close, number, root, run};

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
