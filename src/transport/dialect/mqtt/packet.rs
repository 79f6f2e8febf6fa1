//! Packets of MQTT 3.1.1, written and read. Section numbers are those of the standard.

use crate::model::Failure;

/// Largest packet taken, bytes behind its length.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// PINGREQ (3.12).
pub(super) const PING: &[u8] = &[0xC0, 0];
/// DISCONNECT (3.14).
pub(super) const DISCONNECT: &[u8] = &[0xE0, 0];
/// The id of the one packet of ours that needs one.
const SUBSCRIBE_ID: [u8; 2] = [0, 1];

/// What CONNECT tells (3.1).
pub(super) struct Login {
    pub(super) client: Vec<u8>,
    pub(super) username: Option<Vec<u8>>,
    pub(super) password: Option<Vec<u8>>,
    pub(super) seconds: u16,
}

/// A packet that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Incoming<'a> {
    /// CONNACK with its return code (3.2).
    Connected(u8),
    /// SUBACK with its return code (3.9).
    Subscribed(u8),
    /// PUBLISH (3.3); the id is there when it wants to be acknowledged.
    Published { id: Option<u16>, payload: &'a [u8] },
    /// PINGRESP, and what a subscriber never gets.
    Other,
}

/// CONNECT (3.1), with a clean session.
pub(super) fn connect(login: &Login) -> Result<Vec<u8>, String> {
    let flag = |given: bool, bit: u8| if given { bit } else { 0 };
    let flags = 0x02 | flag(login.username.is_some(), 0x80) | flag(login.password.is_some(), 0x40);
    let mut body = b"\0\x04MQTT\x04".to_vec();
    body.push(flags);
    body.extend(login.seconds.to_be_bytes());
    text(&login.client, &mut body)?;
    for more in [&login.username, &login.password].into_iter().flatten() {
        text(more, &mut body)?;
    }
    Ok(packet(0x10, &body))
}

/// SUBSCRIBE to one topic filter (3.8).
pub(super) fn subscribe(topic: &[u8], qos: u8) -> Result<Vec<u8>, String> {
    let mut body = SUBSCRIBE_ID.to_vec();
    text(topic, &mut body)?;
    body.push(qos);
    Ok(packet(0x82, &body))
}

/// PUBACK (3.4).
pub(super) fn acknowledge(id: u16) -> Vec<u8> {
    packet(0x40, &id.to_be_bytes())
}

/// A text with its length in front (1.5.3).
fn text(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let length =
        u16::try_from(bytes.len()).map_err(|_| "mqtt: a text of more than 65535 bytes".to_owned())?;
    out.extend(length.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// A fixed header (2.2) and what follows.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut left = body.len();
    loop {
        let more = left >= 128;
        out.push((left % 128) as u8 | if more { 128 } else { 0 });
        left /= 128;
        if !more {
            break;
        }
    }
    out.extend_from_slice(body);
    out
}

/// What is wrong with what came.
type Fault = (Failure, String);

/// The first packet of these bytes and how many it takes; `None`: it is not whole.
///
/// # Errors
/// `BadFraming` or `MessageTooLarge`, in words.
pub(super) fn next(bytes: &[u8]) -> Result<Option<(Incoming<'_>, usize)>, Fault> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
    let Some((length, digits)) = length(rest)? else { return Ok(None) };
    if length > MOST_BYTES {
        return Err((
            Failure::MessageTooLarge,
            format!("a packet of {length} bytes; the limit is {MOST_BYTES}"),
        ));
    }
    let Some(body) = rest.get(digits..digits + length) else { return Ok(None) };
    Ok(Some((read(first, body)?, 1 + digits + length)))
}

/// The remaining length (2.2.3), and how many bytes it takes.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Fault> {
    let mut length = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((length, at + 1)));
        }
    }
    if bytes.len() < 4 { Ok(None) } else { Err(bad("a length of more than four bytes")) }
}

fn bad(why: &str) -> Fault {
    (Failure::BadFraming, why.to_owned())
}

fn read(first: u8, body: &[u8]) -> Result<Incoming<'_>, Fault> {
    match first >> 4 {
        2 => body.get(1).map(|code| Incoming::Connected(*code)).ok_or_else(|| bad("a short CONNACK")),
        3 => publish(first, body).ok_or_else(|| bad("a PUBLISH cut short, or of quality 2 or 3")),
        9 => body.get(2).map(|code| Incoming::Subscribed(*code)).ok_or_else(|| bad("a short SUBACK")),
        0 | 15 => Err(bad("a packet of a reserved type")),
        _ => Ok(Incoming::Other),
    }
}

fn publish(first: u8, body: &[u8]) -> Option<Incoming<'_>> {
    let two = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let topic_end = 2 + usize::from(two(0)?);
    match first >> 1 & 3 {
        0 => Some(Incoming::Published { id: None, payload: body.get(topic_end..)? }),
        1 => Some(Incoming::Published { id: Some(two(topic_end)?), payload: body.get(topic_end + 2..)? }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn our_packets_are_those_of_the_standard() {
        let login = Login { client: b"c1".to_vec(), username: None, password: None, seconds: 60 };
        assert_eq!(connect(&login).unwrap(), b"\x10\x0e\x00\x04MQTT\x04\x02\x00<\x00\x02c1");
        assert_eq!(subscribe(b"r1", 0).unwrap(), b"\x82\x07\x00\x01\x00\x02r1\x00");
        assert_eq!(acknowledge(1), b"@\x02\x00\x01");
        let login = Login { username: Some(b"u".to_vec()), password: Some(b"p".to_vec()), ..login };
        assert_eq!(connect(&login).unwrap()[9], 0xC2);
        assert!(subscribe(&[b'x'; 70_000], 0).is_err());
        assert_eq!(packet(0x30, &[0; 321])[..3], [0x30, 0xC1, 0x02]);
    }

    #[test]
    fn what_comes_is_read_and_what_is_cut_waits() {
        let stream = b" \x02\x00\x00\x90\x03\x00\x01\x000\x06\x00\x02r1MM2\x06\x00\x01r\x00\x07M\xd0\x00";
        let (mut at, mut found) = (0, Vec::new());
        while let Some((packet, taken)) = next(&stream[at..]).unwrap() {
            for cut in 0..taken {
                assert_eq!(next(&stream[at..at + cut]), Ok(None));
            }
            found.push(packet);
            at += taken;
        }
        let published = |id, payload| Incoming::Published { id, payload };
        let wanted = [
            Incoming::Connected(0),
            Incoming::Subscribed(0),
            published(None, b"MM"),
            published(Some(7), b"M"),
            Incoming::Other,
        ];
        assert_eq!((found.as_slice(), at), (&wanted[..], stream.len()));
    }

    #[test]
    fn bad_lengths_are_named() {
        assert_eq!(next(b"0\xff\xff\xff\xff").unwrap_err().0, Failure::BadFraming);
        assert_eq!(next(b"0\xff\xff\xff\x7f").unwrap_err().0, Failure::MessageTooLarge);
        assert_eq!(next(b"0\x02\x00\x09").unwrap_err().0, Failure::BadFraming);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = next(&bytes);
        }
    }
}
