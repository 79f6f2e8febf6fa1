//! The health of each interval, and of the run: what the readings and the workers told.

use super::{Gathered, Interim};
use crate::engine::verdict::limits::SEND_LATE;
use crate::model::{Failure, Nanos};
use crate::probe::Vital;
use crate::record::Tally;
use crate::result::{Health, Interval, Verdict};

/// The row with its health filled in.
pub(super) fn vital_signs(
    row: Interval,
    gathered: &Gathered,
    (start, interim): (Nanos, &Interim),
    tally: &Tally,
) -> Interval {
    let around = gathered.readings.around(start, interim.end);
    let gains = around.map(|(from, to)| Gains { from: from.vital, to: to.vital });
    let cores = f64::from(gathered.cores.max(1));
    Interval {
        loop_lag_p99_ns: tally.loop_lag.quantile_of_few_ns(0.99),
        send_lag_p99_ns: tally.lateness.quantile_ns(0.99),
        send_lag_max_ns: tally.lateness.max_ns(),
        sends_dropped: tally.failures[Failure::PublishBacklog as usize],
        sends_late: tally.lateness.count_above(SEND_LATE),
        worker_cpu_share_max: busiest(gathered, start, interim),
        steal_share: gains.and_then(|g| Some(g.share(g.of(|v| v.steal_ns_total)?) / cores)),
        run_delay_share: gains
            .map(|g| g.share(g.to.run_delay_ns_total.saturating_sub(g.from.run_delay_ns_total)) / cores),
        involuntary_switches: gains
            .map(|g| g.to.involuntary_switches_total.saturating_sub(g.from.involuntary_switches_total)),
        softnet_drops: gains.and_then(|g| g.of(|v| v.softnet_drops_total)),
        socket_backlog_bytes: Some(interim.backlog_bytes),
        cpu_pressure_share: gains.and_then(|g| Some(g.share(g.of(|v| v.cpu_pressure_ns_total)?))),
        ..row
    }
}

/// Two readings, and what grew between them.
#[derive(Clone, Copy)]
struct Gains {
    from: Vital,
    to: Vital,
}

impl Gains {
    fn of(&self, total: fn(&Vital) -> Option<u64>) -> Option<u64> {
        Some(total(&self.to)?.saturating_sub(total(&self.from)?))
    }

    fn share(&self, ns: u64) -> f64 {
        ns as f64 / (self.to.at - self.from.at).0.max(1) as f64
    }
}

/// The share of a core that the busiest worker used: threads tell their CPU time at each boundary.
fn busiest(gathered: &Gathered, start: Nanos, interim: &Interim) -> Option<f64> {
    let before = gathered.interims.iter().find(|i| i.end == start);
    let earlier = |worker: usize| before?.worker_cpu.iter().find(|c| c.0 == worker).map(|c| c.1);
    let length = (interim.end - start).0.max(1) as f64;
    let share = |(worker, cpu): &(usize, Nanos)| Some((*cpu - earlier(*worker)?).0 as f64 / length);
    interim.worker_cpu.iter().filter_map(share).max_by(f64::total_cmp)
}

/// Maxima and totals over the intervals of `measure`, which have been judged.
pub(super) fn of_run(intervals: &[Interval]) -> Health {
    let measured: Vec<&Interval> = intervals.iter().filter(|i| i.verdict.is_some()).collect();
    let graded = |grade| measured.iter().filter(|i| i.verdict == Some(grade)).count() as u32;
    let most =
        |of: fn(&Interval) -> Option<f64>| measured.iter().filter_map(|i| of(i)).max_by(f64::total_cmp);
    let greatest = |of: fn(&Interval) -> Option<u64>| measured.iter().filter_map(|i| of(i)).max();
    let sum = |of: fn(&Interval) -> u64| measured.iter().map(|i| of(i)).sum();
    Health {
        intervals: measured.len() as u32,
        intervals_suspect: graded(Verdict::Suspect),
        intervals_invalid: graded(Verdict::Invalid),
        loop_lag_p99_ns_max: greatest(|i| i.loop_lag_p99_ns),
        cpu_share_max: most(|i| i.generator_cpu_share),
        worker_cpu_share_max: most(|i| i.worker_cpu_share_max),
        steal_share: mean_steal(&measured),
        steal_share_max: most(|i| i.steal_share),
        run_delay_share_max: most(|i| i.run_delay_share),
        involuntary_switches: sum(|i| i.involuntary_switches.unwrap_or(0)),
        softnet_drops: sum(|i| i.softnet_drops.unwrap_or(0)),
        socket_backlog_bytes_max: greatest(|i| i.socket_backlog_bytes),
        cpu_pressure_share_max: most(|i| i.cpu_pressure_share),
        sends_dropped: sum(|i| i.sends_dropped),
        sends_late: sum(|i| i.sends_late),
    }
}

/// Over all intervals, each by its length.
fn mean_steal(measured: &[&Interval]) -> Option<f64> {
    let known: Vec<(f64, f64)> = measured.iter().filter_map(|i| Some((i.steal_share?, i.length_s))).collect();
    let whole: f64 = known.iter().map(|(_, length)| length).sum();
    (whole > 0.0).then(|| known.iter().map(|(share, length)| share * length).sum::<f64>() / whole)
}
