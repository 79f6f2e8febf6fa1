//! Delivery time by percentile: x = 1 / (1 - q), both axes logarithmic.

use super::axis::Axis;
use super::caption::Caption;
use super::case::Case;
use super::curve::{self, Curve};
use super::frame::{self, SideLabel};
use super::picture::{Picture, Point, Rect};
use super::stroke::{self, Mark};
use super::text;

const PANEL: Rect = Rect::new(96.0, 118.0, 960.0, 600.0);
/// Draws the chart.
pub(super) fn draw(subtitle: &str, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let mut picture = frame::framed("Delivery time by percentile, publish to client", subtitle, caption);
    let curves: Vec<Curve> = cases.iter().map(|case| Curve::of(case, |i| &i.delivery)).collect();
    let all = || curves.iter().flat_map(|c| &c.points);
    let right = all().map(|p| p.0).fold(100.0, f64::max);
    let x = Axis::log(1.0, right, PANEL.left, PANEL.right - 16.0);
    let values = all().flat_map(|p| [p.1, p.3]).chain(curves.iter().filter_map(|c| c.at_least_ns));
    let y = Axis::log_around(values, (1e5, 1e9), PANEL.bottom, PANEL.top);
    axes(&mut picture, x, y, cases.iter().any(|c| c.runs.len() > 1));
    if curves.iter().all(|c| c.points.is_empty()) {
        frame::instead(&mut picture, PANEL, nothing(&curves));
    }
    for (case, curve) in cases.iter().zip(&curves) {
        envelope(&mut picture, case, curve, x, y);
    }
    for (case, curve) in cases.iter().zip(&curves) {
        median_line(&mut picture, case, curve, x, y);
    }
    let labels: Vec<_> = cases.iter().zip(&curves).map(|(c, curve)| label(c, curve, x, y)).collect();
    frame::side_labels(&mut picture, PANEL, &labels);
    picture
}

fn axes(picture: &mut Picture, x: Axis, y: Axis, repeats: bool) {
    let more = if repeats { "; line: median of the runs, shaded: least to greatest" } else { "" };
    frame::panel_title(picture, PANEL, &format!("delivery time (log scale{more})"));
    frame::rows(picture, PANEL, y, 9.0, text::time);
    frame::columns(picture, PANEL, x, &curve::percentiles(x), text::percentile);
    frame::edges(picture, PANEL);
    let title =
        "percentile of deliveries (log scale of 1/(1−q); cut where fewer than 10 publishes lie beyond)";
    frame::level_title(picture, PANEL, title);
}

fn nothing(curves: &[Curve]) -> &'static str {
    let none = curves.iter().all(|c| c.samples == 0);
    if none { "no deliveries" } else { "too few deliveries for any percentile" }
}

/// The least and greatest of the runs, shaded.
fn envelope(picture: &mut Picture, case: &Case<'_>, curve: &Curve, x: Axis, y: Axis) {
    if case.runs.len() < 2 {
        return;
    }
    let upper = curve.points.iter().map(|p| (x.at(p.0), y.at(p.3)));
    let lower = curve.points.iter().rev().map(|p| (x.at(p.0), y.at(p.1)));
    picture.area(upper.chain(lower).collect(), case.look.colour.faint(0.22));
}

fn median_line(picture: &mut Picture, case: &Case<'_>, curve: &Curve, x: Axis, y: Axis) {
    let place = |p: &(f64, f64, f64, f64)| (x.at(p.0), y.at(p.2));
    let points: Vec<Point> = curve.points.iter().map(place).collect();
    frame::case_line(picture, case, &points, 3.0);
    let last = curve.points.last().map_or(0.0, |p| p.0);
    for inverse in curve::percentiles(x).into_iter().filter(|v| *v > 1.0 && *v <= last) {
        if let Some(p) = curve.points.iter().find(|p| p.0 >= inverse * 0.999) {
            frame::case_mark(picture, case, place(p));
        }
    }
    never_came(picture, case, curve, x, y);
}

/// Where a curve meets what never came it goes up, to at least the time that was given.
fn never_came(picture: &mut Picture, case: &Case<'_>, curve: &Curve, x: Axis, y: Axis) {
    let (Some(at_least), Some(last)) = (curve.at_least_ns, curve.points.last()) else { return };
    let (right, top) = (x.at(last.0), y.at(at_least.max(last.2)));
    stroke::dashed(picture, &[(right, y.at(last.2)), (right, top)], 2.0, case.look.colour);
    stroke::marker(picture, (right, top), Mark::Up, case.look.colour, true);
}

fn label<'c, 'a>(case: &'c Case<'a>, curve: &Curve, x: Axis, y: Axis) -> SideLabel<'c, 'a> {
    let end = curve.points.last().map(|p| (x.at(p.0), y.at(p.2)));
    SideLabel { case, end, more: figures(curve) }
}

/// The median and the 99th percentile in words, as far as there are samples for them.
fn figures(curve: &Curve) -> String {
    match (curve.said(2.0), curve.said(100.0), curve.samples) {
        (Some(p50), Some(p99), _) => format!("p50 {p50} · p99 {p99}"),
        (Some(p50), None, _) => format!("p50 {p50}"),
        (None, _, 0) => "no deliveries".to_owned(),
        (None, _, n) => format!("only {}", text::counted(n as usize, "delivery", "deliveries")),
    }
}
