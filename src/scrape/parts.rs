//! The samples that a counter is the sum of, held against those of the reading before. One of them may begin
//! anew while the others gain more than it lost: the sum alone would hide it.

use std::collections::{BTreeMap, BTreeSet};

/// Samples by their labels, or by their pointers.
pub type Parts = BTreeMap<String, f64>;

/// Samples that vanished and are remembered.
const MOST_GONE: usize = 4_096;

/// What lies between two readings of a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// A sample fell, vanished, or came back after it had vanished.
    pub back: bool,
    /// What was gained at least: of what began anew all that it has.
    pub least: f64,
}

/// The samples of the last reading of one series.
#[derive(Clone, Debug, Default)]
pub struct Book {
    last: Option<Parts>,
    gone: BTreeSet<String>,
}

impl Book {
    /// Holds a reading against the one before, and keeps it. The first is no step back.
    pub fn step(&mut self, now: &Parts) -> Step {
        let mut step = Step::default();
        let Some(last) = self.last.replace(now.clone()) else { return step };
        for (labels, before) in &last {
            match now.get(labels) {
                Some(value) if value >= before => step.least += value - before,
                Some(value) => (step.back, step.least) = (true, step.least + value),
                None => {
                    step.back = true;
                    if self.gone.len() < MOST_GONE {
                        self.gone.insert(labels.clone());
                    }
                }
            }
        }
        for (labels, value) in now.iter().filter(|(labels, _)| !last.contains_key(*labels)) {
            // What comes back may have counted on: how much of it is new is not known.
            match self.gone.remove(labels) {
                true => step.back = true,
                false => step.least += value,
            }
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(readings: &[&[(&str, f64)]]) -> Vec<(bool, f64)> {
        let mut book = Book::default();
        let parts = |r: &[(&str, f64)]| r.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect::<Parts>();
        let step = |r: &&[(&str, f64)]| {
            let step = book.step(&parts(r));
            (step.back, step.least)
        };
        readings.iter().map(step).collect()
    }

    #[test]
    fn one_that_begins_anew_is_seen_behind_others_that_gain_more() {
        let told = steps(&[&[("a", 100.0), ("b", 100.0)], &[("a", 5.0), ("b", 300.0)]]);
        assert_eq!(told, [(false, 0.0), (true, 205.0)]);
    }

    #[test]
    fn one_that_vanishes_went_back_and_so_did_one_that_returns() {
        let both: &[(&str, f64)] = &[("a", 100.0), ("b", 100.0)];
        let told =
            steps(&[both, &[("b", 400.0)], &[("a", 110.0), ("b", 401.0)], &[("a", 111.0), ("b", 401.0)]]);
        assert_eq!(told[1..], [(true, 300.0), (true, 1.0), (false, 1.0)]);
    }

    #[test]
    fn one_that_is_new_began_at_nothing() {
        assert_eq!(
            steps(&[&[], &[("a", 3.0)], &[("a", 4.0), ("b", 2.0)]])[1..],
            [(false, 3.0), (false, 3.0)]
        );
    }
}
