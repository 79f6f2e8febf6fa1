//! How clients attach: the carriers with their options.

use crate::model::Nanos;

/// How the clients of a case attach, with that carrier's options.
#[derive(Clone, Debug, PartialEq)]
pub enum CarrierSpec {
    /// Ask at an interval.
    Poll(PollSpec),
    /// Ask, be held until there is something, ask again.
    LongPoll(LongPollSpec),
    /// An endless HTTP response.
    Stream(StreamSpec),
    /// RFC 6455.
    WebSocket(WebSocketSpec),
}

impl CarrierSpec {
    /// The key in scenario files and results.
    pub fn key(&self) -> &'static str {
        match self {
            CarrierSpec::Poll(_) => "poll",
            CarrierSpec::LongPoll(_) => "long_poll",
            CarrierSpec::Stream(s) => s.kind.key(),
            CarrierSpec::WebSocket(_) => "websocket",
        }
    }

    /// Path and query of the first request, with templates.
    pub fn path(&self) -> &str {
        match self {
            CarrierSpec::Poll(p) => &p.pull.path,
            CarrierSpec::LongPoll(p) => &p.pull.path,
            CarrierSpec::Stream(s) => &s.path,
            CarrierSpec::WebSocket(w) => &w.path,
        }
    }

    /// Its cursor; `None`: it can have none.
    pub fn cursor(&self) -> Option<&CursorSpec> {
        match self {
            CarrierSpec::Poll(p) => Some(&p.pull.cursor),
            CarrierSpec::LongPoll(p) => Some(&p.pull.cursor),
            CarrierSpec::Stream(s) => Some(&s.cursor),
            CarrierSpec::WebSocket(_) => None,
        }
    }

    /// Whether its connection may carry other requests as well.
    pub fn keeps_alive(&self) -> bool {
        match self {
            CarrierSpec::Poll(p) => p.pull.keep_alive,
            CarrierSpec::LongPoll(p) => p.pull.keep_alive,
            CarrierSpec::Stream(_) | CarrierSpec::WebSocket(_) => true,
        }
    }

    /// The body of its requests, with templates.
    pub fn body(&self) -> &str {
        match self {
            CarrierSpec::Poll(p) => &p.pull.body,
            CarrierSpec::LongPoll(p) => &p.pull.body,
            CarrierSpec::Stream(s) => &s.body,
            CarrierSpec::WebSocket(_) => "",
        }
    }

    /// How many messages a healthy answer may skip: true for polling an endpoint that only ever
    /// tells its latest value, where what was overwritten is conflated, not lost.
    pub fn conflates(&self) -> bool {
        matches!(self, CarrierSpec::Poll(p) if p.latest_value)
    }
}

/// The pull request and how its answers are read.
#[derive(Clone, Debug, PartialEq)]
pub struct PullSpec {
    /// `GET` or `POST`.
    pub method: Method,
    /// The body of a `POST`, with templates.
    pub body: String,
    /// Path and query, with `${channel}`, `${client}`.
    pub path: String,
    /// Statuses whose body holds messages.
    pub status: Vec<u16>,
    /// Statuses that say "nothing new".
    pub empty: Vec<u16>,
    /// How the next request tells what this client already has.
    pub cursor: CursorSpec,
    /// Whether a connection carries more than one request.
    pub keep_alive: bool,
}

/// `poll = { get = "...", every = "1s" }`
#[derive(Clone, Debug, PartialEq)]
pub struct PollSpec {
    /// The request.
    pub pull: PullSpec,
    /// The period.
    pub every: Nanos,
    /// Period from the schedule (fixed rate) or from the last answer (fixed delay).
    pub fixed_rate: bool,
    /// The endpoint tells its latest value only.
    pub latest_value: bool,
}

/// `long_poll = { get = "..." }`
#[derive(Clone, Debug, PartialEq)]
pub struct LongPollSpec {
    /// The request.
    pub pull: PullSpec,
    /// Subscribed so long after the first request was sent, though nothing was answered.
    pub settle: Nanos,
}

/// The method of a request that receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    #[default]
    Get,
    /// `POST`.
    Post,
}

impl Method {
    /// As it stands in a request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// `stream`, `sse`, `forever_iframe`, `chunked`, `multipart`: an endless response.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSpec {
    /// Under which name.
    pub kind: StreamKind,
    /// `GET` or `POST`.
    pub method: Method,
    /// Path and query, with templates.
    pub path: String,
    /// The body of a `POST`, with templates.
    pub body: String,
    /// Where a message ends.
    pub split: SplitSpec,
    /// Statuses whose body is the stream.
    pub status: Vec<u16>,
    /// How the request of the next session tells what this client already has.
    pub cursor: CursorSpec,
    /// A response is ended by us, and opened again, after so long; `None`: never.
    pub most_duration: Option<Nanos>,
    /// The same after so many data units.
    pub most_events: Option<u64>,
    /// The same after so many bytes of body.
    pub most_bytes: Option<u64>,
    /// Largest unit taken, bytes.
    pub max_message_bytes: u32,
}

/// The names under which an endless response is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// Any, with the splitter that the scenario names.
    Stream,
    /// Server-Sent Events.
    Sse,
    /// Script tags in an endless page.
    ForeverIframe,
    /// HTTP chunks.
    Chunked,
    /// `multipart/mixed` and its kin.
    Multipart,
}

impl StreamKind {
    /// The key in scenario files and results.
    pub fn key(self) -> &'static str {
        match self {
            StreamKind::Stream => "stream",
            StreamKind::Sse => "sse",
            StreamKind::ForeverIframe => "forever_iframe",
            StreamKind::Chunked => "chunked",
            StreamKind::Multipart => "multipart",
        }
    }
}

/// Where a message ends inside a body, an answer or a sequence of frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitSpec {
    /// All of it is one.
    Whole,
    /// Each HTTP chunk.
    Chunk,
    /// These bytes end one; never empty.
    Delimiter(Vec<u8>),
    /// Server-Sent Events (HTML standard, section 9.2).
    Sse,
    /// `multipart/*` (RFC 2046), boundary from the `Content-Type`.
    Multipart,
    /// A length in front of each.
    Length(LengthPrefix),
    /// `<script>...</script>`.
    Script,
    /// The elements of one JSON array.
    JsonArray,
    /// JSON values one behind the other.
    JsonConcat,
}

impl SplitSpec {
    /// The key in scenario files.
    pub fn key(&self) -> &'static str {
        match self {
            SplitSpec::Whole => "whole",
            SplitSpec::Chunk => "chunk",
            SplitSpec::Delimiter(bytes) if bytes == b"\n" => "newline",
            SplitSpec::Delimiter(_) => "delimiter",
            SplitSpec::Sse => "sse",
            SplitSpec::Multipart => "multipart",
            SplitSpec::Length(_) => "length",
            SplitSpec::Script => "script",
            SplitSpec::JsonArray => "json-array",
            SplitSpec::JsonConcat => "json-concat",
        }
    }
}

/// A length in front of a message; it does not count itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthPrefix {
    /// One byte.
    U8,
    /// Two bytes, big or little endian.
    U16 {
        /// Whether the least byte comes first.
        little: bool,
    },
    /// Four bytes, big or little endian.
    U32 {
        /// Whether the least byte comes first.
        little: bool,
    },
    /// Seven bits a byte, least first, as protobuf has it; at most five bytes.
    Varint,
}

/// `websocket = { path = "..." }`
#[derive(Clone, Debug, PartialEq)]
pub struct WebSocketSpec {
    /// Path and query, with `${channel}`, `${client}`.
    pub path: String,
    /// Subprotocols offered.
    pub subprotocols: Vec<String>,
    /// Text messages sent once the session is open, with `${channel}`, `${client}`.
    pub send: Vec<String>,
    /// Largest message taken, bytes (after inflating).
    pub max_message_bytes: u32,
    /// Whether the first texts are sent as binary frames.
    pub binary: bool,
    /// `permessage-deflate` (RFC 7692), when it is offered.
    pub deflate: Option<DeflateSpec>,
    /// Our own pings; `None`: none.
    pub ping: Option<PingSpec>,
    /// The peer counts as dead after so long without a byte; `None`: never.
    pub dead_after: Option<Nanos>,
}

/// What is offered of `permessage-deflate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateSpec {
    /// Whether the server is asked to forget its window after each message
    /// (`server_no_context_takeover`).
    pub no_context_takeover: bool,
}

/// WebSocket pings that we send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingSpec {
    /// The period.
    pub every: Nanos,
    /// The peer counts as dead when the pong has not come by then.
    pub timeout: Nanos,
}

/// Where a cursor is found in an answer and where it goes in the next request.
#[derive(Clone, Debug, PartialEq)]
pub enum CursorSpec {
    /// There is none.
    None,
    /// `ETag` -> `If-None-Match` and `Last-Modified` -> `If-Modified-Since` (RFC 9110).
    Etag,
    /// One value.
    Value {
        /// Where it is read.
        from: CursorFrom,
        /// Where it goes.
        into: CursorInto,
        /// Its value in the first request; `None`: left out there.
        initial: Option<String>,
    },
}

impl CursorSpec {
    /// Its value in the first request, if there is one.
    pub fn initial(&self) -> Option<&str> {
        match self {
            CursorSpec::Value { initial, .. } => initial.as_deref(),
            CursorSpec::None | CursorSpec::Etag => None,
        }
    }
}

/// Where a cursor is read.
#[derive(Clone, Debug, PartialEq)]
pub enum CursorFrom {
    /// A response header, name in any case.
    Header(String),
    /// A JSON pointer into the body (RFC 6901).
    Pointer(String),
    /// The first group of a regular expression over the body.
    Regex(String),
    /// The `id` of a Server-Sent Event.
    SseId,
    /// A header of a multipart part, name in any case.
    PartHeader(String),
}

/// Where a cursor goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorInto {
    /// A request header.
    Header(String),
    /// A query parameter.
    Query(String),
    /// Where the body of a `POST` names `${cursor}`.
    Body,
}
