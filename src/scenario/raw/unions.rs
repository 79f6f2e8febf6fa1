//! Values that may be written in more than one way. Small visitors, because serde's `untagged`
//! answers every mistake with "did not match any variant".

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// A table of text, in the order of the file.
#[derive(Clone, Debug, Default)]
pub(in crate::scenario) struct Pairs(pub(in crate::scenario) Vec<(String, String)>);

/// `headers = "minimal" | "browser" | { Name = "value" }`
#[derive(Clone, Debug)]
pub(in crate::scenario) enum Headers {
    /// What the protocol needs.
    Minimal,
    /// What a browser sends.
    Browser,
    /// These.
    Table(Pairs),
}

/// `channels = 10 | ["news", "sport"]`
#[derive(Clone, Debug)]
pub(in crate::scenario) enum ChannelsOf {
    /// So many.
    Count(u32),
    /// These.
    Names(Vec<String>),
}

/// `cursor = "none" | "etag" | { header = "...", into_query = "..." }`
#[derive(Clone, Debug)]
pub(in crate::scenario) enum Cursor {
    /// There is none.
    None,
    /// `ETag` and `Last-Modified`.
    Etag,
    /// One value.
    Table(CursorTable),
}

/// One value of an answer that the next request carries: exactly one source and one destination.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct CursorTable {
    /// Read from this response header.
    pub(in crate::scenario) header: Option<String>,
    /// Read from the JSON body by this pointer (RFC 6901).
    #[schemars(example = "/next")]
    pub(in crate::scenario) pointer: Option<String>,
    /// Read from the body: the first group of this regular expression.
    #[schemars(example = "id=([0-9]+)")]
    pub(in crate::scenario) regex: Option<String>,
    /// Read from a Server-Sent Event: `sse = "id"`.
    pub(in crate::scenario) sse: Option<SseField>,
    /// Read from this header of a multipart part.
    #[schemars(example = &"Etag")]
    pub(in crate::scenario) part_header: Option<String>,
    /// Sent in this request header.
    pub(in crate::scenario) into_header: Option<String>,
    /// Sent as this query parameter.
    #[schemars(example = &"since")]
    pub(in crate::scenario) into_query: Option<String>,
    /// Sent where the body of the `post` names `${cursor}`: `into_body = true`.
    pub(in crate::scenario) into_body: Option<bool>,
    /// Its value in the first request; left out there when this is left out.
    pub(in crate::scenario) initial: Option<String>,
}

/// A field of a Server-Sent Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::scenario) enum SseField {
    /// Its `id`.
    Id,
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Pairs, D::Error> {
        d.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of text")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Headers, D::Error> {
        d.deserialize_any(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"minimal\", \"browser\" or a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Headers, E> {
        match text {
            "minimal" => Ok(Headers::Minimal),
            "browser" => Ok(Headers::Browser),
            other => Err(E::unknown_variant(other, &["minimal", "browser"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Headers, A::Error> {
        PairsVisitor.visit_map(map).map(Headers::Table)
    }
}

impl<'de> Deserialize<'de> for ChannelsOf {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<ChannelsOf, D::Error> {
        d.deserialize_any(ChannelsVisitor)
    }
}

struct ChannelsVisitor;

impl<'de> Visitor<'de> for ChannelsVisitor {
    type Value = ChannelsOf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count or a list of names")
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<ChannelsOf, E> {
        u32::try_from(n).map(ChannelsOf::Count).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ChannelsOf, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = list.next_element()? {
            names.push(name);
        }
        Ok(ChannelsOf::Names(names))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Cursor, D::Error> {
        d.deserialize_any(CursorVisitor)
    }
}

struct CursorVisitor;

impl<'de> Visitor<'de> for CursorVisitor {
    type Value = Cursor;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"none\", \"etag\" or a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cursor, E> {
        match text {
            "none" => Ok(Cursor::None),
            "etag" => Ok(Cursor::Etag),
            other => Err(E::unknown_variant(other, &["none", "etag"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Cursor, A::Error> {
        CursorTable::deserialize(MapAccessDeserializer::new(map)).map(Cursor::Table)
    }
}

impl JsonSchema for Pairs {
    fn schema_name() -> Cow<'static, str> {
        "HeaderTable".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "additionalProperties": {"type": "string", "x-want": "a header's value as text"},
            "x-want": "a table of headers, such as { Origin = \"https://example.org\" }"})
    }
}

impl JsonSchema for Headers {
    fn schema_name() -> Cow<'static, str> {
        "Headers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = Pairs::json_schema(generator);
        json_schema!({"anyOf": [{"type": "string", "enum": ["minimal", "browser"]}, table],
            "x-want": "\"minimal\", \"browser\" or a table such as { Origin = \"https://example.org\" }"})
    }
}

impl JsonSchema for ChannelsOf {
    fn schema_name() -> Cow<'static, str> {
        "Channels".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 100_000},
                {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": r"^[A-Za-z0-9._~-]{1,128}$|\$\{env:",
                    "x-want": "a channel name of letters, digits and . _ ~ -"}}],
            "x-want": "how many (1 to 100000), or a list of names such as [\"news\", \"sport\"]"})
    }
}

impl JsonSchema for Cursor {
    fn schema_name() -> Cow<'static, str> {
        "Cursor".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = CursorTable::json_schema(generator);
        json_schema!({"anyOf": [{"type": "string", "enum": ["none", "etag"]}, table],
            "x-want": "\"none\", \"etag\" or a table such as { header = \"X-Next\", into_query = \"since\" }"})
    }
}
