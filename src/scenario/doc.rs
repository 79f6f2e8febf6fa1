//! A parsed file whose every value still knows where it stood.

use super::error::Problem;
use super::path::{KeyPath, Step};
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text and its spanned tree.
pub(super) struct Doc<'a> {
    pub(super) source: &'a str,
    pub(super) root: Spanned<DeValue<'a>>,
}

impl<'a> Doc<'a> {
    /// Parses. A file that is not TOML has one error: what comes after it would be guesswork.
    pub(super) fn parse(source: &'a str) -> Result<Doc<'a>, Problem> {
        let table = DeTable::parse(source).map_err(|e| Problem {
            span: Some(e.span().unwrap_or(source.len()..source.len())),
            message: format!("this is not TOML: {}", e.message().trim().replace('\n', ", ")),
            help: None,
        })?;
        let span = table.span();
        Ok(Doc { source, root: Spanned::new(span, DeValue::Table(table.into_inner())) })
    }

    /// What stands at a path.
    pub(super) fn get(&self, path: &KeyPath) -> Option<&Spanned<DeValue<'a>>> {
        path.0.iter().try_fold(&self.root, |at, step| match (at.get_ref(), step) {
            (DeValue::Table(table), Step::Key(key)) => table.get(key.as_str()),
            (DeValue::Array(list), Step::Index(index)) => list.get(*index),
            _ => None,
        })
    }

    /// Where the value at a path stands, or the nearest table around it when there is none.
    pub(super) fn span(&self, path: &KeyPath) -> Range<usize> {
        let lengths = (1..=path.0.len()).rev();
        let nearest = lengths.filter_map(|n| self.get(&KeyPath(path.0[..n].to_vec()))).next();
        nearest.map_or(0..0, |value| value.span())
    }

    /// Where the last key of a path stands.
    pub(super) fn key_span(&self, path: &KeyPath) -> Range<usize> {
        let Some((Step::Key(key), above)) = path.0.split_last() else { return self.span(path) };
        match self.get(&KeyPath(above.to_vec())).map(Spanned::get_ref) {
            Some(DeValue::Table(table)) => table.get_key_value(key.as_str()).map(|(key, _)| key.span()),
            _ => None,
        }
        .unwrap_or_else(|| self.span(path))
    }

    /// A value as it is written, so that what came from the environment is never shown.
    pub(super) fn written(&self, value: &Spanned<DeValue<'_>>) -> String {
        match value.get_ref() {
            DeValue::Table(_) => "a table".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            _ => shorten(self.source.get(value.span()).unwrap_or("?")),
        }
    }

    /// Puts `${env:NAME}` into every text. Gives the values used, and an error for each that is
    /// missing.
    pub(super) fn fill_env(&mut self, env: &dyn Fn(&str) -> Option<String>) -> Filled {
        let mut filled = Filled::default();
        fill_value(&mut self.root, &KeyPath::default(), env, &mut filled);
        filled
    }

    /// Takes out what stands at a path's last key.
    pub(super) fn remove(&mut self, path: &KeyPath) {
        let path = path.to_key();
        let Some((Step::Key(key), above)) = path.0.split_last() else { return };
        let holder = above.iter().try_fold(self.root.get_mut(), |at, step| match (at, step) {
            (DeValue::Table(table), Step::Key(key)) => table.get_mut(key.as_str()).map(Spanned::get_mut),
            (DeValue::Array(list), Step::Index(index)) => list.get_mut(*index).map(Spanned::get_mut),
            _ => None,
        });
        if let Some(DeValue::Table(table)) = holder {
            table.remove(key.as_str());
        }
    }
}

/// At most sixty characters, on one line.
fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut = line.chars().count() > 60 || line.len() < text.trim_end().len();
    let kept: String = line.chars().take(60).collect();
    if cut { format!("{kept}...") } else { kept }
}

/// What [`Doc::fill_env`] did.
#[derive(Default)]
pub(super) struct Filled {
    /// The values that were put in.
    pub(super) values: Vec<String>,
    /// Names that are not set, each with the path of its text.
    pub(super) missing: Vec<(KeyPath, Problem)>,
}

type Env<'e> = &'e dyn Fn(&str) -> Option<String>;

fn fill_value(value: &mut Spanned<DeValue<'_>>, path: &KeyPath, env: Env<'_>, out: &mut Filled) {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) if text.contains("${env:") => {
            let (filled, missing) = fill_text(text, env, &mut out.values);
            *text = Cow::Owned(filled);
            out.missing.extend(missing.iter().map(|name| (path.clone(), not_set(name, &span))));
        }
        DeValue::Array(list) => {
            list.iter_mut().enumerate().for_each(|(at, v)| fill_value(v, &path.index(at), env, out));
        }
        DeValue::Table(table) => {
            for (key, v) in table.iter_mut() {
                fill_value(v, &path.key(key.get_ref()), env, out);
            }
        }
        _ => {}
    }
}

/// The text with its references filled in, and the names that are not set: those stay as written.
fn fill_text(text: &str, env: Env<'_>, values: &mut Vec<String>) -> (String, Vec<String>) {
    let (mut done, mut missing) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((at, end)) = rest.find("${env:").and_then(|at| Some((at, at + rest[at..].find('}')?))) {
        done.push_str(&rest[..at]);
        let name = &rest[at + 6..end];
        match env(name) {
            Some(value) => {
                done.push_str(&value);
                values.push(value);
            }
            None => {
                done.push_str(&rest[at..=end]);
                missing.push(name.to_owned());
            }
        }
        rest = &rest[end + 1..];
    }
    (done + rest, missing)
}

fn not_set(name: &str, span: &Range<usize>) -> Problem {
    Problem {
        span: Some(span.clone()),
        message: format!("the environment variable `{name}` is not set"),
        help: Some(format!("set it before the run: export {name}=...")),
    }
}
