//! Bytes in four named layers: payload, message, TCP stream, wire. Keys of `summary.json`; the formulas
//! are told in `docs/bytes.md`.

use super::finite;
use serde::{Deserialize, Serialize};

/// Bytes of `measure`, both ways, by layer. Every ratio names its layer: it is what the layer has beside
/// the payload, over the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layers {
    /// Messages received for the first time: the useful ones.
    pub useful_messages: u64,
    /// Messages received, those that had been received before too.
    pub delivered_messages: u64,
    /// Layer 1: the payload of the useful messages.
    pub payload_bytes: u64,
    /// The payload of all that were delivered.
    pub delivered_payload_bytes: u64,
    /// Layer 2, which holds layer 1: heads, chunk and frame headers, empty polls, keep-alives; as
    /// compressed.
    pub message_bytes: u64,
    /// Layer 3, which holds layer 2: TLS records, without the opening handshakes.
    pub stream_bytes: u64,
    /// Opening handshakes (TLS, the WebSocket upgrade), and connections that came to no session: in no
    /// layer but the wire.
    pub handshake_bytes: u64,
    /// Layer 4, which holds layer 3 and the handshakes: TCP and IP headers, acknowledgements too;
    /// `null` where the kernel does not count segments.
    pub wire_bytes: Option<u64>,
    /// Of these, TCP and IP headers: segments x the size of their headers.
    pub tcp_ip_header_bytes: Option<u64>,
    /// Segments received.
    pub segments_in: Option<u64>,
    /// Segments sent.
    pub segments_out: Option<u64>,
    /// Whether the wire is an estimate for want of one: over loopback segments are up to 64 KiB.
    pub wire_is_estimate: bool,
    /// Layer 1 for each useful message.
    #[serde(with = "finite::option")]
    pub payload_bytes_per_message: Option<f64>,
    /// Layer 2 for each useful message.
    #[serde(with = "finite::option")]
    pub message_bytes_per_message: Option<f64>,
    /// Layer 3 for each useful message.
    #[serde(with = "finite::option")]
    pub stream_bytes_per_message: Option<f64>,
    /// Layer 4 for each useful message.
    #[serde(with = "finite::option")]
    pub wire_bytes_per_message: Option<f64>,
    /// Layer 2: what is not payload of delivered messages, over the latter.
    #[serde(with = "finite::option")]
    pub message_header_to_delivered_payload: Option<f64>,
    /// Layer 2: what is not payload of useful messages, over the latter.
    #[serde(with = "finite::option")]
    pub message_header_to_payload: Option<f64>,
    /// Layer 3: the same.
    #[serde(with = "finite::option")]
    pub stream_header_to_payload: Option<f64>,
    /// Layer 4: the same.
    #[serde(with = "finite::option")]
    pub wire_header_to_payload: Option<f64>,
}

impl Layers {
    /// Fills in what follows from the sums: bytes for each message, and the ratios.
    pub fn with_ratios(mut self) -> Layers {
        let each =
            |bytes: u64| (self.useful_messages > 0).then(|| bytes as f64 / self.useful_messages as f64);
        self.payload_bytes_per_message = each(self.payload_bytes);
        self.message_bytes_per_message = each(self.message_bytes);
        self.stream_bytes_per_message = each(self.stream_bytes);
        self.wire_bytes_per_message = self.wire_bytes.and_then(each);
        self.message_header_to_delivered_payload = ratio(self.message_bytes, self.delivered_payload_bytes);
        self.message_header_to_payload = ratio(self.message_bytes, self.payload_bytes);
        self.stream_header_to_payload = ratio(self.stream_bytes, self.payload_bytes);
        self.wire_header_to_payload = self.wire_bytes.and_then(|wire| ratio(wire, self.payload_bytes));
        self
    }
}

/// What a layer has beside the payload, over the payload.
fn ratio(layer: u64, payload: u64) -> Option<f64> {
    (payload > 0).then(|| (layer as f64 - payload as f64) / payload as f64)
}

/// Our books of bytes held against the kernel's, over all connections of the whole run, subscribers' and
/// publishers'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ByteCheck {
    /// Connections that were closed by the end.
    pub connections: u64,
    /// Of these, those of which the kernel told nothing.
    pub unknown_connections: u64,
    /// Read, as the ledger of purposes has it.
    pub ledger_in_bytes: u64,
    /// Written, as the ledger has it.
    pub ledger_out_bytes: u64,
    /// Read, as counted at the sockets.
    pub socket_in_bytes: u64,
    /// Written, as counted at the sockets.
    pub socket_out_bytes: u64,
    /// Handed to us, as the kernel counts: `tcpi_bytes_received` without what nobody read and without FINs.
    pub kernel_in_bytes: u64,
    /// Taken from us, as the kernel counts: `tcpi_bytes_sent - tcpi_bytes_retrans` and what it had not
    /// sent yet.
    pub kernel_out_bytes: u64,
    /// |ledger - sockets|, both directions: 0, or pushbench forgets bytes.
    pub ledger_difference_bytes: u64,
    /// |sockets - kernel|, summed over connections and directions: 0, or somebody miscounts.
    pub kernel_difference_bytes: u64,
    /// Sent again, as the kernel counts; in no other number.
    pub retransmitted_bytes: u64,
    /// Received by the kernel and read by nobody, since the connection was closed.
    pub unread_bytes: u64,
    /// Taken by the kernel and not sent, since the connection was closed.
    pub unsent_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ratio_is_of_its_own_layer() {
        let layers = Layers {
            useful_messages: 10,
            delivered_messages: 20,
            payload_bytes: 1_000,
            delivered_payload_bytes: 2_000,
            message_bytes: 3_000,
            stream_bytes: 3_220,
            handshake_bytes: 500,
            wire_bytes: Some(9_000),
            ..Layers::default()
        }
        .with_ratios();
        assert_eq!(layers.message_header_to_delivered_payload, Some(0.5));
        assert_eq!(layers.message_header_to_payload, Some(2.0));
        assert_eq!(layers.stream_header_to_payload, Some(2.22));
        assert_eq!(layers.wire_header_to_payload, Some(8.0));
        assert_eq!(layers.message_bytes_per_message, Some(300.0));
        assert_eq!(layers.wire_bytes_per_message, Some(900.0));
    }

    #[test]
    fn without_payload_there_is_no_ratio() {
        let idle = Layers { message_bytes: 80, stream_bytes: 80, ..Layers::default() }.with_ratios();
        assert_eq!((idle.message_header_to_payload, idle.message_bytes_per_message), (None, None));
        assert_eq!((idle.wire_header_to_payload, idle.wire_bytes), (None, None));
    }
}
