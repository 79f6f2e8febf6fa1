//! The variables of one session, and templates worked out with them.

use crate::clock::utc_now;
use crate::model::percent_encode;
use crate::scenario::{Expr, Function, Names, Rows, Template, TemplatePart};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;

/// Largest value of a variable, bytes.
pub(super) const MOST_VALUE: usize = 64 * 1024;
/// Largest text that a template may come to, bytes.
pub(super) const MOST_TEXT: usize = 1024 * 1024;
/// A counter that nothing has set begins here.
const FIRST_COUNT: u64 = 1;

/// See the module. Values are bytes.
pub(super) struct Vars {
    values: Box<[Option<Vec<u8>>]>,
    random: fastrand::Rng,
    rows: Option<Arc<Rows>>,
    client: u32,
}

impl Vars {
    /// Those of a client, nothing but its channel and number set.
    pub(super) fn new(names: &Names, channel: &str, client: u32, seed: u64, rows: Option<Arc<Rows>>) -> Vars {
        let mut values = vec![None; names.all().len()].into_boxed_slice();
        values[usize::from(Names::CHANNEL)] = Some(channel.as_bytes().to_vec());
        values[usize::from(Names::CLIENT)] = Some(client.to_string().into_bytes());
        Vars { values, random: fastrand::Rng::with_seed(seed), rows, client }
    }

    /// The value of a variable.
    pub(super) fn get(&self, slot: u16) -> Option<&[u8]> {
        self.values.get(usize::from(slot))?.as_deref()
    }

    /// Sets a variable.
    ///
    /// # Errors
    /// In words, when the value is larger than [`MOST_VALUE`].
    pub(super) fn set(&mut self, slot: u16, value: &[u8]) -> Result<(), String> {
        if value.len() > MOST_VALUE {
            return Err(format!("a value of {} bytes; a variable holds {MOST_VALUE}", value.len()));
        }
        let place = self.values[usize::from(slot)].get_or_insert_default();
        place.clear();
        place.extend_from_slice(value);
        Ok(())
    }

    /// What is to be sent, for `${text}`; it may be larger than a variable.
    pub(super) fn set_text(&mut self, text: &[u8]) -> Result<(), String> {
        if text.len() > MOST_TEXT {
            return Err(format!("a text of {} bytes is to be sent; at most {MOST_TEXT}", text.len()));
        }
        self.values[usize::from(Names::TEXT)] = Some(text.to_vec());
        Ok(())
    }

    /// Forgets a variable.
    pub(super) fn unset(&mut self, slot: u16) {
        self.values[usize::from(slot)] = None;
    }

    /// Works out a template.
    ///
    /// # Errors
    /// In words: a variable that nothing has set, a counter that is no number, a text that is too
    /// large. They name the template.
    pub(super) fn render(&mut self, template: &Template, names: &Names) -> Result<Vec<u8>, String> {
        let mut out = Vec::with_capacity(template.source.len());
        let done = self.parts(template, names, &mut out);
        done.map_err(|why| format!("template {:?}: {why}", template.source))?;
        Ok(out)
    }

    fn parts(&mut self, template: &Template, names: &Names, out: &mut Vec<u8>) -> Result<(), String> {
        for part in &template.parts {
            match part {
                TemplatePart::Text(text) => out.extend_from_slice(text.as_bytes()),
                TemplatePart::Value(expr) => self.value(expr, names, out)?,
            }
            if out.len() > MOST_TEXT {
                return Err(format!("it comes to more than {MOST_TEXT} bytes"));
            }
        }
        Ok(())
    }

    fn value(&mut self, expr: &Expr, names: &Names, out: &mut Vec<u8>) -> Result<(), String> {
        match expr {
            Expr::Text(text) => out.extend_from_slice(text.as_bytes()),
            Expr::Name(slot) => match self.get(*slot) {
                Some(value) => out.extend_from_slice(value),
                None => return Err(format!("nothing has set `{}` yet", names.name(*slot))),
            },
            Expr::Count(slot) => self.count(*slot, names, out)?,
            Expr::Row(column) => out.extend_from_slice(self.row(*column).as_bytes()),
            Expr::Call(function, args) => self.call(*function, args, names, out)?,
        }
        Ok(())
    }

    fn count(&mut self, slot: u16, names: &Names, out: &mut Vec<u8>) -> Result<(), String> {
        let now = match self.get(slot) {
            None => FIRST_COUNT,
            Some(value) => std::str::from_utf8(value)
                .ok()
                .and_then(|t| t.parse::<u64>().ok())
                .ok_or_else(|| format!("the counter `{}` is no whole number", names.name(slot)))?,
        };
        out.extend_from_slice(now.to_string().as_bytes());
        self.set(slot, now.wrapping_add(1).to_string().as_bytes())
    }

    fn row(&self, column: usize) -> &str {
        let Some(rows) = &self.rows else { return "" };
        rows.rows[self.client as usize % rows.rows.len()].get(column).map_or("", String::as_str)
    }

    fn call(
        &mut self,
        function: Function,
        args: &[Expr],
        names: &Names,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        if function == Function::Concat {
            return args.iter().try_for_each(|arg| self.value(arg, names, out));
        }
        let mut values = [Vec::new(), Vec::new()];
        for (arg, value) in args.iter().zip(&mut values) {
            self.value(arg, names, value)?;
        }
        let [first, second] = &values;
        match function {
            Function::Concat => {}
            Function::Hex => out.extend(data_encoding::HEXLOWER.encode(first).into_bytes()),
            Function::Base64 => out.extend(data_encoding::BASE64.encode(first).into_bytes()),
            Function::Base64Url => out.extend(base64url(first).into_bytes()),
            Function::Uri => percent_encode(first, out),
            Function::Json => json(first, out),
            Function::Md5 => out.extend_from_slice(&Md5::digest(first)),
            Function::Sha256 => out.extend_from_slice(&Sha256::digest(first)),
            Function::HmacSha256 => out.extend_from_slice(&hmac_sha256(first, second)),
            Function::Jwt => out.extend(jwt(first, second).into_bytes()),
            Function::Random => self.letters(first, out),
            Function::NowS => out.extend(utc_now().as_second().to_string().into_bytes()),
            Function::NowMs => out.extend(utc_now().as_millisecond().to_string().into_bytes()),
            Function::Len => out.extend(first.len().to_string().into_bytes()),
        }
        Ok(())
    }

    fn letters(&mut self, count: &[u8], out: &mut Vec<u8>) {
        let count: usize = std::str::from_utf8(count).ok().and_then(|t| t.parse().ok()).unwrap_or(0);
        out.extend((0..count).map(|_| self.random.alphanumeric() as u8));
    }
}

fn base64url(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

/// RFC 2104.
fn hmac_sha256(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// RFC 7519, signed as RFC 7515 has it (`HS256`).
fn jwt(secret: &[u8], claims: &[u8]) -> String {
    let head = base64url(br#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", base64url(claims));
    let signature = base64url(&hmac_sha256(secret, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// A string of RFC 8259, section 7, with its quotes. What is not UTF-8 becomes U+FFFD.
fn json(bytes: &[u8], out: &mut Vec<u8>) {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::expression::{Scope, parse};

    fn rendered(text: &str) -> Result<String, String> {
        let mut names = Names::default();
        let (key, unset) = (names.add("key"), names.add("unset"));
        assert_ne!(key, unset);
        let rows = Rows { columns: vec!["user".into()], rows: vec![vec!["ann".into()], vec!["bob".into()]] };
        let template =
            parse(text, &mut Scope { names: &mut names, columns: &rows.columns, hidden: &[] }).unwrap();
        let mut vars = Vars::new(&names, "news", 7, 1, Some(Arc::new(rows)));
        vars.set(key, b"key").unwrap();
        vars.render(&template, &names).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn names_counters_and_rows() {
        assert_eq!(rendered("/${channel}/${client}?${n++}-${n++}").unwrap(), "/news/7?1-2");
        assert_eq!(rendered("${row('user')}").unwrap(), "bob");
    }

    #[test]
    fn functions_give_what_their_standards_say() {
        // RFC 4231 has no such short key; this pair is the one of Wikipedia's page on HMAC.
        let text = "'The quick brown fox jumps over the lazy dog'";
        let wanted = [
            (
                format!("${{hex(hmac_sha256(key, {text}))}}"),
                "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8",
            ),
            (format!("${{hex(md5({text}))}}"), "9e107d9d372bb6826bd81d3542a419d6"),
            (
                "${hex(sha256('abc'))}".into(),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            ("${base64('a?>')}".into(), "YT8+"),
            ("${base64url('a?>')}".into(), "YT8-"),
            ("${uri('a b/é')}".into(), "a%20b%2F%C3%A9"),
            (r#"${json('a"\b')}"#.into(), r#""a\"\\b""#),
            ("${len(concat(channel, ':', key))}".into(), "8"),
        ];
        for (template, want) in wanted {
            assert_eq!(rendered(&template).unwrap(), want, "{template}");
        }
    }

    #[test]
    fn a_token_is_signed() {
        // The example of jwt.io.
        let claims = r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#;
        let token = rendered(&format!("${{jwt('your-256-bit-secret', '{claims}')}}")).unwrap();
        assert!(token.ends_with(".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"), "{token}");
    }

    #[test]
    fn random_letters_follow_the_seed() {
        let once = rendered("${random(12)}").unwrap();
        assert_eq!((once.len(), &once), (12, &rendered("${random(12)}").unwrap()));
        assert!(once.bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    #[test]
    fn what_cannot_be_worked_out_names_the_template() {
        let missing = rendered("a${unset}").unwrap_err();
        assert_eq!(missing, "template \"a${unset}\": nothing has set `unset` yet");
        assert!(rendered("${key++}").unwrap_err().contains("no whole number"));
    }

    #[test]
    fn values_and_texts_are_bounded() {
        let mut names = Names::default();
        let big = names.add("big");
        let text = "${big}".repeat(20);
        let template = parse(&text, &mut Scope { names: &mut names, columns: &[], hidden: &[] }).unwrap();
        let mut vars = Vars::new(&names, "", 0, 0, None);
        assert!(vars.set(big, &vec![b'x'; MOST_VALUE + 1]).is_err());
        vars.set(big, &vec![b'x'; MOST_VALUE]).unwrap();
        assert!(vars.render(&template, &names).unwrap_err().contains("more than"));
    }
}
