//! GitHub's Markdown: the table and what is said around it, for comments and summaries of CI.

use super::idle::{self, Idle};
use super::lives::group_heads;
use super::story::Story;
use super::table::{COLUMNS, Row, rows};
use super::{Style, number};
use crate::result::{Summary, Verdict};

pub(super) fn render(summary: &Summary, style: &Style) -> String {
    let rows = rows(summary);
    let story = Story::of(summary, &rows);
    let mut out = format!("### {}\n\n{}.\n", escaped(&summary.title), escaped(&story.feed.join(", ")));
    if summary.partial {
        out.push_str("\n**Cut short: what is here was measured, more was planned.**\n");
    }
    out.push_str(&table(&rows));
    out.push_str(&list(
        "",
        &story.absences.iter().map(|a| format!("`-` {}", escaped(a))).collect::<Vec<_>>(),
    ));
    out.push_str(&list("", &story.blurs.iter().map(|b| format!("`~` {}", escaped(b))).collect::<Vec<_>>()));
    out.push_str(&verdicts(&story));
    out.push_str(&objectives(&story));
    out.push_str(&claims(&story));
    out.push_str(&list("**Cost**\n\n", &story.costs.iter().map(|c| escaped(c)).collect::<Vec<_>>()));
    out.push_str(&failures(&story));
    out.push_str(&list("**Returns**\n\n", &story.returns.iter().map(|r| escaped(r)).collect::<Vec<_>>()));
    let counted: Vec<_> = story.counted.iter().map(|c| escaped(c)).collect();
    out.push_str(&list("**Counted by the target itself**\n\n", &counted));
    out.push_str(&groups(&story));
    out.push_str(&idle(&story.idle));
    out.push_str(&list("**Notes**\n\n", &story.notes.iter().map(|n| escaped(n)).collect::<Vec<_>>()));
    if let Some(selftest) = &style.selftest {
        out.push_str(&format!("\nSelftest: {}\n", escaped(selftest)));
    }
    if let Some(folder) = &style.folder {
        out.push_str(&format!("\nResults: `{}`\n", folder.display()));
    }
    out
}

fn table(rows: &[Row<'_>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heads = COLUMNS.iter().map(super::table::Column::full_head).collect::<Vec<_>>().join(" | ");
    let mut out =
        format!("\n| case | clients | {heads} | verdict |\n|---|--:|{}---|\n", "--:|".repeat(COLUMNS.len()));
    for row in rows {
        let cells = row.cells().into_iter().map(|c| match c.range {
            Some((least, greatest)) => format!("{} ({least} .. {greatest})", c.middle),
            None => c.middle,
        });
        let cells = cells.collect::<Vec<_>>().join(" | ");
        let verdict = marked(row.verdict(), &row.verdict_words());
        out.push_str(&format!("| {} | {} | {cells} | {verdict} |\n", escaped(&row.name), row.clients));
    }
    out
}

/// Bold unless valid.
fn marked(verdict: Verdict, words: &str) -> String {
    if verdict == Verdict::Valid { words.to_owned() } else { format!("**{words}**") }
}

fn list(heading: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    format!("\n{heading}{}", items.iter().map(|i| format!("- {i}\n")).collect::<String>())
}

fn verdicts(story: &Story) -> String {
    let mut items = Vec::new();
    for v in &story.verdicts {
        items.push(format!("{} {}: {}", marked(v.verdict, &v.words), escaped(&v.label), v.rates));
        items.extend(v.reasons.iter().map(|r| format!("  - {}", escaped(r))));
    }
    // A reason belongs under its verdict: one level deeper.
    list("**Verdicts**\n\n", &items).replace("\n-   - ", "\n  - ")
}

fn objectives(story: &Story) -> String {
    let line = |o: &super::objective::ObjectiveLine| {
        let words = if o.met == Some(true) { o.words.clone() } else { format!("**{}**", o.words) };
        format!("{words} `{} {}` {}: {}", o.key, o.objective, escaped(&o.label), escaped(&o.measured))
    };
    list("**Objectives**\n\n", &story.objectives.iter().map(line).collect::<Vec<_>>())
}

fn claims(story: &Story) -> String {
    let line = |c: &super::objective::ObjectiveLine| {
        let number = escaped(&format!("{}: {}, wanted {}", c.label, c.measured, c.objective));
        format!("**{}**: {} ({number})", c.words, escaped(&c.key))
    };
    list(
        "**Claims** (on this target, with this load)\n\n",
        &story.claims.iter().map(line).collect::<Vec<_>>(),
    )
}

fn failures(story: &Story) -> String {
    let line = |f: &super::story::FailureLine| {
        let count = number::grouped(f.count as f64);
        let rows = escaped(&f.by_row.join("; "));
        let detail = f.detail.as_ref().map_or(String::new(), |d| format!(" First: {}", escaped(d)));
        format!("{count} x `{}` ({}): {} {rows}{detail}", f.key, f.side, escaped(f.meaning))
    };
    list("**Failures** (whole run)\n\n", &story.failures.iter().map(line).collect::<Vec<_>>())
}

fn groups(story: &Story) -> String {
    if story.groups.is_empty() {
        return String::new();
    }
    let heads: Vec<&str> = group_heads().collect();
    let mut out = format!(
        "\n**Groups**\n\n| group | transport | clients | {} |\n|---|---|--:|{}\n",
        heads.join(" | "),
        "--:|".repeat(heads.len())
    );
    for g in &story.groups {
        let (name, transport) = (escaped(&g.name), escaped(&g.transport));
        out.push_str(&format!("| {name} | {transport} | {} | {} |\n", g.clients, g.cells.join(" | ")));
    }
    out
}

fn idle(idle: &Idle) -> String {
    if idle.lines.is_empty() {
        return String::new();
    }
    let (heads, bars) = (idle::HEADS.join(" | "), "--:|".repeat(idle::HEADS.len()));
    let mut out = format!("\n**{}**\n\n| case | {heads} | verdict |\n|---|{bars}---|\n", idle::HEADING);
    for line in &idle.lines {
        let verdict = marked(line.verdict, &line.words);
        out.push_str(&format!("| {} | {} | {verdict} |\n", escaped(&line.case), line.cells.join(" | ")));
    }
    out + &list("", &idle.notes.iter().map(|n| escaped(n)).collect::<Vec<_>>())
}

/// Text that is no markup and breaks no table.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '|' | '<' | '>' | '*' | '_' | '[' | ']' | '\\' | '#' | '@' => {
                // An entity, not a backslash: GitHub still links `\@name` and `\#1`.
                out.push_str(&format!("&#{};", c as u32));
            }
            '`' => out.push_str("&#96;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn titles_and_cases_break_nothing() {
        let mut results = fixture::three();
        results.summary.title = "a | b\n# c <img> @you".into();
        results.summary.runs[0].case = "x|y".into();
        let out = render(&results.summary, &Style::default());
        assert!(out.starts_with("### a &#124; b &#35; c &#60;img&#62; &#64;you\n"), "{out}");
        let widths: std::collections::HashSet<_> =
            out.lines().filter(|l| l.starts_with('|')).map(|l| l.matches('|').count()).collect();
        assert_eq!(widths.len(), 1, "{out}");
    }
}
