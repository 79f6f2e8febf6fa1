//! `warmup`: a duration, or until the run is steady.

use super::Text;
use crate::model::Nanos;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// `warmup = "2s" | "auto" | { least = "2s", most = "30s" }`
#[derive(Clone, Debug)]
pub(in crate::scenario) enum Warmup {
    /// So long.
    Fixed(Text<Nanos>),
    /// Until it is steady.
    Auto(AutoWarmup),
}

/// Until the run is steady, within these bounds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct AutoWarmup {
    /// Not shorter than this. The test itself needs 8 whole seconds.
    #[schemars(extend("default" = "2s"))]
    pub(in crate::scenario) least: Option<Text<Nanos>>,
    /// Not longer than this: a run that is not steady by then is measured all the same, and suspect.
    #[schemars(extend("default" = "30s"))]
    pub(in crate::scenario) most: Option<Text<Nanos>>,
}

impl<'de> Deserialize<'de> for Warmup {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Warmup, D::Error> {
        d.deserialize_any(WarmupVisitor)
    }
}

struct WarmupVisitor;

impl<'de> Visitor<'de> for WarmupVisitor {
    type Value = Warmup;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration, \"auto\" or a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Warmup, E> {
        match text {
            "auto" => Ok(Warmup::Auto(AutoWarmup::default())),
            text => Text::deserialize(serde::de::value::StrDeserializer::new(text)).map(Warmup::Fixed),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Warmup, A::Error> {
        AutoWarmup::deserialize(MapAccessDeserializer::new(map)).map(Warmup::Auto)
    }
}

impl JsonSchema for Warmup {
    fn schema_name() -> Cow<'static, str> {
        "Warmup".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (fixed, auto) = (Text::<Nanos>::json_schema(generator), AutoWarmup::json_schema(generator));
        json_schema!({"anyOf": [fixed, {"type": "string", "enum": ["auto"]}, auto],
            "x-want": "a duration such as \"5s\", \"auto\", or a table such as { least = \"2s\", most = \"30s\" }"})
    }
}
