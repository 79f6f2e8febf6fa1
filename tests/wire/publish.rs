//! The publishing connection: exact bytes, one retry of a stale connection, no more.

use crate::fake::*;
use pushbench::clock::Clock;
use pushbench::model::{Failure, Traffic};
use pushbench::net::{Dialer, Place};
use pushbench::transport::{Answer, PostConnection, PostHead};
use std::future::poll_fn;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};

const CREATED: &[u8] = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";

/// Reads a request with a body of five bytes and answers; false when the client has gone.
fn post(peer: &mut TcpStream, reply: &[u8]) -> bool {
    let head = read_head(peer);
    if head.is_empty() {
        return false;
    }
    assert_eq!(head, "POST /pub HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    let mut body = [0; 5];
    peer.read_exact(&mut body).unwrap();
    assert_eq!(&body, b"hello");
    std::io::Write::write_all(peer, reply).is_ok()
}

struct Publisher {
    head: PostHead,
    connection: PostConnection,
}

impl Publisher {
    fn new(to: SocketAddr) -> Publisher {
        let dial = Dialer::new(Clock::Monotonic);
        Publisher {
            head: PostHead::new("POST", "/pub", "h", ""),
            connection: PostConnection::new(&dial, &Place::plain(to)),
        }
    }

    async fn publish(&mut self) -> Result<Answer, Failure> {
        self.connection.begin(&self.head, b"hello");
        let answer = poll_fn(|cx| self.connection.poll_answer(cx)).await;
        assert!(!self.connection.is_busy());
        assert!(self.connection.wire().balances());
        answer
    }
}

#[test]
fn messages_share_a_connection_and_are_counted_to_the_byte() {
    let address = serve(|peer, _| while post(peer, CREATED) {});
    on_a_worker(async {
        let mut publisher = Publisher::new(address);
        // Out: 18 + 2, 7 + 2, 17 + 2, 2, 5. In: 20 + 2, 17 + 2, 2, 2.
        let want = Traffic {
            payload: 5,
            framing: 2,
            headers: 50 + 43,
            wire_in: 45,
            wire_out: 55,
            ..Traffic::default()
        };
        for number in 0..3 {
            let answer = publisher.publish().await.unwrap();
            assert_eq!((answer.status, answer.traffic, answer.retried), (201, want, false));
            assert!(answer.sent <= answer.received);
            assert_eq!(answer.connected.is_some(), number == 0);
        }
        assert_eq!(publisher.connection.wire().wire_out, 165);
    });
}

#[test]
fn a_stale_connection_is_tried_again_once() {
    let address = serve(|peer, number| {
        post(peer, CREATED);
        if number == 0 {
            post(peer, b"");
        }
    });
    on_a_worker(async {
        let mut publisher = Publisher::new(address);
        publisher.publish().await.unwrap();
        let answer = publisher.publish().await.unwrap();
        assert!(answer.retried && answer.connected.is_some());
        assert_eq!(answer.status, 201);
    });
}

#[test]
fn a_fresh_connection_is_not() {
    let address = serve(|peer, _| {
        post(peer, b"");
    });
    on_a_worker(async {
        let mut publisher = Publisher::new(address);
        assert_eq!(publisher.publish().await, Err(Failure::ClosedEarly));
        assert_eq!(publisher.publish().await, Err(Failure::ClosedEarly));
    });
    on_a_worker(async {
        let dial = Dialer::new(Clock::Monotonic);
        let mut opened = PostConnection::open(&dial, &Place::plain(address)).await.unwrap();
        opened.begin(&PostHead::new("POST", "/pub", "h", ""), b"hello");
        assert_eq!(poll_fn(|cx| opened.poll_answer(cx)).await, Err(Failure::ClosedEarly));
    });
}

#[test]
fn an_answer_that_breaks_off_is_not_sent_twice() {
    let address = serve(|peer, _| {
        post(peer, CREATED);
        post(peer, b"HTTP/1.1 20");
    });
    on_a_worker(async {
        let mut publisher = Publisher::new(address);
        publisher.publish().await.unwrap();
        assert_eq!(publisher.publish().await, Err(Failure::ClosedEarly));
    });
}

#[test]
fn a_message_larger_than_the_kernel_takes_at_once() {
    const SIZE: usize = 12 << 20;
    let address = serve(|peer, _| {
        read_head(peer);
        let mut body = vec![0; SIZE];
        peer.read_exact(&mut body).unwrap();
        assert!(body.iter().all(|&b| b == b'x'));
        std::io::Write::write_all(peer, CREATED).unwrap();
        linger(peer);
    });
    on_a_worker(async {
        let mut publisher = Publisher::new(address);
        publisher.connection.begin(&publisher.head, &vec![b'x'; SIZE]);
        let answer = poll_fn(|cx| publisher.connection.poll_answer(cx)).await.unwrap();
        assert_eq!((answer.status, answer.traffic.payload), (201, SIZE as u64));
        assert!(publisher.connection.wire().balances());
    });
}
