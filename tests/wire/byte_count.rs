//! Scripted exchanges against bytes counted by hand: the difference is 0.

use crate::fake::*;
use crate::stream::{CHUNKED, SSE_GET, chunked, open, spec};
use crate::tls::{Ways, assert_equal, secure, serve_tls, trusting};
use pushbench::clock::Clock;
use pushbench::model::{Failure, Traffic};
use pushbench::net::{Dialer, TlsSettings};
use pushbench::scenario::{CarrierSpec, CursorSpec, SplitSpec, StreamKind};
use pushbench::transport::{Event, UnitKind, carrier};
use std::io::{Read, Write};
use std::sync::mpsc;

/// `GET /p HTTP/1.1` 15 + 2, `Host: h` 7 + 2, blank line 2.
const GET_BYTES: u64 = 28;

#[test]
fn a_poll_with_a_length() {
    // 15 + 2, `Content-Length: 5` 17 + 2, 2: 38 bytes of head.
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let address = serve(move |peer, _| while !answer(peer, reply.as_bytes()).is_empty() {});
    on_a_worker(async {
        let mut client = Client::open(&poll(), address).await.unwrap();
        let one = Traffic {
            payload: 5,
            headers: GET_BYTES + 38,
            wire_in: 43,
            wire_out: GET_BYTES,
            ..Traffic::default()
        };
        for asked in 1..=3 {
            assert_eq!(client.ask().await, Ok(Event::Answered));
            assert_eq!(client.last().body, b"hello");
            assert_eq!(client.last().traffic, one);
            assert_eq!(client.basket.units.len(), asked);
        }
        assert_eq!(client.session.wire(), one + one + one);
        let sums = client.close();
        assert_eq!((sums.closed, sums.kernel_in, sums.kernel_out), (1, 3 * 43, 3 * GET_BYTES));
        assert_eq!(client.basket.connects, 1);
    });
}

#[test]
fn a_chunked_answer_after_an_interim_one() {
    // 23 + 2 + 2; 15 + 2, 26 + 2, 2; 3 + 5 + 2, 4 + 16 + 2, 3, `T: v` 4 + 2, 2.
    let reply = "HTTP/1.1 103 EarlyHints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nT: v\r\n\r\n";
    let address = serve(move |peer, _| while !answer(peer, reply.as_bytes()).is_empty() {});
    on_a_worker(async {
        let mut client = Client::open(&long_poll(CursorSpec::None), address).await.unwrap();
        client.ask().await.unwrap();
        let want = Traffic {
            payload: 21,
            framing: 3 + 2 + 4 + 2 + 3 + 2,
            headers: GET_BYTES + 27 + 47 + 6,
            wire_in: 117,
            wire_out: GET_BYTES,
            ..Traffic::default()
        };
        assert_eq!(want.wire_in, 27 + 47 + 6 + 16 + 21);
        assert_eq!(client.last().traffic, want);
        assert_eq!(client.last().body, b"hello0123456789abcdef");
        let sums = client.close();
        assert_eq!((sums.kernel_in, sums.kernel_out), (117, GET_BYTES));
    });
}

#[test]
fn an_empty_answer_costs_its_heads() {
    let address = serve(|peer, _| {
        answer(peer, b"HTTP/1.1 304 Not Modified\r\n\r\n");
        linger(peer);
    });
    on_a_worker(async {
        let mut client = Client::open(&poll(), address).await.unwrap();
        client.ask().await.unwrap();
        assert_eq!(client.last().kind, UnitKind::Empty);
        let traffic = client.last().traffic;
        assert_eq!((traffic.headers, traffic.payload, traffic.framing), (GET_BYTES + 29, 0, 0));
    });
}

#[test]
fn websocket_frames_of_all_header_sizes() {
    let sizes = [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)];
    let frames: Vec<u8> = sizes.iter().flat_map(|&(n, _)| frame(2, &vec![b'x'; n])).collect();
    let sent = frames.len() as u64;
    let address = serve(move |peer, _| {
        upgrade(peer, &frames);
        linger(peer);
    });
    on_a_worker(async {
        let mut client = Client::open(&websocket(), address).await.unwrap();
        while client.basket.units.len() < 6 {
            assert_eq!(client.next().await, Ok(Event::Received));
        }
        for (unit, (size, header)) in client.basket.units[1..].iter().zip(sizes) {
            let n = size as u64;
            let want = Traffic { payload: n, framing: header, wire_in: n + header, ..Traffic::default() };
            assert_eq!(unit.traffic, want);
            assert_eq!(unit.body.len(), size);
        }
        let hand = client.basket.units[0].traffic;
        assert_eq!(client.session.wire(), client.told());
        assert_eq!(client.session.wire().wire_in, hand.wire_in + sent);
        assert_eq!(client.close().kernel_in, hand.wire_in + sent);
        assert_eq!(client.basket.connects, 1);
    });
}

#[test]
fn the_handshake_is_one_unit() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| {
        let request = read_head(peer);
        tell.send((request.len(), accepting(&request).len())).unwrap();
        let _ = peer.write_all(accepting(&request).as_bytes());
        linger(peer);
    });
    on_a_worker(async {
        let mut client = Client::open(&websocket(), address).await.unwrap();
        assert_eq!(client.next().await, Ok(Event::Received));
        let (out, back) = told.recv().unwrap();
        let unit = client.last();
        assert_eq!(unit.kind, UnitKind::Control);
        let (wire_out, wire_in) = (out as u64, back as u64);
        let want = Traffic { handshake: wire_in + wire_out, wire_in, wire_out, ..Traffic::default() };
        assert_eq!(unit.traffic, want);
    });
}

#[test]
fn pings_are_answered_and_counted_as_overhead() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| {
        // A message in two fragments with a ping between them, all in one write with the head.
        let mut bytes = vec![0x01, 3, b'a', b'b', b'c'];
        bytes.extend(frame(9, b"alive"));
        bytes.extend([0x80, 2, b'd', b'e']);
        upgrade(peer, &bytes);
        // `sub` masked: 2 + 4 + 3; the pong masked: 2 + 4 + 5.
        let mut out = [0; 9 + 11];
        peer.read_exact(&mut out).unwrap();
        tell.send((out[0], out[9])).unwrap();
        let _ = peer.write_all(&frame(1, b"end"));
        linger(peer);
    });
    on_a_worker(async {
        let mut to = endpoint(address);
        to.send.push("sub".into());
        let mut client = Client::open_at(&websocket(), &to).await.unwrap();
        while client.basket.units.len() < 4 {
            client.next().await.unwrap();
        }
        assert_eq!(told.recv().unwrap(), (0x81, 0x8A));
        let [_, ping, text, end] = &client.basket.units[..] else { panic!("four units") };
        assert_eq!((ping.kind, ping.body.len()), (UnitKind::Control, 0));
        let framing = |n| Traffic { framing: n, ..Traffic::default() };
        assert_eq!(ping.traffic, Traffic { wire_in: 7, wire_out: 9, ..framing(7 + 9) });
        assert_eq!(text.body, b"abcde");
        assert_eq!(text.traffic, Traffic { payload: 5, wire_in: 9, ..framing(4) });
        // The pong went out when the read had been handed over: it goes with the next unit.
        assert_eq!(end.traffic, Traffic { payload: 3, wire_in: 5, wire_out: 11, ..framing(2 + 11) });
        assert_eq!(ping.received, text.received, "they came in one read");
        assert!(end.received > text.received);
        assert_eq!(client.session.wire(), client.told());
    });
}

#[test]
fn many_frames_of_one_read_come_in_one_event() {
    let address = serve(|peer, _| {
        let request = read_head(peer);
        let _ = peer.write_all(accepting(&request).as_bytes());
        // The client has seen the head before the frames come.
        peer.read_exact(&mut [0; 9]).unwrap();
        let _ = peer.write_all(&frame(1, b"0123456789").repeat(50));
        linger(peer);
    });
    on_a_worker(async {
        let mut to = endpoint(address);
        to.send.push("sub".into());
        let mut client = Client::open_at(&websocket(), &to).await.unwrap();
        assert_eq!(client.next().await, Ok(Event::Received));
        assert_eq!(client.next().await, Ok(Event::Received));
        assert_eq!(client.basket.units.len(), 51);
        let first = client.basket.units[1].received;
        assert!(client.basket.units[1..].iter().all(|u| u.received == first));
        assert_eq!(client.session.wire(), client.told());
    });
}

#[test]
fn a_body_larger_than_the_read_buffer_is_put_together() {
    let body: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
    let sent = body.clone();
    let address = serve(move |peer, _| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", sent.len());
        answer(peer, &[head.as_bytes(), &sent].concat());
        answer(peer, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    });
    on_a_worker(async {
        let mut client = Client::open(&poll(), address).await.unwrap();
        client.ask().await.unwrap();
        assert!(client.last().body == body, "the same bytes in the same order");
        assert_eq!(client.last().traffic.payload, 1_200_000);
        client.ask().await.unwrap();
        assert_eq!((&client.last().body[..], client.basket.connects), (&b"x"[..], 1));
    });
}

/// A stream of one message, counted by hand: kind, what is asked, the head, the body, and of the body what
/// is payload.
struct OneMessage {
    kind: StreamKind,
    split: SplitSpec,
    asked: u64,
    head: &'static str,
    head_bytes: u64,
    body: &'static str,
    payload: u64,
    framing: u64,
}

static STREAMS: [OneMessage; 4] = [
    // 17, `Content-Type: text/event-stream` 31 + 2, `Transfer-Encoding: chunked` 26 + 2, 2. The chunk of
    // `id: 7` 5 + 1, `data: ` 6, 1 and 1: 2 + 2 + 14 + 2; the last chunk 5.
    OneMessage {
        kind: StreamKind::Sse,
        split: SplitSpec::Sse,
        asked: SSE_GET,
        head: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        head_bytes: 80,
        body: "13\r\nid: 7\ndata: hello\n\n\r\n0\r\n\r\n",
        payload: 5,
        framing: 20 + 5,
    },
    // `Connection: TE` 14 + 2 and `TE: chunked` 11 + 2 more are asked. 17, 28, 2; 3 + 2, 5.
    OneMessage {
        kind: StreamKind::Chunked,
        split: SplitSpec::Chunk,
        asked: GET_BYTES + 29,
        head: CHUNKED,
        head_bytes: 47,
        body: "5\r\nhello\r\n0\r\n\r\n",
        payload: 5,
        framing: 5 + 5,
    },
    // The text of the script is the message: 10. `<script>` 8, `</script>` 9, 1; 4 + 2, 5.
    OneMessage {
        kind: StreamKind::ForeverIframe,
        split: SplitSpec::Script,
        asked: GET_BYTES,
        head: CHUNKED,
        head_bytes: 47,
        body: "1c\r\n<script>p(\"hello\")</script>\n\r\n0\r\n\r\n",
        payload: 10,
        framing: 18 + 6 + 5,
    },
    // `Accept: multipart/mixed` 23 + 2 more are asked. 17, `Content-Type: multipart/mixed; boundary=B`
    // 41 + 2, 28, 2. `--B` 3 and 5 around it; 2, `X-Seq: 7` 8 + 2, 2, behind the message 2 and 3, 6
    // around it; 5.
    OneMessage {
        kind: StreamKind::Multipart,
        split: SplitSpec::Multipart,
        asked: GET_BYTES + 25,
        head: "HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=B\r\nTransfer-Encoding: chunked\r\n\r\n",
        head_bytes: 90,
        body: "3\r\n--B\r\n18\r\n\r\nX-Seq: 7\r\n\r\nhello\r\n--B\r\n0\r\n\r\n",
        payload: 5,
        framing: 8 + 19 + 6 + 5,
    },
];

#[test]
fn a_stream_of_each_kind() {
    for one in &STREAMS {
        let address = serve(|peer, _| {
            answer(peer, [one.head, one.body].concat().as_bytes());
            linger(peer);
        });
        let to = endpoint(address);
        on_a_worker(async {
            let mut client = open(&spec(one.kind, one.split.clone()), &to).await.unwrap();
            client.read_on().await.unwrap();
            // The connection is kept for the next session.
            to.memory.borrow_mut().kept.take();
            let want = Traffic {
                payload: one.payload,
                framing: one.framing,
                headers: one.asked + one.head_bytes,
                wire_in: one.head_bytes + one.payload + one.framing,
                wire_out: one.asked,
                ..Traffic::default()
            };
            assert_eq!(client.session.wire(), want, "{:?}", one.kind);
            assert_eq!(client.told(), want, "{:?}", one.kind);
            let sums = client.close();
            let of_all = (one.head.len() + one.body.len()) as u64;
            assert_eq!((sums.kernel_in, sums.kernel_out), (of_all, one.asked));
            assert_eq!(want.wire_in, of_all);
        });
    }
}

#[test]
fn a_stream_over_tls() {
    // A record of TLS 1.3 has 5 bytes of head, 1 of type and 16 of tag: one for the request, one each for
    // the head, two chunks and the last one.
    const RECORD: u64 = 5 + 1 + 16;
    let ways = Ways { no_tickets: true, ..Ways::default() };
    let (address, count) = serve_tls(ways, |peer, _| {
        answer(peer, CHUNKED.as_bytes());
        for piece in ["5\r\nhello\r\n", "10\r\n0123456789abcdef\r\n", "0\r\n\r\n"] {
            peer.write_all(piece.as_bytes()).unwrap();
        }
        linger(peer);
    });
    let to = secure(address, &trusting(), "localhost");
    on_a_worker(async {
        let mut client = open(&chunked(), &to).await.unwrap();
        client.read_on().await.unwrap();
        to.memory.borrow_mut().kept.take();
        let wire = client.session.wire();
        let (asked, head, framing) = (GET_BYTES + 29, 47, 5 + 6 + 5);
        assert_eq!((wire.payload, wire.framing, wire.headers), (21, framing, asked + head));
        assert_eq!(wire.tls, 5 * RECORD);
        assert_eq!(wire.handshake + asked + head + 21 + framing + 5 * RECORD, wire.wire_in + wire.wire_out);
        assert_equal(wire, &count);
        let sums = client.close();
        assert_eq!((sums.kernel_in, sums.kernel_out), (wire.wire_in, wire.wire_out));
    });
}

#[test]
fn a_stream_that_is_refused() {
    let reply = "HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nsorry";
    let address = serve(move |peer, _| {
        answer(peer, reply.as_bytes());
        linger(peer);
    });
    let to = endpoint(address);
    on_a_worker(async {
        let (dial, spec) = (Dialer::new(Clock::Monotonic), spec(StreamKind::Sse, SplitSpec::Sse));
        let refused = carrier(&CarrierSpec::Stream(spec)).open(&dial, &to).await.err();
        assert_eq!(refused, Some(Failure::Status5xx));
        let spent = to.memory.borrow_mut().take_spent().expect("it was asked");
        let sums = dial.meter().take();
        assert_eq!((sums.closed, sums.difference, sums.unknown, dial.meter().open()), (1, 0, 0, 0));
        assert_eq!((spent.wire_out, spent.wire_in + sums.unread), (SSE_GET, reply.len() as u64));
        assert_eq!((spent.wire_in, spent.wire_out), (sums.own_in, sums.own_out));
        let want = Traffic {
            handshake: spent.wire_in + SSE_GET,
            wire_in: spent.wire_in,
            wire_out: SSE_GET,
            ..Traffic::default()
        };
        assert_eq!(spent, want);
    });
}

#[test]
fn bytes_of_a_handshake_that_fails_are_told_and_are_the_kernels() {
    let (untrusted, _) = serve_tls(Ways::default(), |peer, _| linger(peer));
    let plain = serve(|peer, _| {
        let _ = peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        linger(peer);
    });
    on_a_worker(async {
        let stranger = TlsSettings::default();
        for to in [secure(untrusted, &stranger, "localhost"), secure(plain, &trusting(), "localhost")] {
            let dial = Dialer::new(Clock::Monotonic);
            let failed = carrier(&websocket()).open(&dial, &to).await.err().expect("it is refused");
            assert!([Failure::CertificateRefused, Failure::TlsFailed].contains(&failed), "{failed:?}");
            let spent = to.memory.borrow_mut().take_spent().expect("a hello at least");
            let sums = dial.meter().take();
            assert_eq!((sums.closed, sums.difference, sums.unknown, dial.meter().open()), (1, 0, 0, 0));
            assert_eq!((spent.wire_in, spent.wire_out), (sums.own_in, sums.own_out));
            assert_eq!((spent.handshake, spent.payload), (spent.wire_in + spent.wire_out, 0));
            // A hello has more than 100 bytes; our last words, an alert, have 7 or more.
            assert!(spent.balances() && spent.wire_in > 0 && spent.wire_out > 107, "{spent:?}");
        }
    });
}
