//! T10: a comparison alarms at nothing as rarely as it says, and finds a slowdown that is there.
//!
//! Two pools of short runs are measured, taking turns (two plain, one slower): plain ones, and ones
//! with a real delay. One value a run: its median delivery time. A trial deals runs of the pools into
//! pairs and compares them (signed ranks, two-sided, 5 %). For A/A both sides come from the plain pool,
//! no run twice in a trial; for A/B the second side comes from the slower pool. Trials share the pools,
//! so they are no independent experiments: they tell how the comparison fares with this machine's
//! noise, not more.

use crate::analysis::calibrate::{Rate, Trials, rate};
use crate::analysis::decide::detectable_paired;
use crate::analysis::describe::quantile;
use crate::analysis::paired::compare;
use crate::clock::Clock;
use crate::engine;
use crate::selftest::SelftestError;
use crate::selftest::bench::{Bench, channels};
use crate::selftest::check::Check;
use crate::selftest::part::Part;
use crate::selftest::process::Started;
use crate::selftest::witness::stalled_share;

pub(in crate::selftest) static PART: Part = Part {
    key: "T10",
    title: "a comparison is quiet without a difference and finds one",
    rules: &[23, 27],
    work: prove,
};

/// Pairs of runs in a comparison.
const PAIRS: usize = 8;
/// Chance of an alarm that the comparison is set to.
const ALPHA: f64 = 0.05;
/// A/A trials, and the most of them that may alarm.
const QUIET: (usize, f64) = (200, 0.08);
/// A/B trials, and the least of them that must alarm.
const FOUND: (usize, f64) = (50, 0.80);
/// Share of a run in which the machine may have stood still. The runs are so short that a second of it is
/// all of one.
const MOST_STALLED: f64 = 0.05;
/// What slower runs are delayed by.
const DELAY: &str = "delay 200us";

fn prove(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    let rounds = bench.depth().pick(PAIRS, 2 * PAIRS);
    let witness = bench.witness()?;
    let mut pool = Pool { bench, witness, spare: rounds, left_out: 0 };
    let delay = format!("[target]\nbundled = {{ fault = \"{DELAY}\" }}\n");
    let (mut plain, mut slow) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        plain.push(pool.median(&format!("plain {}", 2 * round), "")?);
        slow.push(pool.median(&format!("slower {round}"), &delay)?);
        plain.push(pool.median(&format!("plain {}", 2 * round + 1), "")?);
    }
    let left_out = pool.left_out;
    bench.check(Check::holds(
        "runs that called themselves invalid, or met a standing machine",
        "",
        format!("{left_out} of {}", 3 * rounds + left_out),
        format!("done again; below {rounds}"),
        left_out < rounds,
    ));
    let trials = |count, seed| Trials { pairs: PAIRS, count, seed };
    let missing = SelftestError::Missing("enough runs");
    let quiet = rate(&plain, &trials(QUIET.0, 1), 1.0, alarms).ok_or(missing)?;
    bench.check(Check::holds(
        format!("A/A: {} of {} trials over {} runs alarm", quiet.hits, quiet.trials, plain.len()),
        "no difference",
        percent(&quiet),
        format!("at most {:.0} %", QUIET.1 * 100.0),
        quiet.share() <= QUIET.1,
    ));
    let found = against(&plain, &slow, &trials(FOUND.0, 2));
    bench.check(Check::holds(
        format!(
            "A/B: {} of {} trials over {} + {} runs alarm",
            found.hits,
            found.trials,
            plain.len(),
            slow.len()
        ),
        slowdown(&plain, &slow),
        percent(&found),
        format!("at least {:.0} %", FOUND.1 * 100.0),
        found.share() >= FOUND.1,
    ));
    Ok(())
}

fn alarms(pairs: &[(f64, f64)]) -> bool {
    compare(pairs, ALPHA).is_some_and(|found| found.p_value <= ALPHA)
}

/// Deals pairs of one plain and one slower run.
fn against(plain: &[f64], slow: &[f64], trials: &Trials) -> Rate {
    let mut random = fastrand::Rng::with_seed(trials.seed);
    let (mut plain, mut slow) = (plain.to_vec(), slow.to_vec());
    let mut once = || {
        random.shuffle(&mut plain);
        random.shuffle(&mut slow);
        let pairs: Vec<(f64, f64)> =
            plain.iter().copied().zip(slow.iter().copied()).take(trials.pairs).collect();
        alarms(&pairs)
    };
    Rate { hits: (0..trials.count).filter(|_| once()).count(), trials: trials.count }
}

fn percent(rate: &Rate) -> String {
    format!("{:.1} %", rate.share() * 100.0)
}

/// What was injected, beside the least that so many pairs can find on this machine.
fn slowdown(plain: &[f64], slow: &[f64]) -> String {
    let middle = |of: &[f64]| quantile(of, 0.5).unwrap_or(f64::NAN);
    let by = middle(slow) / middle(plain) - 1.0;
    let logs: Vec<(f64, f64)> = plain.chunks_exact(2).map(|two| (two[0], two[1])).collect();
    let least = compare(&logs, ALPHA).map_or(f64::NAN, |p| detectable_paired(p.sd, PAIRS));
    format!("{DELAY}: {:+.0} % (detectable: {:.0} %)", by * 100.0, least * 100.0)
}

/// Where runs come from. One whose generator was starved is no value, here as in any comparison, nor is a
/// short one that met a machine that stood still: it is done again.
struct Pool<'a, 'b> {
    bench: &'a mut Bench<'b>,
    witness: Started,
    /// Runs that may be done again.
    spare: usize,
    left_out: usize,
}

impl Pool<'_, '_> {
    /// Median delivery time of one short run, nanoseconds.
    fn median(&mut self, name: &str, target: &str) -> Result<f64, SelftestError> {
        for again in 0.. {
            let from = Clock::Monotonic.now();
            let again = if again > 0 { format!(" again {again}") } else { String::new() };
            let ran = self.bench.play_anyhow(&format!("{name}{again}"), &scenario(target))?;
            let during = (from, Clock::Monotonic.now());
            let stalled = stalled_share(&self.witness.stalls()?, during, engine::allowed_cores().len());
            let median = ran.run.delivery.p50_ns.map(|p| p as f64).ok_or(SelftestError::Missing("a median"));
            if !ran.run.generator_limited && stalled <= MOST_STALLED {
                return median;
            }
            if self.left_out >= self.spare {
                let stood = format!("the machine stood still for {:.1} % of the time", stalled * 100.0);
                let why: Vec<String> = ran.run.reasons.into_iter().chain([stood]).collect();
                self.bench.spoil(name, &why.join("; "));
                return median;
            }
            self.left_out += 1;
        }
        Err(SelftestError::Missing("a run"))
    }
}

fn scenario(target: &str) -> String {
    format!(
        r#"
{target}
[publish]
http = {{ post = "/pub/${{channel}}" }}
channels = {}
rate = "200/s"
[load]
clients = 10
connect = "50ms"
warmup = "100ms"
measure = "300ms"
drain = "50ms"
[[case]]
name = "websocket"
websocket = {{ path = "/ws/${{channel}}" }}
"#,
        channels(5)
    )
}
