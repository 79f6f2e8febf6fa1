//! The parts of what the target paid: CPU time and what belongs to nobody, memory, network, control group.

use crate::engine::readings::{Reading, Readings};
use crate::engine::timeline::Phase;
use crate::model::{Cost, GroupCost, MachineTime, Nanos, NetworkCost};
use crate::result::{TargetCpu, TargetGroup, TargetMemory, TargetNetwork};

/// The readings of a target that a cost is told from.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    /// The last before the first client; `None` when none was taken then.
    pub(super) idle: Option<Cost>,
    /// The last before `measure`.
    pub(super) from: Cost,
    /// The last of `measure`.
    pub(super) to: Cost,
    /// The last after all clients had left.
    pub(super) after: Option<Cost>,
}

impl Seen {
    /// `None` when the target was not seen on both sides of `measure`.
    pub(super) fn of(readings: &Readings) -> Option<Seen> {
        let target = |r: &Reading| r.target;
        let from = readings.before(Phase::Measure, target)?;
        Some(Seen {
            idle: readings.end_of(Phase::Idle, target),
            from,
            to: readings.end_of(Phase::Measure, target)?,
            after: readings.end_of(Phase::After, target),
        })
    }

    fn gained(&self, of: fn(&Cost) -> u64) -> u64 {
        of(&self.to).saturating_sub(of(&self.from))
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// When the target's last process was gone, in words; `None` while there was one as long as clients were.
pub(super) fn gone(readings: &Readings, start: Nanos) -> Option<String> {
    let under_load = readings.all().iter().filter(|r| r.phase < Phase::After);
    let cost = under_load.filter_map(|r| r.target).find(|cost| cost.processes == 0)?;
    let at_s = cost.at.as_secs_f64() - start.as_secs_f64();
    Some(format!(
        "the target ended: no process of it was left {at_s:.1} s after the first client was due (what it used since \
         the reading before is not known)"
    ))
}

/// How far a stretch of the machine's busy time may be off by the steps of 10 ms in which the kernel tells time
/// idle, waiting for a disk and taken by the host: two standard deviations of a sum of three differences of two
/// rounded numbers each, `2 * sqrt(3 / 6) * 10 ms`.
const STEPS_S: f64 = std::f64::consts::SQRT_2 * 0.01;

/// What others than target and generator use anyway.
#[derive(Clone, Copy, Debug)]
pub(super) struct Baseline {
    /// In CPUs.
    pub(super) cpus: f64,
    /// How long it was looked at, seconds.
    pub(super) seen_s: f64,
}

/// What the machine was busy with before the first client, less target and generator, or less the target
/// alone where the generator runs on another machine; a little below zero where it is nothing and steps of
/// the clock make it so. `None` without two readings then. The very first, which looks through the whole
/// machine, is none of them: the generator is read before that search, and the machine after it.
pub(super) fn baseline(readings: &Readings, co_located: bool) -> Option<Baseline> {
    let idle = |r: &&Reading| r.phase == Phase::Idle;
    let own = |r: &Reading| if co_located { r.own } else { Some(Cost::default()) };
    let both = |r: &Reading| Some((r.target?, own(r)?, r.target?.machine?));
    let mut all = readings.all().iter().skip(1).filter(idle).filter_map(both);
    let (first, last) = (all.next()?, all.next_back()?);
    let others = others_s(&first, &last)?;
    let seen_s = (last.2.at - first.2.at).as_secs_f64();
    (seen_s > 0.0).then(|| Baseline { cpus: others / seen_s, seen_s })
}

type Point = (Cost, Cost, MachineTime);

/// CPU seconds that the machine was busy between two readings and neither target nor generator used.
fn others_s(first: &Point, last: &Point) -> Option<f64> {
    let busy = seconds(last.2.busy_ns_since(&first.2)?);
    let used = |a: &Cost, b: &Cost| seconds(b.cpu_ns_total.saturating_sub(a.cpu_ns_total));
    Some(busy - used(&first.0, &last.0) - used(&first.1, &last.1))
}

/// CPU time of `measure`, and what speaks against a part of it. `own`: the generator before and after it;
/// `None` also when others than it made the load (a program that publishes), whose share would pass for
/// nobody's.
pub(super) fn cpu(
    seen: &Seen,
    own: Option<(Cost, Cost)>,
    baseline: Option<Baseline>,
    messages: u64,
) -> (TargetCpu, Option<String>) {
    let ticks = (seen.gained(|c| c.user_ns_total), seen.gained(|c| c.system_ns_total));
    let cpu_s = seconds(seen.gained(|c| c.cpu_ns_total));
    let split = (ticks.0 + ticks.1 > 0).then(|| cpu_s * ticks.0 as f64 / (ticks.0 + ticks.1) as f64);
    let mut cpu = TargetCpu {
        user_s: split,
        system_s: split.map(|user| cpu_s - user),
        run_delay_s: seconds(seen.gained(|c| c.run_delay_ns_total)),
        voluntary_switches: seen.gained(|c| c.voluntary_switches_total),
        involuntary_switches: seen.gained(|c| c.involuntary_switches_total),
        minor_faults: seen.gained(|c| c.minor_faults_total),
        major_faults: seen.gained(|c| c.major_faults_total),
        ..TargetCpu::default()
    };
    let Some((from, to)) = seen.from.machine.zip(seen.to.machine) else { return (cpu, None) };
    let length = (to.at - from.at).as_secs_f64();
    cpu.machine_busy_s = to.busy_ns_since(&from).map(seconds);
    cpu.baseline_s = baseline.map(|b| b.cpus * length);
    cpu.generator_s = own.map(|(a, b)| seconds(b.cpu_ns_total.saturating_sub(a.cpu_ns_total)));
    // Of `measure`, and of the baseline, which stands for a longer time than it was seen.
    let error = baseline.map(|b| STEPS_S * (1.0 + (length / b.seen_s).powi(2)).sqrt());
    // The generator is read a little before the machine: what it used meanwhile is in one of the two alone.
    let apart = |own: &Cost, machine: &MachineTime| (machine.at.as_secs_f64() - own.at.as_secs_f64()).abs();
    let apart_s =
        own.filter(|(a, _)| a.at > Nanos::ZERO).map_or(0.0, |(a, b)| apart(&a, &from) + apart(&b, &to));
    let disproved = error.and_then(|error| unattributed(&mut cpu, cpu_s, messages, error + apart_s));
    (cpu, disproved)
}

/// Fills in what nobody was charged for; where it comes out below zero by more than its error, says so
/// instead: then others used less than before, and nobody knows how much.
fn unattributed(cpu: &mut TargetCpu, cpu_s: f64, messages: u64, error: f64) -> Option<String> {
    let ((busy, baseline), generator) = cpu.machine_busy_s.zip(cpu.baseline_s).zip(cpu.generator_s)?;
    let load = busy - baseline;
    let unattributed = load - generator - cpu_s;
    if unattributed < -error {
        return Some(format!(
            "what nobody was charged for is not known: before the first client others used so much of the machine that \
             {baseline:.2} CPU seconds of `measure` would be theirs, and only {:.2} are left (something else ran then)",
            busy - generator - cpu_s
        ));
    }
    cpu.unattributed_s = Some(unattributed);
    cpu.unattributed_error_s = Some(error);
    // Of a load that is no more than its error there is no share to be told.
    cpu.unattributed_share = (load > error).then(|| unattributed / load);
    cpu.unattributed_us_per_delivery = (messages > 0).then(|| unattributed * 1e6 / messages as f64);
    None
}

/// Memory before, under and after the load; `settle_s`: how long all clients had left.
pub(super) fn memory(seen: &Seen, readings: &Readings, settle_s: f64) -> TargetMemory {
    let all = || readings.all().iter().filter_map(|r| r.target);
    let after = seen.after.and_then(|c| c.pss_bytes);
    let idle = seen.idle;
    let rss = |c: &Cost| (c.processes > 0).then_some(c.rss_bytes);
    TargetMemory {
        rss_bytes_idle: idle.as_ref().and_then(rss),
        rss_bytes_end: rss(&seen.to),
        rss_bytes_max: all().map(|c| c.rss_bytes).max().unwrap_or(0),
        pss_bytes_end: seen.to.pss_bytes,
        pss_bytes_after: after,
        pss_bytes_kept: kept(after, idle.and_then(|c| c.pss_bytes)),
        swap_bytes_max: all().filter_map(|c| c.swap_bytes).max(),
        kernel_socket_bytes_idle: idle.and_then(|c| c.kernel_socket_bytes),
        kernel_socket_bytes_end: seen.to.kernel_socket_bytes,
        kernel_socket_bytes_after: seen.after.and_then(|c| c.kernel_socket_bytes),
        settle_s: seen.after.map(|_| settle_s),
        threads_max: all().map(|c| c.threads).max().unwrap_or(0),
    }
}

pub(super) fn kept(after: Option<u64>, idle: Option<u64>) -> Option<i64> {
    Some(i64::try_from(after?).ok()? - i64::try_from(idle?).ok()?)
}

/// What the namespace counted in `measure`.
pub(super) fn network(seen: &Seen) -> TargetNetwork {
    let both = seen.from.network.zip(seen.to.network);
    let gained = |of: fn(&NetworkCost) -> u64| both.map(|(a, b)| of(&b).saturating_sub(of(&a)));
    TargetNetwork {
        listen_overflows: gained(|n| n.listen_overflows_total),
        listen_drops: gained(|n| n.listen_drops_total),
        retransmits: gained(|n| n.retransmits_total),
        in_bytes: gained(|n| n.in_bytes_total),
        out_bytes: gained(|n| n.out_bytes_total),
        loopback_bytes: gained(|n| n.loopback_bytes_total),
    }
}

/// What the control group counted.
pub(super) fn group(seen: &Seen) -> TargetGroup {
    let of = |cost: &Cost| cost.group.unwrap_or_default();
    let (idle, from, to) = (seen.idle.as_ref().map(of), of(&seen.from), of(&seen.to));
    let idle = idle.and_then(|group| group.memory_bytes);
    let gained = |total: fn(&GroupCost) -> Option<u64>| {
        let (a, b) = total(&from).zip(total(&to))?;
        Some(seconds(b.saturating_sub(a)))
    };
    let there = seen.after.filter(|c| c.processes > 0);
    let after = there.as_ref().and_then(|c| of(c).memory_bytes);
    TargetGroup {
        cpu_s: gained(|g| g.cpu_ns_total),
        user_s: gained(|g| g.user_ns_total),
        system_s: gained(|g| g.system_ns_total),
        throttled_s: gained(|g| g.throttled_ns_total),
        memory_bytes_idle: idle,
        memory_bytes_end: to.memory_bytes,
        memory_bytes_after: after,
        memory_bytes_kept: kept(after, idle),
        memory_peak_bytes: seen.after.map(|c| of(&c)).unwrap_or(to).memory_peak_bytes,
        anonymous_bytes: to.anonymous_bytes,
        file_bytes: to.file_bytes,
        kernel_bytes: to.kernel_bytes,
        socket_bytes: to.socket_bytes,
        swap_bytes: to.swap_bytes,
        tasks: to.tasks,
        cpu_pressure_s: gained(|g| g.cpu_pressure_ns_total),
        memory_pressure_s: gained(|g| g.memory_pressure_ns_total),
        io_pressure_s: gained(|g| g.io_pressure_ns_total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Nanos;

    const S: u64 = 1_000_000_000;
    const QUIET: Baseline = Baseline { cpus: 0.2, seen_s: 1.0 };

    /// After `s` seconds of two CPUs, so many seconds idle, with the target's CPU time.
    fn cost(s: u64, idle_s: u64, cpu_ns: u64) -> Cost {
        let at = Nanos(s * S);
        let machine = MachineTime { at, cpus: 2, idle_ns_total: idle_s * S };
        Cost { at, cpu_ns_total: cpu_ns, machine: Some(machine), ..Cost::default() }
    }

    fn seen() -> Seen {
        let from = cost(10, 15, S);
        let to = Cost { user_ns_total: 6 * S / 4, system_ns_total: S / 2, ..cost(20, 25, 4 * S) };
        Seen { idle: Some(from), from, to, after: None }
    }

    fn close(a: Option<f64>, b: f64) {
        assert!(a.is_some_and(|a| (a - b).abs() < 1e-9), "{a:?} is not {b}");
    }

    #[test]
    fn what_nobody_was_charged_for_is_what_is_left() {
        // Busy 10 of 20 CPU seconds; others 0.2 of a CPU, generator 4 s, target 3 s: 1 s is left.
        let own = (Cost::default(), Cost { cpu_ns_total: 4 * S, ..Cost::default() });
        let (told, disproved) = cpu(&seen(), Some(own), Some(QUIET), 1_000_000);
        assert_eq!(disproved, None);
        close(told.machine_busy_s, 10.0);
        close(told.baseline_s, 2.0);
        close(told.unattributed_s, 1.0);
        close(told.unattributed_share, 0.125);
        close(told.unattributed_error_s, STEPS_S * 101.0_f64.sqrt());
        close(told.unattributed_us_per_delivery, 1.0);
        close(told.user_s, 2.25);
        close(told.system_s, 0.75);
    }

    #[test]
    fn a_busy_machine_before_the_first_client_is_told_not_taken_off() {
        let own = (Cost::default(), Cost { cpu_ns_total: 4 * S, ..Cost::default() });
        let (told, disproved) = cpu(&seen(), Some(own), Some(Baseline { cpus: 1.0, seen_s: 1.0 }), 1_000);
        assert_eq!((told.unattributed_s, told.unattributed_error_s), (None, None));
        let disproved = disproved.unwrap();
        assert!(
            disproved.contains("10.00 CPU seconds") && disproved.contains("only 3.00 are left"),
            "{disproved}"
        );
    }

    #[test]
    fn the_generator_read_long_before_the_machine_widens_the_error() {
        let at = |at: Nanos, cpu_ns_total| Cost { at, cpu_ns_total, ..Cost::default() };
        let (from, to) = (seen().from.machine.unwrap().at, seen().to.machine.unwrap().at);
        let own = (at(from - Nanos::from_millis(20), 0), at(to - Nanos::from_millis(5), 4 * S));
        let (told, _) = cpu(&seen(), Some(own), Some(QUIET), 1);
        close(told.unattributed_error_s, STEPS_S * 101.0_f64.sqrt() + 0.025);
    }

    #[test]
    fn without_one_of_the_parts_nothing_is_left_over() {
        let own = (Cost::default(), Cost::default());
        for (told, _) in [cpu(&seen(), None, Some(QUIET), 1), cpu(&seen(), Some(own), None, 1)] {
            assert_eq!((told.unattributed_s, told.unattributed_share), (None, None));
            close(told.machine_busy_s, 10.0);
        }
        let mut unknown = seen();
        unknown.to.machine = None;
        assert_eq!(cpu(&unknown, Some(own), Some(QUIET), 1).0.machine_busy_s, None);
        unknown.to = Cost { cpu_ns_total: 4 * S, ..Cost::default() };
        assert_eq!(cpu(&unknown, None, None, 0).0.user_s, None, "no tick told what it was");
    }

    #[test]
    fn memory_that_was_given_back_is_below_zero() {
        assert_eq!(kept(Some(5), Some(7)), Some(-2));
        assert_eq!((kept(None, Some(7)), kept(Some(7), None)), (None, None));
    }
}
