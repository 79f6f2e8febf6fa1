//! Each way in which a target misbehaves has its named failure, and costs bounded memory.

use crate::fake::*;
use pushbench::model::Failure;
use pushbench::scenario::CursorSpec;
use pushbench::transport::{Event, UnitKind};
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};

const BIG: usize = 10 << 20;
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// One request to a server that answers with these bytes and closes.
fn asked(bytes: Vec<u8>) -> (Result<Event, Failure>, Client) {
    let address = serve(move |peer, _| {
        answer(peer, &bytes);
    });
    asked_of(address)
}

fn asked_of(address: SocketAddr) -> (Result<Event, Failure>, Client) {
    on_a_worker(async {
        let mut client = Client::open(&long_poll(CursorSpec::None), address).await.unwrap();
        (client.ask().await, client)
    })
}

fn refused_for(bytes: &str) -> UnitKind {
    let (event, client) = asked(bytes.into());
    assert_eq!(event, Ok(Event::Answered));
    client.last().kind
}

/// What opening a WebSocket comes to when the upgrade is answered so.
fn opened(reply: impl Fn(&mut TcpStream, &str) + Send + 'static) -> Failure {
    let address = serve(move |peer, _| {
        let request = read_head(peer);
        reply(peer, &request);
    });
    on_a_worker(async { Client::open(&websocket(), address).await.err().unwrap() })
}

/// What a WebSocket comes to whose target sends these bytes and closes.
fn framed(bytes: Vec<u8>) -> (Result<u16, Failure>, Client) {
    let address = serve(move |peer, _| upgrade(peer, &bytes));
    on_a_worker(async {
        let mut client = Client::open(&websocket(), address).await.unwrap();
        (client.until_over().await, client)
    })
}

fn big_header(peer: &mut TcpStream) {
    let _ = peer.write_all(b"HTTP/1.1 200 OK\r\nA: ");
    let _ = peer.write_all(&vec![b'a'; BIG]);
    let _ = peer.write_all(b"\r\n\r\n");
}

#[test]
fn a_target_that_refuses() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for spec in [poll(), long_poll(CursorSpec::None), websocket()] {
        let failed = on_a_worker(async { Client::open(&spec, free).await.err() });
        assert_eq!(failed, Some(Failure::ConnectRefused));
    }
}

#[test]
fn a_target_that_resets() {
    let on_request = serve(|peer, _| {
        read_head(peer);
        reset(peer);
    });
    assert_eq!(asked_of(on_request).0, Err(Failure::Reset));
    let in_the_body = serve(|peer, _| {
        answer(peer, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        reset(peer);
    });
    assert_eq!(asked_of(in_the_body).0, Err(Failure::Reset));
    assert_eq!(opened(|peer, _| reset(peer)), Failure::Reset);
    let later = serve(|peer, _| {
        upgrade(peer, &frame(1, b"one"));
        reset(peer);
    });
    let failed = on_a_worker(async { Client::open(&websocket(), later).await.unwrap().until_over().await });
    assert_eq!(failed, Err(Failure::Reset));
}

#[test]
fn a_target_that_closes_in_the_middle() {
    for part in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", CHUNKED] {
        assert_eq!(asked(part.into()).0, Err(Failure::ClosedEarly), "{part:?}");
    }
    assert_eq!(opened(|_, _| {}), Failure::ClosedEarly);
    let whole = frame(1, b"message");
    for cut in [1, 2, 5] {
        let bytes = [&whole[..], &whole[..cut]].concat();
        let (failed, client) = framed(bytes);
        assert_eq!(failed, Err(Failure::ClosedEarly));
        assert_eq!(client.last().body, b"message");
        let left = client.session.wire().wire_in - client.told().wire_in;
        assert_eq!(left, cut as u64, "what was never finished is counted");
    }
    assert_eq!(framed(whole).0, Err(Failure::ClosedEarly), "an end without a close frame");
}

#[test]
fn statuses_that_nobody_asked_for() {
    let empty = "\r\nContent-Length: 0\r\n\r\n";
    let kind = |status: &str| refused_for(&format!("HTTP/1.1 {status}{empty}"));
    assert_eq!(kind("500 Oops"), UnitKind::Refused(Failure::Status5xx));
    assert_eq!(kind("404 No"), UnitKind::Refused(Failure::Status4xx));
    assert_eq!(kind("301 There\r\nLocation: /x"), UnitKind::Refused(Failure::Redirect));
    assert_eq!(kind("206 Part"), UnitKind::Refused(Failure::StatusUnexpected));
    assert_eq!(kind("408 Nothing"), UnitKind::Empty);
    assert_eq!(kind("200 OK"), UnitKind::Empty);
    let upgrade = |status: &'static str| {
        opened(move |peer, _| drop(peer.write_all(format!("HTTP/1.1 {status}{empty}").as_bytes())))
    };
    assert_eq!(upgrade("500 Oops"), Failure::Status5xx);
    assert_eq!(upgrade("403 No"), Failure::Status4xx);
    assert_eq!(upgrade("301 There"), Failure::Redirect);
    assert_eq!(upgrade("200 OK"), Failure::UpgradeRefused);
}

#[test]
fn garbage() {
    assert_eq!(asked(b"\x15\x03\x01 what?".to_vec()).0, Err(Failure::BadHttp));
    assert_eq!(asked(b"HTTP/1.1 20\r\n\r\n".to_vec()).0, Err(Failure::BadHttp));
    assert_eq!(opened(|peer, _| drop(peer.write_all(b"220 mail\r\n"))), Failure::BadHttp);
    // A frame of a reserved kind, one with a reserved bit, a masked one, a torn control frame.
    for bad in [vec![0x83, 0], vec![0xC1, 0], vec![0x81, 0x80, 0, 0, 0, 0], vec![0x09, 0], vec![0x80, 0]] {
        assert_eq!(framed(bad.clone()).0, Err(Failure::BadFrame), "{bad:?}");
    }
}

#[test]
fn a_header_of_10_mb() {
    let address = serve(|peer, _| {
        read_head(peer);
        big_header(peer);
    });
    let (event, client) = asked_of(address);
    assert_eq!(event, Err(Failure::HeadTooLarge));
    // The head limit and at most one read beyond it: nothing more was taken in.
    assert!(client.session.wire().wire_in <= 2 * 65_536 + 1024);
    assert_eq!(opened(|peer, _| big_header(peer)), Failure::HeadTooLarge);
}

#[test]
fn sizes_beyond_all_bodies() {
    let with = |size: &str| {
        let text = format!("{CHUNKED}{size}\r\n");
        let sent = text.len() as u64;
        let (event, client) = asked(text.into());
        assert_eq!(client.session.wire().wire_in, sent, "bytes of a bad answer are bytes too");
        event
    };
    assert_eq!(with("FFFFFFFFFFFFFFFF"), Err(Failure::BadChunk));
    assert_eq!(with("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"), Err(Failure::BadChunk));
    assert_eq!(with("nonsense"), Err(Failure::BadChunk));
    let endless = serve(|peer, _| {
        answer(peer, b"HTTP/1.1 200 OK\r\n\r\n");
        while peer.write_all(&[b'x'; 65_536]).is_ok() {}
    });
    let (event, client) = asked_of(endless);
    assert_eq!(event, Err(Failure::BodyTooLarge));
    assert!(client.session.wire().wire_in <= (16 << 20) + 2 * 65_536);
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n";
    assert_eq!(asked(long.into()).0, Err(Failure::BodyTooLarge));
}

#[test]
fn a_wrong_accept() {
    let failed = opened(|peer, request| {
        let good = accepting(request);
        let _ = peer.write_all(good.replace("Accept: ", "Accept: x").as_bytes());
    });
    assert_eq!(failed, Failure::BadAccept);
}

#[test]
fn text_that_is_not_utf8() {
    assert_eq!(framed(frame(1, b"ab\xFFcd")).0, Err(Failure::BadUtf8));
    let (failed, client) = framed([frame(2, b"\xFF"), frame(1, b"\xC3")].concat());
    assert_eq!(failed, Err(Failure::BadUtf8));
    assert_eq!(client.last().body, b"\xFF", "binary may hold anything");
}

#[test]
fn messages_beyond_the_limit() {
    let (failed, client) = framed(frame(2, &vec![0; 100_001]));
    assert_eq!(failed, Err(Failure::MessageTooLarge));
    // What came with the head in the first read, at most: told by its header, not by its bytes.
    assert!(client.session.wire().wire_in <= 65_536);
    assert_eq!(framed([&[0x82, 0x7F][..], &[0x7F; 8]].concat()).0, Err(Failure::MessageTooLarge));
}

#[test]
fn close_codes_are_kept() {
    for code in [1000_u16, 1001, 1008, 4400] {
        let bytes = [frame(1, b"x"), frame(8, &[&code.to_be_bytes()[..], b"why"].concat())].concat();
        let (closed, client) = framed(bytes);
        assert_eq!(closed, Ok(code));
        assert_eq!(client.last().kind, UnitKind::Control);
    }
    assert_eq!(framed(frame(8, b"")).0, Ok(1005));
    assert_eq!(framed(frame(8, b"x")).0, Err(Failure::BadFrame));
}

#[test]
fn answers_byte_by_byte() {
    let dribble = |peer: &mut TcpStream, bytes: &[u8]| {
        peer.set_nodelay(true).unwrap();
        for byte in bytes {
            let _ = peer.write_all(&[*byte]);
            std::thread::yield_now();
        }
    };
    let text = format!("{CHUNKED}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    let length = text.len();
    let address = serve(move |peer, _| {
        read_head(peer);
        dribble(peer, text.as_bytes());
        linger(peer);
    });
    let (event, client) = asked_of(address);
    assert_eq!(event, Ok(Event::Answered));
    assert_eq!(client.last().body, b"abcde");
    assert_eq!(client.last().traffic.wire_in, length as u64);

    let address = serve(move |peer, _| {
        let request = read_head(peer);
        let frames = [frame(1, b"one"), frame(2, &[7; 300]), frame(8, &1000_u16.to_be_bytes())].concat();
        dribble(peer, &[accepting(&request).as_bytes(), &frames].concat());
        linger(peer);
    });
    on_a_worker(async {
        let mut client = Client::open(&websocket(), address).await.unwrap();
        assert_eq!(client.until_over().await, Ok(1000));
        let bodies: Vec<usize> = client.basket.units.iter().map(|u| u.body.len()).collect();
        assert_eq!(bodies, [0, 3, 300, 0]);
    });
}

/// Why it failed, in words.
fn words(to: &pushbench::net::Endpoint) -> String {
    to.memory.borrow().detail.clone().unwrap_or_default()
}

/// The same as [`framed`], and why.
fn framed_and_told(bytes: Vec<u8>) -> (Result<u16, Failure>, Client, String) {
    let address = serve(move |peer, _| upgrade(peer, &bytes));
    let to = endpoint(address);
    on_a_worker(async {
        let mut client = Client::open_at(&websocket(), &to).await.unwrap();
        (client.until_over().await, client, words(&to))
    })
}

#[test]
fn fragments_without_end_are_bounded_and_named_and_others_have_their_turn() {
    let address = serve(|peer, _| {
        upgrade(peer, &[0x01, 0x01, b'x']);
        while peer.write_all(&[0; 4096]).is_ok() {}
    });
    let to = endpoint(address);
    on_a_worker(async {
        let mut client = Client::open_at(&websocket(), &to).await.unwrap();
        assert_eq!(client.until_over().await, Err(Failure::MessageTooLarge));
        assert!(words(&to).contains("65536 frames"), "{}", words(&to));
        // The two frames' headers at the end of the limit and what came in the read that reached it.
        assert!(client.session.wire().wire_in <= 2 * 65_536 + 65_536 + 200);
        let told = client.told().wire_in;
        assert!(told + 1 >= client.session.wire().wire_in, "all but the one byte of payload: {told}");
    });
}

#[test]
fn frames_of_a_message_that_is_not_whole_are_told_as_they_come() {
    let address = serve(|peer, _| {
        upgrade(peer, &[0x01, 0x01, b'x', 0, 0, 0, 0]);
        linger(peer);
    });
    on_a_worker(async {
        let mut client = Client::open(&websocket(), address).await.unwrap();
        while client.told().framing < 6 {
            client.next().await.unwrap();
        }
        assert_eq!((client.last().kind, client.told().framing), (UnitKind::Control, 6));
        let wire = client.session.wire();
        assert_eq!(wire.wire_in - client.told().wire_in, 1, "the payload waits for its message");
    });
}

#[test]
fn close_codes_that_must_not_be_sent_are_the_peers_fault() {
    for code in [999_u16, 1005, 1006, 1015, 2000] {
        let (failed, client, why) = framed_and_told(frame(8, &code.to_be_bytes()));
        assert_eq!(failed, Err(Failure::BadFrame), "{code}");
        assert!(why.contains(&format!("code {code}")), "{why}");
        let closing = client.session.closing().unwrap();
        assert_eq!((closing.code, closing.clean), (1006, false));
    }
}

#[test]
fn what_breaks_a_protocol_is_put_into_words() {
    let masked = vec![0x81, 0x81, 1, 2, 3, 4, 9];
    for bytes in [masked, vec![0xC1, 0], vec![0x83, 0], frame(9, &[0; 126]), frame(8, b"x")] {
        let (failed, _, why) = framed_and_told(bytes.clone());
        assert_eq!(failed, Err(Failure::BadFrame), "{bytes:?}");
        assert!(why.len() > 20, "{bytes:?}: {why}");
    }
    let answers = [
        ("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", Failure::Status5xx, "status 503"),
        ("HTTP/1.1 302 F\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", Failure::Redirect, "leads to /b"),
        ("220 mail\r\n", Failure::BadHttp, "not HTTP/1.1"),
        (
            "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            Failure::BadAccept,
            "missing",
        ),
    ];
    for (reply, want, words_of_it) in answers {
        let address = serve(move |peer, _| drop(answer(peer, reply.as_bytes())));
        let to = endpoint(address);
        let failed = on_a_worker(async { Client::open_at(&websocket(), &to).await.err() });
        assert_eq!(failed, Some(want));
        assert!(words(&to).contains(words_of_it), "{}", words(&to));
    }
    let polls = [
        ("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "status 503"),
        ("HTTP/1.1 302 F\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", "leads to /b"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "hexadecimal"),
    ];
    for (reply, words_of_it) in polls {
        let address = serve(move |peer, _| drop(answer(peer, reply.as_bytes())));
        let to = endpoint(address);
        on_a_worker(async {
            let mut client = Client::open_at(&long_poll(CursorSpec::None), &to).await.unwrap();
            let _ = client.ask().await;
        });
        assert!(words(&to).contains(words_of_it), "{}", words(&to));
    }
}
