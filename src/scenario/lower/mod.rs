//! From what is written to what is meant: every default filled in, everything checked that a schema
//! cannot say.

mod base;
mod case;
mod claim;
mod cursor;
mod dialect;
mod headers;
mod ladder;
mod life;
mod load;
mod metrics;
mod price;
mod probe;
mod publish;
mod report;
mod sense;
mod stream;
mod sweep;
mod target;
mod template;
mod values;
mod websocket;

pub(super) use case::{CasePlan, Grouped, kind};
pub(super) use ladder::LadderPlan;
pub(super) use load::LoadPlan;
pub(super) use publish::{AUTO_CONNECTIONS, checked_payload, checked_rate};
pub(super) use report::Report;

use super::path::KeyPath;
use super::raw::{Scenario, Sweep, Text};
use super::{Channels, ClaimPlan, MetricsPlan, Objective, OnInvalid, PriceSpec, PublishPlan, TargetPlan};
use crate::model::Nanos;

/// A checked scenario, before it is multiplied into runs.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) title: String,
    pub(super) seed: u64,
    pub(super) target: TargetPlan,
    pub(super) metrics: Vec<MetricsPlan>,
    pub(super) channels: Channels,
    pub(super) publish: Option<PublishPlan>,
    pub(super) load: LoadPlan,
    pub(super) cases: Vec<CasePlan>,
    pub(super) sweep: Sweep,
    pub(super) ladder: Option<LadderPlan>,
    pub(super) slo: Vec<Objective>,
    pub(super) claims: Vec<ClaimPlan>,
    pub(super) price: Option<PriceSpec>,
    pub(super) on_invalid: OnInvalid,
}

/// Lowers everything and tells every error; what is in error gets a stand-in, so that the rest is
/// checked too.
pub(super) fn lower(raw: Scenario, r: &mut Report<'_>) -> Scene {
    let seed = raw.seed.unwrap_or(1);
    if seed >= SEEDS {
        r.bad(&KeyPath::at("seed"), format_args!("a whole number below {SEEDS}"));
    }
    let channels = publish::channels(raw.publish.as_ref().and_then(|p| p.channels.as_ref()), r);
    let cases = case::lower(&raw.case.unwrap_or_default(), r);
    let load = load::lower(&raw.load.unwrap_or_default(), r);
    let ladder = raw.cost.map(|cost| ladder::lower(&cost, load.clients, &cases, r));
    let claims = claim::lower(&raw.claim.unwrap_or_default(), &cases, r);
    let scene = Scene {
        title: raw.title.unwrap_or_default(),
        seed,
        target: target::lower(raw.target.as_ref(), r),
        metrics: metrics::lower(&raw.metrics.unwrap_or_default(), r),
        channels,
        publish: raw.publish.as_ref().map(|p| publish::lower(p, r)),
        load,
        cases,
        sweep: raw.sweep.unwrap_or_default(),
        ladder,
        on_invalid: raw.slo.as_ref().map(|s| s.on_invalid()).unwrap_or_default(),
        slo: raw.slo.map(|s| s.objectives()).unwrap_or_default(),
        claims,
        price: price::lower(raw.price.as_ref(), r),
    };
    sense::check(&scene, r);
    sweep::check(&scene, r);
    scene
}

/// Seeds stay whole in readers that hold every number as a double.
pub(super) const SEEDS: u64 = 1 << 53;

/// A day: a phase beyond it is a slip of the unit.
const LONGEST: Nanos = Nanos(24 * 3600 * Nanos::SECOND.0);

/// A duration above zero.
fn nonzero(given: Option<&Text<Nanos>>, or: Nanos, at: &KeyPath, r: &mut Report<'_>) -> Nanos {
    let value = duration(given, or, at, r);
    if value == Nanos::ZERO {
        r.bad(at, "a duration above zero");
    }
    value
}

/// A duration of at most a day.
fn duration(given: Option<&Text<Nanos>>, or: Nanos, at: &KeyPath, r: &mut Report<'_>) -> Nanos {
    let value = given.map_or(or, |t| t.0);
    if value > LONGEST {
        r.bad(at, "at most 24 h");
    }
    value
}
