//! The feed's publisher on the floor side: one thread, one kept-alive connection, due times fixed.

use crate::feed::Feed;
use anyhow::{Context as _, Result, ensure};
use pushbench::clock::{Clock, sleep_blocking};
use pushbench::model::{Nanos, RunTag, Stamp};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

/// Publishes until told to stop; gives how many messages.
pub(crate) fn run(feed: &Feed, to: SocketAddr, stop: &AtomicBool) -> Result<u64> {
    let stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let step = Nanos::from_secs_f64(1.0 / (feed.rate_per_s * f64::from(feed.channels)));
    let base = Clock::Monotonic.now();
    let mut n = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let due = base + step * n;
        sleep_blocking(due - Clock::Monotonic.now());
        publish(&mut stream, feed, n, due).with_context(|| format!("failed to publish message {n}"))?;
        n += 1;
    }
    Ok(n)
}

fn publish(stream: &mut BufReader<TcpStream>, feed: &Feed, n: u64, due: Nanos) -> Result<()> {
    let channel = (n % u64::from(feed.channels)) as u32;
    let sequence = (n / u64::from(feed.channels)) as u32;
    let late = Clock::Monotonic.now() - due;
    let mut body = Stamp { run: RunTag::new(1), channel, sequence, due, late }.encode().to_vec();
    body.resize(feed.payload_bytes.max(Stamp::LEN), b'x');
    let path = feed.channel(channel);
    let mut request =
        format!("POST /pub/{path} HTTP/1.1\r\nHost: floor\r\nContent-Length: {}\r\n\r\n", body.len())
            .into_bytes();
    request.extend_from_slice(&body);
    stream.get_mut().write_all(&request)?;
    answer(stream)
}

/// Reads one answer: a status of the 200s and a body as long as `Content-Length` says.
fn answer(stream: &mut BufReader<TcpStream>) -> Result<()> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    ensure!(line.starts_with("HTTP/1.1 2"), "answered {line:?}");
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        }
    }
    std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink())?;
    Ok(())
}
