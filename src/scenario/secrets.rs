//! What came from the environment, and the forms in which it may turn up again: shown nowhere.
//!
//! A value is known as it is, escaped (JSON, `{:?}`), percent-encoded, in hexadecimal, and in base64
//! wherever it stands in what was encoded (`user:password` of a login). What a hash or a signature
//! makes of it does not tell it, and is shown.

use crate::model::percent_encode;
use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXUPPER};
use serde_json::Value;
use std::fmt;

/// What stands in place of a secret.
const HIDDEN: &str = "<env>";
/// Characters of the shortest value that is sought inside other texts: a shorter one is part of
/// many words, and hiding it there would tell it.
const SHORTEST: usize = 4;
/// What a text that was cut off ends in.
const CUT: &str = "...";

/// Values that came from the environment. Shown nowhere, not even by `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// As they are and in other spellings, the longest first.
    spelled: Vec<String>,
    /// What base64 makes of them behind 0, 1 and 2 other bytes, without the digits that depend on
    /// what stands around.
    encoded: Vec<String>,
    /// Those too short to be sought inside other texts.
    short: Vec<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("secrets")
    }
}

impl Secrets {
    /// Keeps the values.
    pub(super) fn new(values: Vec<String>) -> Secrets {
        let (short, long): (Vec<String>, Vec<String>) =
            values.into_iter().filter(|v| !v.is_empty()).partition(|v| v.chars().count() < SHORTEST);
        Secrets {
            spelled: longest_first(long.iter().flat_map(|v| spellings(v)).collect()),
            encoded: longest_first(long.iter().flat_map(|v| encodings(v)).collect()),
            short,
        }
    }

    /// The same with one more, which stood in the file.
    #[must_use]
    pub(super) fn and(mut self, value: &str) -> Secrets {
        let more = Secrets::new(vec![value.to_owned()]);
        self.spelled = longest_first([self.spelled, more.spelled].concat());
        self.encoded = longest_first([self.encoded, more.encoded].concat());
        self.short.extend(more.short);
        self
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spelled.is_empty() && self.short.is_empty()
    }

    /// The text with `<env>` in place of every value that came from the environment, however it is
    /// spelled or encoded. A value of less than four characters is hidden only where it is the
    /// whole text.
    pub fn hide(&self, text: &str) -> String {
        if self.short.iter().any(|s| s == text) {
            return HIDDEN.to_owned();
        }
        let text = self.spelled.iter().fold(text.to_owned(), |text, s| text.replace(s, HIDDEN));
        let text = self.encoded.iter().fold(text, |text, digits| hide_run(text, digits));
        self.hide_cut(text)
    }

    /// The same in every text of a JSON document; keys stay.
    pub fn hide_all(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hide(text),
            Value::Array(list) => list.iter_mut().for_each(|v| self.hide_all(v)),
            Value::Object(map) => map.values_mut().for_each(|v| self.hide_all(v)),
            _ => {}
        }
    }

    /// Beginnings of a secret at which a text was cut off.
    fn hide_cut(&self, mut text: String) -> String {
        let mut from = 0;
        while let Some(at) = text[from..].find(CUT).map(|n| from + n) {
            let end = text[..at].trim_end_matches([' ', '"', '\\']).len();
            let begun = self.spelled.iter().filter_map(|s| begun(&text[..end], s)).max();
            from = at + CUT.len();
            if let Some(length) = begun {
                text.replace_range(end - length..end, HIDDEN);
                from = from - length + HIDDEN.len();
            }
        }
        text
    }
}

/// How many bytes of the beginning of `secret` stand at the end of `text`.
fn begun(text: &str, secret: &str) -> Option<usize> {
    let lengths = secret.char_indices().map(|(at, _)| at).skip(SHORTEST);
    lengths.filter(|&n| text.ends_with(&secret[..n])).last()
}

fn longest_first(mut list: Vec<String>) -> Vec<String> {
    list.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    list.dedup();
    list
}

fn spellings(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let mut percent = Vec::new();
    percent_encode(bytes, &mut percent);
    let percent = String::from_utf8_lossy(&percent).into_owned();
    let small = percent.split('%').enumerate().map(|(i, piece)| match (i, piece.get(..2)) {
        (1.., Some(digits)) => format!("%{}{}", digits.to_ascii_lowercase(), &piece[2..]),
        _ => piece.to_owned(),
    });
    let json = Value::String(value.to_owned()).to_string();
    vec![
        value.to_owned(),
        value.escape_debug().to_string(),
        format!("{:?}", value.escape_debug().to_string()).trim_matches('"').to_owned(),
        json.trim_matches('"').escape_debug().to_string(),
        json[1..json.len() - 1].to_owned(),
        value.replace('/', "\\/"),
        small.collect(),
        percent.replace("%20", "+"),
        percent,
        HEXLOWER.encode(bytes),
        HEXUPPER.encode(bytes),
    ]
}

/// The digits that depend on the value alone, behind 0, 1 and 2 other bytes; also percent-encoded.
fn encodings(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    for before in 0..3 {
        let bytes = [&b"..."[..before], value.as_bytes()].concat();
        // Six bits a digit: the first that holds none of `before`, and the last that is full.
        let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        let plain = BASE64.encode(&bytes)[first..last].to_owned();
        all.push(BASE64URL.encode(&bytes)[first..last].to_owned());
        all.push(plain.replace('+', "%2B").replace('/', "%2F"));
        all.push(plain);
    }
    all.retain(|digits| digits.len() >= SHORTEST);
    all
}

/// The text without the whole runs of base64 digits in which these stand.
fn hide_run(mut text: String, digits: &str) -> String {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/-_=%".contains(c);
    while let Some(at) = text.find(digits) {
        let begin = text[..at].trim_end_matches(is_digit).len();
        let behind = &text[at + digits.len()..];
        let end = text.len() - behind.trim_start_matches(is_digit).len();
        text.replace_range(begin..end, HIDDEN);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(values: &[&str]) -> Secrets {
        Secrets::new(values.iter().map(|v| (*v).to_owned()).collect())
    }

    #[test]
    fn a_value_is_hidden_however_it_is_spelled() {
        let value = "pa\"ss/w\\rd é+";
        let hides = secrets(&[value]);
        let mut percent = Vec::new();
        percent_encode(value.as_bytes(), &mut percent);
        let percent = String::from_utf8(percent).unwrap();
        for shown in [
            value.to_owned(),
            format!("{value:?}"),
            format!("{:?}", format!("{value:?}")),
            serde_json::to_string(value).unwrap(),
            format!("/login?a={percent}&b=1"),
            percent.to_ascii_lowercase(),
            HEXLOWER.encode(value.as_bytes()),
            HEXUPPER.encode(value.as_bytes()),
        ] {
            let hidden = hides.hide(&format!("at {shown} end"));
            assert!(hidden.starts_with("at ") && hidden.ends_with(" end"), "{hidden}");
            assert!(hidden.contains("<env>") && !hidden.contains("ss"), "{shown} -> {hidden}");
        }
    }

    #[test]
    fn base64_is_hidden_wherever_the_value_stands_in_it() {
        for value in ["SUPERTOK", "abcd", "s3cr3t?>~é"] {
            let hides = secrets(&[value]);
            for around in [("", ""), ("u:", ""), ("ab:", "!"), ("user:", ""), ("x", "yz")] {
                let all = format!("{}{value}{}", around.0, around.1);
                for text in [BASE64.encode(all.as_bytes()), BASE64URL.encode(all.as_bytes())] {
                    let hidden = hides.hide(&format!("Basic {text}, then"));
                    assert_eq!(hidden, "Basic <env>, then", "{all}");
                }
            }
        }
    }

    #[test]
    fn a_short_value_hides_nothing_but_itself() {
        let hides = secrets(&["e", "key", ""]);
        assert_eq!(hides.hide("step 1: the key"), "step 1: the key");
        assert_eq!((hides.hide("e"), hides.hide("key")), ("<env>".to_owned(), "<env>".to_owned()));
        assert!(!hides.is_empty() && secrets(&[""]).is_empty());
    }

    #[test]
    fn what_is_cut_off_inside_of_a_secret_is_hidden() {
        let hides = secrets(&["SUPERTOK"]);
        assert_eq!(hides.hide("body \"xx SUPERT\"... and SUPER ..."), "body \"xx <env>\"... and <env> ...");
        assert_eq!(hides.hide("SUPERmarket ... SUPER"), "SUPERmarket ... SUPER");
    }

    #[test]
    fn a_value_that_holds_another_is_hidden_whole() {
        assert_eq!(secrets(&["abcd", "abcdefgh"]).hide("xabcdefghabcd"), "x<env><env>");
        assert_eq!(format!("{:?}", secrets(&["abcd"])), "secrets");
    }

    #[test]
    fn documents_are_hidden_but_for_their_keys() {
        let mut value = serde_json::json!({"abcd": ["abcd", 4, {"x": "-abcd-"}]});
        secrets(&["abcd"]).hide_all(&mut value);
        assert_eq!(value, serde_json::json!({"abcd": ["<env>", 4, {"x": "-<env>-"}]}));
    }
}
