//! Endless answers: where they are cut, how they end, what the next session knows.

use crate::fake::*;
use pushbench::model::{Failure, Nanos, Traffic};
use pushbench::net::Endpoint;
use pushbench::scenario::{
    CarrierSpec, CursorFrom, CursorInto, CursorSpec, Method, SplitSpec, StreamKind, StreamSpec,
};
use pushbench::transport::{Event, UnitKind};
use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

/// `GET /p HTTP/1.1` 15 + 2, `Host: h` 7 + 2, `Accept: text/event-stream` 25 + 2, blank line 2.
pub(crate) const SSE_GET: u64 = 55;
const SSE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: keep-alive\r\n\r\n";
pub(crate) const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(crate) fn spec(kind: StreamKind, split: SplitSpec) -> StreamSpec {
    StreamSpec {
        kind,
        method: Method::Get,
        path: "/p".into(),
        body: String::new(),
        split,
        status: vec![200],
        cursor: CursorSpec::None,
        most_duration: None,
        most_events: None,
        most_bytes: None,
        max_message_bytes: 10_000,
    }
}

fn sse() -> StreamSpec {
    let (from, into) = (CursorFrom::SseId, CursorInto::Header("Last-Event-ID".into()));
    StreamSpec {
        cursor: CursorSpec::Value { from, into, initial: None },
        ..spec(StreamKind::Sse, SplitSpec::Sse)
    }
}

pub(crate) fn chunked() -> StreamSpec {
    spec(StreamKind::Chunked, SplitSpec::Chunk)
}

pub(crate) async fn open(spec: &StreamSpec, to: &Endpoint) -> Result<Client, Failure> {
    Client::open_at(&CarrierSpec::Stream(spec.clone()), to).await
}

impl Client {
    /// Goes on until the answer ends or fails.
    pub(crate) async fn read_on(&mut self) -> Result<(), Failure> {
        while self.next().await? == Event::Received {}
        Ok(())
    }

    fn texts(&self) -> Vec<String> {
        let data = self.basket.units.iter().filter(|u| u.kind == UnitKind::Data);
        data.map(|u| String::from_utf8_lossy(&u.body).into_owned()).collect()
    }
}

/// Opens, reads to the end, and everything was told of.
fn read_all(spec: &StreamSpec, reply: impl Into<Vec<u8>>) -> (Result<(), Failure>, Client, Endpoint) {
    let reply = reply.into();
    let address = serve(move |peer, _| drop(answer(peer, &reply)));
    let to = endpoint(address);
    on_a_worker(async {
        let mut client = open(spec, &to).await.unwrap();
        let ended = client.read_on().await;
        (ended, client, to.clone())
    })
}

#[test]
fn sse_that_ends_by_the_close_resumes_behind_its_last_event() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, number| {
        let body = format!("{SSE}: hi\n\nid: 7:{number}\ndata: m{number}\n\nevent: ping\n\n");
        tell.send(answer(peer, body.as_bytes())).unwrap();
    });
    on_a_worker(async {
        let to = endpoint(address);
        for number in 0..3 {
            let mut client = open(&sse(), &to).await.unwrap();
            client.read_on().await.unwrap();
            assert_eq!(client.texts(), [format!("m{number}")]);
            let request = told.recv().unwrap();
            assert!(request.contains("\r\nAccept: text/event-stream\r\n"), "{request}");
            let resumed = request.contains(&format!("\r\nLast-Event-ID: 7:{}\r\n", number - 1));
            assert_eq!(resumed, number > 0, "{request}");
            assert_eq!(client.session.wire(), client.told(), "the difference is 0");
            assert_eq!(client.basket.connects, 1);
        }
        assert_eq!(to.memory.borrow().cursor, "7:2");
    });
}

#[test]
fn bytes_of_an_event_stream_by_hand() {
    // `: hi` 4 + 2; `id: 1` 6, `data: hello` 6 + 5 + 1, 1; `event: ping` 11 + 2.
    let (ended, client, _) = read_all(&sse(), format!("{SSE}: hi\n\nid: 1\ndata: hello\n\nevent: ping\n\n"));
    ended.unwrap();
    let units = &client.basket.units;
    let kinds: Vec<_> = units.iter().map(|u| u.kind).collect();
    let control = UnitKind::Control;
    assert_eq!(kinds, [control, control, UnitKind::Data, control]);
    let heads = SSE_GET + SSE.len() as u64;
    let want = Traffic { headers: heads, wire_in: SSE.len() as u64, wire_out: SSE_GET, ..Traffic::default() };
    assert_eq!(units[0].traffic, want);
    // The empty line behind a comment comes with what follows it.
    let comment = Traffic { payload: 2, framing: 3, wire_in: 5, ..Traffic::default() };
    assert_eq!((units[1].traffic, &units[1].body[..]), (comment, &b"hi"[..]));
    assert_eq!(units[2].traffic, Traffic { payload: 5, framing: 15, wire_in: 20, ..Traffic::default() });
    assert_eq!(units[3].traffic, Traffic { framing: 13, wire_in: 13, ..Traffic::default() });
    assert_eq!(client.session.wire(), client.told());
}

#[test]
fn a_chunk_is_a_message_however_it_travels() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| {
        tell.send(read_head(peer)).unwrap();
        // Each write is a packet of its own; the client may or may not see it alone.
        for piece in [CHUNKED, "5\r\nhe", "llo\r", "\n6;x=y\r\nworld!\r\n1\r\na\r\n1\r\nb\r\n0\r\n", "\r\n"] {
            peer.write_all(piece.as_bytes()).unwrap();
            std::thread::yield_now();
        }
        linger(peer);
    });
    on_a_worker(async {
        let mut client = open(&chunked(), &endpoint(address)).await.unwrap();
        client.read_on().await.unwrap();
        assert_eq!(client.texts(), ["hello", "world!", "a", "b"]);
        let framing: Vec<u64> = client.basket.units[1..].iter().map(|u| u.traffic.framing).collect();
        // `5` 1 + 2; CRLF 2, `6;x=y` 5 + 2; 2, 1 + 2; the same; 2, the last chunk 1 + 2, 2.
        assert_eq!(framing, [3, 9, 5, 5, 7]);
        assert_eq!(client.session.wire(), client.told());
        let request = told.recv().unwrap();
        assert!(request.contains("\r\nConnection: TE\r\nTE: chunked\r\n"), "{request}");
    });
}

#[test]
fn an_answer_that_ends_is_opened_again_on_the_same_connection() {
    let address = serve(|peer, number| {
        for asked in 0..3 {
            answer(peer, format!("{CHUNKED}2\r\n{number}{asked}\r\n0\r\n\r\n").as_bytes());
        }
        // The fourth request finds the connection gone, or its end on the way.
    });
    on_a_worker(async {
        let to = endpoint(address);
        let (mut texts, mut connects) = (Vec::new(), 0);
        for _ in 0..6 {
            let mut client = open(&chunked(), &to).await.unwrap();
            client.read_on().await.unwrap();
            texts.extend(client.texts());
            connects += client.basket.connects;
            let (wire, told) = (client.session.wire(), client.told());
            assert_eq!((wire.payload, wire.wire_in), (told.payload, told.wire_in));
        }
        assert_eq!(texts, ["00", "01", "02", "10", "11", "12"]);
        assert_eq!(connects, 2);
    });
}

/// Serves events without end until the client has gone; tells when it has.
fn endless_events() -> (SocketAddr, mpsc::Receiver<()>) {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| {
        answer(peer, SSE.as_bytes());
        while peer.write_all(b"data: 0123456789\n\n").is_ok() {}
        let _ = tell.send(());
    });
    (address, told)
}

#[test]
fn caps_of_ours_end_an_answer_as_a_success() {
    let capped = [
        StreamSpec { most_events: Some(3), ..sse() },
        StreamSpec { most_bytes: Some(1000), ..sse() },
        StreamSpec { most_duration: Some(Nanos::from_millis(20)), ..sse() },
    ];
    for spec in capped {
        let (address, gone) = endless_events();
        on_a_worker(async {
            let mut client = open(&spec, &endpoint(address)).await.unwrap();
            assert_eq!(client.read_on().await, Ok(()));
            let texts = client.texts();
            assert!(texts.len() as u64 >= spec.most_events.unwrap_or(1), "{}", texts.len());
            let wire = client.session.wire();
            assert!(spec.most_bytes.is_none_or(|most| wire.wire_in >= most));
            assert!(wire.wire_in >= client.told().wire_in);
            gone.recv_timeout(Duration::from_secs(20)).expect("the connection is closed");
        });
    }
}

#[test]
fn a_cap_on_time_holds_for_a_silent_answer_too() {
    let address = serve(|peer, _| {
        answer(peer, SSE.as_bytes());
        linger(peer);
    });
    on_a_worker(async {
        let spec = StreamSpec { most_duration: Some(Nanos::from_millis(20)), ..sse() };
        let mut client = open(&spec, &endpoint(address)).await.unwrap();
        let due = client.session.next_deadline().expect("a cap on the duration");
        let clock = pushbench::clock::Clock::Monotonic;
        let ended = loop {
            let Client { session, basket, .. } = &mut client;
            let polled = poll_fn(|cx| Poll::Ready(session.poll_event(cx, basket))).await;
            match polled {
                Poll::Ready(Ok(Event::Received)) => {}
                Poll::Ready(done) => break done,
                Poll::Pending => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        assert_eq!(ended, Ok(Event::Ended));
        assert!(clock.now() >= due);
    });
}

#[test]
fn parts_resume_with_their_own_headers() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, number| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B";
        let part = format!("\r\nLast-Modified: Sun\r\nEtag: {number}\r\n\r\npayload{number}\r\n--B");
        tell.send(answer(peer, format!("{head}{part}").as_bytes())).unwrap();
    });
    let spec = StreamSpec { cursor: CursorSpec::Etag, ..spec(StreamKind::Multipart, SplitSpec::Multipart) };
    on_a_worker(async {
        let to = endpoint(address);
        for number in 0..2 {
            let mut client = open(&spec, &to).await.unwrap();
            client.read_on().await.unwrap();
            assert_eq!(client.texts(), [format!("payload{number}")]);
            assert_eq!(client.session.wire(), client.told());
        }
        assert!(told.recv().unwrap().contains("\r\nAccept: multipart/mixed\r\n"));
        let second = told.recv().unwrap();
        assert!(second.contains("\r\nIf-None-Match: 0\r\nIf-Modified-Since: Sun\r\n"), "{second}");
    });
}

#[test]
fn a_post_sends_its_body_and_counts_it_as_framing() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| {
        let head = read_head(peer);
        let mut body = [0; 5];
        peer.read_exact(&mut body).unwrap();
        tell.send((head, body)).unwrap();
        let _ = peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none\ntw");
    });
    on_a_worker(async {
        let split = SplitSpec::Delimiter(b"\n".to_vec());
        let spec = StreamSpec { method: Method::Post, ..spec(StreamKind::Stream, split) };
        let mut to = endpoint(address);
        to.body = "hello".into();
        let mut client = open(&spec, &to).await.unwrap();
        client.read_on().await.unwrap();
        assert_eq!(client.texts(), ["one", "tw"]);
        let (head, body) = told.recv().unwrap();
        assert!(head.starts_with("POST /p HTTP/1.1\r\n") && head.contains("\r\nContent-Length: 5\r\n"));
        assert_eq!(&body, b"hello");
        let first = client.basket.units[0].traffic;
        assert_eq!((first.framing, first.wire_out), (5, head.len() as u64 + 5));
        assert_eq!(client.session.wire(), client.told());
    });
}

/// Why a stream was not opened, in words too.
fn refused(spec: &StreamSpec, reply: &'static str) -> (Failure, Endpoint) {
    let address = serve(move |peer, _| drop(answer(peer, reply.as_bytes())));
    let to = endpoint(address);
    let failed = on_a_worker(async { open(spec, &to).await.err() });
    (failed.expect("it is refused"), to)
}

#[test]
fn heads_that_are_no_stream_are_named() {
    let told = |to: &Endpoint| to.memory.borrow().detail.clone().expect("words");
    let (failure, to) = refused(&sse(), "HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(failure, Failure::Status5xx);
    assert_eq!(to.memory.borrow().retry_after, Some(Nanos::from_millis(7000)));
    assert!(told(&to).contains("503") && !to.memory.borrow().stay_away);
    let (failure, to) = refused(&sse(), "HTTP/1.1 204 Gone\r\n\r\n");
    assert_eq!((failure, to.memory.borrow().stay_away), (Failure::ClosedByPeer, true));
    assert!(told(&to).contains("204"));
    for (spec, reply, word) in [
        (sse(), "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "text/html"),
        (chunked(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "Transfer-Encoding"),
        (
            spec(StreamKind::Multipart, SplitSpec::Multipart),
            "HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed\r\n\r\n",
            "boundary",
        ),
    ] {
        let (failure, to) = refused(&spec, reply);
        assert_eq!(failure, Failure::BadFraming, "{word}");
        assert!(told(&to).contains(word), "{}", told(&to));
    }
    assert_eq!(refused(&chunked(), "HTTP/1.1 404 No\r\n\r\n").0, Failure::Status4xx);
    assert_eq!(refused(&chunked(), "HTTP/1.1 30").0, Failure::ClosedEarly);
    assert_eq!(refused(&chunked(), "220 mail\r\n").0, Failure::BadHttp);
}

#[test]
fn bodies_that_break_their_framing_are_named_and_counted() {
    let chunk = |n: usize, text: &str| format!("{n:x}\r\n{text}\r\n");
    let endless = "x".repeat(30_000);
    let prefix = SplitSpec::Length(pushbench::scenario::LengthPrefix::U32 { little: false });
    let cases: Vec<(StreamSpec, String, Failure, &str)> = vec![
        (sse(), format!("{SSE}data: {endless}"), Failure::MessageTooLarge, "max_message (10000 bytes)"),
        (sse(), format!("{SSE}: {endless}"), Failure::MessageTooLarge, "sse: a line"),
        (chunked(), format!("{CHUNKED}{}", chunk(30_000, &endless)), Failure::MessageTooLarge, "chunk: "),
        (
            spec(StreamKind::Stream, prefix),
            format!("{CHUNKED}{}", chunk(4, "\x7f\x7f\x7f\x7f")),
            Failure::MessageTooLarge,
            "length: a unit of 2139062143 bytes",
        ),
        (
            spec(StreamKind::Stream, SplitSpec::JsonArray),
            format!("{CHUNKED}{}", chunk(6, "[1}   ")),
            Failure::BadFraming,
            "json-array: ",
        ),
    ];
    for (spec, reply, want, words) in cases {
        let bytes = reply.len() as u64;
        let (ended, client, to) = read_all(&spec, reply);
        assert_eq!(ended, Err(want), "{words}");
        let detail = to.memory.borrow().detail.clone().expect("words");
        assert!(detail.contains(words), "{detail}");
        assert!(client.session.wire().wire_in <= bytes);
        assert!(client.session.wire().wire_in >= client.told().wire_in);
    }
}

#[test]
fn an_answer_that_breaks_off_is_a_failure() {
    let (ended, client, _) = read_all(&chunked(), format!("{CHUNKED}3\r\none\r\n3\r\ntw"));
    assert_eq!(ended, Err(Failure::ClosedEarly));
    assert_eq!(client.texts(), ["one"]);
    let left = client.session.wire().wire_in - client.told().wire_in;
    assert_eq!(left, 2 + 3 + 2, "what was never finished is counted");
    let address = serve(|peer: &mut TcpStream, _| {
        answer(peer, format!("{CHUNKED}3\r\none\r\n").as_bytes());
        peer.read_exact(&mut [0; 1]).unwrap_err();
    });
    on_a_worker(async {
        let mut client = open(&chunked(), &endpoint(address)).await.unwrap();
        while client.texts().is_empty() {
            client.next().await.unwrap();
        }
        assert!(!client.session.leave());
        // The line end behind the chunk, if it is here already.
        assert!(client.session.wire().wire_in - client.told().wire_in <= 2);
        assert_eq!(client.next().await, Err(Failure::ClosedEarly), "it is over");
    });
}

#[test]
fn a_pause_that_the_server_asks_for_is_remembered() {
    let (ended, _, to) = read_all(&sse(), format!("{SSE}retry: 250\n\ndata: x\n\n"));
    assert_eq!((ended, to.memory.borrow().retry_after), (Ok(()), Some(Nanos::from_millis(250))));
}

#[test]
fn a_pull_session_can_be_aimed_elsewhere() {
    let (tell, told) = mpsc::channel();
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    let address = serve(move |peer, _| {
        for _ in 0..2 {
            let mut head = answer(peer, reply);
            let mut body = [0; 3];
            peer.read_exact(&mut body).unwrap();
            head.push_str(std::str::from_utf8(&body).unwrap());
            tell.send(head).unwrap();
        }
    });
    let CarrierSpec::Poll(mut poll) = poll() else { panic!("a poll") };
    poll.pull.method = Method::Post;
    on_a_worker(async {
        let mut to = endpoint(address);
        to.body = "one".into();
        let mut client = Client::open_at(&CarrierSpec::Poll(poll), &to).await.unwrap();
        assert_eq!(client.ask().await, Ok(Event::Answered));
        client.session.aim("/q?sid=1", b"two");
        assert_eq!(client.ask().await, Ok(Event::Answered));
        let requests = [told.recv().unwrap(), told.recv().unwrap()];
        assert!(requests[0].starts_with("POST /p HTTP/1.1\r\n") && requests[0].ends_with("\r\n\r\none"));
        assert!(
            requests[1].starts_with("POST /q?sid=1 HTTP/1.1\r\n") && requests[1].ends_with("\r\n\r\ntwo")
        );
        assert_eq!(client.session.wire(), client.told());
    });
}

#[test]
fn an_id_of_any_size_is_not_kept() {
    let fits = "i".repeat(8 * 1024);
    let (ended, _, to) = read_all(&sse(), format!("{SSE}id: {fits}\ndata: x\n\n"));
    assert_eq!((ended, to.memory.borrow().cursor.len()), (Ok(()), 8 * 1024));
    let (ended, _, to) = read_all(&sse(), format!("{SSE}id: {fits}i\ndata: x\n\n"));
    assert_eq!(ended, Err(Failure::MessageTooLarge));
    assert!(to.memory.borrow().detail.clone().unwrap().contains("an id above 8192 B"));
}
