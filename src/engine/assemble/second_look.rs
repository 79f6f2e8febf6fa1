//! Figures got in a second way, for the plausibility gates.

use super::Gathered;
use crate::analysis::describe::{mean, sd};
use crate::engine::verdict::SecondLook;
use crate::model::Nanos;
use crate::scenario::{CarrierSpec, RunPlan};

pub(super) fn second_look(run: &RunPlan, gathered: &Gathered) -> SecondLook {
    let window = gathered.timeline.measured();
    let in_measure = |end: Nanos| window.start <= end && end <= window.end;
    let counts = gathered.interims.iter().filter(|i| in_measure(i.end) && i.is_whole(gathered.workers));
    let counts: Vec<f64> = counts.map(|i| f64::from(i.attached)).collect();
    let measured_s = (window.end - window.start).as_secs_f64();
    let ledgers = || gathered.done.iter().flat_map(|d| &d.clients).map(|c| &c.ledger);
    let sessions: usize = ledgers().map(|l| l.sessions_in(&window)).sum();
    let subscribed = ledgers().map(|l| l.subscribed_in(&window).as_secs_f64()).sum::<f64>();
    SecondLook {
        attached: mean(&counts).unwrap_or(0.0),
        attached_error: sd(&counts).unwrap_or(0.0) / (counts.len().max(1) as f64).sqrt(),
        samples: counts.len(),
        sessions_per_s: if measured_s > 0.0 { sessions as f64 / measured_s } else { 0.0 },
        session_s: subscribed / sessions.max(1) as f64,
        poll_every: poll_every(run),
        own_frames: run.groups.iter().all(|g| g.dialect.is_none()),
    }
}

/// The period, when all clients stay, poll alike and are told every message.
fn poll_every(run: &RunPlan) -> Option<Nanos> {
    let of = |group: &crate::scenario::GroupPlan| match &group.carrier {
        CarrierSpec::Poll(poll) if !poll.latest_value && group.life.stay.is_none() => Some(poll.every),
        _ => None,
    };
    let first = run.groups.first().and_then(of)?;
    run.groups.iter().all(|g| of(g) == Some(first)).then_some(first)
}
