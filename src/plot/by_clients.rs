//! Delivery time and target CPU against the number of clients, for a sweep.

use super::axis::Axis;
use super::caption::Caption;
use super::case::{Case, Run};
use super::frame::{self, SideLabel};
use super::picture::{Picture, Point, Rect};
use super::text;
use crate::result::median;

const TOP: f64 = 118.0;
const FOOT: f64 = 600.0;
/// Left and right edges of the three panels.
const SPANS: [(f64, f64); 3] = [(88.0, 334.0), (406.0, 652.0), (714.0, 960.0)];

/// One panel: what it shows and how.
struct Measure {
    title: &'static str,
    value: fn(Run<'_>) -> Option<f64>,
    say: fn(f64) -> String,
    otherwise: (f64, f64),
    missing: &'static str,
}

const MEASURES: [Measure; 3] = [
    Measure {
        title: "delivery time, p50",
        value: |r| r.result.delivery.p50_ns.map(|v| v as f64),
        say: text::time,
        otherwise: (1e5, 1e9),
        missing: "no deliveries",
    },
    Measure {
        title: "delivery time, p99",
        value: |r| r.result.delivery.p99_ns.map(|v| v as f64),
        say: text::time,
        otherwise: (1e5, 1e9),
        missing: "too few deliveries",
    },
    Measure {
        title: "target CPU µs per delivery",
        value: |r| r.result.target_cost.as_ref()?.cpu_us_per_delivery,
        say: text::plain,
        otherwise: (1.0, 100.0),
        missing: "not measured",
    },
];

/// Whether there is a sweep to draw.
pub(super) fn has_sweep(cases: &[Case<'_>]) -> bool {
    let mut counts: Vec<u32> = cases.iter().flat_map(Case::client_counts).collect();
    counts.sort_unstable();
    counts.dedup();
    counts.len() > 1
}

/// Draws the chart.
pub(super) fn draw(subtitle: &str, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let repeats = cases.iter().any(|c| c.runs.len() > c.client_counts().len());
    let spread = if repeats { " · line: median of the runs, pale bars: least to greatest" } else { "" };
    let subtitle = format!("{subtitle}{spread}");
    let mut picture = frame::framed("Delivery time and target CPU by number of clients", &subtitle, caption);
    let mut ends: Vec<Option<Point>> = vec![None; cases.len()];
    for (measure, (left, right)) in MEASURES.iter().zip(SPANS) {
        let panel = Rect::new(left, TOP, right, FOOT);
        ends = one(&mut picture, panel, measure, cases);
    }
    let labels: Vec<_> =
        cases.iter().zip(ends).map(|(case, end)| SideLabel { case, end, more: String::new() }).collect();
    frame::side_labels(&mut picture, Rect::new(SPANS[2].0, TOP, SPANS[2].1, FOOT), &labels);
    picture
}

/// One panel; gives where the lines end.
fn one(picture: &mut Picture, panel: Rect, measure: &Measure, cases: &[Case<'_>]) -> Vec<Option<Point>> {
    let x = clients_axis(cases, panel);
    let values = cases.iter().flat_map(|c| &c.runs).filter_map(|r| (measure.value)(*r));
    let y = Axis::log_around(values, measure.otherwise, panel.bottom, panel.top);
    frame::panel_title(picture, panel, measure.title);
    frame::rows(picture, panel, y, 9.0, measure.say);
    frame::columns(picture, panel, x, &counts(cases), text::count);
    frame::edges(picture, panel);
    frame::level_title(picture, panel, "clients (log scale)");
    let ends: Vec<_> = cases.iter().map(|case| line(picture, case, measure, x, y)).collect();
    if ends.iter().all(Option::is_none) {
        frame::instead(picture, panel, measure.missing);
    }
    ends
}

fn counts(cases: &[Case<'_>]) -> Vec<f64> {
    let mut counts: Vec<u32> = cases.iter().flat_map(Case::client_counts).collect();
    counts.sort_unstable();
    counts.dedup();
    counts.into_iter().map(f64::from).collect()
}

/// From a little below the least to a little above the greatest count.
fn clients_axis(cases: &[Case<'_>], panel: Rect) -> Axis {
    let counts = counts(cases);
    let (lo, hi) = (counts.first().copied().unwrap_or(1.0), counts.last().copied().unwrap_or(10.0));
    let margin = (hi / lo.max(1.0)).powf(0.07);
    Axis::log(lo.max(1.0) / margin, hi * margin, panel.left, panel.right)
}

/// A case's line through the medians of its repeats, a pale bar from the least to the greatest.
fn line(picture: &mut Picture, case: &Case<'_>, measure: &Measure, x: Axis, y: Axis) -> Option<Point> {
    let mut points: Vec<Point> = Vec::new();
    for clients in case.client_counts() {
        let at = case.at(clients);
        let values: Vec<f64> = at.runs.iter().filter_map(|r| (measure.value)(*r)).collect();
        let Some(middle) = median(values.iter().copied()) else { continue };
        let place = |v: f64| (x.at(f64::from(clients)), y.at(v));
        let lo = values.iter().copied().fold(middle, f64::min);
        let hi = values.iter().copied().fold(middle, f64::max);
        picture.line(vec![place(lo), place(hi)], 5.0, case.look.colour.faint(0.35));
        points.push(place(middle));
    }
    frame::case_line(picture, case, &points, 3.0);
    points.iter().for_each(|p| frame::case_mark(picture, case, *p));
    points.last().copied()
}
