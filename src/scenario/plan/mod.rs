//! What will be done: a scenario with every default filled in and every run laid out.
//!
//! Plain values, all checked: the engine need not doubt them.

mod carrier;
mod claim;
mod clock;
mod cost;
mod dialect;
mod group;
mod ladder;
mod metrics;
mod price;
mod probe;
mod publish;
mod tells;
mod template;
mod tls;

pub use carrier::*;
pub use claim::*;
pub use clock::*;
pub use cost::*;
pub use dialect::*;
pub use group::*;
pub use ladder::*;
pub use metrics::*;
pub use price::*;
pub use probe::*;
pub use publish::*;
pub use template::*;
pub use tls::*;

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
    /// Pages of the target's own counters, read in every run.
    pub metrics: Vec<MetricsPlan>,
    /// All runs: cases x sweep x repeat, in randomised blocks.
    pub runs: Vec<RunPlan>,
    /// Ladders of idle connections, done after the runs: cases x repeat of `[cost]`; empty without one.
    pub ladders: Vec<RunPlan>,
    /// The objectives; empty when there are none.
    pub slo: Vec<Objective>,
    /// What the runs are held against beside; fails nothing.
    pub claims: Vec<ClaimPlan>,
    /// What a machine for the target costs; `None`: nothing is told in money.
    pub price: Option<PriceSpec>,
    /// What an invalid run is to them.
    pub on_invalid: OnInvalid,
    /// What a person should know before it runs, in words (not errors).
    pub notes: Vec<String>,
    /// What came from the environment, so that it is shown nowhere.
    pub secrets: super::Secrets,
}

/// What is driven.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a plan has one")]
pub enum TargetPlan {
    /// The bundled reference server, a fresh process for each run.
    Bundled(BundledSpec),
    /// A server that is there, or that `start` starts.
    External {
        /// Scheme, host and port, no path.
        base: Base,
        /// Where clients attach that ask for TLS, when it is not `base`.
        secure_base: Option<Base>,
        /// How TLS is spoken, to `base`, `secure_base` and the publish endpoint alike.
        tls: TlsSpec,
        /// A shell command that starts it, run in the scenario file's folder; stopped after each run.
        start: Option<String>,
        /// A path that answers with a status below 400 when the target is ready.
        ready: Option<String>,
        /// How long to wait for readiness.
        ready_timeout: Nanos,
        /// Which processes are priced.
        cost: CostSpec,
        /// Who tells what it pays; `None`: it is read on this machine, where it is there.
        probe: Option<Box<ProbePlan>>,
        /// Whether an address that is neither loopback nor private may be driven.
        allow_remote: bool,
    },
}

impl TargetPlan {
    /// The server under test, in words: whose costs are told.
    pub fn in_words(&self) -> String {
        match self {
            TargetPlan::Bundled(_) => {
                format!("the bundled server of pushbench {}", env!("CARGO_PKG_VERSION"))
            }
            TargetPlan::External { base, start: Some(start), .. } => {
                format!("the server at {} that `{start}` starts", base.url())
            }
            TargetPlan::External { base, .. } => format!("the server at {}", base.url()),
        }
    }

    /// Whether certificates are taken unseen.
    pub fn is_insecure(&self) -> bool {
        matches!(self, TargetPlan::External { tls: TlsSpec { insecure: true, .. }, .. })
    }

    /// Who tells what it pays, when that is not read on this machine.
    pub fn probe(&self) -> Option<&ProbePlan> {
        match self {
            TargetPlan::External { probe, .. } => probe.as_deref(),
            TargetPlan::Bundled(_) => None,
        }
    }
}

/// `[target] bundled = { ... }`: options of the bundled server. What is left out is its own default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BundledSpec {
    /// What it does wrong on purpose, as its `--fault` reads each.
    pub faults: Vec<String>,
    /// How often it pings each WebSocket, whole milliseconds; zero: never.
    pub ping: Option<Nanos>,
    /// How long it holds a long poll, whole milliseconds.
    pub hold: Option<Nanos>,
    /// Messages it keeps for each channel.
    pub history: Option<u32>,
    /// Whether TLS sessions are resumed.
    pub resumption: bool,
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
    /// The kinds of clients, and how each attaches; at least one.
    pub groups: Vec<GroupPlan>,
    /// What the bundled server does wrong on purpose meanwhile; `None`: what the target's plan says.
    pub faults: Option<Vec<String>>,
    /// Virtual clients.
    pub clients: u32,
    /// The channels; client `i` listens to channel `i % channels.len()`.
    pub channels: Channels,
    /// What is published; `None`: nothing (idle clients, or a target that publishes by itself).
    pub publish: Option<PublishPlan>,
    /// How long each phase lasts.
    pub phases: Phases,
    /// The steps in which the clients attach; `None`: evenly over `connect`. The last step rests in `measure`.
    pub stairs: Option<Stairs>,
    /// Worker threads; 0: one for each core that the target leaves free.
    pub workers: u32,
    /// Whether workers, and a target that the run starts, are pinned to cores of their own.
    pub pin: bool,
    /// Limits of one connection attempt and of one request.
    pub connect_timeout: Nanos,
    /// How long a request may go unanswered (for a held one: beyond what the target holds it).
    pub request_timeout: Nanos,
}

impl RunPlan {
    /// The transport's key in results; `mixed` when the groups have several.
    pub fn transport(&self) -> &'static str {
        let mut keys = self.groups.iter().map(|g| g.carrier.key());
        let first = keys.next().unwrap_or("none");
        if keys.all(|k| k == first) { first } else { "mixed" }
    }

    /// When client `index` is due, from the first connect.
    pub fn attaches_at(&self, index: usize) -> Nanos {
        let all = u128::from(self.clients.max(1));
        let evenly = || Nanos((u128::from(self.phases.connect.0) * index as u128 / all) as u64);
        self.stairs.as_ref().map_or_else(evenly, |stairs| stairs.attaches_at(index))
    }

    /// Whether every client reads an endpoint that tells its latest value only.
    pub fn conflates(&self) -> bool {
        self.groups.iter().all(|g| g.carrier.conflates())
    }
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

/// How long each phase lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// Clients attach, evenly spread over it.
    pub connect: Nanos,
    /// Messages flow and are not counted; at most so long when `warmup_least` is there.
    pub warmup: Nanos,
    /// `measure` begins as soon as the run is steady, but not earlier than this after publishing began;
    /// `None`: `warmup` is fixed.
    pub warmup_least: Option<Nanos>,
    /// What counts.
    pub measure: Nanos,
    /// Nothing new is published; what is under way may still arrive.
    pub drain: Nanos,
}

impl Phases {
    /// From the first connect to the end of the drain, at most.
    pub fn total(&self) -> Nanos {
        self.connect + self.warmup + self.measure + self.drain
    }
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

/// What an invalid run is to its objectives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnInvalid {
    /// Neither met nor missed; invalid seconds of a run that is not invalid are left out.
    #[default]
    Ignore,
    /// Missed.
    Fail,
}

impl OnInvalid {
    /// As scenario files write it.
    pub const fn key(self) -> &'static str {
        match self {
            OnInvalid::Ignore => "ignore",
            OnInvalid::Fail => "fail",
        }
    }
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
    /// The relation that `text` begins with, and the rest.
    pub(in crate::scenario) fn split(text: &str) -> Option<(Relation, &str)> {
        let signs = [
            ("<=", Relation::AtMost),
            ("<", Relation::Less),
            ("==", Relation::Equal),
            (">=", Relation::AtLeast),
            (">", Relation::Greater),
        ];
        let (sign, relation) = signs.into_iter().find(|(sign, _)| text.starts_with(sign))?;
        Some((relation, text[sign.len()..].trim_start()))
    }

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
