//! Counts WebSocket frames as they pass (RFC 6455, section 5.2), to the byte.
//!
//! Passive: it changes nothing and refuses nothing, which is the frame library's part; that library
//! hides how many bytes a message took on the wire, and several messages may lie in one read.

use std::collections::VecDeque;

/// What one message or control frame took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Frame headers, and the payload of a control frame.
    pub framing: u64,
    /// Payload of the data frames of one message.
    pub payload: u64,
}

impl Taken {
    /// All bytes.
    pub fn total(&self) -> u64 {
        self.framing + self.payload
    }
}

/// Walks over the bytes of one direction, however they are split.
#[derive(Default)]
pub struct FrameWalker {
    /// The frame header being gathered: its first two bytes tell how long it is.
    head: [u8; 14],
    have: u8,
    /// Payload bytes of the current frame still to come.
    left: u64,
    /// The message under way; its fragments may have control frames between them.
    message: Taken,
    control: Taken,
    total: Taken,
    finished: VecDeque<Taken>,
    ended: u64,
}

impl FrameWalker {
    /// Takes the next bytes.
    pub fn walk(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left == 0 {
                bytes = self.header(bytes);
            } else {
                let n = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= n as u64;
                self.count_payload(n as u64);
                bytes = &bytes[n..];
            }
            if self.left == 0 && self.have > 0 && self.have == self.header_len() {
                self.frame_end();
            }
        }
    }

    /// What the next finished message or control frame took, in the order of their ends.
    pub fn next_finished(&mut self) -> Option<Taken> {
        self.finished.pop_front()
    }

    /// How many messages and control frames have ended so far.
    pub fn ended(&self) -> u64 {
        self.ended
    }

    /// Everything so far, unfinished frames included; its sum is what was walked over.
    pub fn total(&self) -> Taken {
        self.total
    }

    /// Gathers one frame header; what is left of the bytes.
    fn header<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let mut taken = 0;
        while taken < bytes.len() && self.have < self.header_len() {
            self.head[usize::from(self.have)] = bytes[taken];
            self.have += 1;
            taken += 1;
        }
        if self.have == self.header_len() {
            self.left = self.payload_len();
        }
        self.total.framing += taken as u64;
        self.part().framing += taken as u64;
        &bytes[taken..]
    }

    /// How long this header is; two bytes until they are known.
    fn header_len(&self) -> u8 {
        if self.have < 2 {
            return 2;
        }
        let length = match self.head[1] & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + if self.head[1] & 0x80 == 0 { 0 } else { 4 }
    }

    fn payload_len(&self) -> u64 {
        let wide = |n: usize| self.head[2..2 + n].iter().fold(0, |v, &b| v << 8 | u64::from(b));
        match self.head[1] & 0x7F {
            126 => wide(2),
            127 => wide(8),
            n => u64::from(n),
        }
    }

    fn is_control(&self) -> bool {
        self.head[0] & 0x08 != 0
    }

    fn part(&mut self) -> &mut Taken {
        if self.is_control() { &mut self.control } else { &mut self.message }
    }

    fn count_payload(&mut self, n: u64) {
        if self.is_control() {
            self.control.framing += n;
            self.total.framing += n;
        } else {
            self.message.payload += n;
            self.total.payload += n;
        }
    }

    fn frame_end(&mut self) {
        self.have = 0;
        let last = self.head[0] & 0x80 != 0;
        if self.is_control() || last {
            let taken = std::mem::take(self.part());
            self.finished.push_back(taken);
            self.ended += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(first: u8, len: usize) -> Vec<u8> {
        let mut out = vec![first];
        match len {
            0..126 => out.push(len as u8),
            126..65_536 => out.extend([&[126][..], &(len as u16).to_be_bytes()].concat()),
            _ => out.extend([&[127][..], &(len as u64).to_be_bytes()].concat()),
        }
        out.resize(out.len() + len, b'x');
        out
    }

    fn finished(pieces: &[&[u8]]) -> (Vec<Taken>, Taken) {
        let mut walker = FrameWalker::default();
        for piece in pieces {
            walker.walk(piece);
        }
        (std::iter::from_fn(|| walker.next_finished()).collect(), walker.total())
    }

    #[test]
    fn headers_are_two_four_and_ten_bytes() {
        for (len, header) in [(0, 2), (1, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let taken = Taken { framing: header, payload: len as u64 };
            assert_eq!(finished(&[&frame(0x82, len)]), (vec![taken], taken));
        }
    }

    #[test]
    fn a_mask_is_four_more() {
        let masked = [0x81, 0x83, 1, 2, 3, 4, 9, 9, 9];
        assert_eq!(finished(&[&masked]).0, [Taken { framing: 6, payload: 3 }]);
    }

    #[test]
    fn fragments_are_one_message_and_control_frames_between_them_their_own() {
        let bytes = [frame(0x01, 3), frame(0x89, 5), frame(0x00, 0), frame(0x80, 200)].concat();
        let want = [Taken { framing: 7, payload: 0 }, Taken { framing: 2 + 2 + 4, payload: 203 }];
        assert_eq!(finished(&[&bytes]).0, want);
    }

    #[test]
    fn an_endless_length_does_no_harm() {
        let bytes = [&[0x82, 0xFF][..], &[0xFF; 8], &[0; 4], &[1; 50]].concat();
        assert_eq!(finished(&[&bytes]), (vec![], Taken { framing: 14, payload: 50 }));
    }

    proptest! {
        #[test]
        fn any_split_counts_alike(
            frames in prop::collection::vec((any::<u8>(), prop_oneof![0_usize..200, 65_500_usize..65_600]), 0..6),
            garbage in prop::collection::vec(any::<u8>(), 0..40),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let mut bytes: Vec<u8> = frames.iter().flat_map(|&(first, len)| frame(first, len)).collect();
            bytes.extend(garbage);
            let mut at: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            let whole = finished(&[&bytes]);
            prop_assert_eq!(whole.1.total() as usize, bytes.len());
            prop_assert_eq!(finished(&pieces), whole.clone());
            let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(finished(&bytewise), whole);
        }
    }
}
