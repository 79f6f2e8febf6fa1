//! Any split of the bytes decrypts alike, and every byte is accounted for.

use super::bytes::TlsBytes;
use super::session::Session;
use super::{TlsClient, TlsConfigError, TlsSettings};
use proptest::prelude::*;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};
use std::io::{Read, Write};
use std::sync::{Arc, LazyLock};

struct Identity {
    server: PrivateKeyDer<'static>,
    cert: rcgen::Certificate,
}

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    Identity { server: key.into(), cert: made.cert }
});

fn server(version: &'static SupportedProtocolVersion) -> ServerConnection {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![IDENTITY.cert.der().clone()], IDENTITY.server.clone_key())
        .unwrap();
    ServerConnection::new(Arc::new(config)).unwrap()
}

fn client() -> Session {
    let ca = Some(IDENTITY.cert.pem().into_bytes());
    let client = TlsClient::new(&TlsSettings { ca, ..TlsSettings::default() }).unwrap();
    Session::unconnected(&client.towards("localhost").unwrap()).unwrap()
}

/// Feeds a client what a server wrote, cut at these places; the plain bytes, and the account.
fn talk(
    version: &'static SupportedProtocolVersion,
    messages: &[Vec<u8>],
    cuts: &[usize],
) -> (Vec<u8>, TlsBytes) {
    let (mut server, mut client, mut cuts) = (server(version), client(), cuts.iter().cycle());
    let mut heard = Vec::new();
    let (mut sent, mut said) = (0, false);
    loop {
        let mut from_client = client.feed(&[]).unwrap();
        let quiet = from_client.is_empty();
        let mut wire = Vec::new();
        loop {
            while !from_client.is_empty() {
                let n = server.read_tls(&mut &from_client[..]).unwrap();
                from_client.drain(..n);
                server.process_new_packets().unwrap();
            }
            // In a round of their own, so that the handshake's bytes stay apart.
            if quiet && !said {
                said = true;
                for message in messages {
                    server.writer().write_all(message).unwrap();
                    while server.wants_write() {
                        server.write_tls(&mut wire).unwrap();
                    }
                }
            }
            if !server.wants_write() {
                break;
            }
            server.write_tls(&mut wire).unwrap();
        }
        sent += wire.len() as u64;
        let mut rest = &wire[..];
        while !rest.is_empty() {
            let n = (*cuts.next().unwrap()).clamp(1, rest.len());
            let out = client.feed(&rest[..n]).unwrap();
            rest = &rest[n..];
            client.unsent(out);
        }
        heard.append(&mut client.take_held());
        if said && wire.is_empty() {
            break;
        }
    }
    let _ = server.reader().read(&mut [0; 1]);
    let account = client.account();
    assert_eq!(account.read.wire, sent);
    (heard, account)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_split_decrypts_alike_and_counts_alike(
        messages in prop::collection::vec(prop_oneof![1_usize..300, 16_000_usize..40_000], 0..5),
        cuts in prop::collection::vec(prop_oneof![1_usize..8, 1_usize..3000, 1_usize..70_000], 1..12),
        old in any::<bool>(),
    ) {
        let version = if old { &TLS12 } else { &TLS13 };
        let messages: Vec<Vec<u8>> = messages.iter().map(|n| vec![*n as u8; *n]).collect();
        let (heard, account) = talk(version, &messages, &cuts);
        prop_assert_eq!(&heard, &messages.concat());
        prop_assert_eq!(account.read.plain as usize, heard.len());
        prop_assert_eq!(account.read.whole, account.read.wire, "nothing is left");
        // A record holds 16 KiB at most; header, tag, and the type or the nonce: 22 or 29 bytes.
        let records: usize = messages.iter().map(|m| m.len().div_ceil(16_384)).sum();
        let (each, tickets) = if old { (29, 0) } else { (22, 2) };
        let overhead = account.records().0 as usize - records * each;
        prop_assert!(overhead == 0 || tickets > 0 && overhead < 1200, "{} beyond {}", overhead, records);
    }
}

#[test]
fn what_is_no_tls_is_an_error_and_no_panic() {
    for bytes in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0x16, 3, 3, 0xff, 0xff, 0], &[0; 64]] {
        let mut client = client();
        client.feed(&[]).unwrap();
        assert!(client.feed(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn settings_that_will_not_do_are_named() {
    let with = |ca: &str| {
        let ca = Some(ca.as_bytes().to_vec());
        TlsClient::new(&TlsSettings { ca, ..TlsSettings::default() }).map(|_| ()).unwrap_err().to_string()
    };
    assert!(with("").starts_with("`ca` holds no certificate as PEM"), "{}", with(""));
    let cut = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    assert!(with(cut).starts_with("`ca` "), "{}", with(cut));
    let other = rcgen::generate_simple_self_signed(vec!["other".to_owned()]).unwrap();
    let pem = IDENTITY.cert.pem().into_bytes();
    let with = |key: String| {
        let identity = Some((pem.clone(), key.into_bytes()));
        TlsClient::new(&TlsSettings { ca: Some(pem.clone()), identity, ..TlsSettings::default() })
    };
    let told = with(other.signing_key.serialize_pem()).unwrap_err().to_string();
    assert!(told.starts_with("`key` does not go with `cert`"), "{told}");
    let told = with(String::new()).unwrap_err().to_string();
    assert!(told.starts_with("`key` holds no private key"), "{told}");
    let client = TlsClient::new(&TlsSettings { insecure: true, ..TlsSettings::default() }).unwrap();
    assert!(matches!(client.towards("a b"), Err(TlsConfigError::Name(_))));
    assert!(client.towards("127.0.0.1").is_ok() && client.towards("::1").is_ok());
}
