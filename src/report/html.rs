//! One page that needs nothing beside it: no script, no font, no file; light and dark.

use super::idle::{self, Idle};
use super::lives::group_heads;
use super::story::Story;
use super::table::{COLUMNS, Row, rows, word};
use super::{Style, number};
use crate::result::{Chart, Summary};

const CSS: &str = include_str!("report.css");

pub(super) fn render(summary: &Summary, style: &Style) -> String {
    let rows = rows(summary);
    let story = Story::of(summary, &rows);
    let title = escaped(&summary.title);
    let partial = if summary.partial {
        "<p class=\"suspect\">Cut short: what is here was measured, more was planned.</p>\n"
    } else {
        ""
    };
    let parts = [
        format!("<h1>{title}</h1>\n<p>{}.</p>\n{partial}", escaped(&story.feed.join(", "))),
        table(&rows),
        list("", story.absences.iter().map(|a| format!("“-” {}", escaped(a)))),
        list("", story.blurs.iter().map(|b| format!("“~” {}", escaped(b)))),
        verdicts(&story),
        objectives(&story),
        claims(&story) + &list("Cost", story.costs.iter().map(|c| escaped(c))),
        failures(&story),
        list("Returns", story.returns.iter().map(|r| escaped(r)))
            + &list("Counted by the target itself", story.counted.iter().map(|c| escaped(c))),
        groups(&story) + &idle(&story.idle),
        style.charts.iter().map(figure).collect(),
        list("Notes", story.notes.iter().map(|n| escaped(n))),
        style.selftest.iter().map(|s| format!("<p>Selftest: {}</p>\n", escaped(s))).collect(),
    ];
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
        parts.concat()
    )
}

fn table(rows: &[Row<'_>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let groups = COLUMNS.chunk_by(|a, b| !a.group.is_empty() && a.group == b.group);
    let groups = groups.map(|g| format!("<th colspan=\"{}\">{}</th>", g.len(), escaped(g[0].group)));
    let heads = COLUMNS.iter().map(|c| format!("<th>{}</th>", escaped(c.head)));
    format!(
        "<div class=\"wide\"><table>\n<tr class=\"groups\"><th></th><th></th>{}<th class=\"verdict\"></th></tr>\n\
         <tr><th class=\"name\">case</th><th>clients</th>{}<th class=\"verdict\">verdict</th></tr>\n\
         {}</table></div>\n",
        groups.collect::<String>(),
        heads.collect::<String>(),
        rows.iter().map(row).collect::<String>()
    )
}

fn row(row: &Row<'_>) -> String {
    let cells = row.cells().into_iter().map(|c| match c.range {
        Some((least, greatest)) => {
            let range = escaped(&format!("{least} .. {greatest}"));
            format!("<td>{}<br><small>{range}</small></td>", escaped(&c.middle))
        }
        None => format!("<td>{}</td>", escaped(&c.middle)),
    });
    format!(
        "<tr class=\"{}\"><td class=\"name\">{}</td><td>{}</td>{}<td class=\"verdict\">{}</td></tr>\n",
        word(row.verdict()),
        escaped(&row.name),
        row.clients,
        cells.collect::<String>(),
        row.verdict_words()
    )
}

fn list(heading: &str, items: impl Iterator<Item = String>) -> String {
    let items: String = items.map(|i| format!("<li>{i}</li>\n")).collect();
    let heading = if heading.is_empty() { String::new() } else { format!("<h2>{heading}</h2>\n") };
    if items.is_empty() { items } else { format!("{heading}<ul>\n{items}</ul>\n") }
}

fn verdicts(story: &Story) -> String {
    let item = |v: &super::story::VerdictLine| {
        let reasons: String = v.reasons.iter().map(|r| format!("<li>{}</li>", escaped(r))).collect();
        let reasons = if reasons.is_empty() { reasons } else { format!("<ul>{reasons}</ul>") };
        let class = word(v.verdict);
        format!("<b class=\"{class}\">{}</b> {}: {}{reasons}", v.words, escaped(&v.label), escaped(&v.rates))
    };
    list("Verdicts", story.verdicts.iter().map(item))
}

fn objectives(story: &Story) -> String {
    let item = |o: &super::objective::ObjectiveLine| {
        let class = met_class(o.met);
        let wanted = escaped(&format!("{} {}", o.key, o.objective));
        format!(
            "<b class=\"{class}\">{}</b> <code>{wanted}</code> {}: {}",
            o.words,
            escaped(&o.label),
            escaped(&o.measured)
        )
    };
    list("Objectives", story.objectives.iter().map(item))
}

fn claims(story: &Story) -> String {
    let item = |c: &super::objective::ObjectiveLine| {
        let class = met_class(c.met);
        let number = escaped(&format!("{}: {}, wanted {}", c.label, c.measured, c.objective));
        format!("<b class=\"{class}\">{}</b> {}<br>{number}", c.words, escaped(&c.key))
    };
    list("Claims (on this target, with this load)", story.claims.iter().map(item))
}

fn met_class(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "valid",
        Some(false) => "invalid",
        None => "suspect",
    }
}

fn failures(story: &Story) -> String {
    let item = |f: &super::story::FailureLine| {
        let count = number::grouped(f.count as f64);
        let (key, rows) = (escaped(&f.key), escaped(&f.by_row.join("; ")));
        let detail = f.detail.as_ref().map_or(String::new(), |d| format!(" First: {}", escaped(d)));
        format!("{count} × <code>{key}</code> ({}) {} {rows}{detail}", f.side, escaped(f.meaning))
    };
    list("Failures (whole run)", story.failures.iter().map(item))
}

fn groups(story: &Story) -> String {
    if story.groups.is_empty() {
        return String::new();
    }
    let heads: String = group_heads().map(|head| format!("<th>{}</th>", escaped(head))).collect();
    let line = |g: &super::lives::GroupLine| {
        let cells: String = g.cells.iter().map(|c| format!("<td>{}</td>", escaped(c))).collect();
        let (name, transport) = (escaped(&g.name), escaped(&g.transport));
        format!("<tr><td class=\"name\">{name}</td><td>{transport}</td><td>{}</td>{cells}</tr>\n", g.clients)
    };
    format!(
        "<h2>Groups</h2>\n<div class=\"wide\"><table>\n<tr><th class=\"name\">group</th><th>transport</th>\
         <th>clients</th>{heads}</tr>\n{}</table></div>\n",
        story.groups.iter().map(line).collect::<String>()
    )
}

fn idle(idle: &Idle) -> String {
    if idle.lines.is_empty() {
        return String::new();
    }
    let heads: String = idle::HEADS.iter().map(|head| format!("<th>{}</th>", escaped(head))).collect();
    let line = |l: &idle::IdleLine| {
        let cells: String = l.cells.iter().map(|c| format!("<td>{}</td>", escaped(c))).collect();
        let (class, case, words) = (word(l.verdict), escaped(&l.case), &l.words);
        format!(
            "<tr class=\"{class}\"><td class=\"name\">{case}</td>{cells}<td class=\"verdict\">{words}</td></tr>\n"
        )
    };
    format!(
        "<h2>{}</h2>\n<div class=\"wide\"><table>\n<tr><th class=\"name\">case</th>{heads}<th class=\"verdict\">verdict</th></tr>\n\
         {}</table></div>\n{}",
        idle::HEADING,
        idle.lines.iter().map(line).collect::<String>(),
        list("", idle.notes.iter().map(|n| escaped(n)))
    )
}

/// A chart as an image in the page: an image runs no script, and its ids and styles stay its own.
fn figure(chart: &Chart) -> String {
    let name = escaped(&chart.name);
    let data = data_encoding::BASE64.encode(chart.svg.as_bytes());
    format!("<figure><img alt=\"{name}\" src=\"data:image/svg+xml;base64,{data}\"></figure>\n")
}

/// Text as text, in elements and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
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
    fn whatever_a_scenario_says_is_text() {
        let mut results = fixture::three();
        let evil = "\"><script>alert('x')</script>&";
        let run = &mut results.summary.runs[0];
        run.case = evil.into();
        run.reasons = vec![evil.into()];
        run.notes = vec![evil.into()];
        run.failures.insert(evil.into(), 1);
        results.summary.title = evil.into();
        results.summary.slo[0].objective = evil.into();
        results.summary.slo[0].reason = Some(evil.into());
        let chart = Chart { name: evil.into(), path: "x".into(), svg: format!("<svg>{evil}</svg>") };
        let style = Style { charts: vec![chart], ..Style::default() };
        let page = render(&results.summary, &style);
        assert!(!page.contains("<script") && !page.contains("alert('"), "{page}");
        assert_eq!(page.matches("data:image/svg+xml;base64,").count(), 1);
    }
}
