//! What the target counted itself, over the run: a panel for each of the chosen series, with our own
//! count beside it where pushbench counts the same.

use super::axis::Axis;
use super::caption::Caption;
use super::case::{Case, Run};
use super::frame::{self, SideLabel};
use super::over_time::{panel_columns, shade};
use super::picture::{Picture, Rect};
use super::seconds::{Second, phases, seconds, stretches};
use super::text;
use crate::result::{MetricRow, MetricSeries};

/// More panels would be too low to be read; the rest is in `metrics.csv`.
const MOST: usize = 4;
const AREA: Rect = Rect::new(96.0, 132.0, 960.0, 606.0);
/// Between two panels: values beneath the one, the title of the other.
const GAP: f64 = 34.0;

/// Whether any run has values.
pub(super) fn has_values(cases: &[Case<'_>]) -> bool {
    cases.iter().flat_map(|c| &c.runs).any(|r| !r.metrics().is_empty())
}

/// Draws the chart.
pub(super) fn draw(subtitle: &str, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let mut picture = frame::framed("What the target counted itself", subtitle, caption);
    let all = chosen(cases);
    let shown = &all[..all.len().min(MOST)];
    let panels = panels(shown.len());
    let phases = phases(cases);
    let end = phases.last().map_or(10.0, |p| p.to_s);
    let x = Axis::linear(phases.first().map_or(0.0, |p| p.from_s.min(0.0)), end, AREA.left, AREA.right);
    shade(&mut picture, &phases, x, &panels);
    let mut labels = Vec::new();
    for (nth, (series, panel)) in shown.iter().zip(&panels).enumerate() {
        let ends = draw_panel(&mut picture, series, cases, (*panel, x), nth == 0);
        if nth == 0 {
            labels = cases.iter().zip(ends).map(|(case, end)| label(case, end)).collect();
        }
    }
    if let Some(last) = panels.last() {
        frame::columns(&mut picture, *last, x, &x.ticks(9.0), text::plain);
        let more = all.len() - shown.len();
        let more = if more > 0 { format!("; {more} more series are in metrics.csv") } else { String::new() };
        let title = format!("seconds since the first connect was due{more}");
        frame::level_title(&mut picture, *last, &title);
        frame::side_labels(&mut picture, panels[0], &labels);
    }
    picture
}

/// The series of all runs, each once, those with the same unit next to each other.
fn chosen<'a>(cases: &[Case<'a>]) -> Vec<&'a MetricSeries> {
    let runs = cases.iter().flat_map(|c| &c.runs);
    let told = runs.filter_map(|r| r.result.target_metrics.as_ref());
    let mut all: Vec<&MetricSeries> = Vec::new();
    for series in told.flat_map(|m| &m.series) {
        if !all.iter().any(|s| s.name == series.name) {
            all.push(series);
        }
    }
    let first_of_unit: Vec<String> = all.iter().map(|s| s.unit.clone()).collect();
    all.sort_by_key(|s| first_of_unit.iter().position(|u| *u == s.unit));
    all
}

fn panels(count: usize) -> Vec<Rect> {
    let n = count.max(1) as f64;
    let height = (AREA.bottom - AREA.top - (n - 1.0) * GAP) / n;
    let top = |i: usize| AREA.top + i as f64 * (height + GAP);
    (0..count).map(|i| Rect { top: top(i), bottom: top(i) + height, ..AREA }).collect()
}

/// Draws one series of all cases; gives where each case's line ends.
fn draw_panel(
    picture: &mut Picture,
    series: &MetricSeries,
    cases: &[Case<'_>],
    (panel, x): (Rect, Axis),
    first: bool,
) -> Vec<Option<(f64, f64)>> {
    let theirs: Vec<Vec<Vec<(f64, f64)>>> =
        cases.iter().map(|c| c.runs.iter().flat_map(|r| lines(*r, series)).collect()).collect();
    let ours: Vec<Vec<Vec<(f64, f64)>>> = cases.iter().map(|c| our_lines(c, series)).collect();
    let values = theirs.iter().chain(&ours).flatten().flatten().map(|(_, v)| v * 1.04);
    let y = Axis::from_zero(values, panel.bottom, panel.top);
    let beside = ours.iter().any(|lines| !lines.is_empty());
    let place = if first { Rect { top: panel.top - 23.0, ..panel } } else { panel };
    frame::panel_title(picture, place, &title(series, beside));
    let wanted = ((panel.bottom - panel.top) / 32.0).max(1.0);
    frame::rows(picture, panel, y, wanted, if series.unit == "bytes" { text::size } else { text::count });
    panel_columns(picture, panel, x);
    let at = |points: &[(f64, f64)]| points.iter().map(|(t, v)| (x.at(*t), y.at(*v))).collect::<Vec<_>>();
    for ((case, theirs), ours) in cases.iter().zip(&theirs).zip(&ours) {
        theirs.iter().for_each(|line| frame::case_line(picture, case, &at(line), 3.0));
        ours.iter().for_each(|line| frame::case_line(picture, case, &at(line), 1.0));
    }
    if theirs.iter().all(Vec::is_empty) {
        frame::instead(picture, panel, "no values were read");
    }
    theirs.iter().map(|lines| lines.last()?.last().map(|(t, v)| (x.at(*t), y.at(*v)))).collect()
}

fn title(series: &MetricSeries, beside: bool) -> String {
    let unit = match (series.kind.as_str(), series.unit.as_str()) {
        ("counter", "") => ", each second".to_owned(),
        ("counter", unit) => format!(", {unit} each second"),
        (_, "") => String::new(),
        (_, unit) => format!(", {unit}"),
    };
    format!("{}{unit}{}", series.name, if beside { " (thin: our own count)" } else { "" })
}

/// The values of a gauge; of a counter what it gains each second, broken where it went back.
fn lines(run: Run<'_>, series: &MetricSeries) -> Vec<Vec<(f64, f64)>> {
    let rows: Vec<&MetricRow> =
        run.metrics().iter().filter(|r| r.name == series.name && r.value.is_finite()).collect();
    if series.kind != "counter" {
        return stretches(rows.iter().map(|r| (r.at_s, Some(r.value)))).into_iter().collect();
    }
    let rate = |w: &[&MetricRow]| {
        let (gain, length) = (w[1].value - w[0].value, w[1].at_s - w[0].at_s);
        let known = gain >= 0.0 && length > 0.0;
        ((w[0].at_s + w[1].at_s) / 2.0, known.then(|| gain / length))
    };
    stretches(rows.windows(2).map(rate))
}

/// The same as we counted it, where we do so second by second.
fn our_lines(case: &Case<'_>, series: &MetricSeries) -> Vec<Vec<(f64, f64)>> {
    let of: fn(&Second) -> (f64, Option<f64>) = match series.is.as_str() {
        "subscribers" => |s| (s.end_s, s.attached),
        "delivered" => |s| (s.at_s, s.delivered_per_s),
        _ => return Vec::new(),
    };
    stretches(seconds(case).iter().map(of))
}

fn label<'c, 'a>(case: &'c Case<'a>, end: Option<(f64, f64)>) -> SideLabel<'c, 'a> {
    let told = case.runs.iter().filter_map(|r| r.result.target_metrics.as_ref());
    let agree: Vec<bool> = told.flat_map(|m| &m.reconciled).filter_map(|r| r.agrees).collect();
    let more = match (agree.is_empty(), agree.iter().all(|a| *a)) {
        (true, _) => "",
        (_, true) => "agrees with our count",
        (_, false) => "differs from our count",
    };
    SideLabel { case, end, more: more.to_owned() }
}
