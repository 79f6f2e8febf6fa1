//! T2: a standstill shows in as many delivery times as were due in it (F5). Once the server freezes,
//! once the generator itself is stopped: there messages are sent late, so the figure from the actual
//! send hides the gap, and the one from the intended send must not.

use crate::analysis::formulas::freeze_quantile;
use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use crate::result::{Results, RunDetail, RunResult};
use crate::selftest::SelftestError;
use crate::selftest::bench::{Bench, channels, delivery};
use crate::selftest::check::{Check, show};
use crate::selftest::part::Part;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, Command, Stdio};

pub(in crate::selftest) static PART: Part = Part {
    key: "T2",
    title: "a standstill is in the percentiles, from the intended send",
    rules: &[2, 3],
    work: prove,
};

/// Share of F5 that a quantile may be off.
const ALLOWED: f64 = 0.05;

fn prove(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let (freeze_ms, window_s) = bench.depth().pick((600_u32, 5_u32), (1_400, 14));
    let fault = format!("[target]\nbundled = {{ fault = \"freeze at 2s for {freeze_ms}ms\" }}\n");
    let ran = bench.play("frozen server", &scenario(&fault, window_s))?;
    let freeze_s = f64::from(freeze_ms) / 1e3;
    quantiles(bench, "server frozen", freeze_s, f64::from(window_s), (&ran.run, &ran.detail));
    bench.check(Check::count(
        "server frozen: samples = ledger",
        ran.run.ledger.delivered + ran.run.ledger.unacknowledged,
        ran.run.delivery.count,
    ));
    let (stopped_s, (run, detail)) = stopped(bench, window_s, Nanos::from_millis(freeze_ms.into()))?;
    quantiles(bench, "generator stopped", stopped_s, f64::from(window_s), (&run, &detail));
    gap(bench, &run);
    Ok(())
}

/// 20 channels at 101/s with a client each: more than 10,000 messages, so that p99.9 is told. Published
/// over WebSockets: nothing has to be opened while all stands still.
fn scenario(target: &str, window_s: u32) -> String {
    let channels = channels(20);
    format!(
        r#"
{target}
[publish]
in_band = {{ websocket = {{ path = "/duplex/${{channel}}" }} }}
channels = {channels}
rate = "101/s"
[load]
clients = 20
connect = "200ms"
warmup = "200ms"
measure = "{window_s}s"
drain = "500ms"
[[case]]
name = "websocket"
websocket = {{ path = "/ws/${{channel}}" }}
"#
    )
}

fn quantiles(bench: &mut Bench<'_>, what: &str, freeze_s: f64, window_s: f64, ran: (&RunResult, &RunDetail)) {
    let (run, detail) = ran;
    let told = [Some(delivery(detail).value_at_quantile(0.95)), run.delivery.p99_ns, run.delivery.p999_ns];
    for ((name, q), measured) in [("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)].into_iter().zip(told) {
        let want = freeze_quantile(q, freeze_s, window_s, 0.0) * 1e9;
        let what = format!("{what} for {freeze_s:.3} s: {name} (F5)");
        bench.check(Check::time(what, want, measured.map(|m| m as f64), want * ALLOWED));
    }
}

/// What a tool sees that starts its watch at the actual send.
fn gap(bench: &mut Bench<'_>, run: &RunResult) {
    let (intended, actual) = (run.delivery.p99_ns.unwrap_or(0), run.delivery_from_send.p99_ns);
    let shown = actual.is_some_and(|a| a * 10 < intended);
    bench.check(Check::holds(
        "generator stopped: p99 from the actual send",
        show(intended as f64),
        actual.map_or("none".to_owned(), |a| show(a as f64)),
        "below a tenth: the gap is visible",
        shown,
    ));
    let told = run.reasons.iter().any(|r| r.contains("late"));
    bench.check(Check::holds(
        "generator stopped: the run says so",
        "a stopped generator",
        format!("{:?}", run.verdict).to_lowercase(),
        "invalid, and why",
        run.generator_limited && told,
    ));
}

/// Plays the run in a process of its own and stops that for `freeze`; how long it really stood.
fn stopped(
    bench: &mut Bench<'_>,
    window_s: u32,
    freeze: Nanos,
) -> Result<(f64, (RunResult, RunDetail)), SelftestError> {
    bench.heed()?;
    let place = bench.place("stopped");
    let file = place.with_extension("toml");
    let fail = |what| move |source| SelftestError::Helper { what, source };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(fail("make a folder"))?;
    }
    let text = format!("title = \"stopped generator\"\n{}", scenario("", window_s));
    std::fs::write(&file, text).map_err(fail("write a scenario"))?;
    let child = Command::new(bench.program())
        .args(["run", "--quiet", "--no-charts", "--out"])
        .args([&place, &file])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.map_err(fail("start a run"))?;
    let stood = stop_for(&mut child, freeze);
    // Whatever its verdict is: that is what is looked at.
    let ended = child.wait();
    let stood = stood.map_err(fail("stop a run"))?;
    ended.map_err(fail("wait for a run"))?;
    let read = Results::read(&place);
    if !bench.keeps() {
        // Best effort: it is the system's folder for such things.
        let _ = std::fs::remove_dir_all(&place);
        let _ = std::fs::remove_file(&file);
    }
    let (mut results, _) = read?;
    let run = results.summary.runs.pop().zip(results.details.pop());
    Ok((stood.as_secs_f64(), run.ok_or(SelftestError::Missing("the run"))?))
}

fn stop_for(child: &mut Child, freeze: Nanos) -> std::io::Result<Nanos> {
    let pid = Pid::from_child(child);
    // Well within `measure`, which begins half a second after the start.
    sleep_blocking(Nanos::from_millis(2_500));
    let begun = Clock::Monotonic.now();
    kill_process(pid, Signal::STOP)?;
    sleep_blocking(freeze);
    kill_process(pid, Signal::CONT)?;
    Ok(Clock::Monotonic.now() - begun)
}
