//! What is said around the table, in words, computed once for every format.

use super::idle::Idle;
use super::lives::{self, GroupLine};
use super::number::{grouped, three_digits};
use super::objective::{self, ObjectiveLine};
use super::table::Row;
use crate::model::{Failure, Nanos};
use crate::result::{RunResult, Summary, Verdict, median};
use std::collections::BTreeMap;

/// Everything but the table.
pub(super) struct Story {
    /// The feed and the load, one clause each.
    pub(super) feed: Vec<String>,
    /// One for each row.
    pub(super) verdicts: Vec<VerdictLine>,
    /// One for each objective and row.
    pub(super) objectives: Vec<ObjectiveLine>,
    pub(super) claims: Vec<ObjectiveLine>,
    /// What a delivery, a client and an hour cost, and whose costs these are.
    pub(super) costs: Vec<String>,
    /// One for each class that occurred.
    pub(super) failures: Vec<FailureLine>,
    /// How clients came back, one for each row where any had to.
    pub(super) returns: Vec<String>,
    /// What the target counted itself.
    pub(super) counted: Vec<String>,
    /// The groups of mixed populations.
    pub(super) groups: Vec<GroupLine>,
    /// What an idle connection costs.
    pub(super) idle: Idle,
    /// What to know when reading the numbers.
    pub(super) notes: Vec<String>,
    /// Why a cell is `-`.
    pub(super) absences: Vec<String>,
    /// What a delivery time marked `~` rests on.
    pub(super) blurs: Vec<String>,
}

/// Whether to believe a row.
pub(super) struct VerdictLine {
    pub(super) label: String,
    pub(super) verdict: Verdict,
    pub(super) words: String,
    /// Offered, achieved, delivered, and what the ledger has beside that.
    pub(super) rates: String,
    pub(super) reasons: Vec<String>,
}

/// One class of failure.
pub(super) struct FailureLine {
    pub(super) key: String,
    pub(super) count: u64,
    pub(super) side: &'static str,
    pub(super) meaning: &'static str,
    /// `polling, 1 s: 3`.
    pub(super) by_row: Vec<String>,
    /// What the first of them was about, where a run kept it.
    pub(super) detail: Option<String>,
}

impl Story {
    /// Tells the story of `rows`, which are those of `summary`.
    pub(super) fn of(summary: &Summary, rows: &[Row<'_>]) -> Story {
        let labels = labels(rows);
        Story {
            feed: feed(summary),
            verdicts: rows.iter().zip(&labels).map(|(r, l)| verdict(r, l)).collect(),
            objectives: objective::lines(summary, rows, &labels),
            claims: super::claim::lines(summary),
            costs: super::cost_model::lines(summary),
            failures: failures(rows, &labels),
            returns: lives::returns(rows, &labels),
            counted: super::counted::lines(rows, &labels),
            groups: lives::groups(rows, &labels),
            idle: Idle::of(summary),
            notes: notes(rows, &labels),
            absences: absences(rows, &labels),
            blurs: super::blur::lines(rows, &labels),
        }
    }
}

/// The name of each row, with the clients where names alone are not unique.
pub(super) fn labels(rows: &[Row<'_>]) -> Vec<String> {
    let unique = |row: &Row<'_>| rows.iter().filter(|r| r.name == row.name).count() == 1;
    let label =
        |r: &Row<'_>| if unique(r) { r.name.clone() } else { format!("{}, {} clients", r.name, r.clients) };
    rows.iter().map(label).collect()
}

/// Why cells are empty, each reason once, with the rows that lack it when not all do.
fn absences(rows: &[Row<'_>], labels: &[String]) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for (row, label) in rows.iter().zip(labels) {
        for reason in row.absences() {
            match reasons.iter_mut().find(|(r, _)| *r == reason) {
                Some((_, of)) => of.push(label),
                None => reasons.push((reason, vec![label])),
            }
        }
    }
    let say = |(reason, of): (String, Vec<&str>)| {
        if of.len() == rows.len() { reason } else { format!("{reason} ({})", of.join("; ")) }
    };
    reasons.into_iter().map(say).collect()
}

/// Each value once, in order, ` / ` between.
fn distinct(runs: &[RunResult], of: impl Fn(&RunResult) -> String) -> String {
    let mut seen: Vec<String> = Vec::new();
    for value in runs.iter().map(of) {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen.join(" / ")
}

fn feed(summary: &Summary) -> Vec<String> {
    let runs = &summary.runs;
    if runs.is_empty() && !summary.ladders.is_empty() {
        return vec!["idle connections in steps, nothing published".to_owned()];
    }
    if runs.is_empty() {
        return vec!["no run was finished".to_owned()];
    }
    let channels = distinct(runs, |r| r.channels.to_string());
    let plural = if channels == "1" { "channel" } else { "channels" };
    let mut feed = vec![
        format!("{} B messages", distinct(runs, |r| r.payload_bytes.to_string())),
        format!("{}/s offered on {channels} {plural}", distinct(runs, |r| rate(r.offered_per_s))),
        format!("{} clients", distinct(runs, |r| r.clients.to_string())),
        format!("{} model", distinct(runs, |r| r.model.clone())),
        format!("{} s measured", distinct(runs, |r| rate(r.measured_s))),
    ];
    let repeats = runs.iter().map(|r| r.repeat).max().unwrap_or_default() + 1;
    feed.push(if repeats == 1 { "1 run each".to_owned() } else { format!("{repeats} repeats") });
    let told = distinct(runs, super::cooperation::clause);
    if !told.is_empty() {
        feed.push(told);
    }
    if co_located(runs) {
        feed.push("target on this machine (co-located)".to_owned());
    }
    feed
}

fn co_located(runs: &[RunResult]) -> bool {
    runs.iter().any(|r| r.target_cost.as_ref().is_some_and(|c| c.co_located))
}

fn rate(value: f64) -> String {
    if value.is_finite() { three_digits(value) } else { "?".to_owned() }
}

fn verdict(row: &Row<'_>, label: &str) -> VerdictLine {
    let middle =
        |of: fn(&RunResult) -> f64| median(row.told.iter().map(|(_, r)| of(r))).map_or("?".to_owned(), rate);
    let rates = format!(
        "{}/s offered, {}/s achieved, {}/s delivered{}{}",
        middle(|r| r.offered_per_s),
        middle(|r| r.achieved_per_s),
        middle(|r| r.delivered_per_s),
        lateness(row),
        ledger(row)
    );
    let reasons = counted(row, |r| &r.reasons);
    VerdictLine {
        label: label.to_owned(),
        verdict: row.verdict(),
        words: row.verdict_words(),
        rates,
        reasons,
    }
}

/// How late messages were sent, the worst of the runs; nothing when none was sent.
fn lateness(row: &Row<'_>) -> String {
    let worst = |of: fn(&RunResult) -> Option<u64>| {
        let most = row.told.iter().filter_map(|(_, r)| of(r)).max();
        most.map_or_else(|| "-".to_owned(), |ns| Nanos(ns).to_string())
    };
    if row.told.iter().all(|(_, r)| r.generator.send_lag_max_ns.is_none()) {
        return String::new();
    }
    format!(
        ", sent late by p50 {}, p99 {}, max {}",
        worst(|r| r.generator.send_lag_p50_ns),
        worst(|r| r.generator.send_lag_p99_ns),
        worst(|r| r.generator.send_lag_max_ns)
    )
}

/// What went otherwise than once and in order; empty when nothing did.
fn ledger(row: &Row<'_>) -> String {
    let sum = |of: fn(&RunResult) -> u64| row.told.iter().map(|(_, r)| of(r)).sum::<u64>();
    let parts = [
        (sum(|r| r.ledger.lost), "lost"),
        (sum(|r| r.ledger.in_flight), "in flight"),
        (sum(|r| r.ledger.missed), "more missed between sessions"),
        (sum(|r| r.ledger.replayed), "more replayed after them"),
        (sum(|r| r.ledger.unattached), "more with nobody subscribed"),
        (sum(|r| r.ledger.duplicate), "duplicate"),
        (sum(|r| r.ledger.reordered), "reordered"),
        (sum(|r| r.ledger.conflated), "conflated"),
        (sum(|r| r.ledger.redundant), "redundant"),
        (sum(|r| r.publish_failed), "not published"),
        (sum(|r| r.foreign), "foreign"),
    ];
    let expected = sum(|r| r.ledger.expected);
    let told: Vec<_> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", grouped(*n as f64)))
        .collect();
    if told.is_empty() {
        String::new()
    } else {
        format!("; of {}: {}", grouped(expected as f64), told.join(", "))
    }
}

/// Texts of a row's runs, each once; with the number of runs that have it when not all do.
fn counted(row: &Row<'_>, of: fn(&RunResult) -> &Vec<String>) -> Vec<String> {
    let mut seen: Vec<(String, usize)> = Vec::new();
    for text in row.runs.iter().flat_map(|(_, r)| of(r)) {
        match seen.iter_mut().find(|(t, _)| t == text) {
            Some((_, n)) => *n += 1,
            None => seen.push((text.clone(), 1)),
        }
    }
    let all = row.runs.len();
    let say =
        |(text, n): (String, usize)| if n >= all { text } else { format!("{text} ({n} of {all} repeats)") };
    seen.into_iter().map(say).collect()
}

fn failures(rows: &[Row<'_>], labels: &[String]) -> Vec<FailureLine> {
    let mut classes: BTreeMap<&str, (u64, Vec<String>)> = BTreeMap::new();
    for (row, label) in rows.iter().zip(labels) {
        let mut of_row: BTreeMap<&str, u64> = BTreeMap::new();
        for (key, n) in row.runs.iter().flat_map(|(_, r)| &r.failures).filter(|(_, n)| **n > 0) {
            *of_row.entry(key).or_default() += n;
        }
        for (key, n) in of_row {
            let class = classes.entry(key).or_default();
            class.0 += n;
            class.1.push(format!("{label}: {}", grouped(n as f64)));
        }
    }
    let line = |(key, (count, by_row)): (&str, (u64, Vec<String>))| {
        let known = Failure::ALL.iter().find(|f| f.key() == key);
        let side = known.map_or("unknown side", |f| f.side().key());
        let meaning = known.map_or("A class that this build does not know.", |f| f.meaning().trim());
        let mut details = rows.iter().flat_map(|r| &r.runs).filter_map(|(_, r)| r.failure_details.get(key));
        FailureLine { key: key.to_owned(), count, side, meaning, by_row, detail: details.next().cloned() }
    };
    let mut lines: Vec<_> = classes.into_iter().map(line).collect();
    lines.sort_by_key(|l| std::cmp::Reverse(l.count));
    lines
}

/// The runs' own notes and warnings, then what a reader must know about such numbers anyway.
fn notes(rows: &[Row<'_>], labels: &[String]) -> Vec<String> {
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    for (row, label) in rows.iter().zip(labels) {
        let mut own = counted(row, |r| &r.notes);
        own.extend(row.left_out());
        own.extend(row.told.iter().flat_map(|(_, r)| super::cooperation::notes(r)));
        own.extend(row.told.iter().flat_map(|(_, r)| super::timing::notes(r)));
        own.extend(super::cost::notes(&row.told));
        own.extend(
            row.runs.iter().filter_map(|(_, r)| r.target_cost.as_ref()).flat_map(|c| c.warnings.clone()),
        );
        own.extend(row.runs.iter().flat_map(|(_, r)| super::counted::warnings(r)));
        own.dedup();
        for text in own {
            match notes.iter_mut().find(|(t, _)| *t == text) {
                Some((_, of)) if of.contains(&label.as_str()) => {}
                Some((_, of)) => of.push(label),
                None => notes.push((text, vec![label])),
            }
        }
    }
    let everywhere = rows.len();
    let say = |(text, of): (String, Vec<&str>)| {
        if of.len() == everywhere { text } else { format!("{}: {text}", of.join("; ")) }
    };
    let mut said: Vec<_> = notes.into_iter().map(say).collect();
    said.extend(general(rows));
    said
}

fn general(rows: &[Row<'_>]) -> Vec<String> {
    let runs = || rows.iter().flat_map(|r| r.runs.iter().map(|(_, r)| *r));
    let mut notes = vec![
        "delivery time: publish intended -> received; CPU and memory: what the target paid",
        "bytes: the subscribers' TCP streams both ways, without TCP and IP headers; B/msg: for each message received",
    ];
    if rows.is_empty() {
        return Vec::new();
    }
    if runs().any(|r| r.transport == "poll") {
        notes.push("delivery time of polling includes the wait for the client's next poll");
    }
    if runs().any(|r| r.target_cost.as_ref().is_some_and(|c| c.co_located)) {
        notes.push("co-located: receivers' TCP work is partly charged to the target's CPU; not for comparison with two hosts");
    }
    if rows.iter().any(|r| r.told.len() == 1) {
        notes.push("single runs: how far a repeat would differ is not known (set repeat in [sweep])");
    }
    if rows.iter().any(|r| r.told.len() > 1) {
        notes.push("repeats: the median over runs, with the least and the greatest; times are not pooled");
    }
    notes.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{fixture, table};
    use super::*;

    #[test]
    fn a_reason_of_some_repeats_says_of_how_many() {
        let mut results = fixture::repeated();
        results.summary.runs[0].reasons.push("steal".into());
        let rows = table::rows(&results.summary);
        let reasons = &Story::of(&results.summary, &rows).verdicts[0].reasons;
        assert_eq!(reasons[1], "steal (1 of 3 repeats)");
        assert!(!reasons[0].contains("repeats"));
    }

    #[test]
    fn a_verdict_line_has_the_figures_of_believed_runs_and_a_note_says_so() {
        let mut results = fixture::repeated();
        let runs = &mut results.summary.runs;
        (runs[0].delivered_per_s, runs[3].delivered_per_s, runs[6].delivered_per_s) = (1.0, 900.0, 902.0);
        (runs[0].verdict, runs[0].ledger.lost) = (Verdict::Invalid, 77_000);
        let rows = table::rows(&results.summary);
        let story = Story::of(&results.summary, &rows);
        let line = story.verdicts.iter().find(|v| v.words == "invalid 1/3").unwrap();
        assert!(line.rates.contains(", 901/s delivered"), "{}", line.rates);
        assert!(!line.rates.contains("77,0"), "{}", line.rates);
        let note = format!("{}: figures leave out 1 invalid run of 3", line.label);
        assert!(story.notes.contains(&note), "{:#?}", story.notes);
    }

    #[test]
    fn failures_carry_side_and_meaning_even_when_unknown() {
        let mut results = fixture::three();
        results.summary.runs[1].failures.insert("of_the_future".into(), 9);
        let rows = table::rows(&results.summary);
        let failures = Story::of(&results.summary, &rows).failures;
        let told: Vec<_> = failures.iter().map(|f| (f.key.as_str(), f.count, f.side)).collect();
        assert_eq!(told, [("of_the_future", 9, "unknown side"), ("reset", 3, "target")]);
        assert_eq!(failures[1].by_row, ["polling, 1 s: 3"]);
    }

    #[test]
    fn rows_of_several_client_counts_are_told_apart() {
        let mut results = fixture::three();
        let mut more = results.summary.runs[2].clone();
        more.clients = 2_000;
        results.summary.runs.push(more);
        let rows = table::rows(&results.summary);
        assert_eq!(labels(&rows)[2..], ["websocket, 500 clients", "websocket, 2000 clients"]);
    }
}
