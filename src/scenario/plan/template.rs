//! Templates as they are once parsed: texts with `${...}` in them. Plain values; `scenario::expression`
//! reads them, the transport that uses them works them out.

use std::fmt;

/// A text with expressions in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    /// As written, for people: errors and traces name it.
    pub source: String,
    /// In order.
    pub parts: Vec<TemplatePart>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    /// Goes through as it is.
    Text(String),
    /// Is worked out.
    Value(Expr),
}

/// An expression. Values are bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// The value of a variable, by its slot in [`Names`].
    Name(u16),
    /// `n++`: the value of a counter, which is then one more.
    Count(u16),
    /// `'text'`, or a number.
    Text(String),
    /// `row('name')`: a column of the client's row, by its index.
    Row(usize),
    /// A function of other expressions, as many as it takes.
    Call(Function, Vec<Expr>),
}

macro_rules! functions {
    ($( $(#[doc = $doc:literal])+ $name:ident = $key:literal, $least:literal to $most:literal; )+) => {
        /// What a template can work out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Function { $( $(#[doc = $doc])+ $name, )+ }

        impl Function {
            /// Every function.
            pub const ALL: &'static [Function] = &[$( Function::$name, )+];

            /// As it is written.
            pub const fn key(self) -> &'static str {
                match self { $( Function::$name => $key, )+ }
            }

            /// How many values it takes, at least and at most.
            pub const fn takes(self) -> (usize, usize) {
                match self { $( Function::$name => ($least, $most), )+ }
            }
        }
    };
}

functions! {
    /// Its values one behind the other.
    Concat = "concat", 1 to 32;
    /// Two small hexadecimal digits for each byte.
    Hex = "hex", 1 to 1;
    /// Base64 with padding (RFC 4648, section 4).
    Base64 = "base64", 1 to 1;
    /// Base64 for URLs, without padding (RFC 4648, section 5).
    Base64Url = "base64url", 1 to 1;
    /// Percent-encoded: all but the unreserved characters of RFC 3986.
    Uri = "uri", 1 to 1;
    /// A JSON string literal with its quotes.
    Json = "json", 1 to 1;
    /// The 16 bytes of MD5.
    Md5 = "md5", 1 to 1;
    /// The 32 bytes of SHA-256.
    Sha256 = "sha256", 1 to 1;
    /// The 32 bytes of HMAC-SHA-256 with the first value as key.
    HmacSha256 = "hmac_sha256", 2 to 2;
    /// A JSON Web Token signed with HS256: secret, claims as JSON.
    Jwt = "jwt", 2 to 2;
    /// So many random letters and digits.
    Random = "random", 1 to 1;
    /// Whole seconds since 1970.
    NowS = "now_s", 0 to 0;
    /// Whole milliseconds since 1970.
    NowMs = "now_ms", 0 to 0;
    /// How many bytes a value has.
    Len = "len", 1 to 1;
}

impl Template {
    /// Whether it is the same for a client at all times: nothing in it but its channel and number.
    pub fn is_fixed(&self) -> bool {
        self.parts.iter().all(|p| match p {
            TemplatePart::Text(_) => true,
            TemplatePart::Value(e) => e.is_fixed(),
        })
    }

    /// Whether a variable occurs in it.
    pub fn names(&self, slot: u16) -> bool {
        self.parts.iter().any(|p| matches!(p, TemplatePart::Value(e) if e.names(slot)))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Expr {
    fn is_fixed(&self) -> bool {
        match self {
            Expr::Name(slot) => matches!(*slot, Names::CHANNEL | Names::CLIENT),
            Expr::Text(_) | Expr::Row(_) => true,
            Expr::Count(_) | Expr::Call(Function::Random | Function::NowS | Function::NowMs, _) => false,
            Expr::Call(_, args) => args.iter().all(Expr::is_fixed),
        }
    }

    fn names(&self, slot: u16) -> bool {
        match self {
            Expr::Name(n) | Expr::Count(n) => *n == slot,
            Expr::Text(_) | Expr::Row(_) => false,
            Expr::Call(_, args) => args.iter().any(|a| a.names(slot)),
        }
    }
}

/// The variables that templates may name, each with a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Default for Names {
    fn default() -> Names {
        Names(Names::BUILT_IN.iter().map(|n| (*n).to_owned()).collect())
    }
}

impl Names {
    /// The client's channel.
    pub const CHANNEL: u16 = 0;
    /// The client's number in the run, from 0.
    pub const CLIENT: u16 = 1;
    /// What the transport's cursor holds, such as the id of the last Server-Sent Event.
    pub const CURSOR: u16 = 2;
    /// What is to be sent, in `send_by` only.
    pub const TEXT: u16 = 3;
    /// What is published, where something is.
    pub const PAYLOAD: u16 = 4;
    /// Those that are always there, in the order of their slots.
    pub const BUILT_IN: &'static [&'static str] = &["channel", "client", "cursor", "text", "payload"];
    /// More variables than any dialect has.
    pub const MOST: usize = 256;

    /// The slot of a variable, a new one when it was not known.
    pub fn add(&mut self, name: &str) -> u16 {
        self.find(name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            (self.0.len() - 1) as u16
        })
    }

    /// The slot of a variable.
    pub fn find(&self, name: &str) -> Option<u16> {
        self.0.iter().position(|n| n == name).map(|at| at as u16)
    }

    /// All names in the order of their slots.
    pub fn all(&self) -> &[String] {
        &self.0
    }

    /// The name of a slot.
    pub fn name(&self, slot: u16) -> &str {
        self.0.get(usize::from(slot)).map_or("?", String::as_str)
    }
}
