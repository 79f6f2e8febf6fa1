//! `[target]`: what is driven.

use super::base::parse_base;
use super::{Report, nonzero};
use crate::model::Nanos;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::Target;
use crate::scenario::{Base, TargetPlan};

pub(super) fn lower(target: Option<&Target>, r: &mut Report<'_>) -> TargetPlan {
    let Some(target) = target else { return TargetPlan::Bundled };
    let at = |key| KeyPath::at("target").key(key);
    if let Some(ready) = &target.ready {
        super::case::check_path(ready, &[], &at("ready"), r);
    }
    if target.start.is_some() && target.ready.is_none() {
        r.note("`target.start` without `target.ready`: the target counts as ready once its port accepts connections");
    }
    TargetPlan::External {
        base: base(target.base.as_deref(), &at("base"), r),
        start: target.start.clone(),
        ready: target.ready.clone(),
        ready_timeout: nonzero(
            target.ready_timeout.as_ref(),
            Nanos(30 * Nanos::SECOND.0),
            &at("ready_timeout"),
            r,
        ),
        cost_port: target.cost.as_ref().and_then(|c| c.port),
        allow_remote: target.allow_remote.unwrap_or(false),
    }
}

/// A base that is in error is told and stood in for.
fn base(text: Option<&str>, at: &KeyPath, r: &mut Report<'_>) -> Base {
    let parsed = text.map(parse_base).transpose();
    let given = parsed.unwrap_or_else(|want| {
        r.bad(at, want);
        None
    });
    given.unwrap_or_else(|| Base { tls: false, host: "127.0.0.1".into(), port: 80 })
}
