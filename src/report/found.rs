//! Which processes were taken for the target, so that a wrong guess is seen.

use crate::result::Summary;
use std::collections::BTreeMap;

/// So many names are told.
const NAMES: usize = 8;

/// In one line; `None` where none was found.
pub(super) fn line(summary: &Summary) -> Option<String> {
    let of_runs = summary.runs.iter().filter_map(|r| r.target_cost.as_ref()).map(|c| &c.found);
    let all: Vec<&Vec<String>> =
        of_runs.chain(summary.ladders.iter().map(|l| &l.found)).filter(|f| !f.is_empty()).collect();
    let mut names: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut groups: Vec<&str> = Vec::new();
    for found in &all {
        let mut here: BTreeMap<&str, usize> = BTreeMap::new();
        for line in found.iter() {
            match line.strip_prefix("control group ") {
                Some(group) => groups.push(group),
                None => *here.entry(name(line)).or_default() += 1,
            }
        }
        here.into_iter().for_each(|(name, n)| names.entry(name).or_default().push(n));
    }
    if names.is_empty() {
        return None;
    }
    let told = |(name, counts): (&&str, &Vec<usize>)| match all.as_slice() {
        [one] => {
            let of_it = one.iter().filter(|line| self::name(line) == *name);
            of_it.map(String::as_str).collect::<Vec<_>>().join(", ")
        }
        _ => format!("{name} ({})", in_each(counts, all.len())),
    };
    let mut parts: Vec<String> = names.iter().take(NAMES).map(told).collect();
    if names.len() > NAMES {
        parts.push(format!("and {} more names", names.len() - NAMES));
    }
    groups.dedup();
    parts.extend(match groups.as_slice() {
        [] => None,
        [one] => Some(format!("control group {one}")),
        [..] => Some("a control group of its own in each run".to_owned()),
    });
    Some(format!("taken for the target: {}", parts.join(", ")))
}

/// `12 nginx (ended)`: nginx.
fn name(line: &str) -> &str {
    let line = line.strip_suffix(" (ended)").unwrap_or(line);
    match line.split_once(' ') {
        Some((pid, name)) if pid.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => line,
    }
}

fn in_each(counts: &[usize], of: usize) -> String {
    let (least, most) =
        (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
    let processes = match (least, most) {
        (1, 1) => "1 process".to_owned(),
        (a, b) if a == b => format!("{a} processes"),
        (a, b) => format!("{a} to {b} processes"),
    };
    match counts.len() == of {
        true => format!("{processes} in each run"),
        false => format!("{processes} in {} of {of} runs", counts.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{RunResult, TargetCost};

    fn told(runs: &[&[&str]]) -> Option<String> {
        let run = |found: &&[&str]| RunResult {
            target_cost: Some(TargetCost {
                found: found.iter().map(|s| (*s).to_owned()).collect(),
                ..TargetCost::default()
            }),
            ..RunResult::default()
        };
        line(&Summary { runs: runs.iter().map(run).collect(), ..Summary::default() })
    }

    #[test]
    fn one_run_names_every_process_and_several_how_many_of_a_name() {
        assert_eq!(
            told(&[&["12 nginx", "13 nginx", "7 rustc (ended)", "control group /a"]]).unwrap(),
            "taken for the target: 12 nginx, 13 nginx, 7 rustc (ended), control group /a"
        );
        assert_eq!(
            told(&[
                &["12 nginx", "13 nginx", "control group /a"],
                &["9 nginx", "8 node: worker", "control group /b"]
            ])
            .unwrap(),
            "taken for the target: nginx (1 to 2 processes in each run), node: worker (1 process in 1 of 2 runs), a \
             control group of its own in each run"
        );
        assert_eq!(told(&[&[], &[]]), None);
    }

    #[test]
    fn a_server_that_starts_many_is_told_in_few_words() {
        let many: Vec<String> = (0..40).map(|i| format!("{i} child-{i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(told(&[&many]).unwrap().ends_with("and 32 more names"), "{:?}", told(&[&many]));
    }
}
