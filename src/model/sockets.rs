//! What the kernel counted of TCP connections, beside what we counted of the same.

use std::ops::AddAssign;

/// Sums over TCP connections. Bytes and differences are those of connections that were closed, each from
/// its connect to its close; segments are told more often, so that they can be told by phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sockets {
    /// Connections that were closed.
    pub closed: u64,
    /// Of these, those of which the kernel told nothing.
    pub unknown: u64,
    /// Bytes that we read from the closed ones, counted at the socket, TLS included.
    pub own_in: u64,
    /// Bytes that we wrote to them.
    pub own_out: u64,
    /// Bytes that the kernel received and handed to us.
    pub kernel_in: u64,
    /// Bytes that the kernel took from us: sent once, and those it had not sent yet.
    pub kernel_out: u64,
    /// The sum of the differences between the two counts, of each connection and direction: 0 unless
    /// somebody miscounts.
    pub difference: u64,
    /// Bytes that the kernel had received and nobody read before the close.
    pub unread: u64,
    /// Bytes that the kernel had taken and not sent before the close.
    pub unsent: u64,
    /// Bytes that were sent again.
    pub retransmitted: u64,
    /// Segments received, pure acknowledgements too.
    pub segments_in: u64,
    /// Segments sent.
    pub segments_out: u64,
    /// IP and TCP headers of these segments: each has the size that its connection's have.
    pub header_bytes: u64,
}

impl AddAssign for Sockets {
    fn add_assign(&mut self, o: Sockets) {
        self.closed += o.closed;
        self.unknown += o.unknown;
        self.own_in += o.own_in;
        self.own_out += o.own_out;
        self.kernel_in += o.kernel_in;
        self.kernel_out += o.kernel_out;
        self.difference += o.difference;
        self.unread += o.unread;
        self.unsent += o.unsent;
        self.retransmitted += o.retransmitted;
        self.segments_in += o.segments_in;
        self.segments_out += o.segments_out;
        self.header_bytes += o.header_bytes;
    }
}
