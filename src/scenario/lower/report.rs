//! Where lowering tells what is wrong, and where in the file.

use super::template::CaseScope;
use crate::scenario::doc::Doc;
use crate::scenario::error::Problem;
use crate::scenario::path::KeyPath;
use std::fmt::Display;
use std::path::PathBuf;
use toml::Spanned;
use toml::de::DeValue;

/// Collects errors and notes. An error about something that is already in error is dropped: one
/// mistake is told once.
pub(in crate::scenario) struct Report<'a> {
    doc: &'a Doc<'a>,
    broken: Vec<KeyPath>,
    /// Keys whose value came from the command line, and the flag it came from.
    overridden: Vec<(KeyPath, &'static str)>,
    pub(in crate::scenario) problems: Vec<Problem>,
    pub(in crate::scenario) notes: Vec<String>,
    /// What the templates of the case under way may name.
    pub(in crate::scenario) scope: CaseScope,
    /// Where the files that the scenario names are found.
    pub(in crate::scenario) folder: PathBuf,
    /// Whether only ladders of idle connections are asked for: what is said of the feed is nobody's business.
    pub(in crate::scenario) ladders_alone: bool,
}

impl<'a> Report<'a> {
    pub(in crate::scenario) fn new(doc: &'a Doc<'a>, found: Vec<(KeyPath, Problem)>) -> Report<'a> {
        let (broken, problems) = found.into_iter().unzip();
        Report {
            doc,
            broken,
            overridden: Vec::new(),
            problems,
            notes: Vec::new(),
            scope: CaseScope::default(),
            folder: PathBuf::new(),
            ladders_alone: false,
        }
    }

    /// The keys of the table at a path, as they stand in the file; none where there is no table.
    pub(in crate::scenario) fn keys(&self, path: &KeyPath) -> Vec<String> {
        match self.doc.get(path).map(Spanned::get_ref) {
            Some(DeValue::Table(table)) => table.keys().map(|k| k.get_ref().to_string()).collect(),
            _ => Vec::new(),
        }
    }

    /// The value at a path as it stands in the file, quotes and all.
    pub(in crate::scenario) fn written(&self, path: &KeyPath) -> Option<String> {
        self.doc.get(path).map(|value| self.doc.written(value))
    }

    /// The value at `path` now comes from `flag`.
    pub(in crate::scenario) fn override_with(&mut self, path: &str, flag: &'static str) {
        self.overridden.push((KeyPath::at(path), flag));
    }

    /// Whether anything at or below a path, or above it, is in error.
    pub(in crate::scenario) fn is_broken(&self, path: &KeyPath) -> bool {
        self.broken.iter().any(|b| b.touches(path))
    }

    /// Whether something below `path` is in error, under another key than these.
    pub(in crate::scenario) fn is_broken_beside(&self, path: &KeyPath, keys: &[&str]) -> bool {
        let beside = |b: &&KeyPath| !keys.iter().any(|key| b.touches(&path.key(key)));
        self.broken.iter().filter(|b| b.touches(path)).any(|b| beside(&b))
    }

    /// The value at `path` will not do; says what would.
    pub(in crate::scenario) fn bad(&mut self, path: &KeyPath, want: impl Display) {
        let is = match (self.flag(path), self.doc.get(path)) {
            (Some(flag), _) => format!("`{flag}` will not do"),
            (None, Some(value)) => format!("`{path}` is {}", self.doc.written(value)),
            (None, None) => format!("`{path}` is left out"),
        };
        self.push(path, format!("{is}; want {want}"), None);
    }

    /// Something else is wrong at `path`.
    pub(in crate::scenario) fn wrong(&mut self, path: &KeyPath, message: impl Display, help: Option<String>) {
        self.push(path, message.to_string(), help);
    }

    /// Something is wrong with the command line.
    pub(in crate::scenario) fn command_line(&mut self, message: String) {
        self.problems.push(Problem { span: None, message, help: None });
    }

    /// Something that a person should know, once.
    pub(in crate::scenario) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The key at `path` itself will not do.
    pub(in crate::scenario) fn wrong_key(&mut self, path: &KeyPath, message: impl Display) {
        if !self.is_broken(path) {
            let span = Some(self.doc.key_span(path));
            self.problems.push(Problem { span, message: message.to_string(), help: None });
            self.broken.push(path.clone());
        }
    }

    fn flag(&self, path: &KeyPath) -> Option<&'static str> {
        self.overridden.iter().find(|(p, _)| p == path).map(|(_, flag)| *flag)
    }

    fn push(&mut self, path: &KeyPath, message: String, help: Option<String>) {
        if self.is_broken(path) {
            return;
        }
        let span = self.flag(path).is_none().then(|| self.doc.span(path));
        self.problems.push(Problem { span, message, help });
        self.broken.push(path.clone());
    }
}
