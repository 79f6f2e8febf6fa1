//! Against a server of the test's own that answers well, badly, slowly, or without end.

use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;

/// Room for a machine that is busy.
const PATIENCE: Nanos = Nanos(20 * Nanos::SECOND.0);

/// Answers each connection with what `answer` makes of the head of its request; empty: holds it open.
fn server(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                head.push(byte[0]);
            }
            // It may be given up half way.
            let _ = stream.write_all(&answer(&String::from_utf8_lossy(&head)));
            if head.starts_with(b"GET /hold") {
                held.push(stream);
            }
        }
    });
    format!("http://{address}")
}

fn whole(body: &[u8]) -> Vec<u8> {
    [
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len()).as_bytes(),
        body,
    ]
    .concat()
}

fn source(url: &str, headers: &[(String, String)], timeout: Nanos) -> Source<String> {
    let manner = Manner { tls: no_roots(), at: None, headers, timeout, limit_bytes: 1 << 20 };
    Source::new(url, manner, |text| String::from_utf8_lossy(text).into_owned()).unwrap()
}

fn no_roots() -> rustls::ClientConfig {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

fn asked(source: Source<String>, query: &'static str) -> Answer<String> {
    let mut fetcher = Fetcher::start(vec![source]).unwrap();
    assert!(fetcher.ask(0, 7, query));
    let answer = fetcher.wait(PATIENCE).expect("an answer or a reason");
    assert!(answer.mark == 7 && !fetcher.is_asked(0) && answer.at >= answer.asked);
    answer
}

#[test]
fn headers_and_queries_are_sent_and_the_answer_is_read() {
    let base = server(|head| whole(head.as_bytes()));
    let headers = [("Authorization".to_owned(), "Bearer x".to_owned())];
    let answer = asked(source(&format!("{base}/m?a=1"), &headers, PATIENCE), "");
    let head = answer.result.unwrap();
    assert!(
        head.starts_with("GET /m?a=1 HTTP/1.1\r\n") && head.contains("authorization: Bearer x\r\n"),
        "{head}"
    );
    assert_eq!(answer.bytes, head.len());
    let other = asked(source(&format!("{base}/m"), &[], PATIENCE), "depth=full");
    assert!(other.result.unwrap().starts_with("GET /m?depth=full HTTP/1.1\r\n"));
}

#[test]
fn a_bad_status_and_a_closed_port_are_reasons() {
    let base = server(|_| b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n".to_vec());
    assert_eq!(asked(source(&base, &[], PATIENCE), "").result, Err(FetchError::Status(503)));
    let moved =
        server(|_| b"HTTP/1.1 302 No\r\nlocation: http://example.org\r\ncontent-length: 0\r\n\r\n".to_vec());
    assert_eq!(asked(source(&moved, &[], PATIENCE), "").result, Err(FetchError::Status(302)));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = asked(source(&format!("http://{closed}/"), &[], PATIENCE), "").result.unwrap_err();
    assert!(matches!(&refused, FetchError::Failed(why) if why.contains("refused")), "{refused}");
}

#[test]
fn a_slow_one_is_given_up_and_holds_nobody_up() {
    let slow = server(|_| Vec::new());
    let quick = server(|_| whole(b"here"));
    let hold = source(&format!("{slow}/hold"), &[], Nanos::from_millis(1_500));
    let mut fetcher = Fetcher::start(vec![hold, source(&quick, &[], PATIENCE)]).unwrap();
    assert!(fetcher.ask(0, 0, "") && !fetcher.ask(0, 1, ""), "one question at a time");
    assert!(fetcher.ask(1, 2, ""));
    let first = fetcher.wait(PATIENCE).unwrap();
    assert_eq!((first.source, first.result), (1, Ok("here".to_owned())));
    let second = fetcher.wait(PATIENCE).unwrap();
    assert!(matches!(second.result, Err(FetchError::Timeout(n)) if n == Nanos::from_millis(1_500)));
    assert!(second.at - second.asked >= Nanos::from_millis(1_490));
    assert!(fetcher.ask(0, 3, ""), "it may be asked again");
}

#[test]
fn ten_megabytes_are_not_read_to_their_end() {
    let told = server(|_| whole(&vec![b'x'; 10 << 20]));
    let answer = asked(source(&told, &[], PATIENCE), "");
    assert_eq!(answer.result, Err(FetchError::TooLong { limit: 1 << 20, read: 0 }));
    let endless =
        server(|_| [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec(), vec![b'x'; 10 << 20]].concat());
    let answer = asked(source(&endless, &[], PATIENCE), "");
    let Err(FetchError::TooLong { limit, read }) = answer.result else { panic!("{answer:?}") };
    assert!(read > limit && read < 2 << 20, "{read}");
}

#[test]
fn what_cannot_be_asked_is_told_at_once() {
    let manner = |headers| Manner { tls: no_roots(), at: None, headers, timeout: PATIENCE, limit_bytes: 1 };
    let of = |url: &str, headers| Source::new(url, manner(headers), |_| ()).err();
    assert!(matches!(of("/metrics", &[]), Some(FetchError::Setup(_))));
    let broken = [("X".to_owned(), "a\nb".to_owned())];
    assert!(matches!(of("http://127.0.0.1/", &broken), Some(FetchError::Setup(_))));
}
