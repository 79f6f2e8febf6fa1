//! Claims held against runs: each with its number, and whether it holds here.

use super::{RunResult, finite, median, metric};
use crate::scenario::ClaimPlan;
use serde::{Deserialize, Serialize};

/// What became of a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// In every repeat.
    Yes,
    /// In none.
    No,
    /// In some repeats only, or there is no number.
    #[default]
    Undecided,
}

/// One claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimResult {
    /// In words.
    pub says: String,
    /// The metric.
    pub metric: String,
    /// The case it is about.
    pub case: String,
    /// The case whose value it is divided by; empty: none.
    pub against: String,
    /// When it holds, such as `> 10`.
    pub bound: String,
    /// The median over the runs, in the metric's unit; with `against` a ratio; `null`: no run has one.
    #[serde(with = "finite::option")]
    pub measured: Option<f64>,
    /// Least.
    #[serde(with = "finite::option")]
    pub measured_min: Option<f64>,
    /// Greatest.
    #[serde(with = "finite::option")]
    pub measured_max: Option<f64>,
    /// Runs, or pairs of runs, that had a number. Invalid ones are left out.
    pub runs: u32,
    /// Whether it holds.
    pub holds: Holds,
    /// Why there is no number, in words.
    pub reason: String,
}

/// Holds claims against the runs, in the scenario's order.
pub fn held(claims: &[ClaimPlan], runs: &[RunResult]) -> Vec<ClaimResult> {
    claims.iter().map(|claim| one(claim, runs)).collect()
}

fn one(claim: &ClaimPlan, runs: &[RunResult]) -> ClaimResult {
    let of_runs: Vec<Ends> = of_case(&claim.case, runs).filter_map(|r| value(claim, r, runs)).collect();
    let mut values: Vec<f64> = of_runs.iter().map(|ends| ends.value).collect();
    values.sort_by(f64::total_cmp);
    let unit_bound = match (&claim.against, metric(&claim.holds.key)) {
        (None, Some(metric)) => metric.unit.of_bound(claim.holds.bound),
        _ => claim.holds.bound,
    };
    let holding = values.iter().filter(|v| claim.holds.relation.holds(**v, unit_bound)).count();
    let holds_at = |v: f64| claim.holds.relation.holds(v, unit_bound);
    let blurred = of_runs.iter().filter(|e| holds_at(e.least) != holds_at(e.most)).count();
    let holds = match holding {
        _ if values.is_empty() || blurred > 0 => Holds::Undecided,
        0 => Holds::No,
        n if n == values.len() => Holds::Yes,
        _ => Holds::Undecided,
    };
    ClaimResult {
        says: claim.says.clone(),
        metric: claim.holds.key.clone(),
        case: claim.case.clone(),
        against: claim.against.clone().unwrap_or_default(),
        bound: claim.holds.text.clone(),
        measured: median(values.iter().copied()),
        measured_min: values.first().copied(),
        measured_max: values.last().copied(),
        runs: values.len() as u32,
        holds,
        reason: reason(claim, &values, (holding, blurred), runs),
    }
}

fn reason(
    claim: &ClaimPlan,
    values: &[f64],
    (holding, blurred): (usize, usize),
    runs: &[RunResult],
) -> String {
    if blurred > 0 {
        return format!(
            "in {blurred} of {} runs the error of the target's clock could turn it",
            values.len()
        );
    }
    if !values.is_empty() && [0, values.len()].contains(&holding) {
        return String::new();
    }
    if !values.is_empty() {
        return format!("it holds in {holding} of {} runs", values.len());
    }
    let cases = || std::iter::once(claim.case.as_str()).chain(claim.against.as_deref());
    let invalid = cases().find(|case| of_case(case, runs).next().is_none());
    match invalid {
        Some(case) => format!("no run of `{case}` is to be believed"),
        None => format!("no run has a value for `{}`", claim.holds.key),
    }
}

/// Runs that may be believed.
fn of_case<'r>(case: &str, runs: &'r [RunResult]) -> impl Iterator<Item = &'r RunResult> {
    runs.iter().filter(move |r| r.case == case && r.verdict.is_believed())
}

/// A value, and the least and the most that it can be where it rests on another host's clock.
struct Ends {
    value: f64,
    least: f64,
    most: f64,
}

/// A run's value; with `against` over that of the run with the same clients, values and repeat.
fn value(claim: &ClaimPlan, run: &RunResult, runs: &[RunResult]) -> Option<Ends> {
    let metric = metric(&claim.holds.key)?;
    let of = |run: &RunResult| {
        let value = (metric.of)(run).filter(|v| v.is_finite())?;
        let is_delivery = metric.key.starts_with("delivery_");
        let epsilon = run.delivery_epsilon_ns().filter(|_| is_delivery).unwrap_or(0) as f64;
        Some(Ends { value, least: (value - epsilon).max(0.0), most: value + epsilon })
    };
    let own = of(run)?;
    let Some(against) = &claim.against else { return Some(own) };
    let twin = |r: &&RunResult| (r.clients, r.repeat, &r.swept) == (run.clients, run.repeat, &run.swept);
    let other = of_case(against, runs).find(twin).and_then(of)?;
    let ends =
        Ends { value: own.value / other.value, least: own.least / other.most, most: own.most / other.least };
    Some(ends).filter(|ends| ends.value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Verdict;
    use crate::scenario::{CLAIM_METRICS, Objective, Relation};

    fn claim(against: Option<&str>, relation: Relation, bound: f64) -> ClaimPlan {
        ClaimPlan {
            says: "polls are empty".into(),
            case: "polling".into(),
            against: against.map(str::to_owned),
            holds: Objective { key: "publish_failed".into(), text: "> 1".into(), relation, bound },
        }
    }

    fn run(case: &str, repeat: u32, value: u64) -> RunResult {
        RunResult { case: case.into(), repeat, publish_failed: value, ..RunResult::default() }
    }

    #[test]
    fn every_metric_that_a_claim_may_name_is_one() {
        for (key, _) in CLAIM_METRICS {
            assert!(metric(key).is_some(), "{key}");
        }
        for metric in crate::result::METRICS {
            assert!(CLAIM_METRICS.iter().any(|(key, _)| *key == metric.key), "{}", metric.key);
        }
    }

    #[test]
    fn it_holds_in_all_repeats_or_in_none_or_is_undecided() {
        let runs = [run("polling", 0, 3), run("polling", 1, 5), run("websocket", 0, 9)];
        let told = |relation, bound| one(&claim(None, relation, bound), &runs);
        let yes = told(Relation::Greater, 2.0);
        assert_eq!((yes.holds, yes.measured, yes.runs), (Holds::Yes, Some(4.0), 2));
        assert_eq!((yes.measured_min, yes.measured_max), (Some(3.0), Some(5.0)));
        assert_eq!(told(Relation::Greater, 5.0).holds, Holds::No);
        let split = told(Relation::Greater, 4.0);
        assert_eq!((split.holds, split.reason.as_str()), (Holds::Undecided, "it holds in 1 of 2 runs"));
    }

    #[test]
    fn what_the_error_of_a_clock_could_turn_is_undecided() {
        let mut claim = claim(Some("ws"), Relation::Greater, 1.0);
        claim.holds.key = "delivery_p50".into();
        let delivered = |case: &str, p50_ns: u64, epsilon_ns: u64| {
            let mut run = run(case, 0, 0);
            run.delivery.p50_ns = Some(p50_ns);
            run.asked_clock =
                Some(crate::result::AskedClock { epsilon_ns: Some(epsilon_ns), ..Default::default() });
            run
        };
        let told = |apart: u64| {
            one(
                &claim,
                &[delivered("polling", 5_000_000 + apart, 100_000), delivered("ws", 5_000_000, 100_000)],
            )
        };
        // Two errors of 100 us: a difference of less than 200 us is none.
        assert_eq!(told(201_000).holds, Holds::Yes);
        let near = told(199_000);
        assert_eq!(near.holds, Holds::Undecided);
        assert!(near.reason.contains("in 1 of 1 runs the error of the target's clock"), "{}", near.reason);
    }

    #[test]
    fn against_divides_twin_by_twin_and_leaves_invalid_runs_out() {
        let mut runs = vec![run("polling", 0, 30), run("polling", 1, 70), run("ws", 0, 3), run("ws", 1, 7)];
        let claim = claim(Some("ws"), Relation::AtLeast, 10.0);
        let told = one(&claim, &runs);
        assert_eq!((told.holds, told.measured, told.runs), (Holds::Yes, Some(10.0), 2));
        runs[2].verdict = Verdict::Invalid;
        assert_eq!(one(&claim, &runs).runs, 1);
        runs[3].verdict = Verdict::Invalid;
        let told = one(&claim, &runs);
        assert_eq!((told.holds, told.measured), (Holds::Undecided, None));
        assert_eq!(told.reason, "no run of `ws` is to be believed");
    }
}
