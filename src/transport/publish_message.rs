//! A published message as bytes: what stays the same was cut out before, the rest is copied.

use crate::model::Stamp;
use crate::scenario::{MessagePiece, MessageTemplate};
use std::io::Write;

/// What a payload is filled up with behind its stamp: plain characters, so that no target escapes
/// them and JSON takes them as they are.
const FILLER: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Makes the messages of a feed, one at a time, in a buffer that is used again: no message costs an
/// allocation once one of its size was made.
#[derive(Clone, Debug)]
pub struct MessageMaker {
    /// `None`: the message is the payload and nothing else.
    pieces: Option<Box<[MessagePiece]>>,
    /// The payload, its stamp in front; of a plain message that is all.
    payload: Vec<u8>,
    out: Vec<u8>,
}

impl MessageMaker {
    /// For messages whose payload has this many bytes, at least [`Stamp::LEN`].
    pub fn new(template: &MessageTemplate, payload_bytes: usize) -> MessageMaker {
        let payload = FILLER.iter().copied().cycle().take(payload_bytes.max(Stamp::LEN)).collect();
        let plain = *template == MessageTemplate::plain();
        let pieces = (!plain).then(|| template.0.clone().into_boxed_slice());
        MessageMaker { pieces, payload, out: Vec::new() }
    }

    /// The message with this stamp, for the channel of this name.
    pub fn make(&mut self, stamp: &Stamp, channel: &str) -> &[u8] {
        self.payload[..Stamp::LEN].copy_from_slice(&stamp.encode());
        let Some(pieces) = &self.pieces else { return &self.payload };
        self.out.clear();
        for piece in pieces {
            match piece {
                MessagePiece::Text(text) => self.out.extend_from_slice(text.as_bytes()),
                MessagePiece::Payload => self.out.extend_from_slice(&self.payload),
                MessagePiece::Channel => self.out.extend_from_slice(channel.as_bytes()),
                MessagePiece::Sequence => {
                    write!(self.out, "{}", stamp.sequence).expect("a Vec takes all writes");
                }
            }
        }
        &self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Nanos, RunTag};

    fn stamp(sequence: u32) -> Stamp {
        Stamp { run: RunTag::new(3), channel: 1, sequence, due: Nanos::SECOND, late: Nanos::ZERO }
    }

    #[test]
    fn a_plain_message_is_the_payload_with_the_stamp_in_front() {
        let mut maker = MessageMaker::new(&MessageTemplate::plain(), 64);
        let bytes = maker.make(&stamp(7), "news").to_vec();
        assert_eq!((bytes.len(), Stamp::decode(&bytes)), (64, Ok(stamp(7))));
        assert_eq!(MessageMaker::new(&MessageTemplate::plain(), 0).make(&stamp(1), "").len(), Stamp::LEN);
    }

    #[test]
    fn a_message_with_text_around_it_is_json_when_the_text_is() {
        let text = |t: &str| MessagePiece::Text(t.to_owned());
        let template = MessageTemplate(vec![
            text("{\"c\":\""),
            MessagePiece::Channel,
            text("\",\"n\":"),
            MessagePiece::Sequence,
            text(",\"d\":\""),
            MessagePiece::Payload,
            text("\"}"),
        ]);
        let mut maker = MessageMaker::new(&template, 100);
        for sequence in [0, 9, 10, 123_456] {
            let bytes = maker.make(&stamp(sequence), "pbA0");
            let json: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            assert_eq!((&json["c"], &json["n"]), (&"pbA0".into(), &sequence.into()));
            let payload = json["d"].as_str().unwrap();
            assert_eq!((payload.len(), Stamp::decode(payload.as_bytes())), (100, Ok(stamp(sequence))));
            assert_eq!(Stamp::find_all(bytes).count(), 1);
        }
    }
}
