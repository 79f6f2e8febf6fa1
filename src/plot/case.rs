//! The runs of a results folder as what a chart shows: one case for each line or bar, with its repeats.

use super::picture::Colour;
use super::stroke::Mark;
use crate::result::{CostRow, Interval, LatencyInterval, MetricRow, Results, RunDetail, RunResult, Verdict};
use std::cmp::Ordering;

/// At most so many cases in a chart; more would not be told apart.
pub(super) const MOST: usize = 12;

/// One run with its series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    pub(super) result: &'a RunResult,
    detail: Option<&'a RunDetail>,
}

impl<'a> Run<'a> {
    pub(super) fn intervals(self) -> &'a [Interval] {
        self.detail.map_or(&[], |d| &d.intervals)
    }

    pub(super) fn metrics(self) -> &'a [MetricRow] {
        self.detail.map_or(&[], |d| &d.metrics)
    }

    pub(super) fn cost(self) -> &'a [CostRow] {
        self.detail.map_or(&[], |d| &d.cost)
    }

    pub(super) fn latency(self) -> &'a [LatencyInterval] {
        self.detail.map_or(&[], |d| &d.latency)
    }
}

/// How a case is drawn in every chart. Okabe and Ito's colours, without the yellow that white swallows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) colour: Colour,
    pub(super) mark: Mark,
    pub(super) hollow: bool,
}

const COLOURS: [Colour; 7] = [
    Colour::new(0xd5, 0x5e, 0x00),
    Colour::new(0x00, 0x72, 0xb2),
    Colour::new(0x00, 0x9e, 0x73),
    Colour::new(0xcc, 0x79, 0xa7),
    Colour::new(0x00, 0x00, 0x00),
    Colour::new(0xe6, 0x9f, 0x00),
    Colour::new(0x56, 0xb4, 0xe9),
];

impl Look {
    fn nth(i: usize) -> Look {
        Look {
            colour: COLOURS[i % COLOURS.len()],
            mark: Mark::ALL[i % Mark::ALL.len()],
            hollow: i >= COLOURS.len(),
        }
    }
}

/// The runs that one line or bar shows.
#[derive(Clone, Debug)]
pub(super) struct Case<'a> {
    pub(super) name: String,
    pub(super) runs: Vec<Run<'a>>,
    /// Invalid runs that nothing is drawn of, since repeats of them are believed.
    pub(super) disbelieved: Vec<Run<'a>>,
    pub(super) look: Look,
    /// Whether runs at smaller client counts were left out.
    pub(super) left_out: bool,
}

impl<'a> Case<'a> {
    /// All its runs, those too that are not drawn.
    pub(super) fn all_runs(&self) -> impl Iterator<Item = &Run<'a>> {
        self.runs.iter().chain(&self.disbelieved)
    }

    /// Keeps the runs of which this is so.
    pub(super) fn retain(&mut self, keep: impl Fn(&RunResult) -> bool) {
        self.runs.retain(|r| keep(r.result));
        self.disbelieved.retain(|r| keep(r.result));
    }

    /// The worst of its runs.
    pub(super) fn verdict(&self) -> Verdict {
        self.all_runs().map(|r| r.result.verdict).max().unwrap_or_default()
    }

    /// Whether its line is dashed and its bar hatched.
    pub(super) fn is_doubtful(&self) -> bool {
        self.verdict() != Verdict::Valid
    }

    /// What is written behind its name.
    pub(super) fn suffix(&self) -> &'static str {
        match self.verdict() {
            Verdict::Valid => "",
            Verdict::Suspect => " (suspect)",
            Verdict::Invalid => " (invalid)",
        }
    }

    /// The different client counts of its runs, rising.
    pub(super) fn client_counts(&self) -> Vec<u32> {
        let mut counts: Vec<u32> = self.runs.iter().map(|r| r.result.clients).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    /// The same case with the runs at `clients` only.
    pub(super) fn at(&self, clients: u32) -> Self {
        let mut case = self.clone();
        case.retain(|r| r.clients == clients);
        case.left_out = case.runs.len() < self.runs.len();
        case
    }

    /// The same case with the runs at its largest client count only.
    pub(super) fn at_most_clients(&self) -> Self {
        self.at(self.client_counts().last().copied().unwrap_or_default())
    }
}

/// Every case with all its runs, but for invalid ones that have believed repeats; the order and the looks depend on names only, not on the random
/// order of the runs, so that two folders of one scenario have equal colours.
pub(super) fn cases(results: &Results) -> Vec<Case<'_>> {
    // Clients have an axis or a line of the caption of their own.
    cases_without(results, &["clients"])
}

/// The same where runs that differ in these swept values only are one case.
pub(super) fn cases_without<'r>(results: &'r Results, hidden: &[&str]) -> Vec<Case<'r>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for (i, result) in results.summary.runs.iter().enumerate() {
        let run = Run { result, detail: results.details.get(i) };
        let name = full_name(result, hidden);
        match cases.iter_mut().find(|c| c.name == name) {
            Some(case) => case.runs.push(run),
            None => cases.push(Case {
                name,
                runs: vec![run],
                disbelieved: Vec::new(),
                look: Look::nth(0),
                left_out: false,
            }),
        }
    }
    for case in &mut cases {
        let all = std::mem::take(&mut case.runs);
        let told = |run: &Run<'_>| run.result.is_told(all.iter().map(|r| r.result));
        (case.runs, case.disbelieved) = all.iter().copied().partition(told);
    }
    cases.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| natural(&a.name, &b.name)));
    for (i, case) in cases.iter_mut().enumerate() {
        case.look = Look::nth(i);
        case.runs.sort_by_key(|r| (r.result.clients, r.result.repeat));
    }
    cases
}

/// The case with its swept values, but for the hidden ones.
fn full_name(run: &RunResult, hidden: &[&str]) -> String {
    let swept = run.swept.iter().filter(|(key, _)| !hidden.contains(&key.as_str()));
    swept.fold(run.case.clone(), |name, (key, value)| format!("{name}, {key} {value}"))
}

fn rank(case: &Case<'_>) -> usize {
    let transport = case.runs.first().map_or("", |r| r.result.transport.as_str());
    const ORDER: [&str; 8] =
        ["poll", "long_poll", "stream", "sse", "forever_iframe", "chunked", "multipart", "websocket"];
    ORDER.iter().position(|t| *t == transport).unwrap_or(ORDER.len())
}

/// Compares by letters, but runs of digits by their number: `8 B` before `64 B`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else { return a.cmp(b) };
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            number(&mut a).cmp(&number(&mut b))
        } else {
            (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
            x.cmp(&y)
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Takes the digits at the beginning of `text`.
fn number(text: &mut &str) -> u128 {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    digits.parse().unwrap_or(u128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::fixture;

    #[test]
    fn colours_do_not_depend_on_the_order_of_runs() {
        let mut results = fixture::three_cases();
        let before: Vec<_> = cases(&results).into_iter().map(|c| (c.name, c.look)).collect();
        results.summary.runs.reverse();
        results.details.reverse();
        let after: Vec<_> = cases(&results).into_iter().map(|c| (c.name, c.look)).collect();
        assert_eq!(before, after);
        assert_eq!(before[0].0, "polling, 1 s");
    }

    #[test]
    fn nothing_is_drawn_of_an_invalid_run_that_has_believed_repeats() {
        let mut results = fixture::repeats();
        let name = results.summary.runs[0].case.clone();
        results.summary.runs[0].verdict = Verdict::Invalid;
        let found = |results: &Results| {
            let case = cases(results).into_iter().find(|c| c.name == name).unwrap();
            let most = case.at_most_clients();
            (case.runs.len(), case.disbelieved.len(), most.verdict(), case.suffix())
        };
        let repeats = results.summary.runs.iter().filter(|r| r.case == name).count();
        assert_eq!(found(&results), (repeats - 1, 1, Verdict::Invalid, " (invalid)"));
        results.summary.runs.iter_mut().for_each(|r| r.verdict = Verdict::Invalid);
        assert_eq!(found(&results), (repeats, 0, Verdict::Invalid, " (invalid)"));
    }

    #[test]
    fn numbers_in_names_sort_as_numbers() {
        assert_eq!(natural("ws, payload 8 B", "ws, payload 64 B"), Ordering::Less);
        assert_eq!(natural("ws", "ws 1"), Ordering::Less);
        assert_eq!(natural("a1", "a1"), Ordering::Equal);
    }

    #[test]
    fn twelve_cases_look_different() {
        for i in 0..MOST {
            for j in 0..i {
                assert_ne!(Look::nth(i), Look::nth(j));
            }
        }
    }
}
