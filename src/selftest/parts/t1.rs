//! T1: known delays come out as they went in. The server holds every message for a time drawn by seed,
//! so the very times are known; what transport adds is measured by two runs without a delay, one
//! before and one after, and laid upon the draws (every draw with every such time): what must come out
//! is computed, and only the difference to it is held against the bound.
//!
//! A machine stands still now and then, for milliseconds; no tool can know what a message that met
//! that would have taken. A witness beside the runs sees it, and such messages are left out, of the
//! runs without a delay too.

use super::floor::Floor;
use crate::analysis::describe::{mean, quantile};
use crate::analysis::lindley::response_times;
use crate::model::Nanos;
use crate::result::Quantiles;
use crate::selftest::SelftestError;
use crate::selftest::bench::{Bench, Ran, channels};
use crate::selftest::check::{Check, show};
use crate::selftest::flights::{Flight, Span, undisturbed};
use crate::selftest::part::{Depth, Part};
use crate::selftest::witness::Stall;
use crate::server::Fault;
use std::collections::HashMap;

pub(in crate::selftest) static PART: Part =
    Part { key: "T1", title: "known delays come out as they went in", rules: &[1, 2, 24, 25], work: prove };

/// The delays that are injected, with a name.
const DELAYS: [(&str, &str); 3] = [
    ("constant", "delay 500ms"),
    ("bimodal", "delay 1ms or 100ms for 5% seed 11"),
    ("exponential", "delay exponential 20ms seed 12"),
];
/// One worker at 80 % load: mean service 20 ms, 40 messages a second.
const SERVICE: &str = "service exponential 20ms seed 13";
/// The quantiles that are held against the bound.
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];
/// What a printed quantile may be off the same of the messages one by one: the width of a bucket.
const BUCKET: f64 = 0.001;

/// 1 % or 100 us, whichever is more.
fn allowed(of_ns: f64) -> f64 {
    (of_ns * 0.01).max(100_000.0)
}

/// A run and each of its messages.
type Flown = (Ran, Vec<Flight>);

fn prove(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let mut witness = bench.witness()?;
    let before = bench.play_each("floor before", &feed(bench, None))?;
    let mut delayed = Vec::new();
    for (name, fault) in DELAYS {
        delayed.push((name, fault, bench.play_each(name, &feed(bench, Some(fault)))?));
    }
    let queue = bench.play_each("one worker", &worker(bench))?;
    let after = bench.play_each("floor after", &feed(bench, None))?;
    let stalls = witness.stalls()?;
    drop(witness);
    let floor = floors(bench, [&before, &after], &stalls);
    for (name, fault, flown) in &delayed {
        delays(bench, (name, fault), flown, (&stalls, &floor));
    }
    one_worker(bench, &queue, (&stalls, &floor));
    quantiles(bench, &before.0);
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
        "700ms",
    )
}

/// Over WebSockets, whose messages cannot overtake one another on their way to the worker.
fn worker(bench: &Bench<'_>) -> String {
    let target = format!("[target]\nbundled = {{ fault = \"{SERVICE}\" }}\n");
    let publish = "in_band = { websocket = { path = \"/duplex/${channel}\" } }\narrivals = \"poisson\"";
    scenario(&target, publish, "40/s", bench.depth().pick("4s", "20s"), "1500ms")
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

/// What transport adds: of all messages without a delay that met no stall.
fn floors(bench: &mut Bench<'_>, runs: [&Flown; 2], stalls: &[Stall]) -> Floor {
    let of = |flown: &Flown| {
        times(&undisturbed(&flown.1, stalls, |f| [f.going_out(), f.coming_back(Nanos::ZERO)]))
    };
    let [before, after] = runs.map(of);
    let told = |q: f64| [&before, &after].map(|t| quantile(t, q).map_or("none".to_owned(), show)).join(" / ");
    bench.check(Check::holds(
        "floor: p50; p99.9, before / after",
        "no delay",
        format!("{}; {}", told(0.5), told(0.999)),
        "taken off below",
        true,
    ));
    Floor::of([before, after].concat())
}

/// When a stall matters to a message that is held so long.
fn both_ways(held: &impl Fn(&Flight) -> Nanos) -> impl Fn(&Flight) -> [Span; 2] {
    move |f| [f.going_out(), f.coming_back(held(f))]
}

fn times(flights: &[Flight]) -> Vec<f64> {
    flights.iter().map(Flight::took).collect()
}

fn delays(
    bench: &mut Bench<'_>,
    (name, fault): (&str, &str),
    (ran, flights): &Flown,
    (stalls, floor): (&[Stall], &Floor),
) {
    let Ok(Fault::Delay(delay)) = fault.parse() else {
        return bench.check(Check::holds(name, fault, "no fault", "a delay", false));
    };
    let names: Vec<String> = ran.sent().into_iter().map(|(channel, _)| channel).collect();
    let held = |f: &Flight| names.get(f.channel).map_or(Nanos::ZERO, |channel| delay.of(channel, f.number));
    bench.check(Check::count(format!("{name}: messages"), ran.measured().len() as u64, flights.len() as u64));
    printed(bench, name, &ran.run.delivery, &times(flights));
    let kept = bench.kept(name, flights, undisturbed(flights, stalls, both_ways(&held)));
    let draws: Vec<f64> = kept.iter().map(|f| held(f).0 as f64).collect();
    let took = times(&kept);
    for (label, q) in QUANTILES {
        let injected = quantile(&draws, q).unwrap_or(f64::NAN);
        // What the floor adds at this quantile.
        let added = floor.under(&draws, q) - injected;
        let less = quantile(&took, q).map(|m| m - added);
        let what = format!("{name}: {label} (floor {})", show(added));
        bench.check(Check::time(what, injected, less, allowed(injected)));
    }
}

/// What is printed is what each message took.
fn printed(bench: &mut Bench<'_>, name: &str, told: &Quantiles, times: &[f64]) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let exact = |q: f64| {
        let rank = (q * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    };
    let pairs = [(0.5, told.p50_ns), (0.99, told.p99_ns), (0.999, told.p999_ns)]
        .map(|(q, told)| (exact(q), told.map_or(f64::NAN, |t| t as f64)));
    let off = pairs.iter().map(|(exact, told)| (told / exact - 1.0).abs()).fold(0.0, f64::max);
    let list = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(|p| show(of(p))).collect::<Vec<_>>().join(" / ");
    bench.check(Check::holds(
        format!("{name}: printed p50 / p99 / p99.9, of the messages one by one"),
        list(|p| p.0),
        list(|p| p.1),
        format!("within {:.1} %, is {:.3} %", BUCKET * 100.0, off * 100.0),
        off <= BUCKET && pairs.iter().all(|(exact, told)| exact.is_finite() && told.is_finite()),
    ));
}

/// Rule 1: mean and p99 of an open queue, against the recursion over the same arrivals and draws.
fn one_worker(bench: &mut Bench<'_>, (ran, flights): &Flown, (stalls, floor): (&[Stall], &Floor)) {
    let Ok(Fault::Service(service)) = SERVICE.parse() else {
        return bench.check(Check::holds("one worker", SERVICE, "no fault", "a service", false));
    };
    let mut must = HashMap::new();
    for (index, (channel, sent)) in ran.sent().into_iter().enumerate() {
        let arrivals: Vec<f64> = sent.iter().map(|s| s.due.0 as f64).collect();
        let services: Vec<f64> = sent.iter().map(|s| service.of(&channel, s.number).0 as f64).collect();
        let of_channel = response_times(&arrivals, &services);
        must.extend(of_channel.into_iter().zip(&sent).map(|(time, s)| ((index, s.number), time)));
    }
    let time = |f: &Flight| must.get(&(f.channel, f.number)).copied().unwrap_or(f64::NAN);
    bench.check(Check::count("one worker: messages", ran.measured().len() as u64, flights.len() as u64));
    let held = |f: &Flight| Nanos(time(f) as u64);
    let kept = bench.kept("one worker", flights, undisturbed(flights, stalls, both_ways(&held)));
    let (must, took): (Vec<f64>, Vec<f64>) = (kept.iter().map(time).collect(), times(&kept));
    let injected = mean(&must).unwrap_or(f64::NAN);
    let less = mean(&took).map(|m| m - floor.mean());
    bench.check(Check::time("one worker at 80 %: mean (Lindley)", injected, less, injected * 0.01 + 1e5));
    let injected = quantile(&must, 0.99).unwrap_or(f64::NAN);
    let added = floor.under(&must, 0.99) - injected;
    let less = quantile(&took, 0.99).map(|m| m - added);
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
