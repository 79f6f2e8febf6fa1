//! The reference server over raw sockets: what is on the wire is what is tested.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself may")]

#[path = "server/command.rs"]
mod command;
#[path = "server/faults.rs"]
mod faults;
#[path = "server/raw.rs"]
mod raw;
#[path = "server/restart.rs"]
mod restart;
#[path = "server/secure.rs"]
mod secure;
#[path = "server/streams.rs"]
mod streams;

use pushbench::model::Nanos;
use pushbench::server::Config;
use raw::{KEY, Raw, masked, request, server, until_stats, upgrade};
use std::io::Read;
use std::net::SocketAddr;

#[test]
fn each_endpoint_answers_to_the_byte() {
    let (_running, address) = server(Config { history: 2, ..Config::default() });
    let mut raw = Raw::open(address);
    let mut is = |request: String, answer: &str| {
        raw.send(request);
        raw.expect(answer);
    };
    let nothing = |status: &str, n: u64| format!("HTTP/1.1 {status}\r\nETag: \"{n}\"\r\n\r\n");
    is(request("GET", "/ok", ""), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n");
    is(request("GET", "/poll/a", ""), &nothing("204 No Content", 0));
    is(request("GET", "/latest/a", ""), &nothing("204 No Content", 0));
    for (n, method) in ["POST", "PUT", "POST"].into_iter().enumerate() {
        let head = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 45\r\n\r\n{\"channel\":\"a\"";
        is(
            format!("{}m{}", request(method, "/pub/a", "Content-Length: 2\r\n"), n + 1),
            &format!("{head},\"sequence\":{},\"subscribers\":0}}\n", n + 1),
        );
    }
    let text = |etag: &str, body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{etag}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let both = text("ETag: \"3\"\r\n", "m2\nm3");
    is(request("GET", "/poll/a?after=1", ""), &both);
    is(request("GET", "/lp/a", "If-None-Match: \"1\"\r\n"), &both);
    let skipped = text("ETag: \"3\"\r\nX-Skipped: 1\r\n", "m2\nm3");
    is(request("GET", "/poll/a", "If-None-Match: \"0\"\r\n"), &skipped);
    is(request("GET", "/poll/a", "If-None-Match: \"3\"\r\n"), &nothing("304 Not Modified", 3));
    is(request("GET", "/poll/a", ""), &nothing("204 No Content", 3));
    let newest = text("ETag: \"3\"\r\n", "m3");
    is(request("GET", "/latest/a", ""), &newest);
    is(request("GET", "/latest/a", "If-None-Match: \"2\"\r\n"), &newest);
    is(request("GET", "/latest/a?after=3", ""), &nothing("304 Not Modified", 3));
}

#[test]
fn refusals_and_ends_are_exact() {
    let (_running, address) = server(Config { channels: 1, ..Config::default() });
    let mut raw = Raw::open(address);
    raw.publish("a", "x");
    let mut is = |request: String, status: &str, headers: &str, body: &str| {
        raw.send(request);
        raw.expect(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()));
    };
    is(request("GET", "/poll/a?after=x", ""), "400 Bad Request", "", "Bad Request\n");
    is(request("GET", "/nowhere", ""), "404 Not Found", "", "Not Found\n");
    let not_allowed = "405 Method Not Allowed";
    is(request("GET", "/pub/a", ""), not_allowed, "Allow: POST, PUT, DELETE\r\n", "Method Not Allowed\n");
    is(request("POST", "/poll/a", ""), not_allowed, "Allow: GET\r\n", "Method Not Allowed\n");
    is(request("GET", "/lp/second", ""), "503 Service Unavailable", "", "Service Unavailable\n");
    let gone = "{\"channel\":\"a\",\"sequence\":1,\"subscribers\":0}\n";
    is(request("DELETE", "/pub/a", ""), "200 OK", "Content-Type: application/json\r\n", gone);
    is(request("DELETE", "/pub/a", ""), "404 Not Found", "", "Not Found\n");
}

#[test]
fn connections_stay_or_end_as_asked() {
    let (_running, address) = server(Config::default());
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n";
    for (asked, told, ends) in [
        (request("GET", "/ok", "Connection: close\r\n"), "Connection: close\r\n", true),
        ("GET /ok HTTP/1.0\r\n\r\n".to_owned(), "Connection: close\r\n", true),
        (
            "GET /ok HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n".to_owned(),
            "Connection: keep-alive\r\n",
            false,
        ),
        (request("GET", "/ok", "Connection: keep-alive\r\n"), "", false),
    ] {
        let mut raw = Raw::open(address);
        raw.send(asked);
        raw.expect(format!("{head}{told}\r\nok\n"));
        match ends {
            true => raw.expect_end(),
            false => assert_eq!(raw.get("/ok").body, "ok\n"),
        }
    }
}

#[test]
fn a_deleted_channel_never_reuses_a_cursor() {
    let (_running, address) = server(Config::default());
    let mut raw = Raw::open(address);
    raw.publish("a", "old");
    raw.send(request("DELETE", "/pub/a", ""));
    raw.answer();
    raw.publish("a", "new");
    let got = raw.get("/poll/a?after=1");
    assert_eq!((got.status, got.etag, got.body.as_str()), (200, 2, "new"));
}

#[test]
fn requests_may_be_split_anywhere_and_pipelined() {
    let (_running, address) = server(Config::default());
    let requests = format!(
        "{}hello{}4\r\nmore\r\n0\r\n\r\n{}",
        request("POST", "/pub/s", "Content-Length: 5\r\n"),
        request("POST", "/pub/s", "Transfer-Encoding: chunked\r\n"),
        request("GET", "/latest/s", "Connection: close\r\n"),
    );
    for at in 1..requests.len() {
        let mut raw = Raw::open(address);
        raw.send(&requests[..at]);
        // Lets the server see the first part alone, mostly; the outcome is the same if not.
        std::thread::yield_now();
        raw.send(&requests[at..]);
        assert_eq!([raw.answer().status, raw.answer().status], [202, 202], "split at {at}");
        let latest = raw.answer();
        assert_eq!((latest.status, latest.body.as_str(), latest.etag), (200, "more", 2 * at as u64));
        raw.expect_end();
    }
}

#[test]
fn malformed_requests_are_answered_and_closed() {
    let (_running, address) = server(Config::default());
    let cases = [
        ("garbage\r\n\r\n".to_owned(), 400),
        ("GET /ok HTTP/1.1\r\n\r\n".to_owned(), 400),
        (request("POST", "/pub/a", "Content-Length: x\r\n"), 400),
        (request("POST", "/pub/a", "Content-Length: 1048577\r\n"), 413),
        (request("POST", "/pub/a", "Transfer-Encoding: chunked\r\n") + "FFFFFFFFFFFFFFFF\r\n", 413),
        (request("POST", "/pub/a", "Expect: miracles\r\nContent-Length: 1\r\n"), 417),
        (format!("GET /{} HTTP/1.1\r\n", "x".repeat(20_000)), 431),
        (request("GET", "/ok", &"a: b\r\n".repeat(200)), 431),
        (request("POST", "/pub/a", "Transfer-Encoding: gzip\r\n"), 501),
    ];
    for (bytes, status) in cases {
        let mut raw = Raw::open(address);
        raw.send(&bytes);
        assert_eq!(raw.answer().status, status, "{bytes:.60}");
        raw.expect_end();
    }
    let mut raw = Raw::open(address);
    raw.send(request("PUT", "/pub/a", "Expect: 100-continue\r\nContent-Length: 2\r\n"));
    raw.expect("HTTP/1.1 100 Continue\r\n\r\n");
    raw.send("hi");
    assert_eq!(raw.answer().status, 202);
}

/// Follows a channel by its cursor until `count` messages have come; all of them, as they came.
fn follow(address: SocketAddr, path: &str, count: usize) -> Vec<String> {
    let (mut raw, mut seen, mut cursor) = (Raw::open(address), Vec::new(), 0);
    while seen.len() < count {
        let answer = raw.get(&format!("{path}?after={cursor}"));
        match answer.status {
            200 => seen.extend(answer.body.lines().map(str::to_owned)),
            304 => assert_eq!(answer.etag, cursor, "nothing new, so the same cursor"),
            other => panic!("status {other}"),
        }
        cursor = answer.etag;
    }
    seen
}

#[test]
fn a_cursor_loses_and_doubles_nothing_while_publishing_goes_on() {
    let (_running, address) = server(Config { history: 5_000, ..Config::default() });
    let expected: Vec<String> = (0..2_000).map(|n| format!("m{n}")).collect();
    std::thread::scope(|scope| {
        let readers = ["/poll/c", "/lp/c"].map(|path| scope.spawn(move || follow(address, path, 2_000)));
        let mut raw = Raw::open(address);
        for message in &expected {
            assert_eq!(raw.publish("c", message).status, 202);
        }
        for reader in readers {
            assert_eq!(reader.join().unwrap(), expected);
        }
    });
}

#[test]
fn a_long_poll_is_held_answered_and_forgotten() {
    let (_running, address) = server(Config::default());
    let (mut waiting, mut gone) = (Raw::open(address), Raw::open(address));
    // The second request is pipelined behind the held one and answered after it.
    waiting.send(request("GET", "/lp/h", "") + &request("GET", "/ok", "Connection: close\r\n"));
    gone.send(request("GET", "/lp/h", ""));
    until_stats(address, "\"long_poll\":2}");
    drop(gone);
    until_stats(address, "\"long_poll\":1}");
    let published = Raw::open(address).publish("h", "now");
    assert!(published.body.contains("\"subscribers\":1"), "{}", published.body);
    let answer = waiting.answer();
    assert_eq!((answer.status, answer.etag, answer.body.as_str()), (200, 1, "now"));
    assert_eq!(waiting.answer().body, "ok\n");
    waiting.expect_end();
    until_stats(address, "\"long_poll\":0}");
}

#[test]
fn a_long_poll_ends_empty_when_its_time_is_over() {
    let (_running, address) = server(Config { hold: Nanos::from_millis(30), ..Config::default() });
    let mut raw = Raw::open(address);
    raw.publish("t", "before");
    for _ in 0..2 {
        let answer = raw.get("/lp/t");
        assert_eq!((answer.status, answer.etag), (204, 1));
    }
    raw.publish("t", "between");
    assert_eq!(raw.get("/lp/t?after=1").body, "between");
    until_stats(address, "\"long_poll\":0}");
}

#[test]
fn handshakes_are_checked() {
    let (_running, address) = server(Config::default());
    let good = upgrade("/ws/a", KEY);
    let cases = [
        (request("GET", "/ws/a", ""), "426 Upgrade Required"),
        (good.replace("UPGRADE", "x"), "426 Upgrade Required"),
        (good.replace("WebSocket\r\n", "h2c\r\n"), "426 Upgrade Required"),
        (good.replace("Version: 13", "Version: 8"), "426 Upgrade Required"),
        (good.replace(KEY, "dG9vIHNob3J0"), "400 Bad Request"),
        (good.replace("GET", "POST"), "405 Method Not Allowed"),
        (good.replace("/ws/a", "/ws/a/b"), "404 Not Found"),
    ];
    for (bytes, status) in cases {
        let mut raw = Raw::open(address);
        raw.send(&bytes);
        raw.expect(format!("HTTP/1.1 {status}\r\n"));
        if status.starts_with("426") {
            raw.expect("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
        }
    }
    until_stats(address, "\"websocket\":0");
    Raw::upgraded(address, "/ws/a");
}

#[test]
fn frames_carry_every_length_class() {
    let (_running, address) = server(Config::default());
    let (mut subscriber, mut echo) = (Raw::upgraded(address, "/ws/l"), Raw::upgraded(address, "/echo"));
    let mut publisher = Raw::open(address);
    for (length, head) in [
        (0, vec![0x81, 0]),
        (125, vec![0x81, 125]),
        (126, vec![0x81, 126, 0, 126]),
        (65_535, vec![0x81, 126, 0xFF, 0xFF]),
        (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let payload = vec![b'x'; length];
        publisher.publish("l", &payload);
        echo.send(masked(0x81, &payload));
        for raw in [&mut subscriber, &mut echo] {
            assert_eq!(raw.take(head.len()), head);
            assert!(raw.take(length) == payload, "{length} bytes");
        }
    }
    publisher.publish("l", [0xFF, 0xFE]);
    assert_eq!(subscriber.frame(), (0x82, vec![0xFF, 0xFE]), "no UTF-8, so binary");
}

#[test]
fn closes_carry_the_right_code() {
    let (_running, address) = server(Config::default());
    let code = |path: &str, bytes: Vec<u8>| {
        let mut raw = Raw::upgraded(address, path);
        raw.send(bytes);
        let (first, payload) = raw.frame();
        assert_eq!(first, 0x88);
        raw.expect_end();
        payload.get(..2).map(|c| u16::from_be_bytes([c[0], c[1]]))
    };
    assert_eq!(code("/ws/a", masked(0x88, &4_000_u16.to_be_bytes())), Some(4_000));
    assert_eq!(code("/ws/a", masked(0x88, b"")), None);
    assert_eq!(code("/ws/a", masked(0x81, b"not welcome")), Some(1008));
    assert_eq!(code("/ws/a", vec![0x81, 1, b'x']), Some(1002));
    assert_eq!(code("/echo", masked(0x81, b"\xC3\x28")), Some(1007));
    assert_eq!(code("/echo", vec![0x82, 0xFF, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]), Some(1009));
    until_stats(address, "\"websocket\":0");
}

#[test]
fn pings_fragments_and_duplex() {
    let (_running, address) = server(Config { ping: Nanos::from_millis(50), ..Config::default() });
    let mut echo = Raw::upgraded(address, "/echo");
    echo.send([masked(0x01, b"in "), masked(0x89, b"p"), masked(0x80, b"parts")].concat());
    let mut frames = std::iter::repeat_with(|| echo.frame()).filter(|f| f.0 != 0x89);
    assert_eq!(frames.next(), Some((0x8A, b"p".to_vec())));
    assert_eq!(frames.next(), Some((0x81, b"in parts".to_vec())));
    let mut watching = Raw::upgraded(address, "/ws/d");
    assert_eq!(watching.frame(), (0x89, Vec::new()), "pinged by the server");
    let mut duplex = Raw::upgraded(address, "/duplex/d");
    duplex.send(masked(0x82, b"both ways"));
    for raw in [&mut watching, &mut duplex] {
        let mut frames = std::iter::repeat_with(|| raw.frame()).filter(|f| f.0 != 0x89);
        assert_eq!(frames.next(), Some((0x82, b"both ways".to_vec())));
    }
    assert_eq!(Raw::open(address).get("/latest/d").body, "both ways");
}

#[test]
fn deleting_sends_everybody_away() {
    let (_running, address) = server(Config::default());
    let (mut subscriber, mut waiting) = (Raw::upgraded(address, "/ws/x"), Raw::open(address));
    waiting.send(request("GET", "/lp/x", ""));
    until_stats(address, "\"websocket\":1,\"long_poll\":1");
    let mut raw = Raw::open(address);
    raw.send(request("DELETE", "/pub/x", ""));
    assert!(raw.answer().body.contains("\"subscribers\":2"));
    assert_eq!(subscriber.frame(), (0x88, [&1001_u16.to_be_bytes()[..], b"channel deleted"].concat()));
    subscriber.expect_end();
    assert_eq!(waiting.answer().status, 410);
    assert_eq!(waiting.get("/ok").status, 200, "the connection goes on");
    until_stats(address, "\"websocket\":0,\"long_poll\":0");
}

#[test]
fn a_slow_reader_is_dropped_and_the_others_miss_nothing() {
    const SIZE: usize = 64 * 1024;
    let (_running, address) = server(Config { queue_bytes: 4 * SIZE, ..Config::default() });
    let mut slow = Raw::upgraded(address, "/ws/s");
    let mut quick = Raw::upgraded(address, "/ws/s");
    let mut publisher = Raw::open(address);
    let mut published = 0;
    while !publisher.get("/stats").body.contains("\"slow_dropped\":1") {
        // The kernel buffers a few MiB; 64 MiB mean that the queue has no bound.
        assert!(published < 1_000, "never dropped");
        let body = format!("{published:05}").repeat(SIZE / 5);
        publisher.publish("s", &body);
        assert!(quick.frame() == (0x81, body.into_bytes()), "message {published}");
        published += 1;
    }
    until_stats(address, "\"websocket\":1");
    assert!(slow.0.read_to_end(&mut Vec::new()).is_err(), "reset, so that nobody takes it for an end");
}

#[test]
fn a_thousand_subscribers_get_all_in_one_order() {
    let (_running, address) = server(Config::default());
    let mut subscribers: Vec<Raw> = (0..1_000).map(|_| Raw::upgraded(address, "/ws/k")).collect();
    std::thread::scope(|scope| {
        for publisher in ["a", "b"] {
            scope.spawn(move || {
                let mut raw = Raw::open(address);
                for n in 0..50 {
                    raw.publish("k", format!("{publisher}{n:02}"));
                }
            });
        }
    });
    let order: Vec<(u8, Vec<u8>)> = (0..100).map(|_| subscribers[0].frame()).collect();
    for publisher in [b'a', b'b'] {
        let own = order.iter().filter(|(_, m)| m[0] == publisher).map(|(_, m)| m[1..].to_vec());
        assert!(own.eq((0..50).map(|n| format!("{n:02}").into_bytes())), "each publisher's own order");
    }
    for raw in &mut subscribers[1..] {
        assert!(order.iter().all(|wanted| raw.frame() == *wanted));
    }
    until_stats(address, "\"websocket\":100000");
}
