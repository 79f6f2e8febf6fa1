//! MQTT over a WebSocket: packets that share and straddle frames, quality 1.

use super::fake::{Client, on_a_worker, serve, stamp};
use pushbench::model::Failure;

/// A PUBLISH of quality 1 with this id.
fn publish(id: u8, payload: &str) -> Vec<u8> {
    let length = 2 + 4 + 2 + payload.len();
    [&[0x32, length as u8, 0, 4][..], b"news", &[0, id], payload.as_bytes()].concat()
}

const CASE: &str = r#"
    websocket = { path = "/mqtt", binary = true }
    mqtt = { topic = "${channel}", qos = 1 }
"#;

#[test]
fn messages_are_taken_out_of_packets_and_acknowledged() {
    let address = serve(|peer, _| {
        peer.upgrade();
        assert_eq!(peer.next().unwrap(), b"\x10\x0f\x00\x04MQTT\x04\x02\x00<\x00\x03pb3");
        peer.frame(0x82, b" \x02\x00");
        peer.frame(0x82, b"\x00");
        assert_eq!(peer.next().unwrap(), b"\x82\x09\x00\x01\x00\x04news\x01");
        let (first, second) = (publish(1, &stamp(0)), publish(2, &stamp(1)));
        let both = [&b"\x90\x03\x00\x01\x01"[..], &first, &second[..7]].concat();
        peer.frame(0x82, &both);
        assert_eq!(peer.next().unwrap(), b"@\x02\x00\x01");
        peer.frame(0x82, &second[7..]);
        assert_eq!(peer.next().unwrap(), b"@\x02\x00\x02");
        peer.linger();
    });
    on_a_worker(async {
        let mut client = Client::new(CASE, address);
        client.open().await.unwrap();
        assert!(!client.is_ready());
        client.until_data(2).await.unwrap();
        assert!(client.is_ready());
        assert_eq!(client.basket.data, [stamp(0), stamp(1)]);
        client.all_is_told();
    });
}

#[test]
fn a_refused_login_is_named() {
    let address = serve(|peer, _| {
        peer.upgrade();
        peer.next();
        peer.frame(0x82, b" \x02\x00\x05");
        peer.linger();
    });
    on_a_worker(async {
        let mut client = Client::new(CASE, address);
        client.open().await.unwrap();
        assert_eq!(client.until_over().await, Err(Failure::NotReady));
        assert_eq!(client.detail(), "mqtt: CONNACK refuses with code 5");
    });
}
