//! What a transport must show when everything works as thought: closed forms, each with its assumption.
//!
//! Seconds, unless a name says otherwise. Symbols: `period` P between two polls of one client, `transit` d
//! one way through the network, `server` time from the server's knowing of a message to its writing it,
//! `rate` lambda messages a second of one channel, `gap` G time in which a long-poll client has no request
//! open, `freeze` S, `window` D measured seconds, `rho` utilisation. The polling, long-poll and freeze
//! forms are checked against simulations below.

/// Smallest and greatest delivery time by polling at random phase: uniform between the two. `L = U(0, P) +
/// d + server`: the leg of the request shifts the phase only and adds nothing.
pub fn polling_range(period: f64, transit: f64, server: f64) -> (f64, f64) {
    (transit + server, period + transit + server)
}

/// Mean delivery time by polling: `P/2 + d + server`.
pub fn polling_mean(period: f64, transit: f64, server: f64) -> f64 {
    period / 2.0 + transit + server
}

/// Standard deviation of the delivery time by polling: `P / sqrt(12)`.
pub fn polling_sd(period: f64) -> f64 {
    period / 12f64.sqrt()
}

/// Quantile `q` of the delivery time by polling.
pub fn polling_quantile(q: f64, period: f64, transit: f64, server: f64) -> f64 {
    q * period + transit + server
}

/// Effective period of a client that waits `interval` after each answer (fixed delay): `T + 2d + s`, `s`
/// the turnaround. A fixed-rate client has `interval` itself.
pub fn fixed_delay_period(interval: f64, transit: f64, turnaround: f64) -> f64 {
    interval + 2.0 * transit + turnaround
}

/// Share of polls that find nothing, Poisson messages: `exp(-lambda P)`.
pub fn empty_poll_share(rate: f64, period: f64) -> f64 {
    (-rate * period).exp()
}

/// Share of messages that an endpoint of the latest value only never shows to a poller, Poisson
/// messages: `1 - (1 - exp(-lambda P)) / (lambda P)`.
pub fn overwritten_share_poisson(rate: f64, period: f64) -> f64 {
    let expected = rate * period;
    if expected > 0.0 { 1.0 - (1.0 - (-expected).exp()) / expected } else { 0.0 }
}

/// The same with one message each `publish_interval`: `1 - I/P` while `I < P`, else 0.
pub fn overwritten_share_periodic(publish_interval: f64, period: f64) -> f64 {
    (1.0 - publish_interval / period).max(0.0)
}

/// The gap of a long-poll client, in which nothing of it is open: `2d + s`.
pub fn long_poll_gap(transit: f64, turnaround: f64) -> f64 {
    2.0 * transit + turnaround
}

/// Share of the messages that fall into the gap, Poisson messages, all that waited given in one answer:
/// `lambda G / (lambda G + exp(-lambda G))`.
pub fn long_poll_gap_share(rate: f64, gap: f64) -> f64 {
    let expected = rate * gap;
    expected / (expected + (-expected).exp())
}

/// Mean delivery time by long polling with batches: `d + f G / 2`.
pub fn long_poll_mean(rate: f64, gap: f64, transit: f64) -> f64 {
    transit + long_poll_gap_share(rate, gap) * gap / 2.0
}

/// Greatest delivery time by long polling with batches: `d + G`, three transits when `G = 2d`.
pub fn long_poll_max(gap: f64, transit: f64) -> f64 {
    transit + gap
}

/// Share lost by a long poll without a queue at the server, Poisson messages: `lambda G / (1 + lambda G)`.
pub fn long_poll_loss_without_queue(rate: f64, gap: f64) -> f64 {
    rate * gap / (1.0 + rate * gap)
}

/// Delivery times of a broadcast written one client after the other, `write` each: mean `N c / 2` beyond
/// the floor, and the last client `N c`.
pub fn fan_out(clients: u32, write: f64) -> (f64, f64) {
    let last = f64::from(clients) * write;
    (last / 2.0, last)
}

/// Share of messages later than `x` when the server stood still once for `freeze`, constant rate from the
/// intended instants: `(S - x) / ((1 - rho) D)`. Messages of the backlog are given at full speed, which
/// takes `rho/(1 - rho)` as long again.
pub fn freeze_share_beyond(x: f64, freeze: f64, window: f64, rho: f64) -> f64 {
    ((freeze - x) / ((1.0 - rho) * window)).clamp(0.0, 1.0)
}

/// Quantile `q` of the delivery time after one freeze: `S - (1 - q)(1 - rho) D`, never below zero. What the
/// target takes undisturbed comes on top.
pub fn freeze_quantile(q: f64, freeze: f64, window: f64, rho: f64) -> f64 {
    (freeze - (1.0 - q) * (1.0 - rho) * window).max(0.0)
}

/// Mean time in a queue with Poisson arrivals and exponential service (M/M/1): `S / (1 - rho)`.
pub fn mm1_mean(service: f64, rho: f64) -> f64 {
    service / (1.0 - rho)
}

/// Quantile `q` of the same: `-ln(1 - q) S / (1 - rho)`; 4.605 at p99.
pub fn mm1_quantile(q: f64, service: f64, rho: f64) -> f64 {
    -(1.0 - q).ln() * mm1_mean(service, rho)
}

/// Mean wait with constant service (M/D/1): `rho S / (2 (1 - rho))`.
pub fn md1_mean_wait(service: f64, rho: f64) -> f64 {
    rho * service / (2.0 * (1.0 - rho))
}

/// Little's law: what is inside on average is what comes in a second times how long it stays.
pub fn little(per_s: f64, mean_stay: f64) -> f64 {
    per_s * mean_stay
}

/// Bytes of a WebSocket frame header, server to client (RFC 6455, section 5.2): 2, 4 or 10.
pub fn websocket_header_bytes(payload: u64) -> u64 {
    match payload {
        0..=125 => 2,
        126..=65_535 => 4,
        _ => 10,
    }
}

/// The same from client to server: 4 more, the mask.
pub fn websocket_masked_header_bytes(payload: u64) -> u64 {
    websocket_header_bytes(payload) + 4
}

/// Bytes of a minimal SSE event beside its data: `data: ` and two line ends.
pub const SSE_EVENT_BYTES: u64 = 8;
/// Bytes of an HTTP/2 frame header (RFC 9113, section 4.1).
pub const HTTP2_FRAME_BYTES: u64 = 9;
/// Bytes that a TLS 1.3 record adds: header 5, content type 1, tag 16 (RFC 8446, section 5.2).
pub const TLS13_RECORD_BYTES: u64 = 22;

/// Bytes of an HTTP/1.1 chunk beside its `length` bytes of data (RFC 9112, section 7.1): the hexadecimal
/// digits of the length and two line ends.
pub fn chunk_bytes(length: u64) -> u64 {
    let digits = u64::from((64 - length.leading_zeros()).div_ceil(4).max(1));
    digits + 4
}

#[cfg(test)]
mod tests;
