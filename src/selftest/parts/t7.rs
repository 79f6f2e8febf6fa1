//! T7: another clock's offset and drift are found within the bound that the exchange itself gives
//! (F7). The server tells a clock that is wrong by a known amount; both ends are on this machine, so
//! the truth is known.

use crate::analysis::clock_fit::{Exchange, fit};
use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use crate::selftest::SelftestError;
use crate::selftest::bench::Bench;
use crate::selftest::check::{Check, show};
use crate::selftest::part::Part;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(in crate::selftest) static PART: Part =
    Part { key: "T7", title: "a wrong clock is found within its own bound", rules: &[7], work: prove };

/// What the server's clock is ahead, nanoseconds.
const AHEAD_NS: f64 = 50e6;
/// What it gains, millionths.
const DRIFT_PPM: f64 = 50.0;
/// An error bound above this would be no proof, nanoseconds.
const USEFUL_NS: f64 = 500e3;
/// Between two exchanges.
const PAUSE: Nanos = Nanos::from_millis(20);

fn prove(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let server = bench.server(&["--fault", "clock ahead 50ms drift 50 ppm"])?;
    let address = server.address.ok_or(SelftestError::Missing("the server's address"))?;
    let fail = |source| SelftestError::Helper { what: "ask the server for its time", source };
    let mut line = TcpStream::connect_timeout(&address, Duration::from_secs(5)).map_err(fail)?;
    line.set_nodelay(true).map_err(fail)?;
    line.set_read_timeout(Some(Duration::from_secs(5))).map_err(fail)?;
    // The server's clock is wrong from the first connection on: this one, just now.
    let origin = Clock::Monotonic.now();
    let mut exchanges = Vec::new();
    for _ in 0..bench.depth().pick(200, 1_000) {
        bench.heed()?;
        exchanges.push(ask(&mut line, address).map_err(fail)?);
        sleep_blocking(PAUSE);
    }
    let fitted = fit(&exchanges).ok_or(SelftestError::Missing("a line through the exchanges"))?;
    bench.check(Check::holds(
        "error bound (half the quickest round trips)",
        format!("{} exchanges, best {}", exchanges.len(), show(fitted.round_trip_min_ns as f64)),
        show(fitted.epsilon_ns),
        format!("above 0, below {}", show(USEFUL_NS)),
        fitted.epsilon_ns > 0.0 && fitted.epsilon_ns < USEFUL_NS,
    ));
    let (first, last) = (exchanges[0].sent_ns as f64, Clock::Monotonic.now().0 as f64);
    for (name, at) in [("first", first), ("last", last)] {
        let truth = AHEAD_NS + (at - origin.0 as f64) * DRIFT_PPM / 1e6;
        let found = fitted.offset_at_ns(at);
        bench.check(Check::time(
            format!("offset at the {name} exchange"),
            truth,
            Some(found),
            fitted.epsilon_ns,
        ));
    }
    // Both ends of the line may be off by the bound, each to its side.
    let allowed = 2.0 * fitted.epsilon_ns / (last - first) * 1e6;
    bench.check(Check::number("drift", (DRIFT_PPM, Some(fitted.drift_ppm)), allowed, (2, " ppm")));
    Ok(())
}

/// One exchange: our clock around, the server's within.
fn ask(line: &mut TcpStream, address: SocketAddr) -> io::Result<Exchange> {
    let request = format!("GET /clock HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let sent = Clock::Monotonic.now();
    line.write_all(request.as_bytes())?;
    let (mut answer, mut buffer) = (String::new(), [0; 2048]);
    let mut received = sent;
    while !answer.contains('}') {
        let n = line.read(&mut buffer)?;
        received = Clock::Monotonic.now();
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let told: serde_json::Value = serde_json::from_str(body)?;
    let of = |key: &str| told[key].as_u64().ok_or_else(|| io::Error::other(format!("no {key} in {body}")));
    Ok(Exchange {
        sent_ns: sent.0,
        there_received_ns: of("received_ns")?,
        there_sent_ns: of("sent_ns")?,
        received_ns: received.0,
    })
}
