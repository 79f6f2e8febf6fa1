//! `pushbench probe`: what it tells, to whom, and what a run makes of it.

use crate::python::until;
use crate::support::{Ran, assert_all_delivered, assert_books_close, number, pushbench, ran, run};
use pushbench::model::Cost;
use pushbench::probe::{About, Depth, PortProbe, Probe, ToldReading};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const TOKEN: &str = "a-token.of~many_characters";
const KEY: &str = "PUSHBENCH_TEST_PROBE_TOKEN";

/// A process that says where it listens; ended with this value.
struct Listening {
    child: Child,
    address: SocketAddr,
}

impl Listening {
    /// `before` goes in front of the program.
    fn start(before: &[&str], args: &[&str]) -> Listening {
        let program = env!("CARGO_BIN_EXE_pushbench");
        let words: Vec<&str> = before.iter().chain(&[program]).chain(args).copied().collect();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .env(KEY, TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{args:?} said {line:?}"));
        Listening { child, address: address.trim_end().parse().unwrap() }
    }

    fn server() -> Listening {
        Listening::start(&[], &["serve", "--listen", "127.0.0.1:0"])
    }

    fn probe(before: &[&str], port: u16, more: &[&str]) -> Listening {
        let port = port.to_string();
        let own = ["probe", "--listen", "127.0.0.1:0", "--token-env", KEY, "--port", &port];
        Listening::start(before, &[&own, more].concat())
    }

    fn end(&mut self, with: rustix::process::Signal) -> Option<i32> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), with).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The whole answer to these bytes, until the other side closes.
fn said(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // It may answer and close before it has read all.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn ask(address: SocketAddr, request: &str, token: &str) -> String {
    let head = format!(
        "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    said(address, head.as_bytes())
}

fn body(answer: &str) -> &str {
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1
}

fn reading(probe: &Listening, depth: &str) -> ToldReading {
    let answer = ask(probe.address, &format!("GET /v1/reading?depth={depth}"), TOKEN);
    serde_json::from_str(body(&answer)).unwrap()
}

/// A run against `target`, asked of the probe as `probe` says.
fn scenario(dir: &Path, target: SocketAddr, probe: &str) -> String {
    let text = format!(
        r#"title = "What does the target elsewhere pay?"
[target]
base = "http://{target}"
ready = "/ok"
probe = {{ {probe} }}
[publish]
http = {{ post = "/pub/${{channel}}" }}
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
websocket = {{ path = "/ws/${{channel}}" }}
"#
    );
    let file = dir.join("remote.toml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn keyed(url: &str) -> String {
    format!("url = \"{url}\", token = \"${{env:{KEY}}}\"")
}

/// Plays it, with the token in the environment.
fn play(dir: &Path, scenario: &str, token: &str) -> Ran {
    let out = dir.join("r");
    let mut command = pushbench(&["run", scenario, "--no-charts", "--out", out.to_str().unwrap()]);
    ran(&out, command.env(KEY, token).output().unwrap())
}

/// Every file of the results, and what was printed: nowhere is the token.
fn assert_discreet(dir: &Path, ran: &Ran) {
    let mut all = vec![ran.stdout.clone(), ran.stderr.clone()];
    for entry in std::fs::read_dir(dir.join("r")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            all.push(String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned());
        }
    }
    assert!(all.len() > 3 && all.iter().all(|text| !text.contains(TOKEN)));
}

/// The target's rows of `cost.csv`: instant, CPU seconds so far.
fn rows(dir: &Path) -> Vec<(f64, f64)> {
    let csv = std::fs::read_to_string(dir.join("r/cost.csv")).unwrap();
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let column = |name: &str| head.iter().position(|h| *h == name).unwrap();
    let (of, at, cpu) = (column("of"), column("at_s"), column("cpu_s_total"));
    let fields = csv.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    fields.filter(|f| f[of] == "target").map(|f| (f[at].parse().unwrap(), f[cpu].parse().unwrap())).collect()
}

/// Readings in order, at instants of this run.
fn assert_in_order(rows: &[(f64, f64)]) {
    assert!(rows.len() >= 7, "{rows:?}");
    assert!(rows.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1), "{rows:?}");
    assert!(rows[0].0 > -20.0 && rows[0].0 < 0.5 && rows.last().unwrap().0 < 60.0, "{rows:?}");
}

/// What was not read. That others were busier before the first client than under the load is true of a machine
/// on which other tests run beside.
fn warnings(cost: &Value) -> Vec<&str> {
    let told = cost["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap());
    told.filter(|w| !w.starts_with("what nobody was charged for is not known")).collect()
}

const NONE: [&str; 0] = [];

fn cost(ran: &Ran) -> &Value {
    let run = &ran.runs()[0];
    let cost = &run["target_cost"];
    assert!(cost.is_object(), "{:#}", run["notes"]);
    cost
}

#[test]
fn it_tells_what_a_reading_on_the_same_machine_tells() {
    let server = Listening::server();
    let probe = Listening::probe(&[], server.address.port(), &[]);
    let mut local = PortProbe::new(server.address.port(), None);
    for depth in [Depth::Thorough, Depth::Full, Depth::Light] {
        let before = local.read(depth).unwrap();
        let told = reading(&probe, &format!("{depth:?}").to_lowercase());
        let after = local.read(depth).unwrap();
        let far = told.cost.unwrap();
        assert_eq!((told.found, told.warnings, told.error), (local.found(), vec![], None));
        let counted: [fn(&Cost) -> u64; 6] = [
            |c| c.at.0,
            |c| c.cpu_ns_total,
            |c| c.run_delay_ns_total,
            |c| c.voluntary_switches_total,
            |c| c.minor_faults_total,
            |c| c.machine.unwrap().idle_ns_total,
        ];
        for of in counted {
            assert!(of(&before) <= of(&far) && of(&far) <= of(&after), "{before:?} {far:?} {after:?}");
        }
        assert_eq!((far.processes, far.threads), (before.processes, before.threads));
        assert_eq!(far.pss_bytes.is_some(), depth != Depth::Light);
        assert!(told.received_ns <= far.at.0 && far.at.0 <= told.sent_ns && told.began_ns < told.received_ns);
    }
    let about: About = serde_json::from_str(body(&ask(probe.address, "GET /v1/about", TOKEN))).unwrap();
    assert!(about.is_this_machine() && about.reads == [format!("port {}", server.address.port())]);
}

#[test]
fn a_run_is_told_what_its_target_pays() {
    let (dir, server) = (tempfile::tempdir().unwrap(), Listening::server());
    let probe = Listening::probe(&[], server.address.port(), &[]);
    let mut local = PortProbe::new(server.address.port(), None);
    let before = local.read(Depth::Full).unwrap();
    let url = format!("http://{}", probe.address);
    let ran = play(dir.path(), &scenario(dir.path(), server.address, &keyed(&url)), TOKEN);
    let after = local.read(Depth::Full).unwrap();
    ran.assert_good_or_busy();
    assert_all_delivered(&ran.runs()[0]);
    assert_books_close(&ran.runs()[0]);
    let cost = cost(&ran);
    assert_eq!((&cost["source"], &cost["clock_error_ns"]), (&Value::from(url.clone()), &Value::from(0)));
    assert_eq!((warnings(cost), &cost["co_located"]), (NONE.to_vec(), &Value::from(true)));
    assert_eq!(cost["found"], serde_json::json!([format!("{} pushbench", server.child.id())]));
    // What it tells of the run lies between what was read here before and after.
    let rows = rows(dir.path());
    assert_in_order(&rows);
    let (least, most) = (before.cpu_ns_total as f64 / 1e9, after.cpu_ns_total as f64 / 1e9);
    assert!(rows[0].1 >= least && rows.last().unwrap().1 <= most + 1e-6, "{least} {rows:?} {most}");
    let used = cost["cpu_s"].as_f64().unwrap();
    assert!(used > 0.0 && used <= most - least, "{used} of {}", most - least);
    assert!(number(cost, "/pss_bytes_max") > 0);
    assert!(ran.stdout.contains(&format!("read by the probe at {url}")), "{}", ran.stdout);
    assert_discreet(dir.path(), &ran);
}

#[test]
fn a_wrong_token_stops_the_run_before_any_load() {
    let (dir, server) = (tempfile::tempdir().unwrap(), Listening::server());
    let probe = Listening::probe(&[], server.address.port(), &[]);
    let file = scenario(dir.path(), server.address, &keyed(&format!("http://{}", probe.address)));
    let refused = play(dir.path(), &file, "another-token-of-16");
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    for told in ["the probe beside the target cannot be asked", "(401)", KEY] {
        assert!(refused.stderr.contains(told), "{told:?} is not in {}", refused.stderr);
    }
    assert!(!refused.stderr.contains("another-token-of-16"), "{}", refused.stderr);
    let stats = said(server.address, b"GET /stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(stats.contains("\"accepted\":1"), "somebody was there before: {stats}");
    drop(probe);
    let gone = play(dir.path(), &file, TOKEN);
    assert!(
        gone.code == 1 && gone.stderr.contains("is `pushbench probe --listen` running there?"),
        "{}",
        gone.stderr
    );
}

#[test]
fn a_token_that_stands_in_the_file_is_in_no_result() {
    let (dir, server) = (tempfile::tempdir().unwrap(), Listening::server());
    let probe = Listening::probe(&[], server.address.port(), &[]);
    let given = format!("url = \"http://{}\", token = \"{TOKEN}\"", probe.address);
    let file = scenario(dir.path(), server.address, &given);
    let ran = run(&dir.path().join("r"), &[&file, "--no-charts"]);
    ran.assert_good_or_busy();
    assert_eq!(warnings(cost(&ran)), NONE);
    assert_discreet(dir.path(), &ran);
    let manifest = std::fs::read_to_string(dir.path().join("r/manifest.json")).unwrap();
    assert!(manifest.contains("token = \\\"<token>\\\""), "{manifest}");
}

#[test]
fn only_who_shows_the_token_is_told_anything_and_nothing_can_be_changed() {
    let probe = Listening::probe(&[], 1, &[]);
    let status = |request: &str, token: &str| {
        let answer = ask(probe.address, request, token);
        answer.split(' ').nth(1).unwrap_or_else(|| panic!("{request}: {answer:?}")).parse::<u16>().unwrap()
    };
    for request in ["GET /v1/reading", "GET /v1/about", "GET /", "POST /v1/reading", "HEAD /v1/about"] {
        assert_eq!(status(request, "a-token.of~many_character"), 401, "{request}");
    }
    let bare = said(probe.address, b"GET /v1/reading HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(bare.starts_with("HTTP/1.1 401 ") && bare.contains("\r\nWWW-Authenticate: Bearer\r\n"), "{bare}");
    assert!(bare.contains("\r\nConnection: close\r\n") && !bare.contains("cost"), "{bare}");
    for (request, want) in [
        ("GET /v1/reading", 200),
        ("GET /v1/reading?depth=deep", 400),
        ("GET /v1", 404),
        ("GET /stats", 404),
        ("POST /v1/reading", 405),
        ("DELETE /v1/reading", 405),
        ("HEAD /v1/reading", 405),
    ] {
        assert_eq!(status(request, TOKEN), want, "{request}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(40_000));
    assert!(said(probe.address, long.as_bytes()).starts_with("HTTP/1.1 431 "));
    let load =
        format!("GET /v1/about HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n{}", "x".repeat(500_000));
    assert!(said(probe.address, load.as_bytes()).starts_with("HTTP/1.1 413 "));
    assert!(said(probe.address, b"\x16\x03\x01 nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

#[test]
fn who_is_slow_holds_up_nobody_and_many_have_one_probe() {
    let server = Listening::server();
    let probe = Listening::probe(&[], server.address.port(), &[]);
    let mut slow: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(probe.address).unwrap()).collect();
    slow.iter_mut().for_each(|s| s.write_all(b"GET /v1/reading HTTP/1.1\r\nHo").unwrap());
    let mut instants: Vec<u64> = std::thread::scope(|scope| {
        let ask = || (0..10).map(|_| reading(&probe, "thorough").cost.unwrap().at.0).collect::<Vec<_>>();
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    // One after the other, each a reading of its own.
    instants.sort_unstable();
    instants.dedup();
    assert_eq!(instants.len(), 60);
    let tasks = std::fs::read_dir(format!("/proc/{}/task", probe.child.id())).unwrap();
    let names = tasks.map(|t| std::fs::read_to_string(t.unwrap().path().join("comm")).unwrap());
    assert_eq!(names.filter(|name| name.trim() == "reader").count(), 1);
}

#[test]
fn who_shows_no_token_is_soon_sent_away_and_others_come_in() {
    let probe = Listening::probe(&[], 1, &[]);
    // They take all places: the next one is closed at once, and in some seconds there is room again.
    let silent: Vec<TcpStream> = (0..64).map(|_| TcpStream::connect(probe.address).unwrap()).collect();
    for mut stream in silent {
        stream.set_read_timeout(Some(std::time::Duration::from_secs(6))).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "closed by the probe");
    }
    // Each is held a moment longer, until the probe has seen that it is closed.
    until("there is room again", || {
        let mut stream = TcpStream::connect(probe.address).unwrap();
        let mut answer = [0; 12];
        stream.write_all(b"GET /v1/about HTTP/1.1\r\nHost: x\r\n\r\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer == *b"HTTP/1.1 401"
    });
}

/// A certificate of its own for 127.0.0.1, which is its own authority, and its key; gives the authority's file.
fn identity(dir: &Path) -> [String; 2] {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let files = ["cert.pem", "key.pem"].map(|name| dir.join(name).to_str().unwrap().to_owned());
    std::fs::write(&files[0], made.cert.pem()).unwrap();
    std::fs::write(&files[1], made.signing_key.serialize_pem()).unwrap();
    files
}

#[test]
fn over_tls_it_is_believed_when_its_authority_is_trusted() {
    let (dir, server) = (tempfile::tempdir().unwrap(), Listening::server());
    let [cert, key] = identity(dir.path());
    let probe = Listening::probe(&[], server.address.port(), &["--tls-cert", &cert, "--tls-key", &key]);
    let url = format!("https://{}", probe.address);
    for (given, told) in [
        (keyed(&url), "give the file of its CA as `ca`"),
        (keyed(&url.replace("https", "http")), "https:// in the `url`?"),
    ] {
        let refused = play(dir.path(), &scenario(dir.path(), server.address, &given), TOKEN);
        assert!(refused.code == 1 && refused.stderr.contains(told), "{told:?} is not in {}", refused.stderr);
    }
    let plain = Listening::probe(&[], server.address.port(), &[]);
    let wrong = format!("{}, ca = \"cert.pem\"", keyed(&format!("https://{}", plain.address)));
    let refused = play(dir.path(), &scenario(dir.path(), server.address, &wrong), TOKEN);
    assert!(refused.code == 1 && refused.stderr.contains("it speaks no TLS"), "{}", refused.stderr);
    let trusted = format!("{}, ca = \"cert.pem\"", keyed(&url));
    let ran = play(dir.path(), &scenario(dir.path(), server.address, &trusted), TOKEN);
    ran.assert_good_or_busy();
    assert_eq!((&cost(&ran)["source"], warnings(cost(&ran))), (&Value::from(url.clone()), NONE.to_vec()));
    assert_in_order(&rows(dir.path()));
    assert_discreet(dir.path(), &ran);
}

#[test]
fn a_probe_that_dies_in_mid_run_costs_the_run_nothing_but_its_rest() {
    let (dir, server) = (tempfile::tempdir().unwrap(), Listening::server());
    let mut probe = Listening::probe(&[], server.address.port(), &[]);
    let url = format!("http://{}", probe.address);
    let file = scenario(dir.path(), server.address, &keyed(&url));
    let out = dir.path().join("r");
    let mut command = pushbench(&["run", &file, "--no-charts", "--out", out.to_str().unwrap()]);
    let child = command.env(KEY, TOKEN).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A second of warm-up at 40 messages a second, and half a second of `measure`.
    until("it measures", || {
        let stats = said(server.address, b"GET /stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let published = stats.split("\"published\":").nth(1).and_then(|rest| rest.split([',', '}']).next());
        published.is_some_and(|n| n.parse::<u32>().unwrap() > 60)
    });
    assert_eq!(probe.end(rustix::process::Signal::TERM), Some(143));
    let ran = ran(&out, child.wait_with_output().unwrap());
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    assert_all_delivered(run);
    let told = format!("{} {}", run["notes"], run["target_cost"]["warnings"]);
    assert!(told.contains(&format!("the probe at {url}: ")), "{told}");
    assert!(told.contains("is `pushbench probe --listen` running there?"), "{told}");
    let kept = rows(dir.path());
    assert!(kept.len() >= 4, "what was read before is kept: {kept:?}");
}

#[test]
fn it_ends_as_it_is_told_and_refuses_what_cannot_work() {
    let mut probe = Listening::probe(&[], 1, &[]);
    assert_eq!(probe.end(rustix::process::Signal::INT), Some(130));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "short\n").unwrap();
    let short = ["--port", "1", "--token-file", file.to_str().unwrap()];
    for (args, code, told) in [
        (&["--port", "1"][..], 2, "--token-env"),
        (&["--token-env", KEY], 2, "--port"),
        (&["--port", "1", "--token-env", "NO_SUCH_VARIABLE_HERE"], 2, "no token in $NO_SUCH_VARIABLE_HERE"),
        (&short, 2, "5 characters; want at least 16"),
        (&["--port", "0", "--token-env", KEY], 2, "1..=65535"),
        (&["--command", "", "--token-env", KEY], 2, "does not match every process"),
        (&["--port", "1", "--token-env", KEY, "--tls-cert", "x.pem"], 2, "--tls-key"),
        (
            &["--port", "1", "--token-env", KEY, "--listen", "192.0.2.1:9911"],
            1,
            "failed to listen on 192.0.2.1:9911",
        ),
    ] {
        let output = pushbench(&[&["probe"], args].concat()).env(KEY, TOKEN).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(code) && stderr.contains(told), "{args:?}: {stderr}");
        assert!(!stderr.contains(TOKEN), "{stderr}");
    }
}

/// Whether this machine lets us do so; says which test is passed over when it does not.
fn allows(words: &[&str]) -> bool {
    let done = Command::new(words[0]).args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let allowed = done.is_ok_and(|s| s.success());
    if !allowed {
        eprintln!("passed over: this machine does not allow `{}`", words.join(" "));
    }
    allowed
}

#[test]
fn another_clock_is_told_in_ours() {
    let shifted = ["unshare", "--time", "--monotonic", "100000", "--fork", "--kill-child", "--"];
    if !allows(&[&shifted[..], &["true"]].concat()) {
        return;
    }
    let (dir, server) = (tempfile::tempdir().unwrap(), Listening::server());
    let probe = Listening::probe(&shifted, server.address.port(), &[]);
    let mut local = PortProbe::new(server.address.port(), None);
    let ahead = reading(&probe, "light").cost.unwrap().at.0 - local.read(Depth::Light).unwrap().at.0;
    assert!(ahead.abs_diff(100_000_000_000_000) < 5_000_000_000, "its clock is ahead by {ahead} ns");
    let url = format!("http://{}", probe.address);
    let ran = play(dir.path(), &scenario(dir.path(), server.address, &keyed(&url)), TOKEN);
    ran.assert_good_or_busy();
    let cost = cost(&ran);
    assert_eq!(warnings(cost), NONE);
    let error = number(cost, "/clock_error_ns");
    assert!(error > 0 && error < 1_000_000_000, "{error} ns");
    assert_in_order(&rows(dir.path()));
}

/// A network namespace with a wire to it; gone with this value.
struct Elsewhere {
    name: String,
}

impl Elsewhere {
    const THERE: &str = "10.213.97.2";

    fn make() -> Option<Elsewhere> {
        let name = format!("pbprobe{}", std::process::id());
        if !allows(&["ip", "netns", "add", &name]) {
            return None;
        }
        let elsewhere = Elsewhere { name };
        let (name, wire) = (elsewhere.name.as_str(), format!("pbp{}", std::process::id() % 100_000));
        let far = format!("{wire}x");
        let steps: [&[&str]; 6] = [
            &["ip", "link", "add", &wire, "type", "veth", "peer", "name", &far, "netns", name],
            &["ip", "address", "add", "10.213.97.1/30", "dev", &wire],
            &["ip", "link", "set", &wire, "up"],
            &["ip", "-n", name, "address", "add", "10.213.97.2/30", "dev", &far],
            &["ip", "-n", name, "link", "set", &far, "up"],
            &["ip", "-n", name, "link", "set", "lo", "up"],
        ];
        steps.iter().all(|step| allows(step)).then_some(elsewhere)
    }

    fn exec(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.name]
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // The wire goes with it.
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

#[test]
fn a_target_in_another_network_is_told_by_the_probe_beside_it() {
    let Some(elsewhere) = Elsewhere::make() else { return };
    let (dir, there) = (tempfile::tempdir().unwrap(), format!("{}:0", Elsewhere::THERE));
    let server = Listening::start(&elsewhere.exec(), &["serve", "--listen", &there]);
    let without = dir.path().join("without");
    let file = scenario(dir.path(), server.address, "");
    let text = std::fs::read_to_string(&file).unwrap().replace("probe = {  }\n", "");
    std::fs::write(&file, text).unwrap();
    let blind = run(&without, &[&file, "--no-charts"]);
    let notes = blind.runs()[0]["notes"].to_string();
    assert!(notes.contains("run `pushbench probe --listen` there"), "{notes}");

    let port = server.address.port().to_string();
    let probe = Listening::start(
        &elsewhere.exec(),
        &["probe", "--listen", &there, "--token-env", KEY, "--port", &port],
    );
    let url = format!("http://{}", probe.address);
    let ran = play(dir.path(), &scenario(dir.path(), server.address, &keyed(&url)), TOKEN);
    ran.assert_good_or_busy();
    assert_all_delivered(&ran.runs()[0]);
    let cost = cost(&ran);
    assert_eq!((&cost["source"], warnings(cost)), (&Value::from(url), NONE.to_vec()));
    assert_eq!(cost["found"], serde_json::json!([format!("{} pushbench", server.child.id())]));
    // Its own namespace counted what went over the wire, all of it; the machine is the same all the same.
    assert!(number(cost, "/network/out_bytes") > 10_000, "{cost:#}");
    assert_eq!((number(cost, "/network/loopback_bytes"), &cost["co_located"]), (0, &Value::from(true)));
    assert!(cost["cpu_s"].as_f64() > Some(0.0));
}
