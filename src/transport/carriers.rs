//! The table of carriers: `check`, `--help`, the documentation and the tests loop over it.

use super::{Carrier, Pull, WebSocket};
use crate::scenario::CarrierSpec;

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
        about: "asks at an interval and is answered at once (HTTP/1.1, kept alive)",
        build: |spec| match spec {
            CarrierSpec::Poll(spec) => Some(Box::new(Pull::poll(spec))),
            _ => None,
        },
    },
    CarrierRow {
        key: "long_poll",
        about: "asks, is held until there is something, asks again at once (HTTP/1.1, kept alive)",
        build: |spec| match spec {
            CarrierSpec::LongPoll(spec) => Some(Box::new(Pull::long_poll(spec))),
            _ => None,
        },
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

/// The carrier that a scenario asks for. One for each worker thread; its sessions share what they
/// can.
pub fn carrier(spec: &CarrierSpec) -> Box<dyn Carrier> {
    CARRIERS.iter().find_map(|row| row.build(spec)).expect("each kind of spec has a row; a test holds it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Nanos;
    use crate::scenario::{CursorSpec, LongPollSpec, Method, PollSpec, PullSpec, WebSocketSpec};
    use crate::transport::Rhythm;

    fn specs() -> [CarrierSpec; 3] {
        let pull = PullSpec {
            method: Method::Get,
            body: String::new(),
            path: "/".into(),
            status: vec![200],
            empty: vec![204],
            cursor: CursorSpec::None,
        };
        let (every, settle) = (Nanos::SECOND, Nanos::from_millis(50));
        [
            CarrierSpec::Poll(PollSpec { pull: pull.clone(), every, fixed_rate: true, latest_value: false }),
            CarrierSpec::LongPoll(LongPollSpec { pull, settle }),
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
        assert_eq!(rhythms, [every, Rhythm::Held { settle: Nanos::from_millis(50) }, Rhythm::Push]);
    }
}
