//! What is wrong with a scenario: every error at once, each with its place, its line and what would do.

use super::Secrets;
use std::fmt::{self, Write as _};
use std::ops::Range;

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Byte range in the file; `None` when it is about the command line or the file as a whole.
    pub(super) span: Option<Range<usize>>,
    /// What is wrong and what is wanted.
    pub(super) message: String,
    /// What may help.
    pub(super) help: Option<String>,
}

/// Everything that is wrong with one scenario.
#[derive(Clone, Debug)]
pub struct ScenarioErrors {
    name: String,
    source: String,
    problems: Vec<Problem>,
    /// Those of files that this one names.
    others: Vec<ScenarioErrors>,
    colour: bool,
}

impl std::error::Error for ScenarioErrors {}

impl ScenarioErrors {
    pub(super) fn new(name: &str, source: &str, mut problems: Vec<Problem>) -> ScenarioErrors {
        problems.sort_by_key(|p| p.span.as_ref().map(|s| s.start));
        ScenarioErrors {
            name: name.to_owned(),
            source: source.to_owned(),
            problems,
            others: Vec::new(),
            colour: false,
        }
    }

    /// Errors of flags, which have no line.
    pub(super) fn of_command_line(messages: Vec<String>) -> ScenarioErrors {
        let problem = |message| Problem { span: None, message, help: None };
        ScenarioErrors::new("the command line", "", messages.into_iter().map(problem).collect())
    }

    /// The same, followed by those of files that this one names.
    pub(super) fn with(mut self, others: Vec<ScenarioErrors>) -> ScenarioErrors {
        self.others = others;
        self
    }

    /// The same without what came from the environment.
    #[must_use]
    pub(super) fn hiding(mut self, secrets: &Secrets) -> ScenarioErrors {
        for problem in &mut self.problems {
            problem.message = secrets.hide(&problem.message);
            problem.help = problem.help.take().map(|help| secrets.hide(&help));
        }
        self
    }

    /// How many errors there are; at least one.
    pub fn len(&self) -> usize {
        self.problems.len() + self.others.iter().map(ScenarioErrors::len).sum::<usize>()
    }

    /// Never: this is made of errors.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The messages alone, in the order of the file.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.problems.iter().map(|p| p.message.as_str())
    }

    /// The same, shown with terminal colours when `colour` is true.
    #[must_use]
    pub fn coloured(mut self, colour: bool) -> ScenarioErrors {
        self.colour = colour;
        self.others = self.others.into_iter().map(|o| o.coloured(colour)).collect();
        self
    }
}

/// A terminal colour, or nothing.
struct Paint(bool);

impl Paint {
    const RED: &str = "1;31";
    const BLUE: &str = "1;34";
    const CYAN: &str = "1;36";

    fn with(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paint = Paint(self.colour);
        for problem in &self.problems {
            f.write_str(&self.one(problem, &paint)?)?;
            f.write_char('\n')?;
        }
        let count = self.problems.len();
        let s = if count == 1 { "" } else { "s" };
        write!(f, "{count} error{s} in {}", self.name)?;
        for other in &self.others {
            write!(f, "\n\n{other}")?;
        }
        Ok(())
    }
}

impl ScenarioErrors {
    fn one(&self, problem: &Problem, paint: &Paint) -> Result<String, fmt::Error> {
        let mut out = String::new();
        writeln!(out, "{}: {}", paint.with(Paint::RED, "error"), problem.message)?;
        let mut margin = 1;
        if let Some(span) = &problem.span {
            let place = Place::of(&self.source, span);
            margin = place.line.to_string().len();
            let (arrow, bar) = (paint.with(Paint::BLUE, "-->"), paint.with(Paint::BLUE, "|"));
            let number = paint.with(Paint::BLUE, &place.line.to_string());
            let (gap, carets) = (" ".repeat(margin), "^".repeat(place.width));
            writeln!(out, "{gap}{arrow} {}:{}:{}", self.name, place.line, place.column)?;
            writeln!(out, "{gap} {bar}\n{number} {bar} {}", place.text)?;
            writeln!(out, "{gap} {bar} {}{}", place.indent, paint.with(Paint::RED, &carets))?;
        }
        if let Some(help) = &problem.help {
            writeln!(out, "{} = {}: {help}", " ".repeat(margin), paint.with(Paint::CYAN, "help"))?;
        }
        Ok(out)
    }
}

/// Where a span begins, as people count, and how its line is underlined.
struct Place<'a> {
    line: usize,
    /// In characters, from 1.
    column: usize,
    text: &'a str,
    /// What stands below the text before the span; tabs stay tabs so that the caret stays in place.
    indent: String,
    width: usize,
}

impl<'a> Place<'a> {
    fn of(source: &'a str, span: &Range<usize>) -> Place<'a> {
        let start = floor_char(source, span.start);
        let begin = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let text = source[begin..end].trim_end_matches('\r');
        let before = &source[begin..start];
        let stop = floor_char(source, span.end).clamp(start, end);
        Place {
            line: source[..begin].matches('\n').count() + 1,
            column: before.chars().count() + 1,
            text,
            indent: before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect(),
            width: source[start..stop].trim_end().chars().count().max(1),
        }
    }
}

/// The start of the character that `at` lies in, or the end of the text.
fn floor_char(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str, span: Range<usize>) -> String {
        let problem = Problem { span: Some(span), message: "no".into(), help: Some("yes".into()) };
        ScenarioErrors::new("a.toml", source, vec![problem]).to_string()
    }

    #[test]
    fn the_line_and_a_caret_under_what_is_wrong() {
        let wanted =
            "error: no\n --> a.toml:2:5\n  |\n2 | b = 55\n  |     ^^\n  = help: yes\n\n1 error in a.toml";
        assert_eq!(shown("a = 1\nb = 55\n", 10..12), wanted);
    }

    #[test]
    fn spans_at_the_ends_and_inside_characters_are_shown() {
        for span in [0..0, 5..5, 3..4, 4..90, 90..91] {
            assert!(shown("ü = \"ß\"", span).contains("a.toml:1:"));
        }
    }

    #[test]
    fn colour_only_when_asked() {
        let problem = Problem { span: None, message: "no".into(), help: None };
        let errors = ScenarioErrors::new("a", "", vec![problem]);
        assert!(!errors.to_string().contains('\x1b'));
        assert!(errors.coloured(true).to_string().contains("\x1b[1;31merror"));
    }
}
