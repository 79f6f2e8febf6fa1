//! `stream` and its kin to a carrier; what they share with pulling: the request, and a largest message.

use super::case::{check_names, check_path};
use super::{Report, cursor, nonzero};
use crate::model::Nanos;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Bytes, Case, Cursor, Endless, Order, Prefix, Split, SplitTable, Stream, Text};
use crate::scenario::{
    CarrierSpec, CursorFrom, CursorInto, CursorSpec, LengthPrefix, Method, SplitSpec, StreamKind, StreamSpec,
    template,
};

/// Largest `max_message`: what one client may hold of one message.
const LARGEST_MESSAGE: u64 = 1 << 30;

/// A request: its method, path and body, and where its template stands.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: String,
    pub(super) template_at: KeyPath,
}

/// Exactly one of `get` and `post`; a body only with the latter.
pub(super) fn request(
    get: Option<&str>,
    post: Option<&str>,
    body: Option<&str>,
    at: &KeyPath,
    r: &mut Report<'_>,
) -> Request {
    let (method, key) = if post.is_some() { (Method::Post, "post") } else { (Method::Get, "get") };
    let broken = ["get", "post"].iter().any(|key| r.is_broken(&at.key(key)));
    if get.is_some() == post.is_some() && !broken {
        let has = if get.is_some() { "both `get` and `post`" } else { "neither `get` nor `post`" };
        let help = "such as get = \"/feed/${channel}\"".to_owned();
        r.wrong(&at.key(key), format!("`{at}` has {has}; want exactly one, a path"), Some(help));
    }
    if body.is_some() && post.is_none() && !broken {
        let help = "write post = \"/path\" in place of get".to_owned();
        r.wrong(&at.key("body"), format!("`{at}` has a body, which only a `post` sends"), Some(help));
    }
    let path = post.or(get);
    if let Some(path) = path {
        check_path(path, template::CLIENT, &at.key(key), r);
    }
    if let Some(body) = body {
        check_names(body, template::CLIENT, &at.key("body"), r);
    }
    Request {
        method,
        path: path.unwrap_or("/").to_owned(),
        body: body.unwrap_or_default().to_owned(),
        template_at: at.key(key),
    }
}

/// A largest message, 1 MiB when it is left out.
pub(super) fn max_message(given: Option<&Text<Bytes>>, at: &KeyPath, r: &mut Report<'_>) -> u32 {
    let max = given.map_or(1 << 20, |Text(Bytes(n))| *n);
    if !(1..=LARGEST_MESSAGE).contains(&max) {
        r.bad(&at.key("max_message"), "1 B to 1024 MiB");
    }
    u32::try_from(max).unwrap_or(u32::MAX)
}

/// The streams of a case, each with where its template stands.
pub(super) fn streams(case: &Case, at: &KeyPath, r: &mut Report<'_>) -> Vec<(CarrierSpec, KeyPath)> {
    let mut found = Vec::new();
    if let Some(s) = &case.stream {
        found.push(stream(s, &at.key("stream"), r));
    }
    let named = [
        (StreamKind::Sse, &case.sse),
        (StreamKind::ForeverIframe, &case.forever_iframe),
        (StreamKind::Chunked, &case.chunked),
        (StreamKind::Multipart, &case.multipart),
    ];
    for (kind, options) in named {
        if let Some(options) = options {
            found.push(endless(kind, options, &at.key(kind.key()), r));
        }
    }
    found
}

/// The options that all streams have.
struct Options<'o> {
    kind: StreamKind,
    split: SplitSpec,
    request: Request,
    status: Option<&'o Vec<u16>>,
    cursor: CursorSpec,
    max_duration: Option<&'o Text<Nanos>>,
    max_events: Option<u64>,
    max_bytes: Option<&'o Text<Bytes>>,
    max_message: Option<&'o Text<Bytes>>,
}

fn stream(s: &Stream, at: &KeyPath, r: &mut Report<'_>) -> (CarrierSpec, KeyPath) {
    let options = Options {
        kind: StreamKind::Stream,
        split: split(s.split.as_ref(), &at.key("split"), r),
        request: request(s.get.as_deref(), s.post.as_deref(), s.body.as_deref(), at, r),
        status: s.status.as_ref(),
        cursor: cursor_or(s.cursor.as_ref(), CursorSpec::None, at, r),
        max_duration: s.max_duration.as_ref(),
        max_events: s.max_events,
        max_bytes: s.max_bytes.as_ref(),
        max_message: s.max_message.as_ref(),
    };
    lower(options, at, r)
}

fn endless(kind: StreamKind, s: &Endless, at: &KeyPath, r: &mut Report<'_>) -> (CarrierSpec, KeyPath) {
    let (split, cursor) = own(kind);
    let options = Options {
        kind,
        split,
        request: request(s.get.as_deref(), s.post.as_deref(), s.body.as_deref(), at, r),
        status: s.status.as_ref(),
        cursor: cursor_or(s.cursor.as_ref(), cursor, at, r),
        max_duration: s.max_duration.as_ref(),
        max_events: s.max_events,
        max_bytes: s.max_bytes.as_ref(),
        max_message: s.max_message.as_ref(),
    };
    lower(options, at, r)
}

/// What the well-known streams are cut by, and resume with.
fn own(kind: StreamKind) -> (SplitSpec, CursorSpec) {
    match kind {
        StreamKind::Sse => {
            let (from, into) = (CursorFrom::SseId, CursorInto::Header("Last-Event-ID".to_owned()));
            (SplitSpec::Sse, CursorSpec::Value { from, into, initial: None })
        }
        StreamKind::ForeverIframe => (SplitSpec::Script, CursorSpec::None),
        StreamKind::Chunked => (SplitSpec::Chunk, CursorSpec::None),
        StreamKind::Multipart => (SplitSpec::Multipart, CursorSpec::Etag),
        StreamKind::Stream => (SplitSpec::Whole, CursorSpec::None),
    }
}

fn cursor_or(given: Option<&Cursor>, or: CursorSpec, at: &KeyPath, r: &mut Report<'_>) -> CursorSpec {
    given.map_or(or, |cursor| cursor::lower(Some(cursor), &at.key("cursor"), r))
}

fn lower(o: Options<'_>, at: &KeyPath, r: &mut Report<'_>) -> (CarrierSpec, KeyPath) {
    let most_bytes = o.max_bytes.map(|Text(Bytes(n))| *n);
    if most_bytes == Some(0) {
        r.bad(&at.key("max_bytes"), "1 B or more");
    }
    let duration = |given: &Text<Nanos>, r: &mut Report<'_>| {
        nonzero(Some(given), Nanos::SECOND, &at.key("max_duration"), r)
    };
    let spec = StreamSpec {
        kind: o.kind,
        method: o.request.method,
        path: o.request.path,
        body: o.request.body,
        split: o.split,
        status: o.status.cloned().unwrap_or_else(|| vec![200]),
        cursor: o.cursor,
        most_duration: o.max_duration.map(|given| duration(given, r)),
        most_events: o.max_events,
        most_bytes,
        max_message_bytes: max_message(o.max_message, at, r),
    };
    (CarrierSpec::Stream(spec), o.request.template_at)
}

/// Where a message ends; one that is left out or in error gets a stand-in.
pub(super) fn split(given: Option<&Split>, at: &KeyPath, r: &mut Report<'_>) -> SplitSpec {
    match given {
        None => SplitSpec::Whole,
        Some(Split::Named(name)) => named(name),
        Some(Split::Table(table)) => table_split(table, at, r),
    }
}

fn named(name: &str) -> SplitSpec {
    match name {
        "newline" => SplitSpec::Delimiter(b"\n".to_vec()),
        "chunk" => SplitSpec::Chunk,
        "sse" => SplitSpec::Sse,
        "multipart" => SplitSpec::Multipart,
        "script" => SplitSpec::Script,
        "json-array" => SplitSpec::JsonArray,
        "json-concat" => SplitSpec::JsonConcat,
        _ => SplitSpec::Whole,
    }
}

fn table_split(table: &SplitTable, at: &KeyPath, r: &mut Report<'_>) -> SplitSpec {
    let order = table.order;
    let little = order == Some(Order::Little);
    let split = match (&table.delimiter, table.length) {
        (Some(text), None) => SplitSpec::Delimiter(text.clone().into_bytes()),
        (None, Some(Prefix::U8)) => SplitSpec::Length(LengthPrefix::U8),
        (None, Some(Prefix::U16)) => return SplitSpec::Length(LengthPrefix::U16 { little }),
        (None, Some(Prefix::U32)) => return SplitSpec::Length(LengthPrefix::U32 { little }),
        (None, Some(Prefix::Varint)) => SplitSpec::Length(LengthPrefix::Varint),
        _ => {
            let help =
                "such as { delimiter = \"\\u001e\" } or { length = \"u16\", order = \"big\" }".to_owned();
            r.wrong(at, format!("`{at}` wants exactly one of delimiter and length"), Some(help));
            return SplitSpec::Whole;
        }
    };
    if order.is_some() {
        r.wrong(&at.key("order"), format!("`{at}.order` is for lengths of u16 and u32"), None);
    }
    split
}
