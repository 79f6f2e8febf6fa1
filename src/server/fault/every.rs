//! `drop`, `duplicate`, `swap`, `withhold` and `refuse`: what befalls every N-th message.

use super::FaultError;
use super::words::Words;
use crate::model::Nanos;

pub(super) const DROP: &str = "drop every N";
pub(super) const DUPLICATE: &str = "duplicate every N";
pub(super) const SWAP: &str = "swap every N [within TIME]";
pub(super) const WITHHOLD: &str = "withhold every N [for TIME]";
pub(super) const REFUSE: &str = "refuse every N with STATUS";

/// How long a message waits for the one that is to overtake it, unless said otherwise.
const PATIENCE: Nanos = Nanos::from_millis(5_000);

/// Every N-th message changes places with the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// N, above 1.
    pub every: u64,
    /// How long it waits for the next one; then it is given out in its own place after all.
    pub within: Nanos,
}

/// Every N-th message comes late, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withhold {
    /// N, above 0.
    pub every: u64,
    /// How much later it is given out; `None` is never.
    pub back: Option<Nanos>,
}

/// Every N-th publish is answered with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refuse {
    /// N, above 0.
    pub every: u64,
    /// 400 to 599.
    pub status: u16,
}

/// `every N`, alone.
pub(super) fn number(mut words: Words<'_>) -> Result<u64, FaultError> {
    let every = words.every(1)?;
    words.end()?;
    Ok(every)
}

impl Swap {
    pub(super) fn read(mut words: Words<'_>) -> Result<Swap, FaultError> {
        let every = words.every(2)?;
        let within = match words.next() {
            None => PATIENCE,
            Some("within") => words.time()?,
            other => return Err(words.wanted(other, "`within` or the end")),
        };
        words.end()?;
        Ok(Swap { every, within })
    }
}

impl Withhold {
    pub(super) fn read(mut words: Words<'_>) -> Result<Withhold, FaultError> {
        let every = words.every(1)?;
        let back = match words.next() {
            None => None,
            Some("for") => Some(words.time()?),
            other => return Err(words.wanted(other, "`for` or the end")),
        };
        words.end()?;
        Ok(Withhold { every, back })
    }
}

impl Refuse {
    pub(super) fn read(mut words: Words<'_>) -> Result<Refuse, FaultError> {
        let every = words.every(1)?;
        words.expect("with", "`with`")?;
        let word = words.next();
        let status = word.and_then(|w| w.parse().ok()).filter(|s| (400..600).contains(s));
        let status = status.ok_or_else(|| words.wanted(word, "a status from 400 to 599"))?;
        words.end()?;
        Ok(Refuse { every, status })
    }

    /// The status line's end: the number and its usual words.
    pub(in crate::server) fn line(self) -> String {
        let words = match self.status {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            408 => "Request Timeout",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            _ => "Refused",
        };
        format!("{} {words}", self.status)
    }
}
