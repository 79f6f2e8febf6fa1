//! Bytes, by what they were for.

use std::ops::{Add, AddAssign};

/// Bytes through a socket, split by purpose.
///
/// `wire_in + wire_out + saved == payload + framing + headers + tls + handshake` for whole units; TCP and
/// IP headers are outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// What the publisher wanted carried.
    pub payload: u64,
    /// What a message is wrapped in: WebSocket frame headers, HTTP chunk sizes, separators,
    /// envelopes, control frames.
    pub framing: u64,
    /// HTTP heads, request and response, first line to blank line.
    pub headers: u64,
    /// Opening handshakes (the WebSocket upgrade, both directions).
    pub handshake: u64,
    /// TLS records around all that.
    pub tls: u64,
    /// Bytes that compression kept off the wire: `payload` counts messages as they are inflated.
    pub saved: u64,
    /// All bytes read from sockets.
    pub wire_in: u64,
    /// All bytes written to sockets.
    pub wire_out: u64,
}

impl Traffic {
    /// Everything that is not payload and recurs: framing, headers and TLS, without the handshake.
    pub fn overhead(&self) -> u64 {
        self.framing + self.headers + self.tls
    }

    /// `overhead / payload`, or `None` when no payload was carried.
    pub fn overhead_to_payload(&self) -> Option<f64> {
        (self.payload > 0).then(|| self.overhead() as f64 / self.payload as f64)
    }

    /// Whether the parts add up to the whole, to the byte.
    pub fn balances(&self) -> bool {
        self.payload + self.overhead() + self.handshake == self.wire_in + self.wire_out + self.saved
    }
}

impl Traffic {
    /// What has come on top of an earlier reading of the same counters.
    pub fn since(&self, earlier: Traffic) -> Traffic {
        Traffic {
            payload: self.payload.saturating_sub(earlier.payload),
            framing: self.framing.saturating_sub(earlier.framing),
            headers: self.headers.saturating_sub(earlier.headers),
            handshake: self.handshake.saturating_sub(earlier.handshake),
            tls: self.tls.saturating_sub(earlier.tls),
            saved: self.saved.saturating_sub(earlier.saved),
            wire_in: self.wire_in.saturating_sub(earlier.wire_in),
            wire_out: self.wire_out.saturating_sub(earlier.wire_out),
        }
    }

    /// With only so much of the payload left as such: the rest is what it came wrapped in.
    pub fn with_payload(mut self, payload: u64) -> Traffic {
        let wrapping = self.payload.saturating_sub(payload);
        self.payload -= wrapping;
        self.framing += wrapping;
        self
    }
}

impl Add for Traffic {
    type Output = Traffic;
    fn add(self, o: Traffic) -> Traffic {
        Traffic {
            payload: self.payload + o.payload,
            framing: self.framing + o.framing,
            headers: self.headers + o.headers,
            handshake: self.handshake + o.handshake,
            tls: self.tls + o.tls,
            saved: self.saved + o.saved,
            wire_in: self.wire_in + o.wire_in,
            wire_out: self.wire_out + o.wire_out,
        }
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, o: Traffic) {
        *self = *self + o;
    }
}

#[cfg(test)]
mod tests {
    use super::Traffic;

    #[test]
    fn a_body_is_payload_and_what_it_is_wrapped_in() {
        let traffic = Traffic { payload: 130, wire_in: 130, ..Traffic::default() };
        let split = traffic.with_payload(128);
        assert_eq!((split.payload, split.framing), (128, 2));
        assert!(split.balances());
        // A server that shortens messages cannot make the payload larger than the body.
        assert_eq!(traffic.with_payload(500).payload, 130);
    }
}
