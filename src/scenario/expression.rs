//! Reads templates: `${name}`, `${n++}`, `${hex(hmac_sha256(key, concat(a, ':', b)))}`.
//!
//! Everything that can be wrong is told here, when a file is read, with the place in the text; what
//! is left for later is only a variable that nothing has set yet.

use super::plan::{Expr, Function, Names, Template, TemplatePart};
use super::suggest::nearest;

/// Longest `random(n)`.
const MOST_RANDOM: u64 = 256;
/// Deepest nesting of functions.
const DEEPEST: usize = 16;

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    /// In which character, from 1.
    pub at: usize,
    /// What is wrong.
    pub message: String,
    /// What may help.
    pub help: Option<String>,
}

/// What a template may name.
pub struct Scope<'a> {
    /// The variables; a counter (`n++`) that is not among them is added.
    pub names: &'a mut Names,
    /// The columns of the CSV file, if there is one.
    pub columns: &'a [String],
    /// Slots that are known elsewhere, but not here.
    pub hidden: &'a [u16],
}

/// Parses a template.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse(source: &str, scope: &mut Scope<'_>) -> Result<Template, TemplateFault> {
    let mut reader = Reader { source, at: 0, scope };
    let mut parts = Vec::new();
    let mut text = String::new();
    while let Some(open) = source[reader.at..].find("${").map(|n| reader.at + n) {
        text.push_str(&source[reader.at..open]);
        reader.at = open + 2;
        // `$${` stands for `${` itself.
        if text.ends_with('$') {
            text.push('{');
            continue;
        }
        if !text.is_empty() {
            parts.push(TemplatePart::Text(std::mem::take(&mut text)));
        }
        let value = reader.expression(0)?;
        reader.expect('}', open)?;
        parts.push(TemplatePart::Value(value));
    }
    text.push_str(&source[reader.at..]);
    if !text.is_empty() {
        parts.push(TemplatePart::Text(text));
    }
    Ok(Template { source: source.to_owned(), parts })
}

/// The text with every `${...}` taken out: what it is whatever the variables hold.
pub(super) fn without_values(template: &Template) -> String {
    let text = |p: &TemplatePart| match p {
        TemplatePart::Text(t) => Some(t.clone()),
        TemplatePart::Value(_) => None,
    };
    template.parts.iter().filter_map(text).collect()
}

struct Reader<'a, 's, 'n> {
    source: &'a str,
    at: usize,
    scope: &'s mut Scope<'n>,
}

impl<'a> Reader<'a, '_, '_> {
    fn fault<T>(&self, at: usize, message: String, help: Option<String>) -> Result<T, TemplateFault> {
        Err(TemplateFault { at: self.source[..at].chars().count() + 1, message, help })
    }

    fn skip_space(&mut self) {
        let rest = &self.source[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.source[self.at..].chars().next()
    }

    fn expect(&mut self, wanted: char, opened: usize) -> Result<(), TemplateFault> {
        match self.peek() {
            Some(c) if c == wanted => {
                self.at += c.len_utf8();
                Ok(())
            }
            Some(c) => self.fault(self.at, format!("`{c}` where `{wanted}` is wanted"), None),
            None => self.fault(opened, format!("what begins here has no `{wanted}`"), None),
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = &self.source[self.at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn expression(&mut self, depth: usize) -> Result<Expr, TemplateFault> {
        let first = self.peek();
        let start = self.at;
        if depth > DEEPEST {
            return self.fault(start, format!("more than {DEEPEST} functions in one another"), None);
        }
        match first {
            Some('\'') => self.quoted(start),
            Some(c) if c.is_ascii_alphanumeric() || c == '_' => self.named(start, depth),
            Some(c) => {
                self.fault(start, format!("`{c}` where a name, a function or a 'text' is wanted"), None)
            }
            None => self.fault(start, "nothing where a name, a function or a 'text' is wanted".into(), None),
        }
    }

    fn quoted(&mut self, start: usize) -> Result<Expr, TemplateFault> {
        match self.source[start + 1..].find('\'') {
            Some(n) => {
                self.at = start + n + 2;
                Ok(Expr::Text(self.source[start + 1..start + 1 + n].to_owned()))
            }
            None => self.fault(start, "the text that begins here has no closing `'`".into(), None),
        }
    }

    fn named(&mut self, start: usize, depth: usize) -> Result<Expr, TemplateFault> {
        let word = self.word();
        if word.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Expr::Text(word.to_owned()));
        }
        if self.source[self.at..].starts_with("++") {
            self.at += 2;
            return Ok(Expr::Count(self.scope.names.add(word)));
        }
        if self.peek() == Some('(') {
            self.at += 1;
            return self.call(word, start, depth);
        }
        match self.scope.names.find(word).filter(|slot| !self.scope.hidden.contains(slot)) {
            Some(slot) => Ok(Expr::Name(slot)),
            None => self.unknown(word, start),
        }
    }

    fn unknown(&self, word: &str, start: usize) -> Result<Expr, TemplateFault> {
        let names = self.scope.names.all();
        let hidden = |i: &usize| self.scope.hidden.contains(&(*i as u16));
        let known: Vec<&str> =
            names.iter().enumerate().filter(|(i, _)| !hidden(i)).map(|(_, n)| n.as_str()).collect();
        let help = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `${{{near}}}`?"),
            None => {
                let all: Vec<String> = known.iter().map(|n| format!("${{{n}}}")).collect();
                format!("known here: {}, ${{env:NAME}}", all.join(", "))
            }
        };
        self.fault(start, format!("`{word}` is no variable here"), Some(help))
    }

    fn call(&mut self, word: &str, start: usize, depth: usize) -> Result<Expr, TemplateFault> {
        let function = Function::ALL.iter().find(|f| f.key() == word);
        if function.is_none() && word != "row" {
            let known = || Function::ALL.iter().map(|f| f.key()).chain(["row"]);
            let near = nearest(word, known()).map(|n| format!("did you mean `{n}`?"));
            let all = || Some(format!("there are: {}", known().collect::<Vec<_>>().join(", ")));
            return self.fault(start, format!("there is no function `{word}`"), near.or_else(all));
        }
        let args = self.arguments(start, depth)?;
        let Some(&function) = function else { return self.row(&args, start) };
        let (least, most) = function.takes();
        if !(least..=most).contains(&args.len()) {
            let takes = if least == most { format!("{least}") } else { format!("{least} to {most}") };
            return self.fault(
                start,
                format!("`{word}` takes {takes} values, here are {}", args.len()),
                None,
            );
        }
        if function == Function::Random {
            self.random(&args, start)?;
        }
        Ok(Expr::Call(function, args))
    }

    fn arguments(&mut self, start: usize, depth: usize) -> Result<Vec<Expr>, TemplateFault> {
        let mut args = Vec::new();
        if self.peek() == Some(')') {
            self.at += 1;
            return Ok(args);
        }
        loop {
            args.push(self.expression(depth + 1)?);
            if self.peek() == Some(',') {
                self.at += 1;
            } else {
                self.expect(')', start)?;
                return Ok(args);
            }
        }
    }

    fn random(&self, args: &[Expr], start: usize) -> Result<(), TemplateFault> {
        let count = match args {
            [Expr::Text(n)] => n.parse::<u64>().ok(),
            _ => None,
        };
        if count.is_some_and(|n| (1..=MOST_RANDOM).contains(&n)) {
            return Ok(());
        }
        self.fault(start, format!("`random` takes a whole number from 1 to {MOST_RANDOM}"), None)
    }

    fn row(&self, args: &[Expr], start: usize) -> Result<Expr, TemplateFault> {
        let [Expr::Text(column)] = args else {
            return self.fault(start, "`row` takes the name of a column, such as row('name')".into(), None);
        };
        if let Some(at) = self.scope.columns.iter().position(|c| c == column) {
            return Ok(Expr::Row(at));
        }
        let help = match self.scope.columns {
            [] => "name the CSV file: rows = \"users.csv\"".to_owned(),
            all => format!("its columns are: {}", all.join(", ")),
        };
        self.fault(start, format!("there is no column `{column}`"), Some(help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(source: &str) -> Result<Template, TemplateFault> {
        let mut names = Names::default();
        names.add("key");
        let columns = ["name".to_owned()];
        parse(source, &mut Scope { names: &mut names, columns: &columns, hidden: &[Names::TEXT] })
    }

    fn message(source: &str) -> String {
        let fault = read(source).expect_err(source);
        format!("{}: {} ({})", fault.at, fault.message, fault.help.unwrap_or_default())
    }

    #[test]
    fn texts_and_values_in_order() {
        let parts = read("a${channel}b${n++}").unwrap().parts;
        let slot = Names::BUILT_IN.len() as u16 + 1;
        assert_eq!(
            parts,
            [
                TemplatePart::Text("a".into()),
                TemplatePart::Value(Expr::Name(Names::CHANNEL)),
                TemplatePart::Text("b".into()),
                TemplatePart::Value(Expr::Count(slot)),
            ]
        );
    }

    #[test]
    fn functions_nest_and_texts_may_hold_braces() {
        let parts = read("${ hex( hmac_sha256(key, concat(client, ':', '}')) ) }").unwrap().parts;
        let text = |t: &str| Expr::Text(t.into());
        let inner = Expr::Call(Function::Concat, vec![Expr::Name(Names::CLIENT), text(":"), text("}")]);
        let key = Expr::Name(Names::BUILT_IN.len() as u16);
        let want = Expr::Call(Function::Hex, vec![Expr::Call(Function::HmacSha256, vec![key, inner])]);
        assert_eq!(parts, [TemplatePart::Value(want)]);
        assert_eq!(read("${row('name')}").unwrap().parts, [TemplatePart::Value(Expr::Row(0))]);
    }

    #[test]
    fn two_dollars_are_one() {
        assert_eq!(read("a$${b} $x").unwrap().parts, [TemplatePart::Text("a${b} $x".into())]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let wanted = [
            ("ab${kye}", "5: `kye` is no variable here (did you mean `${key}`?)"),
            (
                "${text}",
                "3: `text` is no variable here (known here: ${channel}, ${client}, ${cursor}, ${payload}, ${key}, ${env:NAME})",
            ),
            ("${hmacsha256(key, key)}", "3: there is no function `hmacsha256` (did you mean `hmac_sha256`?)"),
            ("${hex()}", "3: `hex` takes 1 values, here are 0 ()"),
            ("${hex(key}", "10: `}` where `)` is wanted ()"),
            ("x${key", "2: what begins here has no `}` ()"),
            ("${'abc}", "3: the text that begins here has no closing `'` ()"),
            ("${random(key)}", "3: `random` takes a whole number from 1 to 256 ()"),
            ("${row('nmae')}", "3: there is no column `nmae` (its columns are: name)"),
            ("${}", "3: `}` where a name, a function or a 'text' is wanted ()"),
        ];
        for (source, want) in wanted {
            assert_eq!(message(source), want, "{source}");
        }
        let deep = format!("${{{}key{}}}", "hex(".repeat(40), ")".repeat(40));
        assert!(message(&deep).contains("in one another"));
    }

    #[test]
    fn only_channel_and_client_are_fixed() {
        assert!(read("/a/${channel}?c=${hex(client)}").unwrap().is_fixed());
        for moving in ["${n++}", "${key}", "${now_s()}", "${hex(random(3))}", "${cursor}"] {
            assert!(!read(moving).unwrap().is_fixed(), "{moving}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(source in "[${}a-z('),+ é0-9]{0,40}") {
            let _ = read(&source);
        }
    }
}
