//! Restarts on demand.

use crate::raw::{Raw, request, until_stats};
use pushbench::server::{Config, Running, start_on_thread};
use std::io::{ErrorKind, Read};
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
    let mut seen = String::new();
    for _ in 0..4_000 {
        // The connection may fall to the very restart it wants to know of.
        if let Ok(mut socket) = TcpStream::connect(running.address) {
            use std::io::Write;
            let asked = socket.write_all(request("GET", "/stats", "Connection: close\r\n").as_bytes());
            seen.clear();
            if asked.is_ok() && socket.read_to_string(&mut seen).is_ok() && seen.contains("\"restarts\":3,") {
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("never came to three restarts: {seen}");
}
