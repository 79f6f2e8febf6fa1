//! `reconnect`, `stay`, `away`, `life`: how long clients stay, and what they do when a session ends
//! though it was to stay.

use super::Text;
use crate::model::Nanos;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// How the lengths of stays and absences are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Life {
    /// Exponentially around the mean that is written.
    Exponential,
    /// Exactly as written.
    Fixed,
}

/// How the pauses before attempts grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Policy {
    /// Never comes back.
    None,
    /// Always the same pause.
    Fixed,
    /// Each pause longer than the one before, give or take some jitter.
    Exponential,
    /// Anything between nothing and a bound that grows.
    FullJitter,
}

impl Policy {
    /// As it stands in a file.
    pub(in crate::scenario) const WORDS: [(&'static str, Policy); 4] = [
        ("none", Policy::None),
        ("fixed", Policy::Fixed),
        ("exponential", Policy::Exponential),
        ("full-jitter", Policy::FullJitter),
    ];
}

/// `reconnect = "exponential" | { policy = "exponential", interval = "1s", ... }`
#[derive(Clone, Debug, Default)]
pub(in crate::scenario) struct Reconnect(pub(in crate::scenario) ReconnectTable);

/// A reconnect policy with its parameters, as browser libraries name them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct ReconnectTable {
    /// How pauses grow.
    #[schemars(extend("default" = "exponential"))]
    pub(in crate::scenario) policy: Option<Policy>,
    /// The first pause; with "full-jitter" the first bound.
    #[schemars(extend("default" = "1s"))]
    pub(in crate::scenario) interval: Option<Text<Nanos>>,
    /// The longest pause; with "full-jitter" the highest bound.
    #[schemars(extend("default" = "30s"))]
    pub(in crate::scenario) max: Option<Text<Nanos>>,
    /// The factor from one pause to the next. Default: 1.5, with "full-jitter" 2.
    #[schemars(range(min = 1.0, max = 1000.0))]
    pub(in crate::scenario) decay: Option<f64>,
    /// With "exponential": the share by which a pause may be shorter or longer.
    #[schemars(range(min = 0.0, max = 1.0), extend("default" = 0.5))]
    pub(in crate::scenario) jitter: Option<f64>,
    /// Attempts in a row before the client gives up. Left out: it never does.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(in crate::scenario) attempts: Option<u32>,
    /// Limit of one attempt. Left out: `load.connect_timeout`.
    pub(in crate::scenario) timeout: Option<Text<Nanos>>,
    /// Whether `Retry-After` and the SSE field `retry` are honoured: the longer pause is taken.
    #[schemars(extend("default" = true))]
    pub(in crate::scenario) honour_server: Option<bool>,
}

impl<'de> Deserialize<'de> for Reconnect {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Reconnect, D::Error> {
        d.deserialize_any(ReconnectVisitor)
    }
}

struct ReconnectVisitor;

impl<'de> Visitor<'de> for ReconnectVisitor {
    type Value = Reconnect;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"none\", \"fixed\", \"exponential\", \"full-jitter\" or a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Reconnect, E> {
        let found = Policy::WORDS.iter().find(|(word, _)| *word == text);
        let policy = found.map(|(_, policy)| *policy);
        let policy = policy
            .ok_or_else(|| E::unknown_variant(text, &["none", "fixed", "exponential", "full-jitter"]))?;
        Ok(Reconnect(ReconnectTable { policy: Some(policy), ..ReconnectTable::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Reconnect, A::Error> {
        ReconnectTable::deserialize(MapAccessDeserializer::new(map)).map(Reconnect)
    }
}

impl JsonSchema for Reconnect {
    fn schema_name() -> Cow<'static, str> {
        "Reconnect".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = ReconnectTable::json_schema(generator);
        let words: Vec<&str> = Policy::WORDS.iter().map(|(word, _)| *word).collect();
        json_schema!({"anyOf": [{"type": "string", "enum": words}, table],
            "x-want": "\"none\", \"fixed\", \"exponential\", \"full-jitter\" or a table such as { policy = \"exponential\", interval = \"1s\", attempts = 10 }"})
    }
}
