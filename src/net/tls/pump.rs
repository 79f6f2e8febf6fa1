//! Turns the TLS layer's wheel: bytes of records in, plain bytes and records of its own out. Touches no
//! socket.

use super::session::Session;
use rustls::Error;
use rustls::unbuffered::{ConnectionState, EncodeError, UnbufferedStatus};

/// Where a pump stopped.
#[derive(PartialEq, Eq)]
pub(super) enum Stop {
    /// Application data may be sent.
    Open,
    /// Nothing can be done before more is read.
    Blocked,
}

impl Session {
    /// Lets the TLS layer go on until it wants more bytes, or may send: how many of the incoming bytes
    /// are done with. What it has to say itself is put into `out`.
    pub(super) fn pump(
        &mut self,
        incoming: &mut [u8],
        plain: &mut dyn FnMut(&[u8]),
    ) -> Result<(usize, Stop), Error> {
        let mut taken = 0;
        if self.dead {
            return Err(Error::General("the connection had failed before".to_owned()));
        }
        loop {
            let UnbufferedStatus { discard, state } =
                self.connection.process_tls_records(&mut incoming[taken..]);
            taken += discard;
            self.bytes.read.whole += discard as u64;
            match state {
                Err(error) => {
                    self.fault = Some(error.clone());
                    self.say_last_words();
                    return Err(error);
                }
                Ok(ConnectionState::ReadTraffic(mut records)) => {
                    while let Some(record) = records.next_record() {
                        let record = record?;
                        taken += record.discard;
                        self.bytes.read.whole += record.discard as u64;
                        self.bytes.read.plain += record.payload.len() as u64;
                        plain(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut record)) => {
                    encode(&mut self.out, |room| record.encode(room));
                }
                Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
                Ok(ConnectionState::PeerClosed) => self.peer_closed = true,
                Ok(ConnectionState::WriteTraffic(_)) => return Ok((taken, Stop::Open)),
                Ok(_) => return Ok((taken, Stop::Blocked)),
            }
        }
    }

    /// The same with what is there already; what it decrypts is held.
    pub(super) fn pump_part(&mut self) -> Result<(usize, Stop), Error> {
        let (mut held, mut part) = (std::mem::take(&mut self.held), std::mem::take(&mut self.part));
        let pumped = self.pump(&mut part, &mut |plain| held.extend_from_slice(plain));
        (self.held, self.part) = (held, part);
        pumped
    }

    /// After an error: the alert that tells the peer of it.
    fn say_last_words(&mut self) {
        self.dead = true;
        // What is to be written comes before anything is looked at, so there need be no bytes.
        while self.connection.wants_write() {
            let state = self.connection.process_tls_records(&mut []).state;
            let Ok(ConnectionState::EncodeTlsData(mut record)) = state else { return };
            encode(&mut self.out, |room| record.encode(room));
        }
    }
}

/// Appends one record to `out`, with as much room as it asks for.
fn encode(out: &mut Vec<u8>, mut into: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) {
    if let Err(EncodeError::InsufficientSize(wanted)) = into(&mut []) {
        let known = out.len();
        out.resize(known + wanted.required_size, 0);
        let written = into(&mut out[known..]).unwrap_or(0);
        out.truncate(known + written);
    }
}

/// A session without a socket, for tests.
#[cfg(test)]
impl Session {
    pub(super) fn unconnected(profile: &super::TlsProfile) -> Result<Session, Error> {
        Session::new(profile, std::rc::Rc::default())
    }

    /// As if these bytes had been read; what is to be written.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        self.bytes.read.wire += bytes.len() as u64;
        self.part.extend_from_slice(bytes);
        let (taken, stop) = self.pump_part()?;
        self.part.drain(..taken);
        if stop == Stop::Open && self.bytes.read.handshake == 0 {
            self.bytes.handshake_ends();
        }
        Ok(std::mem::take(&mut self.out))
    }

    /// Bytes that are to go out with the next.
    pub(super) fn unsent(&mut self, mut bytes: Vec<u8>) {
        bytes.append(&mut self.out);
        self.out = bytes;
    }

    pub(super) fn take_held(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    pub(super) fn account(&self) -> super::bytes::TlsBytes {
        self.bytes
    }
}
