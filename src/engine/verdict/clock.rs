//! Whether the times of another host's clock can be (method, rule 7).

use super::Findings;
use crate::model::Nanos;
use crate::result::{RunResult, Verdict};

pub(super) fn judge(run: &RunResult, findings: &mut Findings) {
    let Some(clock) = &run.asked_clock else { return };
    let Some(epsilon) = clock.epsilon_ns else {
        let why = match clock.first_failure.as_str() {
            "" => "too few answers".to_owned(),
            why => why.to_owned(),
        };
        let text = format!(
            "the target's clock could not be asked ({}: {why}): its times were taken for wall-clock times of this \
             host, and how far they are off is not known",
            clock.asked
        );
        findings.theirs(Verdict::Suspect, text);
        return;
    };
    if clock.beyond > 0 {
        let text = format!(
            "{} messages were received before they were published, by up to {}: more than the {} that the \
             target's clock can be wrong by; is it the clock that stamps them?",
            clock.beyond,
            Nanos(clock.ahead_max_ns.unwrap_or_default()),
            Nanos(epsilon)
        );
        findings.theirs(Verdict::Invalid, text);
    }
    if clock.failed > 0 {
        let text = format!(
            "{} of {} questions to the target's clock came to nothing (the first: {}): its times are told with \
             a greater error",
            clock.failed,
            clock.failed + clock.exchanges,
            clock.first_failure
        );
        findings.theirs(Verdict::Suspect, text);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{good, judged};
    use super::*;
    use crate::result::AskedClock;

    fn with(clock: AskedClock) -> RunResult {
        let run = RunResult { publisher: "none".into(), clock: "asked".into(), ..good() };
        let mut run = RunResult { ahead: 3, asked_clock: Some(clock), ..run };
        run.bytes.messages = 1_000;
        judged(run, |_| {})
    }

    fn clock() -> AskedClock {
        AskedClock {
            asked: "GET http://h/clock".into(),
            exchanges: 90,
            epsilon_ns: Some(200_000),
            ..AskedClock::default()
        }
    }

    #[test]
    fn latencies_below_minus_epsilon_are_invalid_and_within_it_are_none() {
        let run = with(AskedClock { beyond: 3, ahead_max_ns: Some(49_900_000), ..clock() });
        assert_eq!((run.verdict, run.generator_limited), (Verdict::Invalid, false));
        let told =
            "3 messages were received before they were published, by up to 49.9 ms: more than the 200 us";
        assert!(run.reasons[0].starts_with(told), "{:?}", run.reasons);
        let run = with(AskedClock { ahead_max_ns: Some(150_000), ..clock() });
        assert_eq!((run.verdict, run.reasons), (Verdict::Valid, vec![]));
    }

    #[test]
    fn a_clock_that_does_not_answer_is_a_warning() {
        let silent =
            AskedClock { epsilon_ns: None, failed: 3, first_failure: "it answered 404".into(), ..clock() };
        let run = with(silent);
        assert_eq!(run.verdict, Verdict::Suspect);
        let told = run.reasons.join("; ");
        assert!(told.contains("(GET http://h/clock: it answered 404)"), "{told}");
        let run = with(AskedClock { failed: 2, first_failure: "timed out".into(), ..clock() });
        assert_eq!(run.verdict, Verdict::Suspect);
        assert!(run.reasons[0].starts_with("2 of 92 questions"), "{:?}", run.reasons);
    }
}
