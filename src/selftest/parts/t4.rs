//! T4: bytes are those that crossed the sockets, and those that the protocol says. A relay between
//! clients and server counts both directions of every connection by itself; for each message the
//! framing is what the formulas of the format (F6) give; and the books agree with the kernel's
//! (TCP_INFO) for every connection.

use super::units;
use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use crate::selftest::SelftestError;
use crate::selftest::bench::{Bench, Ran, channels};
use crate::selftest::check::Check;
use crate::selftest::part::Part;
use crate::selftest::process::Started;
use crate::selftest::relay::Counts;

pub(in crate::selftest) static PART: Part = Part {
    key: "T4",
    title: "bytes are those on the sockets and those of the formats",
    rules: &[14, 15, 17],
    work: prove,
};

/// A transport: name, key in the scenario, whether over TLS.
struct Way {
    name: &'static str,
    how: &'static str,
    secure: bool,
}

const fn way(name: &'static str, how: &'static str, secure: bool) -> Way {
    Way { name, how, secure }
}

const WAYS: [Way; 10] = [
    way("poll", "poll = { get = \"/poll/${channel}\", every = \"100ms\" }", false),
    way("long poll", "long_poll = { get = \"/lp/${channel}\" }", false),
    way("sse", "sse = { get = \"/sse/${channel}\" }", false),
    way("chunked", "chunked = { get = \"/chunked/${channel}\" }", false),
    way("forever iframe", "forever_iframe = { get = \"/iframe/${channel}\" }", false),
    way("multipart", "multipart = { get = \"/multipart/${channel}\" }", false),
    way("websocket", "websocket = { path = \"/ws/${channel}\" }", false),
    way("poll", "poll = { get = \"/poll/${channel}\", every = \"100ms\" }", true),
    way("sse", "sse = { get = \"/sse/${channel}\" }", true),
    way("websocket", "websocket = { path = \"/ws/${channel}\" }", true),
];

/// Clients of each run: all get every message of one channel.
const CLIENTS: u64 = 3;
/// Bytes of a message.
const PAYLOAD: u64 = 64;
/// How long connections may take to end when their run has ended.
const PATIENCE: Nanos = Nanos::from_millis(3_000);

fn prove(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    for way in &WAYS {
        let mut relay = bench.relay("tls")?;
        let label = format!("{}{}", way.name, if way.secure { " over TLS" } else { "" });
        let certificate = bench.place(&format!("{}.pem", label.replace(' ', "-")));
        let fail = |what| move |source| SelftestError::Helper { what, source };
        if let Some(folder) = certificate.parent() {
            std::fs::create_dir_all(folder).map_err(fail("make a folder"))?;
        }
        std::fs::write(&certificate, &relay.certificate).map_err(fail("write a certificate"))?;
        let measure = bench.depth().pick("400ms", "3s");
        let text = scenario(way, &relay, &certificate.display().to_string(), measure)?;
        // Bytes are exact however busy the machine is.
        let ran = bench.play_anyhow(&label, &text);
        // It has been read by now; best effort.
        let _ = std::fs::remove_file(&certificate);
        let counts = settled(&mut relay).map_err(fail("ask the relay"))?;
        witness(bench, &label, &ran?, &counts, way);
    }
    Ok(())
}

fn scenario(way: &Way, relay: &Started, ca: &str, measure: &str) -> Result<String, SelftestError> {
    let missing = || SelftestError::Missing("the relay's addresses");
    // A poller must have asked once more after the last message.
    let drain = if way.name == "poll" { "1100ms" } else { "200ms" };
    let (plain, tls) = (relay.address.ok_or_else(missing)?, relay.tls.ok_or_else(missing)?);
    Ok(format!(
        r#"
[target]
base = "http://{plain}"
secure_base = "https://{tls}"
tls = {{ ca = "{ca}" }}
[publish]
http = {{ post = "/pub/${{channel}}" }}
channels = {}
rate = "50/s"
payload = "{PAYLOAD} B"
connections = 1
[load]
clients = {CLIENTS}
connect = "100ms"
warmup = "0s"
measure = "{measure}"
drain = "{drain}"
[[case]]
name = "{}"
secure = {}
{}
"#,
        channels(1),
        way.name,
        way.secure,
        way.how,
    ))
}

/// What the relay counted when all connections have ended, or after a while.
fn settled(relay: &mut Started) -> std::io::Result<Counts> {
    let deadline = Clock::Monotonic.now() + PATIENCE;
    loop {
        let counts: Counts = relay.counts()?;
        let open = counts.publishers.open + counts.subscribers.open;
        if open == 0 || Clock::Monotonic.now() >= deadline {
            return Ok(counts);
        }
        sleep_blocking(Nanos::from_millis(10));
    }
}

fn witness(bench: &mut Bench<'_>, label: &str, ran: &Ran, counts: &Counts, way: &Way) {
    let crossed = counts.subscribers.from_clients + counts.subscribers.to_clients;
    let counted: u64 = ran.detail.intervals.iter().map(|i| i.wire_bytes).sum();
    bench.check(Check::count(format!("{label}: all bytes of subscribers, by relay"), crossed, counted));
    let publishers = counts.publishers.from_clients + counts.publishers.to_clients;
    let own = &ran.run.publisher_bytes;
    bench.check(Check::count(
        format!("{label}: all bytes of publishers, by relay"),
        publishers,
        own.wire_in + own.wire_out,
    ));
    kernel(bench, label, ran);
    let b = &ran.run.bytes;
    bench.check(Check::count(format!("{label}: payload"), b.messages * PAYLOAD, b.payload));
    let Some(format) = units::format_of(way.name) else { return };
    let received = ran.run.published;
    if way.secure {
        let records = units::TLS_RECORD * received * CLIENTS;
        bench.check(Check::count(format!("{label}: TLS records (F6)"), records, b.tls));
    } else {
        let stream =
            (format.first + (1..=received).map(|n| (format.unit)(n, PAYLOAD)).sum::<u64>()) * CLIENTS;
        // Before the feed there are only the heads, or the handshake.
        let fed = ran.detail.intervals.iter().filter(|i| i.phase != "connect").map(|i| i.wire_bytes).sum();
        bench.check(Check::count(format!("{label}: stream of all messages (F6)"), stream, fed));
    }
}

/// Rule 15: the ledger of purposes against the sockets, and these against the kernel (TCP_INFO), of every
/// connection, publishers' too.
fn kernel(bench: &mut Bench<'_>, label: &str, ran: &Ran) {
    let of = |key: &str| ran.told(&format!("/byte_check/{key}"));
    let told = |key: &str| of(key).map_or("none".to_owned(), |v| format!("{v:.0}"));
    let zero = |key: &str| of(key) == Some(0.0);
    bench.check(Check::holds(
        format!("{label}: ledger / sockets, kernel's count (in + out)"),
        format!("{} + {}", told("kernel_in_bytes"), told("kernel_out_bytes")),
        format!("{} + {}", told("ledger_in_bytes"), told("ledger_out_bytes")),
        format!(
            "difference 0, is {} and {}; all connections known",
            told("ledger_difference_bytes"),
            told("kernel_difference_bytes")
        ),
        zero("ledger_difference_bytes")
            && zero("kernel_difference_bytes")
            && zero("unknown_connections")
            && of("connections").is_some_and(|n| n >= CLIENTS as f64),
    ));
}
