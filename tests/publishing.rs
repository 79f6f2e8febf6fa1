//! Every way of publishing, as a user runs it: what arrives, what is counted, what is told.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::disallowed_methods, reason = "tests of the whole program are outside of its clock")]

#[path = "support/accept.rs"]
mod accept;
#[path = "support/stamping.rs"]
mod stamping;
mod support;

use accept::{head, upgraded};
use stamping::Stamping;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use support::{Ran, assert_all_delivered, assert_books_close, number, run};

/// Short, and with time enough that everybody is there before the first message counts.
const LOAD: &str = r#"
[load]
clients = 10
connect = "200ms"
warmup = "500ms"
measure = "2s"
drain = "1s"
workers = 1
"#;

fn play(folder: &Path, text: &str) -> Ran {
    let scenario = folder.join("scenario.toml");
    std::fs::write(&scenario, format!("title = \"publishing\"\n{text}{LOAD}")).unwrap();
    let ran = run(&folder.join("r"), &[scenario.to_str().unwrap(), "--no-charts"]);
    assert!(folder.join("r/summary.json").exists(), "exit code {}: {}", ran.code, ran.stderr);
    ran
}

fn case(transport: &str) -> String {
    format!("[[case]]\nname = \"case\"\n{transport}\n")
}

#[test]
fn a_body_of_ones_own_arrives_and_the_servers_count_of_receivers_is_ours() {
    let dir = tempfile::tempdir().unwrap();
    let publish = r#"
[publish]
http = { post = "/pub/${channel}", body = '{"c":${json(channel)},"n":${seq},"data":${json(payload)}}', headers = { Content-Type = "application/json", X-Room = "room-${channel}" }, receivers = { pointer = "/subscribers" } }
channels = 2
rate = "20/s"
"#;
    let ran = play(dir.path(), &(publish.to_owned() + &case(r#"websocket = { path = "/ws/${channel}" }"#)));
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    assert_all_delivered(run);
    assert_books_close(run);
    let published = number(run, "/published");
    let receivers = |key: &str| number(run, &format!("/receivers/{key}"));
    assert_eq!((receivers("publishes"), receivers("differing")), (published, 0), "{}", run["receivers"]);
    assert_eq!((receivers("reported"), receivers("subscribed")), (published * 5, published * 5));
    // What a message is wrapped in is no payload, at neither end.
    assert_eq!(number(run, "/bytes/payload"), 64 * number(run, "/bytes/messages"));
    assert!(number(run, "/bytes/framing") > 30 * number(run, "/bytes/messages"));
    assert_eq!((&run["publisher"], &run["cooperation"]), (&"http".into(), &"stamp".into()));
    assert!(ran.stdout.contains("publishes they agree"), "{}", ran.stdout);
}

#[test]
fn publishers_in_band_have_a_line_for_each_channel_that_their_path_names() {
    let dir = tempfile::tempdir().unwrap();
    let publish = r#"
[publish]
in_band = { websocket = { path = "/duplex/${channel}" }, send = "<${payload}>" }
channels = 2
rate = "20/s"
"#;
    let ran = play(dir.path(), &(publish.to_owned() + &case(r#"websocket = { path = "/ws/${channel}" }"#)));
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    assert_all_delivered(run);
    assert_books_close(run);
    assert_eq!(number(run, "/publisher_bytes/payload"), 64 * number(run, "/published"));
    assert_eq!(number(run, "/ledger/reordered"), 0);
    assert!(ran.stdout.contains("when the kernel had taken its message"), "{}", ran.stdout);
}

#[test]
fn lines_that_cannot_be_opened_are_failed_publishes_and_not_silence() {
    let dir = tempfile::tempdir().unwrap();
    let publish = r#"
[publish]
in_band = { websocket = { path = "/nowhere" }, send = "${payload} ${channel}" }
rate = "20/s"
"#;
    let ran = play(dir.path(), &(publish.to_owned() + &case(r#"websocket = { path = "/ws/${channel}" }"#)));
    let run = &ran.runs()[0];
    assert_eq!((number(run, "/published"), number(run, "/publish_failed")), (0, 40));
    assert!(number(run, "/failures/not_attached") >= 40, "{}", run["failures"]);
    assert!(number(run, "/failures/status_4xx") > 0, "why it cannot be opened: {}", run["failures"]);
    assert_eq!(run["verdict"], "invalid");
    assert_books_close(run);
}

#[test]
fn each_echoing_client_gets_all_of_its_own_messages_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let publish = "[publish]\necho = { send = \"${payload}\" }\nrate = \"20/s\"\n";
    let ran = play(dir.path(), &(publish.to_owned() + &case(r#"websocket = { path = "/echo" }"#)));
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    let published = number(run, "/published");
    assert_eq!(published, 10 * 40, "ten clients, 20 a second each, two seconds");
    for key in ["expected", "delivered"] {
        assert_eq!(number(run, &format!("/ledger/{key}")), published, "{key}");
    }
    assert_eq!((number(run, "/ledger/lost"), number(run, "/foreign")), (0, 0));
    assert_eq!(number(run, "/delivery/count"), published);
    assert_books_close(run);
}

#[test]
fn what_is_due_while_an_echoing_client_is_away_on_purpose_is_nobodys_and_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let publish = "[publish]\necho = { send = \"${payload}\" }\nrate = \"20/s\"\n";
    let comes_back = "websocket = { path = \"/echo\" }\nstay = \"500ms\"\naway = \"500ms\"\nlife = \"fixed\"";
    let ran = play(dir.path(), &(publish.to_owned() + &case(comes_back)));
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    // Half of ten clients' 20 a second in two seconds, more or less.
    let published = number(run, "/published");
    assert!((100..=300).contains(&published), "{published}");
    assert_eq!(number(run, "/publish_failed"), 0, "{}", run["failures"]);
    assert_eq!(number(run, "/operations/publish/failed"), 0, "{}", run["operations"]);
    let (offered, achieved) =
        (run["offered_per_s"].as_f64().unwrap(), run["achieved_per_s"].as_f64().unwrap());
    assert!((offered - achieved).abs() < 0.01, "{achieved} of {offered} a second");
    assert_eq!((number(run, "/ledger/lost"), number(run, "/foreign")), (0, 0), "{}", run["ledger"]);
    assert_eq!(number(run, "/ledger/delivered"), number(run, "/ledger/expected"));
    assert!(!run["reasons"].to_string().contains("were published"), "{}", run["reasons"]);
    assert_books_close(run);
}

/// Publishes what it reads by a request for each line; needs nothing but the shell.
fn shell_publisher(to: SocketAddr) -> String {
    format!(
        "#!/bin/bash\nwhile IFS=$'\\t' read -r channel message; do\nexec 3<>/dev/tcp/{}/{}\nprintf 'POST /pub/%s \
         HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s' \"$channel\" \
         \"${{#message}}\" \"$message\" >&3\ncat <&3 > /dev/null\nexec 3>&-\ndone\n",
        to.ip(),
        to.port()
    )
}

#[test]
fn a_program_of_the_users_publishes_what_it_is_fed() {
    let dir = tempfile::tempdir().unwrap();
    let server = pushbench::server::start_on_thread(pushbench::server::Config::default()).unwrap();
    std::fs::write(dir.path().join("publisher.sh"), shell_publisher(server.address)).unwrap();
    let text = format!(
        "[target]\nbase = \"http://{}\"\n[publish]\nexec = \"bash ./publisher.sh\"\nchannels = 2\n\
         rate = \"10/s\"\n{}",
        server.address,
        case(r#"websocket = { path = "/ws/${channel}" }"#)
    );
    let ran = play(dir.path(), &text);
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    assert_all_delivered(run);
    assert_books_close(run);
    assert_eq!(run["publisher"], "exec");
    assert!(!run["notes"].to_string().contains("ended with"), "{}", run["notes"]);
}

#[test]
fn a_program_that_dies_is_told_with_its_last_words_and_every_message_it_did_not_take() {
    let dir = tempfile::tempdir().unwrap();
    let publish =
        "[publish]\nexec = \"head -n 3 > /dev/null; echo broker gone >&2; exit 7\"\nrate = \"20/s\"\n";
    let ran = play(dir.path(), &(publish.to_owned() + &case(r#"websocket = { path = "/ws/${channel}" }"#)));
    let run = &ran.runs()[0];
    assert!(number(run, "/failures/publisher_ended") >= 39, "{}", run["failures"]);
    let notes = run["notes"].to_string();
    assert!(notes.contains("broker gone") && notes.contains("exit status: 7"), "{notes}");
    assert_eq!(ran.code, 11, "the generator's side broke: {}", ran.stderr);
    assert_books_close(run);
}

#[test]
fn a_program_that_reads_nothing_holds_nobody_up_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    // Lines of 8 KiB fill a pipe of 64 KiB at once; the last is taken in part, and stays so.
    let publish = "[publish]\nexec = \"exec sleep 300\"\nrate = \"20/s\"\npayload = \"8 KiB\"\n";
    let begun = Instant::now();
    let ran = play(dir.path(), &(publish.to_owned() + &case(r#"websocket = { path = "/ws/${channel}" }"#)));
    assert!(begun.elapsed() < Duration::from_secs(60), "it was waited for: {:?}", begun.elapsed());
    let run = &ran.runs()[0];
    let (taken, behind) = (number(run, "/published"), number(run, "/failures/publish_backlog"));
    assert!(taken <= 8 && behind >= 30, "{taken} taken, {behind} dropped: {}", run["failures"]);
    assert!(taken + number(run, "/publish_failed") == 40, "{run}");
    let notes = run["notes"].to_string();
    assert!(notes.contains("did not end when its stdin was closed, and was stopped"), "{notes}");
    assert_eq!(run["verdict"], "invalid");
    assert_books_close(run);
}

#[test]
fn messages_are_published_over_tls_and_received_over_it() {
    let dir = tempfile::tempdir().unwrap();
    let tls = Some(([127, 0, 0, 1], 0).into());
    let config = pushbench::server::Config { tls, ..pushbench::server::Config::default() };
    let server = pushbench::server::start_on_thread(config).unwrap();
    std::fs::write(dir.path().join("ca.pem"), server.certificate.as_ref().unwrap()).unwrap();
    let text = format!(
        "[target]\nbase = \"https://{}\"\ntls = {{ ca = \"ca.pem\" }}\n[publish]\n\
         http = {{ post = \"/pub/${{channel}}\" }}\nchannels = 2\nrate = \"20/s\"\n{}",
        server.tls.unwrap(),
        case(r#"sse = { get = "/sse/${channel}" }"#)
    );
    let ran = play(dir.path(), &text);
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    assert_all_delivered(run);
    assert_books_close(run);
    let bytes = |key: &str| number(run, &format!("/publisher_bytes/{key}"));
    assert!(bytes("tls") > 0 && bytes("payload") > 0, "{}", run["publisher_bytes"]);
    assert!(number(run, "/bytes/tls") > 0, "{}", run["bytes"]);
}

#[test]
fn an_echoing_client_goes_on_where_it_was_after_its_target_was_away() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[target]\nbundled = { fault = \"restart at 1500ms for 300ms\" }\n[publish]\n\
                echo = { send = \"${payload}\" }\nrate = \"20/s\"\n";
    let back = "websocket = { path = \"/echo\" }\nreconnect = { policy = \"fixed\", interval = \"50ms\" }";
    let ran = play(dir.path(), &(text.to_owned() + &case(back)));
    let run = &ran.runs()[0];
    let of = |key: &str| number(run, key);
    assert_eq!(of("/reconnects/count"), 10, "{run}");
    assert_eq!(of("/published") + of("/publish_failed"), 400, "every message is accounted for");
    // 300 ms of 20 a second; each client was away for that long at least.
    assert!(of("/publish_failed") >= 40, "{}", run["failures"]);
    assert!(of("/failures/not_attached") >= 40, "{}", run["failures"]);
    assert!(of("/ledger/delivered") >= 200, "{}", run["ledger"]);
    // What was on its way when the target went is lost there, and nothing else.
    assert_eq!(of("/ledger/lost"), of("/ledger/lost_at_disconnect"), "{}", run["ledger"]);
    assert_eq!((of("/ledger/duplicate"), of("/foreign")), (0, 0));
    assert_books_close(run);
}

/// How often the scripted target publishes.
const TICK: Duration = Duration::from_millis(20);
/// It leaves out one message of so many.
const GAP: u64 = 25;

/// A WebSocket target that publishes by itself, the same to everybody, each message with a number and a
/// time; `skips` says which connection does not get every [`GAP`]th message.
fn ticking(skips: fn(usize) -> bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (begin, wall) = (Instant::now(), SystemTime::now());
    let count = AtomicUsize::new(0);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn({
                let Some(head) = head(&mut stream) else { continue };
                let skips = skips(count.fetch_add(1, Ordering::Relaxed));
                move || tick(&mut stream, &head, (begin, wall), skips)
            });
        }
    });
    address
}

fn tick(stream: &mut TcpStream, head: &str, (begin, wall): (Instant, SystemTime), skips: bool) {
    let _ = stream.write_all(upgraded(head).as_bytes());
    let mut n = (begin.elapsed().as_nanos() / TICK.as_nanos()) as u64;
    loop {
        n += 1;
        let after = TICK * n as u32;
        thread::sleep(after.saturating_sub(begin.elapsed()));
        if skips && n.is_multiple_of(GAP) {
            continue;
        }
        let at = (wall + after).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
        let text = format!("{{\"x\":[1],\"seq\":{n},\"ts_us\":{at}}}");
        let frame = [&[0x81, text.len() as u8][..], text.as_bytes()].concat();
        if stream.write_all(&frame).is_err() {
            return;
        }
    }
}

fn by_itself(dir: &Path, to: SocketAddr, none: &str) -> Ran {
    let text = format!(
        "[target]\nbase = \"http://{to}\"\n[publish]\nnone = {none}\n{}",
        case(r#"websocket = { path = "/" }"#)
    );
    play(dir, &text)
}

#[test]
fn a_target_that_tells_time_and_sequence_is_told_by_them() {
    let dir = tempfile::tempdir().unwrap();
    let none = r#"{ sequence = { pointer = "/seq" }, time = { regex = '"ts_us":([0-9]+)', unit = "us" } }"#;
    let ran = by_itself(dir.path(), ticking(|_| true), none);
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    let of = |key: &str| number(run, &format!("/ledger/{key}"));
    assert_eq!(of("expected"), of("delivered") + of("lost"));
    // Two seconds of 50 a second to ten clients, of which one in 25 was left out.
    assert!((900..=1_010).contains(&of("expected")), "{}", run["ledger"]);
    assert!((30..=50).contains(&of("lost")) && of("lost") % 10 == 0, "{}", run["ledger"]);
    assert_eq!((of("duplicate"), of("reordered")), (0, 0));
    assert!(number(run, "/delivery/count") >= 850, "{}", run["delivery"]);
    assert!(number(run, "/delivery/p90_ns") < 1_500_000_000, "the two clocks are one: {}", run["delivery"]);
    assert_eq!((number(run, "/unstamped"), number(run, "/ahead")), (0, 0));
    let gap = number(run, "/gaps/p50_ns") as f64 / 1e6;
    assert!((10.0..30.0).contains(&gap), "{gap} ms");
    assert_eq!((&run["cooperation"], &run["clock"]), (&"time and sequence".into(), &"wall".into()));
    assert!(!run["reasons"].to_string().contains("fault of pushbench"), "{}", run["reasons"]);
    assert!(ran.stdout.contains("wall clock"), "{}", ran.stdout);
    assert_books_close(run);
}

#[test]
fn of_a_target_that_tells_nothing_the_spread_and_the_missing_receipts_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let ran = by_itself(dir.path(), ticking(|connection| connection == 0), "{}");
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    let of = |key: &str| number(run, &format!("/spread/{key}"));
    assert!((90..=102).contains(&of("messages")), "{}", run["spread"]);
    // One client of ten does not get every 25th: four or so in two seconds.
    assert!((3..=5).contains(&of("missing")), "{}", run["spread"]);
    assert_eq!(of("behind/count"), of("messages") * 9 - of("missing"), "{}", run["spread"]);
    assert_eq!((number(run, "/delivery/count"), number(run, "/unstamped")), (0, 0));
    assert_eq!(run["cooperation"], "nothing");
    assert!(ran.stdout.contains("receivers lie apart"), "{}", ran.stdout);
    assert_books_close(run);
}

#[test]
fn a_message_without_what_the_scenario_says_is_counted_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let ran = by_itself(dir.path(), ticking(|_| false), r#"{ sequence = { pointer = "/number" } }"#);
    let run = &ran.runs()[0];
    assert!(number(run, "/unstamped") >= 900);
    assert_eq!(number(run, "/ledger/expected"), 0);
    assert!(run["reasons"].to_string().contains("no sequence where"), "{}", run["reasons"]);
}

/// One run of messages that carry two times, told by the one at `pointer`.
fn told_by(server: SocketAddr, pointer: &str, clock: &str) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "[target]\nbase = \"http://{server}\"\n[publish]\nchannels = [\"tick\"]\nnone = {{ sequence = {{ pointer = \
         \"/seq\" }}, time = {{ pointer = \"{pointer}\", unit = \"ns\", clock = {clock} }} }}\n{}",
        case(r#"websocket = { path = "/ws/${channel}" }"#)
    );
    play(dir.path(), &text)
}

/// A server whose clock is 50 ms ahead and gains 50 ppm, and that gives each message out after 120 ms.
fn with_a_wrong_clock() -> (pushbench::server::Running, Stamping) {
    let faults = ["clock ahead 50ms drift 50 ppm", "delay 120ms"].map(|fault| fault.parse().unwrap());
    let config = pushbench::server::Config { faults: faults.into(), ..pushbench::server::Config::default() };
    let server = pushbench::server::start_on_thread(config).unwrap();
    let stamping = Stamping::start(server.address, 50_000_000, 50);
    (server, stamping)
}

#[test]
fn another_hosts_clock_is_asked_and_what_it_is_off_by_is_taken_out_of_delivery_times() {
    let (server, _stamping) = with_a_wrong_clock();
    let to = server.address;
    // At the same time, so that all three are told the same messages.
    let [asked, truth, raw] = thread::scope(|s| {
        let clocks = [
            ("/theirs", r#"{ get = "/clock" }"#),
            ("/ours", r#""monotonic""#),
            ("/theirs", r#""monotonic""#),
        ];
        let runs = clocks.map(|(pointer, clock)| s.spawn(move || told_by(to, pointer, clock)));
        runs.map(|run| run.join().unwrap())
    });
    let run = &asked.runs()[0];
    let epsilon = number(run, "/asked_clock/epsilon_ns") as i64;
    let p50 = |ran: &Ran| number(&ran.runs()[0], "/delivery/p50_ns") as i64;
    // Three clients of one feed may have been served one after the other on a busy machine.
    let allowed = epsilon + 10_000_000;
    assert!(
        (p50(&asked) - p50(&truth)).abs() <= allowed,
        "{} +- {epsilon}, in truth {}",
        p50(&asked),
        p50(&truth)
    );
    let off = p50(&asked) - p50(&raw);
    assert!((off - 50_000_000).abs() <= allowed, "{off} without the correction, +- {epsilon}");
    let offset = run["asked_clock"]["offset_ns"].as_i64().unwrap();
    assert!((50_000_000 - epsilon..51_000_000 + epsilon).contains(&offset), "{offset} +- {epsilon}");
    assert!(number(run, "/asked_clock/exchanges") >= 48, "{}", run["asked_clock"]);
    assert_eq!((&run["clock"], number(run, "/asked_clock/beyond")), (&"asked".into(), 0));
    assert_eq!(number(run, "/ledger/lost"), 0, "{}", run["ledger"]);
    let said = asked.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("no difference below") && said.contains("its clock was asked: +-"), "{said}");
    assert!(truth.runs()[0]["asked_clock"].is_null());
}

#[test]
fn times_of_another_clock_than_the_one_that_was_asked_are_invalid() {
    let (server, _stamping) = with_a_wrong_clock();
    // Corrected by a clock that is 1.05 s behind theirs they come from the future, 120 ms under way or not.
    let fault = "clock behind 1s".parse().unwrap();
    let config = pushbench::server::Config { faults: vec![fault], ..pushbench::server::Config::default() };
    let other = pushbench::server::start_on_thread(config).unwrap();
    let ran = told_by(server.address, "/theirs", &format!("{{ get = \"http://{}/clock\" }}", other.address));
    let run = &ran.runs()[0];
    assert_eq!(run["verdict"], "invalid", "{run:#}");
    assert!(number(run, "/asked_clock/beyond") >= 900, "{}", run["asked_clock"]);
    assert!(number(run, "/asked_clock/ahead_max_ns") >= 500_000_000, "{}", run["asked_clock"]);
    assert!(run["reasons"].to_string().contains("received before they were published"), "{}", run["reasons"]);
}

#[test]
fn a_clock_that_does_not_answer_is_said_and_times_are_as_unknown_as_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let none =
        r#"{ time = { pointer = "/ts_us", unit = "us", clock = { get = "http://127.0.0.1:9/clock" } } }"#;
    let ran = by_itself(dir.path(), ticking(|_| false), none);
    ran.assert_good_or_busy();
    let run = &ran.runs()[0];
    assert_eq!(
        (&run["clock"], &run["asked_clock"]["epsilon_ns"]),
        (&"unknown".into(), &serde_json::Value::Null)
    );
    assert!(
        run["reasons"].to_string().contains("could not be asked (GET http://127.0.0.1:9/clock"),
        "{}",
        run["reasons"]
    );
    assert!(number(run, "/delivery/count") >= 900, "taken for a wall clock: {}", run["delivery"]);
}
