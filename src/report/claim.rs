//! Claims in words.

use super::number::three_digits;
use super::objective::{ObjectiveLine, in_unit};
use crate::result::{ClaimResult, Holds, Summary};

/// One line for each claim: what is said, the number, and whether it holds here.
pub(super) fn lines(summary: &Summary) -> Vec<ObjectiveLine> {
    summary.claims.iter().map(line).collect()
}

fn line(claim: &ClaimResult) -> ObjectiveLine {
    let (words, met) = match claim.holds {
        Holds::Yes => ("holds", Some(true)),
        Holds::No => ("does not hold", Some(false)),
        Holds::Undecided => ("undecided", None),
    };
    let against =
        if claim.against.is_empty() { String::new() } else { format!(" over that of {}", claim.against) };
    let said = if claim.reason.is_empty() { String::new() } else { format!(" ({})", claim.reason) };
    ObjectiveLine {
        label: format!("{} of {}{against}", claim.metric, claim.case),
        key: claim.says.clone(),
        objective: claim.bound.clone(),
        met,
        words: words.to_owned(),
        measured: format!("{}{said}", measured(claim)),
    }
}

fn measured(claim: &ClaimResult) -> String {
    let show = |v: f64| match claim.against.is_empty() {
        true => in_unit(&claim.metric, v),
        false => format!("{} : 1", three_digits(v)),
    };
    match (claim.measured, claim.measured_min, claim.measured_max) {
        (Some(middle), Some(least), Some(greatest)) if claim.runs > 1 => {
            format!("{} ({} .. {})", show(middle), show(least), show(greatest))
        }
        (Some(only), ..) => show(only),
        _ => "-".to_owned(),
    }
}
