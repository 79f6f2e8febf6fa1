//! Dialects over a WebSocket: handshakes, readiness, keep-alive, splitting, resuming.

use super::fake::{Client, on_a_worker, serve, stamp};
use pushbench::model::Failure;
use pushbench::transport::{Event, UnitKind};

/// Socket.IO's server, as far as a subscriber meets it.
fn socket_io(peer: &mut super::fake::Peer, _number: usize) {
    let request = peer.upgrade();
    assert!(request.starts_with("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1"), "{request}");
    peer.text(r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#);
    assert_eq!(peer.next_text(), "40");
    peer.text(r#"40{"sid":"b","pid":"p1"}"#);
    assert_eq!(peer.next_text(), r#"420["sub","news"]"#);
    peer.text(&format!("42[\"msg\",\"{}\"]", stamp(0)));
    peer.text("430[{\"ok\":true}]");
    peer.text("2");
    assert_eq!(peer.next_text(), "3");
    peer.text(&format!("42[\"msg\",\"{}\"]", stamp(1)));
    peer.linger();
}

#[test]
fn the_preset_of_socket_io_comes_to_a_message() {
    let address = serve(socket_io);
    on_a_worker(async {
        let mut client = Client::new("preset = \"socketio.websocket\"", address);
        client.open().await.unwrap();
        assert!(!client.is_ready());
        client.until_ready().await.unwrap();
        client.until_data(2).await.unwrap();
        assert_eq!(client.basket.data[1], format!("42[\"msg\",\"{}\"]", stamp(1)));
        client.all_is_told();
        assert!(client.noted(&["Rule", "number: 5", "ready"]));
    });
}

#[test]
fn steps_send_and_expect_and_what_comes_between_goes_by_the_rules() {
    let address = serve(|peer, _| {
        peer.upgrade();
        assert_eq!(peer.next_text(), "hello 3");
        peer.text("ping");
        assert_eq!(peer.next_text(), "pong");
        peer.text("welcome id=77;");
        assert_eq!(peer.next_text(), "join news as 77 #1");
        peer.text("joined");
        peer.text("noise");
        peer.text(&stamp(5));
        peer.linger();
    });
    let case = r#"
        websocket = { path = "/ws" }
        steps = [
            { send = "hello ${client}", expect = { prefix = "welcome" }, set = { id = { regex = "id=([0-9]+)" } } },
            { send = "join ${channel} as ${id} #${n++}" },
            { expect = { equals = "joined" } },
        ]
        rule = [{ on = { equals = "ping" }, send = "pong" }]
    "#;
    on_a_worker(async {
        let mut client = Client::new(case, address);
        client.open().await.unwrap();
        client.until_ready().await.unwrap();
        client.until_data(2).await.unwrap();
        // Nothing says what a message is, so what no rule knows may be one.
        assert_eq!(client.basket.data, ["noise".to_owned(), stamp(5)]);
        assert!(client.noted(&["Unmatched"]));
    });
}

#[test]
fn steps_over_http_come_first_and_cookies_go_along() {
    let address = serve(|peer, number| {
        if number == 0 {
            let request = peer.request();
            assert!(request.starts_with("POST /login?c=news HTTP/1.1\r\nHost: h\r\n"), "{request}");
            assert!(request.contains("Content-Type: application/x-www-form-urlencoded\r\n"));
            assert!(request.ends_with("\r\n\r\nuser=u3&n=a%20b"), "{request}");
            peer.answer(200, "Set-Cookie: sid=xyz; Path=/\r\n", r#"{"token":"t o"}"#);
            let request = peer.request();
            assert!(request.starts_with("GET /ticket HTTP/1.1") && request.contains("Cookie: sid=xyz\r\n"));
            peer.answer(200, "X-Ticket: 42\r\n", "");
            return peer.linger();
        }
        let request = peer.upgrade();
        assert!(request.starts_with("GET /ws?token=t%20o&ticket=42 HTTP/1.1"), "{request}");
        assert!(request.contains("Authorization: Bearer t o\r\n") && request.contains("Cookie: sid=xyz\r\n"));
        assert_eq!(peer.next_text(), "first 42");
        peer.text(&stamp(1));
        peer.linger();
    });
    let case = r#"
        cookies = true
        headers = { Authorization = "Bearer ${token}" }
        websocket = { path = "/ws?token=${token}&ticket=${ticket}", send = ["first ${ticket}"] }
        vars = { user = "u${client}" }
        steps = [
            { post = "/login?c=${channel}", body = "user=${user}&n=${uri('a b')}", headers = { Content-Type = "application/x-www-form-urlencoded" }, set = { token = { pointer = "/token" } } },
            { get = "/ticket", set = { ticket = { header = "x-ticket" } } },
        ]
    "#;
    on_a_worker(async {
        let mut client = Client::new(case, address);
        client.open().await.unwrap();
        client.until_data(1).await.unwrap();
        assert_eq!(client.basket.connects, 2);
        client.all_is_told();
    });
}

#[test]
fn several_messages_in_a_frame_are_told_apart() {
    let address = serve(|peer, _| {
        peer.upgrade();
        peer.text(&format!("{{}}\u{1e}{}\u{1e}{{\"type\":6}}\u{1e}{}\u{1e}", stamp(0), stamp(1)));
        assert_eq!(peer.next_text(), "{\"type\":6}\u{1e}");
        peer.text("end");
        peer.linger();
    });
    let case = r#"
        websocket = { path = "/ws" }
        split = { delimiter = "\u001e" }
        rule = [
            { on = { equals = "{}" }, then = "ready" },
            { on = { pointer = "/type", is = 6 }, send = "{\"type\":6}\u001e" },
            { on = { equals = "end" }, then = "deliver" },
        ]
    "#;
    on_a_worker(async {
        let mut client = Client::new(case, address);
        client.open().await.unwrap();
        client.until_data(3).await.unwrap();
        assert!(client.is_ready());
        assert_eq!(client.basket.data, [stamp(0), stamp(1), "end".to_owned()]);
        client.all_is_told();
    });
}

#[test]
fn the_keep_alive_comes_out_of_the_handshake_and_a_silent_peer_is_dead() {
    let address = serve(|peer, _| {
        peer.upgrade();
        peer.text("open 20");
        assert_eq!(peer.next_text(), "beat 1");
        peer.text("ok");
        assert_eq!(peer.next_text(), "beat 2");
        peer.linger();
    });
    let case = r#"
        websocket = { path = "/ws" }
        keepalive = { every = "${ping} ms", send = "beat ${n++}", timeout = "50 ms" }
        rule = [
            { on = { prefix = "open" }, set = { ping = { regex = "([0-9]+)" } }, then = "ready" },
            { on = { equals = "ok" }, then = "pong" },
        ]
    "#;
    on_a_worker(async {
        let mut client = Client::new(case, address);
        client.open().await.unwrap();
        assert_eq!(client.until_over().await, Err(Failure::DeadPeer));
        assert!(client.noted(&["Sent", &format!("{:?}", b"beat 2")]));
    });
}

#[test]
fn what_is_kept_resumes_the_next_session_and_a_lost_one_is_told() {
    let address = serve(|peer, number| {
        peer.upgrade();
        match number {
            0 => {
                assert_eq!(peer.next_text(), "start");
                peer.text(&format!("m {} @o1", stamp(0)));
            }
            1 => {
                assert_eq!(peer.next_text(), "start from o1");
                peer.text("gone");
            }
            _ => assert_eq!(peer.next_text(), "start"),
        }
        peer.linger();
    });
    let case = r#"
        websocket = { path = "/ws" }
        vars = { from = "" }
        keep = ["from"]
        steps = [{ send = "start${from}" }]
        rule = [
            { on = { stamped = true, regex = "@" }, set = { offset = { regex = "@(o[0-9]+)" }, from = " from ${offset}" } },
            { on = { equals = "gone" }, then = "resume_lost" },
        ]
    "#;
    on_a_worker(async {
        let mut client = Client::new(case, address);
        client.open().await.unwrap();
        client.until_data(1).await.unwrap();
        client.session = None;
        client.open().await.unwrap();
        assert_eq!(client.until_over().await, Err(Failure::ResumeLost));
        assert_eq!(client.detail(), "rule 2 (equals \"gone\")");
        client.session = None;
        client.open().await.unwrap();
        client.until_ready().await.unwrap();
        assert!(!super::fake::is_idle(&mut client) || client.noted(&["Sent", &format!("{:?}", b"start")]));
    });
}

#[test]
fn rules_close_open_again_and_read_close_codes() {
    let address = serve(|peer, number| {
        peer.upgrade();
        match number {
            0 => peer.text("bye"),
            1 => peer.text("anew"),
            _ => peer.frame(0x88, &[&4001_u16.to_be_bytes()[..], b"expired"].concat()),
        }
        peer.linger();
    });
    let case = r#"
        websocket = { path = "/ws" }
        rule = [
            { on = { equals = "bye" }, then = "close" },
            { on = { equals = "anew" }, then = "again" },
            { on = { close = 4001, regex = "^expired$" }, then = "fail(the token has expired)" },
        ]
    "#;
    on_a_worker(async {
        let mut client = Client::new(case, address);
        client.open().await.unwrap();
        // The scripted server never answers our close frame; that it was sent is what counts here.
        while !client.session.as_ref().unwrap().is_closing() {
            let _ = super::fake::is_idle(&mut client);
            tokio::task::yield_now().await;
        }
        client.session = None;
        client.open().await.unwrap();
        assert_eq!(client.until_over().await, Ok(Event::Ended));
        client.session = None;
        client.open().await.unwrap();
        assert_eq!(client.until_over().await, Err(Failure::RuleFailed));
        assert_eq!(client.detail(), "rule 3 (regex \"^expired$\", close 4001): the token has expired");
        assert!(client.basket.kinds.contains(&UnitKind::Control));
    });
}

#[test]
fn time_alone_makes_ready_when_nothing_says_so() {
    let address = serve(|peer, _| {
        peer.upgrade();
        peer.linger();
    });
    on_a_worker(async {
        let mut client = Client::new("websocket = { path = \"/ws\" }\nready = \"30 ms\"", address);
        client.open().await.unwrap();
        assert!(!client.is_ready());
        client.until_ready().await.unwrap();
    });
}
