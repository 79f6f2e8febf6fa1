//! The JSON Schema of scenario files, generated from the raw types.
//!
//! Everything is written out in place (no `$ref`), because editors differ in how they follow
//! references beside other keywords.

use super::raw::{PresetFile, Scenario};
use serde_json::Value;

/// The JSON Schema (draft 7, the one TOML editors read) of scenario files. `check` enforces exactly
/// this, and then what a schema cannot say.
pub fn schema() -> Value {
    schema_of::<Scenario>()
}

/// The same for preset files.
pub fn preset_schema() -> Value {
    schema_of::<PresetFile>()
}

fn schema_of<T: schemars::JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft07().with(|s| s.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    strip_null(&mut schema);
    schema
}

/// TOML has no null: what schemars adds for `Option` is taken out again, and number formats, which
/// say no more than the ranges do.
fn strip_null(schema: &mut Value) {
    if let Value::Object(map) = schema {
        // The keyword, not a key of a scenario that has this name.
        if map.get("format").is_some_and(Value::is_string) {
            map.remove("format");
        }
        if let Some(Value::Array(types)) = map.get_mut("type") {
            types.retain(|t| t != "null");
            if let [one] = types.as_slice() {
                let one = one.clone();
                map.insert("type".to_owned(), one);
            }
        }
        if let Some(Value::Array(values)) = map.get_mut("enum") {
            values.retain(|v| !v.is_null());
        }
        unwrap_optional(map);
    }
    match schema {
        Value::Object(map) => map.values_mut().for_each(strip_null),
        Value::Array(list) => list.iter_mut().for_each(strip_null),
        _ => {}
    }
}

/// `anyOf: [X, null]` becomes X; what the field itself says wins over what its type says.
fn unwrap_optional(map: &mut serde_json::Map<String, Value>) {
    let Some(Value::Array(branches)) = map.get_mut("anyOf") else { return };
    branches.retain(|b| b.get("type").is_none_or(|t| t != "null"));
    if let [Value::Object(only)] = branches.as_slice() {
        let only = only.clone();
        map.shift_remove("anyOf");
        for (key, value) in only {
            map.entry(key).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A keyword that the walker does not know would be promised to editors and not enforced.
    #[test]
    fn only_keywords_that_the_walker_enforces() {
        fn visit(schema: &Value, at: &str) {
            let map = schema.as_object().expect("a schema is an object");
            for (key, value) in map {
                match key.as_str() {
                    "properties" => {
                        value
                            .as_object()
                            .expect("properties")
                            .iter()
                            .for_each(|(k, v)| visit(v, &format!("{at}.{k}")));
                    }
                    "anyOf" | "oneOf" => {
                        value.as_array().expect("branches").iter().for_each(|v| visit(v, at))
                    }
                    "items" => visit(value, at),
                    "additionalProperties" if value.is_object() => visit(value, at),
                    "additionalProperties" => assert_eq!(value, &Value::Bool(false), "{at}"),
                    known if crate::scenario::walk::KEYWORDS.contains(&known) => {}
                    other => panic!("{at} uses `{other}`"),
                }
            }
        }
        visit(&schema(), "");
        visit(&preset_schema(), "");
    }

    #[test]
    fn has_no_null_and_no_reference() {
        let text = schema().to_string();
        assert!(!text.contains("null") && !text.contains("$ref"), "{text}");
    }
}
