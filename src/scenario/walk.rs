//! Holds a spanned TOML tree against the JSON Schema, and collects every error at once.
//!
//! It knows the keywords of [`KEYWORDS`] and no more; a test keeps the schema to them, so what an
//! editor shows is what is enforced.

use super::doc::Doc;
use super::error::Problem;
use super::path::KeyPath;
use super::suggest::nearest;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keywords without schemas below them that are enforced, or that only tell something.
#[cfg(test)]
pub(super) const KEYWORDS: &[&str] = &[
    "$schema",
    "title",
    "description",
    "default",
    "examples",
    "x-want",
    "type",
    "enum",
    "const",
    "required",
    "minimum",
    "maximum",
    "pattern",
    "minItems",
    "minLength",
    "maxLength",
];

/// Everything in which the tree does not fit the schema, each with its path.
pub(super) fn walk(doc: &Doc<'_>, schema: &Value) -> Vec<(KeyPath, Problem)> {
    let mut walker = Walker { doc, root: schema, found: Vec::new() };
    walker.value(&doc.root, schema, &KeyPath::default());
    walker.found
}

struct Walker<'a> {
    doc: &'a Doc<'a>,
    root: &'a Value,
    found: Vec<(KeyPath, Problem)>,
}

impl Walker<'_> {
    fn value(&mut self, value: &Spanned<DeValue<'_>>, schema: &Value, path: &KeyPath) {
        if let Some(branches) = ["anyOf", "oneOf"].iter().find_map(|k| schema.get(k)?.as_array()) {
            return self.branch(value, schema, branches, path);
        }
        if !fits_type(value.get_ref(), schema) {
            return self.wrong(value, schema, path);
        }
        match value.get_ref() {
            DeValue::Table(table) => self.table(table, schema, path),
            DeValue::Array(list) => self.list(value, list, schema, path),
            plain if !fits_plain(plain, schema) => self.wrong(value, schema, path),
            _ => {}
        }
    }

    /// Goes into the one branch that is meant: the only one of the value's type. With several or
    /// none, one error says what would do.
    fn branch(&mut self, value: &Spanned<DeValue<'_>>, schema: &Value, branches: &[Value], path: &KeyPath) {
        let of_type: Vec<_> = branches.iter().filter(|b| fits_type(value.get_ref(), b)).collect();
        let below = matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        match of_type.as_slice() {
            [only] if below => self.value(value, only, path),
            some if some.iter().any(|b| fits_plain(value.get_ref(), b)) => {}
            _ => self.wrong(value, schema, path),
        }
    }

    fn table(&mut self, table: &DeTable<'_>, schema: &Value, path: &KeyPath) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let more = schema.get("additionalProperties");
        for (key, value) in table {
            let below = path.key(key.get_ref());
            match properties.and_then(|p| p.get(key.get_ref().as_ref())).or(more) {
                Some(Value::Bool(false)) => self.unknown(key, schema, path),
                Some(schema) => self.value(value, schema, &below),
                None => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str).filter(|key| !table.contains_key(*key)) {
            self.missing(key, schema, path);
        }
    }

    fn list(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        list: &[Spanned<DeValue<'_>>],
        schema: &Value,
        path: &KeyPath,
    ) {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        if (list.len() as u64) < least {
            let items = |n: u64| format!("{n} item{}", if n == 1 { "" } else { "s" });
            let there = match list.len() as u64 {
                0 => "is empty".to_owned(),
                n => format!("has {}", items(n)),
            };
            let message = format!("`{path}` {there}; want at least {}", items(least));
            self.push(path, Problem { span: Some(value.span()), message, help: None });
        }
        if let Some(items) = schema.get("items") {
            for (at, item) in list.iter().enumerate() {
                self.value(item, items, &path.index(at));
            }
        }
    }

    fn wrong(&mut self, value: &Spanned<DeValue<'_>>, schema: &Value, path: &KeyPath) {
        let message = format!("`{path}` is {}; want {}", self.doc.written(value), want(schema));
        let word = value.get_ref().as_str();
        let near = word.and_then(|w| nearest(w, choices(schema)));
        let help = near.map(|near| format!("did you mean \"{near}\"?"));
        self.push(path, Problem { span: Some(value.span()), message, help });
    }

    fn unknown(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, schema: &Value, path: &KeyPath) {
        let word = key.get_ref().as_ref();
        let below = path.key(word);
        let known: Vec<&str> = keys(schema).collect();
        let help = match (nearest(word, known.iter().copied()), self.elsewhere(word)) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(section)) => format!("`{word}` belongs in `[{section}]`"),
            (None, None) => format!("known here: {}", known.join(", ")),
        };
        let message = format!("unknown key `{below}`");
        self.push(&below, Problem { span: Some(key.span()), message, help: Some(help) });
    }

    /// The section that knows a key.
    fn elsewhere(&self, word: &str) -> Option<&str> {
        let sections = self.root.get("properties")?.as_object()?;
        sections.iter().find(|(_, s)| keys(s).any(|k| k == word)).map(|(name, _)| name.as_str())
    }

    fn missing(&mut self, key: &str, schema: &Value, path: &KeyPath) {
        let below = path.key(key);
        let wanted =
            schema.get("properties").and_then(|p| p.get(key)).map_or_else(|| "a value".to_owned(), want);
        let message = format!("`{below}` is missing; want {wanted}");
        let span = Some(self.doc.span(path)).filter(|_| !path.0.is_empty()).unwrap_or(0..0);
        self.push(&below, Problem { span: Some(span), message, help: None });
    }

    fn push(&mut self, path: &KeyPath, problem: Problem) {
        self.found.push((path.clone(), problem));
    }
}

fn keys(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|p| p.keys().map(String::as_str))
}

fn fits_type(value: &DeValue<'_>, schema: &Value) -> bool {
    let kind = match value {
        DeValue::String(_) => "string",
        DeValue::Integer(_) => "integer",
        DeValue::Float(_) => "number",
        DeValue::Boolean(_) => "boolean",
        DeValue::Array(_) => "array",
        DeValue::Table(_) => "object",
        DeValue::Datetime(_) => "datetime",
    };
    // A whole number is a number: `decay = 2`.
    schema.get("type").is_none_or(|wanted| wanted == kind || kind == "integer" && wanted == "number")
}

/// Whether a value that is neither table nor list fits.
fn fits_plain(value: &DeValue<'_>, schema: &Value) -> bool {
    match value {
        DeValue::String(text) => fits_text(text, schema),
        DeValue::Integer(n) => {
            i64::from_str_radix(n.as_str(), n.radix()).is_ok_and(|n| fits_range(n as f64, schema))
        }
        DeValue::Float(n) => n.as_str().replace('_', "").parse().is_ok_and(|n| fits_range(n, schema)),
        _ => true,
    }
}

fn fits_text(text: &str, schema: &Value) -> bool {
    let listed = schema.get("enum").and_then(Value::as_array).is_none_or(|all| all.iter().any(|v| v == text));
    let same = schema.get("const").is_none_or(|v| v == text);
    let length = text.chars().count() as u64;
    let long = schema.get("minLength").and_then(Value::as_u64).is_none_or(|least| length >= least);
    let short = schema.get("maxLength").and_then(Value::as_u64).is_none_or(|most| length <= most);
    listed && same && long && short && fits_pattern(text, schema)
}

fn fits_pattern(text: &str, schema: &Value) -> bool {
    let pattern = schema.get("pattern").and_then(Value::as_str);
    pattern.is_none_or(|p| regex_lite::Regex::new(p).expect("the schema's patterns compile").is_match(text))
}

fn fits_range(n: f64, schema: &Value) -> bool {
    schema.get("minimum").and_then(Value::as_f64).is_none_or(|least| n >= least)
        && schema.get("maximum").and_then(Value::as_f64).is_none_or(|most| n <= most)
}

/// The words that would do, where only some do.
fn choices(schema: &Value) -> Vec<&str> {
    let branches = ["anyOf", "oneOf"].iter().filter_map(|k| schema.get(k)?.as_array()).flatten();
    let own = schema.get("enum").and_then(Value::as_array).into_iter().flatten().chain(schema.get("const"));
    own.filter_map(Value::as_str).chain(branches.flat_map(choices)).collect()
}

/// What would do, in words.
fn want(schema: &Value) -> String {
    if let Some(text) = schema.get("x-want").and_then(Value::as_str) {
        return text.to_owned();
    }
    let quoted: Vec<String> = choices(schema).iter().map(|c| format!("\"{c}\"")).collect();
    if !quoted.is_empty() {
        return quoted.join(" or ");
    }
    let example = schema.get("examples").and_then(|e| e.get(0)).map(|e| format!(", such as {e}"));
    format!("{}{}", kind(schema), example.unwrap_or_default())
}

fn kind(schema: &Value) -> String {
    let range = |key| schema.get(key).and_then(Value::as_u64);
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => match range("maxLength") {
            Some(most) => format!("a text of 1 to {most} characters in quotes"),
            None => "a text in quotes".to_owned(),
        },
        Some("integer") => match (range("minimum"), range("maximum")) {
            (least, Some(most)) => format!("a whole number from {} to {most}", least.unwrap_or(0)),
            (least, None) => format!("a whole number from {}", least.unwrap_or(0)),
        },
        Some("number") => {
            let end = |key| schema.get(key).and_then(Value::as_f64);
            let ends = end("minimum").zip(end("maximum"));
            ends.map_or_else(
                || "a number".to_owned(),
                |(least, most)| format!("a number from {least} to {most}"),
            )
        }
        Some("boolean") => "true or false".to_owned(),
        Some("array") => "a list in brackets".to_owned(),
        Some("object") => "a table".to_owned(),
        _ => "a value".to_owned(),
    }
}
