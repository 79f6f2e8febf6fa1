//! Dialects over HTTP: polls whose requests change, sends by POST, pinned connections.

use super::fake::{Client, on_a_worker, serve, stamp};
use pushbench::model::Failure;
use pushbench::transport::UnitKind;

#[test]
fn the_connection_of_the_steps_goes_on_to_the_carrier() {
    let address = serve(|peer, number| {
        assert_eq!(number, 0, "a second connection");
        assert!(peer.request().starts_with("GET /open "));
        peer.answer(200, "", "sid=9;");
        assert!(peer.request().starts_with("GET /poll?sid=9 "));
        peer.answer(200, "", &stamp(0));
        peer.linger();
    });
    let case = r#"
        long_poll = { get = "/poll?sid=${sid}" }
        steps = [{ get = "/open", set = { sid = { regex = "sid=([0-9]+)" } } }]
    "#;
    on_a_worker(async {
        let mut client = Client::new(case, address);
        client.open().await.unwrap();
        client.ask().await.unwrap();
        assert_eq!((client.basket.data.clone(), client.basket.connects), (vec![stamp(0)], 1));
        client.all_is_told();
    });
}

#[test]
fn statuses_that_a_rule_knows_are_no_failures() {
    let address = serve(|peer, _| {
        peer.request();
        peer.answer(410, "", "nothing");
        peer.request();
        peer.answer(200, "", "6");
        peer.request();
        peer.answer(400, "", "{\"code\":1}");
        peer.linger();
    });
    let case = r#"
        long_poll = { get = "/poll" }
        rule = [
            { on = { status = [410] }, then = "empty" },
            { on = { equals = "6" }, then = "empty" },
            { on = { status = 400, pointer = "/code", is = 1 }, then = "resume_lost" },
        ]
    "#;
    on_a_worker(async {
        let mut client = Client::new(case, address);
        client.open().await.unwrap();
        client.ask().await.unwrap();
        client.ask().await.unwrap();
        assert_eq!(client.basket.kinds, [UnitKind::Empty, UnitKind::Empty]);
        assert_eq!(client.ask().await, Err(Failure::ResumeLost));
    });
}

#[test]
fn sends_go_by_a_connection_of_their_own_and_messages_may_come_back_on_it() {
    let address = serve(|peer, number| {
        if number == 0 {
            assert!(peer.request().starts_with("GET /poll "));
            peer.answer(200, "", "hello");
            assert!(peer.request().starts_with("GET /poll "));
            return peer.linger();
        }
        let request = peer.request();
        assert!(request.starts_with("POST /send HTTP/1.1"), "{request}");
        assert!(request.ends_with("\r\n\r\n[\"sub \\\"news\\\"\"]"), "{request}");
        peer.answer(200, "", &stamp(0));
        let request = peer.request();
        assert!(request.ends_with("[\"2\"]"), "{request}");
        peer.answer(204, "", "");
        peer.linger();
    });
    let case = r#"
        long_poll = { get = "/poll" }
        send_by = { post = "/send", body = "[${json(text)}]", status = [200, 204] }
        rule = [{ on = { equals = "hello" }, send = ["sub \"${channel}\"", "2"], then = "ready" }]
    "#;
    on_a_worker(async {
        let mut client = Client::new(case, address);
        client.open().await.unwrap();
        client.ask().await.unwrap();
        assert_eq!((client.basket.data.clone(), client.basket.connects), (vec![stamp(0)], 2));
        assert!(client.is_ready() && super::fake::is_idle(&mut client));
        client.all_is_told();
    });
}

#[test]
fn a_send_that_is_refused_is_a_failure() {
    let address = serve(|peer, number| {
        peer.request();
        if number == 0 {
            peer.answer(200, "", "hello")
        } else {
            peer.answer(404, "", "no such session")
        }
        peer.linger();
    });
    let case = r#"
        long_poll = { get = "/poll" }
        send_by = { post = "/send" }
        rule = [{ on = { equals = "hello" }, send = "x" }]
    "#;
    on_a_worker(async {
        let mut client = Client::new(case, address);
        client.open().await.unwrap();
        assert_eq!(client.ask().await, Err(Failure::Status4xx));
        assert_eq!(client.detail(), "send_by: status 404, body \"no such session\"");
    });
}

#[test]
fn who_a_client_is_comes_from_its_row_the_environment_and_a_token() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("users.csv");
    std::fs::write(&file, "name, word\nAnn,x\nZo\u{eb},\"p w\"\n").unwrap();
    // Worked out elsewhere: HS256 with the secret `pushbench`, which is this package's name.
    let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJab8OrIiwibiI6M30.\
                 8PcQhknyZRrPEgRJ8IuUL8xQ9PDz-qoR6aaHMCBImHI";
    let basic = "\r\nAuthorization: Basic Wm/DqzpwIHc=\r\n";
    let address = serve(move |peer, number| {
        assert_eq!(number, 0, "a second connection");
        let login = peer.request();
        assert!(login.starts_with("POST /login HTTP/1.1\r\n") && login.contains(basic), "{login}");
        assert!(login.ends_with(token), "{login}");
        peer.answer(200, "X-Ticket: t-1\r\n", "");
        let poll = peer.request();
        assert!(poll.starts_with(&format!("GET /poll?token={token}&ticket=t-1 ")), "{poll}");
        assert!(poll.contains("\r\nX-User: Zo\u{eb}\r\n"), "{poll}");
        peer.answer(200, "", &stamp(0));
        peer.linger();
    });
    let case = r#"
        long_poll = { get = "/poll?token=${token}&ticket=${ticket}" }
        headers = { X-User = "${row('name')}" }
        rows = "FILE"
        vars = { token = "${jwt('${env:CARGO_PKG_NAME}', concat('{\"sub\":', json(row('name')), ',\"n\":', client, '}'))}" }
        steps = [{ post = "/login", body = "${token}", headers = { Authorization = "Basic ${base64(concat(row('name'), ':', row('word')))}" }, set = { ticket = { header = "X-Ticket" } } }]
    "#;
    let case = case.replace("FILE", file.to_str().unwrap());
    on_a_worker(async {
        // Client 3 of two rows: the second.
        let mut client = Client::new(&case, address);
        client.open().await.unwrap();
        client.ask().await.unwrap();
        assert_eq!(client.basket.data, [stamp(0)]);
    });
}
