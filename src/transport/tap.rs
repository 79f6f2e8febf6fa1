//! Counts WebSocket frames as they pass (RFC 6455, section 5.2), to the byte.
//!
//! Passive: it changes nothing and refuses nothing, which is the frame library's part; that library
//! hides how many bytes a message took on the wire, and several messages may lie in one read.

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

/// What [`FrameWalker::advance`] came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// All bytes are used up; the header of the next frame is not whole.
    Gathering,
    /// A frame's header is whole: [`FrameWalker::head`] holds it.
    Head,
    /// All bytes are used up within the payload of a frame.
    Part,
    /// A frame ended that is not the last of its message.
    FrameEnd,
    /// A message or a control frame ended, and took this.
    End(Taken),
}

/// Walks over the bytes of one direction, however they are split.
#[derive(Default)]
pub struct FrameWalker {
    /// The frame header being gathered: its first two bytes tell how long it is.
    head: [u8; 14],
    have: u8,
    /// Whether the header is whole, and the payload under way.
    in_payload: bool,
    /// Payload bytes of the current frame still to come.
    left: u64,
    /// The message under way; its fragments may have control frames between them.
    message: Taken,
    control: Taken,
    /// Frames of the message under way that have ended.
    frames: u32,
    /// The first bytes of the payload of the last close frame: its code.
    close: [u8; 2],
    close_have: u8,
}

impl FrameWalker {
    /// Goes on to the next mark: how many bytes that took, and what it is.
    pub fn advance(&mut self, bytes: &[u8]) -> (usize, Mark) {
        if !self.in_payload {
            return self.header(bytes);
        }
        let n = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= n as u64;
        self.keep_code(&bytes[..n]);
        self.count_payload(n as u64);
        (n, if self.left == 0 { self.frame_end() } else { Mark::Part })
    }

    /// Goes on to the end of a message or a control frame, or of the bytes: how many that took.
    pub fn to_end(&mut self, bytes: &[u8]) -> (usize, Option<Taken>) {
        let mut used = 0;
        loop {
            let (n, mark) = self.advance(&bytes[used..]);
            used += n;
            match mark {
                Mark::End(taken) => return (used, Some(taken)),
                Mark::Gathering | Mark::Part => return (used, None),
                Mark::Head | Mark::FrameEnd => {}
            }
        }
    }

    /// How many frames of the message under way have ended: 0 unless it is a fragmented one.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Takes the framing of the message under way, when a frame of it has ended: what is told of before
    /// the message is whole, if it ever is. Its [`Taken`] holds the rest.
    pub fn take_framing(&mut self) -> u64 {
        if self.frames == 0 { 0 } else { std::mem::take(&mut self.message.framing) }
    }

    /// The code of the last close frame as it came, whatever it is.
    pub fn close_code(&self) -> Option<u16> {
        (self.close_have == 2).then_some(u16::from_be_bytes(self.close))
    }

    /// The bytes of the current frame's header, as far as they are there.
    pub fn head(&self) -> &[u8] {
        &self.head[..usize::from(self.have)]
    }

    /// How many bytes of payload the current frame says it has.
    pub fn payload_len(&self) -> u64 {
        let wide = |n: usize| self.head[2..2 + n].iter().fold(0, |v, &b| v << 8 | u64::from(b));
        match self.head[1] & 0x7F {
            126 => wide(2),
            127 => wide(8),
            n => u64::from(n),
        }
    }

    /// Gathers one frame header.
    fn header(&mut self, bytes: &[u8]) -> (usize, Mark) {
        let mut taken = 0;
        while taken < bytes.len() && self.have < self.header_len() {
            self.head[usize::from(self.have)] = bytes[taken];
            self.have += 1;
            taken += 1;
        }
        if self.have < self.header_len() {
            return (taken, Mark::Gathering);
        }
        let header = u64::from(self.have);
        self.part().framing += header;
        (self.in_payload, self.left) = (true, self.payload_len());
        if self.is_close() {
            self.close_have = 0;
        }
        (taken, Mark::Head)
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

    fn is_control(&self) -> bool {
        self.head[0] & 0x08 != 0
    }

    fn is_close(&self) -> bool {
        self.head[0] & 0x0F == 0x08
    }

    fn keep_code(&mut self, payload: &[u8]) {
        if self.is_close() {
            for &byte in payload.iter().take(2 - usize::from(self.close_have)) {
                self.close[usize::from(self.close_have)] = byte;
                self.close_have += 1;
            }
        }
    }

    fn part(&mut self) -> &mut Taken {
        if self.is_control() { &mut self.control } else { &mut self.message }
    }

    fn count_payload(&mut self, n: u64) {
        if self.is_control() {
            self.control.framing += n;
        } else {
            self.message.payload += n;
        }
    }

    fn frame_end(&mut self) -> Mark {
        (self.have, self.in_payload) = (0, false);
        let last = self.head[0] & 0x80 != 0;
        if !self.is_control() {
            self.frames = if last { 0 } else { self.frames.saturating_add(1) };
        }
        if self.is_control() || last { Mark::End(std::mem::take(self.part())) } else { Mark::FrameEnd }
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

    /// What ended, and how many bytes that took in all.
    fn finished(pieces: &[&[u8]]) -> (Vec<Taken>, usize) {
        let (mut walker, mut ended, mut walked) = (FrameWalker::default(), Vec::new(), 0);
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                let (used, taken) = walker.to_end(rest);
                ended.extend(taken);
                walked += used;
                rest = &rest[used..];
            }
        }
        (ended, walked)
    }

    #[test]
    fn headers_are_two_four_and_ten_bytes() {
        for (len, header) in [(0, 2), (1, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let taken = Taken { framing: header, payload: len as u64 };
            let bytes = frame(0x82, len);
            assert_eq!(finished(&[&bytes]), (vec![taken], bytes.len()));
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
    fn the_framing_of_a_message_that_never_ends_is_told_before() {
        let mut walker = FrameWalker::default();
        walker.to_end(&[0x01, 0x01, b'x']);
        assert_eq!((walker.frames(), walker.take_framing()), (1, 2));
        walker.to_end(&[0, 0, 0, 0, 0, 0]);
        assert_eq!((walker.frames(), walker.take_framing(), walker.take_framing()), (4, 6, 0));
        assert_eq!(walker.to_end(&[0x80, 0x00]).1, Some(Taken { framing: 2, payload: 1 }));
        assert_eq!((walker.frames(), walker.take_framing()), (0, 0));
    }

    #[test]
    fn the_code_of_a_close_frame_is_kept_however_it_is_split() {
        for cut in 1..5 {
            let mut walker = FrameWalker::default();
            let bytes = [0x88, 0x04, 0x03, 0xE7, b'n', b'o'];
            walker.to_end(&bytes[..cut]);
            walker.to_end(&bytes[cut..]);
            assert_eq!(walker.close_code(), Some(999), "{cut}");
            walker.to_end(&[0x88, 0x01, 0x03]);
            assert_eq!(walker.close_code(), None);
        }
    }

    #[test]
    fn an_endless_length_does_no_harm() {
        let bytes = [&[0x82, 0xFF][..], &[0xFF; 8], &[0; 4], &[1; 50]].concat();
        assert_eq!(finished(&[&bytes]), (vec![], 64));
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
            prop_assert_eq!(whole.1, bytes.len());
            prop_assert!(whole.0.iter().map(Taken::total).sum::<u64>() <= bytes.len() as u64);
            prop_assert_eq!(finished(&pieces), whole.clone());
            let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(finished(&bytewise), whole);
        }
    }
}
