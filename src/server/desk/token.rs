//! The token that visitors of the desk must show. Kept as a keyed hash: what is not there can be printed
//! nowhere, and two hashes are compared in a time that tells nothing of where they differ.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// Characters of the shortest token: what is shorter can be guessed.
pub const LEAST_TOKEN: usize = 16;

/// A token that was agreed on.
pub struct Token {
    /// Drawn anew in each process.
    key: [u8; 32],
    tag: Vec<u8>,
}

/// Why a text is no token. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It can be guessed.
    #[error("it has {0} characters; want at least {LEAST_TOKEN}, such as `openssl rand -hex 16` makes")]
    Short(usize),
    /// It cannot stand in a header.
    #[error("it holds something else than letters, digits and - . _ ~ + / =")]
    Characters,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("token")
    }
}

impl Token {
    /// A token of at least [`LEAST_TOKEN`] characters of RFC 6750's `b64token`.
    ///
    /// # Errors
    /// The text is too short, or has other characters.
    pub fn new(text: &str) -> Result<Token, TokenError> {
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b)) {
            return Err(TokenError::Characters);
        }
        if text.len() < LEAST_TOKEN {
            return Err(TokenError::Short(text.len()));
        }
        let mut key = [0; 32];
        fastrand::fill(&mut key);
        let tag = tagged(&key, text).finalize().into_bytes().to_vec();
        Ok(Token { key, tag })
    }

    /// Whether the value of an `Authorization` header shows it: `Bearer TOKEN`.
    pub(super) fn admits(&self, authorization: Option<&str>) -> bool {
        let Some((scheme, shown)) = authorization.and_then(|a| a.split_once(' ')) else { return false };
        scheme.eq_ignore_ascii_case("bearer")
            && tagged(&self.key, shown.trim()).verify_slice(&self.tag).is_ok()
    }
}

fn tagged(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_let_in() {
        let token = Token::new("0123456789abcdef").unwrap();
        for good in ["Bearer 0123456789abcdef", "bearer 0123456789abcdef", "BEARER  0123456789abcdef "] {
            assert!(token.admits(Some(good)), "{good}");
        }
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "0123456789abcdef",
            "Basic 0123456789abcdef",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdeg",
            "Bearer 0123456789abcdef0",
        ] {
            assert!(!token.admits(Some(bad)), "{bad}");
        }
        assert!(!token.admits(None));
    }

    #[test]
    fn what_can_be_guessed_or_cannot_be_sent_is_none_and_none_is_shown() {
        assert_eq!(Token::new("0123456789abcde").unwrap_err(), TokenError::Short(15));
        for wrong in ["0123456789abcdef\n", "0123456789 abcdef", "0123456789abcd\u{e4}f"] {
            assert_eq!(Token::new(wrong).unwrap_err(), TokenError::Characters);
        }
        let shown = format!("{:?}", Token::new("0123456789abcdef").unwrap());
        assert_eq!(shown, "token");
    }
}
