//! `[[case]]`: how the clients of a case attach.

use super::{
    Cursor, Endless, Headers, Keepalive, Life, Many, Mqtt, Pairs, Reconnect, Rule, SendBy, Split, Step,
    Stream, Text, WebSocket,
};
use crate::model::Nanos;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::cell::Cell;

/// One transport to compare: a name, and exactly one of `poll`, `long_poll`, `stream`, `sse`,
/// `forever_iframe`, `chunked`, `multipart`, `websocket`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Case {
    /// Its name in tables and charts; unlike every other case's.
    #[schemars(required, length(min = 1, max = 60), example = "polling, 1 s")]
    pub(in crate::scenario) name: Option<String>,
    /// Ask at an interval.
    #[schemars(extend("x-want" = "a table: poll = { get = \"/poll/${channel}\", every = \"1s\" }"))]
    pub(in crate::scenario) poll: Option<Poll>,
    /// Ask, be held until there is something, ask again.
    #[schemars(extend("x-want" = "a table: long_poll = { get = \"/lp/${channel}\" }"))]
    pub(in crate::scenario) long_poll: Option<LongPoll>,
    /// An endless HTTP answer; `split` tells where a message ends.
    #[schemars(extend("x-want" = "a table: stream = { get = \"/stream/${channel}\", split = \"newline\" }"))]
    pub(in crate::scenario) stream: Option<Stream>,
    /// Server-Sent Events.
    #[schemars(extend("x-want" = "a table: sse = { get = \"/sse/${channel}\" }"))]
    pub(in crate::scenario) sse: Option<Endless>,
    /// A page without end, with a script element for each message.
    #[schemars(extend("x-want" = "a table: forever_iframe = { get = \"/iframe/${channel}\" }"))]
    pub(in crate::scenario) forever_iframe: Option<Endless>,
    /// An endless HTTP answer, with a chunk for each message.
    #[schemars(extend("x-want" = "a table: chunked = { get = \"/chunked/${channel}\" }"))]
    pub(in crate::scenario) chunked: Option<Endless>,
    /// An endless `multipart/mixed` answer, with a part for each message.
    #[schemars(extend("x-want" = "a table: multipart = { get = \"/multipart/${channel}\" }"))]
    pub(in crate::scenario) multipart: Option<Endless>,
    /// WebSocket (RFC 6455).
    #[schemars(extend("x-want" = "a table: websocket = { path = \"/ws/${channel}\" }"))]
    pub(in crate::scenario) websocket: Option<WebSocket>,
    /// What the bundled server does wrong on purpose while this case runs, in place of `bundled.fault`.
    #[schemars(example = "restart at 5s for 500ms")]
    pub(in crate::scenario) fault: Option<Many<String>>,
    /// Headers of this case's requests, in place of those of `[load]`.
    pub(in crate::scenario) headers: Option<Headers>,
    /// Attach over TLS: to the target's `secure_base`, or to the bundled server's own TLS port.
    #[schemars(extend("default" = false))]
    pub(in crate::scenario) secure: Option<bool>,
    /// Keep cookies, each client its own.
    #[schemars(extend("default" = false))]
    pub(in crate::scenario) cookies: Option<bool>,
    /// A preset and its kind, such as "socketio.websocket", or "./mine.toml#websocket": this case's own
    /// keys come on top.
    #[schemars(example = "socketio.websocket", extend("x-want" = "a preset and its kind, such as \"socketio.websocket\", or a file's, \"./mine.toml#websocket\""))]
    pub(in crate::scenario) preset: Option<String>,
    /// Variables for templates, worked out when a session begins.
    #[schemars(extend("x-want" = "a table of texts, such as { room = \"${channel}\" }"))]
    pub(in crate::scenario) vars: Option<Pairs>,
    /// Variables that a session hands on to the next one of its client.
    pub(in crate::scenario) keep: Option<Vec<String>>,
    /// A CSV file with a row for each client: `${row('name')}`.
    #[schemars(example = "users.csv")]
    pub(in crate::scenario) rows: Option<String>,
    /// Where the units inside a message or an answer end, for the rules.
    pub(in crate::scenario) split: Option<Split>,
    /// Such a unit may lie over several messages.
    #[schemars(extend("default" = false))]
    pub(in crate::scenario) split_across: Option<bool>,
    /// What is done first, in order.
    pub(in crate::scenario) steps: Option<Vec<Step>>,
    /// When a client counts as subscribed: "open", "steps", "rule", or a time after the last step.
    #[schemars(example = "300 ms", extend("x-want" = "\"open\", \"steps\", \"rule\" or a time such as \"300 ms\""))]
    pub(in crate::scenario) ready: Option<String>,
    /// Rules for what comes, in order; the first that matches is done.
    pub(in crate::scenario) rule: Option<Vec<Rule>>,
    /// How a `send` travels where the transport cannot carry it.
    pub(in crate::scenario) send_by: Option<SendBy>,
    /// What is sent to keep the session alive, and when the peer counts as dead.
    pub(in crate::scenario) keepalive: Option<Keepalive>,
    /// A unit that no rule knows is a failure.
    #[schemars(extend("default" = false))]
    pub(in crate::scenario) strict: Option<bool>,
    /// The connection of the HTTP steps goes on to the transport (sticky sessions). Default: true, but
    /// for a WebSocket, which a browser opens anew, and without `keep_alive`.
    pub(in crate::scenario) same_connection: Option<bool>,
    /// MQTT 3.1.1 over a WebSocket.
    pub(in crate::scenario) mqtt: Option<Mqtt>,
    /// What a client does when its session ends though it was to stay, or could not be opened.
    #[schemars(extend("default" = "none"))]
    pub(in crate::scenario) reconnect: Option<Reconnect>,
    /// A client leaves after so long (a mean, unless `life = "fixed"`). Left out: it stays.
    pub(in crate::scenario) stay: Option<Text<Nanos>>,
    /// A client that has left returns after so long (a mean, unless `life = "fixed"`). Left out:
    /// another one takes its place at once.
    pub(in crate::scenario) away: Option<Text<Nanos>>,
    /// How `stay` and `away` are distributed.
    #[schemars(extend("default" = "exponential"))]
    pub(in crate::scenario) life: Option<Life>,
    /// In a group: its share of the clients, against the sum of all weights.
    #[schemars(range(min = 0.001, max = 1_000_000.0), extend("default" = 1))]
    pub(in crate::scenario) weight: Option<f64>,
    /// A mixed population: each group is written like a case and has its share of the clients.
    #[schemars(length(min = 1))]
    pub(in crate::scenario) group: Option<Vec<Group>>,
}

/// One kind of client of a mixed population: written like a case.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(in crate::scenario) struct Group(pub(in crate::scenario) Case);

thread_local! {
    /// Whether a group's schema is being made: what it holds of a case is to hold no group again.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

impl JsonSchema for Group {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Group".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        if INSIDE.replace(true) {
            return Schema::default();
        }
        let mut schema = Case::json_schema(generator);
        INSIDE.set(false);
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.shift_remove("group");
        }
        schema
    }
}

/// `poll = { get = "/poll/${channel}", every = "1s" }`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Poll {
    /// Path and query, with `${channel}` and `${client}`.
    #[schemars(example = "/poll/${channel}")]
    pub(in crate::scenario) get: Option<String>,
    /// The same, asked with POST. Exactly one of `get` and `post`.
    #[schemars(example = "/poll/${channel}")]
    pub(in crate::scenario) post: Option<String>,
    /// The body of the POST, with `${channel}` and `${client}`.
    pub(in crate::scenario) body: Option<String>,
    /// The period; every client has a random phase in it.
    #[schemars(extend("default" = "1s"))]
    pub(in crate::scenario) every: Option<Text<Nanos>>,
    /// Where the period is counted from.
    #[schemars(extend("default" = "fixed-rate"))]
    pub(in crate::scenario) pace: Option<Pace>,
    /// How the next request tells what this client already has.
    #[schemars(extend("default" = "etag"))]
    pub(in crate::scenario) cursor: Option<Cursor>,
    /// Whether the connection is kept for the next request; else each request has its own, and says so.
    #[schemars(extend("default" = true))]
    pub(in crate::scenario) keep_alive: Option<bool>,
    /// What the endpoint tells.
    #[schemars(extend("default" = "cursor"))]
    pub(in crate::scenario) endpoint: Option<Endpoint>,
    /// Statuses whose body holds messages.
    #[schemars(length(min = 1), inner(range(min = 100, max = 599)), extend("default" = [200]))]
    pub(in crate::scenario) status: Option<Vec<u16>>,
    /// Statuses that say "nothing new"; never an error.
    #[schemars(inner(range(min = 100, max = 599)), extend("default" = [204, 304, 408]))]
    pub(in crate::scenario) empty: Option<Vec<u16>>,
}

/// Where a poll's period is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Pace {
    /// From the schedule: a slow answer does not slow the client down.
    FixedRate,
    /// From the last answer.
    FixedDelay,
}

/// What a polled endpoint tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Endpoint {
    /// What came after the cursor.
    Cursor,
    /// The latest value only; what was overwritten meanwhile is conflated, not lost.
    Latest,
}

/// `long_poll = { get = "/lp/${channel}" }`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct LongPoll {
    /// Path and query, with `${channel}` and `${client}`.
    #[schemars(example = "/lp/${channel}")]
    pub(in crate::scenario) get: Option<String>,
    /// The same, asked with POST. Exactly one of `get` and `post`.
    #[schemars(example = "/lp/${channel}")]
    pub(in crate::scenario) post: Option<String>,
    /// The body of the POST, with `${channel}` and `${client}`.
    pub(in crate::scenario) body: Option<String>,
    /// How the next request tells what this client already has.
    #[schemars(extend("default" = "etag"))]
    pub(in crate::scenario) cursor: Option<Cursor>,
    /// Whether the connection is kept for the next request; else each request has its own, and says so.
    #[schemars(extend("default" = true))]
    pub(in crate::scenario) keep_alive: Option<bool>,
    /// A client counts as subscribed so long after its first request, though nothing was answered:
    /// a target never says that it holds a request.
    #[schemars(extend("default" = "300 ms"))]
    pub(in crate::scenario) settle: Option<Text<Nanos>>,
    /// Statuses whose body holds messages.
    #[schemars(length(min = 1), inner(range(min = 100, max = 599)), extend("default" = [200]))]
    pub(in crate::scenario) status: Option<Vec<u16>>,
    /// Statuses that say "nothing new, ask again"; never an error.
    #[schemars(inner(range(min = 100, max = 599)), extend("default" = [204, 304, 408]))]
    pub(in crate::scenario) empty: Option<Vec<u16>>,
}
