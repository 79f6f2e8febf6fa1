//! A scenario file as it is written, nothing filled in.
//!
//! These types are the one source of the JSON Schema: doc comments are what an editor shows,
//! patterns and ranges are what `check` enforces. Every field is an `Option`, the required ones
//! too: what the schema refused is taken out before reading, so that one error does not hide the
//! next. They judge nothing; `lower` does.

mod case;
mod claim;
mod clock;
mod cost;
mod dialect;
mod ladder;
mod life;
mod many;
mod metrics;
mod price;
mod probe;
mod publish;
mod slo;
mod stream;
mod text;
mod unions;
mod warmup;
mod websocket;

pub(super) use case::{Case, Endpoint, Group, LongPoll, Pace, Poll};
pub(super) use claim::{Claim, ClaimBound};
pub(super) use clock::{ClockTable, TimeClock};
pub(super) use cost::Cost;
pub(super) use dialect::{Keepalive, Mqtt, On, PresetFile, Rule, SendBy, Step};
pub(super) use ladder::Ladder;
pub(super) use life::{Life, Policy, Reconnect, ReconnectTable};
pub(super) use many::{Many, Plain, Sets, Source};
pub(super) use metrics::{Metrics, MetricsFormat, Series, SeriesIs, SeriesKind};
pub(super) use price::Price;
pub(super) use probe::Probe;
pub(super) use publish::{
    Echo, Http, InBand, NoPublisher, Publish, ReceiversTable, Spacing, TimeTable, Unit, ValueTable,
};
pub(super) use slo::Slo;
pub(super) use stream::{Endless, Order, Prefix, Split, SplitTable, Stream};
pub(super) use text::{Bytes, PerSecond, Text};
pub(super) use unions::{ChannelsOf, Cursor, CursorTable, Headers, Pairs};
pub(super) use warmup::{AutoWarmup, Warmup};
pub(super) use websocket::{Deflate, Ping, WebSocket};

use crate::model::Nanos;
use schemars::JsonSchema;
use serde::Deserialize;

/// A pushbench scenario: which transports carry which feed to how many clients.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    /// What it asks, as a question. Names the results folder and stands above the charts.
    #[schemars(required, length(min = 1), example = "Which transport should carry my feed?")]
    pub(super) title: Option<String>,
    /// Seed of every random choice: phases of pollers, arrivals, order of runs.
    #[schemars(range(max = 9_007_199_254_740_991_u64), extend("default" = 1))]
    pub(super) seed: Option<u64>,
    /// The server under test. Left out: the bundled reference server, fresh for every run.
    pub(super) target: Option<Target>,
    /// The feed. Left out: nothing is published (idle clients).
    pub(super) publish: Option<Publish>,
    /// How many clients, and how long each phase lasts.
    #[schemars(required, extend("x-want" = "a section [load] with at least clients = 500"))]
    pub(super) load: Option<Load>,
    /// The cases that are compared: one transport each.
    #[schemars(required, length(min = 1), extend("x-want" = "at least one [[case]] with a name and a transport: poll, long_poll, stream, sse, forever_iframe, chunked, multipart or websocket"))]
    pub(super) case: Option<Vec<Case>>,
    /// Pages on which the target tells what it counts.
    pub(super) metrics: Option<Vec<Metrics>>,
    /// Values to go through: runs = cases x every combination x repeat.
    pub(super) sweep: Option<Sweep>,
    /// What an idle connection costs: slopes over a ladder of connection counts.
    pub(super) cost: Option<Ladder>,
    /// Objectives, such as `delivery_p99 = "< 250 ms"`. One that is missed: exit code 10.
    pub(super) slo: Option<Slo>,
    /// What somebody says of these cases, each with the number that would show it.
    pub(super) claim: Option<Vec<Claim>>,
    /// What a machine for the target costs.
    pub(super) price: Option<Price>,
}

/// `[target]`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    /// Scheme, host and port, without a path. Wanted, unless `bundled` is there.
    #[schemars(example = "http://127.0.0.1:18080", extend("x-want" = "scheme, host and port, such as \"http://127.0.0.1:18080\""))]
    pub(super) base: Option<String>,
    /// Where cases with `secure = true` attach, when that is not `base`.
    #[schemars(example = "https://127.0.0.1:18443", extend("x-want" = "scheme, host and port, such as \"https://127.0.0.1:18443\""))]
    pub(super) secure_base: Option<String>,
    /// How TLS is spoken, wherever the target is reached by https or wss.
    pub(super) tls: Option<Tls>,
    /// Options of the bundled server, in place of a `base`.
    pub(super) bundled: Option<Bundled>,
    /// A shell command that starts it, run in the scenario file's folder; stopped after each run.
    #[schemars(length(min = 1), example = "exec ./my-server --port 18080")]
    pub(super) start: Option<String>,
    /// A path that answers with a status below 400 once the target is ready.
    #[schemars(regex(pattern = r"^/|\$\{env:"), example = "/ok", extend("x-want" = "a path, such as \"/ok\""))]
    pub(super) ready: Option<String>,
    /// How long to wait for readiness.
    #[schemars(extend("default" = "30s"))]
    pub(super) ready_timeout: Option<Text<Nanos>>,
    /// Which processes are the target, beside those that are found by its port.
    pub(super) cost: Option<Cost>,
    /// A `pushbench probe` on the target's machine, which is asked what the target pays: for a target on
    /// another machine, or in a container or namespace that cannot be looked into.
    pub(super) probe: Option<Probe>,
    /// Whether an address that is neither loopback nor private may be driven. Only for a server
    /// that is yours.
    #[schemars(extend("default" = false))]
    pub(super) allow_remote: Option<bool>,
}

/// `tls = { ca = "ca.pem" }`. Files are looked for beside the scenario file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    /// A PEM file with the roots to trust, in place of the system's.
    #[schemars(length(min = 1), example = "ca.pem")]
    pub(super) ca: Option<String>,
    /// A PEM file with a client certificate and its chain.
    #[schemars(length(min = 1), example = "me.pem")]
    pub(super) cert: Option<String>,
    /// A PEM file with the key of `cert`.
    #[schemars(length(min = 1), example = "me.key")]
    pub(super) key: Option<String>,
    /// The name to ask for (SNI) and that the certificate must be for, in place of the host.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?$|\$\{env:"), example = "push.example",
        extend("x-want" = "a DNS name, such as \"push.example\""))]
    pub(super) server_name: Option<String>,
    /// Take any certificate. Every output of the run says so.
    #[schemars(extend("default" = false))]
    pub(super) insecure: Option<bool>,
    /// Resume TLS sessions: the clients of a worker share what it remembers. Left out, every
    /// connection shakes hands in full, as the first one of every visitor does.
    #[schemars(extend("default" = false))]
    pub(super) resumption: Option<bool>,
}

/// `bundled = { ping = "30s" }`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bundled {
    /// What it does wrong on purpose, one fault a text: "restart at 5s for 500ms", "freeze at 5s for 1s",
    /// "delay 5ms" (or "1ms or 100ms for 1%", or "exponential 5ms"), "service exponential 5ms", "slow
    /// 50ms for the first 5s", "drop every 1000", "duplicate every 777", "swap every 501", "withhold
    /// every 50", "refuse every 10 with 503", "burn 0.5", "memory 10KiB", "clock ahead 50ms drift 50
    /// ppm". `pushbench serve --help` tells all their words.
    #[schemars(example = "restart at 5s for 500ms")]
    pub(super) fault: Option<Many<String>>,
    /// How often it pings each WebSocket; 0 is never.
    #[schemars(extend("default" = "30s"))]
    pub(super) ping: Option<Text<Nanos>>,
    /// How long it holds a long poll.
    #[schemars(extend("default" = "25s"))]
    pub(super) hold: Option<Text<Nanos>>,
    /// Messages it keeps for each channel.
    #[schemars(range(min = 1), extend("default" = 1000))]
    pub(super) history: Option<u32>,
}

/// `[load]`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Load {
    /// Virtual clients; client i listens to channel i modulo channels.
    #[schemars(required, range(min = 1, max = 15000), example = 500,
        extend("x-want" = "a whole number from 1 to 15000: one process is not trusted with more (descriptors, and its own delays would be measured)"))]
    pub(super) clients: Option<u32>,
    /// The clients attach evenly over this time.
    #[schemars(extend("default" = "1s"))]
    pub(super) connect: Option<Text<Nanos>>,
    /// Messages flow and are not counted: so long, or "auto": until delivery times and throughput
    /// are steady.
    #[schemars(extend("default" = "auto"))]
    pub(super) warmup: Option<Warmup>,
    /// What counts.
    #[schemars(extend("default" = "10s"))]
    pub(super) measure: Option<Text<Nanos>>,
    /// Nothing new is published; what is under way may still arrive. Default: 2 s, or the case's
    /// poll period and 1 s, whichever is longer.
    pub(super) drain: Option<Text<Nanos>>,
    /// Headers of every request: "minimal" (what the protocol needs), "browser" (what a browser
    /// really sends), or a table.
    #[schemars(extend("default" = "minimal"))]
    pub(super) headers: Option<Headers>,
    /// Worker threads; 0: one for each core that the target leaves free.
    #[schemars(range(max = 1024), extend("default" = 0))]
    pub(super) workers: Option<u32>,
    /// Pin the workers, and a target that the run starts, to cores of their own.
    #[schemars(extend("default" = true))]
    pub(super) pin: Option<bool>,
    /// Limit of one connection attempt with its handshake.
    #[schemars(extend("default" = "10s"))]
    pub(super) connect_timeout: Option<Text<Nanos>>,
    /// Limit of one request; for a held one it must be beyond what the target holds it.
    #[schemars(extend("default" = "60s"))]
    pub(super) request_timeout: Option<Text<Nanos>>,
}

/// `[sweep]`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sweep {
    /// Values for `load.clients`.
    #[schemars(length(min = 1), inner(range(min = 1, max = 15000)), example = [100, 500, 2000])]
    pub(super) clients: Option<Vec<u32>>,
    /// Values for `publish.rate`.
    #[schemars(length(min = 1))]
    pub(super) rate: Option<Vec<Text<PerSecond>>>,
    /// Values for `publish.payload`.
    #[schemars(length(min = 1))]
    pub(super) payload: Option<Vec<Text<Bytes>>>,
    /// Values for `publish.channels`, as counts.
    #[schemars(length(min = 1), inner(range(min = 1, max = 100_000)), example = [1, 10, 100])]
    pub(super) channels: Option<Vec<u32>>,
    /// How often everything is repeated; 6 or more make two cases comparable.
    #[schemars(range(min = 1, max = 1000), extend("default" = 1))]
    pub(super) repeat: Option<u32>,
}
