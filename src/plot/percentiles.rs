//! Delivery time by percentile: x = 1 / (1 - q), both axes logarithmic.

use super::axis::Axis;
use super::caption::Caption;
use super::case::{Case, Run, median};
use super::frame::{self, SideLabel};
use super::picture::{Picture, Point, Rect};
use super::text;
use hdrhistogram::Histogram;

const PANEL: Rect = Rect::new(96.0, 118.0, 960.0, 600.0);
/// Points of a curve for each decade of 1 / (1 - q).
const POINTS: i32 = 48;
/// 0 %, 50 %, 75 %, 90 %, 99 % and so on, as 1 / (1 - q).
const PERCENTILES: [f64; 12] = [1.0, 2.0, 4.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// A quantile needs so many samples beyond it.
const BEYOND: f64 = 10.0;
/// Below a microsecond no delivery time is measured.
const FLOOR_NS: f64 = 1_000.0;

/// A case's curve; empty when too few samples were had.
struct Curve {
    /// 1 / (1 - q) and the least, median and greatest of the runs, nanoseconds.
    points: Vec<(f64, f64, f64, f64)>,
    samples: u64,
}

/// Draws the chart.
pub(super) fn draw(subtitle: &str, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let mut picture = frame::framed("Delivery time by percentile, publish to client", subtitle, caption);
    let curves: Vec<Curve> = cases.iter().map(curve).collect();
    let all = || curves.iter().flat_map(|c| &c.points);
    let right = all().map(|p| p.0).fold(100.0, f64::max);
    let x = Axis::log(1.0, right, PANEL.left, PANEL.right - 16.0);
    let values = all().flat_map(|p| [p.1, p.3]);
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
    frame::columns(picture, PANEL, x, &percentiles(x), text::percentile);
    frame::edges(picture, PANEL);
    let title = "percentile of deliveries (log scale of 1/(1−q); cut where fewer than 10 samples lie beyond)";
    frame::level_title(picture, PANEL, title);
}

fn nothing(curves: &[Curve]) -> &'static str {
    let none = curves.iter().all(|c| c.samples == 0);
    if none { "no deliveries" } else { "too few deliveries for any percentile" }
}

/// The percentiles that the axis names.
fn percentiles(x: Axis) -> Vec<f64> {
    PERCENTILES.into_iter().filter(|v| *v <= x.hi * 1.001).collect()
}

fn curve(case: &Case<'_>) -> Curve {
    let all: Vec<Histogram<u64>> = case.runs.iter().map(|r| merged(*r)).collect();
    let samples = all.iter().map(Histogram::len).sum();
    let runs: Vec<_> = all.into_iter().filter(|h| h.len() as f64 >= 2.0 * BEYOND).collect();
    let limit = runs.iter().map(|h| h.len() as f64 / BEYOND).fold(f64::MAX, f64::min);
    if runs.is_empty() {
        return Curve { points: Vec::new(), samples };
    }
    let grid = (0..).map(|i| 10_f64.powf(f64::from(i) / f64::from(POINTS)));
    let mut grid: Vec<f64> = grid.take_while(|x| *x < limit * 0.999).collect();
    grid.extend(PERCENTILES.into_iter().filter(|x| *x < limit));
    grid.push(limit);
    grid.sort_by(f64::total_cmp);
    let points = grid.into_iter().map(|inverse| {
        let at: Vec<f64> = runs.iter().map(|h| value(h, inverse)).collect();
        let (lo, hi) = at.iter().fold((f64::MAX, 0.0_f64), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
        (inverse, lo, median(at.into_iter()).unwrap_or(lo), hi)
    });
    Curve { points: points.collect(), samples }
}

fn value(histogram: &Histogram<u64>, inverse: f64) -> f64 {
    (histogram.value_at_quantile(1.0 - 1.0 / inverse) as f64).max(FLOOR_NS)
}

/// All delivery times of a run's `measure`.
fn merged(run: Run<'_>) -> Histogram<u64> {
    let mut all = Histogram::new(3).expect("3 digits are allowed");
    for interval in run.latency() {
        all.add(&interval.delivery).expect("a histogram that grows takes every value");
    }
    all
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
    for inverse in percentiles(x).into_iter().filter(|v| *v > 1.0 && *v <= last) {
        if let Some(p) = curve.points.iter().find(|p| p.0 >= inverse * 0.999) {
            frame::case_mark(picture, case, place(p));
        }
    }
}

fn label<'c, 'a>(case: &'c Case<'a>, curve: &Curve, x: Axis, y: Axis) -> SideLabel<'c, 'a> {
    let end = curve.points.last().map(|p| (x.at(p.0), y.at(p.2)));
    SideLabel { case, end, more: figures(curve) }
}

/// The median and the 99th percentile in words, as far as there are samples for them.
fn figures(curve: &Curve) -> String {
    let at = |inverse: f64| curve.points.iter().find(|p| p.0 >= inverse * 0.999).map(|p| text::time(p.2));
    match (at(2.0), at(100.0), curve.samples) {
        (Some(p50), Some(p99), _) => format!("p50 {p50} · p99 {p99}"),
        (Some(p50), None, _) => format!("p50 {p50}"),
        (None, _, 0) => "no deliveries".to_owned(),
        (None, _, n) => format!("only {}", text::counted(n as usize, "delivery", "deliveries")),
    }
}
