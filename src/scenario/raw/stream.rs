//! `stream`, `sse`, `forever_iframe`, `chunked`, `multipart`, and where a message ends in a body.

use super::{Bytes, Cursor, Text};
use crate::model::Nanos;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// `sse = { get = "/sse/${channel}" }`, and `forever_iframe`, `chunked`, `multipart`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Endless {
    /// Path and query, with `${channel}` and `${client}`.
    #[schemars(example = "/sse/${channel}")]
    pub(in crate::scenario) get: Option<String>,
    /// The same, asked with POST. Exactly one of `get` and `post`.
    #[schemars(example = "/sse/${channel}")]
    pub(in crate::scenario) post: Option<String>,
    /// The body of the POST, with `${channel}` and `${client}`.
    pub(in crate::scenario) body: Option<String>,
    /// Statuses whose body is the stream.
    #[schemars(length(min = 1), inner(range(min = 100, max = 599)), extend("default" = [200]))]
    pub(in crate::scenario) status: Option<Vec<u16>>,
    /// How the next request tells what this client already has. Default: the SSE id in `Last-Event-ID`
    /// for `sse`, the parts' `ETag` and `Last-Modified` for `multipart`, none for the others.
    pub(in crate::scenario) cursor: Option<Cursor>,
    /// The answer is ended by the client after this time, and opened again at once. Default: never.
    pub(in crate::scenario) max_duration: Option<Text<Nanos>>,
    /// The same after so many messages. Default: never.
    #[schemars(range(min = 1))]
    pub(in crate::scenario) max_events: Option<u64>,
    /// The same after so many bytes of body. Default: never.
    pub(in crate::scenario) max_bytes: Option<Text<Bytes>>,
    /// Largest message taken.
    #[schemars(extend("default" = "1 MiB"))]
    pub(in crate::scenario) max_message: Option<Text<Bytes>>,
}

/// `stream = { get = "/stream/${channel}", split = "newline" }`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Stream {
    /// Path and query, with `${channel}` and `${client}`.
    #[schemars(example = "/stream/${channel}")]
    pub(in crate::scenario) get: Option<String>,
    /// The same, asked with POST. Exactly one of `get` and `post`.
    #[schemars(example = "/stream/${channel}")]
    pub(in crate::scenario) post: Option<String>,
    /// The body of the POST, with `${channel}` and `${client}`.
    pub(in crate::scenario) body: Option<String>,
    /// Where a message ends.
    #[schemars(required)]
    pub(in crate::scenario) split: Option<Split>,
    /// Statuses whose body is the stream.
    #[schemars(length(min = 1), inner(range(min = 100, max = 599)), extend("default" = [200]))]
    pub(in crate::scenario) status: Option<Vec<u16>>,
    /// How the next request tells what this client already has.
    #[schemars(extend("default" = "none"))]
    pub(in crate::scenario) cursor: Option<Cursor>,
    /// The answer is ended by the client after this time, and opened again at once. Default: never.
    pub(in crate::scenario) max_duration: Option<Text<Nanos>>,
    /// The same after so many messages. Default: never.
    #[schemars(range(min = 1))]
    pub(in crate::scenario) max_events: Option<u64>,
    /// The same after so many bytes of body. Default: never.
    pub(in crate::scenario) max_bytes: Option<Text<Bytes>>,
    /// Largest message taken.
    #[schemars(extend("default" = "1 MiB"))]
    pub(in crate::scenario) max_message: Option<Text<Bytes>>,
}

/// `split = "newline" | { delimiter = "\u001e" } | { length = "u16", order = "big" }`
#[derive(Clone, Debug)]
pub(in crate::scenario) enum Split {
    /// By its name: one of [`SPLITS`].
    Named(&'static str),
    /// With options.
    Table(SplitTable),
}

/// Splitters that need no options.
pub(in crate::scenario) const SPLITS: [&str; 8] =
    ["newline", "chunk", "sse", "multipart", "script", "json-array", "json-concat", "whole"];

/// A splitter with options: exactly one of `delimiter` and `length`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct SplitTable {
    /// This text ends a message.
    #[schemars(length(min = 1, max = 64), example = "\u{1e}")]
    pub(in crate::scenario) delimiter: Option<String>,
    /// A length of this kind stands in front of a message.
    pub(in crate::scenario) length: Option<Prefix>,
    /// The order of its bytes; for `u16` and `u32`.
    #[schemars(extend("default" = "big"))]
    pub(in crate::scenario) order: Option<Order>,
}

/// A length in front of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::scenario) enum Prefix {
    /// One byte.
    U8,
    /// Two bytes.
    U16,
    /// Four bytes.
    U32,
    /// Seven bits a byte, as protobuf has it.
    Varint,
}

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::scenario) enum Order {
    /// The highest.
    Big,
    /// The lowest.
    Little,
}

impl<'de> Deserialize<'de> for Split {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Split, D::Error> {
        d.deserialize_any(SplitVisitor)
    }
}

struct SplitVisitor;

impl<'de> Visitor<'de> for SplitVisitor {
    type Value = Split;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a splitter, or a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Split, E> {
        let known = SPLITS.iter().find(|name| **name == text);
        known.map(|name| Split::Named(name)).ok_or_else(|| E::unknown_variant(text, &SPLITS))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Split, A::Error> {
        SplitTable::deserialize(MapAccessDeserializer::new(map)).map(Split::Table)
    }
}

impl JsonSchema for Split {
    fn schema_name() -> Cow<'static, str> {
        "Split".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = SplitTable::json_schema(generator);
        json_schema!({"anyOf": [{"type": "string", "enum": SPLITS}, table],
            "x-want": "newline, chunk, sse, multipart, script, json-array, json-concat, whole, { delimiter = \"...\" } or { length = \"u16\", order = \"big\" }"})
    }
}
