//! Delivery time and deliveries over the run, and the generator's health beneath.

use super::axis::Axis;
use super::caption::Caption;
use super::case::Case;
use super::frame::{self, SideLabel};
use super::picture::{Anchor, Colour, Picture, Rect, Text};
use super::place::{Wish, spread};
use super::seconds::{Phase, Second, invalid_stretches, phases, seconds, stretches};
use super::{font, text};

const TIMES: Rect = Rect::new(96.0, 132.0, 960.0, 318.0);
const RATE: Rect = Rect::new(96.0, 350.0, 960.0, 410.0);
const LAG: Rect = Rect::new(96.0, 442.0, 960.0, 482.0);
const CPU: Rect = Rect::new(96.0, 514.0, 960.0, 544.0);
const STEAL: Rect = Rect::new(96.0, 576.0, 960.0, 606.0);
const PANELS: [Rect; 5] = [TIMES, RATE, LAG, CPU, STEAL];
/// The greatest share that the panel of stolen time shows; more lies at its edge.
const STEAL_TOP: f64 = 0.10;

const NO_PERCENTILE: &str = "no percentile for any second";

/// One case with its seconds.
pub(super) struct Series<'c, 'a> {
    pub(super) case: &'c Case<'a>,
    pub(super) seconds: Vec<Second>,
}

impl Series<'_, '_> {
    fn has(&self, value: fn(&Second) -> Option<f64>) -> bool {
        self.seconds.iter().any(|s| value(s).is_some())
    }

    /// The value that carries the markers and the name: p99, or p50 when no second has a p99.
    fn lead(&self, second: &Second) -> Option<f64> {
        if self.has(|s| s.p99_ns) { second.p99_ns } else { second.p50_ns }
    }

    /// What is not there, and why: a quantile needs ten samples beyond it within its second.
    fn missing(&self) -> &'static str {
        if self.has(|s| s.p99_ns) {
            ""
        } else if self.has(|s| s.p50_ns) {
            "no p99 for any second"
        } else if self.has(|s| s.delivered_per_s.filter(|v| *v > 0.0)) {
            NO_PERCENTILE
        } else {
            "no deliveries"
        }
    }
}

/// Draws the chart.
pub(super) fn draw(subtitle: &str, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let mut picture = frame::framed("Delivery time and deliveries over the run", subtitle, caption);
    let all: Vec<Series<'_, '_>> = cases.iter().map(|case| Series { case, seconds: seconds(case) }).collect();
    let phases = phases(cases);
    let end = phases.last().map_or(10.0, |p| p.to_s);
    let x = Axis::linear(phases.first().map_or(0.0, |p| p.from_s.min(0.0)), end, TIMES.left, TIMES.right);
    shade(&mut picture, &phases, x, &PANELS);
    invalid_seconds(&mut picture, cases, x);
    let y = time_panel(&mut picture, &all, x);
    rate_panel(&mut picture, &all, x);
    health(&mut picture, &all, x);
    frame::level_title(&mut picture, STEAL, "seconds since the first connect was due");
    let labels: Vec<_> = all.iter().map(|s| label(s, x, y)).collect();
    frame::side_labels(&mut picture, TIMES, &labels);
    picture
}

/// Everything but `measure` lies in shade; the names stand above.
pub(super) fn shade(picture: &mut Picture, phases: &[Phase], x: Axis, panels: &[Rect]) {
    for phase in phases.iter().filter(|p| p.name != "measure") {
        for panel in panels {
            let (left, right) = (x.at(phase.from_s), x.at(phase.to_s));
            picture.block(Rect::new(left, panel.top, right, panel.bottom), Colour::SHADE);
        }
    }
    let wish = |p: &Phase| Wish {
        middle: (x.at(p.from_s) + x.at(p.to_s)) / 2.0,
        length: font::width(said(p), 16.0, false) + 12.0,
    };
    let wishes: Vec<Wish> = phases.iter().map(wish).collect();
    let middles = spread(&wishes, TIMES.left, TIMES.right + 24.0);
    for (phase, middle) in phases.iter().zip(middles.unwrap_or_default()) {
        let name = Text::new((middle, TIMES.top - 9.0), said(phase)).colour(Colour::MUTED);
        picture.text(name.anchor(Anchor::Centre));
    }
}

/// Seconds in which the generator or its machine was the limit of any run shown, through all panels.
fn invalid_seconds(picture: &mut Picture, cases: &[Case<'_>], x: Axis) {
    for (from, to) in invalid_stretches(cases) {
        for panel in PANELS {
            let block = Rect::new(x.at(from), panel.top, x.at(to), panel.bottom);
            picture.block(block, Colour::ALARM.faint(0.15));
        }
    }
}

fn said(phase: &Phase) -> &str {
    if phase.name == "warmup" { "warm-up" } else { &phase.name }
}

fn time_panel(picture: &mut Picture, all: &[Series<'_, '_>], x: Axis) -> Axis {
    let values = all.iter().flat_map(|s| &s.seconds).flat_map(|s| [s.p50_ns, s.p99_ns]).flatten();
    let y = Axis::log_around(values.map(|v| v.max(1e3)), (1e5, 1e9), TIMES.bottom, TIMES.top);
    // Above the names of the phases.
    let title = Rect { top: TIMES.top - 23.0, ..TIMES };
    let repeats = all.iter().any(|s| s.case.runs.len() > 1);
    let more = if repeats { "; each second's median of the runs" } else { "" };
    frame::panel_title(picture, title, &format!("delivery time (log scale): p99 thick, p50 thin{more}"));
    frame::rows(picture, TIMES, y, 6.0, text::time);
    panel_columns(picture, TIMES, x);
    if !all.iter().any(|s| s.has(|s| s.p50_ns)) {
        let delivered = all.iter().any(|s| s.missing() != "no deliveries");
        frame::instead(picture, TIMES, if delivered { NO_PERCENTILE } else { "no deliveries" });
    }
    for s in all {
        series(picture, s, x, y, 1.5, |s| s.p50_ns);
        series(picture, s, x, y, 3.0, |s| s.p99_ns);
    }
    for (i, s) in all.iter().enumerate() {
        marks(picture, s, i, x, y);
    }
    y
}

/// A line of one value, broken where the value is missing.
fn series(
    picture: &mut Picture,
    s: &Series<'_, '_>,
    x: Axis,
    y: Axis,
    width: f64,
    value: fn(&Second) -> Option<f64>,
) {
    for stretch in stretches(s.seconds.iter().map(|s| (s.at_s, value(s)))) {
        let mut points: Vec<_> = stretch.into_iter().map(|(t, v)| (x.at(t), y.at(v))).collect();
        if let [(px, py)] = points[..] {
            // A lone second would be invisible as a line without length.
            points = vec![(px - 3.0, py), (px + 3.0, py)];
        }
        frame::case_line(picture, s.case, &points, width);
    }
}

/// A few markers on the thick line, at other seconds for each case.
fn marks(picture: &mut Picture, s: &Series<'_, '_>, nth: usize, x: Axis, y: Axis) {
    let known: Vec<_> = s.seconds.iter().filter_map(|second| Some((second.at_s, s.lead(second)?))).collect();
    let every = (known.len() / 6).max(1);
    let first = (nth * every / 4) % every;
    for (t, v) in known.into_iter().skip(first).step_by(every) {
        frame::case_mark(picture, s.case, (x.at(t), y.at(v)));
    }
}

fn rate_panel(picture: &mut Picture, all: &[Series<'_, '_>], x: Axis) {
    let values = all.iter().flat_map(|s| &s.seconds).filter_map(|s| s.delivered_per_s);
    let y = Axis::from_zero(values.map(|v| v * 1.04), RATE.bottom, RATE.top);
    frame::panel_title(picture, RATE, "deliveries per second");
    frame::rows(picture, RATE, y, 4.0, text::count);
    panel_columns(picture, RATE, x);
    for (i, s) in all.iter().enumerate() {
        // Cases with equal rates lie on each other: what comes later is thinner, so all stay visible.
        let width = 2.0 + 2.5 * (all.len() - 1 - i).min(3) as f64;
        series(picture, s, x, y, width, |s| s.delivered_per_s);
    }
}

/// Whether the generator itself was in time: loop lag, its CPU, and what the host took of it.
fn health(picture: &mut Picture, all: &[Series<'_, '_>], x: Axis) {
    let lags = all.iter().flat_map(|s| &s.seconds).filter_map(|s| s.loop_lag_ns);
    let y = Axis::decades_around(lags.map(|v| v.max(1e3)), (1e4, 1e6), LAG.bottom, LAG.top);
    let shaded = if all.iter().any(|s| s.case.runs.iter().any(|r| r.result.health.intervals_invalid > 0)) {
        "; red: invalid seconds"
    } else {
        ""
    };
    frame::panel_title(picture, LAG, &format!("generator: greatest loop lag (log scale){shaded}"));
    frame::rows(picture, LAG, y, 2.0, text::time);
    panel_columns(picture, LAG, x);
    all.iter().for_each(|s| series(picture, s, x, y, 1.5, |s| s.loop_lag_ns.map(|v| v.max(1e3))));
    if !all.iter().any(|s| s.has(|s| s.loop_lag_ns)) {
        frame::instead(picture, LAG, "not measured");
    }
    let y = Axis::linear(0.0, 1.0, CPU.bottom, CPU.top);
    frame::panel_title(picture, CPU, "generator: CPU, share of its cores");
    frame::rows(picture, CPU, y, 1.0, |v| format!("{} %", text::plain(100.0 * v)));
    panel_columns(picture, CPU, x);
    all.iter().for_each(|s| series(picture, s, x, y, 1.5, |s| s.generator_cpu));
    if !all.iter().any(|s| s.has(|s| s.generator_cpu)) {
        frame::instead(picture, CPU, "not measured");
    }
    steal(picture, all, x);
}

fn steal(picture: &mut Picture, all: &[Series<'_, '_>], x: Axis) {
    let y = Axis::linear(0.0, STEAL_TOP, STEAL.bottom, STEAL.top);
    frame::panel_title(picture, STEAL, "generator: steal, share of its cores that the host took");
    frame::rows(picture, STEAL, y, 1.0, |v| format!("{} %", text::plain(100.0 * v)));
    frame::columns(picture, STEAL, x, &x.ticks(9.0), text::plain);
    frame::edges(picture, STEAL);
    all.iter().for_each(|s| series(picture, s, x, y, 1.5, |s| s.steal.map(|v| v.min(STEAL_TOP))));
    if !all.iter().any(|s| s.has(|s| s.steal)) {
        frame::instead(picture, STEAL, "not measured");
    }
}

/// Grid lines at the seconds that the lowest panel names, and the panel's edges.
pub(super) fn panel_columns(picture: &mut Picture, panel: Rect, x: Axis) {
    for t in x.ticks(9.0) {
        picture.line(vec![(x.at(t), panel.top), (x.at(t), panel.bottom)], 1.0, Colour::GRID);
    }
    frame::edges(picture, panel);
}

fn label<'c, 'a>(s: &Series<'c, 'a>, x: Axis, y: Axis) -> SideLabel<'c, 'a> {
    let last = s.seconds.iter().rev().find_map(|second| Some((second.at_s, s.lead(second)?)));
    SideLabel { case: s.case, end: last.map(|(t, v)| (x.at(t), y.at(v))), more: s.missing().to_owned() }
}
