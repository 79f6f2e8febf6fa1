//! T5: a poller's delivery time is uniform over its period (F1), because phases are random and due
//! times are not locked to polls. And a feed that is locked to its polls is told apart.

use crate::selftest::SelftestError;
use crate::selftest::bench::{Bench, delivery};
use crate::selftest::check::{Check, show};
use crate::selftest::part::Part;
use hdrhistogram::Histogram;

pub(in crate::selftest) static PART: Part =
    Part { key: "T5", title: "polling is uniform over its period", rules: &[6], work: prove };

/// Kolmogorov's bound of `sqrt(n) D` at alpha 0.001.
const KS_BOUND: f64 = 1.95;
/// Least samples.
const LEAST: u64 = 10_000;
/// The polling period: more than 100 times what jitter there is.
const PERIOD_MS: u32 = 500;

fn prove(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let feed = Feed { arrivals: "poisson", clients: 60, rate: "40/s", every_ms: PERIOD_MS };
    let ran = bench.play("uniform", &feed.scenario(bench.depth().pick(5, 12)))?;
    let times = delivery(&ran.detail);
    bench.check(Check::holds(
        "samples",
        format!("{} published", ran.run.published),
        times.len().to_string(),
        format!("all, at least {LEAST}"),
        times.len() >= LEAST && times.len() == ran.run.published,
    ));
    let period_ns = PERIOD_MS as f64 * 1e6;
    let floor = ran.run.delivery.min_ns.unwrap_or(0) as f64;
    let distance = kolmogorov(&times, floor, period_ns);
    bench.check(Check::holds(
        "KS against U(0, P), above the least",
        format!("U(0, {})", show(period_ns)),
        format!("sqrt(n) D = {distance:.2}"),
        format!("below {KS_BOUND} (alpha 0.001)"),
        distance < KS_BOUND,
    ));
    let mean = ran.run.delivery.mean_ns.map(|m| m - floor);
    bench.check(Check::time("mean, above the least", period_ns / 2.0, mean, period_ns * 0.01));
    locked(bench)
}

/// A feed as slow as its polls are: its one client has one latency, and the test must see that.
fn locked(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let feed = Feed { arrivals: "constant", clients: 1, rate: "10/s", every_ms: 100 };
    let ran = bench.play("locked", &feed.scenario(3))?;
    let times = delivery(&ran.detail);
    let distance = kolmogorov(&times, 0.0, 100e6);
    bench.check(Check::holds(
        "a feed locked to its polls is told apart",
        "one message each poll",
        format!("sqrt(n) D = {distance:.2}"),
        format!("above {KS_BOUND}"),
        distance > KS_BOUND,
    ));
    Ok(())
}

/// One client a channel: no message is in two samples.
struct Feed {
    arrivals: &'static str,
    clients: u32,
    rate: &'static str,
    every_ms: u32,
}

impl Feed {
    fn scenario(&self, seconds: u32) -> String {
        let Feed { arrivals, clients, rate, every_ms } = self;
        // A poller must have asked once more after the last message.
        let drain_ms = every_ms + 1_000;
        format!(
            r#"
[publish]
http = {{ post = "/pub/${{channel}}" }}
channels = {clients}
rate = "{rate}"
arrivals = "{arrivals}"
[load]
clients = {clients}
connect = "300ms"
warmup = "{every_ms}ms"
measure = "{seconds}s"
drain = "{drain_ms}ms"
[[case]]
name = "poll"
poll = {{ get = "/poll/${{channel}}", every = "{every_ms}ms" }}
"#
        )
    }
}

/// Kolmogorov's `sqrt(n) D` of times above `floor` against the uniform distribution up to `period`,
/// both nanoseconds. The steps of the histogram, 0.1 %, add that much to D at most.
fn kolmogorov(times: &Histogram<u64>, floor: f64, period: f64) -> f64 {
    let n = times.len() as f64;
    let uniform = |t: u64| ((t as f64 - floor) / period).clamp(0.0, 1.0);
    let (mut seen, mut far) = (0.0, 0.0_f64);
    for step in times.iter_recorded() {
        let value = step.value_iterated_to();
        far = far.max((seen - uniform(times.lowest_equivalent(value))).abs());
        seen += step.count_since_last_iteration() as f64 / n;
        far = far.max((seen - uniform(value)).abs());
    }
    far * n.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Timing;

    #[test]
    fn uniform_times_pass_and_others_do_not() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut of = |time: fn(f64) -> f64| {
            let mut times = Timing::empty_histogram();
            (0..20_000).for_each(|_| times.record((time(random.f64()) * 1e8) as u64 + 1).unwrap());
            kolmogorov(&times, 0.0, 1e8)
        };
        let even = of(|u| u);
        assert!(even > 0.3 && even < KS_BOUND, "{even}");
        assert!(of(|u| u * 0.97) > KS_BOUND && of(|u| u * u) > KS_BOUND && of(|_| 0.5) > 20.0);
    }
}
