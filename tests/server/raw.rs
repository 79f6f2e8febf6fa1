//! A raw connection to the server, and the bytes clients send.

use pushbench::server::{Config, Running, start_on_thread};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The key of the RFC's example.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The whole answer to it.
pub(crate) const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// One raw connection, plain or over TLS. Nothing waits longer than 20 s.
pub(crate) struct Raw<S = TcpStream>(pub(crate) S);

/// An answer, read by its length.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: u64,
    pub(crate) body: String,
}

impl Raw {
    pub(crate) fn open(address: SocketAddr) -> Raw {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Raw(socket)
    }

    /// A WebSocket.
    pub(crate) fn upgraded(address: SocketAddr, path: &str) -> Raw {
        let mut raw = Raw::open(address);
        raw.upgrade(path);
        raw
    }
}

impl<S: Read + Write> Raw<S> {
    /// Makes a WebSocket of it.
    pub(crate) fn upgrade(&mut self, path: &str) {
        self.send(upgrade(path, KEY));
        self.expect(ACCEPTED);
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn take(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// The next bytes are exactly these.
    pub(crate) fn expect(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let got = self.take(text.len());
        assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(text));
    }

    /// Nothing more comes, and the connection ends in due form.
    pub(crate) fn expect_end(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.send(request("GET", target, ""));
        self.answer()
    }

    pub(crate) fn publish(&mut self, channel: &str, body: impl AsRef<[u8]>) -> Answer {
        let length = format!("Content-Length: {}\r\n", body.as_ref().len());
        let mut bytes = request("POST", &format!("/pub/{channel}"), &length).into_bytes();
        bytes.extend_from_slice(body.as_ref());
        self.send(bytes);
        self.answer()
    }

    /// The head of an answer, with the empty line.
    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.take(1));
        }
        String::from_utf8(head).unwrap()
    }

    /// The next HTTP chunk; empty at the end of the body.
    pub(crate) fn chunk(&mut self) -> String {
        let mut size = Vec::new();
        while !size.ends_with(b"\r\n") {
            size.extend(self.take(1));
        }
        let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim_end(), 16).unwrap();
        let chunk = self.take(size);
        self.expect("\r\n");
        String::from_utf8(chunk).unwrap()
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.head();
        let value = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name));
            line.map(|v| v.trim_matches('"').parse::<u64>().unwrap())
        };
        let body = self.take(value("Content-Length: ").unwrap_or(0) as usize);
        let status = head[9..12].parse().unwrap();
        Answer { status, etag: value("ETag: ").unwrap_or(0), body: String::from_utf8(body).unwrap() }
    }

    /// One frame of the server: first byte and payload.
    pub(crate) fn frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.take(2);
        let length = match head[1] {
            126 => u16::from_be_bytes(self.take(2).try_into().unwrap()) as usize,
            127 => u64::from_be_bytes(self.take(8).try_into().unwrap()) as usize,
            n => n as usize,
        };
        (head[0], self.take(length))
    }
}

pub(crate) fn request(method: &str, target: &str, headers: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
}

pub(crate) fn upgrade(path: &str, key: &str) -> String {
    let headers = format!(
        "Connection: keep-alive, UPGRADE\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {key}\r\n"
    );
    request("GET", path, &headers)
}

/// A client's frame with a mask of zeros.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        n @ ..=125 => frame.push(0x80 | n as u8),
        n @ 126..=65_535 => frame.extend([&[0xFE][..], &(n as u16).to_be_bytes()].concat()),
        n => frame.extend([&[0xFF][..], &(n as u64).to_be_bytes()].concat()),
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// A server of the test's own.
pub(crate) fn server(config: Config) -> (Running, SocketAddr) {
    let running = start_on_thread(config).unwrap();
    let address = running.address;
    (running, address)
}

/// Asks for the statistics until they hold this.
pub(crate) fn until_stats(address: SocketAddr, wanted: &str) {
    let mut raw = Raw::open(address);
    for _ in 0..4_000 {
        if raw.get("/stats").body.contains(wanted) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("never came to {wanted}: {}", raw.get("/stats").body);
}
