//! Scenario files: read, checked, laid out as a plan. Starts nothing, opens no socket.
//!
//! ```text
//! text -> Doc (spanned tree) -> walk against the schema -> raw types -> lower -> Scene -> layout -> Plan
//! ```
//! Every stage collects all its errors; what is in error is taken out, so that the next stage can
//! tell its own. One mistake is told once.

mod doc;
mod error;
pub mod expression;
mod layout;
mod lower;
mod overrides;
mod path;
mod plan;
mod planned;
mod presets;
mod quick;
mod raw;
mod schema;
mod secrets;
mod suggest;
mod template;
pub mod units;
mod walk;

pub use error::ScenarioErrors;
pub use overrides::{LadderWish, Overrides};
pub use plan::*;
pub use presets::{PRESETS, PresetInfo, Proof, check_preset, is_preset, preset, preset_info};
pub use quick::{Quick, quick};
pub use schema::{preset_schema, schema};
pub use secrets::Secrets;
pub use template::fill;

use doc::Doc;
use error::Problem;
use lower::Report;
use path::KeyPath;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Reads a scenario file and lays it out.
///
/// # Errors
/// The file cannot be read, or everything that is wrong with it, all at once.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Plan, ScenarioErrors> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| {
        let problem = Problem { span: None, message: format!("cannot read {name}: {e}"), help: None };
        ScenarioErrors::new(&name, "", vec![problem])
    })?;
    let mut plan = parse(&name, &text, overrides)?;
    plan.path = Some(path.to_owned());
    Ok(plan)
}

/// Lays out a scenario that is already in memory; `name` stands in its errors.
///
/// # Errors
/// Everything that is wrong with it, all at once.
pub fn parse(name: &str, text: &str, overrides: &Overrides) -> Result<Plan, ScenarioErrors> {
    parse_with(name, text, overrides, &|key| std::env::var(key).ok())
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

fn parse_with(name: &str, text: &str, overrides: &Overrides, env: Env<'_>) -> Result<Plan, ScenarioErrors> {
    let fail = |problems| ScenarioErrors::new(name, text, problems);
    let mut doc = Doc::parse(text).map_err(|e| fail(vec![e]))?;
    let mut filled = doc.fill_env(env);
    let mut found = faults(&doc, filled.missing, &schema());
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let presets = presets::find(&doc, folder, env);
    found.extend(presets.problems);
    filled.values.extend(presets.values);
    let secrets = Secrets::new(filled.values);
    let read = read(text, env, &found, &presets.good);
    let mut raw: raw::Scenario = read.map_err(|e| fail(vec![e]).hiding(&secrets))?;
    let mut report = Report::new(&doc, found);
    report.folder = folder.to_owned();
    overrides.apply(&mut raw, &mut report);
    let names = overrides::names(raw.case.as_ref());
    let mut scene = lower::lower(raw, &mut report);
    overrides.choose(&mut scene.cases, &names, &mut report);
    if !report.problems.is_empty() {
        return Err(fail(report.problems).hiding(&secrets).with(presets.errors));
    }
    let runs = if overrides.ladder.is_some() { Vec::new() } else { layout::runs(&scene) };
    let ladders = layout::ladders(&scene);
    let (source, secrets) = discreet(text, &scene.target, secrets);
    Ok(Plan {
        path: None,
        source,
        title: scene.title,
        seed: scene.seed,
        target: scene.target,
        metrics: scene.metrics,
        runs,
        ladders,
        slo: scene.slo,
        claims: scene.claims,
        price: scene.price,
        on_invalid: scene.on_invalid,
        notes: report.notes,
        secrets,
    })
}

/// The text to be kept, and the secrets with the one that may stand in it: the token of a probe opens a machine
/// to whoever reads a manifest.
fn discreet(text: &str, target: &TargetPlan, secrets: Secrets) -> (String, Secrets) {
    match target.probe() {
        Some(probe) => (text.replace(&probe.token.0, "<token>"), secrets.and(&probe.token.0)),
        None => (text.to_owned(), secrets),
    }
}

/// What the environment and the schema find; a text whose variable is missing is not judged twice.
fn faults(
    doc: &Doc<'_>,
    missing: Vec<(KeyPath, Problem)>,
    schema: &serde_json::Value,
) -> Vec<(KeyPath, Problem)> {
    let mut found = missing;
    let walked = walk::walk(doc, schema);
    let news: Vec<_> =
        walked.into_iter().filter(|(at, _)| !found.iter().any(|(m, _)| m.touches(at))).collect();
    found.extend(news);
    found
}

/// Reads the raw types from what is not in error, with the presets put in.
fn read<T: DeserializeOwned + Default>(
    text: &str,
    env: Env<'_>,
    found: &[(KeyPath, Problem)],
    presets: &[presets::Named],
) -> Result<T, Problem> {
    let mut sound = Doc::parse(text)?;
    sound.fill_env(env);
    for (at, _) in found {
        sound.remove(at);
    }
    presets::merge(&mut sound.root, presets, env)?;
    let span = sound.root.span();
    let toml::de::DeValue::Table(table) = sound.root.into_inner() else {
        return Ok(T::default());
    };
    // What fits the schema is read; this speaks up should the two ever part.
    T::deserialize(toml::Deserializer::from(toml::Spanned::new(span, table))).map_err(|e| Problem {
        span: e.span(),
        message: e.message().to_owned(),
        help: None,
    })
}

#[cfg(test)]
mod tests;
