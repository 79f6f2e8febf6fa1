//! What TLS adds to a connection's bytes, to the byte.

use crate::model::Traffic;

/// Bytes of one direction of a TLS connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Way {
    /// Through the socket.
    pub(super) wire: u64,
    /// Of these, in records that are done with: read whole, or written whole.
    pub(super) whole: u64,
    /// What the whole records carried for the layer above.
    pub(super) plain: u64,
    /// Of the whole records, those of the handshake.
    pub(super) handshake: u64,
}

impl Way {
    /// What whole records have beside what they carry, without the handshake.
    fn records(&self) -> u64 {
        self.whole - self.plain - self.handshake
    }

    fn unfinished(&self) -> u64 {
        self.wire - self.whole
    }
}

/// Bytes of both directions, and what of them has been told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TlsBytes {
    pub(super) read: Way,
    pub(super) written: Way,
    told: Traffic,
    /// What the total does not count: it was told by who had the connection before.
    base: Traffic,
}

impl TlsBytes {
    /// From here on it is no longer the handshake.
    pub(super) fn handshake_ends(&mut self) {
        self.written.whole = self.written.wire;
        self.read.handshake = self.read.whole - self.read.plain;
        self.written.handshake = self.written.whole - self.written.plain;
    }

    /// Record overhead in and out, whole records only, the handshake apart.
    pub(super) fn records(&self) -> (u64, u64) {
        (self.read.records(), self.written.records())
    }

    /// The handshake's bytes, in and out.
    pub(super) fn handshake(&self) -> (u64, u64) {
        (self.read.handshake, self.written.handshake)
    }

    fn finished(&self) -> Traffic {
        let (read, written) = (self.read.records(), self.written.records());
        Traffic {
            tls: read + written,
            handshake: self.read.handshake + self.written.handshake,
            wire_in: read + self.read.handshake,
            wire_out: written + self.written.handshake,
            ..Traffic::default()
        }
    }

    /// What has come on top since it was last taken.
    pub(super) fn take(&mut self) -> Traffic {
        let finished = self.finished();
        finished.since(std::mem::replace(&mut self.told, finished))
    }

    /// Everything that is not the upper layer's, unfinished records included; `held` plain bytes wait
    /// to be taken by it.
    pub(super) fn total(&self, held: u64) -> Traffic {
        self.all(held).since(self.base)
    }

    /// From here on the total counts from zero again; what was not taken by now is forgotten.
    pub(super) fn start_over(&mut self, held: u64) {
        (self.base, self.told) = (self.all(held), self.finished());
    }

    fn all(&self, held: u64) -> Traffic {
        let (read, written) = (self.read.unfinished() + held, self.written.unfinished());
        let unfinished =
            Traffic { tls: read + written, wire_in: read, wire_out: written, ..Traffic::default() };
        self.finished() + unfinished
    }

    /// What of the total has not been taken.
    pub(super) fn rest(&self, held: u64) -> Traffic {
        self.all(held).since(self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_and_the_rest_are_the_total() {
        let mut bytes = TlsBytes {
            read: Way { wire: 1000, whole: 1000, ..Way::default() },
            written: Way { wire: 300, ..Way::default() },
            base: Traffic::default(),
            told: Traffic::default(),
        };
        bytes.handshake_ends();
        assert_eq!((bytes.handshake(), bytes.records()), ((1000, 300), (0, 0)));
        let first = bytes.take();
        assert_eq!((first.handshake, first.tls, first.wire_in, first.wire_out), (1300, 0, 1000, 300));
        // A record of 100 bytes with 78 of ours in it, and 30 bytes of the next one.
        bytes.read = Way { wire: 1130, whole: 1100, plain: 78, ..bytes.read };
        assert_eq!((bytes.take().tls, bytes.take().tls), (22, 0));
        assert_eq!((bytes.rest(5).tls, bytes.rest(5).handshake), (35, 0));
        assert_eq!(bytes.total(5), first + Traffic { tls: 22 + 35, wire_in: 57, ..Traffic::default() });
        assert!(bytes.total(5).balances() && bytes.rest(5).balances());
    }
}
