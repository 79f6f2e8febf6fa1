//! The TLS listener, with rustls as the client.

use crate::raw::{Raw, masked, request, until_stats};
use pushbench::model::Nanos;
use pushbench::server::{Config, Running, start_on_thread};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use rustls::{SupportedProtocolVersion, version};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

pub(crate) type Secure = Raw<StreamOwned<ClientConnection, TcpStream>>;

/// A client that trusts this certificate alone; all versions when none is named.
pub(crate) fn trusting(pem: &str, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = if versions.is_empty() { rustls::ALL_VERSIONS } else { versions };
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// A connection, its handshake not begun.
pub(crate) fn open(address: SocketAddr, config: &Arc<ClientConfig>) -> Secure {
    let name = ServerName::from(address.ip());
    let client = ClientConnection::new(Arc::clone(config), name).unwrap();
    Raw(StreamOwned::new(client, Raw::open(address).0))
}

fn server(config: Config) -> (Running, SocketAddr, String) {
    let running = start_on_thread(Config { tls: Some(([127, 0, 0, 1], 0).into()), ..config }).unwrap();
    let (address, pem) = (running.tls.unwrap(), running.certificate.clone().unwrap());
    (running, address, pem)
}

#[test]
fn everything_works_over_both_versions() {
    let (running, address, pem) = server(Config::default());
    for version in [&version::TLS12, &version::TLS13] {
        let config = trusting(&pem, &[version]);
        let mut raw = open(address, &config);
        assert_eq!(raw.get("/ok").body, "ok\n");
        assert_eq!(raw.0.conn.protocol_version(), Some(version.version));
        assert_eq!(raw.0.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        raw.send(request("GET", "/sse/t?limit=1", ""));
        assert!(raw.head().contains("\r\nContent-Type: text/event-stream\r\n"));
        assert_eq!(Raw::open(running.address).publish("t", "over").status, 202);
        assert!(raw.chunk().ends_with("\ndata: over\n\n"));
        assert_eq!(raw.chunk(), "");
        // Larger than a record, and than what a socket takes at once.
        let large = vec![b'x'; 1 << 20];
        let mut echo = open(address, &config);
        echo.upgrade("/echo");
        echo.send(masked(0x82, &large));
        assert!(echo.frame() == (0x82, large));
        raw.send(request("GET", "/ok", "Connection: close\r\n"));
        assert_eq!(raw.answer().body, "ok\n");
        // Without the closing alert rustls would call it a truncation.
        raw.expect_end();
    }
    until_stats(running.address, "\"tls\":{\"handshakes\":4,\"failed\":0}");
}

#[test]
fn sessions_are_resumed() {
    let (_running, address, pem) = server(Config::default());
    for version in [&version::TLS12, &version::TLS13] {
        let config = trusting(&pem, &[version]);
        let kinds = [(); 2].map(|()| {
            let mut raw = open(address, &config);
            assert_eq!(raw.get("/ok").status, 200);
            raw.0.conn.handshake_kind()
        });
        assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
    }
}

#[test]
fn others_are_not_trusted() {
    let (_running, address, _) = server(Config::default());
    let (_other, _, pem) = server(Config::default());
    let mut raw = open(address, &trusting(&pem, &[]));
    assert!(raw.0.write_all(b"GET").and_then(|()| raw.0.flush()).is_err());
}

#[test]
fn records_may_be_split_anywhere() {
    let (_running, address, pem) = server(Config::default());
    let mut client = ClientConnection::new(trusting(&pem, &[]), ServerName::from(address.ip())).unwrap();
    let mut socket = Raw::open(address).0;
    while client.is_handshaking() || client.wants_write() {
        let mut flight = Vec::new();
        client.write_tls(&mut flight).unwrap();
        for byte in flight {
            socket.write_all(&[byte]).unwrap();
        }
        if client.is_handshaking() {
            client.read_tls(&mut socket).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    let mut raw = Raw(StreamOwned::new(client, socket));
    assert_eq!(raw.get("/ok").body, "ok\n");
}

#[test]
fn garbage_is_told_so_and_dropped() {
    let (running, address, pem) = server(Config::default());
    let hello = {
        let mut client = ClientConnection::new(trusting(&pem, &[]), ServerName::from(address.ip())).unwrap();
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        hello
    };
    let mut broken = hello.clone();
    // No such handshake message.
    broken[5] ^= 0xFF;
    let cases: [(Vec<u8>, bool); 4] = [
        (request("GET", "/ok", "").into_bytes(), true),
        // A handshake message that says it has 16 MiB: rustls has no alert for that.
        ([&[22, 3, 1, 0, 4, 1, 0xFF, 0xFF, 0xFF][..], &[0; 100_000]].concat(), false),
        ([&hello[..], &[0; 300]].concat(), true),
        (broken, true),
    ];
    for (n, (bytes, told)) in cases.iter().enumerate() {
        let mut raw = Raw::open(address);
        raw.send(bytes);
        let mut got = Vec::new();
        raw.0.read_to_end(&mut got).unwrap();
        // An alert, maybe behind the server's own hello.
        assert_eq!(got.first().is_some_and(|kind| [21, 22].contains(kind)), *told, "case {n}: {got:?}");
        assert!(got.len() < 5_000, "case {n}");
    }
    until_stats(running.address, "\"tls\":{\"handshakes\":0,\"failed\":4}");
    let mut raw = open(address, &trusting(&pem, &[]));
    assert_eq!(raw.get("/ok").body, "ok\n", "others are served");
    raw.0.sock.write_all(&[23, 3, 3, 0, 32]).unwrap();
    raw.0.sock.write_all(&[7; 32]).unwrap();
    let ended = raw.0.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::InvalidData, "the alert that says which: {ended}");
}

#[test]
fn half_a_handshake_does_not_wait_for_ever() {
    let (running, address, _) = server(Config { handshake: Nanos::from_millis(50), ..Config::default() });
    let mut raw = Raw::open(address);
    raw.send([22, 3, 1, 2, 0, 1]);
    raw.expect_end();
    until_stats(running.address, "\"failed\":1}");
}

#[test]
fn a_slow_reader_is_dropped_over_tls_too() {
    const SIZE: usize = 64 * 1024;
    let (running, address, pem) = server(Config { queue_bytes: 4 * SIZE, ..Config::default() });
    let mut slow = open(address, &trusting(&pem, &[]));
    slow.upgrade("/ws/s");
    let mut publisher = Raw::open(running.address);
    let body = "x".repeat(SIZE);
    for n in 0.. {
        assert!(n < 1_000, "never dropped");
        publisher.publish("s", &body);
        if publisher.get("/stats").body.contains("\"slow_dropped\":1") {
            break;
        }
    }
    assert!(slow.0.read_to_end(&mut Vec::new()).is_err());
}
