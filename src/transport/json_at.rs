//! One value of a JSON document, found without building the document: the only reader of JSON
//! pointers. It walks the text up to the value and allocates nothing, unless the value is an array or
//! an object whose text is asked for.

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::fmt;

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
    Null,
    /// An array or an object: its text, where that was asked for.
    Many(&'a str),
}

impl<'a> Scalar<'a> {
    /// As text; strings without their quotes.
    fn text(self) -> Cow<'a, str> {
        match self {
            Scalar::Text(text) | Scalar::Many(text) => Cow::Borrowed(text),
            Scalar::Unsigned(n) => Cow::Owned(n.to_string()),
            Scalar::Signed(n) => Cow::Owned(n.to_string()),
            Scalar::Float(n) => Cow::Owned(Number::from_f64(n).map_or_else(String::new, |n| n.to_string())),
            Scalar::Bool(b) => Cow::Borrowed(if b { "true" } else { "false" }),
            Scalar::Null => Cow::Borrowed("null"),
        }
    }

    /// The text of a string or a number.
    pub(super) fn as_cursor(self) -> Option<Cow<'a, str>> {
        match self {
            Scalar::Bool(_) | Scalar::Null | Scalar::Many(_) => None,
            one => Some(one.text()),
        }
    }
}

/// A JSON pointer (RFC 6901), taken apart once.
#[derive(Clone, Debug)]
pub(super) struct Pointer(Box<[String]>);

impl Pointer {
    /// `text` begins with `/`, or is empty: the whole document.
    pub(super) fn new(text: &str) -> Pointer {
        let tokens = text.split('/').skip(1);
        Pointer(tokens.map(|t| t.replace("~1", "/").replace("~0", "~")).collect())
    }

    /// Gives the value at its place to `read`. Of a document that is broken behind that place the
    /// value still counts.
    pub(super) fn read<T>(&self, body: &[u8], read: impl FnMut(Scalar<'_>) -> Option<T>) -> Option<T> {
        self.walk(body, false, read)
    }

    /// Whether there is anything at its place; with `is`: whether that is this, as text.
    pub(super) fn finds(&self, body: &[u8], is: Option<&str>) -> bool {
        let whole = is.is_some_and(|is| is.starts_with(['[', '{']));
        self.walk(body, whole, |value| is.is_none_or(|is| value.text() == is).then_some(())).is_some()
    }

    /// What is at its place as text, whatever it is.
    pub(super) fn text(&self, body: &[u8]) -> Option<String> {
        self.walk(body, true, |value| Some(value.text().into_owned()))
    }

    fn walk<T>(&self, body: &[u8], whole: bool, mut read: impl FnMut(Scalar<'_>) -> Option<T>) -> Option<T> {
        let mut found = None;
        let walk = Walk { tokens: &self.0, whole, give: &mut |value| found = read(value) };
        let mut document = serde_json::Deserializer::from_slice(body);
        // That it stops where it has found the value is no error.
        let _ = walk.deserialize(&mut document);
        found
    }
}

struct Walk<'w> {
    tokens: &'w [String],
    /// Whether the text of an array or an object is wanted.
    whole: bool,
    give: &'w mut dyn FnMut(Scalar<'_>),
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl Walk<'_> {
    fn scalar<E: Error>(self, value: Scalar<'_>) -> Result<(), E> {
        if self.tokens.is_empty() {
            (self.give)(value);
        }
        Ok(())
    }

    /// An array or an object is at the place.
    fn many<E>(self, build: impl FnOnce() -> Result<Value, E>) -> Result<(), E> {
        let text = if self.whole { build()?.to_string() } else { String::new() };
        (self.give)(Scalar::Many(&text));
        Ok(())
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, b: bool) -> Result<(), E> {
        self.scalar(Scalar::Bool(b))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.scalar(Scalar::Null)
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<(), E> {
        self.scalar(Scalar::Unsigned(n))
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<(), E> {
        self.scalar(Scalar::Signed(n))
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<(), E> {
        self.scalar(Scalar::Float(n))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.scalar(Scalar::Text(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((token, tokens)) = self.tokens.split_first() else {
            return self.many(|| Value::deserialize(MapAccessDeserializer::new(map)));
        };
        while let Some(found) = map.next_key_seed(Key(token))? {
            if found {
                return map.next_value_seed(Walk { tokens, whole: self.whole, give: self.give });
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((token, tokens)) = self.tokens.split_first() else {
            return self.many(|| Value::deserialize(SeqAccessDeserializer::new(list)));
        };
        let Ok(index) = token.parse::<usize>() else { return Ok(()) };
        for _ in 0..index {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        list.next_element_seed(Walk { tokens, whole: self.whole, give: self.give })?;
        Ok(())
    }
}

/// Whether a key is this one; copies none.
struct Key<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<bool, D::Error> {
        d.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_at(body: &str, pointer: &str) -> Option<String> {
        Pointer::new(pointer).read(body.as_bytes(), |value| Some(format!("{value:?}")))
    }

    #[test]
    fn finds_what_the_standard_says() {
        let body = r#"{"a":{"b":[1,-2,{"c/d":"x\"y"}],"e":1.5},"~":true,"n":null,"":7}"#;
        for (pointer, want) in [
            ("/a/b/0", Some("Unsigned(1)")),
            ("/a/b/1", Some("Signed(-2)")),
            ("/a/b/2/c~1d", Some(r#"Text("x\"y")"#)),
            ("/a/e", Some("Float(1.5)")),
            ("/", Some("Unsigned(7)")),
            ("/~0", Some("Bool(true)")),
            ("/n", Some("Null")),
            ("/a", Some(r#"Many("")"#)),
            ("/a/b", Some(r#"Many("")"#)),
            ("", Some(r#"Many("")"#)),
            ("/a/b/3", None),
            ("/a/b/x", None),
            ("/x", None),
            ("/a/e/f", None),
        ] {
            assert_eq!(text_at(body, pointer).as_deref(), want, "{pointer}");
        }
    }

    #[test]
    fn rules_compare_texts_and_take_them() {
        let body = br#"{"t":6,"s":"6","f":1.0,"b":true,"n":null,"m":[{"a":1}, 2]}"#;
        for (pointer, text) in [
            ("/t", "6"),
            ("/s", "6"),
            ("/f", "1.0"),
            ("/b", "true"),
            ("/n", "null"),
            ("/m", r#"[{"a":1},2]"#),
            ("/m/0", r#"{"a":1}"#),
        ] {
            let at = Pointer::new(pointer);
            assert_eq!(at.text(body).as_deref(), Some(text), "{pointer}");
            assert!(at.finds(body, None) && at.finds(body, Some(text)) && !at.finds(body, Some("x")));
        }
        assert!(!Pointer::new("/x").finds(body, None) && Pointer::new("/x").text(body).is_none());
        assert!(Pointer::new("").finds(b"7", Some("7")) && !Pointer::new("").finds(b"no", None));
    }

    #[test]
    fn what_is_no_json_has_no_value_and_what_breaks_off_later_has_one() {
        assert_eq!(text_at("hello", "/a"), None);
        assert_eq!(text_at(r#"{"b":"#, "/a"), None);
        assert_eq!(text_at(r#"{"a":1,"b":"#, "/a").as_deref(), Some("Unsigned(1)"));
    }
}
