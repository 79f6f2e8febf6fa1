//! Cases x sweep x repeat, in randomised blocks.
//!
//! A block is one repeat of one point of the sweep with all cases: what drifts on a machine (heat,
//! neighbours) then touches the cases alike. Without sweep and repeat the file's order is kept.

use super::lower::{AUTO_CONNECTIONS, CasePlan, Grouped, LadderPlan, SEEDS, Scene};
use super::units::{show_rate, show_size};
use super::{CarrierSpec, Channels, GroupPlan, Phases, PublishPlan, PublishVia, RunPlan, Stairs};
use crate::model::{LifeSpec, Nanos};

/// One combination of the swept values.
#[derive(Clone, Debug)]
pub(super) struct Point {
    clients: u32,
    channels: Channels,
    publish: Option<PublishPlan>,
    swept: Vec<(String, String)>,
}

/// Every combination, in the order of the file's lists.
pub(super) fn points(scene: &Scene) -> Vec<Point> {
    let first = Point {
        clients: scene.load.clients,
        channels: scene.channels.clone(),
        publish: scene.publish.clone(),
        swept: Vec::new(),
    };
    let sweep = &scene.sweep;
    let points = vary(vec![first], "clients", sweep.clients.as_deref(), |p, n| {
        p.clients = *n;
        n.to_string()
    });
    let points = vary(points, "channels", sweep.channels.as_deref(), |p, n| {
        p.channels = Channels::Fresh(*n);
        n.to_string()
    });
    let points = vary(points, "rate", sweep.rate.as_deref(), |p, rate| {
        p.publish.iter_mut().for_each(|feed| feed.rate_per_s = rate.0.0);
        show_rate(rate.0.0)
    });
    vary(points, "payload", sweep.payload.as_deref(), |p, size| {
        let bytes = u32::try_from(size.0.0).unwrap_or(u32::MAX);
        p.publish.iter_mut().for_each(|feed| feed.payload_bytes = bytes);
        show_size(size.0.0)
    })
}

fn vary<V>(
    points: Vec<Point>,
    key: &str,
    values: Option<&[V]>,
    set: impl Fn(&mut Point, &V) -> String,
) -> Vec<Point> {
    let Some(values) = values else { return points };
    let mut varied = Vec::new();
    for point in &points {
        for value in values {
            let mut next = point.clone();
            let text = set(&mut next, value);
            next.swept.push((key.to_owned(), text));
            varied.push(next);
        }
    }
    varied
}

/// All runs in the order in which they are done.
pub(super) fn runs(scene: &Scene) -> Vec<RunPlan> {
    let points = points(scene);
    let repeats = scene.sweep.repeat.unwrap_or(1);
    let mixed = points.len() > 1 || repeats > 1;
    let mut rng = fastrand::Rng::with_seed(scene.seed);
    let mut runs = Vec::new();
    for repeat in 0..repeats {
        let mut order: Vec<&Point> = points.iter().collect();
        if mixed {
            rng.shuffle(&mut order);
        }
        for point in order {
            let seed = rng.u64(..SEEDS);
            let mut cases: Vec<&CasePlan> = scene.cases.iter().collect();
            if mixed {
                rng.shuffle(&mut cases);
            }
            runs.extend(cases.into_iter().map(|case| run(scene, point, case, repeat, seed)));
        }
    }
    runs
}

/// What clients of a ladder have to attach after the last one was due.
const SETTLE: Nanos = Nanos::from_millis(500);

/// How long all clients stay after the last step's end: it is read then, and with nobody leaving meanwhile.
const STAY: Nanos = Nanos::SECOND;

/// All ladders of idle connections in the order in which they are done; none without `[cost]`.
pub(super) fn ladders(scene: &Scene) -> Vec<RunPlan> {
    let Some(ladder) = &scene.ladder else { return Vec::new() };
    let mut rng = fastrand::Rng::with_seed(scene.seed);
    let mut runs = Vec::new();
    for repeat in 0..ladder.repeat {
        let seed = rng.u64(..SEEDS);
        let mut cases: Vec<&CasePlan> = scene.cases.iter().collect();
        if ladder.repeat > 1 {
            rng.shuffle(&mut cases);
        }
        runs.extend(cases.into_iter().map(|case| climb(scene, ladder, case, repeat, seed)));
    }
    runs
}

/// Nothing is published, and whoever attached stays.
fn climb(scene: &Scene, ladder: &LadderPlan, case: &CasePlan, repeat: u32, seed: u64) -> RunPlan {
    let load = &scene.load;
    let per_s = f64::from(load.clients) / load.connect.as_secs_f64();
    let period = case.groups.iter().filter_map(|g| match &g.plan.carrier {
        CarrierSpec::Poll(poll) => Some(poll.every),
        _ => None,
    });
    let period = period.max().unwrap_or(Nanos::ZERO);
    // A poller attaches within its period, and every period costs alike.
    let whole = Nanos(ladder.hold.0.next_multiple_of(period.0.max(1)));
    let stairs = Stairs::new(&ladder.counts, per_s, period + SETTLE, whole);
    let most = ladder.counts.last().copied().unwrap_or(1);
    let point = Point { clients: most, channels: scene.channels.clone(), publish: None, swept: Vec::new() };
    let mut run = run(scene, &point, case, repeat, seed);
    run.groups.iter_mut().for_each(|group| group.life = LifeSpec::default());
    run.phases = Phases {
        connect: stairs.steps.last().map_or(Nanos::ZERO, |step| step.rest),
        warmup: Nanos::ZERO,
        warmup_least: None,
        measure: stairs.hold,
        drain: STAY,
    };
    run.stairs = Some(stairs);
    run
}

/// Enough publishing connections to bridge a target that answers nothing for five seconds, within
/// what descriptors allow: with fewer, a freeze would drop the very messages that it delayed.
fn with_connections(mut feed: PublishPlan, channels: usize) -> PublishPlan {
    let bridged = (feed.rate_per_s * channels as f64 * 5.0).ceil() as u32;
    match &mut feed.via {
        PublishVia::Http(http) if http.connections == AUTO_CONNECTIONS => {
            http.connections = bridged.clamp(64, 2048);
        }
        PublishVia::InBand(in_band) => {
            let one_each = channels as u32;
            let most = if in_band.connections == AUTO_CONNECTIONS { 64 } else { in_band.connections };
            in_band.connections = if in_band.names_channel() { one_each } else { most.min(one_each) };
        }
        _ => {}
    }
    feed
}

fn run(scene: &Scene, point: &Point, case: &CasePlan, repeat: u32, seed: u64) -> RunPlan {
    let load = &scene.load;
    // With nothing published there is nothing that could get steady.
    let least = load.warmup_least.filter(|_| point.publish.is_some());
    RunPlan {
        case: case.name.clone(),
        repeat,
        seed,
        swept: point.swept.clone(),
        groups: groups(scene, case),
        faults: case.faults.clone(),
        clients: point.clients,
        channels: point.channels.clone(),
        publish: point.publish.clone().map(|feed| with_connections(feed, point.channels.len())),
        phases: Phases {
            connect: load.connect,
            warmup: if least.is_some() { load.warmup } else { load.warmup_least.unwrap_or(load.warmup) },
            warmup_least: least,
            measure: load.measure,
            drain: load.drain.unwrap_or_else(|| drain_of(&case.groups)),
        },
        stairs: None,
        workers: load.workers,
        pin: load.pin,
        connect_timeout: load.connect_timeout,
        request_timeout: load.request_timeout,
    }
}

/// Long enough that every client has asked once more after the last message.
fn drain_of(groups: &[Grouped]) -> Nanos {
    let two = Nanos(2 * Nanos::SECOND.0);
    let polls = groups.iter().filter_map(|g| match &g.plan.carrier {
        CarrierSpec::Poll(p) => Some(p.every + Nanos::SECOND),
        _ => None,
    });
    polls.fold(two, Nanos::max)
}

/// The groups of a case, with the headers of `[load]` where the case names none.
fn groups(scene: &Scene, case: &CasePlan) -> Vec<GroupPlan> {
    let with_headers = |group: &Grouped| match group.own_headers {
        true => group.plan.clone(),
        false => GroupPlan { headers: scene.load.headers.clone(), ..group.plan.clone() },
    };
    case.groups.iter().map(with_headers).collect()
}
