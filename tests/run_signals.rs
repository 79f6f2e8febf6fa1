//! How `pushbench run` ends when it does not end well: signals, a later run that fails, a reader that
//! went away, a target that does nothing; and that each end has its exit code.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::disallowed_methods, reason = "tests of the whole program are outside of its clock")]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use support::{Ran, assert_all_delivered, assert_books_close, pushbench, ran, run};

fn signal(name: &str, pid: u32) {
    let sent = std::process::Command::new("kill").args([name, &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Polls until `there` gives something; fails after half a minute.
fn awaited<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match there() {
            Some(found) => return found,
            None if Instant::now() > deadline => panic!("waited for {what} in vain"),
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// A scenario in `dir` that starts `start` as its target at an address where nobody listens.
fn started_scenario(dir: &std::path::Path, start: &str, rest: &str) -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let start = start.replace("ADDRESS", &free.to_string());
    let text = format!(
        "title = \"started\"\n[target]\nbase = \"http://{free}\"\nstart = '''{start}'''\nready_timeout = \"60s\"\n{rest}"
    );
    let path = dir.join("started.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

const ONE_CASE: &str = "[load]\nclients = 3\n[[case]]\nname = \"ws\"\nwebsocket = { path = \"/ws/news\" }\n";

#[test]
fn a_second_interrupt_ends_at_once_and_leaves_no_target_behind() {
    let dir = tempfile::tempdir().unwrap();
    // Heeds no orderly end, but tells that it was asked for one: now is the time of the second signal.
    let start = "trap 'touch asked' TERM; echo $$ > pid.new; mv pid.new pid; while :; do sleep 0.1; done";
    let scenario = started_scenario(dir.path(), start, ONE_CASE);
    let out = dir.path().join("r");
    let mut command = pushbench(&["run", &scenario, "--out", out.to_str().unwrap()]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = awaited("the target", || std::fs::read_to_string(dir.path().join("pid")).ok());
    let ours = format!("pushbench-{}-*", child.id());
    signal("-INT", child.id());
    awaited("the orderly end", || dir.path().join("asked").exists().then_some(()));
    signal("-INT", child.id());
    let ran = ran(&out, child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    // A process that is over but not yet collected has an empty command line.
    let command_line = format!("/proc/{}/cmdline", pid.trim());
    awaited("the target's end", || {
        std::fs::read(&command_line).map_or(true, |text| text.is_empty()).then_some(())
    });
    // Nor the control group that it was put into, where the machine allows one.
    let left = Command::new("find").args(["/sys/fs/cgroup", "-name", &ours]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
}

#[test]
fn a_target_that_is_not_ready_is_told_at_once_and_can_be_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("r");
    let scenario = started_scenario(dir.path(), "exec sleep 300", ONE_CASE);
    let mut command = pushbench(&["run", &scenario, "--out", out.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("waiting for http://") {
        assert!(std::io::BufRead::read_line(&mut stderr, &mut told).unwrap() > 0, "{told}");
    }
    assert!(told.contains("up to 60"), "{told}");
    signal("-INT", child.id());
    stderr.read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{told}");
    assert!(told.contains("interrupted") && !told.contains("was not ready"), "{told}");
    assert!(!out.exists(), "nothing was measured, nothing is left");
}

#[test]
fn a_failure_in_a_later_run_publishes_the_earlier_ones() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("r");
    let server = env!("CARGO_BIN_EXE_pushbench");
    let start = format!(
        "test -e once && {{ echo no more >&2; exit 3; }}; touch once; exec {server} serve --listen ADDRESS"
    );
    let rest = "[publish]\nhttp = { post = \"/pub/${channel}\" }\nrate = \"20/s\"\n[load]\nclients = 4\nconnect = \"200ms\"\nwarmup = \"300ms\"\nmeasure = \"1s\"\n[[case]]\nname = \"first\"\nwebsocket = { path = \"/ws/${channel}\" }\n[[case]]\nname = \"second\"\npoll = { get = \"/poll/${channel}\", every = \"100ms\" }\n";
    let scenario = started_scenario(dir.path(), &start, rest);
    let ran = run(&out, &[&scenario]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("no more") && ran.stderr.contains("are kept in"), "{}", ran.stderr);
    let [first] = ran.runs() else { panic!("one run: {:#}", ran.summary) };
    assert_all_delivered(first);
    assert_books_close(first);
    assert_eq!(ran.summary["partial"], true, "more was planned");
    assert!(first["notes"].to_string().contains("target pinned to core"), "{:#}", first["notes"]);
    assert!(ran.stdout.contains("first"), "{}", ran.stdout);
    assert!(out.join("report.html").exists() && out.join("charts").exists());
}

/// Runs a small scenario with this objective, whose stdout nobody reads.
fn run_unread(objective: &str) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("r");
    let scenario = dir.path().join("unread.toml");
    let text = format!(
        "title = \"unread\"\n[slo]\ndelivery_p50 = \"{objective}\"\n[publish]\nhttp = {{ post = \"/pub/${{channel}}\" }}\nrate = \"300/s\"\n[load]\nclients = 4\nconnect = \"200ms\"\nwarmup = \"300ms\"\nmeasure = \"1s\"\n[[case]]\nname = \"ws\"\nwebsocket = {{ path = \"/ws/${{channel}}\" }}\n"
    );
    std::fs::write(&scenario, text).unwrap();
    let args = ["run", scenario.to_str().unwrap(), "--no-charts", "--out", out.to_str().unwrap()];
    let mut child = pushbench(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ran = ran(&out, child.wait_with_output().unwrap());
    assert!(out.join("report.html").exists(), "{}", ran.stderr);
    ran
}

#[test]
fn a_closed_stdout_does_not_change_the_exit_code() {
    run_unread("< 60s").assert_good_or_busy();
    let missed = run_unread("< 1us");
    // 11 when this machine was too busy to keep time.
    assert!([10, 11].contains(&missed.code), "{}: {}", missed.code, missed.stderr);
}

#[test]
fn a_chart_that_cannot_be_drawn_does_not_swallow_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("r");
    let args = ["run", "scenarios/quickstart.toml", "--case", "websocket", "--clients", "10"];
    let rest = ["--duration", "1s", "--out", out.to_str().unwrap()];
    let mut command = pushbench(&[&args[..], &rest].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A file where the folder is to be.
    awaited("the results folder", || std::fs::write(out.join("charts"), "x").ok());
    let ran = ran(&out, child.wait_with_output().unwrap());
    assert!([1, 11].contains(&ran.code), "{}: {}", ran.code, ran.stderr);
    assert!(ran.stderr.contains("failed to draw the charts"), "{}", ran.stderr);
    assert!(ran.stdout.contains("websocket"), "{}", ran.stdout);
}

/// Is ready, and refuses everything else that is asked of it.
fn refusing(mut stream: TcpStream) {
    let mut asked = [0; 4096];
    let ready = stream.read(&mut asked).is_ok_and(|n| asked[..n].starts_with(b"GET / "));
    let status = if ready { "200 OK" } else { "403 Forbidden" };
    let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

#[test]
fn a_target_that_delivers_nothing_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().flatten().for_each(refusing));
    let dir = tempfile::tempdir().unwrap();
    let (ws, publish) = (format!("ws://{address}/ws"), format!("http://{address}/pub"));
    let args = ["--transport", "websocket", "--target", &ws, "--publish", &publish, "--rate", "20/s"];
    let load = ["--clients", "4", "--duration", "1s", "--no-charts"];
    let ran = run(&dir.path().join("r"), &[&args[..], &load].concat());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing was delivered in"), "{}", ran.stderr);
    // It was there before us, on this machine.
    assert!(ran.runs()[0]["notes"].to_string().contains("was not pinned"), "{:#}", ran.runs()[0]["notes"]);
}
