//! `steps` and `send_by`: what a dialect asks over HTTP, and what it says first.

use super::super::headers::{name_fault, pairs_of};
use super::super::{Report, template};
use super::{rules, sets};
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Many, Pairs, SendBy, Step};
use crate::scenario::{Method, RequestSpec, StepAction, StepSpec, Template};

pub(super) fn lower(steps: &[Step], at: &KeyPath, r: &mut Report<'_>) -> Vec<StepSpec> {
    let mut list = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        let at = at.index(i);
        let Some(action) = action(step, &at, r) else { continue };
        list.push(StepSpec {
            expect: step.expect.as_ref().map(|on| rules::matcher(on, &at.key("expect"), r)),
            set: sets(step.set.as_ref(), &at.key("set"), r),
            action,
        });
    }
    list
}

fn action(step: &Step, at: &KeyPath, r: &mut Report<'_>) -> Option<StepAction> {
    let given = [step.get.is_some(), step.post.is_some(), step.send.is_some()];
    let http = step.get.is_some() || step.post.is_some();
    if given.iter().filter(|g| **g).count() > 1 || (!given.contains(&true) && step.expect.is_none()) {
        r.wrong(at, format!("`{at}` wants exactly one of get, post, send, or `expect` alone"), None);
        return None;
    }
    let more = [step.headers.is_some(), step.status.is_some(), step.body.is_some()].contains(&true);
    if (!http && more) || (step.get.is_some() && step.body.is_some()) {
        let message = format!("`{at}`: headers and status go with get or post, body with post");
        r.wrong(at, message, None);
    }
    if !http && step.set.is_some() && step.expect.is_none() {
        r.wrong(at, format!("`{at}` takes variables from nothing; want `expect`"), None);
    }
    Some(match (&step.get, &step.post, &step.send) {
        (Some(path), _, _) => StepAction::Http(RequestSpec {
            method: Method::Get,
            path: template::path(path, &at.key("get"), r, false),
            body: Template::default(),
            headers: headers(step.headers.as_ref(), &at.key("headers"), r),
            status: statuses(step.status.as_ref(), &at.key("status"), r),
        }),
        (None, Some(path), _) => StepAction::Http(RequestSpec {
            method: Method::Post,
            path: template::path(path, &at.key("post"), r, false),
            body: template::lower(step.body.as_deref().unwrap_or_default(), &at.key("body"), r),
            headers: headers(step.headers.as_ref(), &at.key("headers"), r),
            status: statuses(step.status.as_ref(), &at.key("status"), r),
        }),
        (None, None, Some(texts)) => StepAction::Send(rules::texts(&texts.0, &at.key("send"), r)),
        (None, None, None) => StepAction::Wait,
    })
}

pub(super) fn send_by(s: &SendBy, at: &KeyPath, r: &mut Report<'_>) -> RequestSpec {
    RequestSpec {
        method: Method::Post,
        path: template::path(s.post.as_deref().unwrap_or("/"), &at.key("post"), r, true),
        body: template::of_text(s.body.as_deref().unwrap_or("${text}"), &at.key("body"), r),
        headers: headers(s.headers.as_ref(), &at.key("headers"), r),
        status: statuses(s.status.as_ref(), &at.key("status"), r),
    }
}

fn headers(pairs: Option<&Pairs>, at: &KeyPath, r: &mut Report<'_>) -> Vec<(String, Template)> {
    let pairs = pairs.map(|p| pairs_of(p, at, r)).unwrap_or_default();
    let fit = pairs.into_iter().filter(|(name, _)| name_fault(name).is_none());
    fit.map(|(name, value)| (name.clone(), template::lower(&value, &at.key(&name), r))).collect()
}

fn statuses(list: Option<&Many<u16>>, at: &KeyPath, r: &mut Report<'_>) -> Vec<u16> {
    let list = list.map(|l| l.0.clone()).unwrap_or_default();
    if list.iter().any(|s| !(100..=599).contains(s)) {
        r.bad(at, "statuses from 100 to 599");
    }
    list
}
