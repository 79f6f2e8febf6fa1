//! The token that a published message carries, wherever in its payload.
//!
//! ```text
//! PB1.rrr.ccc.sssss.dddddddd.llll.kk      34 bytes, alphabet [A-Za-z0-9._-]
//! marker  run channel sequence due(us) late(us) check
//! ```
//! Every field is fixed in width and written in 64 symbols, most significant first. Receivers find
//! it by searching bytes for the marker, so no parser stands on the hot path and the token survives
//! JSON, HTML, XML and coalesced frames. Microseconds, because some servers pass numbers through
//! doubles; fixed width, so that a message's size does not vary.

use super::Nanos;
use memchr::memmem::Finder;
use std::sync::LazyLock;

const SYMBOLS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";
/// Built once: its tables cost more than a search.
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(Stamp::MARKER));
const BAD: u8 = 0xff;
const VALUES: [u8; 256] = {
    let mut table = [BAD; 256];
    let mut i = 0;
    while i < 64 {
        table[SYMBOLS[i] as usize] = i as u8;
        i += 1;
    }
    table
};

/// Tells one run's messages from what an earlier run left in a server's history; 18 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RunTag(u32);

impl RunTag {
    /// A tag from any number; the low 18 bits count.
    pub const fn new(n: u32) -> RunTag {
        RunTag(n & 0x3_ffff)
    }

    /// Three characters from `[0-9A-Za-z]`, safe in channel names and URLs.
    pub fn as_word(self) -> String {
        let mut n = self.0;
        let mut word = [0_u8; 3];
        for c in word.iter_mut().rev() {
            *c = SYMBOLS[(n % 62) as usize];
            n /= 62;
        }
        word.iter().map(|b| *b as char).collect()
    }
}

/// Who sent a message, which one it is, when it was due and how late it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The run it belongs to.
    pub run: RunTag,
    /// Index of the channel, below 2^18. A channel has one publisher.
    pub channel: u32,
    /// Number of the message on its channel, from 0, below 2^30.
    pub sequence: u32,
    /// When it was to be sent, whole microseconds of the run's clock.
    pub due: Nanos,
    /// How much later it really was sent: whole microseconds, held at [`Stamp::LATE_MAX`].
    pub late: Nanos,
}

/// Why bytes at a marker are not a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// The bytes end before the token does.
    #[error("cut short")]
    Short,
    /// A character outside the alphabet, or a separator elsewhere.
    #[error("not a stamp")]
    Malformed,
    /// The check characters do not fit: the token was altered on its way.
    #[error("check characters do not fit")]
    Check,
}

impl Stamp {
    /// Bytes of a token.
    pub const LEN: usize = 34;
    /// What every token begins with.
    pub const MARKER: &'static [u8; 4] = b"PB1.";
    /// The greatest lateness a token can tell, 16.777215 s; a greater one is held here.
    pub const LATE_MAX: Nanos = Nanos::from_micros((1 << 24) - 1);

    /// When it was really sent (exact up to [`Stamp::LATE_MAX`] of lateness).
    pub fn sent(&self) -> Nanos {
        self.due + self.late
    }

    /// Writes the token. Fields beyond their range keep their low bits, `late` is held at its end.
    pub fn encode(&self) -> [u8; Stamp::LEN] {
        let mut out = *b"PB1.000.000.00000.00000000.0000.00";
        put(&mut out[4..7], u64::from(self.run.0));
        put(&mut out[8..11], u64::from(self.channel));
        put(&mut out[12..17], u64::from(self.sequence));
        put(&mut out[18..26], self.due.as_micros());
        put(&mut out[27..31], self.late.min(Stamp::LATE_MAX).as_micros());
        let check = check(&out[4..31]);
        put(&mut out[32..34], check);
        out
    }

    /// Reads the token that starts at the first byte.
    ///
    /// # Errors
    /// When the bytes are too few, outside the alphabet, or the check characters do not fit.
    pub fn decode(bytes: &[u8]) -> Result<Stamp, StampError> {
        let token = bytes.get(..Stamp::LEN).ok_or(StampError::Short)?;
        let dots = [3, 7, 11, 17, 26, 31].iter().all(|&i| token[i] == b'.');
        if !dots || token[..4] != Stamp::MARKER[..] {
            return Err(StampError::Malformed);
        }
        let field = |range: std::ops::Range<usize>| get(&token[range]).ok_or(StampError::Malformed);
        let stamp = Stamp {
            run: RunTag(field(4..7)? as u32),
            channel: field(8..11)? as u32,
            sequence: field(12..17)? as u32,
            due: Nanos::from_micros(field(18..26)?),
            late: Nanos::from_micros(field(27..31)?),
        };
        if field(32..34)? == check(&token[4..31]) { Ok(stamp) } else { Err(StampError::Check) }
    }

    /// Every token in `bytes`, in order. A marker whose token is broken comes as its error.
    pub fn find_all(bytes: &[u8]) -> impl Iterator<Item = Result<Stamp, StampError>> + '_ {
        let mut from = 0;
        std::iter::from_fn(move || {
            let at = from + FINDER.find(bytes.get(from..)?)?;
            let found = Stamp::decode(&bytes[at..]);
            from = at + if found.is_ok() { Stamp::LEN } else { Stamp::MARKER.len() };
            Some(found)
        })
    }
}

fn put(out: &mut [u8], mut value: u64) {
    for c in out.iter_mut().rev() {
        *c = SYMBOLS[(value & 63) as usize];
        value >>= 6;
    }
}

fn get(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |sum, c| match VALUES[*c as usize] {
        BAD => None,
        v => Some(sum << 6 | u64::from(v)),
    })
}

/// CRC-12 (polynomial 0x80F, no reflection): two symbols. A CRC of that length finds every single
/// altered character, and of other damage all but one case in 4,096.
fn check(fields: &[u8]) -> u64 {
    let step =
        |crc: u16, byte: &u8| (crc << 8 ^ CRC[usize::from(crc >> 4 ^ u16::from(*byte)) & 0xff]) & 0xfff;
    u64::from(fields.iter().fold(0, step))
}

const CRC: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 4;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x800 == 0 { crc << 1 } else { crc << 1 ^ 0x80f };
            bit += 1;
        }
        table[byte] = crc & 0xfff;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamp(run: u32, channel: u32, sequence: u32, due: u64, late: u64) -> Stamp {
        Stamp {
            run: RunTag::new(run),
            channel: channel & 0x3_ffff,
            sequence: sequence & 0x3fff_ffff,
            due: Nanos::from_micros(due & 0xffff_ffff_ffff),
            late: Nanos::from_micros(late & 0xff_ffff),
        }
    }

    proptest! {
        #[test]
        fn round_trip(run: u32, channel: u32, sequence: u32, due: u64, late: u64, before in "[a-zP. ]{0,20}", after in "[a-zP. ]{0,20}") {
            let wanted = stamp(run, channel, sequence, due, late);
            let token = wanted.encode();
            prop_assert!(token.iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b)));
            let text = [before.as_bytes(), &token, &token, after.as_bytes()].concat();
            let found: Vec<_> = Stamp::find_all(&text).collect();
            prop_assert_eq!(found, vec![Ok(wanted), Ok(wanted)]);
        }

        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let _ = Stamp::find_all(&bytes).count();
        }

        #[test]
        fn an_altered_character_is_noticed(at in 4_usize..31, to in 0_usize..64) {
            let token = stamp(7, 3, 42, 123_456_789, 55).encode();
            let mut altered = token;
            altered[at] = SYMBOLS[to];
            prop_assert!(altered == token || Stamp::decode(&altered).is_err());
        }
    }

    #[test]
    fn lateness_is_held_at_its_end() {
        let mut s = stamp(1, 2, 3, 4, 5);
        s.late = Nanos(40 * Nanos::SECOND.0);
        assert_eq!(Stamp::decode(&s.encode()).map(|s| s.late), Ok(Stamp::LATE_MAX));
    }

    #[test]
    fn a_cut_token_is_short() {
        let token = stamp(1, 2, 3, 4, 5).encode();
        assert_eq!(Stamp::find_all(&token[..20]).collect::<Vec<_>>(), vec![Err(StampError::Short)]);
    }

    #[test]
    fn tags_make_words() {
        assert_eq!(RunTag::new(0).as_word(), "000");
        assert_eq!(RunTag::new(0x3_ffff).as_word().len(), 3);
    }
}
