//! `manifest.json`: what a reader needs to do the same again.

use super::Options;
use super::preflight::Machine;
use crate::clock::utc_now;
use crate::result::RunResult;
use crate::scenario::Plan;
use serde_json::{Value, json};

/// The schema this build writes.
const SCHEMA: &str = "pushbench/manifest/1";

/// The manifest of a plan about to be played on this machine.
pub(super) fn manifest(plan: &Plan, options: &Options, machine: &Machine) -> Value {
    let host = rustix::system::uname();
    json!({
        "schema": SCHEMA,
        "command": options.command,
        "started_at": utc_now().to_string(),
        "seed": plan.seed,
        "pushbench": {
            "version": env!("CARGO_PKG_VERSION"),
            "commit": option_env!("PUSHBENCH_COMMIT"),
            "profile": if cfg!(debug_assertions) { "debug" } else { "release" },
        },
        "selftest": options.selftest,
        "scenario": {
            "path": plan.path.as_ref().map(|p| p.display().to_string()),
            "source": plan.source,
            "planned": plan.to_json(),
        },
        "host": {
            "name": host.nodename().to_string_lossy(),
            "kernel": machine.kernel,
            "architecture": std::env::consts::ARCH,
            "cpu_model": machine.cpu_model,
            "cores": machine.cores,
            "governor": machine.governor,
            "cgroup": machine.cgroup,
            "steal_share": machine.steal_share,
            "clock_read_ns": machine.clock_read_ns,
            "timer_late_p99_ns": machine.timer_late_p99_ns,
        },
        "limits": {
            "descriptors_soft": machine.descriptors_soft,
            "descriptors_hard": machine.descriptors_hard,
            "local_port_range": [machine.local_port_range.0, machine.local_port_range.1],
            "somaxconn": machine.somaxconn,
            "tcp_tw_reuse": machine.tcp_tw_reuse,
            "memory_available_bytes": machine.memory_available_bytes,
        },
    })
}

/// Adds what the target's clock was in run number `index`, where it was asked: whoever does the same
/// again has to know what the times rest on.
pub(super) fn add_clock(manifest: &mut Value, index: usize, run: &RunResult) {
    let Some(clock) = &run.asked_clock else { return };
    if !manifest["clocks"].is_array() {
        manifest["clocks"] = json!([]);
    }
    let known = json!({
        "run": index,
        "asked": clock.asked,
        "offset_ns": clock.offset_ns,
        "drift_ppm": clock.drift_ppm,
        "epsilon_ns": clock.epsilon_ns,
    });
    manifest["clocks"].as_array_mut().expect("it was just made one").push(known);
}
