//! A ladder of idle connections put together: what was read at each step, and the slopes over the steps.
//! Pure.

use super::{Gathered, assemble, paid};
use crate::analysis::slope::{self, LEAST_POINTS};
use crate::engine::timeline::Phase;
use crate::model::{Cost, Nanos};
use crate::result::{ConnectionCost, ConnectionSlopes, LadderResult, LadderStep, Slope, Verdict, median};
use crate::scenario::{RunPlan, Stair, Stairs};
use std::collections::BTreeSet;

/// A step that lies farther from the line than this share of the whole rise makes the line doubtful.
const LINE_MISSED: f64 = 0.05;

/// The result of a ladder: its own readings, and the verdict of the run that it is.
pub(in crate::engine) fn ladder(run: &RunPlan, stairs: &Stairs, gathered: Gathered) -> LadderResult {
    let readings = &gathered.readings;
    let idle = readings.end_of(Phase::Idle, |r| r.target);
    let after = readings.end_of(Phase::After, |r| r.target);
    let mut result = LadderResult {
        case: run.case.clone(),
        transport: run.transport().to_owned(),
        repeat: run.repeat,
        partial: gathered.partial,
        co_located: gathered.co_located,
        hold_s: stairs.hold.as_secs_f64(),
        steps: stairs.steps.iter().filter_map(|stair| step(stair, &gathered)).collect(),
        pss_bytes_idle: idle.and_then(|c| c.pss_bytes),
        pss_bytes_after: after.and_then(|c| c.pss_bytes),
        settle_s: gathered.settled.as_secs_f64(),
        found: readings.found().to_vec(),
        ..LadderResult::default()
    };
    let most = result.steps.last().map_or(0, |step| step.clients);
    let gone = paid::gone(readings, gathered.timeline.start);
    // A target that is gone has given back nothing, nor has one that a slope cannot be told of.
    result.slopes = slopes(&[&result], kernel_of(&result.steps));
    let untold = untold(&result, gone);
    result.kept_bytes =
        paid::kept(result.pss_bytes_after, result.pss_bytes_idle).filter(|_| untold.is_none());
    result.kept_bytes_per_connection =
        result.kept_bytes.filter(|_| most > 0).map(|kept| kept as f64 / f64::from(most));
    result.kernel_of = kernel_of(&result.steps).to_owned();
    result.residual_bytes_max = slope::of(&points(&result, user)).map(|line| line.residual_max);
    result.warnings = [warnings(&result, stairs), readings.warnings()].concat();
    result.notes = gathered.notes.clone();
    let (judged, _) = assemble(run, gathered);
    LadderResult {
        verdict: if untold.is_some() { Verdict::Invalid } else { judged.verdict },
        // A ladder has no rows there.
        reasons: untold
            .into_iter()
            .chain(judged.reasons.into_iter().map(|r| r.replace(": see intervals.csv", "")))
            .collect(),
        generator_limited: judged.generator_limited,
        ..result
    }
}

/// How long after a step's end its reading may begin: soon the clients of the next are there.
const LATE: Nanos = Nanos::from_millis(100);

/// What was read at a step's end; `None` when the run did not come so far, or the target was not seen then:
/// its processes had ended, or the reading was taken too late.
fn step(stair: &Stair, gathered: &Gathered) -> Option<LadderStep> {
    let at = |since: Nanos| gathered.timeline.start + since;
    let interim =
        gathered.interims.iter().find(|i| i.end == at(stair.end) && i.is_whole(gathered.workers))?;
    let read = |since: Nanos| {
        let target = gathered.readings.soon_after(at(since))?.target?;
        Some(target).filter(|cost| cost.processes > 0 && cost.at < at(since) + LATE)
    };
    let end = read(stair.end)?;
    let group = end.group.unwrap_or_default();
    Some(LadderStep {
        planned: stair.clients,
        clients: interim.attached,
        pss_bytes: end.pss_bytes,
        rss_bytes: end.rss_bytes,
        group_memory_bytes: group.memory_bytes,
        group_kernel_bytes: group.kernel_bytes,
        group_socket_bytes: group.socket_bytes,
        slab_bytes: end.slab_bytes,
        kernel_socket_bytes: end.kernel_socket_bytes,
        descriptors: end.descriptors,
        threads: end.threads,
        processes: end.processes,
        cpu_us_per_s: read(stair.rest).and_then(|rest| cpu_us_per_s(&rest, &end)),
    })
}

fn cpu_us_per_s(rest: &Cost, end: &Cost) -> Option<f64> {
    let used_us = end.cpu_ns_total.saturating_sub(rest.cpu_ns_total) as f64 / 1e3;
    (end.at > rest.at).then(|| used_us / (end.at - rest.at).as_secs_f64())
}

/// Where every step has the kernel's part.
fn kernel_of(steps: &[LadderStep]) -> &'static str {
    let all = |of: fn(&LadderStep) -> bool| !steps.is_empty() && steps.iter().all(of);
    if all(|s| s.group_kernel_bytes.is_some()) {
        "control group"
    } else if all(|s| s.slab_bytes.is_some()) {
        "machine"
    } else {
        ""
    }
}

type Of = fn(&LadderStep) -> Option<f64>;

fn number(n: u64) -> f64 {
    n as f64
}

fn user(step: &LadderStep) -> Option<f64> {
    step.pss_bytes.map(number)
}

fn group_kernel(step: &LadderStep) -> Option<f64> {
    Some(number(step.group_kernel_bytes? + step.group_socket_bytes.unwrap_or(0)))
}

fn slab(step: &LadderStep) -> Option<f64> {
    step.slab_bytes.map(number)
}

fn points(ladder: &LadderResult, of: Of) -> Vec<(f64, f64)> {
    ladder.steps.iter().filter_map(|step| Some((f64::from(step.clients), of(step)?))).collect()
}

fn slopes(ladders: &[&LadderResult], kernel_of: &str) -> ConnectionSlopes {
    let over = |of: Of| {
        let series: Vec<Vec<(f64, f64)>> = ladders.iter().map(|ladder| points(ladder, of)).collect();
        slope::common(&series).map(|s| Slope { value: s.value, low: s.low, high: s.high })
    };
    ConnectionSlopes {
        user_bytes_per_connection: over(user),
        kernel_bytes_per_connection: match kernel_of {
            "control group" => over(group_kernel),
            "machine" => over(slab),
            _ => None,
        },
        rss_bytes_per_connection: over(|s| Some(number(s.rss_bytes))),
        group_bytes_per_connection: over(|s| s.group_memory_bytes.map(number)),
        slab_bytes_per_connection: over(slab),
        descriptors_per_connection: over(|s| s.descriptors.map(number)),
        idle_cpu_us_per_s_per_connection: over(|s| s.cpu_us_per_s),
    }
}

fn warnings(result: &LadderResult, stairs: &Stairs) -> Vec<String> {
    let steps = &result.steps;
    let mut told = Vec::new();
    if steps.len() < stairs.steps.len() {
        told.push(format!("{} of {} steps were read in time", steps.len(), stairs.steps.len()));
    }
    told.extend(
        steps
            .iter()
            .max_by_key(|s| s.planned.saturating_sub(s.clients))
            .filter(|s| s.clients < s.planned)
            .map(|s| {
                let words = "clients were attached: the slopes are over those that were";
                format!("only {} of {} {words}", s.clients, s.planned)
            }),
    );
    told.extend(changed(result));
    told.extend(missed(result));
    told
}

/// Whether all steps are of the same processes.
fn changed(result: &LadderResult) -> Option<String> {
    let processes = || result.steps.iter().map(|s| s.processes);
    let (least, most) = (processes().min()?, processes().max()?);
    let how = match (least == most, result.found.iter().any(|line| line.ends_with("(ended)"))) {
        (false, _) => format!("there were {least} to {most} of them"),
        (true, true) => "some ended, others began".to_owned(),
        (true, false) => return None,
    };
    Some(format!(
        "the target's processes changed between the steps ({how}): what a process costs is in the slopes"
    ))
}

/// Why a ladder that has no slope of memory tells nothing; `None` when it has one.
fn untold(result: &LadderResult, gone: Option<String>) -> Option<String> {
    if result.slopes.user_bytes_per_connection.is_some() {
        return None;
    }
    let counts: BTreeSet<u32> =
        result.steps.iter().filter(|s| s.pss_bytes.is_some()).map(|s| s.clients).collect();
    let told = format!(
        "no slope can be told: the target's memory is known at {} different numbers of clients, wanted {LEAST_POINTS}",
        counts.len()
    );
    Some(gone.into_iter().chain([told]).collect::<Vec<_>>().join("; "))
}

/// Whether the steps lie on a line at all.
fn missed(result: &LadderResult) -> Option<String> {
    let slope = result.slopes.user_bytes_per_connection?;
    let residual = result.residual_bytes_max?;
    let clients = || result.steps.iter().map(|s| s.clients);
    let rise = slope.value.abs() * f64::from(clients().max()? - clients().min()?);
    let share = residual / rise;
    (share > LINE_MISSED).then(|| {
        format!(
            "memory does not grow in a line: a step lies {:.0} KiB from it, {:.0} % of the whole rise (heaps and hash tables \
             grow in leaps: more and larger steps even them out)",
            residual / 1024.0,
            share * 100.0
        )
    })
}

/// What the ladders of each case tell together, cases in the order in which they came first.
pub(in crate::engine) fn connection_costs(ladders: &[LadderResult]) -> Vec<ConnectionCost> {
    let mut cases: Vec<&str> = Vec::new();
    for ladder in ladders {
        if !cases.contains(&ladder.case.as_str()) {
            cases.push(&ladder.case);
        }
    }
    let good = |case: &str| -> Vec<&LadderResult> {
        ladders.iter().filter(|l| l.case == case && l.verdict.is_believed()).collect()
    };
    cases.into_iter().map(good).filter_map(|of_case| together(&of_case)).collect()
}

fn together(ladders: &[&LadderResult]) -> Option<ConnectionCost> {
    let first = ladders.first()?;
    let agree = ladders.iter().all(|l| l.kernel_of == first.kernel_of);
    let kernel_of = if agree { first.kernel_of.clone() } else { String::new() };
    Some(ConnectionCost {
        case: first.case.clone(),
        transport: first.transport.clone(),
        ladders: ladders.len() as u32,
        slopes: slopes(ladders, &kernel_of),
        kernel_of,
        kept_bytes_per_connection: median(ladders.iter().filter_map(|l| l.kept_bytes_per_connection)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(clients: u32) -> LadderStep {
        let n = u64::from(clients);
        LadderStep {
            planned: clients,
            clients,
            pss_bytes: Some(5_000_000 + 2_000 * n),
            slab_bytes: Some(90_000_000 + 8_000 * n),
            descriptors: Some(20 + n),
            processes: 1,
            cpu_us_per_s: Some(100.0 + 0.5 * f64::from(clients)),
            ..LadderStep::default()
        }
    }

    fn climbed(more: fn(&mut LadderStep)) -> LadderResult {
        let mut steps: Vec<LadderStep> = [250, 500, 1_000, 2_000].map(rung).into();
        steps.iter_mut().for_each(more);
        let mut result = LadderResult { case: "ws".into(), steps, ..LadderResult::default() };
        result.kernel_of = kernel_of(&result.steps).to_owned();
        result.slopes = slopes(&[&result], &result.kernel_of);
        result.residual_bytes_max = slope::of(&points(&result, user)).map(|line| line.residual_max);
        result
    }

    fn told(result: &LadderResult) -> String {
        let stairs = Stairs::new(&[250, 500, 1_000, 2_000], 1e3, Nanos::ZERO, Nanos::SECOND);
        warnings(result, &stairs).join("; ")
    }

    fn value(slope: Option<Slope>) -> f64 {
        slope.map_or(f64::NAN, |s| (s.value * 1e6).round() / 1e6)
    }

    #[test]
    fn user_and_kernel_are_told_apart_and_the_group_goes_before_the_machine() {
        let result = climbed(|_| {});
        assert_eq!(
            (result.kernel_of.as_str(), value(result.slopes.kernel_bytes_per_connection)),
            ("machine", 8_000.0)
        );
        assert_eq!(value(result.slopes.user_bytes_per_connection), 2_000.0);
        assert_eq!(value(result.slopes.descriptors_per_connection), 1.0);
        assert_eq!(value(result.slopes.idle_cpu_us_per_s_per_connection), 0.5);
        assert_eq!(told(&result), "");
        let result = climbed(|s| {
            s.group_kernel_bytes = Some(3_000 * u64::from(s.clients));
            s.group_socket_bytes = Some(500 * u64::from(s.clients));
        });
        assert_eq!(result.kernel_of, "control group");
        assert_eq!(value(result.slopes.kernel_bytes_per_connection), 3_500.0);
        assert_eq!(value(result.slopes.slab_bytes_per_connection), 8_000.0);
    }

    #[test]
    fn what_is_not_known_has_no_slope() {
        let result = climbed(|s| {
            s.slab_bytes = None;
            s.pss_bytes = s.pss_bytes.filter(|_| s.clients > 250);
        });
        assert_eq!((result.kernel_of.as_str(), result.slopes.kernel_bytes_per_connection), ("", None));
        assert_eq!(result.slopes.user_bytes_per_connection, None);
        let why = untold(&result, Some("it ended".into())).unwrap();
        assert_eq!(
            why,
            "it ended; no slope can be told: the target's memory is known at 3 different numbers of clients, wanted 4"
        );
        assert_eq!(untold(&climbed(|_| {}), Some("it ended".into())), None);
    }

    #[test]
    fn leaps_missing_clients_and_other_processes_are_told() {
        let leap = climbed(|s| s.pss_bytes = Some(if s.clients > 500 { 9_000_000 } else { 5_000_000 }));
        assert!(told(&leap).contains("does not grow in a line"), "{}", told(&leap));
        let few = climbed(|s| s.clients = s.clients.min(1_900));
        assert!(told(&few).contains("only 1900 of 2000 clients were attached"), "{}", told(&few));
        let forked = climbed(|s| s.processes = if s.clients > 500 { 2 } else { 1 });
        assert!(told(&forked).contains("(there were 1 to 2 of them)"), "{}", told(&forked));
        let restarted = LadderResult { found: vec!["7 it (ended)".into()], ..climbed(|_| {}) };
        assert!(told(&restarted).contains("(some ended, others began)"), "{}", told(&restarted));
        let fewer = climbed(|s| s.clients = if s.planned > 500 { 450 } else { s.clients });
        assert!(told(&fewer).contains("only 450 of 2000 clients"), "{}", told(&fewer));
    }

    #[test]
    fn repeats_share_a_slope_and_invalid_ones_are_left_out() {
        let bad = LadderResult { verdict: Verdict::Invalid, ..climbed(|s| s.pss_bytes = Some(1)) };
        let higher = climbed(|s| s.pss_bytes = s.pss_bytes.map(|b| b + 777_777));
        let costs = connection_costs(&[climbed(|_| {}), bad.clone(), higher]);
        assert_eq!((costs.len(), costs[0].ladders), (1, 2));
        let slope = costs[0].slopes.user_bytes_per_connection.unwrap();
        assert!((slope.value - 2_000.0).abs() < 1e-6 && slope.half() < 1e-3, "{slope:?}");
        assert_eq!(connection_costs(&[bad]), []);
    }
}
