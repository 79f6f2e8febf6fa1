//! What target and generator used, from the readings around each phase.

use super::Gathered;
use super::paid::{self, Seen};
use crate::engine::readings::{Reading, Readings};
use crate::engine::timeline::Phase;
use crate::model::{Cost, Nanos};
use crate::record::Tally;
use crate::result::{Generator, TargetCost};
use crate::scenario::{PublishVia, RunPlan};

/// How much longer or shorter than `measure` the readings around it may lie apart before it is told: a
/// share of it, and seconds beside.
const APART: (f64, f64) = (0.02, 0.2);
/// The same, before no cost is told at all: it would be of something else.
const TOO_FAR: (f64, f64) = (0.2, 0.4);

/// The generator before and at the end of `measure`.
fn own(readings: &Readings) -> Option<(Cost, Cost)> {
    Some((readings.before(Phase::Measure, |r| r.own)?, readings.end_of(Phase::Measure, |r| r.own)?))
}

/// What the target paid; when it could not be seen around `measure`, why not.
pub(super) fn target_cost(
    run: &RunPlan,
    gathered: &Gathered,
    measured: &Tally,
    measured_s: f64,
) -> Result<TargetCost, Vec<String>> {
    let readings = &gathered.readings;
    let mut warnings = readings.warnings();
    let Some(seen) = Seen::of(readings) else { return Err(warnings) };
    let apart_s = (seen.to.at - seen.from.at).as_secs_f64();
    let beyond = |(share, beside): (f64, f64)| (apart_s - measured_s).abs() > measured_s * share + beside;
    if beyond(APART) {
        warnings.push(format!(
            "the readings of the target around `measure` ({measured_s:.2} s) lie {apart_s:.2} s apart: its cost is of that time"
        ));
    }
    if beyond(TOO_FAR) {
        return Err(warnings);
    }
    let (from, to, idle) = (seen.from, seen.to, seen.idle);
    warnings.extend(paid::gone(readings, gathered.timeline.start));
    warnings.extend(changed(&seen));
    let all = || readings.all().iter().filter_map(|r| r.target);
    let cpu_s = (to.cpu_ns_total.saturating_sub(from.cpu_ns_total)) as f64 / 1e9;
    let messages = measured.arrivals + measured.unstamped;
    let attached =
        gathered.interims.iter().rfind(|i| i.end <= gathered.timeline.drain).map_or(0, |i| i.attached);
    let each = |gained: Option<u64>| gained.filter(|_| attached > 0).map(|g| g as f64 / f64::from(attached));
    let pss_bytes_idle = idle.and_then(|c| c.pss_bytes);
    let (cpu, disproved) =
        paid::cpu(&seen, charged(run, gathered), paid::baseline(readings, gathered.co_located), messages);
    warnings.extend(disproved);
    Ok(TargetCost {
        cpu_s,
        cpu_us_per_delivery: (messages > 0).then(|| cpu_s * 1e6 / messages as f64),
        cpu_share: if apart_s > 0.0 { cpu_s / apart_s } else { 0.0 },
        connect_cpu_s: idle.and_then(|idle| connect_cpu_s(readings, &idle)),
        pss_bytes_max: all().filter_map(|c| c.pss_bytes).max(),
        pss_bytes_idle,
        // Memory that fell meanwhile (a heap that was collected) tells nothing of connections.
        bytes_per_connection: each(to.pss_bytes.zip(pss_bytes_idle).and_then(|(t, i)| t.checked_sub(i))),
        kernel_bytes_per_connection: each(idle.and_then(|idle| kernel_gain(&idle, &to))),
        descriptors_max: all().filter_map(|c| c.descriptors).max(),
        context_switches: switches(&to).saturating_sub(switches(&from)),
        processes: all().map(|c| c.processes).max().unwrap_or(0),
        found: readings.found().to_vec(),
        source: readings.source().to_owned(),
        clock_error_ns: readings.clock_error().map(|e| e.0),
        co_located: gathered.co_located,
        warnings,
        cpu,
        memory: paid::memory(&seen, readings, gathered.settled.as_secs_f64()),
        network: paid::network(&seen),
        group: paid::group(&seen),
    })
}

/// The generator's share of the load on the target's machine; `None` when a program published beside it.
/// On another machine it has none, and no program of ours has.
fn charged(run: &RunPlan, gathered: &Gathered) -> Option<(Cost, Cost)> {
    if !gathered.co_located {
        return Some((Cost::default(), Cost::default()));
    }
    let program = matches!(run.publish.as_ref().map(|p| &p.via), Some(PublishVia::Exec(_)));
    own(&gathered.readings).filter(|_| !program)
}

/// The kernel accounts socket memory in reserves of 1 MiB a CPU (`SK_MEMORY_PCPU_RESERVE`), so that a
/// small gain is noise: told only when it is ten times that on two CPUs.
const KERNEL_RESOLUTION: u64 = 20 << 20;

fn kernel_gain(idle: &Cost, to: &Cost) -> Option<u64> {
    let gain = to.kernel_socket_bytes?.checked_sub(idle.kernel_socket_bytes?)?;
    (gain >= KERNEL_RESOLUTION).then_some(gain)
}

fn switches(cost: &Cost) -> u64 {
    cost.voluntary_switches_total + cost.involuntary_switches_total
}

fn connect_cpu_s(readings: &Readings, idle: &Cost) -> Option<f64> {
    let connected = readings.end_of(Phase::Connect, |r: &Reading| r.target)?;
    Some(connected.cpu_ns_total.checked_sub(idle.cpu_ns_total)? as f64 / 1e9)
}

/// Whether its memory is of the same processes before and after.
fn changed(seen: &Seen) -> Option<String> {
    let (before, after) = (seen.idle?.processes, seen.to.processes);
    (before != after && after > 0).then(|| {
        format!(
            "the target had {before} processes before the first client and {after} at the end of `measure`: what a process \
             costs is in its memory per connection"
        )
    })
}

/// What pushbench itself used, and how well it kept time.
pub(super) fn generator(gathered: &Gathered, measured: &Tally, measured_s: f64) -> Generator {
    let own = own(&gathered.readings);
    let gained = |of: fn(&Cost) -> u64| own.map_or(0.0, |(b, a)| of(&a).saturating_sub(of(&b)) as f64 / 1e9);
    let cpu_s = gained(|c| c.cpu_ns_total);
    let cores_s = f64::from(gathered.cores.max(1)) * measured_s;
    let share = |s: f64| if cores_s > 0.0 { s / cores_s } else { 0.0 };
    let rss = gathered.readings.all().iter().filter_map(|r| r.own).map(|c| c.rss_bytes);
    Generator {
        cpu_s,
        cpu_share: share(cpu_s),
        worker_cpu_share_max: busiest_worker(gathered, measured_s),
        rss_bytes_max: rss.max().unwrap_or(0),
        loop_lag_p99_ns: measured.loop_lag.quantile_ns(0.99),
        loop_lag_max_ns: measured.loop_lag.max_ns(),
        send_lag_p50_ns: measured.lateness.quantile_ns(0.5),
        send_lag_p99_ns: measured.lateness.quantile_ns(0.99),
        send_lag_max_ns: measured.lateness.max_ns(),
        run_delay_share: share(gained(|c| c.run_delay_ns_total)),
        processes: 1,
        workers: gathered.workers,
    }
}

/// The share of a core that the busiest worker used in `measure`: with several workers one may be at
/// its limit while the mean is far from it.
fn busiest_worker(gathered: &Gathered, measured_s: f64) -> f64 {
    let at = |end: Nanos, worker: usize| {
        let interim = gathered.interims.iter().find(|i| i.end == end)?;
        interim.worker_cpu.iter().find(|c| c.0 == worker).map(|c| c.1)
    };
    let used = |worker| {
        let from = at(gathered.timeline.measure, worker).unwrap_or(Nanos::ZERO);
        Some((at(gathered.timeline.drain, worker)? - from).as_secs_f64())
    };
    let most = (0..gathered.workers as usize).filter_map(used).fold(0.0, f64::max);
    if measured_s > 0.0 { most / measured_s } else { 0.0 }
}
