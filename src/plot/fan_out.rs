//! Fan-out: when the first, the median and the last receiver of a message had it, case by case.

use super::axis::Axis;
use super::caption::Caption;
use super::case::{Case, Run};
use super::frame;
use super::picture::{Anchor, Colour, Picture, Rect, Text};
use super::stroke::{self, Mark};
use super::text;
use crate::result::median;
use crate::result::{FanOut, Quantiles};

const PANEL: Rect = Rect::new(330.0, 118.0, 984.0, 600.0);
/// Where the figures stand.
const FIGURES: f64 = 1000.0;
/// Lanes as high as this have words of their own.
const ROOM_FOR_WORDS: f64 = 24.0;

type Of = fn(&FanOut) -> &Quantiles;

/// The three lanes of a case.
const LANES: [(&str, Of); 3] = [("first", |f| &f.first), ("median", |f| &f.median), ("last", |f| &f.last)];

/// One lane of a case, of the median run: nanoseconds.
struct Lane {
    name: &'static str,
    p50: Option<f64>,
    p99: Option<f64>,
    /// Where p99 falls among what never came: at least this.
    at_least: Option<f64>,
}

/// Whether any message had several receivers.
pub(super) fn has_fan_out(cases: &[Case<'_>]) -> bool {
    cases.iter().flat_map(|c| &c.runs).any(|r| r.result.fanned_out().is_some())
}

/// Draws the chart.
pub(super) fn draw(subtitle: &str, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let title = "Fan-out: when the first, the median and the last receiver had a message";
    let mut picture = frame::framed(title, subtitle, caption);
    let all: Vec<Vec<Lane>> = cases.iter().map(lanes).collect();
    let values = all.iter().flatten().flat_map(|l| [l.p50, l.p99, l.at_least]).flatten();
    let x = Axis::log_around(values, (1e5, 1e9), PANEL.left, PANEL.right - 12.0);
    let repeats = if cases.iter().any(|c| c.runs.len() > 1) { ", median of the runs" } else { "" };
    let words = format!("from p50 (mark) to p99 (bar){repeats}; from above: first, median, last receiver");
    frame::panel_title(&mut picture, PANEL, &words);
    frame::columns(&mut picture, PANEL, x, &x.ticks(7.0), text::time);
    frame::edges(&mut picture, PANEL);
    frame::level_title(&mut picture, PANEL, "delivery time (log scale), publish to client");
    let height = (PANEL.bottom - PANEL.top) / cases.len().max(1) as f64;
    for (i, (case, lanes)) in cases.iter().zip(&all).enumerate() {
        let top = PANEL.top + height * i as f64;
        block(&mut picture, case, lanes, (top, height), x);
    }
    picture
}

fn lanes(case: &Case<'_>) -> Vec<Lane> {
    let lane = |(name, of): (&'static str, Of)| {
        let middle = |value: fn(&Quantiles) -> Option<u64>| {
            let of_run = |r: &Run<'_>| value(of(r.result.fanned_out()?)).map(|ns| ns as f64);
            // A run without the value has it later than all others, or not at all.
            let values: Vec<f64> = case.runs.iter().filter_map(of_run).collect();
            if values.len() < case.runs.len() { None } else { median(values) }
        };
        let (p50, p99) = (middle(|q| q.p50_ns), middle(|q| q.p99_ns));
        let given = case.runs.iter().filter_map(|r| censored(r, of)).min();
        Lane { name, p50, p99, at_least: given.filter(|_| p99.is_none()).map(|ns| ns as f64) }
    };
    LANES.into_iter().map(lane).collect()
}

/// The time that was given to what never came, where the 99th percentile is among it.
fn censored(run: &Run<'_>, of: Of) -> Option<u64> {
    let fan = run.result.fanned_out()?;
    let missing = fan.messages.saturating_sub(of(fan).count);
    run.result.delivery_censored_at_ns.filter(|_| missing as f64 > 0.01 * fan.messages as f64)
}

fn block(picture: &mut Picture, case: &Case<'_>, lanes: &[Lane], (top, height): (f64, f64), x: Axis) {
    if top > PANEL.top {
        picture.line(vec![(28.0, top), (PANEL.right, top)], 1.0, Colour::GRID);
    }
    let step = height * 0.84 / lanes.len() as f64;
    let words = step >= ROOM_FOR_WORDS;
    let room = if words { 196.0 } else { 268.0 };
    let name = Text::new((56.0, top + height / 2.0 + 6.0), frame::case_name(case, 18.0, room)).size(18.0);
    frame::case_mark(picture, case, (38.0, top + height / 2.0));
    picture.text(if case.is_doubtful() { name.bold() } else { name });
    if lanes.iter().all(|l| l.p50.is_none()) {
        let middle = Rect::new(PANEL.left, top, PANEL.right, top + height);
        return frame::instead(picture, middle, "no fan-out measured");
    }
    for (i, lane) in lanes.iter().enumerate() {
        let y = top + height * 0.08 + step * (i as f64 + 0.5);
        bar(picture, case, lane, x, y, (step * 0.5).clamp(3.0, 16.0));
        if words {
            said(picture, lane, y + 5.5);
        }
    }
}

fn bar(picture: &mut Picture, case: &Case<'_>, lane: &Lane, x: Axis, y: f64, width: f64) {
    let Some(p50) = lane.p50.map(|v| x.at(v)) else { return };
    let colour = case.look.colour;
    if let Some(p99) = lane.p99.map(|v| x.at(v)) {
        picture.block(Rect::new(p50, y - width / 2.0, p99, y + width / 2.0), colour.faint(0.45));
        picture.line(vec![(p99, y - width / 2.0 - 2.0), (p99, y + width / 2.0 + 2.0)], 3.0, colour);
    } else if let Some(given) = lane.at_least.map(|v| x.at(v)) {
        stroke::dashed(picture, &[(p50, y), (given, y)], 2.0, colour);
        stroke::marker(picture, (given, y), Mark::Diamond, colour, true);
    }
    stroke::marker(picture, (p50, y), case.look.mark, colour, case.look.hollow);
}

/// The lane's name and its figures.
fn said(picture: &mut Picture, lane: &Lane, baseline: f64) {
    let name = Text::new((PANEL.left - 9.0, baseline), lane.name).anchor(Anchor::Right);
    picture.text(name.colour(Colour::MUTED));
    let p99 = match (lane.p99, lane.at_least) {
        (Some(p99), _) => format!(" · p99 {}", text::time(p99)),
        (None, Some(given)) => format!(" · p99 ≥ {}", text::time(given)),
        (None, None) => String::new(),
    };
    if let Some(p50) = lane.p50 {
        picture.text(Text::new((FIGURES, baseline), format!("p50 {}{p99}", text::time(p50))));
    }
}
