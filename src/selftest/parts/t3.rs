//! T3: the ledger closes exactly, whatever carries the messages. What the server drops, doubles, swaps
//! and withholds is known to the message; what fails fast makes nothing look fast; percentiles are
//! those of all samples together.

use crate::analysis::describe::quantile;
use crate::model::Nanos;
use crate::record::Timing;
use crate::result::{GroupResult, Quantiles, RunResult};
use crate::selftest::SelftestError;
use crate::selftest::bench::{Bench, Ran, Sent, channels};
use crate::selftest::check::{Check, show};
use crate::selftest::part::Part;
use crate::selftest::relay::Counts;

pub(in crate::selftest) static PART: Part = Part {
    key: "T3",
    title: "the ledger is exact, and failures make nothing faster",
    rules: &[3, 9, 10, 12, 13],
    work: prove,
};

/// Message numbers at which something happens, and what.
const DROP: u64 = 1_000;
const DUPLICATE: u64 = 777;
const SWAP: u64 = 501;
const WITHHOLD: u64 = 50;

/// The transports: each a client of one feed.
const TRANSPORTS: [(&str, &str); 7] = [
    ("websocket", "websocket = { path = \"/ws/${channel}\" }"),
    ("sse", "sse = { get = \"/sse/${channel}\" }"),
    ("chunked", "chunked = { get = \"/chunked/${channel}\" }"),
    ("forever iframe", "forever_iframe = { get = \"/iframe/${channel}\" }"),
    ("multipart", "multipart = { get = \"/multipart/${channel}\" }"),
    ("long poll", "long_poll = { get = \"/lp/${channel}\" }"),
    ("poll", "poll = { get = \"/poll/${channel}\", every = \"200ms\" }"),
];

fn prove(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    ledger(bench)?;
    fast_failures(bench)?;
    merged(bench);
    Ok(())
}

/// What must be in the books of one client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Owed {
    expected: u64,
    lost: u64,
    duplicate: u64,
    reordered: u64,
}

/// Plays the faults over a feed, as the server's own words tell them: a message that is dropped is
/// neither withheld nor swapped; one that is withheld is not swapped; one waits to be overtaken by the
/// next, if that goes its own way.
fn owed(sent: &[Sent]) -> Owed {
    let gone = |n: u64| n.is_multiple_of(DROP) || n.is_multiple_of(WITHHOLD);
    let mut owed = Owed::default();
    for message in sent.iter().filter(|s| s.measured) {
        let n = message.number;
        owed.expected += 1;
        if gone(n) {
            owed.lost += 1;
            continue;
        }
        owed.duplicate += u64::from(n.is_multiple_of(DUPLICATE));
        let next_overtakes = !gone(n + 1) && !(n + 1).is_multiple_of(SWAP) && n < sent.len() as u64;
        owed.reordered += u64::from(n.is_multiple_of(SWAP) && next_overtakes);
    }
    owed
}

fn ledger(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    // Counts are exact however busy the machine is.
    let ran = bench.play_anyhow("ledger", &scenario(bench.depth().pick("5s", "30s")))?;
    let Some((_, sent)) = ran.sent().into_iter().next() else {
        return Err(SelftestError::Missing("the feed"));
    };
    let owed = owed(&sent);
    bench.check(Check::count("published", owed.expected, ran.run.published));
    for group in &ran.run.groups {
        books(bench, group, owed);
    }
    let clients = ran.run.groups.len() as u64;
    bench.check(Check::count("transports", TRANSPORTS.len() as u64, clients));
    bench.check(Check::count(
        "samples = messages that came (rule 3)",
        (owed.expected - owed.lost) * clients,
        ran.run.delivery.count,
    ));
    let l = &ran.run.ledger;
    bench.check(Check::count(
        "expected = delivered + lost + conflated + in flight",
        l.expected,
        l.delivered + l.lost + l.conflated + l.in_flight,
    ));
    censored(bench, &ran);
    Ok(())
}

fn books(bench: &mut Bench<'_>, group: &GroupResult, owed: Owed) {
    let l = &group.ledger;
    let found = Owed { expected: l.expected, lost: l.lost, duplicate: l.duplicate, reordered: l.reordered };
    let told = |o: Owed| format!("{} / {} / {} / {}", o.expected, o.lost, o.duplicate, o.reordered);
    let off = [
        owed.expected.abs_diff(found.expected),
        owed.lost.abs_diff(found.lost),
        owed.duplicate.abs_diff(found.duplicate),
        owed.reordered.abs_diff(found.reordered),
    ];
    bench.check(Check::holds(
        format!("{}: expected / lost / duplicate / reordered", group.name),
        told(owed),
        told(found),
        format!("difference 0, is {}", off.iter().sum::<u64>()),
        owed == found && l.delivered == l.expected - l.lost,
    ));
}

/// Rule 10: with 2 % withheld the 99th percentile is later than all that came, and is told to be no
/// earlier than what never came was waited for: the drain at least.
fn censored(bench: &mut Bench<'_>, ran: &Ran) {
    let d = &ran.run.delivery;
    let at_least = ran.told("/delivery_censored_at_ns");
    let waited = ran.plan.phases.drain.0 as f64;
    bench.check(Check::holds(
        "withheld messages stay in the percentiles: p99",
        "2 % never given out",
        at_least.map_or("not told".to_owned(), |v| format!("no number, at least {}", show(v))),
        format!("no number, at least {}; p50 has one", show(waited)),
        d.p99_ns.is_none() && d.p50_ns.is_some() && at_least.is_some_and(|v| v >= waited),
    ));
}

/// One channel, published over one WebSocket, so that no message overtakes another on its way in; a
/// client of each transport.
fn scenario(measure: &str) -> String {
    let group = |(name, how): &(&str, &str)| format!("[[case.group]]\nname = \"{name}\"\n{how}\n");
    let groups: String = TRANSPORTS.iter().map(group).collect();
    format!(
        r#"
[target]
bundled = {{ fault = ["drop every {DROP}", "duplicate every {DUPLICATE}", "swap every {SWAP}", "withhold every {WITHHOLD}"] }}
[publish]
in_band = {{ websocket = {{ path = "/duplex/${{channel}}" }} }}
channels = {}
rate = "490/s"
[load]
clients = {}
connect = "100ms"
warmup = "600ms"
measure = "{measure}"
drain = "1200ms"
[[case]]
name = "all transports"
{groups}"#,
        channels(1),
        TRANSPORTS.len(),
    )
}

/// Rule 12: three of five publishes are refused at once, the others answered after 20 ms: no
/// percentile of the answered may be below 20 ms, and every refusal is counted.
fn fast_failures(bench: &mut Bench<'_>) -> Result<(), SelftestError> {
    const HOLD_NS: f64 = 20e6;
    let mut relay = bench.relay("hold 20ms refuse 3 of 5")?;
    let address = relay.address.ok_or(SelftestError::Missing("the relay's address"))?;
    let ran = bench.play_anyhow("fast refusals", &refused(&address.to_string()))?;
    let fail = |source| SelftestError::Helper { what: "ask the relay", source };
    let counts: Counts = relay.counts().map_err(fail)?;
    let told: &RunResult = &ran.run;
    for (name, value) in [("least", told.publish.min_ns), ("p50", told.publish.p50_ns)] {
        bench.check(Check::holds(
            format!("60 % fast 503s: {name} of the answered"),
            show(HOLD_NS),
            value.map_or("none".to_owned(), |v| show(v as f64)),
            "not below what good answers take",
            value.is_some_and(|v| v as f64 >= HOLD_NS),
        ));
    }
    let failed = told.failures.get("status_5xx").copied().unwrap_or(0);
    bench.check(Check::count("60 % fast 503s: failures counted", counts.refused, failed));
    bench.check(Check::count(
        "60 % fast 503s: published + failed",
        told.published + told.publish_failed,
        ran.measured().len() as u64,
    ));
    Ok(())
}

fn refused(address: &str) -> String {
    format!(
        r#"
[target]
base = "http://{address}"
[publish]
http = {{ post = "/pub/${{channel}}" }}
channels = {}
rate = "100/s"
[load]
clients = 2
connect = "100ms"
warmup = "0s"
measure = "2s"
drain = "300ms"
[[case]]
name = "websocket"
websocket = {{ path = "/ws/${{channel}}" }}
"#,
        channels(2)
    )
}

/// Rule 13: seven shards of unlike samples, merged, against all samples sorted.
fn merged(bench: &mut Bench<'_>) {
    let mut random = fastrand::Rng::with_seed(13);
    let (mut all, mut whole) = (Vec::new(), Timing::default());
    let mut averaged = [0.0; 3];
    const SHARDS: u32 = 7;
    for shard in 0..SHARDS {
        let mut part = Timing::default();
        for _ in 0..30_000 {
            let time = -(1.0 - random.f64()).ln() * 1e6 * f64::from(1 + shard * shard);
            all.push(time.floor());
            part.record(Nanos(time as u64));
        }
        let of_part = Quantiles::of(&part.histogram(), part.min_ns(), part.max_ns());
        let told = [of_part.p50_ns, of_part.p99_ns, of_part.p999_ns];
        averaged.iter_mut().zip(told).for_each(|(sum, v)| *sum += v.unwrap_or(0) as f64 / f64::from(SHARDS));
        whole.merge(&part);
    }
    let told = Quantiles::of(&whole.histogram(), whole.min_ns(), whole.max_ns());
    let rows = [("p50", 0.5, told.p50_ns), ("p99", 0.99, told.p99_ns), ("p99.9", 0.999, told.p999_ns)];
    for ((name, q, measured), average) in rows.into_iter().zip(averaged) {
        let raw = quantile(&all, q).unwrap_or(f64::NAN);
        let what = format!("merged {name} of {SHARDS} shards (their mean: {})", show(average));
        bench.check(Check::time(what, raw, measured.map(|v| v as f64), raw * 0.001));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(range: std::ops::RangeInclusive<u64>, measured_from: u64) -> Vec<Sent> {
        let one = |number| Sent { number, due: Nanos(number), measured: number >= measured_from };
        range.map(one).collect()
    }

    #[test]
    fn what_is_owed_by_hand() {
        let all = owed(&sent(1..=1_010, 1));
        // 50, 100 ... 1000: twenty; 777; 501 and 1002 overtaken by the next.
        assert_eq!(all, Owed { expected: 1_010, lost: 20, duplicate: 1, reordered: 2 });
        assert_eq!(owed(&sent(1..=1_010, 778)).duplicate, 0);
        assert_eq!(owed(&sent(1..=501, 1)).reordered, 0, "there is no next one");
    }
}
