//! What will be done: a scenario with every default filled in and every run laid out.
//!
//! Plain values, all checked: the engine need not doubt them.

use crate::model::Nanos;
use std::path::PathBuf;

/// Most clients of one process. Above it a scheduler round alone takes longer than what is measured,
/// and descriptors run out on most machines.
pub const MOST_CLIENTS: u32 = 15_000;

/// A whole plan: the runs in the order in which they are done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the scenario came from; `None` for the quick form.
    pub path: Option<PathBuf>,
    /// The scenario's text as read, for the manifest.
    pub source: String,
    /// What it asks.
    pub title: String,
    /// The seed that every random choice was drawn from.
    pub seed: u64,
    /// What is driven.
    pub target: TargetPlan,
    /// All runs: cases x sweep x repeat, in randomised blocks.
    pub runs: Vec<RunPlan>,
    /// The objectives; empty when there are none.
    pub slo: Vec<Objective>,
    /// What a person should know before it runs, in words (not errors).
    pub notes: Vec<String>,
    /// What came from the environment, so that it is shown nowhere.
    pub secrets: super::Secrets,
}

/// What is driven.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetPlan {
    /// The bundled reference server, a fresh process for each run.
    Bundled,
    /// A server that is there, or that `start` starts.
    External {
        /// Scheme, host and port, no path.
        base: Base,
        /// A shell command that starts it, run in the scenario file's folder; stopped after each run.
        start: Option<String>,
        /// A path that answers with a status below 400 when the target is ready.
        ready: Option<String>,
        /// How long to wait for readiness.
        ready_timeout: Nanos,
        /// The port whose owners are priced, when it is not that of `base`. `None`: that of `base`.
        cost_port: Option<u16>,
        /// Whether an address that is neither loopback nor private may be driven.
        allow_remote: bool,
    },
}

/// The scheme, host and port of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// `https` or `wss`.
    pub tls: bool,
    /// Name or address, IPv6 without brackets.
    pub host: String,
    /// Port, the scheme's own when none was written.
    pub port: u16,
}

impl Base {
    /// `http://host:port`, as it may stand in a scenario.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }

    /// The value of a `Host` header: brackets around IPv6, no port where it is the scheme's own.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let own = if self.tls { 443 } else { 80 };
        if self.port == own { host } else { format!("{host}:{}", self.port) }
    }
}

/// One run: one case with one set of values.
#[derive(Clone, Debug)]
pub struct RunPlan {
    /// Name of the case.
    pub case: String,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// The seed of this run; the same in the same repeat of every case, so that they get the same
    /// feed.
    pub seed: u64,
    /// The values of the sweep for this run, as key and text, for titles; empty without a sweep.
    pub swept: Vec<(String, String)>,
    /// How the clients attach.
    pub carrier: CarrierSpec,
    /// Headers of every request.
    pub headers: HeaderProfile,
    /// Virtual clients.
    pub clients: u32,
    /// The channels; client `i` listens to channel `i % channels.len()`.
    pub channels: Channels,
    /// What is published; `None`: nothing (idle clients, or a target that publishes by itself).
    pub publish: Option<PublishPlan>,
    /// How long each phase lasts.
    pub phases: Phases,
    /// Worker threads; 0: one for each core that the target leaves free.
    pub workers: u32,
    /// Whether workers, and a target that the run starts, are pinned to cores of their own.
    pub pin: bool,
    /// Limits of one connection attempt and of one request.
    pub connect_timeout: Nanos,
    /// How long a request may go unanswered (for a held one: beyond what the target holds it).
    pub request_timeout: Nanos,
}

/// The channels of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channels {
    /// So many, with names of this run alone, so that a server's history of an earlier run is not
    /// read: `pb<tag><n>`.
    Fresh(u32),
    /// These.
    Named(Vec<String>),
}

impl Channels {
    /// How many; at least one.
    pub fn len(&self) -> usize {
        match self {
            Channels::Fresh(n) => *n as usize,
            Channels::Named(names) => names.len(),
        }
    }

    /// Never: a run has a channel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of channel `i`, for a run with this tag.
    pub fn name(&self, i: usize, tag: crate::model::RunTag) -> String {
        match self {
            Channels::Fresh(_) => format!("pb{}{i}", tag.as_word()),
            Channels::Named(names) => names[i].clone(),
        }
    }
}

/// The feed.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishPlan {
    /// The publish endpoint, with `${channel}`.
    pub path: String,
    /// Where it is, when not at the target's base.
    pub base: Option<Base>,
    /// Request method: `POST` or `PUT`.
    pub method: String,
    /// Statuses that say "published".
    pub status: Vec<u16>,
    /// More headers, each `Name: value`.
    pub headers: Vec<(String, String)>,
    /// Messages a second on each channel.
    pub rate_per_s: f64,
    /// How due times are spaced.
    pub arrivals: Arrivals,
    /// Bytes of a message; at least `Stamp::LEN`.
    pub payload_bytes: u32,
    /// Most publishing connections at a time, all workers together; a message that is due while
    /// all await their answers is dropped and counted as `publish_backlog`.
    pub connections: u32,
}

/// How due times are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly, each channel with a phase of its own.
    Constant,
    /// As a Poisson process.
    Poisson,
}

/// How long each phase lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// Clients attach, evenly spread over it.
    pub connect: Nanos,
    /// Messages flow and are not counted.
    pub warmup: Nanos,
    /// What counts.
    pub measure: Nanos,
    /// Nothing new is published; what is under way may still arrive.
    pub drain: Nanos,
}

impl Phases {
    /// From the first connect to the end of the drain.
    pub fn total(&self) -> Nanos {
        self.connect + self.warmup + self.measure + self.drain
    }
}

/// How the clients of a case attach, with that carrier's options.
#[derive(Clone, Debug, PartialEq)]
pub enum CarrierSpec {
    /// Ask at an interval.
    Poll(PollSpec),
    /// Ask, be held until there is something, ask again.
    LongPoll(LongPollSpec),
    /// RFC 6455.
    WebSocket(WebSocketSpec),
}

impl CarrierSpec {
    /// The key in scenario files and results.
    pub fn key(&self) -> &'static str {
        match self {
            CarrierSpec::Poll(_) => "poll",
            CarrierSpec::LongPoll(_) => "long_poll",
            CarrierSpec::WebSocket(_) => "websocket",
        }
    }

    /// How many messages a healthy answer may skip: true for polling an endpoint that only ever
    /// tells its latest value, where what was overwritten is conflated, not lost.
    pub fn conflates(&self) -> bool {
        matches!(self, CarrierSpec::Poll(p) if p.latest_value)
    }
}

/// The pull request and how its answers are read.
#[derive(Clone, Debug, PartialEq)]
pub struct PullSpec {
    /// Path and query, with `${channel}`, `${client}`.
    pub path: String,
    /// Statuses whose body holds messages.
    pub status: Vec<u16>,
    /// Statuses that say "nothing new".
    pub empty: Vec<u16>,
    /// How the next request tells what this client already has.
    pub cursor: CursorSpec,
}

/// `poll = { get = "...", every = "1s" }`
#[derive(Clone, Debug, PartialEq)]
pub struct PollSpec {
    /// The request.
    pub pull: PullSpec,
    /// The period.
    pub every: Nanos,
    /// Period from the schedule (fixed rate) or from the last answer (fixed delay).
    pub fixed_rate: bool,
    /// The endpoint tells its latest value only.
    pub latest_value: bool,
}

/// `long_poll = { get = "..." }`
#[derive(Clone, Debug, PartialEq)]
pub struct LongPollSpec {
    /// The request.
    pub pull: PullSpec,
    /// Subscribed so long after the first request was sent, though nothing was answered.
    pub settle: Nanos,
}

/// `websocket = { path = "..." }`
#[derive(Clone, Debug, PartialEq)]
pub struct WebSocketSpec {
    /// Path and query, with `${channel}`, `${client}`.
    pub path: String,
    /// Subprotocols offered.
    pub subprotocols: Vec<String>,
    /// Text messages sent once the session is open, with `${channel}`, `${client}`.
    pub send: Vec<String>,
    /// Largest message taken, bytes.
    pub max_message_bytes: u32,
}

/// Where a cursor is found in an answer and where it goes in the next request.
#[derive(Clone, Debug, PartialEq)]
pub enum CursorSpec {
    /// There is none.
    None,
    /// `ETag` -> `If-None-Match` and `Last-Modified` -> `If-Modified-Since` (RFC 9110).
    Etag,
    /// One value.
    Value {
        /// Where it is read.
        from: CursorFrom,
        /// Where it goes.
        into: CursorInto,
        /// Its value in the first request; `None`: left out there.
        initial: Option<String>,
    },
}

/// Where a cursor is read.
#[derive(Clone, Debug, PartialEq)]
pub enum CursorFrom {
    /// A response header, name in any case.
    Header(String),
    /// A JSON pointer into the body (RFC 6901).
    Pointer(String),
    /// The first group of a regular expression over the body.
    Regex(String),
}

/// Where a cursor goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorInto {
    /// A request header.
    Header(String),
    /// A query parameter.
    Query(String),
}

/// Headers that every request of a client carries beside those it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderProfile {
    /// `Host` and what the protocol needs, nothing else.
    Minimal,
    /// What a current desktop browser sends.
    Browser,
    /// These.
    Custom(Vec<(String, String)>),
}

/// One `[slo]` line.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// The key, such as `delivery_p99`.
    pub key: String,
    /// The line's text, such as `< 250 ms`.
    pub text: String,
    /// How the measured value is held against the bound.
    pub relation: Relation,
    /// The bound: nanoseconds for every time (that of `cpu_us_per_delivery` too), counts, bytes or
    /// ratios.
    pub bound: f64,
}

/// How a measured value is held against a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    Greater,
}

impl Relation {
    /// Whether `value` keeps to `bound`.
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Relation::Less => value < bound,
            Relation::AtMost => value <= bound,
            Relation::Equal => value == bound,
            Relation::AtLeast => value >= bound,
            Relation::Greater => value > bound,
        }
    }
}
