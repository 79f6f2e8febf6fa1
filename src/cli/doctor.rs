//! `pushbench doctor`.

use crate::engine::preflight::{Demand, Machine, Problem, Severity, check, most_clients};
use std::io::{self, Write};

/// Publishing connections that the answer reckons with; a scenario may ask for others.
const PUBLISH_CONNECTIONS: u32 = 64;

/// Tell what this machine allows, and what to change.
///
/// Reads limits, changes nothing, takes about 100 ms. The same check stands before every run.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0, or 1 when a run with so many clients is impossible here.

  pushbench doctor --clients 10000")]
pub(super) struct Args {
    /// Virtual clients of the run to check for.
    #[arg(long, value_name = "N", default_value_t = 500)]
    clients: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    let machine = Machine::read();
    let problems = check(&demand(args.clients), &machine);
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{:#}", json(args.clients, &machine, &problems)?)?;
    } else {
        write(&mut out, args.clients, &machine, &problems)?;
    }
    let impossible = problems.iter().any(|p| p.severity == Severity::Refuse);
    Ok(if impossible { super::exit::FAILED } else { super::exit::GOOD })
}

/// A local target that is not ours: what asks most of the machine.
fn demand(clients: u32) -> Demand {
    Demand {
        clients,
        publish_connections: PUBLISH_CONNECTIONS,
        local: true,
        bundled_server: false,
        address: ([127, 0, 0, 1], 80).into(),
    }
}

fn json(clients: u32, machine: &Machine, problems: &[Problem]) -> serde_json::Result<serde_json::Value> {
    Ok(serde_json::json!({
        "schema": "pushbench/doctor/1",
        "clients": clients,
        "clients_max": most_clients(machine, PUBLISH_CONNECTIONS),
        "machine": serde_json::to_value(machine)?,
        "problems": serde_json::to_value(problems)?,
    }))
}

fn write(out: &mut impl Write, clients: u32, machine: &Machine, problems: &[Problem]) -> io::Result<()> {
    for (what, value) in facts(machine, clients) {
        writeln!(out, "{:<7} {what:<26}  {value}", state(what, problems))?;
    }
    for p in problems {
        writeln!(
            out,
            "\n{}: {}: found {}, want {}\n  {}",
            word(p.severity),
            p.what,
            p.found,
            p.want,
            p.hint
        )?;
    }
    writeln!(
        out,
        "\nOne process can drive {} clients towards one address here (with {PUBLISH_CONNECTIONS} publishing \
         connections); checked for {clients}.",
        most_clients(machine, PUBLISH_CONNECTIONS)
    )
}

/// The rows of the table. Those that a rule of the preflight judges bear its name.
fn facts(m: &Machine, clients: u32) -> Vec<(&'static str, String)> {
    let unknown = || "unknown".to_owned();
    let (first, last) = m.local_port_range;
    let waiting: u64 = m.time_wait.values().sum();
    vec![
        ("kernel", m.kernel.clone()),
        ("cpu", m.cpu_model.clone().unwrap_or_else(unknown)),
        ("cores", m.cores.to_string()),
        ("governor", m.governor.clone().unwrap_or_else(|| "none".to_owned())),
        ("steal", m.steal_share.map_or_else(unknown, |s| format!("{:.2} % since boot", s * 100.0))),
        ("memory", m.memory_available_bytes.map_or_else(unknown, |b| format!("{} MiB available", b >> 20))),
        ("cgroup", m.cgroup.to_owned()),
        ("descriptors", format!("{} soft, {} hard", m.descriptors_soft, m.descriptors_hard)),
        ("local ports", format!("{first}-{last}, {} in all, {waiting} in TIME-WAIT", m.local_ports())),
        ("connections to one address", (u64::from(clients) + u64::from(PUBLISH_CONNECTIONS)).to_string()),
        ("accept queue", format!("{} (net.core.somaxconn)", m.somaxconn)),
        ("clock", format!("{:.0} ns a read", m.clock_read_ns)),
        ("timer", m.timer_late_p99_ns.map_or_else(unknown, |n| format!("{} us late at p99", n / 1_000))),
        ("processes readable", if m.others_readable { "all" } else { "own only" }.to_owned()),
    ]
}

fn state(what: &str, problems: &[Problem]) -> &'static str {
    problems.iter().filter(|p| p.what == what).map(|p| p.severity).max().map_or("ok", word)
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Warn => "warn",
        Severity::Refuse => "refuse",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_marks_its_row_and_tells_its_hint() {
        let machine = Machine { descriptors_hard: 300, cores: 1, ..Machine::read() };
        let problems = check(&demand(500), &machine);
        let mut text = Vec::new();
        write(&mut text, 500, &machine, &problems).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("refuse  descriptors"), "{text}");
        assert!(text.contains("warn    cores"), "{text}");
        assert!(text.contains("lower clients to 136"), "{text}");
        assert!(text.contains("One process can drive 136 clients"), "{text}");
    }

    #[test]
    fn every_problem_has_a_row() {
        let machine = Machine {
            cores: 1,
            descriptors_hard: 10,
            local_port_range: (9, 10),
            somaxconn: 1,
            memory_available_bytes: Some(1),
            timer_late_p99_ns: Some(u64::MAX),
            clock_read_ns: 1e9,
            others_readable: false,
            steal_share: Some(1.0),
            governor: Some("powersave".to_owned()),
            ..Machine::read()
        };
        let problems = check(&demand(30_000), &machine);
        let rows = facts(&machine, 30_000);
        assert!(problems.len() >= 11);
        assert!(problems.iter().all(|p| rows.iter().any(|(what, _)| *what == p.what)));
    }

    #[test]
    fn json_has_the_same() {
        let machine = Machine::read();
        let value = json(7, &machine, &check(&demand(7), &machine)).unwrap();
        assert_eq!(value["schema"], "pushbench/doctor/1");
        assert!(value["clients_max"].as_u64().is_some());
        assert_eq!(value["machine"]["descriptors_hard"], machine.descriptors_hard);
    }
}
