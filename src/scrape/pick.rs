//! The chosen numbers of a page, each with its value or why it has none. A wrong number is worse than
//! none: what could be counted twice is refused.

use super::parts::Parts;
use super::prometheus::{Line, Sample, line, plain_name};
use super::{json, pairs};
use crate::scenario::{MetricsFormat, Pick, SeriesKind, SeriesPlan};
use std::collections::BTreeMap;

/// What was taken from a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picked {
    /// One for each series: a finite value, or why there is none.
    pub values: Vec<Result<f64, String>>,
    /// One for each series: what a counter's value is the sum of; empty for gauges and without a value.
    pub parts: Vec<Parts>,
    /// What else is to be known, in words.
    pub warnings: Vec<String>,
}

/// A counter that is the sum of more samples is not read: each is held against the reading before.
const MOST_PARTS: usize = 4_096;
const CUT: &str = "the answer does not end with a line feed: it may have been cut off";

/// A value and what it is the sum of, or why there is none.
type Found = Result<(f64, Parts), String>;

/// Takes these series from `text`. Pure; a pass over its length.
pub fn pick(format: MetricsFormat, text: &[u8], series: &[SeriesPlan]) -> Picked {
    let each = |of: &dyn Fn(&SeriesPlan) -> Found| series.iter().map(of).collect::<Vec<Found>>();
    let mut warnings = Vec::new();
    let found = match format {
        MetricsFormat::Json => match serde_json::from_slice(text) {
            Ok(document) => each(&|s| of_json(&document, s)),
            Err(e) => each(&|_| Err(format!("the answer is no JSON: {e}"))),
        },
        _ => match std::str::from_utf8(text) {
            Err(_) => each(&|_| Err("the answer is no UTF-8".to_owned())),
            Ok(text) if format == MetricsFormat::Text => {
                let found = pairs::pairs(text);
                each(&|s| of_pairs(&found, s))
            }
            Ok(text) => of_prometheus(text, series, &mut warnings),
        },
    };
    let mut picked = Picked { warnings, ..Picked::default() };
    for (plan, found) in series.iter().zip(found) {
        let finite = |v: f64| if v.is_finite() { Ok(v) } else { Err(format!("its value is {v}")) };
        let (value, parts) = match found {
            Ok((value, parts)) => (finite(value), parts),
            Err(why) => (Err(why), Parts::new()),
        };
        let kept = value.is_ok() && plan.kind == SeriesKind::Counter;
        picked.parts.push(if kept { parts } else { Parts::new() });
        picked.values.push(value);
    }
    picked
}

const MISFIT: &str = "its selector is none of this format";

fn of_json(document: &serde_json::Value, series: &SeriesPlan) -> Found {
    let Pick::Pointers(pointers) = &series.pick else { return Err(MISFIT.to_owned()) };
    let part = |p: &String| Ok((p.clone(), json::sum(document, std::slice::from_ref(p))?));
    Ok((json::sum(document, pointers)?, pointers.iter().map(part).collect::<Result<Parts, String>>()?))
}

fn of_pairs(found: &[(&str, Option<f64>)], series: &SeriesPlan) -> Found {
    let Pick::Key(key) = &series.pick else { return Err(MISFIT.to_owned()) };
    let mut of_key = found.iter().filter(|(k, _)| k == key);
    match (of_key.next(), of_key.next()) {
        (None, _) => Err(format!("there is no key {key:?}{}", nearest(key, found.iter().map(|(k, _)| *k)))),
        (Some((_, None)), _) => Err(format!("what stands behind {key:?} is no number")),
        (Some((_, Some(value))), None) => Ok((*value, Parts::from([(key.clone(), *value)]))),
        (Some(_), Some(_)) => Err(format!("the key {key:?} is there more than once")),
    }
}

fn of_prometheus(text: &str, series: &[SeriesPlan], warnings: &mut Vec<String>) -> Vec<Found> {
    let mut wanted: Vec<Wanted<'_>> = series.iter().map(Wanted::new).collect();
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let mut whole = text.is_empty() || text.ends_with('\n');
    for text in text.lines() {
        if plain_name(text).is_some_and(|name| !wanted.iter().any(|w| w.name == name)) {
            continue;
        }
        match line(text) {
            Line::Sample(sample) => wanted.iter_mut().for_each(|w| w.take(&sample)),
            Line::Malformed => wanted.iter_mut().for_each(|w| w.malformed(text)),
            Line::Type(name, kind) => drop(types.insert(name, kind)),
            Line::Empty => {}
            Line::End => {
                whole = true;
                break;
            }
        }
    }
    warnings.extend(wanted.iter().filter_map(|w| w.of_another_kind(&types)));
    warnings.extend((!whole).then(|| CUT.to_owned()));
    // Digits of a number or samples of a sum may be missing: nobody can tell of which.
    let found = |w: Wanted<'_>| w.value(text).and_then(|v| if whole { Ok(v) } else { Err(CUT.to_owned()) });
    wanted.into_iter().map(found).collect()
}

/// A series while the text is read.
struct Wanted<'p> {
    name: &'p str,
    labels: &'p [(String, String)],
    plan: &'p SeriesPlan,
    sum: f64,
    /// Every sample that was added, by its labels, sorted: the same twice would be counted twice.
    added: BTreeMap<Vec<(String, String)>, f64>,
    /// A sample of this name whose labels are others.
    other: Option<String>,
    broken: Option<String>,
}

impl<'p> Wanted<'p> {
    fn new(plan: &'p SeriesPlan) -> Wanted<'p> {
        let (name, labels) = match &plan.pick {
            Pick::Metric { name, labels } => (name.as_str(), labels.as_slice()),
            _ => ("", &[][..]),
        };
        Wanted { name, labels, plan, sum: 0.0, added: BTreeMap::new(), other: None, broken: None }
    }

    fn take(&mut self, sample: &Sample<'_>) {
        if sample.name != self.name {
            return;
        }
        let has = |(key, value): &(String, String)| sample.labels.iter().any(|(k, v)| k == key && v == value);
        let mut own: Vec<(String, String)> =
            sample.labels.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        if !self.labels.iter().all(has) {
            self.other.get_or_insert_with(|| shown(&own));
            return;
        }
        own.sort();
        if self.added.contains_key(&own) {
            self.broken = Some(format!("{}{} is there more than once", self.name, shown(&own)));
        }
        self.sum += sample.value;
        self.added.insert(own, sample.value);
    }

    fn malformed(&mut self, text: &str) {
        if plain_name(text) == Some(self.name) {
            let start: String = text.chars().take(80).collect();
            self.broken = Some(format!("a line of it cannot be read: {start:?}"));
        }
    }

    fn value(self, text: &str) -> Found {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        if self.added.is_empty() {
            return Err(match self.other {
                Some(other) => format!("no {} has these labels; one has {other}", self.name),
                None => {
                    let names = text.lines().filter_map(plain_name);
                    format!("there is no metric {:?}{}", self.name, nearest(self.name, names))
                }
            });
        }
        // Buckets hold each other, and quantiles add up to nothing.
        for label in ["le", "quantile"] {
            let chosen = self.labels.iter().any(|(k, _)| k == label);
            if self.added.len() > 1 && !chosen && self.added.keys().flatten().any(|(k, _)| k == label) {
                return Err(format!(
                    "its samples differ in {label:?} and cannot be added up: choose one by labels"
                ));
            }
        }
        if self.plan.kind != SeriesKind::Counter {
            return Ok((self.sum, Parts::new()));
        }
        if self.added.len() > MOST_PARTS {
            return Err(format!(
                "it is the sum of {} samples, more than {MOST_PARTS}: choose fewer by labels",
                self.added.len()
            ));
        }
        Ok((self.sum, self.added.iter().map(|(labels, value)| (shown(labels), *value)).collect()))
    }

    /// The text itself says what kind of metric it is.
    fn of_another_kind(&self, types: &BTreeMap<&str, &str>) -> Option<String> {
        let family = self.name.strip_suffix("_total");
        let told = *types.get(self.name).or_else(|| types.get(family?))?;
        let said = self.plan.kind.key();
        let differs =
            matches!((self.plan.kind, told), (SeriesKind::Counter, "gauge") | (SeriesKind::Gauge, "counter"));
        differs.then(|| {
            format!("{}: the target calls {} a {told}, the scenario a {said}", self.plan.name, self.name)
        })
    }
}

fn shown(labels: &[(String, String)]) -> String {
    let all: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
    format!("{{{}}}", all.join(", "))
}

/// A name that begins as this one does, or this one as it: what a person most likely meant.
fn nearest<'a>(name: &str, mut all: impl Iterator<Item = &'a str>) -> String {
    let near = |a: &str, b: &str| !b.is_empty() && (a.starts_with(b) || b.starts_with(a));
    let found = all.find(|other| near(&name.to_lowercase(), &other.to_lowercase()));
    found.map(|other| format!("; there is {other:?}")).unwrap_or_default()
}

#[cfg(test)]
mod exporters;
#[cfg(test)]
mod tests;
