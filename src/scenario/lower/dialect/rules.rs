//! `[[case.rule]]` and what `expect` may hold.

use super::super::{Report, template, values};
use super::sets;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{On, Rule};
use crate::scenario::suggest::nearest;
use crate::scenario::{MatchSpec, RuleSpec, Then};

pub(super) fn lower(rules: &[Rule], at: &KeyPath, r: &mut Report<'_>) -> Vec<RuleSpec> {
    let mut list = Vec::new();
    for (i, rule) in rules.iter().enumerate() {
        let at = at.index(i);
        let nothing = On::default();
        list.push(RuleSpec {
            on: matcher(rule.on.as_ref().unwrap_or(&nothing), &at.key("on"), r),
            set: sets(rule.set.as_ref(), &at.key("set"), r),
            send: texts(rule.send.as_ref().map_or(&[][..], |s| &s.0), &at.key("send"), r),
            then: thens(rule.then.as_ref().map_or(&[][..], |t| &t.0), &at.key("then"), r),
        });
    }
    list
}

pub(super) fn texts(list: &[String], at: &KeyPath, r: &mut Report<'_>) -> Vec<crate::scenario::Template> {
    list.iter().map(|text| template::lower(text, at, r)).collect()
}

fn thens(words: &[String], at: &KeyPath, r: &mut Report<'_>) -> Vec<Then> {
    words.iter().filter_map(|word| then(word, at, r)).collect()
}

fn then(word: &str, at: &KeyPath, r: &mut Report<'_>) -> Option<Then> {
    let fail = word.strip_prefix("fail");
    if let Some(rest) = fail
        && (rest.is_empty() || (rest.starts_with('(') && rest.ends_with(')')))
    {
        return Some(Then::Fail(rest.trim_start_matches('(').trim_end_matches(')').to_owned()));
    }
    let known = || Then::WORDS.iter().map(|(w, _)| *w).chain(["fail(text)"]);
    let found = Then::WORDS.iter().find(|(w, _)| *w == word).map(|(_, then)| then.clone());
    if found.is_none() {
        let help = nearest(word, known()).map(|n| format!("did you mean \"{n}\"?"));
        let all = known().collect::<Vec<_>>().join(", ");
        r.wrong(at, format!("`{at}` is \"{word}\"; want one of {all}"), help);
    }
    found
}

pub(super) fn matcher(on: &On, at: &KeyPath, r: &mut Report<'_>) -> MatchSpec {
    let spec = MatchSpec {
        prefix: on.prefix.clone(),
        equals: on.equals.clone(),
        regex: on.regex.clone(),
        pointer: on.pointer.clone(),
        header: on.header.clone(),
        is: on.is.as_ref().map(|p| p.0.clone()),
        event: on.event.clone(),
        status: on.status.as_ref().map(|s| s.0.clone()).unwrap_or_default(),
        close: on.close,
        end: on.end.unwrap_or(false),
        stamped: on.stamped.unwrap_or(false),
    };
    if spec == MatchSpec::default() && on.any != Some(true) {
        let help = Some("to match whatever comes, say so: on = { any = true }".to_owned());
        r.wrong(at, format!("`{at}` matches nothing in particular"), help);
    }
    let places = usize::from(spec.pointer.is_some()) + usize::from(spec.header.is_some());
    if spec.is.is_some() && places != 1 {
        r.wrong(at, format!("`{at}.is` goes with exactly one of pointer and header"), None);
    }
    if let Some(text) = &spec.pointer {
        values::pointer(text, true, &at.key("pointer"), r);
    }
    if let Some(text) = &spec.regex {
        values::regex(text, false, &at.key("regex"), r);
    }
    spec
}
