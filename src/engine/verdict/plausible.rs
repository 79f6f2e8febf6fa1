//! Plausibility gates (method, rule 26): numbers that cannot be, whatever the target does.
//!
//! Each gate holds two figures against each other that were got in different ways. One that fires says that a
//! counter, a clock or a ledger of ours is wrong: such a run is no result.

use super::{Evidence, Findings};
use crate::analysis::formulas::{little, polling_mean, websocket_header_bytes};
use crate::model::{Nanos, Stamp};
use crate::result::{RunResult, Verdict};

/// How far the two sides of Little's law may lie apart.
const LITTLE_TOLERANCE: f64 = 0.05;
/// How many standard errors of the sampled side are forgiven on top.
const LITTLE_ERRORS: f64 = 3.0;
/// Samples of the attached clients below which nothing is said.
const LITTLE_SAMPLES: usize = 5;
/// How much shorter than half the period the mean of polling may be.
const POLLING_TOLERANCE: f64 = 0.02;
/// How many standard errors of it are forgiven on top.
const POLLING_ERRORS: f64 = 4.0;
/// Messages, and clients, below which the mean of polling says nothing.
const POLLING_LEAST: u64 = 20;
/// Handshakes of which the quickest is near the round trip: a single one may have waited for our own loop.
const HANDSHAKES: u64 = 10;
/// A quicker handshake than this is no measure of a network: on one machine it takes mostly wake-ups.
const LEAST_HANDSHAKE: Nanos = Nanos::from_millis(1);
/// What a stamp of a due time and the clock itself may be off: they are whole microseconds.
const EPSILON: Nanos = Nanos::from_micros(2);

/// What was got in a second way.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct SecondLook {
    /// Clients with a session, counted by the workers at the ends of the intervals of `measure`: the mean.
    pub(in crate::engine) attached: f64,
    /// Its standard error.
    pub(in crate::engine) attached_error: f64,
    /// So many such counts.
    pub(in crate::engine) samples: usize,
    /// Sessions a second that `measure` saw, by the ledgers ...
    pub(in crate::engine) sessions_per_s: f64,
    /// ... and how long each of them was subscribed in it, mean seconds.
    pub(in crate::engine) session_s: f64,
    /// The period of polling, when all clients stay, poll alike and are told all that came.
    pub(in crate::engine) poll_every: Option<Nanos>,
    /// Whether each message of a session is a frame of its own: no dialect packs them.
    pub(in crate::engine) own_frames: bool,
}

pub(super) fn judge(run: &RunResult, evidence: &Evidence, findings: &mut Findings) {
    let gates = [
        bytes(run, &evidence.second),
        transit(run),
        population(run, &evidence.second),
        polling(run, &evidence.second),
    ];
    for text in gates.into_iter().flatten() {
        findings
            .ours(Verdict::Invalid, format!("implausible: {text}: a fault of pushbench, please report it"));
    }
}

/// What came over the wire holds the messages and the least that the transport puts around each. One
/// message a client may have come before `measure` with its bytes counted within.
fn bytes(run: &RunResult, second: &SecondLook) -> Option<String> {
    let (b, told) = (&run.bytes, run.publisher != "none" && !run.publisher.is_empty());
    if !told || b.messages == 0 {
        return None;
    }
    let messages = b.messages.saturating_sub(u64::from(run.clients));
    let frame = match run.transport.as_str() {
        "websocket" if second.own_frames => websocket_header_bytes(Stamp::LEN as u64),
        _ => 0,
    };
    let least = messages * (Stamp::LEN as u64 + frame);
    let seen = b.wire_in + b.saved;
    if seen < least || seen < b.payload {
        let least = least.max(b.payload);
        return Some(format!(
            "{seen} bytes were read for {} messages, which take {least} at least",
            b.messages
        ));
    }
    let short = b.payload < messages * Stamp::LEN as u64;
    short.then(|| {
        format!("{} messages have {} bytes of payload: less than their stamps", b.messages, b.payload)
    })
}

/// No message is quicker than one way through the network, by the quickest TCP handshake.
fn transit(run: &RunResult) -> Option<String> {
    if run.cooperation != "stamp" || run.stages.tcp.count < HANDSHAKES {
        return None;
    }
    let (least, handshake) = (run.delivery.min_ns?, run.stages.tcp.min_ns?);
    (handshake >= LEAST_HANDSHAKE.0 && least + EPSILON.0 < handshake / 2).then(|| {
        format!(
            "a message took {}, less than half of the quickest TCP handshake ({})",
            Nanos(least),
            Nanos(handshake)
        )
    })
}

/// Little's law: clients with a session, as counted, against sessions a second times their length, as the
/// ledgers have it. Failed requests leave a client attached and not subscribed: then nothing is said.
fn population(run: &RunResult, second: &SecondLook) -> Option<String> {
    if second.samples < LITTLE_SAMPLES || !run.failures.is_empty() {
        return None;
    }
    let by_law = little(second.sessions_per_s, second.session_s);
    let allowed = (LITTLE_TOLERANCE * by_law).max(1.0) + LITTLE_ERRORS * second.attached_error;
    ((second.attached - by_law).abs() > allowed).then(|| {
        format!(
            "{:.1} clients had a session (counted), but {:.2} sessions a second of {:.2} s make {by_law:.1} (Little's law)",
            second.attached, second.sessions_per_s, second.session_s
        )
    })
}

/// A poller meets a message half a period after it was there, on average. Phases are drawn for each client,
/// so the mean over clients is that of uniform ones even when publishing keeps step with the period.
fn polling(run: &RunResult, second: &SecondLook) -> Option<String> {
    let (every, mean) = (second.poll_every?, run.delivery.mean_ns?);
    let independent = u64::from(run.clients).min(run.delivery.count);
    if independent < POLLING_LEAST || run.published < POLLING_LEAST {
        return None;
    }
    let floor = polling_mean(every.as_secs_f64(), 0.0, 0.0) * 1e9;
    let error = every.0 as f64 / (12.0 * independent as f64).sqrt();
    (mean < floor * (1.0 - POLLING_TOLERANCE) - POLLING_ERRORS * error).then(|| {
        format!("polling every {every} took {} on average, less than half the period", Nanos(mean as u64))
    })
}

#[cfg(test)]
mod tests;
