//! `[publish]`: the feed.

use super::{Bytes, ChannelsOf, Pairs, PerSecond, Text};
use schemars::JsonSchema;
use serde::Deserialize;

/// The feed: due times are fixed before the run and never wait for the target.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Publish {
    /// The target's own publish endpoint.
    #[schemars(required, extend("x-want" = "a table such as { post = \"/pub/${channel}\" }"))]
    pub(in crate::scenario) http: Option<Http>,
    /// How many channels (fresh names for every run), or their names.
    #[schemars(extend("default" = 1))]
    pub(in crate::scenario) channels: Option<ChannelsOf>,
    /// Messages on each channel, such as "20/s".
    #[schemars(required)]
    pub(in crate::scenario) rate: Option<Text<PerSecond>>,
    /// How due times are spaced.
    #[schemars(extend("default" = "constant"))]
    pub(in crate::scenario) arrivals: Option<Spacing>,
    /// Bytes of a message; at least 34 B, the stamp it carries.
    #[schemars(extend("default" = "64 B"))]
    pub(in crate::scenario) payload: Option<Text<Bytes>>,
    /// Most publishing connections at a time; a message that is due while all await their answers is
    /// dropped and counted as `publish_backlog`. Left out: five seconds of messages, 64 to 2048.
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
    /// More headers, such as a content type or a key: `{ Authorization = "Bearer ${env:KEY}" }`.
    pub(in crate::scenario) headers: Option<Pairs>,
    /// Scheme, host and port of the publish endpoint, when it is not the target's base.
    #[schemars(example = "http://127.0.0.1:18081")]
    pub(in crate::scenario) base: Option<String>,
}
