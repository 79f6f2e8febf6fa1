//! Where a JSON value ends. Looks at strings, escapes and brackets only: what lies between is the
//! reader's business.

/// Deepest nesting of brackets.
const DEEPEST: u32 = 128;

/// Walks through one value, however it is cut.
#[derive(Default)]
pub(super) struct Value {
    /// A bit for each open bracket, the innermost last: set for a brace.
    braces: u128,
    depth: u32,
    in_string: bool,
    escaped: bool,
    /// A number or a word outside all brackets: only what follows tells that it has ended.
    scalar: bool,
}

impl Value {
    /// Goes on with the value; behind which byte it ends, if it does here. A scalar ends before the
    /// first byte that cannot be its own.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, &'static str> {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string {
                let Some(n) = self.string(&bytes[at..]) else { return Ok(None) };
                at += n;
                if self.depth == 0 {
                    return Ok(Some(at));
                }
            } else if self.depth == 0 && self.scalar {
                let end = bytes[at..].iter().position(|&b| !is_scalar(b));
                self.scalar = end.is_none();
                return Ok(end.map(|n| at + n));
            } else {
                let whole = self.structure(bytes[at])?;
                at += 1;
                if whole {
                    return Ok(Some(at));
                }
            }
        }
        Ok(None)
    }

    /// Whether nothing but a number or a word is under way, which the end of the body ends too.
    pub(super) fn is_scalar(&self) -> bool {
        self.scalar
    }

    /// Ready for another value.
    pub(super) fn reset(&mut self) {
        *self = Value::default();
    }

    /// Behind the quote that ends the string, if it does here.
    fn string(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        if std::mem::take(&mut self.escaped) {
            at = 1;
        }
        while let Some(n) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
            at += n + 1;
            if bytes[at - 1] == b'"' {
                self.in_string = false;
                return Some(at);
            }
            if at == bytes.len() {
                self.escaped = true;
                return None;
            }
            at += 1;
        }
        None
    }

    /// A byte outside of strings; whether it ends the value.
    fn structure(&mut self, byte: u8) -> Result<bool, &'static str> {
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => {
                if self.depth == DEEPEST {
                    return Err("brackets more than 128 deep");
                }
                self.braces = self.braces << 1 | u128::from(byte == b'{');
                self.depth += 1;
            }
            b'}' | b']' => {
                if self.depth == 0 || (self.braces & 1 == 1) != (byte == b'}') {
                    return Err("a bracket that closes nothing");
                }
                self.braces >>= 1;
                self.depth -= 1;
                return Ok(self.depth == 0);
            }
            _ if self.depth > 0 => {}
            _ if is_scalar(byte) => self.scalar = true,
            _ => return Err("a byte that begins no JSON value"),
        }
        Ok(false)
    }
}

fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
