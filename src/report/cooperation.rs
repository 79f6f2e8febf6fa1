//! What a run could tell, by what its messages told: in words.

use super::number::{grouped, three_digits};
use crate::result::{Quantiles, RunResult};

/// By what messages were told and what that can tell, as a clause; empty for a run that says nothing of
/// it.
pub(super) fn clause(run: &RunResult) -> String {
    let clock = match run.clock.as_str() {
        "" => String::new(),
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
