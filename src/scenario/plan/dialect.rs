//! A dialect as data: what a client says and understands on top of its carrier.

use super::{Method, Names, SplitSpec, Template};
use crate::model::Nanos;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that a dialect adds to a carrier.
#[derive(Clone, Debug, PartialEq)]
pub struct DialectSpec {
    /// The preset it came from, such as `socketio.websocket`.
    pub preset: Option<String>,
    /// All variables; templates name them by slot.
    pub names: Names,
    /// Worked out when a session begins, in order.
    pub vars: Vec<(u16, Template)>,
    /// What a session hands on to the next one of the same client.
    pub keep: Vec<u16>,
    /// A row for each client.
    pub rows: Option<Arc<Rows>>,
    /// What the carrier asks with.
    pub request: CarrierTexts,
    /// What is done first, in order.
    pub steps: Vec<StepSpec>,
    /// When it can receive.
    pub ready: ReadySpec,
    /// Where the units inside a message or an answer end.
    pub split: SplitSpec,
    /// Whether such a unit may lie over several messages.
    pub split_across: bool,
    /// In order; the first that matches is done.
    pub rules: Vec<RuleSpec>,
    /// How a `send` travels when the carrier cannot carry it.
    pub send_by: Option<RequestSpec>,
    /// What is sent while nothing else is.
    pub keepalive: Option<KeepaliveSpec>,
    /// Whether a unit that no rule knows is a failure.
    pub strict: bool,
    /// Whether the connection of the HTTP steps goes on to the carrier.
    pub same_connection: bool,
    /// MQTT over the carrier's messages.
    pub mqtt: Option<MqttSpec>,
}

/// The carrier's own texts, as templates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CarrierTexts {
    /// Path and query.
    pub path: Template,
    /// The body of a `POST`.
    pub body: Template,
    /// What `${cursor}` is before anything came.
    pub cursor: String,
    /// The first texts of a WebSocket.
    pub send: Vec<Template>,
    /// Whether what is sent goes in binary frames.
    pub binary: bool,
    /// Header values, where the case has a table of them.
    pub headers: Option<Vec<(String, Template)>>,
}

/// A CSV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// From its first line.
    pub columns: Vec<String>,
    /// Client `i` has row `i` modulo their number; at least one.
    pub rows: Vec<Vec<String>>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepSpec {
    /// What is done.
    pub action: StepAction,
    /// What must come: in the answer, or (of a `send`) as a unit.
    pub expect: Option<MatchSpec>,
    /// What is kept of it.
    pub set: Vec<SetSpec>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum StepAction {
    /// An HTTP request.
    Http(RequestSpec),
    /// These are sent.
    Send(Vec<Template>),
    /// Nothing: it waits for what is expected.
    Wait,
}

/// An HTTP request of a dialect.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestSpec {
    /// `GET` or `POST`.
    pub method: Method,
    /// Path and query.
    pub path: Template,
    /// Its body.
    pub body: Template,
    /// More headers.
    pub headers: Vec<(String, Template)>,
    /// Statuses that are good; empty: 200 to 299.
    pub status: Vec<u16>,
}

/// When a session counts as subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadySpec {
    /// As soon as it is open.
    Open,
    /// After the last step.
    Steps,
    /// When a rule says so.
    Rule,
    /// So long after the last step: the target never says.
    Settle(Nanos),
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSpec {
    /// What it knows.
    pub on: MatchSpec,
    /// What is kept.
    pub set: Vec<SetSpec>,
    /// What is sent.
    pub send: Vec<Template>,
    /// What else is done, in order.
    pub then: Vec<Then>,
}

/// What a rule matches; everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchSpec {
    /// It begins so.
    pub prefix: Option<String>,
    /// It is exactly this.
    pub equals: Option<String>,
    /// The expression is found in it.
    pub regex: Option<String>,
    /// A JSON pointer leads somewhere in it.
    pub pointer: Option<String>,
    /// A header of its answer is there.
    pub header: Option<String>,
    /// What is found at `pointer`, or in `header`, is this.
    pub is: Option<String>,
    /// The name of a Server-Sent Event.
    pub event: Option<String>,
    /// The status of an answer.
    pub status: Vec<u16>,
    /// The code of a WebSocket's close frame.
    pub close: Option<u16>,
    /// The session has ended.
    pub end: bool,
    /// It holds a stamp of this run.
    pub stamped: bool,
}

/// A variable and where its value comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct SetSpec {
    /// Its slot.
    pub slot: u16,
    /// Where the value comes from.
    pub from: SetFrom,
}

/// Where a variable's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum SetFrom {
    /// A text or a number of a JSON document (RFC 6901).
    Pointer(String),
    /// The first group of a regular expression.
    Regex(String),
    /// A header of the answer.
    Header(String),
    /// A template.
    Template(Template),
}

/// What a rule does beside setting and sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// The session can receive from now on.
    Ready,
    /// The unit is a message.
    Deliver,
    /// The unit says that there is nothing new.
    Empty,
    /// The unit answers our keep-alive.
    Pong,
    /// The target no longer knows the session: what came between is gone.
    ResumeLost,
    /// The session is left in due form.
    Close,
    /// The session is ended and opened again at once.
    Again,
    /// The session has failed, for this reason.
    Fail(String),
}

impl Then {
    /// The words of all that take none of their own.
    pub const WORDS: &'static [(&'static str, Then)] = &[
        ("ready", Then::Ready),
        ("deliver", Then::Deliver),
        ("empty", Then::Empty),
        ("pong", Then::Pong),
        ("resume_lost", Then::ResumeLost),
        ("close", Then::Close),
        ("again", Then::Again),
    ];

    /// As it is written.
    pub fn word(&self) -> String {
        match self {
            Then::Fail(why) => format!("fail({why})"),
            other => Then::WORDS.iter().find(|(_, t)| t == other).map_or("", |(w, _)| w).to_owned(),
        }
    }
}

/// `keepalive = { every = "${ping} ms", send = "2", timeout = "20 s" }`
#[derive(Clone, Debug, PartialEq)]
pub struct KeepaliveSpec {
    /// The period, a duration once its variables are filled in.
    pub every: Option<Template>,
    /// What is sent.
    pub send: Option<Template>,
    /// The peer counts as dead when no answer has come so long after the send; without `every`: when
    /// nothing at all has come for so long.
    pub timeout: Option<Template>,
}

/// `mqtt = { topic = "${channel}" }`: MQTT 3.1.1 (OASIS, 2014).
#[derive(Clone, Debug, PartialEq)]
pub struct MqttSpec {
    /// The topic filter subscribed to.
    pub topic: Template,
    /// 0 or 1.
    pub qos: u8,
    /// The client identifier.
    pub client_id: Template,
    /// The keep-alive told to the server; pings go out at half of it. Zero: none.
    pub keepalive: Nanos,
    /// User name.
    pub username: Option<Template>,
    /// Password.
    pub password: Option<Template>,
}

impl DialectSpec {
    /// Words about it for the manifest: no values, which may be secret.
    pub fn summary(&self) -> BTreeMap<&'static str, String> {
        let ready = match self.ready {
            ReadySpec::Open => "open".to_owned(),
            ReadySpec::Steps => "steps".to_owned(),
            ReadySpec::Rule => "rule".to_owned(),
            ReadySpec::Settle(d) => format!("{d}"),
        };
        BTreeMap::from([
            ("preset", self.preset.clone().unwrap_or_default()),
            ("steps", self.steps.len().to_string()),
            ("rules", self.rules.len().to_string()),
            ("ready", ready),
            ("strict", self.strict.to_string()),
            ("mqtt", self.mqtt.is_some().to_string()),
        ])
    }
}
