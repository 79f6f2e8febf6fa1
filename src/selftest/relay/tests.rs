use super::*;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Sends and reads until the answer has `until` in it.
fn ask(stream: &mut TcpStream, request: &str, until: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&answer).contains(until) {
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0, "it ended after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&buffer[..n]);
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn what_crosses_is_counted_by_kind_and_to_the_byte() {
    let relay = Relay::start(RelaySpec { refuse: (1, 2), ..RelaySpec::default() }).unwrap();
    let mut publisher = TcpStream::connect(relay.address).unwrap();
    let publish = "POST /pub/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
    let refused = ask(&mut publisher, publish, "\r\n\r\n");
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    let taken = ask(&mut publisher, publish, "}");
    assert!(taken.starts_with("HTTP/1.1 202"), "{taken}");
    let mut reader = TcpStream::connect(relay.address).unwrap();
    let poll = "GET /poll/a?after=0 HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = ask(&mut reader, poll, "hi");
    let counts = relay.counts();
    let crossed = |from: &[&str], to: &[&str]| {
        let sum = |all: &[&str]| all.iter().map(|t| t.len() as u64).sum();
        Crossed { connections: 1, open: 1, from_clients: sum(from), to_clients: sum(to) }
    };
    assert_eq!(counts.publishers, crossed(&[publish, publish], &[&refused, &taken]));
    assert_eq!(counts.subscribers, crossed(&[poll], &[&answer]));
    assert_eq!(counts.refused, 1);
}

#[test]
fn a_long_poll_after_an_answer_waits_out_the_gap() {
    let relay = Relay::start(RelaySpec { gap: Nanos::from_millis(60), ..RelaySpec::default() }).unwrap();
    let mut publisher = TcpStream::connect(relay.address).unwrap();
    ask(&mut publisher, "POST /pub/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", "}");
    let mut reader = TcpStream::connect(relay.address).unwrap();
    let clock = crate::clock::Clock::Monotonic;
    let request = "GET /lp/a?after=0 HTTP/1.1\r\nHost: x\r\n\r\n";
    ask(&mut reader, request, "hi");
    let answered = clock.now();
    ask(&mut reader, request, "hi");
    // The first answer left the relay a moment before it was read here.
    let waited = clock.now() - answered;
    assert!(waited > Nanos::from_millis(40), "{waited}");
    // The relay's own figure: of the second poll, the only one after an answer, and from that answer on.
    let counts = relay.counts();
    assert_eq!(counts.gaps, 1);
    assert!(
        counts.gap_ns_total >= Nanos::from_millis(60).0 && counts.gap_ns_total >= waited.0 / 2,
        "{counts:?}"
    );
}
