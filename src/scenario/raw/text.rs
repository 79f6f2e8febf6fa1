//! Values that are text with a unit: one generic wrapper, so that the pattern an editor checks and
//! the parser that reads stand side by side.

use crate::model::Nanos;
use crate::scenario::units;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};
use std::borrow::Cow;

/// A value read from text.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Text<T>(pub(in crate::scenario) T);

/// A kind of value that is written as text with a unit.
pub(in crate::scenario) trait Written: Sized {
    /// Name of its schema.
    const NAME: &'static str;
    /// What it looks like, a regular expression without anchors.
    const PATTERN: &'static str;
    /// What is wanted, in words, with an example.
    const WANT: &'static str;
    /// What an editor offers.
    const EXAMPLES: &'static [&'static str];
    /// Reads it; every text that fits the pattern should do.
    fn read(text: &str) -> Option<Self>;
}

impl Written for Nanos {
    const NAME: &'static str = "Duration";
    const PATTERN: &'static str = r"[0-9]{1,9}(\.[0-9]{1,9})? ?(ns|us|µs|ms|s|min|h)";
    const WANT: &'static str = "a duration with its unit (us, ms, s, min), such as \"250 ms\" or \"5s\"";
    const EXAMPLES: &'static [&'static str] = &["250 ms", "1s", "2 min"];
    fn read(text: &str) -> Option<Nanos> {
        units::parse_duration(text)
    }
}

/// A rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::scenario) struct PerSecond(pub(in crate::scenario) f64);

impl Written for PerSecond {
    const NAME: &'static str = "Rate";
    const PATTERN: &'static str = r"[0-9]{1,9}(\.[0-9]{1,9})? ?/ ?(s|min|h)";
    const WANT: &'static str = "a rate (per s, min or h), such as \"20/s\" or \"1200/min\"";
    const EXAMPLES: &'static [&'static str] = &["20/s", "30/min"];
    fn read(text: &str) -> Option<PerSecond> {
        units::parse_rate(text).map(PerSecond)
    }
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) struct Bytes(pub(in crate::scenario) u64);

impl Written for Bytes {
    const NAME: &'static str = "Size";
    const PATTERN: &'static str = r"([0-9]{1,12} ?B|[0-9]{1,6}(\.(5|25|75|125))? ?(kB|KiB|MB|MiB))";
    const WANT: &'static str = "a size with its unit (B, kB, KiB, MB, MiB), such as \"64 B\" or \"1 KiB\"";
    const EXAMPLES: &'static [&'static str] = &["64 B", "1 KiB"];
    fn read(text: &str) -> Option<Bytes> {
        units::parse_size(text).map(Bytes)
    }
}

impl<'de, T: Written> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Text<T>, D::Error> {
        let text = String::deserialize(d)?;
        T::read(&text).map(Text).ok_or_else(|| D::Error::custom(format_args!("want {}", T::WANT)))
    }
}

impl<T: Written> JsonSchema for Text<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // A reference to the environment stands for any text; what it holds is checked when it is read.
        let pattern = format!(r"^({})$|\$\{{env:", T::PATTERN);
        json_schema!({"type": "string", "pattern": pattern, "x-want": T::WANT, "examples": T::EXAMPLES})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern_and_parser_agree<T: Written>(text: &str) {
        let pattern = regex_lite::Regex::new(&format!("^({})$", T::PATTERN)).expect("compiles");
        if pattern.is_match(text) {
            assert!(T::read(text).is_some(), "{} takes {text:?}, its parser does not", T::NAME);
        }
    }

    proptest! {
        #[test]
        fn what_an_editor_accepts_is_read(text in r"[0-9]{1,9}(\.[0-9]{1,3})? ?/? ?(ns|us|ms|s|min|h|B|kB|KiB|MB|MiB)") {
            pattern_and_parser_agree::<Nanos>(&text);
            pattern_and_parser_agree::<PerSecond>(&text);
            pattern_and_parser_agree::<Bytes>(&text);
        }
    }
}
