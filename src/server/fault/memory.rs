//! `memory`: bytes that each subscribing connection costs beyond what it needs.

use super::FaultError;
use super::words::Words;

/// How it is written.
pub(super) const FORM: &str = "memory SIZE";

/// The most that one connection may hold, in bytes.
const MOST: u64 = 1 << 30;

/// Bytes of `memory 10KiB`.
pub(super) fn read(mut words: Words<'_>) -> Result<u64, FaultError> {
    const WANT: &str = "a size such as 10KiB (B, KiB, MiB; at most 1 GiB)";
    let word = words.next();
    let size = word.and_then(|w| {
        let digits = w.find(|c: char| !c.is_ascii_digit()).unwrap_or(w.len());
        let (number, unit) = w.split_at(digits);
        let unit = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(unit)
    });
    let size = size.filter(|n| (1..=MOST).contains(n)).ok_or_else(|| words.wanted(word, WANT))?;
    words.end()?;
    Ok(size)
}

/// So many bytes, written to; freed when dropped.
pub(in crate::server) struct Ballast(Box<[u8]>);

impl Ballast {
    /// Takes them. Written with something else than zeros, which the kernel would not have to back.
    pub(in crate::server) fn take(bytes: u64) -> Ballast {
        Ballast(std::hint::black_box(vec![0xA5; bytes as usize].into_boxed_slice()))
    }

    /// Its size in bytes.
    pub(in crate::server) fn bytes(&self) -> u64 {
        self.0.len() as u64
    }
}
