//! What the measured seconds say about whether they were a steady state.

use super::Gathered;
use super::series::spans;
use crate::analysis::halves::halves;
use crate::analysis::steady::{TOLERANCE, beginning};
use crate::engine::warm::Window;
use crate::model::Nanos;
use crate::result::Steady;

/// The stationarity test on the windows of `measure`, beside how the warm-up ended.
pub(super) fn steady(gathered: &Gathered) -> Steady {
    let (timeline, warmed) = (&gathered.timeline, &gathered.warmed);
    let windows: Vec<Window> = spans(gathered)
        .filter(|(start, i)| *start >= timeline.measure && i.end <= timeline.drain)
        .filter_map(|(start, interim)| Window::of(start, interim))
        .filter(|w| w.p50_ns.is_some())
        .collect();
    let told = Steady {
        auto: warmed.auto,
        warmup_s: Some((timeline.measure - timeline.connected).as_secs_f64()),
        reached: warmed.reached,
        warmup_cut_s: warmed.cut.map(Nanos::as_secs_f64),
        windows: windows.len() as u32,
        ..Steady::default()
    };
    with_halves(with_beginning(told, &windows, timeline.measure), &windows)
}

fn medians(windows: &[Window]) -> Vec<f64> {
    windows.iter().filter_map(|w| w.p50_ns).collect()
}

fn with_beginning(told: Steady, windows: &[Window], measure: Nanos) -> Steady {
    let Some(found) = beginning(&medians(windows)) else { return told };
    let from = windows.get(found.cut).filter(|_| found.cut > 0).map_or(measure, |w| w.start);
    Steady {
        cut_s: Some((from - measure).as_secs_f64()),
        before_p50_ns: (found.cut > 0).then_some(found.before),
        after_p50_ns: Some(found.after),
        error_share: Some(found.statistic.sqrt() / found.after),
        ..told
    }
}

fn with_halves(told: Steady, windows: &[Window]) -> Steady {
    let Some(found) = halves(&medians(windows), TOLERANCE) else { return told };
    Steady {
        first_half_p50_ns: Some(found.first),
        second_half_p50_ns: Some(found.second),
        halves_ratio: Some(found.ratio),
        halves_chance_ratio: Some(found.chance),
        halves_agree: Some(found.agree),
        ..told
    }
}
