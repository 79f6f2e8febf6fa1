//! A number of a run, or the least that it can be: what never came is later than all that did.

use super::number::{Kind, shown};
use std::cmp::Ordering;

/// What a run has in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    /// It is known.
    Known(f64),
    /// It is at least this: censored.
    AtLeast(f64),
}

impl Value {
    fn number(self) -> f64 {
        match self {
            Value::Known(v) | Value::AtLeast(v) => v,
        }
    }

    fn is_censored(self) -> bool {
        matches!(self, Value::AtLeast(_))
    }

    /// Known ones by size, then the censored ones.
    pub(super) fn order(&self, other: &Value) -> Ordering {
        let by_size = || self.number().total_cmp(&other.number());
        self.is_censored().cmp(&other.is_censored()).then_with(by_size)
    }

    /// As it is shown: `12.0 ms`, `>= 2.00 s`.
    pub(super) fn shown(self, kind: Kind) -> String {
        let number = shown(self.number(), kind);
        if self.is_censored() { format!(">= {number}") } else { number }
    }
}

/// The median of values in order; at least one. Of two in the middle of which one is censored, the mean
/// is what the median is at least.
pub(super) fn middle(sorted: &[Value]) -> Value {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        return sorted[half];
    }
    let (a, b) = (sorted[half - 1], sorted[half]);
    let mean = f64::midpoint(a.number(), b.number());
    if b.is_censored() { Value::AtLeast(mean) } else { Value::Known(mean) }
}

#[cfg(test)]
mod tests {
    use super::Value::{AtLeast, Known};
    use super::*;

    #[test]
    fn what_never_came_is_last_and_makes_a_median_a_bound() {
        let mut values = [AtLeast(2.0), Known(9.0), Known(1.0)];
        values.sort_by(Value::order);
        assert_eq!(values, [Known(1.0), Known(9.0), AtLeast(2.0)]);
        assert_eq!(middle(&values), Known(9.0));
        assert_eq!(middle(&values[..2]), Known(5.0));
        assert_eq!(middle(&[Known(1.0), AtLeast(2.0)]), AtLeast(1.5));
        assert_eq!(AtLeast(2e9).shown(Kind::Time), ">= 2.00 s");
    }
}
