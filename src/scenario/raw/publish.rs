//! `[publish]`: the feed.

use super::{Bytes, ChannelsOf, Pairs, PerSecond, Text, TimeClock, WebSocket};
use schemars::JsonSchema;
use serde::Deserialize;

/// The feed: due times are fixed before the run and never wait for the target.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Publish {
    /// Through the target's own publish endpoint.
    #[schemars(extend("x-want" = "a table such as { post = \"/pub/${channel}\" }"))]
    pub(in crate::scenario) http: Option<Http>,
    /// Through WebSockets of publishers, as messages.
    #[schemars(extend("x-want" = "a table such as { websocket = { path = \"/duplex/${channel}\" } }"))]
    pub(in crate::scenario) in_band: Option<InBand>,
    /// Each client sends its own messages over its own WebSocket and gets them back, `rate` of them.
    #[schemars(extend("x-want" = "a table such as { send = \"${payload}\" }, or {}"))]
    pub(in crate::scenario) echo: Option<Echo>,
    /// Through a program of yours: a shell command, run in the scenario file's folder, that reads
    /// lines of channel, tab and message on stdin and publishes each at once.
    #[schemars(length(min = 1), example = "./my-publisher --fast")]
    pub(in crate::scenario) exec: Option<String>,
    /// Not by pushbench: the target publishes by itself. Tells where its messages hold their number
    /// and their time, if anywhere: `{}` when nothing in them can be read.
    #[schemars(extend("x-want" = "a table such as { sequence = { pointer = \"/seq\" } }, or {}"))]
    pub(in crate::scenario) none: Option<NoPublisher>,
    /// How many channels (fresh names for every run), or their names.
    #[schemars(extend("default" = 1))]
    pub(in crate::scenario) channels: Option<ChannelsOf>,
    /// Messages on each channel (with `echo`: of each client), such as "20/s". Wanted but for `none`.
    pub(in crate::scenario) rate: Option<Text<PerSecond>>,
    /// How due times are spaced.
    #[schemars(extend("default" = "constant"))]
    pub(in crate::scenario) arrivals: Option<Spacing>,
    /// Bytes of a message; at least 34 B, the stamp it carries.
    #[schemars(extend("default" = "64 B"))]
    pub(in crate::scenario) payload: Option<Text<Bytes>>,
    /// Most publishing connections at a time; a message that is due while all await their answers is
    /// dropped and counted as `publish_backlog`. Left out: five seconds of messages, 64 to 2048; with
    /// `in_band` one for each channel, 64 at most.
    #[schemars(range(min = 1, max = 4096))]
    pub(in crate::scenario) connections: Option<u32>,
}

/// How due times are spaced.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Spacing {
    /// Evenly, each channel with a phase of its own.
    Constant,
    /// As a Poisson process.
    Poisson,
}

/// `http = { post = "/pub/${channel}" }`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Http {
    /// Path that takes a message by POST, with `${channel}`.
    #[schemars(example = "/pub/${channel}")]
    pub(in crate::scenario) post: Option<String>,
    /// Path that takes a message by PUT, with `${channel}`.
    #[schemars(example = "/pub/${channel}")]
    pub(in crate::scenario) put: Option<String>,
    /// Statuses that say "published".
    #[schemars(length(min = 1), inner(range(min = 100, max = 599)), extend("default" = [200, 201, 202, 204]))]
    pub(in crate::scenario) status: Option<Vec<u16>>,
    /// The body: `${payload}` once, or `${json(payload)}` in quotes; beside it `${channel}`,
    /// `${json(channel)}` and `${seq}`. Left out: the payload as it is.
    #[schemars(example = r#"{"data":${json(payload)}}"#)]
    pub(in crate::scenario) body: Option<String>,
    /// Where the answer tells how many received the message; held against our own clients.
    #[schemars(extend("x-want" = "a table such as { pointer = \"/subscribers\" }"))]
    pub(in crate::scenario) receivers: Option<ReceiversTable>,
    /// More headers, such as a content type or a key: `{ Authorization = "Bearer ${env:KEY}" }`; values
    /// may hold `${channel}`.
    pub(in crate::scenario) headers: Option<Pairs>,
    /// Scheme, host and port of the publish endpoint, when it is not the target's base.
    #[schemars(example = "http://127.0.0.1:18081")]
    pub(in crate::scenario) base: Option<String>,
}

/// `in_band = { websocket = { path = "/duplex/${channel}" }, send = "${payload}" }`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct InBand {
    /// How publishers attach; `send` there holds logins. With `${channel}` in it each channel has a
    /// connection of its own.
    #[schemars(required, extend("x-want" = "a table such as { path = \"/duplex/${channel}\" }"))]
    pub(in crate::scenario) websocket: Option<WebSocket>,
    /// The message, as `body` of `http`.
    #[schemars(example = "${payload}")]
    pub(in crate::scenario) send: Option<String>,
    /// Send it as a binary message.
    #[schemars(extend("default" = false))]
    pub(in crate::scenario) binary: Option<bool>,
}

/// `echo = { send = "${payload}" }`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Echo {
    /// The message, as `body` of `http`.
    #[schemars(example = "${payload}")]
    pub(in crate::scenario) send: Option<String>,
    /// Send it as a binary message.
    #[schemars(extend("default" = false))]
    pub(in crate::scenario) binary: Option<bool>,
}

/// Where the answer to a publish tells how many received it: exactly one place.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct ReceiversTable {
    /// A JSON pointer into the body (RFC 6901).
    #[schemars(example = "/subscribers")]
    pub(in crate::scenario) pointer: Option<String>,
    /// The first group of this regular expression over the body.
    #[schemars(example = "receivers: ([0-9]+)")]
    pub(in crate::scenario) regex: Option<String>,
    /// A response header.
    #[schemars(example = "X-Subscribers")]
    pub(in crate::scenario) header: Option<String>,
}

/// `none = { sequence = { pointer = "/seq" }, time = { pointer = "/ts", unit = "us" } }`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct NoPublisher {
    /// Where each message tells its number, which grows by one on its channel.
    #[schemars(extend("x-want" = "a table such as { pointer = \"/seq\" }"))]
    pub(in crate::scenario) sequence: Option<ValueTable>,
    /// Where each message tells when it was published.
    #[schemars(extend("x-want" = "a table such as { pointer = \"/ts\", unit = \"ms\" }"))]
    pub(in crate::scenario) time: Option<TimeTable>,
}

/// Where a message tells something: exactly one place.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub(in crate::scenario) struct ValueTable {
    /// A JSON pointer (RFC 6901).
    #[schemars(example = "/seq")]
    pub(in crate::scenario) pointer: Option<String>,
    /// The first group of this regular expression.
    #[schemars(example = "seq=([0-9]+)")]
    pub(in crate::scenario) regex: Option<String>,
    /// Text that begins at this byte, from 0.
    #[schemars(range(max = 1_048_576))]
    pub(in crate::scenario) offset: Option<u32>,
    /// How many bytes of text, with `offset`.
    #[schemars(range(min = 1, max = 64))]
    pub(in crate::scenario) length: Option<u32>,
}

/// Where a message tells its time: exactly one place, and how it is written there. (Unknown keys are
/// refused by the schema.)
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub(in crate::scenario) struct TimeTable {
    #[serde(flatten)]
    pub(in crate::scenario) place: ValueTable,
    /// How it is written.
    #[schemars(required)]
    pub(in crate::scenario) unit: Option<Unit>,
    /// The clock it was read from: "wall" (counted from 1970; right on the same host, elsewhere as far
    /// as both clocks agree), "monotonic" (`CLOCK_MONOTONIC` of this host), or a table that says how
    /// to ask that clock: its offset and drift are then known, with a bound of their error.
    #[schemars(extend("default" = "wall"))]
    pub(in crate::scenario) clock: Option<TimeClock>,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Unit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
    /// A date and time of RFC 3339.
    Iso,
}
