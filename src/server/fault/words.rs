//! Reading the words of one fault, and saying what was wanted where something else is.

use super::FaultError;
use crate::model::Nanos;
use crate::server::span::span;
use std::str::{FromStr, SplitWhitespace};

/// The words that are left, and how the fault they belong to is written.
#[derive(Clone)]
pub(super) struct Words<'a> {
    left: SplitWhitespace<'a>,
    form: &'static str,
}

impl<'a> Words<'a> {
    pub(super) fn new(left: SplitWhitespace<'a>, form: &'static str) -> Words<'a> {
        Words { left, form }
    }

    /// The next word, if there is one.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        self.left.next()
    }

    /// The next word must be this one.
    pub(super) fn expect(&mut self, word: &str, want: &'static str) -> Result<(), FaultError> {
        match self.next() {
            Some(found) if found == word => Ok(()),
            other => Err(self.wanted(other, want)),
        }
    }

    /// Nothing may be left.
    pub(super) fn end(&mut self) -> Result<(), FaultError> {
        self.next().map_or(Ok(()), |more| Err(self.wanted(Some(more), "the end")))
    }

    /// A time above zero: `250us`, `5ms`, `10s`, `2m`.
    pub(super) fn time(&mut self) -> Result<Nanos, FaultError> {
        let word = self.next().ok_or_else(|| self.wanted(None, "a time such as 500ms or 5s"))?;
        let read = match word.strip_suffix("us").and_then(|n| n.parse::<u64>().ok()) {
            Some(micros) => Ok(Nanos::from_micros(1) * micros),
            None => span(word),
        };
        match read {
            Ok(Nanos::ZERO) => Err(FaultError::Unplayable("a fault wants times above 0")),
            Ok(time) => Ok(time),
            Err(want) => Err(FaultError::Time(word.into(), want)),
        }
    }

    /// A whole number.
    pub(super) fn number<T: FromStr>(&mut self, want: &'static str) -> Result<T, FaultError> {
        let word = self.next();
        word.and_then(|w| w.parse().ok()).ok_or_else(|| self.wanted(word, want))
    }

    /// `every N`, at least `least`.
    pub(super) fn every(&mut self, least: u64) -> Result<u64, FaultError> {
        const WANT: [&str; 2] = ["a whole number above 0", "a whole number above 1"];
        self.expect("every", "`every`")?;
        let want = WANT[usize::from(least > 1)];
        let word = self.next();
        let number = word.and_then(|w| w.parse().ok()).filter(|n| *n >= least);
        number.ok_or_else(|| self.wanted(word, want))
    }

    /// `seed N` and the end, or the end: seed 1 then.
    pub(super) fn seed(&mut self) -> Result<u64, FaultError> {
        match self.next() {
            None => Ok(1),
            Some("seed") => {
                let seed = self.number("a whole number")?;
                self.end()?;
                Ok(seed)
            }
            other => Err(self.wanted(other, "`seed` or the end")),
        }
    }

    /// A decimal above zero and at most `most`, in millionths, of which one has `unit`; `mark` follows
    /// it, at once or apart.
    pub(super) fn millionths(
        &mut self,
        (mark, unit, most): (&str, f64, f64),
        want: &'static str,
    ) -> Result<u64, FaultError> {
        let word = self.next();
        let bare = word.and_then(|w| w.strip_suffix(mark));
        let number = bare.or(word).and_then(|w| w.parse::<f64>().ok());
        let number = number.filter(|n| *n > 0.0 && *n <= most).map(|n| (n * unit).round() as u64);
        let number = number.filter(|n| *n > 0).ok_or_else(|| self.wanted(word, want))?;
        if bare.is_none() {
            self.expect(mark, want)?;
        }
        Ok(number)
    }

    /// What was found in place of what was wanted.
    pub(super) fn wanted(&self, found: Option<&str>, want: &'static str) -> FaultError {
        FaultError::Word { found: found.unwrap_or_default().into(), want, form: self.form }
    }
}
