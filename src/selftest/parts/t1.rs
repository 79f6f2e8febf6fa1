//! T1: known delays come out as they went in. The server holds every message for a time drawn by seed,
//! so the very times are known; what transport adds is measured by two runs without a delay, one
//! before and one after, and laid upon the draws (every draw with every such time): what must come out
//! is computed, and only the difference to it is held against the bound.

use super::floor::Floor;
use crate::analysis::describe::{mean, quantile};
use crate::analysis::lindley::response_times;
use crate::selftest::SelftestError;
use crate::selftest::bench::{Bench, Ran, channels};
use crate::selftest::check::{Check, show};
use crate::selftest::part::{Depth, Part};
use crate::server::Fault;

pub(in crate::selftest) static PART: Part =
    Part { key: "T1", title: "known delays come out as they went in", rules: &[1, 2, 24, 25], work: prove };

/// The delays that are injected, with a name.
const DELAYS: [(&str, &str); 3] = [
    ("constant", "delay 5ms"),
    ("bimodal", "delay 1ms or 100ms for 5% seed 11"),
    ("exponential", "delay exponential 20ms seed 12"),
];
/// One worker at 80 % load: mean service 20 ms, 40 messages a second.
const SERVICE: &str = "service exponential 20ms seed 13";
/// The quantiles that are held against the bound.
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// 1 % or 100 us, whichever is more.
fn allowed(of_ns: f64) -> f64 {
    (of_ns * 0.01).max(100_000.0)
}

fn prove(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let before = bench.play("floor before", &feed(bench, None))?;
    let mut delayed = Vec::new();
    for (name, fault) in DELAYS {
        delayed.push((name, fault, bench.play(name, &feed(bench, Some(fault)))?));
    }
    let queue = bench.play("one worker", &worker(bench))?;
    let after = bench.play("floor after", &feed(bench, None))?;
    let floor = Floor::of(&[&before, &after]);
    told_floor(bench, &before, &after);
    for (name, fault, ran) in &delayed {
        delays(bench, name, fault, ran, &floor);
    }
    one_worker(bench, &queue, &floor);
    quantiles(bench, &before);
    // The test wants 8 seconds: too long for the short form.
    if bench.depth() == Depth::Full { slow_start(bench) } else { Ok(()) }
}

/// Rule 24: a target that is slow for its first 5 seconds. Measuring must begin within one window, a
/// second, of their end.
fn slow_start(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let ran = bench.play("slow start", &slow_scenario())?;
    // The slow time counts from the first connection, publishing begins when all have attached.
    let injected = 5.0 - ran.plan.phases.connect.as_secs_f64();
    let cut = ran.told("/steady/warmup_cut_s");
    bench.check(Check::number("slow for the first 5 s: warm-up cut", (injected, cut), 1.0, (2, " s")));
    let still = ran.told("/steady/cut_s").unwrap_or(0.0);
    bench.check(Check::number("the same test on what was measured", (0.0, Some(still)), 1.0, (2, " s")));
    Ok(())
}

fn slow_scenario() -> String {
    let channels = channels(5);
    format!(
        r#"
[target]
bundled = {{ fault = "slow 30ms for the first 5s" }}
[publish]
http = {{ post = "/pub/${{channel}}" }}
channels = {channels}
rate = "40/s"
[load]
clients = 5
connect = "200ms"
warmup = {{ least = "2s", most = "25s" }}
measure = "10s"
drain = "500ms"
[[case]]
name = "websocket"
websocket = {{ path = "/ws/${{channel}}" }}
"#
    )
}

/// 20 channels with a client each: 4,000 messages a second, none of them in two samples.
fn feed(bench: &Bench<'_>, fault: Option<&str>) -> String {
    let target = fault.map_or(String::new(), |f| format!("[target]\nbundled = {{ fault = \"{f}\" }}\n"));
    scenario(
        &target,
        "http = { post = \"/pub/${channel}\" }",
        "200/s",
        bench.depth().pick("2600ms", "15s"),
        "400ms",
    )
}

/// Over WebSockets, whose messages cannot overtake one another on their way to the worker.
fn worker(bench: &Bench<'_>) -> String {
    let target = format!("[target]\nbundled = {{ fault = \"{SERVICE}\" }}\n");
    let publish = "in_band = { websocket = { path = \"/duplex/${channel}\" } }\narrivals = \"poisson\"";
    scenario(&target, publish, "40/s", bench.depth().pick("5s", "20s"), "1500ms")
}

fn scenario(target: &str, publish: &str, rate: &str, measure: &str, drain: &str) -> String {
    let channels = channels(20);
    format!(
        r#"
{target}
[publish]
{publish}
channels = {channels}
rate = "{rate}"
[load]
clients = 20
connect = "200ms"
warmup = "100ms"
measure = "{measure}"
drain = "{drain}"
[[case]]
name = "websocket"
websocket = {{ path = "/ws/${{channel}}" }}
"#
    )
}

/// The two runs without a delay must agree better than the bound: otherwise they tell nothing.
fn told_floor(bench: &mut Bench<'_>, before: &Ran, after: &Ran) {
    let (a, b) = (&before.run.delivery, &after.run.delivery);
    for (name, a, b) in
        [("p50", a.p50_ns, b.p50_ns), ("p99", a.p99_ns, b.p99_ns), ("p99.9", a.p999_ns, b.p999_ns)]
    {
        let (a, b) = (a.unwrap_or(0) as f64, b.unwrap_or(0) as f64);
        if (a - b).abs() > allowed(0.0) {
            bench.spoil("floor", &format!("{name} without a delay moved from {} to {}", show(a), show(b)));
        }
    }
    let both = |of: fn(&crate::result::Quantiles) -> Option<u64>| {
        let told = |ran: &Ran| of(&ran.run.delivery).map_or("none".to_owned(), |v| show(v as f64));
        format!("{} / {}", told(before), told(after))
    };
    bench.check(Check::holds(
        "floor: p50; p99.9, before / after",
        "no delay",
        format!("{}; {}", both(|q| q.p50_ns), both(|q| q.p999_ns)),
        "taken off below",
        true,
    ));
}

fn delays(bench: &mut Bench<'_>, name: &str, fault: &str, ran: &Ran, floor: &Floor) {
    let Ok(Fault::Delay(delay)) = fault.parse() else {
        return bench.check(Check::holds(name, fault, "no fault", "a delay", false));
    };
    let draws: Vec<f64> = ran.measured().iter().map(|(c, s)| delay.of(c, s.number).0 as f64).collect();
    bench.check(Check::count(format!("{name}: messages"), draws.len() as u64, ran.run.delivery.count));
    let told = &ran.run.delivery;
    for ((label, q), measured) in QUANTILES.into_iter().zip([told.p50_ns, told.p99_ns, told.p999_ns]) {
        let injected = quantile(&draws, q).unwrap_or(f64::NAN);
        // What the floor adds at this quantile.
        let added = floor.under(&draws, q) - injected;
        let less = measured.map(|m| m as f64 - added);
        bench.check(Check::time(
            format!("{name}: {label} (floor {})", show(added)),
            injected,
            less,
            allowed(injected),
        ));
    }
}

/// Rule 1: mean and p99 of an open queue, against the recursion over the same arrivals and draws.
fn one_worker(bench: &mut Bench<'_>, ran: &Ran, floor: &Floor) {
    let Ok(Fault::Service(service)) = SERVICE.parse() else {
        return bench.check(Check::holds("one worker", SERVICE, "no fault", "a service", false));
    };
    let mut times = Vec::new();
    for (channel, sent) in ran.sent() {
        let arrivals: Vec<f64> = sent.iter().map(|s| s.due.0 as f64).collect();
        let services: Vec<f64> = sent.iter().map(|s| service.of(&channel, s.number).0 as f64).collect();
        let of_channel = response_times(&arrivals, &services);
        times.extend(of_channel.into_iter().zip(&sent).filter(|(_, s)| s.measured).map(|(t, _)| t));
    }
    let told = &ran.run.delivery;
    bench.check(Check::count("one worker: messages", times.len() as u64, told.count));
    let injected = mean(&times).unwrap_or(f64::NAN);
    let less = told.mean_ns.map(|m| m - floor.mean());
    bench.check(Check::time("one worker at 80 %: mean (Lindley)", injected, less, injected * 0.01 + 1e5));
    let injected = quantile(&times, 0.99).unwrap_or(f64::NAN);
    let added = floor.under(&times, 0.99) - injected;
    let less = told.p99_ns.map(|m| m as f64 - added);
    bench.check(Check::time("one worker at 80 %: p99 (Lindley)", injected, less, injected * 0.01 + 1e5));
}

/// Rule 25: with ten thousand messages and a few more p99.9 is told, p99.99 is not.
fn quantiles(bench: &mut Bench<'_>, ran: &Ran) {
    let times = crate::selftest::bench::delivery(&ran.detail);
    let beyond = |q: f64| times.len() as f64 * (1.0 - q);
    let told = ran.run.delivery.p999_ns.is_some();
    bench.check(Check::holds(
        "p99.9 is told with 10 beyond it",
        format!("{:.0} beyond", beyond(0.999)),
        if told { "told" } else { "not told" },
        "told from 10 on",
        told == (beyond(0.999) >= 10.0),
    ));
}
