//! One message, and the forms in which it goes out: each made once, for whoever wants it first, and
//! shared by all who get it.

use super::frame::{self, Opcode};
use super::reply::{self, After};
use super::subscriber::Kind;
use std::rc::Rc;

/// A message, encoded as a WebSocket frame.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) sequence: u64,
    frame: Rc<[u8]>,
    head: usize,
}

impl Message {
    /// Encodes it.
    pub(super) fn new(sequence: u64, opcode: Opcode, payload: &[u8]) -> Message {
        let (frame, head) = frame::encode(opcode, payload);
        Message { sequence, frame: frame.into(), head }
    }

    /// What was published.
    pub(super) fn payload(&self) -> &[u8] {
        &self.frame[self.head..]
    }

    /// Whether it is UTF-8.
    pub(super) fn is_text(&self) -> bool {
        self.opcode() == Opcode::Text
    }

    fn opcode(&self) -> Opcode {
        if self.frame[0] & 0x0F == Opcode::Text as u8 { Opcode::Text } else { Opcode::Binary }
    }

    /// Adds the answer that carries this message alone.
    pub(super) fn answer(&self, after: After, out: &mut Vec<u8>) {
        reply::messages(out, self.sequence, 0, self.payload().len(), after);
        out.extend_from_slice(self.payload());
    }

    /// Adds the bytes that a subscriber of this kind gets; `boundary` is that of multipart streams.
    pub(super) fn add(&self, kind: Kind, boundary: &str, out: &mut Vec<u8>) {
        match kind {
            Kind::WebSocket { ids: false } => out.extend_from_slice(&self.frame),
            Kind::WebSocket { ids: true } => {
                let mut named = format!("{} ", self.sequence).into_bytes();
                named.extend_from_slice(self.payload());
                out.extend_from_slice(&frame::encode(self.opcode(), &named).0);
            }
            Kind::LongPoll(after) => self.answer(after, out),
            Kind::Stream(form) => form.add(self, boundary, out),
        }
    }
}

/// A message on its walk, with the forms made so far: few, so that a list is the quickest table.
pub(super) struct Walking {
    pub(super) message: Message,
    forms: Vec<(Kind, Rc<[u8]>)>,
}

impl Walking {
    /// Nothing made yet.
    pub(super) fn new(message: Message) -> Walking {
        Walking { message, forms: Vec::new() }
    }

    /// The bytes for a subscriber of this kind.
    pub(super) fn form(&mut self, kind: Kind, boundary: &str) -> &Rc<[u8]> {
        if kind == (Kind::WebSocket { ids: false }) {
            return &self.message.frame;
        }
        let known = self.forms.iter().position(|(made, _)| *made == kind);
        let at = known.unwrap_or_else(|| {
            let mut out = Vec::new();
            self.message.add(kind, boundary, &mut out);
            self.forms.push((kind, out.into()));
            self.forms.len() - 1
        });
        &self.forms[at].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_made_once() {
        let mut walking = Walking::new(Message::new(12, Opcode::Text, b"hi"));
        let ids = Kind::WebSocket { ids: true };
        let first = Rc::clone(walking.form(ids, ""));
        assert_eq!(&*first, b"\x81\x0512 hi");
        assert!(Rc::ptr_eq(&first, walking.form(ids, "")));
        assert_eq!(&**walking.form(Kind::WebSocket { ids: false }, ""), b"\x81\x02hi");
        assert!(walking.form(Kind::LongPoll(After::Stay), "").ends_with(b"\r\n\r\nhi"));
        assert_eq!(walking.forms.len(), 2);
    }

    #[test]
    fn what_is_no_text_stays_binary() {
        let mut walking = Walking::new(Message::new(1, Opcode::Binary, b"\xFF"));
        assert_eq!(&**walking.form(Kind::WebSocket { ids: true }, ""), b"\x82\x031 \xFF");
        assert!(!walking.message.is_text());
    }
}
