//! Streams: each framing to the byte, replay, limits, ends.

use crate::raw::{KEY, Raw, masked, request, server, until_stats, upgrade};
use pushbench::model::Nanos;
use pushbench::server::Config;

fn chunk(bytes: &str) -> String {
    format!("{:x}\r\n{bytes}\r\n", bytes.len())
}

fn head(kind: &str, before: u64, more: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nX-Seq: {before}\r\n{more}Transfer-Encoding: chunked\r\n\r\n"
    )
}

/// The boundary out of a head.
fn boundary(head: &str) -> String {
    let (_, rest) = head.split_once("boundary=").unwrap();
    rest.split_once("\r\n").unwrap().0.to_owned()
}

#[test]
fn each_framing_replays_goes_on_and_ends_to_the_byte() {
    let (_running, address) = server(Config::default());
    let (mut raw, mut publisher) = (Raw::open(address), Raw::open(address));
    let cases = [
        ("sse", "text/event-stream", "", ["id: 1\ndata: a<b\n\n", "id: 2\ndata: two\n\n"]),
        (
            "iframe",
            "text/html; charset=utf-8",
            "<!doctype html><meta charset=\"utf-8\"><body>\n",
            ["<script>parent.p(1,\"a\\u003cb\")</script>\n", "<script>parent.p(2,\"two\")</script>\n"],
        ),
        ("chunked", "text/plain", "", ["a<b", "two"]),
        ("lines", "text/plain", "", ["a<b\n", "two\n"]),
        ("lenpref", "application/octet-stream", "", ["\0\0\0\x03a<b", "\0\0\0\x03two"]),
    ];
    for (name, kind, prelude, [first, second]) in cases {
        publisher.publish(name, "a<b");
        raw.send(request("GET", &format!("/{name}/{name}?after=0&limit=2"), ""));
        raw.expect(head(kind, 0, ""));
        if !prelude.is_empty() {
            raw.expect(chunk(prelude));
        }
        raw.expect(chunk(first));
        assert!(publisher.publish(name, "two").body.contains("\"subscribers\":1"));
        raw.expect(chunk(second) + "0\r\n\r\n");
        assert_eq!(raw.get("/ok").body, "ok\n", "the connection goes on");
    }
    until_stats(address, "\"sse\":0,\"iframe\":0,\"chunked\":0,\"multipart\":0,\"lines\":0,\"lenpref\":0,");
    until_stats(address, "{\"sse\":2,\"iframe\":2,\"chunked\":2,\"multipart\":0,\"lines\":2,\"lenpref\":2,");
}

#[test]
fn multipart_closes_each_part_at_once() {
    let (_running, address) = server(Config::default());
    let (mut raw, mut publisher) = (Raw::open(address), Raw::open(address));
    raw.send(request("GET", "/multipart/m?limit=2", ""));
    let got = raw.head();
    let b = boundary(&got);
    assert_eq!(got, head(&format!("multipart/mixed; boundary={b}"), 0, ""));
    raw.expect(chunk(&format!("--{b}")));
    until_stats(address, "\"multipart\":1,");
    publisher.publish("m", "one");
    let part = |kind: &str, n: u64, body: &str| {
        let length = body.len();
        format!("\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nX-Seq: {n}\r\n\r\n{body}\r\n--{b}")
    };
    raw.expect(chunk(&part("text/plain", 1, "one")));
    publisher.publish("m", "");
    raw.expect(chunk(&part("text/plain", 2, "")) + &chunk("--\r\n") + "0\r\n\r\n");
    publisher.publish("m", [0xFF]);
    raw.send(request("GET", "/multipart/m?after=2&limit=1", ""));
    assert!(raw.head().contains(&format!("boundary={b}\r\nX-Seq: 2\r\n")));
    raw.expect(chunk(&format!("--{b}")));
    let binary = part("application/octet-stream", 3, "?").replace('?', "\u{1}").into_bytes();
    let mut wanted = format!("{:x}\r\n", binary.len()).into_bytes();
    wanted.extend(binary.iter().map(|&b| if b == 1 { 0xFF } else { b }));
    assert_eq!(raw.take(wanted.len()), wanted);
}

#[test]
fn a_header_goes_before_the_query_and_a_body_is_ignored() {
    let (_running, address) = server(Config::default());
    let mut raw = Raw::open(address);
    for message in ["one", "two\r\nlines", "three"] {
        raw.publish("r", message);
    }
    let headers = "Last-Event-ID: 1\r\nContent-Length: 7\r\n";
    raw.send(request("POST", "/sse/r?after=0&limit=2&retry=1500", headers) + "ignored");
    raw.expect(head("text/event-stream", 1, "") + &chunk("retry: 1500\n\n"));
    raw.expect(chunk("id: 2\ndata: two\ndata: lines\n\n") + &chunk("id: 3\ndata: three\n\n") + "0\r\n\r\n");
    raw.send(request("GET", "/sse/r?last_event_id=2&limit=1", ""));
    raw.expect(head("text/event-stream", 2, "") + &chunk("id: 3\ndata: three\n\n") + "0\r\n\r\n");
}

#[test]
fn what_history_lost_is_told() {
    let (_running, address) = server(Config { history: 2, ..Config::default() });
    let mut raw = Raw::open(address);
    for n in 1..=5 {
        raw.publish("k", format!("m{n}"));
    }
    raw.send(request("GET", "/lines/k?after=1&limit=2", ""));
    raw.expect(head("text/plain", 3, "X-Skipped: 2\r\n") + &chunk("m4\n") + &chunk("m5\n") + "0\r\n\r\n");
    let mut socket = Raw::open(address);
    socket.send(upgrade("/ws/k?after=1", KEY));
    assert!(socket.head().ends_with("xOo=\r\nX-Skipped: 2\r\n\r\n"));
    assert_eq!([socket.frame().1, socket.frame().1], [b"m4", b"m5"]);
}

#[test]
fn heartbeats_come_between_messages() {
    let (_running, address) = server(Config { ping: Nanos::from_millis(30), ..Config::default() });
    let (mut raw, mut silent) = (Raw::open(address), Raw::open(address));
    raw.send(request("GET", "/sse/h", ""));
    silent.send(request("GET", "/lines/h?limit=1", ""));
    raw.expect(head("text/event-stream", 0, "") + &chunk(":\n\n") + &chunk(":\n\n"));
    until_stats(address, "\"lines\":1,");
    Raw::open(address).publish("h", "x");
    let mut events = std::iter::repeat_with(|| raw.chunk()).filter(|c| c != ":\n\n");
    assert_eq!(events.next().unwrap(), "id: 1\ndata: x\n\n");
    silent.expect(head("text/plain", 0, "") + &chunk("x\n") + "0\r\n\r\n");
}

#[test]
fn old_and_closing_clients_get_what_they_understand() {
    let (_running, address) = server(Config::default());
    Raw::open(address).publish("o", "old");
    let mut raw = Raw::open(address);
    raw.send("GET /sse/o?after=0&limit=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let head_of = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Seq: 0\r\n";
    raw.expect(format!("{head_of}Connection: close\r\n\r\nid: 1\ndata: old\n\n"));
    raw.expect_end();
    let mut raw = Raw::open(address);
    raw.send("GET /chunked/o?after=0 HTTP/1.0\r\n\r\n");
    assert_eq!(raw.answer().status, 505);
    raw.expect_end();
    let mut raw = Raw::open(address);
    raw.send(request("GET", "/sse/o?limit=1", "Connection: close\r\n"));
    raw.expect("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Seq: 1\r\n");
    raw.expect("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    until_stats(address, "\"sse\":1,");
    Raw::open(address).publish("o", "new");
    raw.expect(chunk("id: 2\ndata: new\n\n") + "0\r\n\r\n");
    raw.expect_end();
}

#[test]
fn bad_wishes_are_refused() {
    let (_running, address) = server(Config::default());
    let mut raw = Raw::open(address);
    for query in ["limit=0", "limit=x", "limit=-1", "retry=soon", "after=x", "last_event_id=1e3"] {
        assert_eq!(raw.get(&format!("/sse/b?{query}")).status, 400, "{query}");
    }
    raw.send(request("GET", "/lines/b", "Last-Event-ID: yesterday\r\n"));
    assert_eq!(raw.answer().status, 400);
    raw.send(upgrade("/ws/b?ids=2", KEY));
    assert_eq!(raw.answer().status, 400);
    raw.send(request("PUT", "/sse/b", ""));
    raw.expect("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, POST\r\n");
    until_stats(address, "\"channels\":0");
}

#[test]
fn an_empty_message_ends_no_chunked_body() {
    let (_running, address) = server(Config::default());
    let (mut raw, mut publisher) = (Raw::open(address), Raw::open(address));
    raw.send(request("GET", "/chunked/e?limit=2", ""));
    raw.expect(head("text/plain", 0, ""));
    for message in ["one", "", "two"] {
        publisher.publish("e", message);
    }
    raw.expect(chunk("one") + &chunk("two") + "0\r\n\r\n");
    until_stats(address, "\"unsendable\":1,");
}

#[test]
fn a_request_behind_a_stream_waits_for_its_end() {
    let (_running, address) = server(Config::default());
    let mut raw = Raw::open(address);
    raw.send(request("GET", "/lines/p?limit=1", "") + &request("GET", "/ok", "Connection: close\r\n"));
    raw.expect(head("text/plain", 0, ""));
    Raw::open(address).publish("p", "x");
    raw.expect(chunk("x\n") + "0\r\n\r\n");
    assert_eq!(raw.answer().body, "ok\n");
    raw.expect_end();
}

#[test]
fn deleting_a_channel_ends_its_streams() {
    let (_running, address) = server(Config::default());
    let (mut raw, mut other) = (Raw::open(address), Raw::open(address));
    raw.send(request("GET", "/sse/d", ""));
    raw.expect(head("text/event-stream", 0, ""));
    other.send(request("DELETE", "/pub/d", ""));
    assert!(other.answer().body.contains("\"subscribers\":1"));
    raw.expect("0\r\n\r\n");
    assert_eq!(raw.get("/ok").body, "ok\n");
}

#[test]
fn a_websocket_resumes_and_learns_its_cursor() {
    let (_running, address) = server(Config::default());
    let mut publisher = Raw::open(address);
    for message in ["one", "two", "three"] {
        publisher.publish("w", message);
    }
    let mut plain = Raw::upgraded(address, "/ws/w?after=2");
    let mut named = Raw::upgraded(address, "/duplex/w?after=1&ids=1");
    assert_eq!(plain.frame(), (0x81, b"three".to_vec()));
    named.send(masked(0x82, b"\xFF"));
    assert_eq!(plain.frame(), (0x82, b"\xFF".to_vec()));
    let got: Vec<_> = (0..3).map(|_| named.frame()).collect();
    assert_eq!(got, [(0x81, b"2 two".to_vec()), (0x81, b"3 three".to_vec()), (0x82, b"4 \xFF".to_vec())]);
}

#[test]
fn a_replay_larger_than_the_queue_drops_nobody_who_reads() {
    const SIZE: usize = 64 * 1024;
    let bytes = 1 << 26;
    let config = Config { history_bytes: bytes, queue_bytes: SIZE, ..Config::default() };
    let (_running, address) = server(config);
    let (mut raw, mut publisher) = (Raw::open(address), Raw::open(address));
    let body = |n: usize| format!("{n:05}").repeat(SIZE / 5);
    for n in 0..300 {
        publisher.publish("big", body(n));
    }
    raw.send(request("GET", "/lines/big?after=0&limit=310", ""));
    raw.expect(head("text/plain", 0, ""));
    // 19 MiB: more than the kernel takes, so the server is in the middle of it.
    for n in 300..310 {
        publisher.publish("big", body(n));
    }
    for n in 0..310 {
        assert!(raw.chunk() == body(n) + "\n", "message {n}");
    }
    assert_eq!(raw.chunk(), "");
    until_stats(address, "\"slow_dropped\":0");
}

#[test]
fn a_slow_stream_is_dropped_not_cut_short() {
    const SIZE: usize = 64 * 1024;
    let (_running, address) = server(Config { queue_bytes: 4 * SIZE, ..Config::default() });
    let (mut slow, mut publisher) = (Raw::open(address), Raw::open(address));
    slow.send(request("GET", "/sse/s", ""));
    slow.expect(head("text/event-stream", 0, ""));
    let body = "x".repeat(SIZE);
    for n in 0.. {
        // The kernel buffers a few MiB; 64 MiB mean that the queue has no bound.
        assert!(n < 1_000, "never dropped");
        publisher.publish("s", &body);
        if publisher.get("/stats").body.contains("\"slow_dropped\":1") {
            break;
        }
    }
    let rest = std::io::Read::read_to_end(&mut slow.0, &mut Vec::new());
    assert!(rest.is_err(), "reset, so that nobody takes it for an end");
}
