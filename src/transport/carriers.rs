//! The table of carriers: `check`, `--help`, the documentation and the tests loop over it.

use super::{Carrier, HttpStream, Pull, WebSocket};
use crate::scenario::{CarrierSpec, StreamKind};

/// One carrier.
pub struct CarrierRow {
    /// The key in scenario files and results.
    pub key: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    build: fn(&CarrierSpec) -> Option<Box<dyn Carrier>>,
}

impl CarrierRow {
    /// The carrier with these options; `None` when they are another carrier's.
    pub fn build(&self, spec: &CarrierSpec) -> Option<Box<dyn Carrier>> {
        (self.build)(spec)
    }
}

/// All carriers, in the order in which they are shown.
pub static CARRIERS: &[CarrierRow] = &[
    CarrierRow {
        key: "poll",
        about: "asks at an interval and is answered at once (HTTP/1.1, kept alive unless told otherwise)",
        build: |spec| match spec {
            CarrierSpec::Poll(spec) => Some(Box::new(Pull::poll(spec))),
            _ => None,
        },
    },
    CarrierRow {
        key: "long_poll",
        about: "asks, is held until there is something, asks again at once (HTTP/1.1, kept alive unless told otherwise)",
        build: |spec| match spec {
            CarrierSpec::LongPoll(spec) => Some(Box::new(Pull::long_poll(spec))),
            _ => None,
        },
    },
    CarrierRow {
        key: "stream",
        about: "is sent an endless answer, cut where the scenario says (HTTP/1.1)",
        build: |spec| stream(StreamKind::Stream, spec),
    },
    CarrierRow {
        key: "sse",
        about: "is sent Server-Sent Events (HTML standard), resumes with Last-Event-ID",
        build: |spec| stream(StreamKind::Sse, spec),
    },
    CarrierRow {
        key: "forever_iframe",
        about: "is sent a page without end, a script element for each message",
        build: |spec| stream(StreamKind::ForeverIframe, spec),
    },
    CarrierRow {
        key: "chunked",
        about: "is sent an endless answer, an HTTP chunk for each message",
        build: |spec| stream(StreamKind::Chunked, spec),
    },
    CarrierRow {
        key: "multipart",
        about: "is sent an endless multipart/mixed answer, a part for each message",
        build: |spec| stream(StreamKind::Multipart, spec),
    },
    CarrierRow {
        key: "websocket",
        about: "is sent messages as WebSocket frames (RFC 6455; permessage-deflate on request)",
        build: |spec| match spec {
            CarrierSpec::WebSocket(spec) => Some(Box::new(WebSocket::new(spec))),
            _ => None,
        },
    },
];

fn stream(kind: StreamKind, spec: &CarrierSpec) -> Option<Box<dyn Carrier>> {
    match spec {
        CarrierSpec::Stream(spec) if spec.kind == kind => Some(Box::new(HttpStream::new(spec))),
        _ => None,
    }
}

/// The carrier that a scenario asks for. One for each worker thread; its sessions share what they
/// can.
pub fn carrier(spec: &CarrierSpec) -> Box<dyn Carrier> {
    CARRIERS.iter().find_map(|row| row.build(spec)).expect("each kind of spec has a row; a test holds it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Nanos;
    use crate::scenario::{
        CursorSpec, LongPollSpec, Method, PollSpec, PullSpec, SplitSpec, StreamSpec, WebSocketSpec,
    };
    use crate::transport::Rhythm;

    fn stream(kind: StreamKind) -> CarrierSpec {
        CarrierSpec::Stream(StreamSpec {
            kind,
            method: Method::Get,
            path: "/".into(),
            body: String::new(),
            split: SplitSpec::Sse,
            status: vec![200],
            cursor: CursorSpec::None,
            most_duration: None,
            most_events: None,
            most_bytes: None,
            max_message_bytes: 1024,
        })
    }

    fn specs() -> [CarrierSpec; 8] {
        let pull = PullSpec {
            method: Method::Get,
            body: String::new(),
            path: "/".into(),
            status: vec![200],
            empty: vec![204],
            cursor: CursorSpec::None,
            keep_alive: true,
        };
        let (every, settle) = (Nanos::SECOND, Nanos::from_millis(50));
        [
            CarrierSpec::Poll(PollSpec { pull: pull.clone(), every, fixed_rate: true, latest_value: false }),
            CarrierSpec::LongPoll(LongPollSpec { pull, settle }),
            stream(StreamKind::Stream),
            stream(StreamKind::Sse),
            stream(StreamKind::ForeverIframe),
            stream(StreamKind::Chunked),
            stream(StreamKind::Multipart),
            CarrierSpec::WebSocket(WebSocketSpec {
                path: "/".into(),
                subprotocols: vec![],
                send: vec![],
                max_message_bytes: 1024,
                binary: false,
                deflate: None,
                ping: None,
                dead_after: None,
            }),
        ]
    }

    #[test]
    fn each_spec_has_the_row_of_its_key_and_no_other() {
        for spec in specs() {
            let keys: Vec<_> = CARRIERS.iter().filter(|r| r.build(&spec).is_some()).map(|r| r.key).collect();
            assert_eq!(keys, [spec.key()]);
        }
    }

    #[test]
    fn rhythms_are_those_of_the_specs() {
        let rhythms = specs().each_ref().map(|s| carrier(s).rhythm());
        let every = Rhythm::Interval { every: Nanos::SECOND, fixed_rate: true };
        let (pull, push) = rhythms.split_at(2);
        assert_eq!(pull, [every, Rhythm::Held { settle: Nanos::from_millis(50) }]);
        assert!(push.iter().all(|rhythm| *rhythm == Rhythm::Push));
        assert_eq!(specs().len(), CARRIERS.len());
    }
}
