//! How sessions ended and what was wrong, in words: bounded, and merged alike in any order.

use crate::model::{Failure, Nanos};
use std::collections::BTreeMap;

/// Most distinct ends that are kept apart.
const MOST_CLOSES: usize = 32;
/// Most bytes of one text that are kept.
const MOST_TEXT: usize = 240;

/// How a WebSocket ended, as a browser's close event has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Close {
    /// The code; 1005: a close frame without one, 1006: no close frame.
    pub code: u16,
    /// The reason.
    pub reason: String,
    /// `wasClean`: both close frames went over.
    pub clean: bool,
}

/// Ends of sessions with how often each came: the first 32 in their order, the rest as a number.
///
/// Whatever is kept has its whole count: what was ever put among the rest stays behind 32 others.
/// So merging is commutative and associative.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closes {
    kept: BTreeMap<Close, u64>,
    other: u64,
    codes: BTreeMap<u16, u64>,
}

impl Closes {
    /// Counts `n` more that ended like this.
    pub fn add(&mut self, close: Close, n: u64) {
        *self.codes.entry(close.code).or_default() += n;
        self.keep(close, n);
    }

    fn keep(&mut self, close: Close, n: u64) {
        *self.kept.entry(close).or_default() += n;
        if self.kept.len() > MOST_CLOSES {
            self.other += self.kept.pop_last().map_or(0, |(_, n)| n);
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, o: &Closes) {
        o.kept.iter().for_each(|(close, n)| self.keep(close.clone(), *n));
        o.codes.iter().for_each(|(code, n)| *self.codes.entry(*code).or_default() += n);
        self.other += o.other;
    }

    /// Those kept apart, by code.
    pub fn kept(&self) -> impl Iterator<Item = (&Close, u64)> {
        self.kept.iter().map(|(close, n)| (close, *n))
    }

    /// How many there are beside them.
    pub fn other(&self) -> u64 {
        self.other
    }

    /// All of them by code alone: at most as many as there are codes.
    pub fn by_code(&self) -> BTreeMap<u16, u64> {
        self.codes.clone()
    }
}

/// What was wrong in words: for each class of failures the text that came first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details(BTreeMap<usize, (Nanos, String)>);

impl Details {
    /// Keeps the text when it is the first of its class.
    pub fn tell(&mut self, at: Nanos, failure: Failure, text: &str) {
        let told = self.0.get(&(failure as usize));
        if told.is_none_or(|(first, known)| (at, text) < (*first, known.as_str())) {
            let end = (0..=MOST_TEXT.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
            self.0.insert(failure as usize, (at, text[..end].to_owned()));
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, o: &Details) {
        for (failure, (at, text)) in &o.0 {
            self.tell(*at, Failure::ALL[*failure], text);
        }
    }

    /// Each class with its text.
    pub fn iter(&self) -> impl Iterator<Item = (Failure, &str)> {
        self.0.iter().map(|(failure, (_, text))| (Failure::ALL[*failure], text.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(codes: &[u16]) -> Closes {
        let mut closes = Closes::default();
        let close = |code: &u16| Close {
            code: code % 60,
            reason: format!("r{}", code % 7),
            clean: code.is_multiple_of(2),
        };
        codes.iter().for_each(|code| closes.add(close(code), 1));
        closes
    }

    proptest! {
        #[test]
        fn closes_merge_alike_in_any_order_and_lose_none(a: Vec<u16>, b: Vec<u16>, c: Vec<u16>) {
            let merged = |x: &Closes, y: &Closes| { let mut m = x.clone(); m.merge(y); m };
            let all = of(&[a.clone(), b.clone(), c.clone()].concat());
            let [a, b, c] = [of(&a), of(&b), of(&c)];
            prop_assert_eq!(&merged(&merged(&a, &b), &c), &all);
            prop_assert_eq!(&merged(&c, &merged(&b, &a)), &all);
            let kept: u64 = all.kept().map(|(_, n)| n).sum();
            prop_assert!(all.kept().count() <= MOST_CLOSES);
            prop_assert_eq!(kept + all.other(), all.by_code().values().sum::<u64>());
        }
    }

    #[test]
    fn the_first_text_of_a_class_stays_whoever_is_merged_into_whom() {
        let (mut early, mut late) = (Details::default(), Details::default());
        late.tell(Nanos(9), Failure::RuleFailed, "later");
        late.tell(Nanos(9), Failure::BadFraming, "alone");
        early.tell(Nanos(3), Failure::RuleFailed, &"ü".repeat(200));
        let mut other = late.clone();
        other.merge(&early);
        early.merge(&late);
        assert_eq!(early, other);
        let texts: Vec<(Failure, usize)> = early.iter().map(|(f, t)| (f, t.len())).collect();
        assert_eq!(texts, [(Failure::BadFraming, 5), (Failure::RuleFailed, 240)]);
    }
}
