//! Bytes by layer, and our books held against the kernel's.

use crate::model::{Op, Sockets, Traffic};
use crate::record::Tally;
use crate::result::{ByteCheck, Layers, Receive, RunResult};

/// From this share of the delivery p99 on, waiting between kernel and us is told (rule 8 of the method).
const MOST_DELAY_SHARE: f64 = 0.10;

/// Messages of a window, of which a layer's bytes are told.
#[derive(Clone, Copy)]
struct Messages {
    useful: u64,
    again: u64,
    /// Payload of one; 0: nobody told.
    bytes: u64,
}

/// Fills in all that is told of layers.
pub(super) fn tell(result: &mut RunResult, measured: &Tally, whole: &Tally, loopback: bool) {
    let bytes = u64::from(result.payload_bytes);
    let received =
        Messages { useful: result.bytes.messages, again: measured.duplicate + measured.redundant, bytes };
    result.layers = layers(measured.traffic, (measured.sockets, whole.sockets), received, loopback);
    let published = Messages { useful: result.published, again: 0, bytes };
    let sockets = (measured.publisher_sockets, whole.publisher_sockets);
    result.publisher_layers = layers(measured.publisher_traffic, sockets, published, loopback);
    result.byte_check = check(whole);
    result.receive = receive(measured);
}

fn layers(of: Traffic, (sockets, whole): (Sockets, Sockets), messages: Messages, loopback: bool) -> Layers {
    let message_bytes = (of.payload + of.framing + of.headers).saturating_sub(of.saved);
    let stream_bytes = message_bytes + of.tls;
    // Only as good as what the kernel told of every connection.
    let known = whole.unknown == 0;
    let headers = known.then_some(sockets.header_bytes);
    Layers {
        useful_messages: messages.useful,
        delivered_messages: messages.useful + messages.again,
        payload_bytes: of.payload,
        delivered_payload_bytes: of.payload + messages.again * messages.bytes,
        message_bytes,
        stream_bytes,
        handshake_bytes: of.handshake,
        wire_bytes: headers.map(|headers| stream_bytes + of.handshake + headers),
        tcp_ip_header_bytes: headers,
        segments_in: known.then_some(sockets.segments_in),
        segments_out: known.then_some(sockets.segments_out),
        wire_is_estimate: loopback,
        ..Layers::default()
    }
    .with_ratios()
}

fn check(whole: &Tally) -> ByteCheck {
    let ledger = whole.traffic + whole.publisher_traffic;
    let mut sockets = whole.sockets;
    sockets += whole.publisher_sockets;
    let Sockets { own_in, own_out, .. } = sockets;
    ByteCheck {
        connections: sockets.closed,
        unknown_connections: sockets.unknown,
        ledger_in_bytes: ledger.wire_in,
        ledger_out_bytes: ledger.wire_out,
        socket_in_bytes: own_in,
        socket_out_bytes: own_out,
        kernel_in_bytes: sockets.kernel_in,
        kernel_out_bytes: sockets.kernel_out,
        ledger_difference_bytes: ledger.wire_in.abs_diff(own_in) + ledger.wire_out.abs_diff(own_out),
        kernel_difference_bytes: sockets.difference,
        retransmitted_bytes: sockets.retransmitted,
        unread_bytes: sockets.unread,
        unsent_bytes: sockets.unsent,
    }
}

fn receive(measured: &Tally) -> Option<Receive> {
    let delay = &measured.kernel_delay;
    if delay.count() == 0 {
        return None;
    }
    let p99 = delay.quantile_ns(0.99).map(|ns| ns as f64);
    let delivery = measured.response_of(Op::Deliver).quantile_ns(0.99).map(|ns| ns as f64);
    let limited = p99.zip(delivery).is_some_and(|(p99, all)| p99 >= MOST_DELAY_SHARE * all);
    Some(Receive { user_kernel_delay: super::quantiles(delay), harness_limited: limited })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_holds_the_one_above_and_handshakes_are_in_none_but_the_wire() {
        let of = Traffic {
            payload: 1_000,
            framing: 40,
            headers: 260,
            handshake: 700,
            tls: 220,
            saved: 100,
            wire_in: 2_000,
            wire_out: 120,
        };
        assert!(of.balances());
        let sockets = Sockets { segments_in: 10, segments_out: 5, header_bytes: 780, ..Sockets::default() };
        let told = layers(of, (sockets, sockets), Messages { useful: 10, again: 5, bytes: 100 }, true);
        assert_eq!((told.message_bytes, told.stream_bytes), (1_200, 1_420));
        assert_eq!(told.wire_bytes, Some(1_420 + 700 + 780));
        assert_eq!(told.wire_bytes, Some(of.wire_in + of.wire_out + 780));
        assert_eq!((told.delivered_messages, told.delivered_payload_bytes), (15, 1_500));
        let unknown = Sockets { unknown: 1, ..sockets };
        let told = layers(of, (sockets, unknown), Messages { useful: 10, again: 0, bytes: 100 }, false);
        assert_eq!((told.wire_bytes, told.segments_in, told.wire_is_estimate), (None, None, false));
    }

    #[test]
    fn the_books_are_held_against_the_kernels_both_ways() {
        let whole = Tally {
            traffic: Traffic { payload: 90, wire_in: 60, wire_out: 30, ..Traffic::default() },
            publisher_traffic: Traffic { payload: 10, wire_out: 10, ..Traffic::default() },
            sockets: Sockets { closed: 2, own_in: 63, own_out: 30, difference: 4, ..Sockets::default() },
            publisher_sockets: Sockets { closed: 1, own_out: 9, ..Sockets::default() },
            ..Tally::default()
        };
        let check = check(&whole);
        assert_eq!((check.connections, check.ledger_difference_bytes), (3, 3 + 1));
        assert_eq!(check.kernel_difference_bytes, 4);
    }
}
