//! What the target paid beyond the columns, in words: medians over the repeats of a row.

use super::number::three_digits;
use crate::result::{RunResult, TargetCost, median};

/// Below this share of the load, what nobody was charged for is told without a caution.
const MUCH: f64 = 0.2;

/// One line or none.
pub(super) fn notes(runs: &[(usize, &RunResult)]) -> Vec<String> {
    let costs: Vec<&TargetCost> = runs.iter().filter_map(|(_, r)| r.target_cost.as_ref()).collect();
    let parts: Vec<String> =
        [afar(&costs), split(&costs), unattributed(&costs), kept(&costs)].into_iter().flatten().collect();
    if parts.is_empty() { Vec::new() } else { vec![format!("the target: {}", parts.join("; "))] }
}

/// The median of those that have it; `None` when one has not.
fn middle(costs: &[&TargetCost], of: impl Fn(&TargetCost) -> Option<f64>) -> Option<f64> {
    median(costs.iter().map(|c| of(c)).collect::<Option<Vec<f64>>>()?)
}

/// Who read it, when that was not this program.
fn afar(costs: &[&TargetCost]) -> Option<String> {
    let source = &costs.first()?.source;
    let far = source.contains("://") && costs.iter().all(|c| c.source == *source);
    far.then(|| format!("read by the probe at {source}"))
}

fn split(costs: &[&TargetCost]) -> Option<String> {
    let share = |c: &TargetCost| c.cpu.user_s.filter(|_| c.cpu_s > 0.0).map(|user| user / c.cpu_s);
    let user = middle(costs, share)? * 100.0;
    Some(format!("CPU {user:.0} % user, {:.0} % system", 100.0 - user.round()))
}

fn unattributed(costs: &[&TargetCost]) -> Option<String> {
    let share = middle(costs, |c| c.cpu.unattributed_share)?;
    let each = middle(costs, |c| c.cpu.unattributed_us_per_delivery);
    let error = middle(costs, TargetCost::unattributed_error_us_per_delivery);
    let within = each.zip(error).is_some_and(|(us, error)| us.abs() <= error);
    let error = error.map_or(String::new(), |us| format!(" +- {}", three_digits(us)));
    let each = each.map_or(String::new(), |us| format!(" ({}{error} us/msg)", three_digits(us)));
    let caution = match share.abs() > MUCH {
        _ if within => ", not told from zero",
        true => ", which is much: was something else running?",
        false => "",
    };
    Some(format!(
        "{:.0} % of the machine's CPU time under the load was charged neither to it nor to the generator{each}{caution}",
        share * 100.0
    ))
}

fn kept(costs: &[&TargetCost]) -> Option<String> {
    let kept = middle(costs, |c| Some(c.memory.pss_bytes_kept? as f64))?;
    let settle = middle(costs, |c| c.memory.settle_s)?;
    Some(format!("{} MiB kept {settle:.1} s after all clients left", three_digits(kept / f64::from(1 << 20))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(user_s: f64, share: f64, kept: i64) -> RunResult {
        let mut cost = TargetCost { cpu_s: 4.0, ..TargetCost::default() };
        cost.cpu.user_s = Some(user_s);
        cost.cpu.unattributed_share = Some(share);
        cost.cpu.unattributed_us_per_delivery = Some(share * 10.0);
        cost.cpu_us_per_delivery = Some(8.0);
        cost.cpu.unattributed_error_s = Some(0.1);
        cost.memory.pss_bytes_kept = Some(kept);
        cost.memory.settle_s = Some(1.0);
        RunResult { target_cost: Some(cost), ..RunResult::default() }
    }

    #[test]
    fn medians_of_what_every_repeat_knows() {
        let (a, b, c) = (run(1.0, 0.1, 1 << 20), run(3.0, 0.12, 3 << 20), run(1.2, 0.11, 2 << 20));
        assert_eq!(
            notes(&[(0, &a), (1, &b), (2, &c)]),
            [
                "the target: CPU 30 % user, 70 % system; 11 % of the machine's CPU time under the load was charged neither \
              to it nor to the generator (1.10 +- 0.200 us/msg); 2.00 MiB kept 1.0 s after all clients left"
            ]
        );
    }

    #[test]
    fn what_lies_within_its_error_is_not_told_from_zero() {
        let told = |error_s| {
            let mut run = run(1.0, 0.3, 0);
            run.target_cost.as_mut().unwrap().cpu.unattributed_error_s = error_s;
            notes(&[(0, &run)]).remove(0)
        };
        assert!(
            told(Some(2.0)).contains("(3.00 +- 4.00 us/msg), not told from zero;"),
            "{}",
            told(Some(2.0))
        );
        assert!(told(Some(1.0)).contains("(3.00 +- 2.00 us/msg), which is much"), "{}", told(Some(1.0)));
        assert!(told(None).contains("(3.00 us/msg), which is much"), "{}", told(None));
    }

    #[test]
    fn a_probe_elsewhere_is_named() {
        let mut far = run(1.0, 0.1, 0);
        far.target_cost.as_mut().unwrap().source = "https://10.0.0.5:9911".into();
        let told = notes(&[(0, &far)]);
        assert!(
            told[0].starts_with("the target: read by the probe at https://10.0.0.5:9911; CPU"),
            "{told:?}"
        );
        let mut near = run(1.0, 0.1, 0);
        near.target_cost.as_mut().unwrap().source = "local".into();
        assert!(notes(&[(0, &near)])[0].starts_with("the target: CPU"));
        assert!(notes(&[(0, &near), (1, &far)])[0].starts_with("the target: CPU"));
    }

    #[test]
    fn much_that_belongs_to_nobody_is_doubted_and_what_is_unknown_is_left_out() {
        let told = notes(&[(0, &run(1.0, 0.5, -(1 << 20)))]);
        assert!(told[0].contains("something else") && told[0].contains("-1.00 MiB kept"), "{told:?}");
        let (known, mut unknown) = (run(1.0, 0.1, 0), run(1.0, 0.1, 0));
        unknown.target_cost.as_mut().unwrap().cpu.unattributed_share = None;
        let told = notes(&[(0, &known), (1, &unknown)]);
        assert!(told[0].starts_with("the target: CPU 25 % user") && !told[0].contains("charged"), "{told:?}");
        assert_eq!(notes(&[(0, &RunResult::default())]), Vec::<String>::new());
    }
}
