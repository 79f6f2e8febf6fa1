//! Restarts on demand.

use crate::raw::{Raw, request, until_stats};
use pushbench::server::{Config, Running, start_on_thread};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

fn server(fault: &str) -> Running {
    let faults = vec![fault.parse().unwrap()];
    start_on_thread(Config { faults, tls: Some(([127, 0, 0, 1], 0).into()), ..Config::default() }).unwrap()
}

/// A stream whose head has come.
fn stream(address: SocketAddr, path: &str) -> Raw {
    let mut raw = Raw::open(address);
    raw.send(request("GET", path, ""));
    raw.head();
    raw
}

fn refused(address: SocketAddr) -> bool {
    match TcpStream::connect(address) {
        Ok(_) => false,
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::ConnectionRefused);
            true
        }
    }
}

/// Waits until it listens again.
fn until_back(address: SocketAddr) {
    for _ in 0..4_000 {
        if !refused(address) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("never back");
}

fn is_reset(raw: &mut Raw) -> bool {
    raw.0.read_to_end(&mut Vec::new()).is_err_and(|e| e.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn a_restart_drops_all_refuses_all_and_comes_back_with_its_history() {
    let running = server("restart at 1500ms for 2s");
    let address = running.address;
    let mut publisher = Raw::open(address);
    publisher.publish("a", "before");
    let mut socket = Raw::upgraded(address, "/ws/a");
    let mut sse = stream(address, "/sse/a");
    let mut waiting = Raw::open(address);
    waiting.send(request("GET", "/lp/a", ""));
    until_stats(address, "\"websocket\":1,\"long_poll\":1");
    for raw in [&mut socket, &mut sse, &mut waiting, &mut publisher] {
        assert!(is_reset(raw));
    }
    assert!(refused(address) && refused(running.tls.unwrap()), "nobody can publish either");
    until_back(address);
    until_stats(address, "\"restarts\":1,");
    until_stats(address, "\"websocket\":0,\"long_poll\":0");
    let mut publisher = Raw::open(address);
    assert!(publisher.publish("a", "after").body.contains("\"sequence\":2"));
    assert_eq!(publisher.get("/poll/a?after=0").body, "before\nafter");
    let config = crate::secure::trusting(running.certificate.as_ref().unwrap(), &[]);
    let mut secure = crate::secure::open(running.tls.unwrap(), &config);
    assert_eq!(secure.get("/ok").body, "ok\n", "the same port and the same certificate");
}

#[test]
fn a_graceful_restart_says_goodbye_and_may_lose_its_history() {
    let running = server("restart at 1500ms for 1s gracefully losing history");
    let address = running.address;
    let mut idle = Raw::open(address);
    idle.publish("g", "before");
    let mut socket = Raw::upgraded(address, "/ws/g");
    let mut echo = Raw::upgraded(address, "/echo");
    let mut sse = stream(address, "/sse/g");
    let mut parts = stream(address, "/multipart/g");
    for raw in [&mut socket, &mut echo] {
        assert_eq!(raw.frame(), (0x88, [&1001_u16.to_be_bytes()[..], b"restart"].concat()));
        raw.expect_end();
    }
    sse.expect("0\r\n\r\n");
    sse.expect_end();
    assert!(parts.chunk().starts_with("--pushbench-"));
    assert_eq!([parts.chunk(), parts.chunk()], ["--\r\n", ""]);
    parts.expect_end();
    assert!(is_reset(&mut idle));
    until_back(address);
    let mut raw = Raw::open(address);
    assert_eq!(raw.get("/poll/g?after=0").status, 304, "nothing is kept");
    assert!(raw.publish("g", "after").body.contains("\"sequence\":2"), "and no cursor means two things");
    raw.send(request("GET", "/poll/g?after=0", ""));
    assert!(raw.head().contains("\r\nX-Skipped: 1\r\n"));
}

#[test]
fn restarts_go_on() {
    let running = server("restart every 400ms for 100ms");
    let mut seen = Ok(String::new());
    for _ in 0..4_000 {
        // The connection may fall to the very restart it wants to know of.
        seen = ask(running.address, &request("GET", "/stats", "Connection: close\r\n"));
        if seen.as_ref().is_ok_and(|answer| answer.contains("\"restarts\":3,")) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("never came to three restarts: {seen:?}");
}

/// Sends one request on a connection of its own; the answer, if it came whole.
fn ask(address: SocketAddr, bytes: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    socket.write_all(bytes.as_bytes())?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Reads events until the connection is lost or the last one has come; `last` is the newest seen.
fn follow(address: SocketAddr, last: &mut u64) -> std::io::Result<bool> {
    let mut socket = TcpStream::connect(address)?;
    socket.write_all(request("GET", "/sse/f?after=0", &format!("Last-Event-ID: {last}\r\n")).as_bytes())?;
    let (mut lines, mut id) = (BufReader::new(socket), 0);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 || !line.ends_with('\n') {
            return Ok(false);
        }
        if let Some(text) = line.strip_prefix("id: ") {
            id = text.trim_end().parse().unwrap();
        } else if let Some(text) = line.strip_prefix("data: ") {
            assert_eq!(id, *last + 1, "nothing missed, nothing twice");
            *last = id;
            if text == "end\n" {
                return Ok(true);
            }
        }
    }
}

#[test]
fn a_client_that_resumes_misses_nothing_over_restarts() {
    let running = server("restart every 150ms for 50ms");
    let address = running.address;
    let (mut last, mut lives) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for n in 0..200 {
                let body = if n < 199 { "more" } else { "end" };
                let headers = format!("Connection: close\r\nContent-Length: {}\r\n", body.len());
                let publish = request("POST", "/pub/f", &headers) + body;
                // What a restart cut off may be there or not: published again, it is another message.
                while !ask(address, &publish).is_ok_and(|answer| answer.starts_with("HTTP/1.1 202")) {
                    std::thread::sleep(Duration::from_millis(2));
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        while !matches!(follow(address, &mut last), Ok(true)) {
            lives += 1;
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    assert!(last >= 200 && lives > 1, "{last} messages over {lives} interruptions");
}
