//! Values of a dialect that may be written in more than one way.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// One value, or a list of them.
#[derive(Clone, Debug, Default)]
pub(in crate::scenario) struct Many<T>(pub(in crate::scenario) Vec<T>);

struct ManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
    type Value = Many<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Many<T>, E> {
        T::deserialize(text.into_deserializer()).map(|one| Many(vec![one]))
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Many<T>, E> {
        T::deserialize(n.into_deserializer()).map(|one| Many(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Many<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Many)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Many<T>, D::Error> {
        d.deserialize_any(ManyVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Many_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = T::json_schema(generator);
        json_schema!({"anyOf": [one, {"type": "array", "minItems": 1, "items": one}],
            "x-want": "a text or a list of texts"})
    }
}

/// A text, a whole number or a truth value, as text.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Plain(pub(in crate::scenario) String);

struct PlainVisitor;

impl Visitor<'_> for PlainVisitor {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number, true or false")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Plain, E> {
        Ok(Plain(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Plain, E> {
        Ok(Plain(n.to_string()))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Plain, E> {
        Ok(Plain(truth.to_string()))
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Plain, D::Error> {
        d.deserialize_any(PlainVisitor)
    }
}

impl JsonSchema for Plain {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Plain".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}],
            "x-want": "a text, a whole number, true or false"})
    }
}

/// `set = { sid = { pointer = "/sid" }, n = "text" }`
#[derive(Clone, Debug, Default)]
pub(in crate::scenario) struct Sets(pub(in crate::scenario) Vec<(String, Source)>);

/// Where a variable's value comes from.
#[derive(Clone, Debug)]
pub(in crate::scenario) enum Source {
    /// A template.
    Text(String),
    /// A place in the unit.
    Table(SourceTable),
}

/// A place in a unit: exactly one of these.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct SourceTable {
    /// A JSON pointer (RFC 6901).
    #[schemars(example = "/sid")]
    pub(in crate::scenario) pointer: Option<String>,
    /// The first group of a regular expression.
    #[schemars(example = "sid=([a-z]+)")]
    pub(in crate::scenario) regex: Option<String>,
    /// A header of the answer.
    pub(in crate::scenario) header: Option<String>,
}

struct SetsVisitor;

impl<'de> Visitor<'de> for SetsVisitor {
    type Value = Sets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of variables")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sets, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Sets(pairs))
    }
}

impl<'de> Deserialize<'de> for Sets {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Sets, D::Error> {
        d.deserialize_map(SetsVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Source, E> {
        Ok(Source::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
        SourceTable::deserialize(MapAccessDeserializer::new(map)).map(Source::Table)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Source, D::Error> {
        d.deserialize_any(SourceVisitor)
    }
}

impl JsonSchema for Sets {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Sets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table: Value = SourceTable::json_schema(generator).to_value();
        json_schema!({"type": "object",
            "additionalProperties": {"anyOf": [{"type": "string"}, table],
                "x-want": "a text, or one of { pointer = \"/sid\" }, { regex = \"sid=([a-z]+)\" }, { header = \"X-Sid\" }"},
            "x-want": "a table of variables, such as { sid = { pointer = \"/sid\" } }"})
    }
}
