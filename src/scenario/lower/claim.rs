//! `[[claim]]`: are its cases there, is its metric one, does the bound fit.

use super::{CasePlan, Report};
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Claim, ClaimBound, Text};
use crate::scenario::suggest::nearest;
use crate::scenario::{BoundUnit, CLAIM_METRICS, ClaimPlan, Objective, Relation};

pub(super) fn lower(claims: &[Claim], cases: &[CasePlan], r: &mut Report<'_>) -> Vec<ClaimPlan> {
    let at = KeyPath::at("claim");
    claims.iter().enumerate().map(|(i, claim)| one(claim, cases, &at.index(i), r)).collect()
}

fn one(claim: &Claim, cases: &[CasePlan], at: &KeyPath, r: &mut Report<'_>) -> ClaimPlan {
    for (key, name) in [("case", &claim.case), ("against", &claim.against)] {
        name.iter().for_each(|name| is_a_case(name, cases, &at.key(key), r));
    }
    let metric = claim.metric.clone().unwrap_or_default();
    let unit = CLAIM_METRICS.iter().find(|(key, _)| *key == metric).map(|(_, unit)| *unit);
    if claim.metric.is_some() && unit.is_none() {
        let keys = CLAIM_METRICS.iter().map(|(key, _)| *key);
        let help = nearest(&metric, keys.clone()).map(|near| format!("did you mean `{near}`?"));
        let all = keys.collect::<Vec<_>>().join(", ");
        r.wrong(&at.key("metric"), format!("there is no metric `{metric}`; there are {all}"), help);
    }
    let unit = if claim.against.is_some() { Some(BoundUnit::Plain) } else { unit };
    if let (Some(Text(bound)), Some(unit)) = (&claim.holds, unit) {
        fits(bound, unit, claim.against.is_some(), &at.key("holds"), r);
    }
    ClaimPlan {
        says: claim.says.clone().unwrap_or_default(),
        case: claim.case.clone().unwrap_or_default(),
        against: claim.against.clone(),
        holds: objective(metric, claim.holds.as_ref()),
    }
}

fn objective(key: String, holds: Option<&Text<ClaimBound>>) -> Objective {
    let bound = |Text(b): &Text<ClaimBound>| (b.text.clone(), b.relation, b.bound);
    let stand_in = (String::new(), Relation::Equal, 0.0);
    let (text, relation, bound) = holds.map_or(stand_in, bound);
    Objective { key, text, relation, bound }
}

fn is_a_case(name: &str, cases: &[CasePlan], at: &KeyPath, r: &mut Report<'_>) {
    if cases.iter().any(|c| c.name == name) {
        return;
    }
    let names = cases.iter().map(|c| c.name.as_str());
    let help = nearest(name, names).map(|near| format!("did you mean `{near}`?"));
    r.wrong(at, format!("there is no case `{name}`"), help);
}

fn fits(bound: &ClaimBound, unit: BoundUnit, ratio: bool, at: &KeyPath, r: &mut Report<'_>) {
    if bound.unit == unit {
        return;
    }
    let why = if ratio { " (with `against` one value over the other is judged)" } else { "" };
    r.bad(
        at,
        match unit {
            BoundUnit::Plain => format!("a plain number{why}, such as \"> 10\""),
            BoundUnit::Time => "a time, such as \"< 250 ms\"".to_owned(),
            BoundUnit::Size => "a size, such as \"< 8 KiB\"".to_owned(),
        },
    );
}
