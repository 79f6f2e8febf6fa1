//! WebSocket frames (RFC 6455, section 5): encoding the server's, decoding the clients'.

use super::http::BODY_LIMIT;
use super::input::Input;

/// Close codes that this server sends.
pub(super) mod code {
    /// The channel is gone.
    pub(in crate::server) const GOING_AWAY: u16 = 1001;
    /// The client broke the protocol.
    pub(in crate::server) const PROTOCOL: u16 = 1002;
    /// Text that is not UTF-8.
    pub(in crate::server) const NOT_UTF8: u16 = 1007;
    /// Messages are not taken on this path.
    pub(in crate::server) const POLICY: u16 = 1008;
    /// A message above the limit.
    pub(in crate::server) const TOO_LARGE: u16 = 1009;
}

/// Frame types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    fn of(bits: u8) -> Option<Opcode> {
        use Opcode::{Binary, Close, Continuation, Ping, Pong, Text};
        [Continuation, Text, Binary, Close, Ping, Pong].into_iter().find(|&o| o as u8 == bits)
    }

    fn is_control(self) -> bool {
        self as u8 >= 8
    }
}

/// One unfragmented, unmasked frame, and where its payload begins.
pub(super) fn encode(opcode: Opcode, payload: &[u8]) -> (Vec<u8>, usize) {
    let mut frame = Vec::with_capacity(payload.len() + 10);
    frame.push(0x80 | opcode as u8);
    match payload.len() {
        n @ ..=125 => frame.push(n as u8),
        n @ 126..=65_535 => {
            frame.push(126);
            frame.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            frame.push(127);
            frame.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    let head = frame.len();
    frame.extend_from_slice(payload);
    (frame, head)
}

/// A close frame; no code, no payload.
pub(super) fn close(code: Option<u16>, reason: &str) -> Vec<u8> {
    let mut payload = code.map(|c| c.to_be_bytes().to_vec()).unwrap_or_default();
    payload.extend_from_slice(reason.as_bytes());
    encode(Opcode::Close, &payload).0
}

/// What a client said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A whole message, text checked to be UTF-8.
    Message(Opcode, Vec<u8>),
    /// A ping, to be answered with the same bytes.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// A close, with the code to echo.
    Close(Option<u16>),
}

/// Puts messages together from frames and their fragments. An error is the close code to end with.
#[derive(Default)]
pub(super) struct Assembler {
    /// The type of the message whose fragments are coming.
    kind: Option<Opcode>,
    parts: Vec<u8>,
}

struct Head {
    fin: bool,
    opcode: Opcode,
    mask: [u8; 4],
    head: usize,
    length: usize,
}

impl Assembler {
    /// The next thing out of what waits; `None` when more bytes are needed.
    ///
    /// # Errors
    /// The close code that says what is wrong.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<Incoming>, u16> {
        loop {
            let Some(head) = parse(input.waiting(), self.parts.len())? else { return Ok(None) };
            let whole = head.head + head.length;
            if input.waiting().len() < whole {
                return Ok(None);
            }
            let payload = &mut input.waiting_mut()[head.head..whole];
            unmask(payload, head.mask);
            let payload = payload.to_vec();
            input.consume(whole);
            if let Some(done) = self.take(&head, payload)? {
                return Ok(Some(done));
            }
        }
    }

    fn take(&mut self, head: &Head, payload: Vec<u8>) -> Result<Option<Incoming>, u16> {
        let kind = match (head.opcode, self.kind) {
            (Opcode::Ping, _) => return Ok(Some(Incoming::Ping(payload))),
            (Opcode::Pong, _) => return Ok(Some(Incoming::Pong)),
            (Opcode::Close, _) => return close_code(&payload).map(|c| Some(Incoming::Close(c))),
            (Opcode::Continuation, Some(kind)) => kind,
            (Opcode::Continuation, None) | (_, Some(_)) => return Err(code::PROTOCOL),
            (first, None) => first,
        };
        if self.parts.is_empty() {
            self.parts = payload;
        } else {
            self.parts.extend_from_slice(&payload);
        }
        if !head.fin {
            self.kind = Some(kind);
            return Ok(None);
        }
        self.kind = None;
        let message = std::mem::take(&mut self.parts);
        if kind == Opcode::Text && std::str::from_utf8(&message).is_err() {
            return Err(code::NOT_UTF8);
        }
        Ok(Some(Incoming::Message(kind, message)))
    }
}

/// Reads a frame head; `before` bytes of its message have come already.
fn parse(bytes: &[u8], before: usize) -> Result<Option<Head>, u16> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    let opcode = Opcode::of(first & 0x0F).ok_or(code::PROTOCOL)?;
    let (fin, masked, short) = (first & 0x80 != 0, second & 0x80 != 0, second & 0x7F);
    if first & 0x70 != 0 || !masked || (opcode.is_control() && (!fin || short > 125)) {
        return Err(code::PROTOCOL);
    }
    let extended = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let head = 2 + extended + 4;
    if bytes.len() < head {
        return Ok(None);
    }
    let wide = bytes[2..2 + extended].iter().fold(0_u64, |n, &b| n << 8 | u64::from(b));
    let length = match extended {
        0 => u64::from(short),
        2 if wide <= 125 => return Err(code::PROTOCOL),
        8 if wide <= 65_535 || wide >> 63 != 0 => return Err(code::PROTOCOL),
        _ => wide,
    };
    let room = if opcode.is_control() { 125 } else { BODY_LIMIT.saturating_sub(before) };
    if length > room as u64 {
        return Err(code::TOO_LARGE);
    }
    let mask = [bytes[head - 4], bytes[head - 3], bytes[head - 2], bytes[head - 1]];
    Ok(Some(Head { fin, opcode, mask, head, length: length as usize }))
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for group in payload.chunks_mut(4) {
        for (byte, key) in group.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
}

/// The code of a close frame, which must be one that may be sent.
fn close_code(payload: &[u8]) -> Result<Option<u16>, u16> {
    let [high, low, reason @ ..] = payload else {
        return if payload.is_empty() { Ok(None) } else { Err(code::PROTOCOL) };
    };
    let given = u16::from_be_bytes([*high, *low]);
    if !matches!(given, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(code::PROTOCOL);
    }
    match std::str::from_utf8(reason) {
        Ok(_) => Ok(Some(given)),
        Err(_) => Err(code::NOT_UTF8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's frame; `first` is the byte with FIN, reserved bits and opcode.
    fn client(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = encode(Opcode::Text, payload).0;
        frame[0] = first;
        frame[1] |= 0x80;
        let head = frame.len() - payload.len();
        frame.splice(head..head, [1, 2, 3, 4]);
        unmask(&mut frame[head + 4..], [1, 2, 3, 4]);
        frame
    }

    fn decode(parts: &[&[u8]]) -> (Vec<Incoming>, Option<u16>) {
        let (mut assembler, mut input) = (Assembler::default(), Input::default());
        let mut seen = Vec::new();
        for part in parts {
            input.extend(part);
            loop {
                match assembler.next(&mut input) {
                    Ok(Some(incoming)) => seen.push(incoming),
                    Ok(None) => break,
                    Err(code) => return (seen, Some(code)),
                }
            }
        }
        (seen, None)
    }

    #[test]
    fn any_split_decodes_alike() {
        let bytes = [
            client(0x01, b"frag"),
            client(0x89, b"ping"),
            client(0x80, b"mented"),
            client(0x82, &[7; 200]),
            client(0x81, b""),
            client(0x88, &[3, 232, b'b', b'y', b'e']),
        ]
        .concat();
        let (whole, _) = decode(&[&bytes]);
        assert_eq!(
            whole,
            [
                Incoming::Ping(b"ping".to_vec()),
                Incoming::Message(Opcode::Text, b"fragmented".to_vec()),
                Incoming::Message(Opcode::Binary, vec![7; 200]),
                Incoming::Message(Opcode::Text, Vec::new()),
                Incoming::Close(Some(1000)),
            ]
        );
        for at in 0..bytes.len() {
            let (first, second) = bytes.split_at(at);
            assert_eq!(decode(&[first, second]).0, whole, "split at {at}");
        }
    }

    #[test]
    fn each_fault_has_its_code() {
        let code_of = |bytes: &[u8]| decode(&[bytes]).1;
        assert_eq!(code_of(&[0x81, 0x01, b'x']), Some(1002), "unmasked");
        assert_eq!(code_of(&client(0xC1, b"x")), Some(1002), "reserved bit");
        assert_eq!(code_of(&client(0x83, b"x")), Some(1002), "unknown opcode");
        assert_eq!(code_of(&client(0x09, b"x")), Some(1002), "fragmented ping");
        assert_eq!(code_of(&client(0x89, &[0; 126])), Some(1002), "long ping");
        assert_eq!(code_of(&client(0x80, b"x")), Some(1002), "nothing to continue");
        assert_eq!(code_of(&[client(0x01, b"x"), client(0x81, b"x")].concat()), Some(1002), "two at once");
        assert_eq!(code_of(&[0x81, 0xFE, 0, 5, 0, 0, 0, 0]), Some(1002), "length not the shortest");
        assert_eq!(code_of(&[0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Some(1002), "sign bit");
        assert_eq!(code_of(&[0x81, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0]), Some(1009), "1 MiB + 1");
        assert_eq!(code_of(&[client(0x02, &[0; BODY_LIMIT]), client(0x80, b"x")].concat()), Some(1009));
        assert_eq!(code_of(&client(0x81, b"\xFF")), Some(1007), "text that is no UTF-8");
        assert_eq!(code_of(&client(0x88, &[3])), Some(1002), "half a code");
        assert_eq!(code_of(&client(0x88, &[3, 237])), Some(1002), "1005 is never sent");
        assert_eq!(code_of(&client(0x88, &[3, 232, 0xFF])), Some(1007), "reason that is no UTF-8");
    }
}
