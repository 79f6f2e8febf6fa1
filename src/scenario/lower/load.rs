//! `[load]`: how many, how long, with which headers.

use super::{Report, duration, headers, nonzero};
use crate::model::Nanos;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{AutoWarmup, Load, Warmup};
use crate::scenario::{HeaderProfile, MOST_CLIENTS};

/// `[load]` with every default but that of `drain`, which depends on the case.
#[derive(Debug)]
pub(in crate::scenario) struct LoadPlan {
    pub(in crate::scenario) clients: u32,
    pub(in crate::scenario) connect: Nanos,
    pub(in crate::scenario) warmup: Nanos,
    /// `None`: `warmup` is fixed; else it is the most.
    pub(in crate::scenario) warmup_least: Option<Nanos>,
    pub(in crate::scenario) measure: Nanos,
    pub(in crate::scenario) drain: Option<Nanos>,
    pub(in crate::scenario) headers: HeaderProfile,
    pub(in crate::scenario) workers: u32,
    pub(in crate::scenario) pin: bool,
    pub(in crate::scenario) connect_timeout: Nanos,
    pub(in crate::scenario) request_timeout: Nanos,
}

pub(super) fn lower(load: &Load, r: &mut Report<'_>) -> LoadPlan {
    let at = |key| KeyPath::at("load").key(key);
    let s = |n| Nanos(n * Nanos::SECOND.0);
    let clients = load.clients.unwrap_or(1);
    if !(1..=MOST_CLIENTS).contains(&clients) {
        r.bad(&at("clients"), format_args!("1 to {MOST_CLIENTS}: one process is not trusted with more"));
    }
    let (warmup, warmup_least) = warmup(load.warmup.as_ref(), &at("warmup"), r);
    LoadPlan {
        clients,
        connect: duration(load.connect.as_ref(), s(1), &at("connect"), r),
        warmup,
        warmup_least,
        measure: nonzero(load.measure.as_ref(), s(10), &at("measure"), r),
        drain: load.drain.as_ref().map(|_| duration(load.drain.as_ref(), s(2), &at("drain"), r)),
        headers: headers::profile(load.headers.as_ref(), &at("headers"), r).unwrap_or(HeaderProfile::Minimal),
        workers: load.workers.unwrap_or(0),
        pin: load.pin.unwrap_or(true),
        connect_timeout: nonzero(load.connect_timeout.as_ref(), s(10), &at("connect_timeout"), r),
        request_timeout: nonzero(load.request_timeout.as_ref(), s(60), &at("request_timeout"), r),
    }
}

/// How long at most, and how long at least when it is to end by itself.
fn warmup(given: Option<&Warmup>, at: &KeyPath, r: &mut Report<'_>) -> (Nanos, Option<Nanos>) {
    let auto = match given {
        Some(Warmup::Fixed(fixed)) => return (duration(Some(fixed), Nanos::ZERO, at, r), None),
        Some(Warmup::Auto(auto)) => auto.clone(),
        None => AutoWarmup::default(),
    };
    let s = |n| Nanos(n * Nanos::SECOND.0);
    let least = duration(auto.least.as_ref(), s(2), &at.key("least"), r);
    let most = duration(auto.most.as_ref(), s(30).max(least), &at.key("most"), r);
    if most < least {
        r.bad(&at.key("most"), "not below `least`");
    }
    (most, Some(least))
}
