//! Whether the bundled server can play the faults of a plan: known before anything starts.

use crate::scenario::{Plan, TargetPlan};
use crate::server::Fault;
use std::collections::BTreeSet;

/// What is wrong with the faults of a plan, one line each: `FILE:LINE: fault "...": why`.
pub(super) fn wrong(plan: &Plan) -> Vec<String> {
    let TargetPlan::Bundled(bundled) = &plan.target else { return Vec::new() };
    let of_runs = plan.runs.iter().chain(&plan.ladders).filter_map(|run| run.faults.as_ref());
    let words: BTreeSet<&String> = std::iter::once(&bundled.faults).chain(of_runs).flatten().collect();
    words
        .into_iter()
        .filter_map(|words| Some((words, words.parse::<Fault>().err()?)))
        .map(tell(plan))
        .collect()
}

fn tell<'a, E: std::fmt::Display>(plan: &'a Plan) -> impl Fn((&'a String, E)) -> String {
    move |(words, error)| {
        let file = plan.path.as_ref().map_or("scenario".to_owned(), |p| p.display().to_string());
        let line = plan.source.lines().position(|line| line.contains(words.as_str()));
        let line = line.map_or(String::new(), |line| format!(":{}", line + 1));
        format!("{file}{line}: fault \"{words}\": {error}")
    }
}
