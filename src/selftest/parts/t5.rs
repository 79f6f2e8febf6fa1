//! T5: a poller's delivery time is uniform over its period (F1), because phases are random and due
//! times are not locked to polls. And a feed that is locked to its polls is told apart.

use crate::analysis::ks::{self, BOUND_01_PERCENT};
use crate::selftest::SelftestError;
use crate::selftest::bench::{Bench, delivery};
use crate::selftest::check::{Check, show};
use crate::selftest::part::Part;
use hdrhistogram::Histogram;

pub(in crate::selftest) static PART: Part =
    Part { key: "T5", title: "polling is uniform over its period", rules: &[6], work: prove };

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
        format!("below {BOUND_01_PERCENT} (alpha 0.001)"),
        distance < BOUND_01_PERCENT,
    ));
    let mean = ran.run.delivery.mean_ns.map(|m| m - floor);
    bench.check(Check::time("mean, above the least", period_ns / 2.0, mean, period_ns * 0.01));
    locked(bench)
}

/// A feed as slow as its polls are: its one client has one latency, and the test must see that.
fn locked(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let feed = Feed { arrivals: "constant", clients: 1, rate: "10/s", every_ms: 100 };
    let ran = bench.play("locked", &feed.scenario(2))?;
    let times = delivery(&ran.detail);
    let distance = kolmogorov(&times, 0.0, 100e6);
    bench.check(Check::holds(
        "a feed locked to its polls is told apart",
        "one message each poll",
        format!("sqrt(n) D = {distance:.2}"),
        format!("above {BOUND_01_PERCENT}"),
        distance > BOUND_01_PERCENT,
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
/// both nanoseconds.
fn kolmogorov(times: &Histogram<u64>, floor: f64, period: f64) -> f64 {
    let bins = times.iter_recorded().map(|b| (b.value_iterated_to() as f64, b.count_since_last_iteration()));
    ks::of_bins(bins, |t| ((t - floor) / period).clamp(0.0, 1.0)).map_or(f64::NAN, |found| found.scaled())
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
        assert!(even > 0.3 && even < BOUND_01_PERCENT, "{even}");
        assert!(
            of(|u| u * 0.97) > BOUND_01_PERCENT && of(|u| u * u) > BOUND_01_PERCENT && of(|_| 0.5) > 20.0
        );
    }
}
