//! Presets: dialects in files of their own, for cases to name. The shipped ones are in the binary;
//! adding one is adding a file to `scenarios/presets/`.

mod merge;

pub(super) use merge::{Named, find, merge};

use super::doc::Doc;
use super::error::{Problem, ScenarioErrors};
use super::lower::{self, Report};
use super::path::KeyPath;
use super::raw::{Case, PresetFile};
use super::schema::preset_schema;
use super::suggest::nearest;
use super::{Env, Secrets};
use std::path::Path;

/// The shipped presets: name and text, sorted by name.
pub static PRESETS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/presets.rs"));

/// What a preset file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresetInfo {
    /// What it speaks to.
    pub title: String,
    /// What one should know.
    pub about: String,
    /// The server that it was proven against, or else the document it was written from.
    pub proof: Proof,
    /// Its kinds, each with the key of its transport.
    pub kinds: Vec<(String, &'static str)>,
}

/// On what a preset stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Driven against this server.
    Proven(String),
    /// Written from this document, and not proven.
    Specification(String),
}

/// The text of a shipped preset.
pub fn preset(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// Whether a text looks like a preset file: it has kinds and no load.
pub fn is_preset(text: &str) -> bool {
    Doc::parse(text).is_ok_and(|doc| {
        let has = |key| doc.get(&KeyPath::at(key)).is_some();
        has("kind") && !has("load") && !has("case")
    })
}

/// Checks a preset file; `name` stands in its errors, files that it names are sought beside it.
///
/// # Errors
/// Everything that is wrong with it, all at once.
pub fn check_preset(name: &str, text: &str) -> Result<PresetInfo, ScenarioErrors> {
    checked(name, text, &|key| std::env::var(key).ok()).map(|(info, _)| info)
}

/// What a preset says of itself, whatever the environment holds.
///
/// # Errors
/// As [`check_preset`], but for variables of the environment that are not set.
pub fn preset_info(name: &str, text: &str) -> Result<PresetInfo, ScenarioErrors> {
    checked(name, text, &|key| Some(std::env::var(key).unwrap_or_else(|_| "unset".to_owned())))
        .map(|(info, _)| info)
}

/// The same with the values that came from the environment.
fn checked(name: &str, text: &str, env: Env<'_>) -> Result<(PresetInfo, Vec<String>), ScenarioErrors> {
    let fail = |problems| ScenarioErrors::new(name, text, problems);
    let mut doc = Doc::parse(text).map_err(|e| fail(vec![e]))?;
    let filled = doc.fill_env(env);
    let found = super::faults(&doc, filled.missing, &preset_schema());
    let secrets = Secrets::new(filled.values.clone());
    let read = super::read(text, env, &found, &[]);
    let raw: PresetFile = read.map_err(|e| fail(vec![e]).hiding(&secrets))?;
    let mut report = Report::new(&doc, found);
    report.folder = Path::new(name).parent().unwrap_or(Path::new("")).to_owned();
    let info = lowered(raw, &mut report);
    if report.problems.is_empty() {
        return Ok((info, filled.values));
    }
    Err(fail(report.problems).hiding(&secrets))
}

fn lowered(raw: PresetFile, r: &mut Report<'_>) -> PresetInfo {
    if raw.proven.is_some() == raw.specification.is_some() {
        let at = KeyPath::at("proven");
        let help = "`proven` names the server it was driven against, `specification` the document it is from";
        r.wrong(&at, "a preset has exactly one of `proven` and `specification`", Some(help.into()));
    }
    let proof = match (raw.proven, raw.specification) {
        (Some(server), _) => Proof::Proven(server),
        (None, document) => Proof::Specification(document.unwrap_or_default()),
    };
    let shared = raw.vars.unwrap_or_default();
    let mut kinds = Vec::new();
    for (name, kind) in raw.kind.unwrap_or_default() {
        let mut case: Case = kind.0;
        let own = case.vars.get_or_insert_default();
        let more = shared.0.iter().filter(|(n, _)| !own.0.iter().any(|(o, _)| o == n));
        own.0.extend(more.cloned().collect::<Vec<_>>());
        let at = KeyPath::at("kind").key(&name);
        if let Some(carrier) = lower::kind(&case, &name, &at, r) {
            kinds.push((name, carrier.key()));
        }
    }
    let (title, about) = (raw.title.unwrap_or_default(), raw.about.unwrap_or_default());
    PresetInfo { title, about, proof, kinds }
}

/// The text of what `preset = "..."` names, the name for its errors, and the kind.
fn open(named: &str, folder: &Path) -> Result<(String, String, String), Problem> {
    let problem = |message: String, help: Option<String>| Problem { span: None, message, help };
    if let Some((file, kind)) = named.split_once('#') {
        let path = folder.join(file);
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|e| problem(format!("cannot read the preset {name}: {e}"), None))?;
        return Ok((name, text, kind.to_owned()));
    }
    let names = || PRESETS.iter().map(|(n, _)| *n);
    if named.contains('/') || named.ends_with(".toml") {
        let help = format!("say which of its kinds, such as \"{named}#websocket\"");
        return Err(problem(format!("the preset file \"{named}\" is named without a kind"), Some(help)));
    }
    let (stem, kind) = named.split_once('.').unwrap_or((named, ""));
    let text = preset(stem).ok_or_else(|| {
        let near = nearest(stem, names()).map(|n| format!("did you mean \"{n}\"?"));
        let all = format!("there are: {} (see `pushbench presets`)", names().collect::<Vec<_>>().join(", "));
        problem(format!("there is no preset \"{stem}\""), near.or(Some(all)))
    })?;
    Ok((format!("scenarios/presets/{stem}.toml"), text.to_owned(), kind.to_owned()))
}
