//! One value of a JSON document, found without building the document: for messages whose values are
//! read as they come.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A value that is one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

/// A JSON pointer (RFC 6901), taken apart once.
#[derive(Clone, Debug)]
pub(super) struct Pointer(Box<[String]>);

impl Pointer {
    /// `text` begins with `/`.
    pub(super) fn new(text: &str) -> Pointer {
        let tokens = text.split('/').skip(1);
        Pointer(tokens.map(|t| t.replace("~1", "/").replace("~0", "~")).collect())
    }

    /// Gives the text or the number at its place to `read`. Of a document that is broken behind that
    /// place the value still counts.
    pub(super) fn read<T>(&self, body: &[u8], mut read: impl FnMut(Scalar<'_>) -> Option<T>) -> Option<T> {
        let mut found = None;
        let walk = Walk { tokens: &self.0, give: &mut |value| found = read(value) };
        let mut document = serde_json::Deserializer::from_slice(body);
        // That it stops where it has found the value is no error.
        let _ = walk.deserialize(&mut document);
        found
    }
}

struct Walk<'w> {
    tokens: &'w [String],
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
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
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
        let Some((token, tokens)) = self.tokens.split_first() else { return Ok(()) };
        while let Some(found) = map.next_key_seed(Key(token))? {
            if found {
                return map.next_value_seed(Walk { tokens, give: self.give });
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((token, tokens)) = self.tokens.split_first() else { return Ok(()) };
        let Ok(index) = token.parse::<usize>() else { return Ok(()) };
        for _ in 0..index {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        list.next_element_seed(Walk { tokens, give: self.give })?;
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
            ("/~0", None),
            ("/n", None),
            ("/a", None),
            ("/a/b", None),
            ("/a/b/3", None),
            ("/a/b/x", None),
            ("/x", None),
            ("/a/e/f", None),
        ] {
            assert_eq!(text_at(body, pointer).as_deref(), want, "{pointer}");
        }
    }

    #[test]
    fn what_is_no_json_has_no_value_and_what_breaks_off_later_has_one() {
        assert_eq!(text_at("hello", "/a"), None);
        assert_eq!(text_at(r#"{"b":"#, "/a"), None);
        assert_eq!(text_at(r#"{"a":1,"b":"#, "/a").as_deref(), Some("Unsigned(1)"));
    }
}
