//! T8: a generator that is starved, or that does not send what was asked for, says so: its run is
//! invalid. Without the cause it is not.

use crate::engine::allowed_cores;
use crate::result::{RunResult, Verdict};
use crate::selftest::SelftestError;
use crate::selftest::bench::{Bench, channels};
use crate::selftest::check::Check;
use crate::selftest::part::Part;
use crate::selftest::process::Started;

pub(in crate::selftest) static PART: Part = Part {
    key: "T8",
    title: "a starved generator flips the verdict, and back",
    rules: &[4, 5, 22],
    work: prove,
};

/// Threads that want each of the generator's cores all the time.
const HOGS: usize = 4;

fn prove(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let hogs = hogs(bench)?;
    let starved = bench.play_anyhow("starved", &feed(""))?;
    drop(hogs);
    bench.check(Check::holds(
        format!("{HOGS} busy threads on each core of the generator"),
        "starved",
        told(&starved.run),
        "invalid, the generator to blame",
        starved.run.verdict == Verdict::Invalid && starved.run.generator_limited,
    ));
    bench.check(Check::count(
        "starved: every message that was due is published, failed or skipped",
        starved.measured().len() as u64,
        starved.run.published + starved.run.publish_failed,
    ));
    let free = bench.play("free again", &feed(""))?;
    bench.check(Check::holds(
        "the same without them",
        "free",
        told(&free.run),
        "not invalid",
        free.run.verdict != Verdict::Invalid && !free.run.generator_limited,
    ));
    throttled(bench)
}

/// Rule 4: one publishing connection whose answers take 20 ms can publish 50 a second of 200.
fn throttled(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let relay = bench.relay("hold 20ms")?;
    let address = relay.address.ok_or(SelftestError::Missing("the relay's address"))?;
    let target = format!("[target]\nbase = \"http://{address}\"\n");
    let ran = bench.play_anyhow("throttled", &scenario(&target, "connections = 1", 1, "200/s"))?;
    let share = ran.run.achieved_per_s / ran.run.offered_per_s.max(1.0);
    bench.check(Check::holds(
        "a generator that sends a quarter of what is due",
        "offered 200/s, possible 50/s",
        format!("{:.0} %, {}", share * 100.0, told(&ran.run)),
        "below 99 %: invalid",
        share < 0.5 && ran.run.verdict == Verdict::Invalid,
    ));
    let skipped = ran.run.failures.get("publish_backlog").copied().unwrap_or(0);
    bench.check(Check::count(
        "every message is published, failed or counted as skipped",
        ran.measured().len() as u64,
        ran.run.published + ran.run.publish_failed,
    ));
    bench.check(Check::holds(
        "skipped messages have a name",
        "publish_backlog",
        skipped.to_string(),
        "above 0",
        skipped > 0,
    ));
    Ok(())
}

/// Hogs on every core that workers get: all but the first.
fn hogs(bench: &Bench<'_>) -> Result<Vec<Started>, SelftestError> {
    let cores = allowed_cores();
    let of_workers = if cores.len() > 1 { &cores[1..] } else { &cores[..] };
    of_workers.iter().map(|core| bench.helper(&format!("hog {HOGS} cpu {core}"))).collect()
}

fn told(run: &RunResult) -> String {
    let word = match run.verdict {
        Verdict::Valid => "valid",
        Verdict::Suspect => "suspect",
        Verdict::Invalid => "invalid",
    };
    let first = run.reasons.first().map(|r| r.split(':').next().unwrap_or(r).to_owned());
    first.map_or(word.to_owned(), |why| format!("{word} ({why})"))
}

fn feed(target: &str) -> String {
    scenario(target, "", 10, "100/s")
}

fn scenario(target: &str, publish: &str, feeds: u32, rate: &str) -> String {
    let (clients, channels) = (feeds * 20, channels(feeds));
    format!(
        r#"
{target}
[publish]
http = {{ post = "/pub/${{channel}}" }}
{publish}
channels = {channels}
rate = "{rate}"
[load]
clients = {clients}
connect = "300ms"
warmup = "300ms"
measure = "1500ms"
drain = "500ms"
[[case]]
name = "websocket"
websocket = {{ path = "/ws/${{channel}}" }}
"#
    )
}
