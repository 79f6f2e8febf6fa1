//! Templates of a case: parsed in the scope of its variables.

use super::Report;
use crate::scenario::expression::{self, Scope};
use crate::scenario::path::KeyPath;
use crate::scenario::{Names, Template};

/// What the templates of the case that is being lowered may name.
#[derive(Clone, Debug, Default)]
pub(in crate::scenario) struct CaseScope {
    pub(in crate::scenario) names: Names,
    pub(in crate::scenario) columns: Vec<String>,
    /// Whether the case speaks a dialect.
    pub(in crate::scenario) dialect: bool,
}

/// What no template of a client may name.
const HIDDEN: &[u16] = &[Names::TEXT, Names::PAYLOAD];

/// A template of a client; one that is in error is told and stood in for.
pub(super) fn lower(text: &str, at: &KeyPath, r: &mut Report<'_>) -> Template {
    hiding(text, HIDDEN, at, r)
}

/// The same in `send_by`, where `${text}` is what is to be sent.
pub(super) fn of_text(text: &str, at: &KeyPath, r: &mut Report<'_>) -> Template {
    hiding(text, &HIDDEN[1..], at, r)
}

fn hiding(text: &str, hidden: &[u16], at: &KeyPath, r: &mut Report<'_>) -> Template {
    let CaseScope { names, columns, .. } = &mut r.scope;
    let parsed = expression::parse(text, &mut Scope { names, columns, hidden });
    parsed.unwrap_or_else(|fault| {
        r.wrong(at, format!("`{at}`, character {}: {}", fault.at, fault.message), fault.help);
        Template::default()
    })
}

/// Path and query of a request line, and fit for it whatever the variables hold.
pub(super) fn path(text: &str, at: &KeyPath, r: &mut Report<'_>, text_too: bool) -> Template {
    let template = if text_too { of_text(text, at, r) } else { lower(text, at, r) };
    let fixed = expression::without_values(&template);
    // A path that begins with a variable is judged without its first character.
    let judged = if text.starts_with("${") { format!("/{fixed}") } else { fixed };
    if let Some(want) = crate::scenario::template::path_fault(&judged) {
        r.bad(at, want);
    }
    template
}

/// Whether a text holds nothing but plain names, which need no dialect. The cursor is none of them: it
/// changes from request to request.
pub(super) fn is_plain(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b':';
    let plain = |name: &str| name.bytes().all(word) && name != "cursor";
    text.split("${").skip(1).all(|rest| rest.find('}').is_none_or(|end| plain(&rest[..end])))
}
