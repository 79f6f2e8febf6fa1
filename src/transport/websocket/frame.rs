//! Frames that a client sends: masked, whole, never compressed (RFC 6455, section 5.2).

/// Opcode of a ping.
pub(super) const PING: u8 = 9;
/// Most bytes that a frame has beside its payload.
pub(super) const MOST_FRAMING: usize = 14;

/// Opcode of a message.
pub(super) fn data(binary: bool) -> u8 {
    if binary { 2 } else { 1 }
}

/// Appends one frame with a random mask.
pub(super) fn write(opcode: u8, body: &[u8], out: &mut Vec<u8>) {
    let mask = fastrand::u32(..).to_ne_bytes();
    out.reserve(body.len() + MOST_FRAMING);
    out.push(0x80 | opcode);
    match body.len() {
        n @ 0..126 => out.push(0x80 | n as u8),
        n @ 126..65_536 => {
            out.push(0x80 | 126);
            out.extend((n as u16).to_be_bytes());
        }
        n => {
            out.push(0x80 | 127);
            out.extend((n as u64).to_be_bytes());
        }
    }
    out.extend(mask);
    out.extend(body.iter().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unmasked(frame: &[u8], header: usize) -> Vec<u8> {
        let (mask, body) = frame[header..].split_at(4);
        body.iter().enumerate().map(|(i, b)| b ^ mask[i % 4]).collect()
    }

    #[test]
    fn every_size_of_header_and_a_mask() {
        for (len, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let (body, mut out) = ((0..len).map(|i| i as u8).collect::<Vec<_>>(), vec![7]);
            write(data(true), &body, &mut out);
            assert_eq!((out[0], out[1], out[2] & 0x80), (7, 0x82, 0x80));
            assert_eq!(out.len(), 1 + header + 4 + len);
            assert_eq!(unmasked(&out[1..], header), body);
        }
    }
}
