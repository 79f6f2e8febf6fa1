//! Whether what was measured was a steady state (method, rule 24).

use super::{Evidence, Findings};
use crate::model::Nanos;
use crate::result::{RunResult, Verdict};

pub(super) fn judge(run: &RunResult, evidence: &Evidence, findings: &mut Findings) {
    let steady = &run.steady;
    if steady.reached == Some(false) {
        let text = format!(
            "the run was not steady after {:.0} s of warm-up, its most: delivery times or throughput still moved",
            steady.warmup_s.unwrap_or(0.0)
        );
        findings.theirs(Verdict::Suspect, text);
    }
    // A run whose target went away is about that: it is no steady state and not meant to be one.
    if evidence.come_back && run.reconnects.count > 0 {
        return;
    }
    if let (Some(cut_s), Some(before), Some(after)) =
        (steady.cut_s.filter(|s| *s > 0.0), steady.before_p50_ns, steady.after_p50_ns)
    {
        let text = format!(
            "the first {cut_s:.0} s of measure were still warming up: p50 {} there, {} after",
            shown(before),
            shown(after)
        );
        findings.theirs(Verdict::Suspect, text);
    } else if let (Some(false), Some(first), Some(second)) =
        (steady.halves_agree, steady.first_half_p50_ns, steady.second_half_p50_ns)
    {
        let text = format!(
            "the halves of measure differ: p50 {} in the first, {} in the second (x {:.2}; chance makes up to x {:.2})",
            shown(first),
            shown(second),
            steady.halves_ratio.unwrap_or(1.0),
            steady.halves_chance_ratio.unwrap_or(1.0)
        );
        findings.theirs(Verdict::Suspect, text);
    }
}

fn shown(ns: f64) -> Nanos {
    Nanos(ns.max(0.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{good, judged};
    use super::*;
    use crate::result::Steady;

    fn reasons(steady: Steady) -> Vec<String> {
        judged(RunResult { steady, ..good() }, |_| {}).reasons
    }

    #[test]
    fn each_is_told_with_its_numbers() {
        let warming = Steady {
            cut_s: Some(3.0),
            before_p50_ns: Some(8e6),
            after_p50_ns: Some(1e6),
            halves_agree: Some(false),
            ..Steady::default()
        };
        let told = reasons(warming);
        assert_eq!(
            told,
            ["the first 3 s of measure were still warming up: p50 8.00 ms there, 1.00 ms after"]
        );
        let drifting = Steady {
            cut_s: Some(0.0),
            first_half_p50_ns: Some(1e6),
            second_half_p50_ns: Some(2e6),
            halves_ratio: Some(2.0),
            halves_chance_ratio: Some(1.3),
            halves_agree: Some(false),
            ..Steady::default()
        };
        assert!(reasons(drifting)[0].starts_with("the halves of measure differ: p50 1.00 ms"));
        let never = Steady { auto: true, reached: Some(false), warmup_s: Some(30.0), ..Steady::default() };
        assert!(reasons(never)[0].starts_with("the run was not steady after 30 s"));
    }

    #[test]
    fn a_steady_run_and_one_too_short_to_tell_are_no_findings() {
        let fine =
            Steady { cut_s: Some(0.0), halves_agree: Some(true), reached: Some(true), ..Steady::default() };
        assert_eq!(reasons(fine), Vec::<String>::new());
        assert_eq!(reasons(Steady::default()), Vec::<String>::new());
    }

    #[test]
    fn a_run_whose_target_went_away_is_not_held_to_it() {
        let mut run = good();
        run.reconnects.count = 5;
        run.steady = Steady { halves_agree: Some(false), ..Steady::default() };
        assert_eq!(judged(run, |e| e.come_back = true).verdict, Verdict::Valid);
    }
}
