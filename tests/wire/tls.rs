//! The carriers over TLS, against a server that counts its own socket: the difference is 0. Failures
//! of a handshake are named and put into words.

use crate::fake::*;
use pushbench::clock::Clock;
use pushbench::model::{Failure, Nanos, Traffic};
use pushbench::net::{Dialer, Endpoint, TlsClient, TlsSettings};
use pushbench::scenario::{CarrierSpec, CursorSpec};
use pushbench::transport::{Event, PostConnection, PostHead, Stage, UnitKind};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, mpsc};

struct Certificate {
    key: PrivateKeyDer<'static>,
    pem: Vec<u8>,
    key_pem: Vec<u8>,
    der: rustls::pki_types::CertificateDer<'static>,
}

static LOCALHOST: LazyLock<Certificate> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    Certificate {
        key: PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into(),
        pem: made.cert.pem().into_bytes(),
        key_pem: made.signing_key.serialize_pem().into_bytes(),
        der: made.cert.der().clone(),
    }
});

const PATIENCE: Nanos = Nanos::from_millis(10_000);

/// How the server differs from the usual one.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ways {
    pub(crate) tls12: bool,
    /// It gives no session tickets: every record is one of data.
    pub(crate) no_tickets: bool,
    /// It asks for the client's certificate.
    pub(crate) asks: bool,
    /// Its writes go out in pieces of so many bytes; 0: whole.
    pub(crate) pieces: usize,
}

fn config(ways: Ways) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let version = if ways.tls12 { &rustls::version::TLS12 } else { &rustls::version::TLS13 };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(&[version]).unwrap();
    let builder = if ways.asks {
        let mut roots = RootCertStore::empty();
        roots.add(LOCALHOST.der.clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let chain = vec![LOCALHOST.der.clone()];
    let mut config = builder.with_single_cert(chain, LOCALHOST.key.clone_key()).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if ways.no_tickets {
        config.send_tls13_tickets = 0;
    }
    Arc::new(config)
}

/// A socket that counts, and that may tear what is written.
pub(crate) struct Metered {
    socket: TcpStream,
    pieces: usize,
    count: Arc<Count>,
}

#[derive(Default)]
pub(crate) struct Count {
    read: AtomicU64,
    written: AtomicU64,
}

impl Read for Metered {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.socket.read(into)?;
        self.count.read.fetch_add(n as u64, SeqCst);
        Ok(n)
    }
}

impl Write for Metered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = if self.pieces == 0 { bytes.len() } else { self.pieces.min(bytes.len()) };
        let n = self.socket.write(&bytes[..most])?;
        self.count.written.fetch_add(n as u64, SeqCst);
        if self.pieces > 0 {
            std::thread::yield_now();
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) type Peer = StreamOwned<ServerConnection, Metered>;

pub(crate) fn serve_tls(
    ways: Ways,
    script: impl Fn(&mut Peer, usize) + Send + 'static,
) -> (SocketAddr, Arc<Count>) {
    let (config, count) = (config(ways), Arc::new(Count::default()));
    let counted = Arc::clone(&count);
    let address = serve(move |socket, number| {
        socket.set_nodelay(true).unwrap();
        let socket = socket.try_clone().unwrap();
        let metered = Metered { socket, pieces: ways.pieces, count: Arc::clone(&counted) };
        let mut peer = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), metered);
        script(&mut peer, number);
    });
    (address, count)
}

pub(crate) fn trusting() -> TlsSettings {
    TlsSettings { ca: Some(LOCALHOST.pem.clone()), ..TlsSettings::default() }
}

pub(crate) fn secure(address: SocketAddr, settings: &TlsSettings, name: &str) -> Endpoint {
    let profile = TlsClient::new(settings).unwrap().towards(name).unwrap();
    Endpoint { tls: Some(Rc::new(profile)), ..endpoint(address) }
}

/// What a session counted is what the server's socket carried. The server counts after the kernel has
/// handed over, so it may need a moment.
pub(crate) fn assert_equal(wire: Traffic, count: &Count) {
    assert!(wire.balances(), "{wire:?}");
    let carried = || (count.written.load(SeqCst), count.read.load(SeqCst));
    let deadline = Clock::Monotonic.now() + PATIENCE;
    while carried() != (wire.wire_in, wire.wire_out) && Clock::Monotonic.now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!((wire.wire_in, wire.wire_out), carried(), "{wire:?}");
}

fn above(t: Traffic) -> (u64, u64, u64) {
    (t.payload, t.framing, t.headers)
}

#[test]
fn polls_over_tls_differ_from_the_servers_count_by_nothing() {
    // A record has 22 bytes beside what it carries in TLS 1.3, 29 in 1.2 with AES-GCM.
    for (tls12, pieces, each) in
        [(false, 0, 22), (true, 0, 29), (false, 1, 22), (true, 7, 29), (false, 100, 22)]
    {
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let ways = Ways { tls12, pieces, ..Ways::default() };
        let (address, count) = serve_tls(ways, move |peer, _| while !answer(peer, reply).is_empty() {});
        on_a_worker(async {
            let to = secure(address, &trusting(), "localhost");
            let mut client = Client::open_at(&poll(), &to).await.unwrap();
            for asked in 0..3 {
                assert_eq!(client.ask().await, Ok(Event::Answered));
                let traffic = client.last().traffic;
                assert_eq!(above(traffic), (5, 0, 28 + 38));
                assert_eq!(traffic.handshake > 500, asked == 0, "{traffic:?}");
                if asked > 0 {
                    assert_eq!(traffic.tls, 2 * each, "{ways:?}", ways = (tls12, pieces));
                }
                assert_equal(client.session.wire(), &count);
            }
            assert_eq!(client.told(), client.session.wire());
            assert_eq!(client.basket.stages, [Stage::Tcp, Stage::Tls]);
            client.session.abort();
            assert_equal(client.session.wire(), &count);
        });
    }
}

#[test]
fn a_websocket_over_tls_differs_from_the_servers_count_by_nothing() {
    for pieces in [0, 3, 1000] {
        let (tell, told) = mpsc::channel();
        let ways = Ways { pieces, ..Ways::default() };
        let (address, count) = serve_tls(ways, move |peer, _| {
            upgrade(peer, &[frame(9, b"alive"), frame(1, b"one")].concat());
            let mut out = [0; 9 + 11];
            peer.read_exact(&mut out).unwrap();
            tell.send((out[0], out[9])).unwrap();
            let frames: Vec<u8> =
                [125, 65_536, 40_000].iter().flat_map(|n| frame(2, &vec![b'x'; *n])).collect();
            peer.write_all(&frames).unwrap();
            linger(peer);
        });
        on_a_worker(async {
            let mut to = secure(address, &trusting(), "localhost");
            to.send.push("sub".into());
            let mut client = Client::open_at(&websocket(), &to).await.unwrap();
            while client.basket.units.len() < 6 {
                client.next().await.unwrap();
            }
            assert_eq!(told.recv().unwrap(), (0x81, 0x8A));
            let sizes: Vec<usize> = client.basket.units.iter().map(|u| u.body.len()).collect();
            assert_eq!(sizes, [0, 0, 3, 125, 65_536, 40_000]);
            let kinds: Vec<UnitKind> = client.basket.units[..3].iter().map(|u| u.kind).collect();
            assert_eq!(kinds, [UnitKind::Control, UnitKind::Control, UnitKind::Data]);
            assert_equal(client.session.wire(), &count);
            assert_eq!(client.told(), client.session.wire());
            let hand = client.basket.units[0].traffic;
            assert!(hand.handshake > 1000 && above(hand) == (0, 0, 0), "{hand:?}");
            assert_eq!(client.basket.stages, [Stage::Tcp, Stage::Tls, Stage::Upgrade]);
        });
    }
}

#[test]
fn a_half_record_is_counted_when_the_session_is_given_up() {
    let (address, count) = serve_tls(Ways::default(), |peer, _| {
        let head = read_head(peer);
        assert!(!head.is_empty());
        peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nhel").unwrap();
        // A record of 9000 bytes is announced, and only its beginning comes.
        peer.sock.write_all(&[&[0x17, 3, 3, 0x23, 0x28][..], &[0; 100]].concat()).unwrap();
        linger(peer);
    });
    on_a_worker(async {
        let to = secure(address, &trusting(), "localhost");
        let mut client = Client::open_at(&poll(), &to).await.unwrap();
        client.session.request();
        let deadline = Clock::Monotonic.now() + PATIENCE;
        // 105 bytes of it, and more in the records before.
        while client.session.wire().tls < 105 + 2 * 22 {
            assert!(Clock::Monotonic.now() < deadline);
            let step = tokio::time::timeout(std::time::Duration::from_millis(5), client.next_unlimited());
            assert!(step.await.is_err(), "nothing is whole");
        }
        assert_equal(client.session.wire(), &count);
        client.session.abort();
        assert_equal(client.session.wire(), &count);
    });
}

#[test]
fn a_large_post_waits_for_a_slow_reader_and_is_counted() {
    const BODY: usize = 3_000_000;
    let (address, count) = serve_tls(Ways::default(), |peer, _| {
        while !read_head(peer).is_empty() {
            let mut body = vec![0; BODY];
            peer.read_exact(&mut body).unwrap();
            assert!(body.iter().enumerate().all(|(i, b)| *b == (i % 251) as u8));
            peer.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    on_a_worker(async {
        let place = secure(address, &trusting(), "localhost").place();
        let mut connection = PostConnection::new(&Dialer::new(Clock::Monotonic), &place);
        let body: Vec<u8> = (0..BODY).map(|i| (i % 251) as u8).collect();
        for number in 0..2 {
            connection.begin(&PostHead::new("POST", "/pub", "h", ""), &body);
            let answer = poll_fn(|cx| connection.poll_answer(cx)).await.unwrap();
            assert_eq!((answer.status, answer.traffic.payload), (201, BODY as u64));
            assert_eq!(answer.connected.is_some(), number == 0);
            assert!(answer.traffic.balances() && answer.traffic.tls > 22 * (BODY as u64 / 16_384));
            assert_equal(connection.wire(), &count);
        }
    });
}

#[test]
fn a_connection_closed_in_due_form_is_dialled_anew_and_both_are_counted() {
    let (address, count) = serve_tls(Ways::default(), |peer, number| {
        answer(peer, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
        if number < 2 {
            peer.conn.send_close_notify();
            let _ = peer.flush();
        }
        linger(&mut peer.sock);
    });
    on_a_worker(async {
        let to = secure(address, &trusting(), "localhost");
        let mut client = Client::open_at(&poll(), &to).await.unwrap();
        for asked in 1..=3 {
            let mut done = client.ask().await;
            if done == Err(Failure::StaleConnection) {
                done = client.ask().await;
            }
            assert_eq!((done, client.basket.units.len()), (Ok(Event::Answered), asked));
        }
        assert_eq!(client.basket.connects, 3);
        assert_equal(client.session.wire(), &count);
    });
}

async fn failed(to: &Endpoint, spec: &CarrierSpec) -> (Failure, String) {
    let failure = match Client::open_at(spec, to).await {
        Err(failure) => failure,
        Ok(mut client) => client.ask().await.unwrap_err(),
    };
    (failure, to.memory.borrow_mut().detail.take().unwrap_or_default())
}

#[test]
fn failures_of_a_handshake_are_named_and_put_into_words() {
    let hello = |peer: &mut Peer, _: usize| {
        answer(peer, b"HTTP/1.1 204 No Content\r\n\r\n");
    };
    let (address, _) = serve_tls(Ways::default(), hello);
    let (asking, _) = serve_tls(Ways { asks: true, tls12: true, ..Ways::default() }, hello);
    let (asking13, _) = serve_tls(Ways { asks: true, ..Ways::default() }, hello);
    let plain = serve(|peer, _| {
        let _ = peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        linger(peer);
    });
    let silent = serve(|peer, _| {
        let _ = peer.read(&mut [0; 10_000]);
    });
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "somebody else");
    let stranger = params.self_signed(&key).unwrap().pem().into_bytes();
    let other = TlsSettings { ca: Some(stranger), ..TlsSettings::default() };
    on_a_worker(async {
        for (to, failure, words) in [
            (secure(address, &other, "localhost"), Failure::CertificateRefused, "UnknownIssuer"),
            (secure(address, &trusting(), "example.org"), Failure::CertificateRefused, "example.org"),
            (secure(asking, &trusting(), "localhost"), Failure::TlsFailed, "alert"),
            (secure(plain, &trusting(), "localhost"), Failure::TlsFailed, "corrupt"),
            (secure(silent, &trusting(), "localhost"), Failure::TlsFailed, "closed in the middle"),
        ] {
            let (named, why) = failed(&to, &poll()).await;
            assert_eq!(named, failure, "{why}");
            assert!(why.contains(words), "{why:?} has no {words:?}");
            assert_eq!(failed(&to, &websocket()).await.0, failure);
        }
        // In TLS 1.3 a server that misses a certificate says so after the client's part is done.
        for (asking, alert) in [(asking, "alert"), (asking13, "certificate required")] {
            for spec in [poll(), websocket()] {
                let (named, why) = failed(&secure(asking, &trusting(), "localhost"), &spec).await;
                assert_eq!(named, Failure::TlsFailed, "{why}");
                for part in [alert, "`cert`", "`key`"] {
                    assert!(why.contains(part), "{why:?} has no {part:?}");
                }
            }
        }
    });
}

#[test]
fn a_client_certificate_and_insecure_are_taken() {
    let ways = Ways { asks: true, ..Ways::default() };
    let (address, _) =
        serve_tls(ways, |peer, _| while !answer(peer, b"HTTP/1.1 204 No\r\n\r\n").is_empty() {});
    let identity = Some((LOCALHOST.pem.clone(), LOCALHOST.key_pem.clone()));
    let known = TlsSettings { identity: identity.clone(), ..trusting() };
    let anyone = TlsSettings { identity, insecure: true, ..TlsSettings::default() };
    on_a_worker(async {
        for to in [secure(address, &known, "localhost"), secure(address, &anyone, "example.org")] {
            let mut client = Client::open_at(&poll(), &to).await.unwrap();
            assert_eq!(client.ask().await, Ok(Event::Answered));
        }
    });
}

#[test]
fn sessions_are_resumed_when_asked_for_and_only_then() {
    for (resumption, second) in [(true, HandshakeKind::Resumed), (false, HandshakeKind::Full)] {
        let (tell, told) = mpsc::channel();
        let (address, _) = serve_tls(Ways::default(), move |peer, _| {
            answer(peer, b"HTTP/1.1 204 No\r\n\r\n");
            tell.send((peer.conn.handshake_kind(), peer.conn.server_name().map(str::to_owned))).unwrap();
            linger(peer);
        });
        on_a_worker(async {
            let to = secure(address, &TlsSettings { resumption, ..trusting() }, "localhost");
            for _ in 0..2 {
                let mut client = Client::open_at(&long_poll(CursorSpec::None), &to).await.unwrap();
                assert_eq!(client.ask().await, Ok(Event::Answered));
            }
        });
        let name = Some("localhost".to_owned());
        assert_eq!(told.recv().unwrap(), (Some(HandshakeKind::Full), name.clone()));
        assert_eq!(told.recv().unwrap(), (Some(second), name), "resumption = {resumption}");
    }
}
