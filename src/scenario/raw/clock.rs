//! `clock = "wall" | "monotonic" | { get = "/clock" }`: whose clock a message's time was read from.

use super::Unit;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// The clock of a time.
#[derive(Clone, Debug)]
pub(in crate::scenario) enum TimeClock {
    /// Wall-clock time, from 1970.
    Wall,
    /// `CLOCK_MONOTONIC`.
    Monotonic,
    /// One that can be asked.
    Asked(ClockTable),
}

/// `{ get = "/clock", received = "/received_ns", sent = "/sent_ns", unit = "ns" }`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct ClockTable {
    /// What to GET: a path of the target, or a whole `http://` address. Answers JSON with what that
    /// clock said when it received the question, and when it answered.
    #[schemars(required, example = "/clock", extend("x-want" = "a path such as \"/clock\", or an address such as \"http://10.0.0.5:9000/clock\""))]
    pub(in crate::scenario) get: Option<String>,
    /// JSON pointer (RFC 6901) to when it received the question. Left out: `/received_ns`; with `sent`
    /// alone the same as that: a clock that tells one instant.
    #[schemars(example = "/received_ns")]
    pub(in crate::scenario) received: Option<String>,
    /// JSON pointer (RFC 6901) to when it answered. Left out: `/sent_ns`; with `received` alone the same
    /// as that.
    #[schemars(example = "/sent_ns")]
    pub(in crate::scenario) sent: Option<String>,
    /// How both are written.
    #[schemars(extend("default" = "ns"))]
    pub(in crate::scenario) unit: Option<Unit>,
}

impl<'de> Deserialize<'de> for TimeClock {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<TimeClock, D::Error> {
        d.deserialize_any(ClockVisitor)
    }
}

struct ClockVisitor;

impl<'de> Visitor<'de> for ClockVisitor {
    type Value = TimeClock;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"wall\", \"monotonic\" or a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TimeClock, E> {
        match text {
            "wall" => Ok(TimeClock::Wall),
            "monotonic" => Ok(TimeClock::Monotonic),
            other => Err(E::unknown_variant(other, &["wall", "monotonic"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TimeClock, A::Error> {
        ClockTable::deserialize(MapAccessDeserializer::new(map)).map(TimeClock::Asked)
    }
}

impl JsonSchema for TimeClock {
    fn schema_name() -> Cow<'static, str> {
        "TimeClock".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = ClockTable::json_schema(generator);
        json_schema!({"anyOf": [{"type": "string", "enum": ["wall", "monotonic"]}, table],
            "x-want": "\"wall\", \"monotonic\" or a table such as { get = \"/clock\" }"})
    }
}
