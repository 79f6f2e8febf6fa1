//! `summary.json`: its keys are a public contract. Add freely, never rename; units end the name.
//!
//! Every struct defaults what is absent, so that a file of an older build is read; what must be
//! there is checked by the reader. Floats pass through `finite`: NaN is never written.

use super::health::Health;
use super::paid::{Generator, TargetCost};
use super::told::{Receivers, Spread};
use super::{
    AskedClock, ByteCheck, ClaimResult, CloseDetail, ConnectionCost, CostModel, FanOut, GroupResult,
    LadderResult, Layers, Ledger, Polling, Prices, ReadyStates, Receive, Reconnects, Stages, Steady,
    TargetMetrics, finite,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema this build writes.
pub const SUMMARY_SCHEMA: &str = "pushbench/summary/1";

/// Whether to believe a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing speaks against it.
    #[default]
    Valid,
    /// Something does: read the reasons before using it.
    Suspect,
    /// The generator was the limit, or what was asked for was not done: not a result.
    Invalid,
}

/// A whole `summary.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// [`SUMMARY_SCHEMA`].
    pub schema: String,
    /// What the scenario asks.
    pub title: String,
    /// The seed of every random choice.
    pub seed: u64,
    /// The server under test, in words: every cost is of it, not of a transport in general.
    pub target: String,
    /// The worst of the runs.
    pub verdict: Verdict,
    /// Why, each once.
    pub reasons: Vec<String>,
    /// Whether it was cut short (Ctrl-C, SIGTERM): what is here was measured, more was planned.
    pub partial: bool,
    /// Objectives, in the scenario's order.
    pub slo: Vec<SloResult>,
    /// Claims, in the scenario's order.
    pub claims: Vec<ClaimResult>,
    /// What a delivery and what a connection cost the target, for each case.
    pub cost_models: Vec<CostModel>,
    /// What each case costs in money; `null` without `[price]`.
    pub prices: Option<Prices>,
    /// The runs in the order in which they were done.
    pub runs: Vec<RunResult>,
    /// Ladders of idle connections, in the order in which they were climbed; empty without `[cost]`.
    pub ladders: Vec<LadderResult>,
    /// What an idle connection costs in each case, over all its ladders.
    pub connection_costs: Vec<ConnectionCost>,
}

/// One objective held against one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SloResult {
    /// Index into `runs`.
    pub run: usize,
    /// Such as `delivery_p99`.
    pub key: String,
    /// Such as `< 250 ms`.
    pub objective: String,
    /// In the metric's unit; `null` when the run has no such value.
    #[serde(with = "finite::option")]
    pub measured: Option<f64>,
    /// Whether it holds; `null` when the run has no such value, too few samples to judge, or is invalid
    /// and the scenario does not say that this is a failure.
    pub met: Option<bool>,
    /// Why `met` is `null`, in words, where the number of samples is why.
    pub reason: Option<String>,
    /// Invalid seconds of `measure` that `measured` leaves out.
    pub seconds_left_out: u32,
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunResult {
    /// Name of the case.
    pub case: String,
    /// The carrier: `poll`, `long_poll`, `stream`, `sse`, `forever_iframe`, `chunked`, `multipart`,
    /// `websocket`; `mixed` when groups have several.
    pub transport: String,
    /// Virtual clients asked for.
    pub clients: u32,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// Values of the sweep, key to text.
    pub swept: BTreeMap<String, String>,
    /// Whether to believe it.
    pub verdict: Verdict,
    /// Why not, in words.
    pub reasons: Vec<String>,
    /// Whether the generator was the limit, or its books do not close: exit code 11.
    pub generator_limited: bool,
    /// What to know when reading it, in words: no fault.
    pub notes: Vec<String>,
    /// Whether it was cut short.
    pub partial: bool,
    /// Whether the target's certificates were taken unseen.
    pub insecure: bool,
    /// `open` (due times fixed beforehand) or `closed`.
    pub model: String,
    /// Channels.
    pub channels: u32,
    /// Bytes of a message.
    pub payload_bytes: u32,
    /// Seconds that were really measured.
    #[serde(with = "finite")]
    pub measured_s: f64,
    /// How messages got to the target: `http`, `in_band`, `echo`, `exec`; `none`: it published by itself;
    /// empty: nothing was published.
    pub publisher: String,
    /// What messages tell of themselves, by which they are told: `stamp` (ours), `time and sequence`,
    /// `time`, `sequence` (the target's own) or `nothing`; empty: nothing was published.
    pub cooperation: String,
    /// The clock of the target's own times: `wall`, `monotonic`, `asked`, or `unknown` (it was to be
    /// asked and could not be, so they were taken for wall-clock times); empty without them.
    pub clock: String,
    /// What asking it came to; `null` when it was not.
    pub asked_clock: Option<AskedClock>,
    /// Messages a second that the schedule wanted published, all channels.
    #[serde(with = "finite")]
    pub offered_per_s: f64,
    /// Messages a second that the target acknowledged.
    #[serde(with = "finite")]
    pub achieved_per_s: f64,
    /// Messages published and acknowledged in `measure`.
    pub published: u64,
    /// Messages due in `measure` that the target did not take.
    pub publish_failed: u64,
    /// First receipts a second in `measure`, all clients.
    #[serde(with = "finite")]
    pub delivered_per_s: f64,
    /// Messages due in `measure` that were sent while an earlier one of their channel was still
    /// unanswered, over another connection: the target may take either first.
    pub publish_overlapped: u64,
    /// How long the lookup of the target's name took, once before the run; `None`: an address was
    /// given.
    pub dns_ns: Option<u64>,
    /// Time to attach, from the instant it was due (the whole run).
    pub connect: Quantiles,
    /// Delivery time: publish intended -> received.
    pub delivery: Quantiles,
    /// The uncorrected figure: publish really sent -> received.
    pub delivery_from_send: Quantiles,
    /// Publishes of `measure` that delivery times are of: copies of one are one sample.
    pub delivery_effective_count: Option<u64>,
    /// What never came was given at least so long: the quantiles of `delivery` that fall among it are
    /// not below this; `null` when nothing was lost.
    pub delivery_censored_at_ns: Option<u64>,
    /// When the first, the median and the last receiver of a message had it; `null` without fan-out.
    pub fan_out: Option<FanOut>,
    /// Where the delivery time of pull transports went; `null` without one.
    pub polling: Option<Polling>,
    /// One poll or held request, due -> answered.
    pub poll: Quantiles,
    /// One publish, due -> acknowledged.
    pub publish: Quantiles,
    /// How many received a publish, as the target told, against our own clients; `null` when it told
    /// nothing.
    pub receivers: Option<Receivers>,
    /// How far the receivers of one message lie apart; `null` unless messages tell nothing of themselves.
    pub spread: Option<Spread>,
    /// Of messages that the target published by itself: time between two of one client, by receipt.
    pub gaps: Quantiles,
    /// Messages whose own time lies after their receipt: the clocks differ. In no delivery time.
    pub ahead: u64,
    /// What was owed and what came.
    pub ledger: Ledger,
    /// Requests of pull transports in `measure`.
    pub polls: Polls,
    /// Received data units that carried no stamped message of this run.
    pub unstamped: u64,
    /// Stamps of another run, or broken ones.
    pub foreign: u64,
    /// Subscribers' bytes in `measure`, by purpose.
    pub bytes: Bytes,
    /// Publishers' bytes in `measure`.
    pub publisher_bytes: Bytes,
    /// Subscribers' bytes in `measure`, by layer.
    pub layers: Layers,
    /// Publishers' bytes in `measure`, by layer.
    pub publisher_layers: Layers,
    /// The books of bytes held against the kernel's, whole run.
    pub byte_check: ByteCheck,
    /// How long bytes waited between the kernel and us; `null` where the kernel stamps none.
    pub receive: Option<Receive>,
    /// Started, finished, failed and open operations by kind (`connect`, `poll`, `publish`,
    /// `session`, `reconnect`), the whole run: started = finished + failed + open.
    pub operations: BTreeMap<String, Operations>,
    /// Failures by key, whole run; absent keys are zero.
    pub failures: BTreeMap<String, u64>,
    /// The same by side: `target`, `network`, `harness`.
    pub failures_by_side: BTreeMap<String, u64>,
    /// What was wrong in words, by failure key: the first text of each class, where the class alone
    /// does not tell enough.
    pub failure_details: BTreeMap<String, String>,
    /// Ends of WebSocket sessions by close code, whole run; 1005: a close frame without a code, 1006:
    /// no close frame. A session that the end of the run cut has not ended.
    pub closes: BTreeMap<String, u64>,
    /// The same by code, reason and `wasClean`: 32 of them, the rest in one row.
    pub close_details: Vec<CloseDetail>,
    /// How clients whose session ended came back.
    pub reconnects: Reconnects,
    /// Time in each ready state; `null` without a push transport.
    pub ready_states: Option<ReadyStates>,
    /// How long the stages of attaching took.
    pub stages: Stages,
    /// The groups of a mixed population; empty when the case has one group.
    pub groups: Vec<GroupResult>,
    /// TCP connections that subscribers opened, whole run.
    pub connections_opened: u64,
    /// Whether what was measured was a steady state.
    pub steady: Steady,
    /// What the target paid; `null` when it could not be seen.
    pub target_cost: Option<TargetCost>,
    /// What the target counted itself; `null` when the scenario chose nothing of it.
    pub target_metrics: Option<TargetMetrics>,
    /// What pushbench itself used.
    pub generator: Generator,
    /// Whether machine and generator were well while measuring.
    pub health: Health,
}

/// Quantiles of a histogram, nanoseconds. A quantile with fewer than 10 effective samples beyond it is
/// null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quantiles {
    /// Samples.
    pub count: u64,
    /// Least, exact.
    pub min_ns: Option<u64>,
    /// Median.
    pub p50_ns: Option<u64>,
    /// 90th percentile.
    pub p90_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
    /// 99.9th percentile.
    pub p999_ns: Option<u64>,
    /// Greatest, exact.
    pub max_ns: Option<u64>,
    /// Arithmetic mean.
    #[serde(with = "finite::option")]
    pub mean_ns: Option<f64>,
}

/// Requests of pull transports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Polls {
    /// Sent.
    pub sent: u64,
    /// Answered with at least one new message.
    pub fresh: u64,
    /// Answered with nothing new.
    pub empty: u64,
}

/// Bytes by purpose; `wire_in + wire_out + saved = payload + framing + headers + tls + handshake_measured`
/// (the handshake of the whole run stands apart).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bytes {
    /// Stamped messages.
    pub payload: u64,
    /// Frame headers, chunk sizes, separators, control frames.
    pub framing: u64,
    /// HTTP heads, both ways.
    pub headers: u64,
    /// Opening handshakes of the whole run, both ways.
    pub handshake: u64,
    /// Of these, those in `measure`: of clients that came back.
    pub handshake_measured: u64,
    /// TLS records.
    pub tls: u64,
    /// What compression kept off the wire: `payload` and `framing` are of messages as inflated.
    pub saved: u64,
    /// Read.
    pub wire_in: u64,
    /// Written.
    pub wire_out: u64,
    /// `(framing + headers + tls) / payload`; `null` without payload.
    #[serde(with = "finite::option")]
    pub overhead_to_payload: Option<f64>,
    /// Messages received for the first time in the same window: the divisor for bytes of one message.
    pub messages: u64,
}

/// Operations of one kind: `started = finished + failed + open`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Operations {
    /// Begun.
    pub started: u64,
    /// Ended well.
    pub finished: u64,
    /// Ended badly.
    pub failed: u64,
    /// Still under way when the run was over.
    pub open: u64,
}
