//! `websocket = { ... }` to its options.

use super::case::{check_names, path};
use super::{Report, duration, nonzero};
use crate::model::Nanos;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Bytes, Deflate, Ping, Text, WebSocket};
use crate::scenario::{CarrierSpec, DeflateSpec, PingSpec, WebSocketSpec, template};

/// Largest `max_message`: what one client may hold of one message.
const LARGEST_MESSAGE: u64 = 1 << 30;
/// Shortest period of pings and of `dead_after`: below it a busy generator would see dead peers where
/// there are none.
const SHORTEST: Nanos = Nanos::from_millis(10);
/// How long a pong may take when the file does not say.
const PONG_TIMEOUT: Nanos = Nanos(20 * Nanos::SECOND.0);

pub(super) fn lower(w: &WebSocket, at: &KeyPath, r: &mut Report<'_>) -> CarrierSpec {
    let send = w.send.clone().unwrap_or_default();
    for (i, text) in send.iter().enumerate() {
        check_names(text, template::CLIENT, &at.key("send").index(i), r);
    }
    CarrierSpec::WebSocket(WebSocketSpec {
        path: path(w.path.as_deref(), &at.key("path"), r),
        subprotocols: subprotocols(w, at, r),
        send,
        max_message_bytes: max_message(w, at, r),
        binary: w.binary.unwrap_or(false),
        deflate: w.deflate.and_then(deflate),
        ping: w.ping.as_ref().map(|p| ping(p, &at.key("ping"), r)),
        dead_after: w.dead_after.as_ref().map(|t| long_enough(t, &at.key("dead_after"), r)),
    })
}

fn subprotocols(w: &WebSocket, at: &KeyPath, r: &mut Report<'_>) -> Vec<String> {
    let subprotocols = w.subprotocols.clone().unwrap_or_default();
    for (i, name) in subprotocols.iter().enumerate() {
        let token = |b: u8| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            r.bad(&at.key("subprotocols").index(i), "a subprotocol's name, such as \"mqtt\"");
        }
    }
    subprotocols
}

fn max_message(w: &WebSocket, at: &KeyPath, r: &mut Report<'_>) -> u32 {
    let max = w.max_message.as_ref().map_or(1 << 20, |Text(Bytes(n))| *n);
    if !(1..=LARGEST_MESSAGE).contains(&max) {
        r.bad(&at.key("max_message"), "1 B to 1024 MiB");
    }
    u32::try_from(max).unwrap_or(u32::MAX)
}

fn deflate(given: Deflate) -> Option<DeflateSpec> {
    match given {
        Deflate::Offer(offered) => offered.then_some(DeflateSpec { no_context_takeover: false }),
        Deflate::Table(table) => {
            Some(DeflateSpec { no_context_takeover: table.no_context_takeover.unwrap_or(false) })
        }
    }
}

fn ping(p: &Ping, at: &KeyPath, r: &mut Report<'_>) -> PingSpec {
    // One that is missing was told by the schema.
    let every = p.every.as_ref().map_or(PONG_TIMEOUT, |t| long_enough(t, &at.key("every"), r));
    let timeout = nonzero(p.timeout.as_ref(), PONG_TIMEOUT, &at.key("timeout"), r);
    PingSpec { every, timeout }
}

fn long_enough(given: &Text<Nanos>, at: &KeyPath, r: &mut Report<'_>) -> Nanos {
    let value = duration(Some(given), Nanos::SECOND, at, r);
    if value < SHORTEST {
        r.bad(at, "at least 10 ms");
    }
    value
}
