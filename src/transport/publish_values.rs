//! Values that a target tells: how many received a publish, and what its own messages say about
//! themselves. Finds and reads; judges nothing.

use super::http1::Head;
use super::json_at::{Pointer, Scalar};
use crate::model::Nanos;
use crate::scenario::{ClockQuestion, ReceiversFrom, TargetFeed, TimeFrom, TimeUnit, ValueFrom};
use regex_lite::Regex;

/// A longest date and time; a longer text is none.
const LONGEST_TEXT: usize = 64;

/// Reads how many received a message from the answer to its publish.
#[derive(Clone, Debug)]
pub struct ReceiversReader(From);

/// Where a value is found.
#[derive(Clone, Debug)]
enum From {
    Header(String),
    Pointer(Pointer),
    Regex(Regex),
    At(usize, usize),
    /// A pattern that does not compile finds nothing; the scenario's check refuses it long before.
    Nothing,
}

impl ReceiversReader {
    /// A reader of this place.
    pub fn new(from: &ReceiversFrom) -> ReceiversReader {
        ReceiversReader(match from {
            ReceiversFrom::Header(name) => From::Header(name.clone()),
            ReceiversFrom::Pointer(text) => From::Pointer(Pointer::new(text)),
            ReceiversFrom::Regex(text) => From::regex(text),
        })
    }

    pub(super) fn in_head(&self, head: &Head<'_>) -> Option<u32> {
        let From::Header(name) = &self.0 else { return None };
        std::str::from_utf8(head.header(name)?).ok()?.trim().parse().ok()
    }

    pub(super) fn in_body(&self, body: &[u8]) -> Option<u32> {
        u32::try_from(self.0.read(body, whole)?).ok()
    }
}

/// Reads the number and the time of a message that a target published by itself.
#[derive(Clone, Debug)]
pub struct OwnValues {
    sequence: Option<From>,
    time: Option<(From, TimeUnit)>,
}

impl OwnValues {
    /// A reader of what the scenario names.
    pub fn new(feed: &TargetFeed) -> OwnValues {
        let time = |t: &TimeFrom| (From::new(&t.from), t.unit);
        OwnValues { sequence: feed.sequence.as_ref().map(From::new), time: feed.time.as_ref().map(time) }
    }

    /// Whether messages tell a number.
    pub fn has_sequence(&self) -> bool {
        self.sequence.is_some()
    }

    /// Whether messages tell a time.
    pub fn has_time(&self) -> bool {
        self.time.is_some()
    }

    /// The number of this message; `None` when there is none where it should be.
    pub fn sequence(&self, body: &[u8]) -> Option<u64> {
        self.sequence.as_ref()?.read(body, whole)
    }

    /// The time of this message on the target's clock (of a wall clock: since 1970); `None` when there
    /// is none where it should be.
    pub fn time(&self, body: &[u8]) -> Option<Nanos> {
        let (from, unit) = self.time.as_ref()?;
        from.read(body, |value| instant(value, *unit))
    }
}

/// Reads what a clock that is asked answers.
#[derive(Clone, Debug)]
pub struct ClockReader {
    received: From,
    sent: From,
    unit: TimeUnit,
}

impl ClockReader {
    /// A reader of the answers to this question.
    pub fn new(question: &ClockQuestion) -> ClockReader {
        let at = |text: &str| From::Pointer(Pointer::new(text));
        ClockReader { received: at(&question.received), sent: at(&question.sent), unit: question.unit }
    }

    /// When it received the question and when it answered, on its clock; `None`: it does not tell both.
    pub fn read(&self, body: &[u8]) -> Option<(Nanos, Nanos)> {
        let at = |from: &From| from.read(body, |value| instant(value, self.unit));
        Some((at(&self.received)?, at(&self.sent)?))
    }
}

impl From {
    fn new(from: &ValueFrom) -> From {
        match from {
            ValueFrom::Pointer(text) => From::Pointer(Pointer::new(text)),
            ValueFrom::Regex(text) => From::regex(text),
            ValueFrom::At { offset, length } => From::At(*offset, *length),
        }
    }

    fn regex(text: &str) -> From {
        Regex::new(text).map_or(From::Nothing, From::Regex)
    }

    fn read<T>(&self, body: &[u8], mut read: impl FnMut(Scalar<'_>) -> Option<T>) -> Option<T> {
        match self {
            From::Pointer(pointer) => pointer.read(body, read),
            From::Regex(regex) => {
                let text = std::str::from_utf8(body).ok()?;
                read(Scalar::Text(regex.captures(text)?.get(1)?.as_str()))
            }
            From::At(offset, length) => {
                let text = body.get(*offset..)?;
                let text = &text[..text.len().min(*length)];
                read(Scalar::Text(std::str::from_utf8(text).ok()?.trim()))
            }
            From::Header(_) | From::Nothing => None,
        }
    }
}

fn whole(value: Scalar<'_>) -> Option<u64> {
    match value {
        Scalar::Unsigned(n) => Some(n),
        Scalar::Text(text) => text.parse().ok(),
        // Some servers write every number as a double.
        Scalar::Float(n) if n.fract() == 0.0 && (0.0..9e15).contains(&n) => Some(n as u64),
        Scalar::Float(_) | Scalar::Signed(_) | Scalar::Bool(_) | Scalar::Null | Scalar::Many(_) => None,
    }
}

fn instant(value: Scalar<'_>, unit: TimeUnit) -> Option<Nanos> {
    let one = match unit {
        TimeUnit::Seconds => 1_000_000_000,
        TimeUnit::Millis => 1_000_000,
        TimeUnit::Micros => 1_000,
        TimeUnit::Nanos => 1,
        TimeUnit::Iso => {
            let Scalar::Text(text) = value else { return None };
            if text.len() > LONGEST_TEXT {
                return None;
            }
            let at: jiff::Timestamp = text.parse().ok()?;
            return u64::try_from(at.as_nanosecond()).ok().map(Nanos);
        }
    };
    match value {
        Scalar::Unsigned(n) => n.checked_mul(one).map(Nanos),
        Scalar::Float(n) if (0.0..1e19).contains(&(n * one as f64)) => Some(Nanos((n * one as f64) as u64)),
        Scalar::Text(text) => decimal(text, one),
        Scalar::Float(_) | Scalar::Signed(_) | Scalar::Bool(_) | Scalar::Null | Scalar::Many(_) => None,
    }
}

/// A decimal number of units of `one` nanoseconds, exactly.
fn decimal(text: &str, one: u64) -> Option<Nanos> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if text.len() > LONGEST_TEXT || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut left = one;
    let mut part = 0;
    for digit in fraction.bytes() {
        left /= 10;
        part += u64::from(digit - b'0') * left;
    }
    whole.parse::<u64>().ok()?.checked_mul(one)?.checked_add(part).map(Nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::TargetClock;

    fn time(from: ValueFrom, unit: TimeUnit) -> OwnValues {
        let time = TimeFrom { from, unit, clock: TargetClock::Wall };
        OwnValues::new(&TargetFeed { sequence: None, time: Some(time) })
    }

    fn ns(n: u64) -> Option<Nanos> {
        Some(Nanos(n))
    }

    #[test]
    fn times_in_every_unit_and_every_place() {
        let body = br#"{"t":1500,"u":"1.5","f":2.25,"neg":-1}"#;
        let pointer = |p: &str, unit| time(ValueFrom::Pointer(p.into()), unit).time(body);
        assert_eq!(pointer("/t", TimeUnit::Millis), ns(1_500_000_000));
        assert_eq!(pointer("/t", TimeUnit::Nanos), ns(1_500));
        assert_eq!(pointer("/u", TimeUnit::Micros), ns(1_500));
        assert_eq!(pointer("/f", TimeUnit::Seconds), ns(2_250_000_000));
        assert_eq!((pointer("/neg", TimeUnit::Seconds), pointer("/no", TimeUnit::Seconds)), (None, None));
        let regex = time(ValueFrom::Regex("at=([0-9.]+)".into()), TimeUnit::Seconds);
        assert_eq!(regex.time(b"x at=0.000000001;"), ns(1));
        let at = time(ValueFrom::At { offset: 3, length: 6 }, TimeUnit::Micros);
        assert_eq!((at.time(b"ts:  42  |"), at.time(b"ts"), at.time(b"ts:x")), (ns(42_000), None, None));
        let iso = time(ValueFrom::Pointer("/t".into()), TimeUnit::Iso);
        assert_eq!(iso.time(br#"{"t":"1970-01-01T00:00:01.5Z"}"#), ns(1_500_000_000));
        assert_eq!(iso.time(br#"{"t":"1970-01-01T01:00:01+01:00"}"#), ns(1_000_000_000));
        assert_eq!((iso.time(br#"{"t":5}"#), iso.time(br#"{"t":"soon"}"#)), (None, None));
    }

    #[test]
    fn a_time_too_great_is_none() {
        let t = time(ValueFrom::Pointer("/t".into()), TimeUnit::Seconds);
        assert_eq!(t.time(br#"{"t":18446744073709551615}"#), None);
        assert_eq!(t.time(br#"{"t":"18446744073709551615.9"}"#), None);
        assert_eq!(t.time(br#"{"t":1e300}"#), None);
    }

    #[test]
    fn sequences_are_whole_numbers() {
        let sequence = Some(ValueFrom::Pointer("/n".into()));
        let values = OwnValues::new(&TargetFeed { sequence, time: None });
        let of = |body: &str| values.sequence(body.as_bytes());
        assert_eq!((of(r#"{"n":7}"#), of(r#"{"n":"8"}"#), of(r#"{"n":9.0}"#)), (Some(7), Some(8), Some(9)));
        assert_eq!((of(r#"{"n":-7}"#), of(r#"{"n":1.5}"#), of("7")), (None, None, None));
    }

    #[test]
    fn receivers_in_a_body() {
        let read = |from: ReceiversFrom, body: &str| ReceiversReader::new(&from).in_body(body.as_bytes());
        assert_eq!(read(ReceiversFrom::Pointer("/s".into()), r#"{"s":12}"#), Some(12));
        assert_eq!(
            read(ReceiversFrom::Regex("subscribers: (\\d+)".into()), "active subscribers: 3\n"),
            Some(3)
        );
        assert_eq!(read(ReceiversFrom::Pointer("/s".into()), "queued"), None);
    }
}
