//! A WebSocket session beside its messages: sending, leaving, how it ended, who is alive, what a
//! refused one cost.

use crate::fake::*;
use pushbench::model::{Failure, Nanos, Traffic};
use pushbench::net::Endpoint;
use pushbench::scenario::PingSpec;
use pushbench::transport::{Closing, Event, UnitKind};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;

const MS: Nanos = Nanos::from_millis(1);

fn detail(to: &Endpoint) -> String {
    to.memory.borrow_mut().detail.take().unwrap_or_default()
}

fn closed(code: u16, reason: &str, clean: bool) -> Closing {
    Closing { code, reason: reason.into(), clean }
}

fn lost() -> Closing {
    closed(1006, "", false)
}

/// Goes on until the session is over: what it came to, and how it says it ended.
async fn over(client: &mut Client) -> (Result<Event, Failure>, Closing) {
    loop {
        match client.next_on_time().await {
            Ok(Event::Received) => assert_eq!(client.session.closing(), None, "not over yet"),
            end => return (end, client.session.closing().unwrap().clone()),
        }
    }
}

/// What a session comes to whose target sends these bytes and closes.
fn ended(frames: Vec<u8>) -> (Result<Event, Failure>, Closing) {
    let address = serve(move |peer, _| upgrade(peer, &frames));
    on_a_worker(async { over(&mut Client::open(&websocket(), address).await.unwrap()).await })
}

/// Sends back every message until the client closes, and answers that.
fn echo() -> SocketAddr {
    serve(|peer, _| {
        upgrade(peer, b"");
        while let Some((opcode, body)) = client_frame(peer) {
            let _ = peer.write_all(&frame(opcode, &body));
            if opcode == 8 {
                break;
            }
        }
        linger(peer);
    })
}

#[test]
fn what_is_sent_arrives_whole_and_is_counted() {
    let address = echo();
    on_a_worker(async {
        let mut client = Client::open(&websocket(), address).await.unwrap();
        client.next().await.unwrap();
        let hand = client.last().traffic;
        for (body, binary) in [(&b"text \xC3\xA4"[..], false), (&[0xFF; 300], true), (&[7; 90_000], true)] {
            client.session.send(body, binary).unwrap();
            client.next().await.unwrap();
            assert_eq!(client.last().body, body);
            let n = body.len() as u64;
            let header = if n < 126 {
                2
            } else if n < 65_536 {
                4
            } else {
                10
            };
            let want = Traffic {
                payload: n,
                framing: header + header + 4 + n,
                wire_in: header + n,
                wire_out: header + 4 + n,
                ..Traffic::default()
            };
            assert_eq!(client.last().traffic, want);
        }
        assert_eq!(client.session.wire(), client.told());
        assert!(client.told().wire_in > hand.wire_in);
    });
}

#[test]
fn first_messages_are_binary_when_asked() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| {
        upgrade(peer, b"");
        tell.send((client_frame(peer), client_frame(peer))).unwrap();
        linger(peer);
    });
    on_a_worker(async {
        let mut to = endpoint(address);
        to.send = vec!["one".into(), "two".into()];
        let spec = websocket_with(|spec| spec.binary = true);
        let _client = Client::open_at(&spec, &to).await.unwrap();
        let want = (Some((2, b"one".to_vec())), Some((2, b"two".to_vec())));
        assert_eq!(told.recv().unwrap(), want);
    });
}

#[test]
fn a_queue_that_is_full_and_a_session_that_is_over_cannot_send() {
    let (tell, gone) = mpsc::channel();
    let address = serve(move |peer, number| {
        upgrade(peer, b"");
        // The first client is not read from while it is there; the second one is closed at once.
        if number == 0 {
            let () = gone.recv().unwrap();
        }
    });
    on_a_worker(async {
        let to = endpoint(address);
        let mut client = Client::open_at(&websocket(), &to).await.unwrap();
        client.next().await.unwrap();
        assert_eq!(client.session.send(b"\xFF", false), Err(Failure::CannotSend));
        assert_eq!(detail(&to), "a text that is not UTF-8");
        let mut sent = 0;
        while client.session.send(&[1; 60_000], true).is_ok() {
            sent += 1;
            assert!(sent < 10_000, "it is bounded");
        }
        assert!(detail(&to).contains("the queue is full"));
        drop(client);
        tell.send(()).unwrap();
        let mut client = Client::open_at(&websocket(), &to).await.unwrap();
        assert_eq!(over(&mut client).await, (Err(Failure::ClosedEarly), lost()));
        assert_eq!(client.session.send(b"late", false), Err(Failure::CannotSend));
        assert!(!client.session.leave(), "there is nothing to wait for");
    });
}

#[test]
fn leaving_waits_for_the_answer_and_is_clean() {
    let address = serve(|peer, _| {
        upgrade(peer, b"");
        assert_eq!(client_frame(peer), Some((8, 1000_u16.to_be_bytes().to_vec())));
        // A message that was under way still counts.
        let _ = peer.write_all(&[frame(1, b"last"), frame(8, b"\x03\xE8bye")].concat());
        linger(peer);
    });
    on_a_worker(async {
        let mut client = Client::open(&websocket(), address).await.unwrap();
        client.next().await.unwrap();
        assert!(!client.session.is_closing());
        assert!(client.session.leave() && client.session.leave(), "asked twice, said once");
        assert!(client.session.is_closing());
        assert_eq!(client.session.send(b"x", false), Err(Failure::CannotSend));
        let want = closed(1000, "bye", true);
        assert_eq!(over(&mut client).await, (Ok(Event::Closed(Box::new(want.clone()))), want));
        assert_eq!(client.basket.units[1].body, b"last");
        assert!(!client.session.is_closing(), "it is closed");
        assert_eq!(client.session.wire(), client.told());
        // Our close frame is 2 + 4 + 2 bytes.
        assert_eq!(client.told().wire_out - client.basket.units[0].traffic.wire_out, 8);
    });
}

#[test]
fn leaving_a_peer_that_just_goes_is_not_clean() {
    for hard in [false, true] {
        let address = serve(move |peer, _| {
            upgrade(peer, b"");
            client_frame(peer).unwrap();
            if hard {
                reset(peer);
            }
        });
        on_a_worker(async {
            let mut client = Client::open(&websocket(), address).await.unwrap();
            client.next().await.unwrap();
            assert!(client.session.leave());
            assert_eq!(over(&mut client).await, (Ok(Event::Closed(Box::new(lost()))), lost()));
        });
    }
}

#[test]
fn leaving_a_peer_that_says_nothing_lasts_until_it_is_aborted() {
    let address = serve(|peer, _| {
        upgrade(peer, b"");
        linger(peer);
    });
    on_a_worker(async {
        let mut client = Client::open(&websocket(), address).await.unwrap();
        client.next().await.unwrap();
        assert!(client.session.leave());
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), client.next()).await;
        assert!(waited.is_err());
        client.session.abort();
        assert_eq!(client.session.closing(), Some(&lost()));
    });
}

#[test]
fn every_end_has_the_code_that_a_browser_has() {
    let (end, closing) = ended(frame(8, b"\x03\xE9going"));
    assert_eq!(end, Ok(Event::Closed(Box::new(closing.clone()))));
    assert_eq!((closing.code, &closing.reason[..]), (1001, "going"));
    assert_eq!(ended(frame(8, b"")).1.code, 1005);
    assert_eq!(ended(frame(1, b"x")), (Err(Failure::ClosedEarly), lost()));
    assert_eq!(ended(vec![0x83, 0]), (Err(Failure::BadFrame), lost()));
    assert_eq!(ended(frame(1, b"\xFF")), (Err(Failure::BadUtf8), lost()));
}

#[test]
fn a_close_frame_is_answered_with_its_code() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| {
        upgrade(peer, &frame(8, b"\x0F\xA0why"));
        tell.send(client_frame(peer)).unwrap();
    });
    on_a_worker(async {
        let mut client = Client::open(&websocket(), address).await.unwrap();
        let want = closed(4000, "why", true);
        assert_eq!(over(&mut client).await.1, want);
        let (opcode, body) = told.recv().unwrap().unwrap();
        assert_eq!((opcode, &body[..2]), (8, &b"\x0F\xA0"[..]));
    });
}

#[test]
fn our_pings_are_timed_and_counted() {
    let address = serve(|peer, _| {
        upgrade(peer, b"");
        while let Some((9, payload)) = client_frame(peer) {
            let _ = peer.write_all(&frame(10, &payload));
        }
    });
    on_a_worker(async {
        let spec =
            websocket_with(|s| s.ping = Some(PingSpec { every: MS * 10, timeout: Nanos::SECOND * 10 }));
        let mut client = Client::open(&spec, address).await.unwrap();
        while client.basket.pongs.len() < 3 {
            assert_eq!(client.next_on_time().await, Ok(Event::Received));
        }
        assert!(client.basket.pongs.iter().all(|took| *took > Nanos::ZERO && *took < Nanos::SECOND * 10));
        // A ping is 2 + 4 + 4 bytes, its pong 2 + 4.
        let want = Traffic { framing: 16, wire_in: 6, wire_out: 10, ..Traffic::default() };
        for pong in &client.basket.units[1..] {
            assert_eq!((pong.kind, pong.traffic), (UnitKind::Control, want));
        }
    });
}

#[test]
fn a_peer_without_a_pulse_is_dead_and_says_why() {
    let silent = |peer: &mut TcpStream, _: usize| {
        upgrade(peer, b"");
        linger(peer);
    };
    let ping = Some(PingSpec { every: MS * 10, timeout: MS * 20 });
    for (spec, why) in [
        (websocket_with(|s| s.ping = ping), "ping.timeout = 20.0 ms"),
        (websocket_with(|s| s.dead_after = Some(MS * 30)), "dead_after = 30.0 ms"),
    ] {
        let to = endpoint(serve(silent));
        on_a_worker(async {
            let mut client = Client::open_at(&spec, &to).await.unwrap();
            assert_eq!(over(&mut client).await, (Err(Failure::DeadPeer), lost()));
            let told = detail(&to);
            assert!(told.contains(why), "{told}");
        });
    }
}

#[test]
fn a_flood_of_pings_that_reads_no_pong_is_bounded() {
    let address = serve(|peer, _| {
        upgrade(peer, b"");
        peer.set_write_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
        let pings = frame(9, &[0; 125]).repeat(1000);
        // 127 MB, if somebody takes them all.
        let _ = (0..1000).try_for_each(|_| peer.write_all(&pings));
    });
    on_a_worker(async {
        let mut client = Client::open(&websocket(), address).await.unwrap();
        // It takes no more once its answers wait; the server then gives up.
        let end = over(&mut client).await.0;
        assert!(matches!(end, Err(Failure::Reset | Failure::ClosedEarly)), "{end:?}");
        // What the kernel's buffers of both directions hold, and no more.
        assert!(client.session.wire().wire_in < 32 << 20, "{:?}", client.session.wire());
    });
}

#[test]
fn endless_fragments_stop_at_the_limit() {
    let address = serve(|peer, _| {
        upgrade(peer, &[0x02, 1, b'x']);
        let fragments = [0x00, 0x02, b'x', b'x'].repeat(10_000);
        while peer.write_all(&fragments).is_ok() {}
    });
    on_a_worker(async {
        let to = endpoint(address);
        let mut client = Client::open_at(&websocket(), &to).await.unwrap();
        assert_eq!(over(&mut client).await.0, Err(Failure::MessageTooLarge));
        assert_eq!(detail(&to), "a message above max_message = 100000 B");
        assert!(client.session.wire().wire_in < 500_000, "{:?}", client.session.wire());
    });
}

#[test]
fn a_refused_upgrade_leaves_its_bytes_behind() {
    let reply = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| tell.send(answer(peer, reply.as_bytes()).len()).unwrap());
    on_a_worker(async {
        let to = endpoint(address);
        for _ in 0..2 {
            assert_eq!(Client::open_at(&websocket(), &to).await.err(), Some(Failure::Status4xx));
        }
        let asked: u64 = (0..2).map(|_| told.recv().unwrap() as u64).sum();
        let (wire_in, wire_out) = (2 * reply.len() as u64, asked);
        let want = Traffic { handshake: wire_in + wire_out, wire_in, wire_out, ..Traffic::default() };
        assert_eq!(to.memory.borrow_mut().take_spent(), Some(want));
        assert_eq!(to.memory.borrow_mut().take_spent(), None);
    });
}

#[test]
fn an_upgrade_that_is_given_up_leaves_its_bytes_too_and_one_that_stands_none() {
    let address = serve(|peer, number| {
        let request = read_head(peer);
        if number == 1 {
            let _ = peer.write_all(accepting(&request).as_bytes());
        }
        linger(peer);
    });
    on_a_worker(async {
        let to = endpoint(address);
        let spec = websocket();
        let open = Client::open_at(&spec, &to);
        let given_up = tokio::time::timeout(std::time::Duration::from_millis(30), open).await;
        assert!(given_up.is_err());
        let spent = to.memory.borrow_mut().take_spent().unwrap();
        assert!(spent.wire_out > 100 && spent.wire_in == 0 && spent.balances());
        let _client = Client::open_at(&spec, &to).await.unwrap();
        assert_eq!(to.memory.borrow_mut().take_spent(), None);
    });
}

#[test]
fn headers_of_the_scenario_reach_the_upgrade() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| {
        let request = read_head(peer);
        let protocol = "Sec-WebSocket-Protocol: mqtt\r\n\r\n";
        let head = accepting(&request);
        let _ = peer.write_all(format!("{}{protocol}", &head[..head.len() - 2]).as_bytes());
        tell.send(request).unwrap();
        linger(peer);
    });
    on_a_worker(async {
        let mut to = endpoint(address);
        to.headers = "Origin: https://example.org\r\nCookie: a=b; c=d\r\nAuthorization: Bearer x\r\n".into();
        let spec = websocket_with(|s| s.subprotocols = vec!["stomp".into(), "mqtt".into()]);
        let mut client = Client::open_at(&spec, &to).await.unwrap();
        assert_eq!(client.next().await, Ok(Event::Received));
        let request = told.recv().unwrap();
        assert!(request.contains(&format!("\r\n{}", to.headers)), "{request}");
        assert!(request.contains("\r\nSec-WebSocket-Protocol: stomp, mqtt\r\n"));
        assert!(!request.contains("Extensions"));
    });
}
