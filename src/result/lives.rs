//! Parts of `summary.json` about how clients attached, left and came back.

use super::{Bytes, Ledger, Quantiles, finite};
use serde::{Deserialize, Serialize};

/// Ways back: from the end of a session that was to stay to the instant its client could receive
/// again, the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reconnects {
    /// Clients that came back, as often as each did.
    pub count: u64,
    /// Attempts that the policy made, for the first session too.
    pub attempts: u64,
    /// Clients that gave up.
    pub gave_up: u64,
    /// Streams that ended on purpose and were opened again: no failure, and no attempt of the policy.
    pub reopened: u64,
    /// Median time; `null` with fewer than 10 beyond it.
    pub p50_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
    /// Greatest, exact.
    pub max_ns: Option<u64>,
}

/// Seconds in each of a browser's four ready states, the mean of the clients of push transports, from
/// each client's first attempt to the end of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadyStates {
    /// An attempt was under way.
    #[serde(with = "finite")]
    pub connecting_s: f64,
    /// It could receive.
    #[serde(with = "finite")]
    pub open_s: f64,
    /// It had said that it leaves, and was not answered yet.
    #[serde(with = "finite")]
    pub closing_s: f64,
    /// Neither session nor attempt.
    #[serde(with = "finite")]
    pub closed_s: f64,
}

/// How long the stages of attaching took, the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stages {
    /// Until the TCP connection stood.
    pub tcp: Quantiles,
    /// The TLS handshake.
    pub tls: Quantiles,
    /// The WebSocket upgrade, or the head of an endless response.
    pub upgrade: Quantiles,
    /// From there until it could receive; nothing for sessions that can from the start.
    pub ready: Quantiles,
}

/// Sessions that ended alike, as a browser's close event tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloseDetail {
    /// The code; 1005: a close frame without one, 1006: no close frame; `null`: all ends beyond the 32
    /// that are kept apart.
    pub code: Option<u16>,
    /// The reason.
    pub reason: String,
    /// `wasClean`: both close frames went over.
    pub clean: bool,
    /// How many.
    pub count: u64,
}

/// One group of a mixed population.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupResult {
    /// Its name.
    pub name: String,
    /// The carrier.
    pub transport: String,
    /// Its clients.
    pub clients: u32,
    /// Time to attach, the whole run.
    pub connect: Quantiles,
    /// Delivery time.
    pub delivery: Quantiles,
    /// Publishes that they are of.
    pub delivery_effective_count: Option<u64>,
    /// What never came was given at least so long; `null` when nothing was lost.
    pub delivery_censored_at_ns: Option<u64>,
    /// What was owed and what came.
    pub ledger: Ledger,
    /// Bytes in `measure`.
    pub bytes: Bytes,
    /// Ways back.
    pub reconnects: Reconnects,
}
