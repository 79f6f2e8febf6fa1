//! T9: what the target pays is what it burns and holds. CPU time is that of a run which burns half a
//! core, less that of the same run without; bytes of a connection are the slope over several numbers
//! of connections, again less that of the same runs without.

use crate::selftest::SelftestError;
use crate::selftest::bench::{Bench, Ran};
use crate::selftest::check::Check;
use crate::selftest::exact::slope;
use crate::selftest::part::Part;

pub(in crate::selftest) static PART: Part = Part {
    key: "T9",
    title: "CPU and memory of the target are what it really takes",
    rules: &[18, 20],
    work: prove,
};

/// Share of a core that is burnt.
const BURNT: f64 = 0.5;
/// What the measured share may be off: 2 % of it.
const CPU_ALLOWED: f64 = 0.01;
/// Bytes held for each connection.
const HELD: f64 = 10_240.0;
/// What the measured bytes may be off: 5 %.
const MEMORY_ALLOWED: f64 = 512.0;
/// Share of the time that a burning target may wait for its core: beyond it did not burn what it was to.
const WAITED: f64 = 0.01;

fn prove(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    cpu(bench)?;
    memory(bench)
}

fn cpu(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let measure = bench.depth().pick("2s", "15s");
    let idle = bench.play("idle", &scenario("", 20, "200ms", measure))?;
    let burning = bench.play("burning", &scenario(&fault(&format!("burn {BURNT}")), 20, "200ms", measure))?;
    let waited = burning.target_waited();
    if waited > WAITED {
        bench
            .spoil("burning", &format!("the target waited {:.1} % of the time for its core", waited * 100.0));
    }
    let share = |ran: &Ran| ran.run.target_cost.as_ref().map(|c| c.cpu_share);
    let measured = share(&burning).zip(share(&idle)).map(|(with, without)| with - without);
    let told = share(&idle).unwrap_or(f64::NAN);
    bench.check(Check::number(
        format!("share of a core, above idle ({told:.4})"),
        (BURNT, measured),
        CPU_ALLOWED,
        (4, ""),
    ));
    Ok(())
}

fn memory(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let counts: &[u32] = bench.depth().pick(&[400, 800, 1_200, 1_600], &[500, 1_000, 2_000, 3_000, 4_000]);
    let (mut plain, mut held) = (Vec::new(), Vec::new());
    for clients in counts {
        plain.push(bytes(bench, &format!("{clients} clients"), "", *clients)?);
        let with = fault("memory 10KiB");
        held.push(bytes(bench, &format!("{clients} clients, memory"), &with, *clients)?);
    }
    let (with, without) = (slope(&held), slope(&plain));
    bench.check(Check::number(
        format!("bytes of a connection over {} counts, above {without:.0} B of its own", counts.len()),
        (HELD, Some(with - without)),
        MEMORY_ALLOWED,
        (0, " B"),
    ));
    Ok(())
}

/// Connections that stood, and what the target's memory was with them.
fn bytes(bench: &mut Bench<'_>, name: &str, target: &str, clients: u32) -> Result<(f64, f64), SelftestError> {
    // What a target holds does not depend on how busy the generator was: it counts who is attached.
    let ran = bench.play_anyhow(name, &scenario(target, clients, "300ms", "200ms"))?;
    let rows = ran.detail.cost.iter().filter(|r| r.of == "target" && r.phase == "measure");
    let pss = rows.filter_map(|r| r.pss_bytes).next_back();
    let attached = ran.detail.intervals.iter().rfind(|i| i.phase == "measure").map(|i| i.attached);
    let (attached, pss) = attached.zip(pss).ok_or(SelftestError::Missing("the target's memory"))?;
    Ok((f64::from(attached), pss as f64))
}

fn fault(words: &str) -> String {
    format!("[target]\nbundled = {{ fault = \"{words}\" }}\n")
}

/// Idle WebSockets.
fn scenario(target: &str, clients: u32, connect: &str, measure: &str) -> String {
    format!(
        r#"
{target}
[load]
clients = {clients}
connect = "{connect}"
warmup = "0s"
measure = "{measure}"
drain = "0s"
[[case]]
name = "websocket"
websocket = {{ path = "/ws/c0" }}
"#
    )
}
