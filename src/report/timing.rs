//! Where delivery time went, in words: receivers of one message, waiting for a poll, what the uncorrected
//! figure hides.

use super::number::{Kind, grouped, shown, three_digits};
use super::steady;
use crate::result::{Deliveries, FanOut, Polling, Quantiles, RunResult};

/// From this ratio of p99 on, the gap between the two delivery times is told.
const GAP_TOLD: f64 = 2.0;

/// What stands in no column.
pub(super) fn notes(run: &RunResult) -> Vec<String> {
    let parts = [
        run.fanned_out().map(fan_out),
        run.polling.as_ref().and_then(waiting),
        run.polling.as_ref().and_then(gap),
        omission(run),
        steady::note(&run.steady),
        censored(run),
    ];
    parts.into_iter().flatten().collect()
}

fn time(ns: Option<u64>) -> String {
    ns.map_or("-".to_owned(), |ns| shown(ns as f64, Kind::Time))
}

fn times(q: &Quantiles) -> String {
    format!("p50 {}, p99 {}", time(q.p50_ns), time(q.p99_ns))
}

fn fan_out(fan: &FanOut) -> String {
    let incomplete = match fan.incomplete {
        0 => "all had every message".to_owned(),
        n => format!("{} of {} messages incomplete", grouped(n as f64), grouped(fan.messages as f64)),
    };
    let about = if fan.median_exact { "" } else { " (within a sixteenth of the receivers)" };
    format!(
        "fan-out, {} receivers a message: first {}; median {}{about}; last {}; {incomplete}",
        three_digits(fan.mean_receivers().unwrap_or(0.0)),
        times(&fan.first),
        times(&fan.median),
        times(&fan.last)
    )
}

fn waiting(p: &Polling) -> Option<String> {
    (p.wait.count > 0).then(|| {
        format!(
            "polling: of the delivery time, waiting for the next poll {}, mean {}; server and network {}, mean {}",
            times(&p.wait),
            mean(&p.wait),
            times(&p.rest),
            mean(&p.rest)
        )
    })
}

fn mean(q: &Quantiles) -> String {
    q.mean_ns.map_or("-".to_owned(), |ns| shown(ns, Kind::Time))
}

fn gap(p: &Polling) -> Option<String> {
    let share = p.gap_share?;
    let expected = p.gap_share_expected.map_or(String::new(), |e| {
        format!(", {} % expected of messages that come at random", three_digits(100.0 * e))
    });
    Some(format!(
        "long polling: {} % of {} messages came between two requests{expected}",
        three_digits(100.0 * share),
        grouped(p.held_messages as f64)
    ))
}

/// The ratio of both p99 where it is large: what a tool hides that times from the actual send.
pub(super) fn omission(run: &RunResult) -> Option<String> {
    let (due, sent) = (run.delivery.p99_ns?, run.delivery_from_send.p99_ns.filter(|ns| *ns > 0)?);
    let ratio = due as f64 / sent as f64;
    (ratio > GAP_TOLD).then(|| {
        format!(
            "coordinated omission: delivery p99 is {} from when messages were due and {} from when they were sent, {} \
             times less: messages were sent late, and a tool that times from the actual send hides it",
            time(Some(due)),
            time(Some(sent)),
            three_digits(ratio)
        )
    })
}

fn censored(run: &RunResult) -> Option<String> {
    let among = [0.5, 0.99, 1.0].into_iter().find_map(|q| Deliveries::of_run(run).at_least_ns(q))?;
    Some(format!(
        "{} messages never came within the {} that each was given: they are in the percentiles, and \">=\" marks those \
         that fall among them",
        grouped(run.ledger.lost as f64),
        shown(among as f64, Kind::Time)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Ledger;

    fn quantiles(p50: u64, p99: Option<u64>) -> Quantiles {
        Quantiles {
            count: 5_000,
            p50_ns: Some(p50),
            p99_ns: p99,
            mean_ns: Some(p50 as f64),
            ..Quantiles::default()
        }
    }

    #[test]
    fn the_gap_is_told_when_it_is_large() {
        let run = |due, sent| RunResult {
            delivery: quantiles(1, Some(due)),
            delivery_from_send: quantiles(1, Some(sent)),
            ..RunResult::default()
        };
        assert_eq!(omission(&run(2_000_000, 1_000_000)), None);
        let told = omission(&run(1_270_000_000, 6_040_000)).unwrap();
        assert!(told.contains("1.27 s") && told.contains("6.04 ms") && told.contains("210 times"), "{told}");
    }

    #[test]
    fn fan_out_polling_and_what_never_came_are_told() {
        let fan = FanOut {
            messages: 2_000,
            receivers: 100_000,
            incomplete: 3,
            first: quantiles(200_000, Some(900_000)),
            ..FanOut::default()
        };
        let polling = Polling {
            wait: quantiles(500_000_000, None),
            rest: quantiles(400_000, Some(2_000_000)),
            held_messages: 1_000,
            in_gap: 25,
            gap_share: Some(0.025),
            gap_share_expected: Some(0.024),
            ..Polling::default()
        };
        let run = RunResult {
            delivery: quantiles(1_000, None),
            delivery_effective_count: Some(2_000),
            delivery_censored_at_ns: Some(2_000_000_000),
            ledger: Ledger { lost: 100, ..Ledger::default() },
            fan_out: Some(fan),
            polling: Some(polling),
            ..RunResult::default()
        };
        let told = notes(&run).join("\n");
        for words in [
            "50.0 receivers a message: first p50 200 us, p99 900 us",
            "3 of 2,000 messages incomplete",
            "waiting for the next poll p50 500 ms, p99 -",
            "2.50 % of 1,000 messages came between two requests, 2.40 % expected",
            "100 messages never came within the 2.00 s",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
        assert_eq!(notes(&RunResult::default()), Vec::<String>::new());
    }
}
