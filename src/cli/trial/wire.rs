//! What crossed a connection, taken apart for people: heads, bodies, chunks, frames. A reader of what
//! was already sent and received: it judges nothing, and what it does not understand it gives as it is.

use crate::net::Way;
use std::collections::VecDeque;

/// A body or a chunk beyond this is shown in pieces.
const MOST_HELD: usize = 1 << 20;

/// A piece of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The head of a request or an answer, without the empty line at its end, and its bytes.
    Head { text: String, bytes: usize },
    /// A body, or as much of it as came at once when it has no end in sight.
    Body(Vec<u8>),
    /// An HTTP chunk; of no bytes: the last one.
    Chunk(Vec<u8>),
    /// A WebSocket frame, unmasked.
    Frame(Frame),
}

/// A WebSocket frame (RFC 6455, section 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// What kind.
    pub(super) opcode: u8,
    /// Whether a message ends with it.
    pub(super) last: bool,
    /// Whether it is compressed (the first reserved bit).
    pub(super) compressed: bool,
    /// Bytes of its header.
    pub(super) header: usize,
    /// What it carries.
    pub(super) payload: Vec<u8>,
}

/// How the rest of one direction is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Body(usize),
    UntilClose,
    ChunkSize,
    Chunk(usize),
    Trailer,
    Frames,
}

/// One direction.
struct Half {
    state: State,
    held: Vec<u8>,
}

/// Both directions of a connection.
pub(super) struct Wire {
    out: Half,
    back: Half,
    /// Methods whose answers are still to come.
    asked: VecDeque<String>,
}

impl Default for Wire {
    fn default() -> Wire {
        let half = || Half { state: State::Head, held: Vec::new() };
        Wire { out: half(), back: half(), asked: VecDeque::new() }
    }
}

impl Wire {
    /// What is whole by now.
    pub(super) fn take(&mut self, way: Way, bytes: &[u8]) -> Vec<Piece> {
        let half = if way == Way::Out { &mut self.out } else { &mut self.back };
        half.held.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        while let Some(piece) = self.next(way) {
            pieces.extend(piece);
        }
        pieces
    }

    /// What came and is no whole piece: told when the connection ends.
    pub(super) fn rest(&mut self, way: Way) -> Vec<u8> {
        std::mem::take(if way == Way::Out { &mut self.out.held } else { &mut self.back.held })
    }

    /// `None`: more bytes are needed; `Some(None)`: something without a name of its own was read.
    fn next(&mut self, way: Way) -> Option<Option<Piece>> {
        let half = if way == Way::Out { &mut self.out } else { &mut self.back };
        if half.held.is_empty() {
            return None;
        }
        match half.state {
            State::Head => self.head(way).map(Some),
            State::Body(n) => half.counted(n).map(|b| Some(Piece::Body(b))),
            State::UntilClose => Some(Some(Piece::Body(std::mem::take(&mut half.held)))),
            State::ChunkSize => half.chunk_size(),
            State::Chunk(n) => half.chunk(n).map(|b| Some(Piece::Chunk(b))),
            State::Trailer => half.trailer().map(|()| None),
            State::Frames => half.frame().map(|f| Some(Piece::Frame(f))),
        }
    }

    fn head(&mut self, way: Way) -> Option<Piece> {
        let half = if way == Way::Out { &mut self.out } else { &mut self.back };
        let end = half.held.windows(4).position(|w| w == b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(&half.held[..end]).into_owned();
        half.held.drain(..end + 4);
        let first = text.lines().next().unwrap_or_default().to_owned();
        if way == Way::Out {
            self.asked.push_back(first.split(' ').next().unwrap_or_default().to_owned());
            half.state = body_of(&text, State::Head);
        } else {
            let status = first.split(' ').nth(1).and_then(|s| s.parse::<u16>().ok()).unwrap_or(0);
            self.answered(status, &text);
        }
        Some(Piece::Head { bytes: end + 4, text })
    }

    fn answered(&mut self, status: u16, head: &str) {
        let bodiless = matches!(status, 204 | 304) || self.asked.front().is_some_and(|m| m == "HEAD");
        self.back.state = match status {
            101 => State::Frames,
            100..200 => State::Head,
            _ if bodiless => State::Head,
            _ => body_of(head, State::UntilClose),
        };
        if status == 101 {
            self.out.state = State::Frames;
        }
        if !(100..200).contains(&status) {
            self.asked.pop_front();
        }
    }
}

/// How the body behind a head is delimited (RFC 9112, section 6.3); `otherwise` when nothing says.
fn body_of(head: &str, otherwise: State) -> State {
    let field = |name: &str| {
        let line =
            |l: &str| l.split_once(':').map(|(n, v)| (n.trim().to_ascii_lowercase(), v.trim().to_owned()));
        head.lines().skip(1).filter_map(line).find(|(n, _)| n == name).map(|(_, v)| v)
    };
    if field("transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked")) {
        return State::ChunkSize;
    }
    match field("content-length").and_then(|v| v.parse().ok()) {
        Some(0) => State::Head,
        Some(n) => State::Body(n),
        None => otherwise,
    }
}

impl Half {
    /// A body of `n` bytes, or a large piece of it.
    fn counted(&mut self, n: usize) -> Option<Vec<u8>> {
        if self.held.len() < n.min(MOST_HELD) {
            return None;
        }
        let take = n.min(self.held.len());
        self.state = if take == n { State::Head } else { State::Body(n - take) };
        Some(self.held.drain(..take).collect())
    }

    fn chunk_size(&mut self) -> Option<Option<Piece>> {
        let end = self.held.windows(2).position(|w| w == b"\r\n")?;
        let line: Vec<u8> = self.held.drain(..end + 2).collect();
        let digits = line.split(|b| matches!(b, b';' | b'\r' | b' ')).next().unwrap_or_default();
        let size = std::str::from_utf8(digits).ok().and_then(|d| usize::from_str_radix(d, 16).ok());
        match size {
            Some(0) => {
                self.state = State::Trailer;
                Some(Some(Piece::Chunk(Vec::new())))
            }
            Some(n) => {
                self.state = State::Chunk(n);
                Some(None)
            }
            None => {
                self.state = State::UntilClose;
                Some(Some(Piece::Body(line)))
            }
        }
    }

    fn chunk(&mut self, n: usize) -> Option<Vec<u8>> {
        if self.held.len() >= n + 2 {
            let chunk = self.held.drain(..n).collect();
            self.held.drain(..2);
            self.state = State::ChunkSize;
            return Some(chunk);
        }
        if self.held.len() < MOST_HELD || n <= MOST_HELD {
            return None;
        }
        self.state = State::Chunk(n - MOST_HELD);
        Some(self.held.drain(..MOST_HELD).collect())
    }

    /// Fields behind the last chunk, up to an empty line.
    fn trailer(&mut self) -> Option<()> {
        let end = self.held.windows(2).position(|w| w == b"\r\n")?;
        self.held.drain(..end + 2);
        if end == 0 {
            self.state = State::Head;
        }
        Some(())
    }

    fn frame(&mut self) -> Option<Frame> {
        let (&first, &second) = (self.held.first()?, self.held.get(1)?);
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let masked = second & 0x80 != 0;
        let header = 2 + extended + if masked { 4 } else { 0 };
        if self.held.len() < header {
            return None;
        }
        let long = self.held[2..2 + extended].iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
        let length = if extended == 0 { usize::from(second & 0x7f) } else { long as usize };
        let end = header.checked_add(length)?;
        if self.held.len() < end {
            return None;
        }
        let mut payload = self.held[header..end].to_vec();
        if masked {
            let mask = &self.held[header - 4..header];
            payload.iter_mut().zip(mask.iter().cycle()).for_each(|(b, m)| *b ^= m);
        }
        self.held.drain(..end);
        let (opcode, last, compressed) = (first & 0x0f, first & 0x80 != 0, first & 0x40 != 0);
        Some(Frame { opcode, last, compressed, header, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UPGRADE: &[u8] = b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n";
    const ANSWERS: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 304 Not Modified\r\n\r\n\
        HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0\r\nT: 1\r\n\r\n\
        HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02ok\xc1\x01x\x89\x00";

    fn heads(pieces: &[Piece]) -> Vec<&str> {
        let first = |p: &Piece| matches!(p, Piece::Head { .. });
        pieces
            .iter()
            .filter(|p| first(p))
            .map(|p| match p {
                Piece::Head { text, .. } => text.lines().next().unwrap(),
                _ => unreachable!(),
            })
            .collect()
    }

    fn frame(opcode: u8, compressed: bool, payload: &[u8]) -> Piece {
        Piece::Frame(Frame { opcode, last: true, compressed, header: 2, payload: payload.to_vec() })
    }

    fn all() -> Vec<Piece> {
        Wire::default().take(Way::In, ANSWERS)
    }

    #[test]
    fn bodies_chunks_and_frames_are_told_apart() {
        let pieces = all();
        assert_eq!(heads(&pieces).len(), 4);
        assert!(pieces.contains(&Piece::Body(b"hi".to_vec())));
        assert!(pieces.contains(&Piece::Chunk(b"hello".to_vec())));
        assert_eq!(
            pieces[pieces.len() - 3..],
            [frame(1, false, b"ok"), frame(1, true, b"x"), frame(9, false, b"")]
        );
    }

    #[test]
    fn a_request_body_ends_where_its_length_says_and_frames_are_unmasked() {
        let mut wire = Wire::default();
        let post = b"POST /p HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc";
        let pieces = wire.take(Way::Out, &[&post[..], UPGRADE].concat());
        assert_eq!(heads(&pieces), ["POST /p HTTP/1.1", "GET /ws HTTP/1.1"]);
        assert_eq!(pieces[1], Piece::Body(b"abc".to_vec()));
        wire.take(Way::In, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 101 S\r\n\r\n");
        let sent = wire.take(Way::Out, b"\x81\x82\x01\x02\x03\x04\x69\x6b");
        let Piece::Frame(frame) = &sent[0] else { panic!("{sent:?}") };
        assert_eq!((frame.payload.as_slice(), frame.header), (&b"hi"[..], 6));
    }

    #[test]
    fn a_body_that_ends_with_the_connection_comes_as_it_comes() {
        let mut wire = Wire::default();
        wire.take(Way::In, b"HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(wire.take(Way::In, b": hi\n\n"), [Piece::Body(b": hi\n\n".to_vec())]);
        assert_eq!(wire.take(Way::In, b"data"), [Piece::Body(b"data".to_vec())]);
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_reads_alike(at in 0..ANSWERS.len()) {
            let mut wire = Wire::default();
            let mut pieces = wire.take(Way::In, &ANSWERS[..at]);
            pieces.extend(wire.take(Way::In, &ANSWERS[at..]));
            prop_assert_eq!(pieces, all());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut wire = Wire::default();
            wire.take(Way::In, b"HTTP/1.1 101 S\r\n\r\n");
            wire.take(Way::In, &bytes);
            wire.take(Way::Out, &bytes);
        }
    }
}
