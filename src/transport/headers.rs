//! Header profiles as the block of lines that every request of a client carries.
//!
//! The block holds neither `Host` nor what the protocol itself needs (`Upgrade`, `Connection:
//! Upgrade`, `Sec-WebSocket-*`, `Content-Length`): those are written with each request.

use crate::scenario::{CarrierSpec, HeaderProfile, Method, StreamKind};

/// What kind of request the lines are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A `fetch()` that asks.
    Get,
    /// A `fetch()` that sends a text.
    Post,
    /// `new WebSocket()`.
    WebSocket,
    /// `new EventSource()`.
    EventSource,
    /// An `<iframe>`.
    Frame,
}

impl RequestKind {
    /// What a page does to attach like this.
    pub fn of(carrier: &CarrierSpec) -> RequestKind {
        match carrier {
            CarrierSpec::WebSocket(_) => RequestKind::WebSocket,
            CarrierSpec::Poll(p) => RequestKind::fetch(p.pull.method),
            CarrierSpec::LongPoll(p) => RequestKind::fetch(p.pull.method),
            CarrierSpec::Stream(s) => match (s.kind, s.method) {
                (StreamKind::Sse, Method::Get) => RequestKind::EventSource,
                (StreamKind::ForeverIframe, Method::Get) => RequestKind::Frame,
                (_, method) => RequestKind::fetch(method),
            },
        }
    }

    fn fetch(method: Method) -> RequestKind {
        match method {
            Method::Get => RequestKind::Get,
            Method::Post => RequestKind::Post,
        }
    }
}

const USER_AGENT: &str = "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 \
     (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n";
const CLIENT_HINTS: &str = "sec-ch-ua: \"Chromium\";v=\"142\", \"Google Chrome\";v=\"142\", \"Not_A Brand\";v=\"99\"\r\n\
     sec-ch-ua-mobile: ?0\r\n";
/// A browser sends `gzip, deflate, br, zstd` here. We do not inflate, and a compressed answer would
/// be another experiment, so this forbids what that invites, in exactly as many bytes.
const ACCEPT_ENCODING: &str = "Accept-Encoding: identity;q=1.000, *;q=0\r\n";
const ACCEPT_LANGUAGE: &str = "Accept-Language: en-US,en;q=0.9\r\n";

/// Renders a profile: whole lines, each ended by CRLF; empty for `Minimal`. `authority` is the
/// value of `Host`, of which browsers tell again in `Origin` and `Referer`.
pub fn block(profile: &HeaderProfile, kind: RequestKind, authority: &str) -> String {
    match (profile, kind) {
        (HeaderProfile::Minimal, _) => String::new(),
        (HeaderProfile::Custom(fields), _) => {
            fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
        }
        (HeaderProfile::Browser, RequestKind::WebSocket) => websocket(authority),
        (HeaderProfile::Browser, RequestKind::EventSource) => event_source(authority),
        (HeaderProfile::Browser, RequestKind::Frame) => frame(authority),
        (HeaderProfile::Browser, RequestKind::Get) => fetch(authority, ""),
        (HeaderProfile::Browser, RequestKind::Post) => {
            let more = format!("Content-Type: text/plain;charset=UTF-8\r\nOrigin: http://{authority}\r\n");
            fetch(authority, &more)
        }
    }
}

/// What desktop Chrome sends for a `fetch()` to the page's own origin.
fn fetch(authority: &str, more: &str) -> String {
    format!(
        "Connection: keep-alive\r\nsec-ch-ua-platform: \"Windows\"\r\n{USER_AGENT}{CLIENT_HINTS}{more}\
         Accept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n\
         Referer: http://{authority}/\r\n{ACCEPT_ENCODING}{ACCEPT_LANGUAGE}"
    )
}

/// What desktop Chrome sends for an `EventSource` of the page's own origin, but for its `Accept`,
/// which is the carrier's.
fn event_source(authority: &str) -> String {
    fetch(authority, "Cache-Control: no-cache\r\n").replace("Accept: */*\r\n", "")
}

/// What desktop Chrome sends for a frame of the page's own origin.
fn frame(authority: &str) -> String {
    format!(
        "Connection: keep-alive\r\n{CLIENT_HINTS}sec-ch-ua-platform: \"Windows\"\r\n\
         Upgrade-Insecure-Requests: 1\r\n{USER_AGENT}\
         Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\n\
         Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n\
         Referer: http://{authority}/\r\n{ACCEPT_ENCODING}{ACCEPT_LANGUAGE}"
    )
}

/// What desktop Chrome sends with an upgrade, but for its offer of `permessage-deflate` (70 bytes
/// once a connection): we take no extension, so we offer none.
fn websocket(authority: &str) -> String {
    format!(
        "Pragma: no-cache\r\nCache-Control: no-cache\r\n{USER_AGENT}Origin: http://{authority}\r\n\
         {ACCEPT_ENCODING}{ACCEPT_LANGUAGE}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [RequestKind; 5] = [
        RequestKind::Get,
        RequestKind::Post,
        RequestKind::WebSocket,
        RequestKind::EventSource,
        RequestKind::Frame,
    ];

    #[test]
    fn the_encoding_line_is_as_long_as_a_browsers_and_invites_nothing() {
        assert_eq!(ACCEPT_ENCODING.len(), "Accept-Encoding: gzip, deflate, br, zstd\r\n".len());
        for coding in ["gzip", "deflate", "br,", "zstd"] {
            assert!(!ACCEPT_ENCODING.contains(coding));
        }
    }

    #[test]
    fn every_profile_is_whole_lines() {
        let custom = HeaderProfile::Custom(vec![("A".into(), "b".into()), ("C".into(), "d".into())]);
        for kind in KINDS {
            assert_eq!(block(&HeaderProfile::Minimal, kind, "h"), "");
            assert_eq!(block(&custom, kind, "h"), "A: b\r\nC: d\r\n");
            let browser = block(&HeaderProfile::Browser, kind, "example.org:8080");
            assert!(browser.ends_with("\r\n") && !browser.contains("\r\n\r\n"));
            let lines: Vec<&str> = browser.trim_end().split("\r\n").collect();
            assert!(lines.iter().all(|l| l.contains(": ") && !l.contains('\n') && !l.contains("  ")));
            assert!(browser.contains("http://example.org:8080"));
        }
    }

    #[test]
    fn what_the_protocol_writes_is_left_to_it() {
        for kind in KINDS {
            let browser = block(&HeaderProfile::Browser, kind, "h").to_ascii_lowercase();
            for owned in ["host:", "upgrade:", "connection: upgrade", "sec-websocket", "content-length"] {
                assert!(!browser.contains(owned), "{kind:?}: {owned}");
            }
        }
    }
}
