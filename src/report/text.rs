//! The report for a terminal.

use super::idle;
use super::layout::{cut, fold, gap, group_line, heads, laid_out, widest, widths};
use super::lives::group_heads;
use super::objective::ObjectiveLine;
use super::story::Story;
use super::table::{Row, rows};
use super::{Style, number};
use crate::result::{Summary, Verdict};

pub(super) fn render(summary: &Summary, style: &Style) -> String {
    let summary = &printable(summary);
    let rows = rows(summary);
    let story = Story::of(summary, &rows);
    let mut page = Page { out: String::new(), style };
    page.opening(summary, &story);
    if !rows.is_empty() {
        page.table(&rows);
    }
    page.absences(&story);
    page.verdicts(&story);
    page.objectives("Objectives", &story.objectives);
    page.claims(&story.claims);
    page.bullets("Cost", &story.costs);
    page.failures(&story);
    page.bullets("Returns", &story.returns);
    page.bullets("Counted by the target itself", &story.counted);
    page.groups(&story);
    page.idle(&story.idle);
    page.bullets("Notes", &story.notes);
    page.closing();
    page.out
}

/// The summary without control characters: names in a file are not to steer a terminal.
fn printable(summary: &Summary) -> Summary {
    let clean = |text: &mut String| text.retain(|c| !c.is_control());
    let mut summary = summary.clone();
    [&mut summary.title, &mut summary.target].into_iter().for_each(clean);
    summary.cost_models.iter_mut().for_each(|m| {
        clean(&mut m.case);
        m.swept.values_mut().for_each(clean);
    });
    summary.prices.iter_mut().for_each(|p| {
        clean(&mut p.currency);
        p.cases.iter_mut().for_each(|c| {
            clean(&mut c.case);
            c.swept.values_mut().for_each(clean);
        });
    });
    for run in &mut summary.runs {
        [&mut run.case, &mut run.model].into_iter().for_each(clean);
        run.reasons.iter_mut().chain(&mut run.notes).for_each(clean);
        run.target_cost.iter_mut().flat_map(|c| &mut c.warnings).for_each(clean);
        run.target_metrics.iter_mut().for_each(|m| {
            m.warnings.iter_mut().for_each(clean);
            m.series.iter_mut().flat_map(|s| [&mut s.name, &mut s.unit]).for_each(clean);
        });
        run.swept.values_mut().for_each(clean);
        run.failure_details.values_mut().for_each(clean);
        run.groups.iter_mut().flat_map(|g| [&mut g.name, &mut g.transport]).for_each(clean);
        run.failures = std::mem::take(&mut run.failures)
            .into_iter()
            .map(|(k, n)| (k.replace(char::is_control, ""), n))
            .collect();
    }
    for ladder in &mut summary.ladders {
        clean(&mut ladder.case);
        [&mut ladder.reasons, &mut ladder.warnings, &mut ladder.notes].into_iter().flatten().for_each(clean);
    }
    summary.connection_costs.iter_mut().for_each(|c| clean(&mut c.case));
    summary.slo.iter_mut().flat_map(|s| [&mut s.key, &mut s.objective]).for_each(clean);
    summary.claims.iter_mut().flat_map(|c| [&mut c.says, &mut c.case, &mut c.against]).for_each(clean);
    summary.slo.iter_mut().flat_map(|s| &mut s.reason).for_each(clean);
    summary
}

struct Page<'a> {
    out: String,
    style: &'a Style,
}

/// ANSI codes.
const BOLD: &str = "1";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const RED: &str = "31";

fn colour_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => GREEN,
        Verdict::Suspect => YELLOW,
        Verdict::Invalid => RED,
    }
}

fn colour_of_met(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => GREEN,
        Some(false) => RED,
        None => YELLOW,
    }
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.style.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn heading(&mut self, text: &str) {
        self.out.push('\n');
        let text = self.paint(text, BOLD);
        self.line(&text);
    }

    /// `text` after `first`, folded at the width, later lines under the text.
    fn folded(&mut self, first: &str, text: &str) {
        self.folded_at(first.chars().count(), first, text);
    }

    /// The same where `first` holds colours and is `indent` wide.
    fn folded_at(&mut self, indent: usize, first: &str, text: &str) {
        for (i, line) in fold(text, self.style.width.saturating_sub(indent)).iter().enumerate() {
            let lead = if i == 0 { first.to_owned() } else { " ".repeat(indent) };
            self.line(&format!("{lead}{line}"));
        }
    }

    /// A status, then columns that are laid out beforehand; folded instead where they do not fit.
    fn status_line(&mut self, status: &str, colour: &str, columns: &[(&str, usize)]) {
        let indent = status.chars().count() + 4;
        let first = format!("  {}  ", self.paint(status, colour));
        let laid: Vec<_> = columns.iter().map(|(text, width)| format!("{text:width$}")).collect();
        let laid = laid.join("  ");
        if indent + laid.trim_end().chars().count() <= self.style.width {
            self.line(&format!("{first}{laid}"));
        } else {
            let texts: Vec<_> = columns.iter().map(|(text, _)| *text).collect();
            self.folded_at(indent, &first, &texts.join(": "));
        }
    }

    fn bullets(&mut self, heading: &str, texts: &[String]) {
        if texts.is_empty() {
            return;
        }
        self.heading(heading);
        texts.iter().for_each(|t| self.folded("  - ", t));
    }

    /// Names as they are, numbers in columns; folded where they do not fit.
    fn groups(&mut self, story: &Story) {
        if story.groups.is_empty() {
            return;
        }
        self.heading("Groups");
        for g in &story.groups {
            let cells = group_heads().zip(&g.cells).map(|(head, cell)| format!("{head} {cell}"));
            let cells = cells.collect::<Vec<_>>().join(", ");
            let said = format!("{} ({}, {} clients): {cells}", g.name, g.transport, g.clients);
            self.folded("  - ", &said);
        }
    }

    /// A table of its own, then what to know of it.
    fn idle(&mut self, idle: &idle::Idle) {
        if idle.lines.is_empty() {
            return;
        }
        self.heading(idle::HEADING);
        let width = |i: usize| {
            let cells = idle.lines.iter().map(|l| l.cells[i].as_str());
            widest(cells.chain([idle::HEADS[i]]))
        };
        let widths: Vec<usize> = (0..idle::HEADS.len()).map(width).collect();
        let others = widths.iter().map(|w| w + 2).sum::<usize>() + 13;
        let name = widest(idle.lines.iter().map(|l| l.case.as_str()).chain(["case"]));
        let name = name.min(self.style.width.saturating_sub(others).max(12));
        let laid = |case: &str, cells: &[&str], last: &str| {
            let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("  {cell:>width$}"));
            format!("  {:name$}{}  {last}", cut(case, name), cells.collect::<String>())
        };
        let heads = self.paint(&laid("case", &idle::HEADS, "verdict"), BOLD);
        self.line(&heads);
        for line in &idle.lines {
            let cells: Vec<&str> = line.cells.iter().map(String::as_str).collect();
            let text = laid(&line.case, &cells, &line.words);
            let text = if line.verdict == Verdict::Valid {
                text
            } else {
                self.paint(&text, colour_of(line.verdict))
            };
            self.line(&text);
        }
        idle.notes.iter().for_each(|note| self.folded("  - ", note));
    }

    fn opening(&mut self, summary: &Summary, story: &Story) {
        let title = fold(&summary.title, self.style.width).join("\n");
        let title = self.paint(&title, BOLD);
        self.line(&title);
        self.folded("", &story.feed.join(", "));
        if summary.partial {
            self.line("Cut short: what is here was measured, more was planned.");
        }
        self.out.push('\n');
    }

    fn table(&mut self, rows: &[Row<'_>]) {
        let lines: Vec<Vec<String>> = rows.iter().flat_map(cells_of_row).collect();
        let widths = widths(&lines, self.style.width);
        let gap = gap(&widths, self.style.width);
        let groups = group_line(&widths, gap);
        self.line(&groups);
        let heads = laid_out(&heads(), &widths, gap);
        let heads = self.paint(heads.trim_end(), BOLD);
        self.line(&heads);
        let mut at = lines.iter();
        for row in rows {
            for _ in 0..height(row) {
                let Some(cells) = at.next() else { return };
                let cells: Vec<_> = cells.iter().map(String::as_str).collect();
                let text = laid_out(&cells, &widths, gap);
                let text = match row.verdict() {
                    Verdict::Valid => text,
                    worse => self.paint(text.trim_end(), colour_of(worse)),
                };
                self.line(&text);
            }
        }
    }

    fn absences(&mut self, story: &Story) {
        if story.absences.is_empty() && story.blurs.is_empty() {
            return;
        }
        self.out.push('\n');
        story.absences.iter().for_each(|a| self.folded("  \"-\"  ", a));
        story.blurs.iter().for_each(|b| self.folded("  \"~\"  ", b));
    }

    fn verdicts(&mut self, story: &Story) {
        if story.verdicts.is_empty() {
            return;
        }
        self.heading("Verdicts");
        let words = widest(story.verdicts.iter().map(|v| v.words.as_str()));
        let labels = widest(story.verdicts.iter().map(|v| v.label.as_str()));
        for v in &story.verdicts {
            let status = format!("{:words$}", v.words);
            self.status_line(&status, colour_of(v.verdict), &[(&v.label, labels), (&v.rates, 0)]);
            let indent = " ".repeat(words + 4);
            v.reasons.iter().for_each(|r| self.folded(&format!("{indent}- "), r));
        }
    }

    fn objectives(&mut self, heading: &str, lines: &[ObjectiveLine]) {
        if lines.is_empty() {
            return;
        }
        self.heading(heading);
        let words = widest(lines.iter().map(|l| l.words.as_str()));
        let wanted: Vec<_> = lines.iter().map(|l| format!("{} {}", l.key, l.objective)).collect();
        let wanted_width = widest(wanted.iter().map(String::as_str));
        let labels = widest(lines.iter().map(|l| l.label.as_str()));
        for (line, wanted) in lines.iter().zip(&wanted) {
            let colour = colour_of_met(line.met);
            let columns = [(wanted.as_str(), wanted_width), (&line.label, labels), (&line.measured, 0)];
            self.status_line(&format!("{:words$}", line.words), colour, &columns);
        }
    }

    /// What is said is a sentence: the number stands below it.
    fn claims(&mut self, lines: &[ObjectiveLine]) {
        if lines.is_empty() {
            return;
        }
        self.heading("Claims (on this target, with this load)");
        let words = widest(lines.iter().map(|l| l.words.as_str()));
        for line in lines {
            let status = format!("{:words$}", line.words);
            self.status_line(&status, colour_of_met(line.met), &[(&line.key, 0)]);
            let number = format!("{}: {}, wanted {}", line.label, line.measured, line.objective);
            self.folded(&" ".repeat(words + 4), &number);
        }
    }

    fn failures(&mut self, story: &Story) {
        if story.failures.is_empty() {
            return;
        }
        self.heading("Failures (whole run)");
        for f in &story.failures {
            let first = format!("  {:>8}  {} ({})  ", number::grouped(f.count as f64), f.key, f.side);
            let detail = f.detail.as_ref().map_or(String::new(), |d| format!(" First: {d}"));
            self.folded(&first, &format!("{} {}{detail}", f.meaning, f.by_row.join("; ")));
        }
    }

    fn closing(&mut self) {
        if let Some(selftest) = &self.style.selftest {
            self.out.push('\n');
            self.folded("Selftest ", selftest);
        }
        let Some(folder) = &self.style.folder else { return };
        let charts = match self.style.charts.len() {
            0 => String::new(),
            _ => format!("\nCharts   {}", folder.join("charts").display()),
        };
        let closing = format!("\nResults  {}{charts}", folder.display());
        self.line(&closing);
    }
}

fn height(row: &Row<'_>) -> usize {
    if row.told.len() > 1 { 3 } else { 1 }
}

/// The lines of one row: values, and for repeats the least and the greatest under them.
fn cells_of_row(row: &Row<'_>) -> Vec<Vec<String>> {
    let cells = row.cells();
    let line = |name: String, clients: String, of: &dyn Fn(usize) -> String| {
        let numbers = (0..cells.len()).map(of);
        [name, clients].into_iter().chain(numbers).chain([row.verdict_words()]).collect::<Vec<_>>()
    };
    let mut lines = vec![line(row.name.clone(), row.clients.to_string(), &|i| cells[i].middle.clone())];
    if height(row) > 1 {
        let end = |i: usize, least: bool| match &cells[i].range {
            Some((low, high)) => if least { low } else { high }.clone(),
            None => cells[i].middle.clone(),
        };
        let repeats = row.told.len();
        lines.push(line(format!("  min of {repeats}"), String::new(), &|i| end(i, true)));
        lines.push(line(format!("  max of {repeats}"), String::new(), &|i| end(i, false)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn names_do_not_steer_the_terminal() {
        let mut results = fixture::three();
        let evil = "\x1b[2Jgone\x07";
        let run = &mut results.summary.runs[0];
        run.case = evil.into();
        run.reasons = vec![evil.into()];
        run.failures.insert(evil.into(), 1);
        results.summary.title = evil.into();
        results.summary.slo[0].objective = evil.into();
        let text = render(&results.summary, &Style::default());
        assert!(text.contains("gone") && !text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
}
