//! What scripted servers of tests have in common: a request head, and the answer to an upgrade.

#![expect(unreachable_pub, reason = "shared by several test programs")]

use std::io::Read;
use std::net::TcpStream;

/// The head of one request; `None` when the peer has gone.
pub fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// The answer that accepts a WebSocket upgrade with this request head.
pub fn upgraded(head: &str) -> String {
    let key = head
        .lines()
        .find_map(|l| l.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case("sec-websocket-key")));
    let key = key.map(|(_, v)| v.trim()).unwrap_or_default();
    let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
    )
}
