//! A publisher on a host with a clock of its own: each message carries what the bundled server's
//! (faulty) clock says, and what ours says at the same instant.

#![expect(unreachable_pub, reason = "shared by several test programs")]
#![expect(clippy::unwrap_used, reason = "test support: a panic is how a test fails")]

use pushbench::clock::{Clock, sleep_blocking};
use pushbench::model::Nanos;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Between two messages.
const EVERY: Nanos = Nanos::from_millis(20);

/// Publishes to `/pub/tick` until it is dropped.
pub struct Stamping(Arc<AtomicBool>);

impl Stamping {
    /// The server's clock is `ahead_ns` ahead from its first connection on, which is this one's, and gains
    /// `ppm`.
    pub fn start(server: SocketAddr, ahead_ns: i64, ppm: i64) -> Stamping {
        let over = Arc::new(AtomicBool::new(false));
        let mut line = TcpStream::connect(server).unwrap();
        line.set_nodelay(true).unwrap();
        let origin = Clock::Monotonic.now().0 as i64;
        std::thread::spawn({
            let over = Arc::clone(&over);
            move || {
                let mut due = Clock::Monotonic.now();
                for n in 1u64.. {
                    due += EVERY;
                    sleep_blocking(due - Clock::Monotonic.now());
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    let clock = exchange(&mut line, "GET /clock HTTP/1.1\r\nHost: h\r\n\r\n");
                    let theirs = clock["sent_ns"].as_i64().unwrap();
                    let since = theirs - ahead_ns - origin;
                    let ours = theirs - ahead_ns - since * ppm / 1_000_000;
                    let message = format!("{{\"seq\":{n},\"theirs\":{theirs},\"ours\":{ours}}}");
                    let head = format!(
                        "POST /pub/tick HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n",
                        message.len()
                    );
                    exchange(&mut line, &(head + &message));
                }
            }
        });
        Stamping(over)
    }
}

impl Drop for Stamping {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One request, and the JSON of its answer.
fn exchange(line: &mut TcpStream, request: &str) -> Value {
    line.write_all(request.as_bytes()).unwrap();
    let (mut answer, mut part) = (String::new(), [0; 2048]);
    while !answer.contains('}') {
        let n = line.read(&mut part).unwrap();
        assert!(n > 0, "the server has gone: {answer}");
        answer.push_str(&String::from_utf8_lossy(&part[..n]));
    }
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
}
