//! The keys of a dialect, on a case or on a kind of a preset.

use super::{Case, Many, Pairs, Plain, Sets, Text};
use crate::model::Nanos;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A preset: how clients of one kind of server attach, for scenarios to name.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct PresetFile {
    /// What it speaks to, such as "Socket.IO 4".
    #[schemars(required, length(min = 1), example = "Socket.IO 4")]
    pub(in crate::scenario) title: Option<String>,
    /// What one should know before using it.
    pub(in crate::scenario) about: Option<String>,
    /// The server and version that it was proven against.
    #[schemars(length(min = 1), example = "socket.io 4.8.4")]
    pub(in crate::scenario) proven: Option<String>,
    /// The document it was written from, when it was not proven.
    #[schemars(length(min = 1))]
    pub(in crate::scenario) specification: Option<String>,
    /// Variables of all kinds, for a case to override.
    pub(in crate::scenario) vars: Option<Pairs>,
    /// The kinds, each written like a case.
    #[schemars(required, extend("x-want" = "at least one [kind.NAME], written like a case"))]
    pub(in crate::scenario) kind: Option<BTreeMap<String, Kind>>,
}

/// A kind of a preset: written like a case, without a name and without groups.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(in crate::scenario) struct Kind(pub(in crate::scenario) Case);

impl JsonSchema for Kind {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Case::json_schema(generator);
        for key in ["name", "group", "weight", "preset"] {
            if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
                properties.shift_remove(key);
            }
        }
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|key| key != "name");
        }
        schema
    }
}

/// A step: one of get, post, send, or expect alone.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Step {
    /// Ask with GET.
    #[schemars(example = "/token")]
    pub(in crate::scenario) get: Option<String>,
    /// Ask with POST.
    #[schemars(example = "/login")]
    pub(in crate::scenario) post: Option<String>,
    /// The body of a POST.
    pub(in crate::scenario) body: Option<String>,
    /// More headers of the request.
    pub(in crate::scenario) headers: Option<Pairs>,
    /// Statuses that are good. Default: 200 to 299.
    #[schemars(extend("x-want" = "a status or a list of them, such as [200, 204]"))]
    pub(in crate::scenario) status: Option<Many<u16>>,
    /// Send this over the session: a text, or a list.
    pub(in crate::scenario) send: Option<Many<String>>,
    /// What must come: in the answer, or as a unit.
    pub(in crate::scenario) expect: Option<On>,
    /// Variables to take from it.
    pub(in crate::scenario) set: Option<Sets>,
}

/// A rule: what it knows, and what is done then.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Rule {
    /// What it matches; everything given must hold.
    #[schemars(required, extend("x-want" = "a table such as on = { prefix = \"0{\" }"))]
    pub(in crate::scenario) on: Option<On>,
    /// Variables to take from the unit.
    pub(in crate::scenario) set: Option<Sets>,
    /// What is sent: a text, or a list.
    pub(in crate::scenario) send: Option<Many<String>>,
    /// What else is done: ready, deliver, empty, pong, resume_lost, close, again, fail(text); one, or a list.
    #[schemars(extend("x-want" = "one of ready, deliver, empty, pong, resume_lost, close, again, fail(text), or a list of them"))]
    pub(in crate::scenario) then: Option<Many<String>>,
}

/// What is matched; everything given must hold.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct On {
    /// The unit begins so.
    #[schemars(example = "0{")]
    pub(in crate::scenario) prefix: Option<String>,
    /// The unit is exactly this.
    pub(in crate::scenario) equals: Option<String>,
    /// This regular expression is found in the unit.
    pub(in crate::scenario) regex: Option<String>,
    /// This JSON pointer leads somewhere in the unit (and to `is`, when that is given).
    #[schemars(example = "/type")]
    pub(in crate::scenario) pointer: Option<String>,
    /// The answer has this header (with the value `is`, when that is given).
    pub(in crate::scenario) header: Option<String>,
    /// The value at `pointer`, or of `header`.
    pub(in crate::scenario) is: Option<Plain>,
    /// The name of a Server-Sent Event.
    pub(in crate::scenario) event: Option<String>,
    /// The status of the answer.
    #[schemars(extend("x-want" = "a status or a list of them, such as [400, 410]"))]
    pub(in crate::scenario) status: Option<Many<u16>>,
    /// The session was closed with this code of a WebSocket.
    #[schemars(range(min = 1000, max = 4999))]
    pub(in crate::scenario) close: Option<u16>,
    /// The session has ended, however it did.
    pub(in crate::scenario) end: Option<bool>,
    /// The unit holds a message of this run; such units skip all rules but those with this word.
    pub(in crate::scenario) stamped: Option<bool>,
    /// Whatever it is.
    pub(in crate::scenario) any: Option<bool>,
}

/// How a `send` travels over HTTP.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct SendBy {
    /// Path and query of the POST.
    #[schemars(required, example = "/xhr_send")]
    pub(in crate::scenario) post: Option<String>,
    /// Its body; `${text}` is what is to be sent. Default: that alone.
    #[schemars(example = "[${json(text)}]")]
    pub(in crate::scenario) body: Option<String>,
    /// More headers.
    pub(in crate::scenario) headers: Option<Pairs>,
    /// Statuses that are good. Default: 200 to 299.
    #[schemars(extend("x-want" = "a status or a list of them, such as [200, 204]"))]
    pub(in crate::scenario) status: Option<Many<u16>>,
}

/// `keepalive = { every = "25 s", send = "2", timeout = "20 s" }`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Keepalive {
    /// The period: a duration, which may hold variables.
    #[schemars(example = "${ping} ms")]
    pub(in crate::scenario) every: Option<String>,
    /// What is sent then.
    pub(in crate::scenario) send: Option<String>,
    /// The peer counts as dead when no answer has come so long after that; without `every`, when
    /// nothing has come for so long.
    #[schemars(example = "20 s")]
    pub(in crate::scenario) timeout: Option<String>,
}

/// `mqtt = { topic = "${channel}" }`: MQTT 3.1.1 over a WebSocket.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Mqtt {
    /// The topic filter to subscribe to.
    #[schemars(required, example = "${channel}")]
    pub(in crate::scenario) topic: Option<String>,
    /// Quality of service asked for.
    #[schemars(range(max = 1), extend("default" = 0))]
    pub(in crate::scenario) qos: Option<u8>,
    /// The client identifier.
    #[schemars(extend("default" = "pb${client}"))]
    pub(in crate::scenario) client_id: Option<String>,
    /// The keep-alive told to the server.
    #[schemars(extend("default" = "60s"))]
    pub(in crate::scenario) keepalive: Option<Text<Nanos>>,
    /// User name.
    pub(in crate::scenario) username: Option<String>,
    /// Password.
    pub(in crate::scenario) password: Option<String>,
}
