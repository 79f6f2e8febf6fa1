//! How clients attached, left and came back; and the groups of a mixed population apart.

use super::{Gathered, bytes, deliveries, ledgers, quantiles};
use crate::model::{Backoff, Op, ReadyState, Stage};
use crate::record::{Closed, Snapshot, Tally};
use crate::result::{CloseDetail, GroupResult, ReadyStates, Reconnects, RunResult, Stages};
use crate::scenario::{CarrierSpec, GroupPlan, RunPlan};

/// Writes into `result` what the lives of its clients came to.
pub(super) fn lives(result: &mut RunResult, run: &RunPlan, gathered: &Gathered, whole: &Tally) {
    result.reconnects = reconnects(whole);
    result.ready_states = ready_states(run, gathered, whole);
    result.stages = stages(whole);
    result.closes = whole.closes.by_code().iter().map(|(code, n)| (code.to_string(), *n)).collect();
    result.close_details = close_details(whole);
    result.failure_details =
        whole.details.iter().map(|(class, text)| (class.key().to_owned(), text.to_owned())).collect();
    result.notes.extend(came_back(result));
}

fn reconnects(whole: &Tally) -> Reconnects {
    let times = whole.response_of(Op::Reconnect);
    Reconnects {
        count: times.count(),
        attempts: whole.reconnect_attempts,
        gave_up: whole.gave_up,
        reopened: whole.reopened,
        p50_ns: times.quantile_ns(0.5),
        p99_ns: times.quantile_ns(0.99),
        max_ns: times.max_ns(),
    }
}

/// Sessions that ended and came back under the policy are what was measured: told, and no fault.
fn came_back(result: &RunResult) -> Option<String> {
    let r = &result.reconnects;
    (r.count > 0).then(|| {
        let slowest = crate::model::Nanos(r.max_ns.unwrap_or(0));
        format!(
            "sessions were lost and came back under the policy {} times, in {} attempts, the slowest in {slowest}: \
             {} messages published meanwhile were missed, {} replayed",
            r.count, r.attempts, result.ledger.missed, result.ledger.replayed
        )
    })
}

/// Whether its clients come back: by a policy, or, pulling, at their own pace.
pub(super) fn comes_back(group: &GroupPlan) -> bool {
    group.reconnect.backoff != Backoff::None || !is_push(group)
}

fn is_push(group: &GroupPlan) -> bool {
    matches!(group.carrier, CarrierSpec::WebSocket(_) | CarrierSpec::Stream(_))
}

fn ready_states(run: &RunPlan, gathered: &Gathered, whole: &Tally) -> Option<ReadyStates> {
    let push = (0..run.groups.len()).filter(|g| is_push(&run.groups[*g]));
    let clients: u32 = push.map(|g| ledgers::clients_of(&gathered.done, g)).sum();
    let mean = |state: ReadyState| whole.ready_ns[state as usize] as f64 / 1e9 / f64::from(clients);
    (clients > 0).then(|| ReadyStates {
        connecting_s: mean(ReadyState::Connecting),
        open_s: mean(ReadyState::Open),
        closing_s: mean(ReadyState::Closing),
        closed_s: mean(ReadyState::Closed),
    })
}

fn stages(whole: &Tally) -> Stages {
    let of = |stage: Stage| quantiles(&whole.stages[stage as usize]);
    Stages { tcp: of(Stage::Tcp), tls: of(Stage::Tls), upgrade: of(Stage::Upgrade), ready: of(Stage::Ready) }
}

fn close_details(whole: &Tally) -> Vec<CloseDetail> {
    let kept = whole.closes.kept().map(|(close, count)| CloseDetail {
        code: Some(close.code),
        reason: close.reason.clone(),
        clean: close.clean,
        count,
    });
    let other = (whole.closes.other() > 0).then(|| CloseDetail {
        code: None,
        reason: "other".to_owned(),
        clean: false,
        count: whole.closes.other(),
    });
    kept.chain(other).collect()
}

/// Each group by itself, where there are several.
pub(super) fn groups(run: &RunPlan, gathered: &Gathered, closed: &[Closed]) -> Vec<GroupResult> {
    let each = run.groups.iter().zip(&gathered.groups).zip(closed).enumerate();
    each.map(|(i, ((plan, seen), closed))| group(run, gathered, (i, plan), seen, closed)).collect()
}

fn group(
    run: &RunPlan,
    gathered: &Gathered,
    (index, plan): (usize, &GroupPlan),
    seen: &Snapshot,
    closed: &Closed,
) -> GroupResult {
    let whole = seen.whole();
    let ledger = ledgers::of_group(run, plan, gathered.drained, &seen.measured, closed);
    let mut result = GroupResult {
        name: plan.name.clone(),
        transport: plan.carrier.key().to_owned(),
        clients: ledgers::clients_of(&gathered.done, index),
        connect: quantiles(whole.response_of(Op::Connect)),
        ledger,
        bytes: bytes(run, &seen.measured, &whole),
        reconnects: reconnects(&whole),
        ..GroupResult::default()
    };
    deliveries::of_group(&mut result, run, gathered, (index, &seen.measured));
    result
}
