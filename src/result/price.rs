//! What 1,000 clients cost in an hour, by the user's own prices. Keys of `summary.json`.
//!
//! Formula: 1000 / clients of an instance x its price + bytes sent for a client and second x 3600 x 1000 x
//! price of a byte. An instance carries so many clients as its CPU, its memory or the objectives allow,
//! whichever ends first, each used to the share `headroom`. CPU and memory of a client are those measured with
//! the most clients of a sweep, taken to stay the same with more of them.

use super::mean::median;
use super::{RunResult, Summary, TargetCost, finite};
use crate::scenario::PriceSpec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The prices, and what each case costs by them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prices {
    /// Price of one instance for an hour.
    #[serde(with = "finite")]
    pub instance_hour: f64,
    /// Its cores.
    #[serde(with = "finite")]
    pub cores: f64,
    /// Its memory; `null`: memory limits nothing.
    pub memory_bytes: Option<u64>,
    /// Price of 10^9 bytes that it sends; `null`: what is sent is not priced.
    #[serde(with = "finite::option")]
    pub egress_gb: Option<f64>,
    /// What prices are in.
    pub currency: String,
    /// Share of an instance that is used.
    #[serde(with = "finite")]
    pub headroom: f64,
    /// A row for each case and set of swept values beside clients.
    pub cases: Vec<Priced>,
}

/// What limits an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Its cores.
    Cpu,
    /// Its memory.
    Memory,
    /// The objectives of the scenario.
    Objectives,
}

/// One case in money.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Priced {
    /// The case.
    pub case: String,
    /// Values of the sweep that it is of, key to text: all but clients.
    pub swept: BTreeMap<String, String>,
    /// The most clients that it was run with: the costs of a client are of these runs.
    pub clients: u32,
    /// Runs with so many; medians over them.
    pub runs: u32,
    /// Runs with so many that were left out: invalid ones.
    pub runs_left_out: u32,
    /// CPU time of a client, microseconds a second; the target's base is in it.
    #[serde(with = "finite::option")]
    pub cpu_us_per_s_per_client: Option<f64>,
    /// Memory of the target for a client: what was charged to its control group, kernel memory too; without
    /// one its processes' (PSS), and of the kernel's what could be told.
    #[serde(with = "finite::option")]
    pub memory_bytes_per_client: Option<f64>,
    /// Bytes that the target sends to a client in a second, at the TCP stream layer.
    #[serde(with = "finite::option")]
    pub egress_bytes_per_s_per_client: Option<f64>,
    /// Clients for which the CPU of an instance does, headroom kept; so with the next two.
    pub clients_by_cpu: Option<u64>,
    /// For which its memory does.
    pub clients_by_memory: Option<u64>,
    /// At which all objectives still held; zero: at none that was tried.
    pub clients_by_objectives: Option<u64>,
    /// Whether they held at the most that were tried: then they limit nothing that is known.
    pub objectives_at_least: bool,
    /// Clients that one instance carries.
    pub clients_per_instance: Option<u64>,
    /// What runs out first: `cpu`, `memory` or `objectives`.
    pub runs_out: Option<Limit>,
    /// Price of instances for 1,000 clients and hour.
    #[serde(with = "finite::option")]
    pub instances_per_1000_clients_hour: Option<f64>,
    /// Price of what is sent to 1,000 clients in an hour.
    #[serde(with = "finite::option")]
    pub egress_per_1000_clients_hour: Option<f64>,
    /// Both.
    #[serde(with = "finite::option")]
    pub total_per_1000_clients_hour: Option<f64>,
    /// Why there is no price, in words.
    pub reason: Option<String>,
    /// What the price leaves out, in words.
    pub caution: Option<String>,
}

/// Prices every case of a summary; its objectives count where it has some.
pub fn priced(spec: &PriceSpec, summary: &Summary) -> Prices {
    let mut cases: Vec<(String, BTreeMap<String, String>)> = summary.runs.iter().map(key).collect();
    cases.sort();
    cases.dedup();
    Prices {
        instance_hour: spec.instance_hour,
        cores: spec.cores,
        memory_bytes: spec.memory_bytes,
        egress_gb: spec.egress_gb,
        currency: spec.currency.clone(),
        headroom: spec.headroom,
        cases: cases.into_iter().map(|case| one(spec, summary, case)).collect(),
    }
}

fn key(run: &RunResult) -> (String, BTreeMap<String, String>) {
    let others = run.swept.iter().filter(|(key, _)| *key != "clients");
    (run.case.clone(), others.map(|(k, v)| (k.clone(), v.clone())).collect())
}

fn one(spec: &PriceSpec, summary: &Summary, of: (String, BTreeMap<String, String>)) -> Priced {
    let all: Vec<(usize, &RunResult)> =
        summary.runs.iter().enumerate().filter(|(_, r)| key(r) == of).collect();
    let believed: Vec<(usize, &RunResult)> =
        all.iter().filter(|(_, r)| r.verdict.is_believed()).copied().collect();
    let clients = believed.iter().map(|(_, r)| r.clients).max().unwrap_or(0);
    let largest: Vec<&RunResult> =
        believed.iter().map(|(_, r)| *r).filter(|r| r.clients == clients).collect();
    let mut row = Priced {
        case: of.0,
        swept: of.1,
        clients,
        runs: largest.len() as u32,
        runs_left_out: all.iter().filter(|(_, r)| r.clients == clients).count().saturating_sub(largest.len())
            as u32,
        ..Priced::default()
    };
    if largest.is_empty() {
        row.reason = Some("no run of it is to be believed".to_owned());
        return row;
    }
    measure(&mut row, &largest);
    let idle = median(costs(&largest).filter_map(idle));
    row.clients_by_cpu =
        row.cpu_us_per_s_per_client.and_then(|us| whole(spec.headroom * spec.cores * 1e6 / us));
    let room = spec.memory_bytes.zip(idle).map(|(b, idle)| (spec.headroom * b as f64 - idle).max(0.0));
    row.clients_by_memory = room.zip(row.memory_bytes_per_client).and_then(|(room, each)| whole(room / each));
    if spec.memory_bytes.is_some() && (idle.is_none() || row.memory_bytes_per_client.is_none()) {
        row.caution = Some("the memory of a client is not known: it limits nothing here".to_owned());
    }
    let bound = objectives(summary, &believed);
    row.clients_by_objectives = bound.and_then(|(n, _)| whole(spec.headroom * f64::from(n)));
    row.objectives_at_least = bound.is_some_and(|(_, at_least)| at_least);
    decide(&mut row, spec);
    row
}

fn costs<'r>(runs: &[&'r RunResult]) -> impl Iterator<Item = &'r TargetCost> {
    runs.iter().filter_map(|r| r.target_cost.as_ref()).collect::<Vec<_>>().into_iter()
}

fn measure(row: &mut Priced, runs: &[&RunResult]) {
    let n = f64::from(row.clients.max(1));
    row.cpu_us_per_s_per_client = median(costs(runs).map(|c| c.cpu_share * 1e6 / n));
    // Of one kind for all repeats: a control group has page cache and the kernel's part in it, PSS has not.
    let grouped: Option<Vec<f64>> = costs(runs).map(|c| group_memory(c, n)).collect();
    let own = || costs(runs).map(memory).collect::<Option<Vec<f64>>>();
    row.memory_bytes_per_client = grouped.or_else(own).and_then(median);
    let measured = runs.iter().filter(|r| r.measured_s > 0.0);
    row.egress_bytes_per_s_per_client = median(measured.map(|r| r.bytes.wire_in as f64 / r.measured_s / n));
}

/// Of the idle server: what is charged to its control group leaves out what it had touched before the run
/// put it there, so the larger of the two.
fn idle(cost: &TargetCost) -> Option<f64> {
    Some(cost.group.memory_bytes_idle.max(cost.pss_bytes_idle)? as f64)
}

/// Of one client, of `n`, by the control group; `None` also when memory fell meanwhile, which tells nothing
/// of clients.
fn group_memory(cost: &TargetCost, n: f64) -> Option<f64> {
    Some(cost.group.memory_bytes_end?.checked_sub(cost.group.memory_bytes_idle?)? as f64 / n)
}

/// The same by its processes.
fn memory(cost: &TargetCost) -> Option<f64> {
    Some(cost.bytes_per_connection? + cost.kernel_bytes_per_connection.unwrap_or(0.0))
}

/// A number of clients; `None` of what is no number: nothing is used of it, so nothing is limited by it.
fn whole(clients: f64) -> Option<u64> {
    clients.is_finite().then_some(clients.max(0.0) as u64)
}

/// The most clients at which every believed repeat met every objective, below the first count at which one
/// missed one; and whether that is the most that were tried. Zero: none did. `None`: nothing was judged.
fn objectives(summary: &Summary, runs: &[(usize, &RunResult)]) -> Option<(u32, bool)> {
    let mut counts: Vec<u32> = runs.iter().map(|(_, r)| r.clients).collect();
    counts.sort_unstable();
    counts.dedup();
    let mut held = None;
    for count in &counts {
        let of_count = |run: usize| runs.iter().any(|(i, r)| *i == run && r.clients == *count);
        let judged: Vec<Option<bool>> =
            summary.slo.iter().filter(|s| of_count(s.run)).map(|s| s.met).collect();
        if judged.contains(&Some(false)) {
            return Some((held.unwrap_or(0), false));
        }
        if !judged.is_empty() && judged.iter().all(|met| *met == Some(true)) {
            held = Some(*count);
        }
    }
    held.map(|n| (n, true))
}

/// What runs out first, and what follows for the price.
fn decide(row: &mut Priced, spec: &PriceSpec) {
    let hard = row.clients_by_objectives.filter(|_| !row.objectives_at_least);
    let limits =
        [(row.clients_by_cpu, Limit::Cpu), (row.clients_by_memory, Limit::Memory), (hard, Limit::Objectives)];
    let known = limits.into_iter().filter_map(|(n, limit)| Some((n?, limit)));
    let Some((clients, limit)) = known.min_by_key(|(n, _)| *n) else {
        row.reason = Some("the target's processes could not be seen, and no objective was missed".to_owned());
        return;
    };
    (row.clients_per_instance, row.runs_out) = (Some(clients), Some(limit));
    let sent = row.egress_bytes_per_s_per_client.zip(spec.egress_gb);
    row.egress_per_1000_clients_hour = sent.map(|(bytes, price)| bytes * 3600.0 * 1000.0 * price / 1e9);
    if clients == 0 {
        row.reason = Some(match limit {
            Limit::Objectives => {
                "the objectives were missed with the fewest clients that were tried".to_owned()
            }
            _ => "one instance does not carry a single client".to_owned(),
        });
        return;
    }
    let instances = 1000.0 / clients as f64 * spec.instance_hour;
    row.instances_per_1000_clients_hour = Some(instances);
    row.total_per_1000_clients_hour = Some(instances + row.egress_per_1000_clients_hour.unwrap_or(0.0));
}

#[cfg(test)]
mod tests;
