//! When a run is warm: the stationarity test on series of one-second windows.
//!
//! MSER tells where a series would best be cut; on short noisy series it likes to cut even what is
//! stationary. So a cut counts only when what lies before it differs from what comes after it, by more than
//! a tolerance and by more than chance; and what is kept must show no trend and no other end. All three series of a run (median
//! and mean delivery time, throughput) have to agree that it has settled.

use super::describe::{independent, mean, median, sd};
use super::mser::{mser, statistic};
use super::student::limit_1_percent;
use super::trend::trend;

/// Windows that must lie after the cut before a run counts as warm.
pub const LEAST_KEPT: usize = 5;
/// Windows that must have been seen before a run counts as warm: a beginning that is slow but even looks
/// like a steady state until it ends.
pub const LEAST_SEEN: usize = 8;
/// A beginning that differs less than this share from the rest is none, and so is a trend.
pub const TOLERANCE: f64 = 0.10;
/// The limit of chance is raised by this: the cut was chosen as the best of many.
const CHOSEN: f64 = 1.5;

/// What a series says about its beginning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beginning {
    /// Windows that are warm-up; 0: none is.
    pub cut: usize,
    /// Median of the windows before the cut; that of all without a cut.
    pub before: f64,
    /// Median of the windows after it.
    pub after: f64,
    /// MSER's statistic of what is kept.
    pub statistic: f64,
    /// Whether the series had settled by its end: the cut is not as late as the rule looks, and what is
    /// kept shows no trend and ends as it was.
    pub settled: bool,
}

/// Looks at a series. `None` with fewer than [`LEAST_KEPT`] windows.
pub fn beginning(series: &[f64]) -> Option<Beginning> {
    if series.len() < LEAST_KEPT {
        return None;
    }
    let found = mser(series)?;
    let cut = real_cut(series, found.cut);
    let kept = &series[cut..];
    let falls = found.at_limit && may_differ(&series[..found.cut], &series[found.cut..]);
    let drifts = trend(kept).is_some_and(|t| t.significant && t.change.abs() > TOLERANCE);
    let after = median(kept)?;
    Some(Beginning {
        cut,
        before: median(&series[..cut]).unwrap_or(after),
        after,
        statistic: statistic(kept),
        settled: !falls && !drifts && !turns(kept) && kept.len() >= LEAST_KEPT,
    })
}

/// MSER's cut, moved to just behind the last window that differs from what is kept: near its least the
/// statistic is flat, and the rule gives away good windows. 0 when what lies before differs in nothing.
fn real_cut(series: &[f64], cut: usize) -> usize {
    let (head, kept) = series.split_at(cut);
    match differs(head, kept) {
        true => head.iter().rposition(|x| differs(&[*x], kept)).map_or(cut, |last| last + 1),
        false => 0,
    }
}

/// Whether a series ends otherwise than it was before: the same rule, read backwards.
fn turns(kept: &[f64]) -> bool {
    let backwards: Vec<f64> = kept.iter().rev().copied().collect();
    let cut = mser(&backwards).map_or(0, |found| found.cut);
    may_differ(&backwards[..cut], &backwards[cut..])
}

/// Whether some windows differ from those that are kept, by more than tolerance and chance: so much that it
/// may be said of a run.
fn differs(some: &[f64], kept: &[f64]) -> bool {
    let (of_some, of_kept) = (independent(some), independent(kept));
    let limit = CHOSEN * limit_1_percent((of_kept - 1.0).max(2.0));
    apart(some, kept) > limit * (1.0 / of_some + 1.0 / of_kept).sqrt()
}

/// The same with less certainty, for the question whether to wait another second: there a false yes is cheap.
fn may_differ(some: &[f64], kept: &[f64]) -> bool {
    let (of_some, of_kept) = (some.len() as f64, kept.len() as f64);
    let limit = limit_1_percent(of_kept - 1.0);
    apart(some, kept) > limit * (1.0 / of_some + 1.0 / of_kept).sqrt()
}

/// How many standard deviations of the kept windows the means lie apart; 0 within the tolerance.
fn apart(some: &[f64], kept: &[f64]) -> f64 {
    let (Some(other), Some(level), Some(spread)) = (mean(some), mean(kept), sd(kept)) else { return 0.0 };
    let distance = (other - level).abs();
    if distance <= TOLERANCE * level.abs() { 0.0 } else { distance / spread }
}

/// What several series of the same windows say together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warm {
    /// Windows that are warm-up: as many as the series says that says most.
    pub cut: usize,
    /// Whether all have settled, after [`LEAST_SEEN`] windows at least of which [`LEAST_KEPT`] lie after the cut.
    pub settled: bool,
}

/// Whether a run is warm, by several series of the same windows; what a window cannot tell is `None` in
/// it. `None` as long as one of them is too short.
pub fn warm(series: &[Vec<Option<f64>>]) -> Option<Warm> {
    let mut warm = Warm { cut: 0, settled: true };
    for one in series {
        let told: Vec<(usize, f64)> = one.iter().enumerate().filter_map(|(i, x)| Some((i, (*x)?))).collect();
        let found = beginning(&told.iter().map(|t| t.1).collect::<Vec<_>>())?;
        // Windows that tell nothing before the first one kept belong to the beginning only with it.
        let cut = if found.cut > 0 { told.get(found.cut).map_or(one.len(), |t| t.0) } else { 0 };
        warm.cut = warm.cut.max(cut);
        warm.settled &= found.settled && told.len() >= LEAST_SEEN;
    }
    let kept = series.iter().map(Vec::len).min()?.saturating_sub(warm.cut);
    Some(Warm { settled: warm.settled && kept >= LEAST_KEPT, ..warm })
}

#[cfg(test)]
pub(super) mod noise;
#[cfg(test)]
mod tests;
