//! `summary.json`: its keys are a public contract. Add freely, never rename; units end the name.
//!
//! Every struct defaults what is absent, so that a file of an older build is read; what must be
//! there is checked by the reader. Floats pass through `finite`: NaN is never written.

use super::finite;
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
    /// The worst of the runs.
    pub verdict: Verdict,
    /// Why, each once.
    pub reasons: Vec<String>,
    /// Whether it was cut short (Ctrl-C, SIGTERM): what is here was measured, more was planned.
    pub partial: bool,
    /// Objectives, in the scenario's order.
    pub slo: Vec<SloResult>,
    /// The runs in the order in which they were done.
    pub runs: Vec<RunResult>,
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
    /// Whether it holds; `null` when the run is invalid or has no such value.
    pub met: Option<bool>,
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
    /// The clock of the target's own times: `wall` or `monotonic`; empty without them.
    pub clock: String,
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
    /// Time to attach, from the instant it was due (the whole run).
    pub connect: Quantiles,
    /// Delivery time: publish intended -> received.
    pub delivery: Quantiles,
    /// The uncorrected figure: publish really sent -> received.
    pub delivery_from_send: Quantiles,
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
    /// Started, finished, failed and open operations by kind (`connect`, `poll`, `publish`,
    /// `session`), the whole run: started = finished + failed + open.
    pub operations: BTreeMap<String, Operations>,
    /// Failures by key, whole run; absent keys are zero.
    pub failures: BTreeMap<String, u64>,
    /// The same by side: `target`, `network`, `harness`.
    pub failures_by_side: BTreeMap<String, u64>,
    /// Ends of sessions by WebSocket close code, whole run.
    pub closes: BTreeMap<String, u64>,
    /// TCP connections that subscribers opened, whole run.
    pub connections_opened: u64,
    /// What the target paid; `null` when it could not be seen.
    pub target_cost: Option<TargetCost>,
    /// What pushbench itself used.
    pub generator: Generator,
}

impl RunResult {
    /// Whether a message that did not come can be told.
    pub fn tells_loss(&self) -> bool {
        !matches!(self.cooperation.as_str(), "time" | "nothing")
    }
}

/// What the target told of its receivers, over the acknowledged publishes of `measure` whose answer
/// told a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Receivers {
    /// These publishes.
    pub publishes: u64,
    /// The sum of the numbers told.
    pub reported: u64,
    /// For the same publishes: the sum of our clients of the channel that were subscribed when the
    /// message was due.
    pub subscribed: u64,
    /// Publishes at which the two differ.
    pub differing: u64,
}

/// How far the receivers of one message lie apart, within each worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spread {
    /// Time behind the first receiver, of all others.
    pub behind: Quantiles,
    /// Messages, each counted in every worker that got it.
    pub messages: u64,
    /// Receipts that did not come: clients attached at a message's first receipt that had not got it
    /// when it left the window of the last 4,096 of its channel, or at the end.
    pub missing: u64,
}

/// Quantiles of a histogram, nanoseconds. A quantile with fewer than 10 samples beyond it is null.
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

/// What was owed to the clients and what came: `expected = delivered + lost + conflated + in_flight`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// Messages of `measure` x the clients subscribed when they were published.
    pub expected: u64,
    /// Of these, received at least once.
    pub delivered: u64,
    /// Of these, never received.
    pub lost: u64,
    /// Of these, overwritten at the target before the client asked (latest-value endpoints).
    pub conflated: u64,
    /// Of these, still under way when a run was cut short.
    pub in_flight: u64,
    /// Messages of `measure` x the clients that were not subscribed when they were published: never
    /// attached, or their session had ended. Nobody's loss by the transport, but the user's.
    pub unattached: u64,
    /// Received though they were published before the client counted as subscribed: replayed, or
    /// just ahead of the answer that said so. Not in the delivery times.
    pub early: u64,
    /// Received though the target never acknowledged them: in the delivery times, not expected.
    pub unacknowledged: u64,
    /// Received again in `measure` although the transport should deliver once.
    pub duplicate: u64,
    /// Received after a later message of the same channel.
    pub reordered: u64,
    /// Received again in `measure` from an endpoint that tells its latest value.
    pub redundant: u64,
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

/// Bytes by purpose; `wire_in + wire_out = payload + framing + headers + tls` (the handshake is
/// that of the whole run and stands apart).
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
    /// TLS records.
    pub tls: u64,
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

/// What the target paid.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetCost {
    /// CPU seconds in `measure`.
    #[serde(with = "finite")]
    pub cpu_s: f64,
    /// CPU microseconds of `measure` for each message received in it.
    #[serde(with = "finite::option")]
    pub cpu_us_per_delivery: Option<f64>,
    /// Share of one core, 1.0 = one core busy.
    #[serde(with = "finite")]
    pub cpu_share: f64,
    /// CPU seconds in the connect phase.
    #[serde(with = "finite")]
    pub connect_cpu_s: f64,
    /// Greatest proportional set size seen.
    pub pss_bytes_max: u64,
    /// Proportional set size before the first client.
    pub pss_bytes_idle: u64,
    /// `(pss at the end of measure - pss before the first client) / clients attached`.
    #[serde(with = "finite::option")]
    pub bytes_per_connection: Option<f64>,
    /// Kernel socket memory gained from before the first client to the end of measure, the whole
    /// machine, for each client attached (both ends when the target is local); `null` when the gain
    /// is below what the kernel accounts exactly (20 MiB).
    #[serde(with = "finite::option")]
    pub kernel_bytes_per_connection: Option<f64>,
    /// Most open descriptors seen.
    pub descriptors_max: u64,
    /// Context switches in `measure`, both kinds.
    pub context_switches: u64,
    /// Most processes seen.
    pub processes: u32,
    /// What was found to be the target: one line a process, `pid name`.
    pub found: Vec<String>,
    /// Whether the target runs on this machine: the receivers' TCP work is then partly done in its
    /// send path.
    pub co_located: bool,
    /// What could not be read, in words.
    pub warnings: Vec<String>,
}

/// What pushbench itself used, and how well it kept time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generator {
    /// CPU seconds in `measure`.
    #[serde(with = "finite")]
    pub cpu_s: f64,
    /// CPU of `measure` as a share of the cores given to workers.
    #[serde(with = "finite")]
    pub cpu_share: f64,
    /// The busiest worker thread's CPU of `measure` as a share of one core.
    #[serde(with = "finite")]
    pub worker_cpu_share_max: f64,
    /// Greatest resident size.
    pub rss_bytes_max: u64,
    /// How late the worker loop woke from a timer that was due, 99th percentile in `measure`.
    pub loop_lag_p99_ns: Option<u64>,
    /// Worst of it.
    pub loop_lag_max_ns: Option<u64>,
    /// How late messages of `measure` were sent, 99th percentile.
    pub send_lag_p99_ns: Option<u64>,
    /// Worst of it.
    pub send_lag_max_ns: Option<u64>,
    /// Share of `measure` that workers were runnable but had no CPU.
    #[serde(with = "finite")]
    pub run_delay_share: f64,
    /// Processes.
    pub processes: u32,
    /// Worker threads.
    pub workers: u32,
}

/// One second of a run: a row of `intervals.csv`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interval {
    /// Start, seconds since the run's first connect was due.
    #[serde(with = "finite")]
    pub start_s: f64,
    /// Length, seconds.
    #[serde(with = "finite")]
    pub length_s: f64,
    /// `connect`, `warmup`, `measure` or `drain`.
    pub phase: String,
    /// Clients attached at its end.
    pub attached: u32,
    /// Messages acknowledged.
    pub published: u64,
    /// Messages received for the first time.
    pub delivered: u64,
    /// Median delivery time of what was received in it.
    pub delivery_p50_ns: Option<u64>,
    /// 99th percentile.
    pub delivery_p99_ns: Option<u64>,
    /// Greatest.
    pub delivery_max_ns: Option<u64>,
    /// Requests of pull transports answered.
    pub polls: u64,
    /// Failures of all kinds.
    pub failures: u64,
    /// Bytes read and written by subscribers.
    pub wire_bytes: u64,
    /// Loop lag, greatest.
    pub loop_lag_max_ns: Option<u64>,
    /// Generator CPU, share of the workers' cores.
    #[serde(with = "finite::option")]
    pub generator_cpu_share: Option<f64>,
    /// Target CPU, share of one core.
    #[serde(with = "finite::option")]
    pub target_cpu_share: Option<f64>,
    /// Target's proportional set size, where it was taken.
    pub target_pss_bytes: Option<u64>,
}
