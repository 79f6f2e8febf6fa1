//! What a run could tell, by what its messages told: in words.

use super::number::{grouped, three_digits};
use crate::model::Nanos;
use crate::result::{AskedClock, Quantiles, RunResult};

/// By what messages were told and what that can tell, as a clause; empty for a run that says nothing of
/// it.
pub(super) fn clause(run: &RunResult) -> String {
    let clock = match run.clock.as_str() {
        "" => String::new(),
        "asked" => match run.delivery_epsilon_ns() {
            Some(epsilon) => format!(" (its clock was asked: +- {})", Nanos(epsilon)),
            None => String::new(),
        },
        clock => format!(" ({clock} clock)"),
    };
    match run.cooperation.as_str() {
        "stamp" => "told by our stamp: delivery time and loss exact".to_owned(),
        "time and sequence" => format!(
            "published by the target, told by its own time{clock} and sequence: delivery time as good as that \
             clock, loss between what each client got"
        ),
        "time" => format!(
            "published by the target, told by its own time{clock}: delivery time as good as that clock, loss \
             unknown"
        ),
        "sequence" => {
            "published by the target, told by its own sequence: loss between what each client got, delivery time \
             unknown"
                .to_owned()
        }
        "nothing" => {
            "published by the target, nothing readable: only how far receivers lie apart, and gaps".to_owned()
        }
        _ => String::new(),
    }
}

/// What stands in no column.
pub(super) fn notes(run: &RunResult) -> Vec<String> {
    let mut notes = Vec::new();
    if run.clock == "wall" {
        notes.push(
            "delivery time from the target's wall clock: right on the same host, elsewhere as far as both clocks \
             agree"
                .to_owned(),
        );
    }
    notes.extend(run.asked_clock.as_ref().and_then(asked));
    if let Some(r) = &run.receivers {
        let agree = match (r.publishes, r.differing) {
            (0, _) => "no answer to a publish told how many received it".to_owned(),
            (all, 0) => format!("at each of {} publishes they agree", grouped(all as f64)),
            (all, n) => format!("at {} of {} publishes they differ", grouped(n as f64), grouped(all as f64)),
        };
        notes.push(format!(
            "receivers: {} as the target told, {} of ours subscribed at those instants; {agree}",
            grouped(r.reported as f64),
            grouped(r.subscribed as f64)
        ));
    }
    if let Some(s) = &run.spread {
        notes.push(format!(
            "spread: {} messages, {} behind their first receiver; {} receipts did not come (compared within each \
             worker)",
            grouped(s.messages as f64),
            times(&s.behind),
            grouped(s.missing as f64)
        ));
    }
    if run.gaps.count > 0 {
        notes.push(format!("gaps between two messages of one client: {}", times(&run.gaps)));
    }
    notes
}

/// What the target's clock was found to be.
fn asked(clock: &AskedClock) -> Option<String> {
    let (offset, epsilon) = (clock.offset_ns?, clock.epsilon_ns?);
    let ahead = if offset < 0 { "behind" } else { "ahead of" };
    Some(format!(
        "the target's clock ({}) was asked {} times: {} {ahead} ours, drift {:+.1} ppm, quickest round trip {}; delivery \
         times are corrected by that and right to +- {} (the fit {}, what was known as messages came {})",
        clock.asked,
        grouped(clock.exchanges as f64),
        Nanos(offset.unsigned_abs()),
        clock.drift_ppm.unwrap_or_default(),
        Nanos(clock.round_trip_min_ns.unwrap_or_default()),
        Nanos(epsilon),
        Nanos(clock.fit_error_ns.unwrap_or_default()),
        Nanos(clock.live_error_ns.unwrap_or_default())
    ))
}

fn times(q: &Quantiles) -> String {
    let ms =
        |ns: Option<u64>| ns.map_or("-".to_owned(), |ns| format!("{} ms", three_digits(ns as f64 / 1e6)));
    format!("p50 {}, p99 {}, max {}", ms(q.p50_ns), ms(q.p99_ns), ms(q.max_ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Receivers, Spread};

    #[test]
    fn each_level_says_what_it_can_tell() {
        let run = |c: &str| RunResult { cooperation: c.into(), clock: "wall".into(), ..RunResult::default() };
        for (level, word) in [
            ("stamp", "exact"),
            ("time and sequence", "(wall clock)"),
            ("time", "loss unknown"),
            ("sequence", "delivery time unknown"),
            ("nothing", "receivers lie apart"),
        ] {
            assert!(clause(&run(level)).contains(word), "{level}");
        }
        assert_eq!(clause(&RunResult::default()), "");
        assert!(!run("nothing").tells_loss() && !run("time").tells_loss() && run("sequence").tells_loss());
    }

    #[test]
    fn a_clock_that_was_asked_is_told_with_its_error() {
        let clock = AskedClock {
            asked: "GET http://h/clock".into(),
            exchanges: 90,
            offset_ns: Some(-50_100_000),
            drift_ppm: Some(49.96),
            epsilon_ns: Some(180_000),
            ..AskedClock::default()
        };
        let run = RunResult {
            cooperation: "time".into(),
            clock: "asked".into(),
            asked_clock: Some(clock),
            ..RunResult::default()
        };
        assert!(clause(&run).contains("own time (its clock was asked: +- 180 us)"), "{}", clause(&run));
        let told = notes(&run).join("\n");
        assert!(told.contains("asked 90 times: 50.1 ms behind ours, drift +50.0 ppm"), "{told}");
    }

    #[test]
    fn receivers_and_spread_are_told_in_words() {
        let receivers = Receivers { publishes: 40, reported: 4_000, subscribed: 3_990, differing: 10 };
        let run = RunResult {
            receivers: Some(receivers),
            spread: Some(Spread { messages: 7, missing: 3, ..Spread::default() }),
            ..RunResult::default()
        };
        let told = notes(&run).join("\n");
        assert!(told.contains("at 10 of 40 publishes they differ"), "{told}");
        assert!(told.contains("p50 -") && told.contains("3 receipts did not come"), "{told}");
    }
}
