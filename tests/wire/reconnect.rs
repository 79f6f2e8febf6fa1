//! Kept-alive connections that end, and cursors that outlive them.

use crate::fake::*;
use pushbench::model::Failure;
use pushbench::net::Endpoint;
use pushbench::scenario::{CarrierSpec, CursorSpec};
use pushbench::transport::{Event, UnitKind};
use std::io::Write;
use std::sync::mpsc;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";

#[test]
fn a_connection_closed_as_the_next_request_comes_is_stale() {
    let address = serve(|peer, _| {
        answer(peer, OK);
        read_head(peer);
    });
    on_a_worker(async {
        let mut client = Client::open(&poll(), address).await.unwrap();
        assert_eq!(client.ask().await, Ok(Event::Answered));
        assert_eq!(client.ask().await, Err(Failure::StaleConnection));
        assert_eq!(client.ask().await, Ok(Event::Answered), "asked again, it dials");
        assert_eq!(client.basket.connects, 2);
        let lost = client.session.wire().wire_out - client.told().wire_out;
        assert_eq!(lost, 28, "the request nobody answered is on the wire all the same");
    });
}

#[test]
fn a_connection_seen_closed_is_replaced_in_silence() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| {
        answer(peer, OK);
        peer.shutdown(std::net::Shutdown::Both).unwrap();
        tell.send(()).unwrap();
    });
    on_a_worker(async {
        let mut client = Client::open(&poll(), address).await.unwrap();
        for connects in 1..=3 {
            assert_eq!(client.ask().await, Ok(Event::Answered));
            assert_eq!(client.basket.connects, connects);
            told.recv().unwrap();
            // The runtime has to hear of the close; the next request need not.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(client.session.wire(), client.told(), "nothing was written in vain");
    });
}

#[test]
fn a_connection_that_may_not_be_kept_is_not() {
    for reply in [
        "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nx",
    ] {
        let address = serve(move |peer, _| {
            answer(peer, reply.as_bytes());
        });
        on_a_worker(async {
            let mut client = Client::open(&poll(), address).await.unwrap();
            for connects in 1..=3 {
                assert_eq!(client.ask().await, Ok(Event::Answered));
                assert_eq!((client.basket.connects, &client.last().body[..]), (connects, &b"x"[..]));
                assert_eq!(client.last().traffic.wire_in, reply.len() as u64);
            }
        });
    }
}

/// The headers of a client that asks three times, and how many connections it took: the server would
/// keep each of them.
fn asked_three_times(
    keep_alive: bool,
    headers: &str,
    spec: fn(CursorSpec) -> CarrierSpec,
) -> (Vec<String>, usize) {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, number| {
        loop {
            let head = read_head(peer);
            if head.is_empty() {
                return;
            }
            tell.send((head, number)).unwrap();
            peer.write_all(OK).unwrap();
        }
    });
    let mut spec = spec(CursorSpec::None);
    match &mut spec {
        CarrierSpec::Poll(p) => p.pull.keep_alive = keep_alive,
        CarrierSpec::LongPoll(p) => p.pull.keep_alive = keep_alive,
        _ => panic!("a pull transport"),
    }
    let to = Endpoint { headers: headers.to_owned(), ..endpoint(address) };
    let mut asked = Vec::new();
    let mut numbers = std::collections::BTreeSet::new();
    on_a_worker(async {
        let mut client = Client::open_at(&spec, &to).await.unwrap();
        for _ in 0..3 {
            assert_eq!(client.ask().await, Ok(Event::Answered));
            let (head, number) = told.recv().unwrap();
            asked.push(head);
            numbers.insert(number);
        }
        assert_eq!(client.basket.connects, numbers.len());
        assert_eq!(client.session.wire(), client.told(), "every byte was told");
    });
    (asked, numbers.len())
}

#[test]
fn a_session_sticks_to_one_connection_unless_each_request_is_to_have_its_own() {
    let browser = "Connection: keep-alive\r\nA: b\r\n";
    let specs: [fn(CursorSpec) -> CarrierSpec; 2] = [|_| poll(), long_poll];
    for spec in specs {
        let (heads, connections) = asked_three_times(true, browser, spec);
        assert_eq!(connections, 1, "sticky");
        assert!(heads.iter().all(|head| head.contains("\r\nConnection: keep-alive\r\n")), "{heads:?}");
        for headers in ["", browser] {
            let (heads, connections) = asked_three_times(false, headers, spec);
            assert_eq!(connections, 3);
            for head in heads {
                assert_eq!(head.matches("onnection:").count(), 1, "{head}");
                assert!(head.contains("\r\nConnection: close\r\n"), "{head}");
                assert_eq!(head.contains("\r\nA: b\r\n"), !headers.is_empty(), "{head}");
            }
        }
    }
}

#[test]
fn bytes_nobody_asked_for_end_the_connection() {
    let address = serve(|peer, _| {
        answer(peer, &[OK, b"HTTP/1.1 200 OK\r\n"].concat());
        linger(peer);
    });
    on_a_worker(async {
        let mut client = Client::open(&poll(), address).await.unwrap();
        client.ask().await.unwrap();
        client.ask().await.unwrap();
        assert_eq!(client.basket.connects, 2);
        let extra = client.session.wire().wire_in - client.told().wire_in;
        assert_eq!(extra % 17, 0, "{extra}");
    });
}

#[test]
fn the_cursor_is_carried_and_outlives_a_broken_answer() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, number| {
        let replies: &[&str] = match number {
            0 => &[
                "HTTP/1.1 200 OK\r\nETag: 7\r\nLast-Modified: Sat\r\nContent-Length: 1\r\n\r\nx",
                "HTTP/1.1 200 OK\r\nETag: 8\r\nContent-Length: 9\r\n\r\nhalf",
            ],
            _ => &["HTTP/1.1 304 Same\r\n\r\n"],
        };
        for reply in replies {
            tell.send(answer(peer, reply.as_bytes())).unwrap();
        }
    });
    on_a_worker(async {
        let mut client = Client::open(&long_poll(CursorSpec::Etag), address).await.unwrap();
        client.ask().await.unwrap();
        assert_eq!(client.ask().await, Err(Failure::ClosedEarly));
        client.ask().await.unwrap();
        assert_eq!(client.last().kind, UnitKind::Empty);
        let conditions = "If-None-Match: 7\r\nIf-Modified-Since: Sat\r\n";
        assert!(!told.recv().unwrap().contains("If-"));
        assert!(told.recv().unwrap().contains(conditions));
        assert!(told.recv().unwrap().contains(conditions), "the half answer moved nothing");
    });
}

#[test]
fn an_aborted_request_can_be_asked_again() {
    let address = serve(|peer, number| {
        read_head(peer);
        if number == 1 {
            let _ = std::io::Write::write_all(peer, OK);
        }
        linger(peer);
    });
    on_a_worker(async {
        let mut client = Client::open(&long_poll(CursorSpec::None), address).await.unwrap();
        client.session.request();
        let held = tokio::time::timeout(std::time::Duration::from_millis(20), client.next()).await;
        assert!(held.is_err());
        client.session.abort();
        assert_eq!(client.session.wire().wire_out, 28);
        assert_eq!(client.ask().await, Ok(Event::Answered));
        assert_eq!(client.basket.connects, 2);
    });
}

#[test]
fn a_client_that_comes_back_goes_on_behind_its_cursor() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| {
        let reply = b"HTTP/1.1 200 OK\r\nETag: 7\r\nContent-Length: 1\r\n\r\nx";
        tell.send(answer(peer, reply)).unwrap();
    });
    on_a_worker(async {
        let (spec, to) = (long_poll(CursorSpec::Etag), endpoint(address));
        for _ in 0..2 {
            let mut client = Client::open_at(&spec, &to).await.unwrap();
            client.ask().await.unwrap();
        }
        assert!(!told.recv().unwrap().contains("If-None-Match"));
        assert!(told.recv().unwrap().contains("If-None-Match: 7\r\n"), "its second session");
        assert_eq!(to.memory.borrow().cursor, "7");
    });
}

#[test]
fn a_pause_that_a_refusing_target_asks_for_is_remembered_by_every_transport() {
    let reply = b"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n";
    let address = serve(move |peer, _| drop(answer(peer, reply)));
    for spec in [poll(), long_poll(CursorSpec::None), websocket()] {
        let to = endpoint(address);
        on_a_worker(async {
            if let Ok(mut client) = Client::open_at(&spec, &to).await {
                client.ask().await.unwrap();
            }
        });
        let asked = to.memory.borrow().retry_after;
        assert_eq!(asked, Some(pushbench::model::Nanos::from_millis(2_000)), "{spec:?}");
    }
}
