//! What a case takes over from its preset: every key that it has not itself. Done on the trees, so
//! that a key which is added somewhere is taken over too.

use super::{checked, open};
use crate::scenario::Env;
use crate::scenario::doc::Doc;
use crate::scenario::error::{Problem, ScenarioErrors};
use crate::scenario::path::{KeyPath, Step};
use crate::scenario::suggest::nearest;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Tables that are put together key by key; all else is taken whole.
const TOGETHER: &[&str] = &[
    "vars",
    "poll",
    "long_poll",
    "stream",
    "sse",
    "forever_iframe",
    "chunked",
    "multipart",
    "websocket",
    "headers",
    "keepalive",
    "mqtt",
    "send_by",
];

/// What a file's cases name.
#[derive(Default)]
pub(in crate::scenario) struct Found {
    /// The presets that are good, each with the case that names it.
    pub(in crate::scenario) good: Vec<Named>,
    /// What is wrong with naming them.
    pub(in crate::scenario) problems: Vec<(KeyPath, Problem)>,
    /// What is wrong inside them.
    pub(in crate::scenario) errors: Vec<ScenarioErrors>,
    /// Values that came from the environment.
    pub(in crate::scenario) values: Vec<String>,
}

/// A preset for a case.
pub(in crate::scenario) struct Named {
    case: KeyPath,
    text: String,
    kind: String,
}

/// Looks up every preset that a case or a group names.
pub(in crate::scenario) fn find(doc: &Doc<'_>, folder: &Path, env: Env<'_>) -> Found {
    let mut found = Found::default();
    for case in cases(doc) {
        let at = case.key("preset");
        let Some(value) = doc.get(&at) else { continue };
        let Some(named) = value.get_ref().as_str() else { continue };
        if let Err(mut problem) = take(named, &case, doc, folder, env, &mut found) {
            problem.span.get_or_insert_with(|| doc.span(&at));
            found.problems.push((at, problem));
        }
    }
    found
}

/// The paths of all cases and groups.
fn cases(doc: &Doc<'_>) -> Vec<KeyPath> {
    let count = |path: &KeyPath| match doc.get(path).map(Spanned::get_ref) {
        Some(DeValue::Array(list)) => list.len(),
        _ => 0,
    };
    let top = KeyPath::at("case");
    let mut paths = Vec::new();
    for i in 0..count(&top) {
        let case = top.index(i);
        let groups = case.key("group");
        paths.push(case);
        paths.extend((0..count(&groups)).map(|j| groups.index(j)));
    }
    paths
}

fn take(
    named: &str,
    case: &KeyPath,
    doc: &Doc<'_>,
    folder: &Path,
    env: Env<'_>,
    found: &mut Found,
) -> Result<(), Problem> {
    let (name, text, kind) = open(named, folder)?;
    let (info, values) = match checked(&name, &text, env) {
        Ok(good) => good,
        Err(errors) => {
            found.errors.push(errors);
            let message = format!("the preset \"{named}\" has errors, see below");
            return Err(Problem { span: None, message, help: None });
        }
    };
    let kinds: Vec<&str> = info.kinds.iter().map(|(k, _)| k.as_str()).collect();
    if !kinds.contains(&kind.as_str()) {
        let near = nearest(&kind, kinds.iter().copied()).map(|k| format!("did you mean \"{k}\"?"));
        let message = match kind.as_str() {
            "" => format!("`{case}.preset` names no kind; {name} has {}", kinds.join(", ")),
            _ => format!("{name} has no kind \"{kind}\"; it has {}", kinds.join(", ")),
        };
        return Err(Problem { span: None, message, help: near });
    }
    unknown_vars(doc, case, &text, &kind, found);
    found.values.extend(values);
    found.good.push(Named { case: case.clone(), text, kind });
    Ok(())
}

/// A variable that neither the preset knows nor the case itself uses is a slip.
fn unknown_vars(doc: &Doc<'_>, case: &KeyPath, text: &str, kind: &str, found: &mut Found) {
    let at = case.key("vars");
    let Some(DeValue::Table(vars)) = doc.get(&at).map(Spanned::get_ref) else { return };
    let Ok(preset) = Doc::parse(text) else { return };
    let known: Vec<String> = [KeyPath::at("vars"), KeyPath::at("kind").key(kind).key("vars")]
        .iter()
        .filter_map(|path| match preset.get(path)?.get_ref() {
            DeValue::Table(table) => Some(table.keys().map(|k| k.get_ref().to_string()).collect::<Vec<_>>()),
            _ => None,
        })
        .flatten()
        .collect();
    for key in vars.keys() {
        let word = key.get_ref().as_ref();
        // Used by a template of this file: once where it is set, once more where it is named.
        let used = doc.source.matches(word).count() > 1;
        if known.iter().any(|k| k == word) || used {
            continue;
        }
        let help = match nearest(word, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its variables: {}", known.join(", ")),
        };
        let message = format!("the preset has no variable `{word}`");
        let problem = Problem { span: Some(key.span()), message, help: Some(help) };
        found.problems.push((at.key(word), problem));
    }
}

/// Puts the presets into the tree: `root` is the file's own, without what is in error.
pub(in crate::scenario) fn merge<'a>(
    root: &mut Spanned<DeValue<'a>>,
    presets: &'a [Named],
    env: Env<'_>,
) -> Result<(), Problem> {
    for named in presets {
        let mut doc = Doc::parse(&named.text)?;
        doc.fill_env(env);
        let DeValue::Table(mut file) = doc.root.into_inner() else { continue };
        let kind = file.remove("kind").map(Spanned::into_inner);
        let Some(DeValue::Table(mut kinds)) = kind else { continue };
        let kind = kinds.remove(named.kind.as_str()).map(Spanned::into_inner);
        let (Some(DeValue::Table(kind)), Some(case)) = (kind, table_at(root, &named.case)) else { continue };
        add(case, kind, true);
        if let Some(vars) = file.remove("vars") {
            let mut shared = DeTable::new();
            shared.insert(Spanned::new(0..0, "vars".into()), vars);
            add(case, shared, true);
        }
    }
    Ok(())
}

fn table_at<'r, 'a>(root: &'r mut Spanned<DeValue<'a>>, path: &KeyPath) -> Option<&'r mut DeTable<'a>> {
    let found = path.0.iter().try_fold(root.get_mut(), |at, step| match (at, step) {
        (DeValue::Table(table), Step::Key(key)) => table.get_mut(key.as_str()).map(Spanned::get_mut),
        (DeValue::Array(list), Step::Index(index)) => list.get_mut(*index).map(Spanned::get_mut),
        _ => None,
    });
    match found {
        Some(DeValue::Table(table)) => Some(table),
        _ => None,
    }
}

/// Adds what is not there; of some tables the keys that are not there.
fn add<'a>(own: &mut DeTable<'a>, more: DeTable<'a>, top: bool) {
    for (key, value) in more {
        let word = key.get_ref().to_string();
        match (own.get_mut(word.as_str()).map(Spanned::get_mut), value.get_ref()) {
            (None, _) => {
                own.insert(key, value);
            }
            (Some(DeValue::Table(own)), DeValue::Table(_)) if top && TOGETHER.contains(&word.as_str()) => {
                if let DeValue::Table(more) = value.into_inner() {
                    add(own, more, false);
                }
            }
            (Some(_), _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::PRESETS;

    #[test]
    fn shipped_presets_are_good() {
        assert!(!PRESETS.is_empty());
        for (name, text) in PRESETS {
            let env = |_: &str| Some("x".to_owned());
            let (info, _) = checked(name, text, &env).unwrap_or_else(|e| panic!("{e}"));
            assert!(!info.kinds.is_empty() && !info.title.is_empty(), "{name}");
        }
    }
}
