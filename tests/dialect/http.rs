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
