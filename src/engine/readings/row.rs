//! A reading as a row of `cost.csv`.

use crate::engine::timeline::Phase;
use crate::model::{Cost, Nanos};
use crate::result::CostRow;

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// Of `target` or `generator`, times from `start`.
pub(super) fn row(of: &str, phase: Phase, cost: &Cost, start: Nanos) -> CostRow {
    let row = CostRow {
        of: of.to_owned(),
        at_s: cost.at.as_secs_f64() - start.as_secs_f64(),
        phase: phase.key().to_owned(),
        processes: cost.processes,
        threads: cost.threads,
        cpu_s_total: seconds(cost.cpu_ns_total),
        run_delay_s_total: seconds(cost.run_delay_ns_total),
        context_switches_total: cost.voluntary_switches_total + cost.involuntary_switches_total,
        descriptors: cost.descriptors,
        rss_bytes: cost.rss_bytes,
        pss_bytes: cost.pss_bytes,
        kernel_socket_bytes: cost.kernel_socket_bytes,
        user_s_total: seconds(cost.user_ns_total),
        system_s_total: seconds(cost.system_ns_total),
        minor_faults_total: cost.minor_faults_total,
        major_faults_total: cost.major_faults_total,
        swap_bytes: cost.swap_bytes,
        machine_slab_bytes: cost.slab_bytes,
        machine_idle_s_total: cost.machine.map(|m| seconds(m.idle_ns_total)),
        ..CostRow::default()
    };
    grouped(networked(row, cost), cost)
}

fn networked(row: CostRow, cost: &Cost) -> CostRow {
    let network = cost.network.as_ref();
    CostRow {
        listen_overflows_total: network.map(|n| n.listen_overflows_total),
        listen_drops_total: network.map(|n| n.listen_drops_total),
        retransmits_total: network.map(|n| n.retransmits_total),
        in_bytes_total: network.map(|n| n.in_bytes_total),
        out_bytes_total: network.map(|n| n.out_bytes_total),
        loopback_bytes_total: network.map(|n| n.loopback_bytes_total),
        ..row
    }
}

fn grouped(row: CostRow, cost: &Cost) -> CostRow {
    let group = cost.group.unwrap_or_default();
    CostRow {
        group_cpu_s_total: group.cpu_ns_total.map(seconds),
        group_throttled_s_total: group.throttled_ns_total.map(seconds),
        group_memory_bytes: group.memory_bytes,
        group_socket_bytes: group.socket_bytes,
        group_kernel_bytes: group.kernel_bytes,
        group_cpu_pressure_s_total: group.cpu_pressure_ns_total.map(seconds),
        group_memory_pressure_s_total: group.memory_pressure_ns_total.map(seconds),
        ..row
    }
}
