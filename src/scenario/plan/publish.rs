//! The feed: who publishes what, how often, and how.

use super::{Base, TargetClock, WebSocketSpec};

/// The feed: what all ways of publishing share, and the way.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishPlan {
    /// How messages get to the target.
    pub via: PublishVia,
    /// Messages a second on each channel (`echo`: of each client); 0 where the target publishes by
    /// itself.
    pub rate_per_s: f64,
    /// How due times are spaced.
    pub arrivals: Arrivals,
    /// Bytes of a message, at least `Stamp::LEN`; 0 where the target publishes by itself.
    pub payload_bytes: u32,
}

impl PublishPlan {
    /// Most connections that publish at a time, all workers together.
    pub fn connections(&self) -> u32 {
        match &self.via {
            PublishVia::Http(http) => http.connections,
            PublishVia::InBand(in_band) => in_band.connections,
            PublishVia::Echo(_) | PublishVia::Exec(_) | PublishVia::Target(_) => 0,
        }
    }

    /// Where the messages go when that is not the target's base.
    pub fn base(&self) -> Option<&Base> {
        if let PublishVia::Http(http) = &self.via { http.base.as_ref() } else { None }
    }

    /// What the target publishes by itself, when it does.
    pub fn by_target(&self) -> Option<&TargetFeed> {
        if let PublishVia::Target(feed) = &self.via { Some(feed) } else { None }
    }

    /// Whether each client is a channel of its own: it gets its own messages and nobody else's.
    pub fn is_echo(&self) -> bool {
        matches!(self.via, PublishVia::Echo(_))
    }
}

/// How messages get to the target.
#[derive(Clone, Debug, PartialEq)]
pub enum PublishVia {
    /// By requests to its own publish endpoint.
    Http(HttpPublish),
    /// As messages over WebSockets of publishers.
    InBand(InBandPublish),
    /// Each client sends its own over its own session and gets them back.
    Echo(EchoPublish),
    /// A program of the user's is given them, and publishes them.
    Exec(ExecPublish),
    /// Not by us: the target publishes by itself.
    Target(TargetFeed),
}

impl PublishVia {
    /// The key in scenario files and results.
    pub fn key(&self) -> &'static str {
        match self {
            PublishVia::Http(_) => "http",
            PublishVia::InBand(_) => "in_band",
            PublishVia::Echo(_) => "echo",
            PublishVia::Exec(_) => "exec",
            PublishVia::Target(_) => "none",
        }
    }
}

/// `http = { post = "/pub/${channel}" }`
#[derive(Clone, Debug, PartialEq)]
pub struct HttpPublish {
    /// The publish endpoint, with `${channel}`.
    pub path: String,
    /// Where it is, when not at the target's base.
    pub base: Option<Base>,
    /// Request method: `POST` or `PUT`.
    pub method: String,
    /// Statuses that say "published".
    pub status: Vec<u16>,
    /// More headers, each `Name: value`, with `${channel}` in values.
    pub headers: Vec<(String, String)>,
    /// The body of the request.
    pub body: MessageTemplate,
    /// Where the answer tells how many received the message, if it does.
    pub receivers: Option<ReceiversFrom>,
    /// Most publishing connections at a time, all workers together; a message that is due while
    /// all await their answers is dropped and counted as `publish_backlog`.
    pub connections: u32,
}

/// `in_band = { websocket = { path = "/ws" }, send = "..." }`
#[derive(Clone, Debug, PartialEq)]
pub struct InBandPublish {
    /// How publishers attach; its path and first texts may hold `${channel}`: then each channel has a
    /// connection of its own.
    pub websocket: WebSocketSpec,
    /// The message.
    pub send: MessageTemplate,
    /// Whether it goes as a binary message.
    pub binary: bool,
    /// Connections, all workers together; a channel keeps to one, so that its messages stay in order.
    pub connections: u32,
}

impl InBandPublish {
    /// Whether each channel needs a connection of its own.
    pub fn names_channel(&self) -> bool {
        let names = |text: &String| text.contains("${channel}");
        names(&self.websocket.path) || self.websocket.send.iter().any(names)
    }
}

/// `echo = { send = "..." }`
#[derive(Clone, Debug, PartialEq)]
pub struct EchoPublish {
    /// The message.
    pub send: MessageTemplate,
    /// Whether it goes as a binary message.
    pub binary: bool,
}

/// `exec = "./my-publisher"`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecPublish {
    /// The shell command, run in the scenario file's folder.
    pub command: String,
}

/// `none = { sequence = { .. }, time = { .. } }`: what the messages of a target that publishes by
/// itself tell about themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetFeed {
    /// Where each message tells its number.
    pub sequence: Option<ValueFrom>,
    /// Where each message tells when it was published.
    pub time: Option<TimeFrom>,
}

/// A message, cut once into what stays the same and what does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTemplate(pub Vec<MessagePiece>);

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessagePiece {
    /// The same in all.
    Text(String),
    /// The stamped payload; exactly one in a message.
    Payload,
    /// The channel's name.
    Channel,
    /// The number of the message on its channel, from 0.
    Sequence,
}

impl MessageTemplate {
    /// The payload as it is.
    pub fn plain() -> MessageTemplate {
        MessageTemplate(vec![MessagePiece::Payload])
    }

    /// Whether it tells the channel.
    pub fn names_channel(&self) -> bool {
        self.0.contains(&MessagePiece::Channel)
    }
}

/// Where the answer to a publish tells how many received the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiversFrom {
    /// A JSON pointer into the body (RFC 6901), to a number.
    Pointer(String),
    /// The first group of a regular expression over the body.
    Regex(String),
    /// A response header, name in any case.
    Header(String),
}

/// Where a message tells a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueFrom {
    /// A JSON pointer (RFC 6901), to a number or a text.
    Pointer(String),
    /// The first group of a regular expression.
    Regex(String),
    /// Text at a fixed place.
    At {
        /// Its first byte, from 0.
        offset: usize,
        /// Its bytes; spaces around the value are passed over.
        length: usize,
    },
}

/// When a message was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFrom {
    /// Where it is told.
    pub from: ValueFrom,
    /// How it is written.
    pub unit: TimeUnit,
    /// Which clock it was read from.
    pub clock: TargetClock,
}

/// How a time is written. Numbers may have a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
    /// A date and time of RFC 3339, such as `2026-01-31T12:00:00.123Z`.
    Iso,
}

impl TimeUnit {
    /// The word in scenario files.
    pub fn key(self) -> &'static str {
        match self {
            TimeUnit::Seconds => "s",
            TimeUnit::Millis => "ms",
            TimeUnit::Micros => "us",
            TimeUnit::Nanos => "ns",
            TimeUnit::Iso => "iso",
        }
    }
}

/// How due times are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly, each channel with a phase of its own.
    Constant,
    /// As a Poisson process.
    Poisson,
}
