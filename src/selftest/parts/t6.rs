//! T6: what arrives while no long poll is held waits for the next one (F3). A relay holds each new
//! poll back so long after an answer, so the gap is known and dwarfs the transport.

use crate::analysis::describe::mean;
use crate::analysis::formulas::long_poll_gap_share;
use crate::selftest::SelftestError;
use crate::selftest::bench::{Bench, Ran, channels};
use crate::selftest::check::Check;
use crate::selftest::exact::arrivals_in_gaps;
use crate::selftest::flights::{Flight, undisturbed};
use crate::selftest::part::Part;
use crate::selftest::relay::Counts;

pub(in crate::selftest) static PART: Part =
    Part { key: "T6", title: "the gap of long polling is seen as it is", rules: &[6, 11], work: prove };

/// The gap, milliseconds. How long it really was, the relay tells: its timer and its turn come a little later.
const GAP_MS: u32 = 40;
/// Messages a second on each channel: one a gap.
const RATE: u32 = 25;
/// What waited longer than this beyond the least counts as having waited for a poll.
const WAITED_NS: f64 = 4e6;
/// What the gap may be longer than asked of the relay: a busy machine's timers are late, and nothing is
/// proved with another gap than the one that was meant.
const LONGER_S: f64 = 0.004;
/// Share that the result may be off.
const ALLOWED: f64 = 0.02;

fn prove(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let (clients, measure) = bench.depth().pick((40, "6s"), (40, "30s"));
    let mut relay = bench.relay(&format!("gap {GAP_MS}ms"))?;
    let address = relay.address.ok_or(SelftestError::Missing("the relay's address"))?;
    let mut witness = bench.witness()?;
    let (ran, flights) = bench.play_each("gap", &scenario(&address.to_string(), clients, measure))?;
    let stalls = witness.stalls()?;
    bench.check(Check::count("lost", 0, ran.run.ledger.lost));
    let counts: Counts =
        relay.counts().map_err(|source| SelftestError::Helper { what: "ask the relay", source })?;
    let gap_s = counts.gap_ns_total as f64 / counts.gaps.max(1) as f64 / 1e9;
    bench.check(Check::number(
        format!("gap as the relay had it, mean of {}, seconds", counts.gaps),
        (f64::from(GAP_MS) / 1e3, Some(gap_s)),
        LONGER_S,
        (4, ""),
    ));
    // One that is late on its way looks as if it had waited; later than that a stall makes no difference.
    let kept = bench.kept("gap", &flights, undisturbed(&flights, &stalls, |f| [f.going_out()]));
    let seen = share_that_waited(&kept, gap_s);
    let formula = long_poll_gap_share(f64::from(RATE), gap_s);
    let within = |v: f64| v * ALLOWED;
    bench.check(Check::number("share in the gap (F3)", (formula, seen), within(formula), (4, "")));
    let exact = recursion(&ran, gap_s);
    bench.check(Check::number(
        "share in the gap (recursion over the very arrivals)",
        (exact, seen),
        within(exact),
        (4, ""),
    ));
    // Those that waited did so for half the gap on average.
    let floor = ran.run.delivery.min_ns.unwrap_or(0) as f64;
    let mean = mean(&kept.iter().map(Flight::took).collect::<Vec<_>>()).map(|m| m - floor);
    let want = formula * gap_s / 2.0 * 1e9;
    bench.check(Check::time("mean above the least (F3: f G / 2)", want, mean, want * 0.03));
    Ok(())
}

/// From the delivery times: the share beyond the least and a little, made up for the part of the gap
/// that is so near its end.
fn share_that_waited(flights: &[Flight], gap_s: f64) -> Option<f64> {
    let least = flights.iter().map(Flight::took).min_by(f64::total_cmp)?;
    let waited = flights.iter().filter(|f| f.took() > least + WAITED_NS).count();
    let told = 1.0 - WAITED_NS / (gap_s * 1e9);
    Some(waited as f64 / flights.len() as f64 / told)
}

fn recursion(ran: &Ran, gap_s: f64) -> f64 {
    let (mut inside, mut all) = (0, 0);
    for (_, sent) in ran.sent() {
        let (i, a) = arrivals_in_gaps(sent.iter().map(|s| s.due.as_secs_f64()), gap_s);
        inside += i;
        all += a;
    }
    inside as f64 / f64::max(all as f64, 1.0)
}

fn scenario(address: &str, clients: u32, measure: &str) -> String {
    format!(
        r#"
[target]
base = "http://{address}"
[publish]
http = {{ post = "/pub/${{channel}}" }}
channels = {}
rate = "{RATE}/s"
arrivals = "poisson"
connections = 256
[load]
clients = {clients}
connect = "300ms"
warmup = "500ms"
measure = "{measure}"
drain = "300ms"
[[case]]
name = "long poll"
long_poll = {{ get = "/lp/${{channel}}" }}
"#,
        channels(clients)
    )
}
