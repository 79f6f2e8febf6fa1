//! Delivery time from when messages were due and from when they were sent, on the same axes: what lies
//! between is what a tool that times from the actual send does not see (coordinated omission).

use super::axis::Axis;
use super::caption::Caption;
use super::case::Case;
use super::curve::{self, Curve};
use super::frame;
use super::picture::{Anchor, Colour, Picture, Point, Rect, Text};
use super::{font, text};

/// Where the panels lie.
const ALL: Rect = Rect::new(96.0, 122.0, 1252.0, 600.0);
/// Between two panels: level for the last and the first percentile, upright for those and a name.
const GAP: (f64, f64) = (56.0, 60.0);
/// A gap of this much at the 99th percentile is marked.
const LARGE: f64 = 2.0;

/// One case with its two curves.
struct Pair<'c, 'a> {
    case: &'c Case<'a>,
    due: Curve,
    sent: Curve,
}

/// Whether there is anything to draw.
pub(super) fn has_both(cases: &[Case<'_>]) -> bool {
    cases.iter().flat_map(|c| &c.runs).any(|r| r.latency().iter().any(|l| !l.delivery_from_send.is_empty()))
}

/// Draws the chart: a panel for each case.
pub(super) fn draw(subtitle: &str, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let title = "Coordinated omission: delivery time from due and from sent";
    let mut picture = frame::framed(title, subtitle, caption);
    let pairs: Vec<Pair<'_, '_>> = cases.iter().map(pair).collect();
    let points = || pairs.iter().flat_map(|p| p.due.points.iter().chain(&p.sent.points));
    let right = points().map(|p| p.0).fold(100.0, f64::max);
    let (across, down) = grid(pairs.len());
    for (i, pair) in pairs.iter().enumerate() {
        let panel = place(i, across, down);
        let x = Axis::log(1.0, right, panel.left, panel.right - 16.0);
        let y = Axis::log_around(points().map(|p| p.2), (1e5, 1e9), panel.bottom, panel.top);
        axes(&mut picture, panel, (x, y), (i % across == 0, i + across >= pairs.len()));
        one(&mut picture, panel, pair, (x, y));
    }
    let said = "percentile of deliveries (log scales) · thick: from due · thin: from sent, uncorrected · shaded: hidden";
    frame::level_title(&mut picture, ALL, said);
    picture
}

fn pair<'c, 'a>(case: &'c Case<'a>) -> Pair<'c, 'a> {
    let due = Curve::of(case, |i| &i.delivery);
    Pair { case, due, sent: Curve::of(case, |i| &i.delivery_from_send) }
}

/// Panels across and down for so many cases.
fn grid(cases: usize) -> (usize, usize) {
    let across = match cases {
        0 | 1 => 1,
        2 | 4 => 2,
        3 | 5..=9 => 3,
        _ => 4,
    };
    (across, cases.div_ceil(across).max(1))
}

fn place(i: usize, across: usize, down: usize) -> Rect {
    let width = (ALL.width() - GAP.0 * (across - 1) as f64) / across as f64;
    let height = (ALL.bottom - ALL.top - GAP.1 * (down - 1) as f64) / down as f64;
    let left = ALL.left + (width + GAP.0) * (i % across) as f64;
    let top = ALL.top + (height + GAP.1) * (i / across) as f64;
    Rect::new(left, top, left + width, top + height)
}

/// Grid lines; their values at the left of the first panel of a row and beneath the last of a column.
fn axes(picture: &mut Picture, panel: Rect, (x, y): (Axis, Axis), (first, lowest): (bool, bool)) {
    let wanted = if panel.bottom - panel.top > 200.0 { 9.0 } else { 4.0 };
    let percentiles = curve::percentiles(x);
    if first {
        frame::rows(picture, panel, y, wanted, text::time);
    } else {
        let level = |v: f64| vec![(panel.left, y.at(v)), (panel.right, y.at(v))];
        y.ticks(wanted).into_iter().for_each(|v| picture.line(level(v), 1.0, Colour::GRID));
    }
    if lowest {
        frame::columns(picture, panel, x, &percentiles, text::percentile);
    } else {
        let upright = |v: f64| vec![(x.at(v), panel.top), (x.at(v), panel.bottom)];
        percentiles.into_iter().for_each(|v| picture.line(upright(v), 1.0, Colour::GRID));
    }
    frame::edges(picture, panel);
}

fn one(picture: &mut Picture, panel: Rect, pair: &Pair<'_, '_>, (x, y): (Axis, Axis)) {
    let Pair { case, due, sent } = pair;
    frame::panel_title(picture, panel, &frame::case_name(case, 16.0, panel.width() - 8.0));
    if due.points.is_empty() {
        return frame::instead(picture, panel, if due.samples == 0 { "no deliveries" } else { "too few" });
    }
    let places = |c: &Curve| c.points.iter().map(|p| (x.at(p.0), y.at(p.2))).collect::<Vec<Point>>();
    let (upper, lower) = (places(due), places(sent));
    let between = upper.iter().copied().chain(lower.iter().rev().copied());
    picture.area(between.collect(), case.look.colour.faint(0.22));
    frame::case_line(picture, case, &lower, 1.5);
    frame::case_line(picture, case, &upper, 3.5);
    figures(picture, panel, pair);
}

/// Both 99th percentiles, or both medians where there are not samples enough, at the lower right: curves
/// rise to the right.
fn figures(picture: &mut Picture, panel: Rect, pair: &Pair<'_, '_>) {
    let both = |inverse: f64| pair.due.at(inverse).zip(pair.sent.at(inverse));
    let found = both(100.0).map(|v| ("p99", v)).or_else(|| both(2.0).map(|v| ("p50", v)));
    let Some((name, (due, sent))) = found else { return };
    let said = format!("{name} {} · sent {}", text::time(due), text::time(sent));
    let large = due > LARGE * sent;
    let said = font::shorten(&said, 16.0, large, panel.width() - 20.0);
    let text = Text::new((panel.right - 8.0, panel.bottom - 10.0), said).anchor(Anchor::Right);
    let text = if large { text.bold().colour(Colour::ALARM) } else { text.colour(Colour::MUTED) };
    picture.text_on_white(text);
}
