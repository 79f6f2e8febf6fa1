//! `websocket = { ... }` of a case.

use super::{Bytes, Text};
use crate::model::Nanos;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// `websocket = { path = "/ws/${channel}" }`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct WebSocket {
    /// Path and query, with `${channel}` and `${client}`.
    #[schemars(required, example = "/ws/${channel}")]
    pub(in crate::scenario) path: Option<String>,
    /// Subprotocols offered.
    pub(in crate::scenario) subprotocols: Option<Vec<String>>,
    /// Messages sent once the session is open, with `${channel}` and `${client}`.
    #[schemars(example = [r#"{"sub":"${channel}"}"#])]
    pub(in crate::scenario) send: Option<Vec<String>>,
    /// Send them as binary messages instead of text.
    #[schemars(extend("default" = false))]
    pub(in crate::scenario) binary: Option<bool>,
    /// Largest message taken, as it is after inflating.
    #[schemars(extend("default" = "1 MiB"))]
    pub(in crate::scenario) max_message: Option<Text<Bytes>>,
    /// Offer compression of messages (permessage-deflate, RFC 7692).
    #[schemars(extend("default" = false))]
    pub(in crate::scenario) deflate: Option<Deflate>,
    /// Ping the target, as some browser libraries do; without it, pings are only answered.
    #[schemars(extend("x-want" = "a table: ping = { every = \"25s\", timeout = \"20s\" }"))]
    pub(in crate::scenario) ping: Option<Ping>,
    /// End the session as dead when nothing at all came for so long.
    #[schemars(example = &"60s")]
    pub(in crate::scenario) dead_after: Option<Text<Nanos>>,
}

/// `ping = { every = "25s", timeout = "20s" }`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Ping {
    /// The period.
    #[schemars(required, example = &"25s")]
    pub(in crate::scenario) every: Option<Text<Nanos>>,
    /// End the session as dead when the pong has not come by then.
    #[schemars(extend("default" = "20s"))]
    pub(in crate::scenario) timeout: Option<Text<Nanos>>,
}

/// `deflate = true | { no_context_takeover = true }`
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) enum Deflate {
    /// Whether it is offered as browsers do.
    Offer(bool),
    /// Offered with these.
    Table(DeflateTable),
}

/// What is asked of the server's compression.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct DeflateTable {
    /// Ask the server to compress each message by itself: costs bytes on the wire, saves the memory
    /// of a window for each client on both sides.
    #[schemars(extend("default" = false))]
    pub(in crate::scenario) no_context_takeover: Option<bool>,
}

impl<'de> Deserialize<'de> for Deflate {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Deflate, D::Error> {
        d.deserialize_any(DeflateVisitor)
    }
}

struct DeflateVisitor;

impl<'de> Visitor<'de> for DeflateVisitor {
    type Value = Deflate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false or a table")
    }

    fn visit_bool<E: Error>(self, offer: bool) -> Result<Deflate, E> {
        Ok(Deflate::Offer(offer))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Deflate, A::Error> {
        DeflateTable::deserialize(MapAccessDeserializer::new(map)).map(Deflate::Table)
    }
}

impl JsonSchema for Deflate {
    fn schema_name() -> Cow<'static, str> {
        "Deflate".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = DeflateTable::json_schema(generator);
        json_schema!({"anyOf": [{"type": "boolean"}, table],
            "x-want": "true, or a table such as { no_context_takeover = true }"})
    }
}
