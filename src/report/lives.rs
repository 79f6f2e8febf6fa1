//! How clients came back, and the groups of mixed populations: what the table has no columns for.

use super::number::{Kind, grouped, shown};
use super::table::Row;
use super::value::{Value, middle};
use crate::result::{Deliveries, GroupResult, RunResult};

/// One group of a row.
pub(super) struct GroupLine {
    /// The row and the group.
    pub(super) name: String,
    pub(super) transport: String,
    pub(super) clients: u32,
    /// One for each of [`GROUP_HEADS`]: a number, or the median of the repeats; `-` where a run has
    /// none.
    pub(super) cells: Vec<String>,
}

type Of = fn(&GroupResult) -> Option<Value>;

static GROUP_COLUMNS: [(&str, Kind, Of); 8] = [
    ("attach p99", Kind::Time, |g| g.connect.p99_ns.map(|v| Value::Known(v as f64))),
    ("delivery p50", Kind::Time, |g| delivery(g, g.delivery.p50_ns, 0.5)),
    ("p99", Kind::Time, |g| delivery(g, g.delivery.p99_ns, 0.99)),
    ("max", Kind::Time, |g| delivery(g, g.delivery.max_ns, 1.0)),
    ("lost", Kind::Count, |g| count(g.ledger.lost)),
    ("missed", Kind::Count, |g| count(g.ledger.missed)),
    ("came back", Kind::Count, |g| count(g.reconnects.count)),
    ("B/msg", Kind::Plain, |g| wire_of_message(g).map(Value::Known)),
];

fn count(n: u64) -> Option<Value> {
    Some(Value::Known(n as f64))
}

fn delivery(g: &GroupResult, known: Option<u64>, q: f64) -> Option<Value> {
    let censored = || Deliveries::of_group(g).at_least_ns(q).map(|ns| Value::AtLeast(ns as f64));
    known.map(|ns| Value::Known(ns as f64)).or_else(censored)
}

fn wire_of_message(g: &GroupResult) -> Option<f64> {
    let b = &g.bytes;
    (b.messages > 0).then(|| (b.wire_in + b.wire_out) as f64 / b.messages as f64)
}

/// The heads of a group's cells.
pub(super) fn group_heads() -> impl Iterator<Item = &'static str> {
    GROUP_COLUMNS.iter().map(|(head, _, _)| *head)
}

/// The groups of every row that has several.
pub(super) fn groups(rows: &[Row<'_>], labels: &[String]) -> Vec<GroupLine> {
    let mut lines = Vec::new();
    for (row, label) in rows.iter().zip(labels) {
        let first = row.told.first().map_or(&[][..], |(_, run)| &run.groups);
        for (i, group) in first.iter().enumerate() {
            let same: Vec<&GroupResult> = row.told.iter().filter_map(|(_, r)| r.groups.get(i)).collect();
            lines.push(GroupLine {
                name: format!("{label} / {}", group.name),
                transport: group.transport.clone(),
                clients: group.clients,
                cells: GROUP_COLUMNS.iter().map(|(_, kind, of)| cell(&same, *kind, *of)).collect(),
            });
        }
    }
    lines
}

fn cell(groups: &[&GroupResult], kind: Kind, of: Of) -> String {
    let values: Option<Vec<Value>> = groups.iter().map(|g| of(g)).collect();
    let Some(mut values) = values.filter(|v| !v.is_empty()) else { return "-".to_owned() };
    values.sort_by(Value::order);
    middle(&values).shown(kind)
}

/// How clients came back, for each row where any had to, or where streams were opened again.
pub(super) fn returns(rows: &[Row<'_>], labels: &[String]) -> Vec<String> {
    let had = |row: &Row<'_>| {
        let r = |run: &RunResult| run.reconnects.count + run.reconnects.gave_up + run.reconnects.reopened > 0;
        row.told.iter().any(|(_, run)| r(run))
    };
    rows.iter().zip(labels).filter(|(row, _)| had(row)).map(|(row, label)| returned(row, label)).collect()
}

fn returned(row: &Row<'_>, label: &str) -> String {
    let sum = |of: fn(&RunResult) -> u64| row.told.iter().map(|(_, r)| of(r)).sum::<u64>();
    let greatest = |of: fn(&RunResult) -> Option<u64>| row.told.iter().filter_map(|(_, r)| of(r)).max();
    let count = |n: u64| grouped(n as f64);
    let time = |ns: Option<u64>| ns.map_or("-".to_owned(), |ns| shown(ns as f64, Kind::Time));
    let many = if row.told.len() > 1 { " (worst repeat)" } else { "" };
    let mut parts = Vec::new();
    if sum(|r| r.reconnects.count) > 0 {
        parts.push(format!(
            "{} times back, p50 {}, p99 {}, max {}{many}",
            count(sum(|r| r.reconnects.count)),
            time(greatest(|r| r.reconnects.p50_ns)),
            time(greatest(|r| r.reconnects.p99_ns)),
            time(greatest(|r| r.reconnects.max_ns)),
        ));
    }
    let told = [
        (sum(|r| r.reconnects.attempts), "attempts"),
        (sum(|r| r.reconnects.gave_up), "gave up"),
        (sum(|r| r.reconnects.reopened), "streams opened again"),
        (sum(|r| r.ledger.missed), "messages missed"),
        (sum(|r| r.ledger.replayed), "replayed"),
        (sum(|r| r.ledger.lost_at_disconnect), "lost at the cut"),
    ];
    parts.extend(told.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(*n))));
    format!("{label}: {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::{Style, fixture, html, markdown, text};
    use crate::result::{GroupResult, Ledger, Reconnects, Results};

    fn mixed() -> Results {
        let mut results = fixture::three();
        let run = &mut results.summary.runs[2];
        run.reconnects = Reconnects {
            count: 480,
            attempts: 1_200,
            gave_up: 20,
            p50_ns: Some(1_200_000_000),
            max_ns: Some(9_000_000_000),
            ..Reconnects::default()
        };
        run.ledger.missed = 7_000;
        run.failure_details.insert("reset".into(), "rule 3 says <so>".into());
        run.failures.insert("reset".into(), 500);
        let group = |name: &str, lost| GroupResult {
            name: name.into(),
            transport: "websocket".into(),
            clients: 250,
            ledger: Ledger { lost, ..Ledger::default() },
            ..GroupResult::default()
        };
        run.groups = vec![group("desk", 0), group("phone <1>", 12)];
        results
    }

    #[test]
    fn every_format_tells_of_returns_groups_and_details() {
        let summary = mixed().summary;
        let style = Style::default();
        // Lines are folded at the terminal's width.
        let plain = text::render(&summary, &style).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain.contains("480 times back, p50 1.20 s, p99 -, max 9.00 s"), "{plain}");
        assert!(plain.contains("20 gave up") && plain.contains("7,000 messages missed"), "{plain}");
        assert!(plain.contains("websocket / phone <1>"), "{plain}");
        let md = markdown::render(&summary, &style);
        assert!(md.contains("| websocket / phone &#60;1&#62; | websocket | 250 |"), "{md}");
        let page = html::render(&summary, &style);
        assert!(
            page.contains("websocket / phone &lt;1&gt;</td>") && page.contains("480 times back"),
            "{page}"
        );
        for (out, so) in [(&plain, "<so>"), (&md, "&#60;so&#62;"), (&page, "&lt;so&gt;")] {
            assert!(out.contains(&format!("rule 3 says {so}")), "{out}");
        }
    }

    #[test]
    fn nothing_is_said_where_nobody_had_to_come_back() {
        let plain = text::render(&fixture::three().summary, &Style::default());
        assert!(!plain.contains("Returns") && !plain.contains("Groups"), "{plain}");
    }
}
