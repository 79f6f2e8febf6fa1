//! The shipped presets against the servers they are for, through the whole program: a short run of
//! each scenario that names a preset, every kind of it. `.ci/run dialects` runs them in full.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::disallowed_methods, reason = "tests of the whole program are outside of its clock")]

mod support;

use pushbench::scenario::{self, Overrides, PRESETS};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use support::{Ran, assert_all_delivered, assert_books_close, number, pushbench, root, run};

/// A scenario whose kinds are proven, and how many cases it has. Each server has a port of its own, so
/// that they run beside one another.
const PROVEN: &[(&str, usize)] = &[
    ("nchan-all", 8),
    ("socketio", 2),
    ("sockjs", 5),
    ("faye", 2),
    ("graphql-ws", 1),
    ("nats", 1),
    ("mqtt", 2),
    ("http-push", 6),
];

fn short(name: &str) {
    let (_, cases) = PROVEN.iter().find(|(n, _)| *n == name).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = format!("scenarios/{name}.toml");
    let ran = run(&dir.path().join("r"), &[&file, "--clients", "20", "--duration", "3s", "--no-charts"]);
    ran.assert_good_or_busy();
    assert_eq!(ran.runs().len(), *cases, "{name}");
    ran.runs().iter().for_each(|run| assert_nothing_lost(run, &ran));
}

/// Everything that was published while its client was subscribed reached it, once, and nothing failed.
fn assert_nothing_lost(run: &Value, ran: &Ran) {
    let case = &run["case"];
    let ledger = &run["ledger"];
    let told = || format!("{case}: {ledger:#} {:#}\n{}", run["failures"], ran.stderr);
    for none in ["lost", "duplicate", "unattached", "in_flight"] {
        assert_eq!(number(run, &format!("/ledger/{none}")), 0, "{none}: {}", told());
    }
    assert_all_delivered(run);
    assert_eq!(run["failures"].as_object().map(|f| f.len()), Some(0), "{}", told());
    assert_books_close(run);
}

#[test]
fn nchan_delivers_everything_to_all_its_kinds() {
    short("nchan-all");
}

#[test]
fn socketio_delivers_everything_over_websocket_and_polling() {
    short("socketio");
}

#[test]
fn sockjs_delivers_everything_over_all_five_transports() {
    short("sockjs");
}

#[test]
fn faye_delivers_everything_over_long_polling_and_websocket() {
    short("faye");
}

#[test]
fn graphql_ws_delivers_everything() {
    short("graphql-ws");
}

#[test]
fn nats_delivers_everything() {
    short("nats");
}

#[test]
fn mosquitto_delivers_everything_with_and_without_acknowledgements() {
    short("mqtt");
}

#[test]
fn hand_written_streams_and_polls_deliver_everything() {
    short("http-push");
}

#[test]
fn every_proven_kind_is_in_a_scenario_and_no_other_kind_says_that_it_is_proven() {
    let mut named = BTreeSet::new();
    for (name, _) in PROVEN {
        let text = std::fs::read_to_string(root().join(format!("scenarios/{name}.toml"))).unwrap();
        let kinds = text.lines().filter_map(|l| l.strip_prefix("preset = \"")?.strip_suffix('"'));
        named.extend(kinds.map(str::to_owned));
    }
    let mut proven = BTreeSet::new();
    for (name, text) in PRESETS {
        let info = scenario::check_preset(&format!("scenarios/presets/{name}.toml"), text).unwrap();
        if matches!(info.proof, scenario::Proof::Proven(_)) {
            proven.extend(info.kinds.iter().map(|(kind, _)| format!("{name}.{kind}")));
        }
    }
    assert_eq!(named, proven);
}

#[test]
fn every_preset_says_what_a_lost_resume_is_and_how_to_publish() {
    for (name, text) in PRESETS {
        let comments: String = text.lines().filter(|l| l.starts_with('#')).collect();
        assert!(comments.contains("Resume failed:"), "{name}");
        assert!(comments.contains("Publish"), "{name}");
    }
}

/// A server of the test's own, ended with it.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server of `tests/targets/node`, once it answers.
fn node(name: &str) -> Server {
    node_with(name, &[])
}

/// The same, with more of an environment.
fn node_with(name: &str, env: &[(&str, &str)]) -> Server {
    let port = free_port();
    let mut command = Command::new("sh");
    command.arg(root().join("tests/targets/node/start.sh")).arg(name).env("PORT", port.to_string());
    command.envs(env.iter().copied());
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let server = Server { child, port };
    let deadline = Instant::now() + Duration::from_secs(120);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "{name} did not start: are the npm packages installed?");
        thread::sleep(Duration::from_millis(20));
    }
    server
}

/// What the server itself says that it handed out: `/account`.
fn account(server: &Server) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.write_all(b"GET /account HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Scenario text for a server that is there already.
fn scenario_for(server: &Server, publish: &str, case: &str) -> String {
    format!(
        "title = \"t?\"\n[target]\nbase = \"http://127.0.0.1:{}\"\n[publish]\n{publish}\n\
         [load]\nclients = 21\nconnect = \"500 ms\"\nwarmup = \"0s\"\nmeasure = \"3s\"\n[[case]]\nname = \"c\"\n{case}\n",
        server.port
    )
}

#[test]
fn what_a_long_poll_without_a_cursor_loses_is_what_the_server_never_handed_out() {
    let server = node("httppush");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("s.toml");
    // Messages that come in bursts fall between two polls.
    let publish =
        "http = { post = \"/pub/${channel}\" }\nchannels = 3\nrate = \"100/s\"\narrivals = \"poisson\"";
    let case = "long_poll = { get = \"/lp/${channel}\", cursor = \"none\", empty = [204] }";
    std::fs::write(&file, scenario_for(&server, publish, case)).unwrap();
    let ran = run(&dir.path().join("r"), &[file.to_str().unwrap(), "--no-charts"]);
    assert!(ran.code != 2, "{}", ran.stderr);
    let run = &ran.runs()[0];
    let account = account(&server);
    let sum =
        |key: &str| account.as_object().unwrap().values().map(|c| c[key].as_u64().unwrap()).sum::<u64>();
    let (published, handed) = (sum("published"), sum("handed"));
    let ledger = |key: &str| number(run, &format!("/ledger/{key}"));
    let owed = published * 21 / 3;
    assert_eq!(number(run, "/published"), published, "{run:#}");
    // What was due while a client was still settling is owed to nobody; it may have come all the same.
    assert_eq!(ledger("expected") + ledger("unattached"), owed, "{run:#}");
    assert_eq!(ledger("delivered") + ledger("early"), handed, "{run:#}");
    assert_eq!(ledger("duplicate"), 0, "{run:#}");
    let lost = ledger("lost");
    assert_eq!(lost + ledger("unattached") - ledger("early"), owed - handed, "{run:#}");
    assert!(lost > 0, "nothing fell between two polls: this test proves nothing");
}

#[test]
fn an_answer_of_sockjs_that_reaches_its_limit_is_opened_again_and_that_is_no_failure() {
    let server = node_with("sockjs", &[("LIMIT", "2000")]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("s.toml");
    let publish = "http = { post = \"/pub/${channel}\", status = [202] }\nchannels = 3\nrate = \"30/s\"";
    let cases = "preset = \"sockjs.xhr_streaming\"\n[[case]]\nname = \"e\"\npreset = \"sockjs.eventsource\"";
    std::fs::write(&file, scenario_for(&server, publish, cases)).unwrap();
    let ran = run(&dir.path().join("r"), &[file.to_str().unwrap(), "--no-charts"]);
    ran.assert_good_or_busy();
    assert_eq!(ran.runs().len(), 2);
    for run in ran.runs() {
        let of = |key: &str| number(run, key);
        let case = &run["case"];
        // Some 20 messages an answer, 90 in all.
        assert!(of("/reconnects/reopened") >= 2 * 21, "{case}: {}", run["reconnects"]);
        assert_eq!(run["failures"].as_object().map(|f| f.len()), Some(0), "{case}: {}", run["failures"]);
        for none in ["lost", "missed", "duplicate", "in_flight"] {
            assert_eq!(of(&format!("/ledger/{none}")), 0, "{case}, {none}: {:#}", run["ledger"]);
        }
        // What came while an answer began again counts by itself; all of it came.
        let came = of("/ledger/delivered") + of("/ledger/replayed") + of("/ledger/early");
        assert_eq!(came, of("/published") * 7, "{case}: {:#}", run["ledger"]);
        assert_books_close(run);
    }
}

#[test]
fn shipped_scenarios_that_name_presets_plan_all_their_cases() {
    for (name, cases) in PROVEN {
        let file = root().join(format!("scenarios/{name}.toml"));
        let plan = scenario::load(&file, &Overrides::default()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(plan.runs.len(), *cases, "{name}");
        for run in &plan.runs {
            let channels = run.channels.len();
            assert_eq!((run.clients, run.clients as usize % channels), (200, 0), "{name}");
            // Ten lie beyond the 99th percentile of 1,000 publishes: fewer would not show it.
            let rate = run.publish.as_ref().map_or(0.0, |p| p.rate_per_s);
            let publishes = rate * channels as f64 * run.phases.measure.as_secs_f64();
            assert!(publishes >= 1_000.0, "{name}: {publishes} publishes");
        }
    }
}

/// The scenario that `docs/add-a-dialect.md` comes to when it is followed to the letter.
fn followed(server: &Server) -> String {
    let page = std::fs::read_to_string(root().join("docs/add-a-dialect.md")).unwrap();
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).map(|b| b.split("```").next().unwrap()).collect();
    let [empty, join, ready, more, keepalive, pong, ..] = blocks.as_slice() else { panic!("{page}") };
    let (ready, joined) = ready.split_at(ready.find("[[case.rule]]").unwrap());
    let text = [*empty, join, ready, keepalive, pong, joined, more].join("\n");
    let text = text.replace("\"30 s\"", "\"500 ms\"");
    text.replace("127.0.0.1:18106", &format!("127.0.0.1:{}", server.port))
}

#[test]
fn the_page_on_adding_a_dialect_holds_when_it_is_followed() {
    let server = node("phoenix");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("my-phoenix.toml");
    let tried = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let output = pushbench(&["try", file.to_str().unwrap(), "--for", "2s"]).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let text = followed(&server);
    let (code, told) = tried(&text);
    assert_eq!(code, Some(0), "{told}\n{text}");
    assert!(told.contains("-> pong") && told.contains("-> ready") && told.contains("2 delivered"), "{told}");
    let (code, told) = tried(&text.replace("\"room:${channel}\"", "\"lobby\""));
    assert_eq!(code, Some(1));
    assert!(told.contains("the channel refused the join"), "{told}");
}

#[test]
fn try_tells_what_it_saw_and_judges() {
    let server = node("ws");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("s.toml");
    let publish = "http = { post = \"/pub/${channel}\" }\nrate = \"100/s\"";
    std::fs::write(&file, scenario_for(&server, publish, "websocket = { path = \"/ws?ch=${channel}\" }"))
        .unwrap();
    let output = pushbench(&["try", file.to_str().unwrap(), "--for", "2s"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    for part in [
        "> head",
        "GET /ws?ch=",
        "< head",
        "101 Switching Protocols",
        "< text",
        "message 0",
        "2 published, 2 delivered",
    ] {
        assert!(told.contains(part), "{part:?} in\n{told}");
    }
    // A path that nobody serves: no subscription, and the exit code says so.
    std::fs::write(
        &file,
        scenario_for(&server, publish, "websocket = { path = \"/nowhere?ch=${channel}\" }"),
    )
    .unwrap();
    let output = pushbench(&["try", file.to_str().unwrap(), "--for", "1s"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("400 Bad Request") && told.contains("status_4xx"), "{told}");
}
