//! The target under the load, second by second: CPU, memory, its sockets in the kernel, descriptors. The
//! first run of each case.

use super::axis::Axis;
use super::caption::Caption;
use super::case::{Case, Run};
use super::frame::{self, SideLabel};
use super::over_time::{panel_columns, shade};
use super::picture::{Picture, Point, Rect};
use super::seconds::{Phase, phases};
use super::text;
use crate::result::{CostRow, Results};

const AREA: Rect = Rect::new(96.0, 132.0, 960.0, 606.0);
/// Between two panels: the title of the lower one.
const GAP: f64 = 34.0;
const MEBIBYTE: f64 = 1_048_576.0;
/// Two readings nearer to each other than this tell no rate: the clock ticks of user time are 10 ms.
const LEAST_S: f64 = 0.3;

/// One panel: a thick line, and a thin one beside it.
struct Panel {
    title: &'static str,
    thick: fn(&[&CostRow]) -> Vec<Point>,
    thin: fn(&[&CostRow]) -> Vec<Point>,
    say: fn(f64) -> String,
}

const PANELS: [Panel; 4] = [
    Panel {
        title: "CPU, share of one core (thin: in user space)",
        thick: |rows| rates(rows, |r| r.cpu_s_total),
        thin: |rows| rates(rows, |r| r.user_s_total),
        say: |v| format!("{} %", text::plain(100.0 * v)),
    },
    Panel {
        title: "memory, MiB: proportional (PSS) thick, resident (RSS) thin",
        thick: |rows| levels(rows, |r| r.pss_bytes.map(|b| b as f64 / MEBIBYTE)),
        thin: |rows| levels(rows, |r| Some(r.rss_bytes as f64 / MEBIBYTE)),
        say: text::count,
    },
    Panel {
        title: "kernel memory of the machine's TCP sockets, MiB",
        thick: |rows| levels(rows, |r| r.kernel_socket_bytes.map(|b| b as f64 / MEBIBYTE)),
        thin: |_| Vec::new(),
        say: text::count,
    },
    Panel {
        title: "open descriptors",
        thick: |rows| levels(rows, |r| r.descriptors.map(|n| n as f64)),
        thin: |_| Vec::new(),
        say: text::count,
    },
];

/// Whether the target was read often enough to draw a line.
pub(super) fn has_readings(cases: &[Case<'_>]) -> bool {
    cases.iter().filter_map(|c| c.runs.first()).any(|r| rows(*r).len() > 2)
}

/// Draws the chart.
pub(super) fn draw(results: &Results, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let repeats = cases.iter().any(|c| c.runs.len() > 1);
    let first = if repeats { " · the first run of each case" } else { "" };
    let subtitle = format!("{}{first}", super::whose(results));
    let mut picture = frame::framed("The target under the load", &subtitle, caption);
    let all: Vec<Vec<&CostRow>> =
        cases.iter().map(|c| c.runs.first().map(|r| rows(*r)).unwrap_or_default()).collect();
    let phases = with_ends(phases(cases), &all);
    let (from, to) = (phases.first().map_or(0.0, |p| p.from_s), phases.last().map_or(10.0, |p| p.to_s));
    let x = Axis::linear(from, to, AREA.left, AREA.right);
    let panels = places();
    shade(&mut picture, &phases, x, &panels);
    let mut labels = Vec::new();
    for (nth, (panel, place)) in PANELS.iter().zip(panels).enumerate() {
        let points = one(&mut picture, panel, cases, &all, (place, x), nth == 0);
        if nth == 0 {
            let measure = phases.iter().find(|p| p.name == "measure").map(|p| (x.at(p.from_s), x.at(p.to_s)));
            labels = marked(&mut picture, cases, &points, measure.unwrap_or((AREA.left, AREA.right)));
        }
    }
    let last = panels[panels.len() - 1];
    frame::columns(&mut picture, last, x, &x.ticks(9.0), text::plain);
    frame::level_title(&mut picture, last, "seconds since the first connect was due");
    frame::side_labels(&mut picture, panels[0], &labels);
    picture
}

fn rows(run: Run<'_>) -> Vec<&CostRow> {
    run.cost().iter().filter(|r| r.of == "target" && r.at_s.is_finite()).collect()
}

/// The phases of the load, and what was read before the first client came and after the last had left.
fn with_ends(mut phases: Vec<Phase>, all: &[Vec<&CostRow>]) -> Vec<Phase> {
    let times = || all.iter().flatten().map(|r| r.at_s);
    let (from, to) = (times().fold(0.0, f64::min), times().fold(0.0, f64::max));
    let (begin, end) = (phases.first().map_or(0.0, |p| p.from_s), phases.last().map_or(0.0, |p| p.to_s));
    let phase = |name: &str, from_s, to_s| Phase { name: name.to_owned(), from_s, to_s };
    if from < begin {
        phases.insert(0, phase("idle", from, begin));
    }
    if to > end {
        phases.push(phase("after", end, to));
    }
    phases
}

fn places() -> [Rect; 4] {
    let height = (AREA.bottom - AREA.top - 3.0 * GAP) / 4.0;
    std::array::from_fn(|i| {
        let top = AREA.top + i as f64 * (height + GAP);
        Rect { top, bottom: top + height, ..AREA }
    })
}

/// A marker on each line of the first panel, one beside the other, and names in the order of their height there:
/// at the end all lines are low.
fn marked<'c, 'a>(
    picture: &mut Picture,
    cases: &'c [Case<'a>],
    lines: &[Vec<Point>],
    (from, to): (f64, f64),
) -> Vec<SideLabel<'c, 'a>> {
    let label = |(nth, (case, line)): (usize, (&'c Case<'a>, &Vec<Point>))| {
        let wanted = from + (to - from) * (nth as f64 + 1.0) / (cases.len() as f64 + 1.0);
        let near = |a: &&Point, b: &&Point| (a.0 - wanted).abs().total_cmp(&(b.0 - wanted).abs());
        let at = line.iter().min_by(near).copied();
        at.into_iter().for_each(|at| frame::case_mark(picture, case, at));
        SideLabel { case, end: at.map(|at| (AREA.right, at.1)), more: String::new() }
    };
    cases.iter().zip(lines).enumerate().map(label).collect()
}

/// What a total gained a second, between each two readings that lie far enough apart.
fn rates(rows: &[&CostRow], total: fn(&CostRow) -> f64) -> Vec<Point> {
    let mut points = Vec::new();
    let mut before: Option<&CostRow> = None;
    for row in rows {
        let Some(earlier) = before else {
            before = Some(row);
            continue;
        };
        let length = row.at_s - earlier.at_s;
        if length >= LEAST_S {
            points.push(((row.at_s + earlier.at_s) / 2.0, ((total(row) - total(earlier)) / length).max(0.0)));
            before = Some(row);
        }
    }
    points
}

fn levels(rows: &[&CostRow], level: fn(&CostRow) -> Option<f64>) -> Vec<Point> {
    rows.iter().filter_map(|r| Some((r.at_s, level(r)?))).collect()
}

/// Draws one panel of all cases; gives their thick lines.
fn one(
    picture: &mut Picture,
    panel: &Panel,
    cases: &[Case<'_>],
    all: &[Vec<&CostRow>],
    (place, x): (Rect, Axis),
    first: bool,
) -> Vec<Vec<Point>> {
    let thick: Vec<Vec<Point>> = all.iter().map(|rows| (panel.thick)(rows)).collect();
    let thin: Vec<Vec<Point>> = all.iter().map(|rows| (panel.thin)(rows)).collect();
    let values = thick.iter().chain(&thin).flatten().map(|(_, v)| v * 1.04);
    let y = Axis::from_zero(values, place.bottom, place.top);
    // The names of the phases stand above the first.
    let above = if first { Rect { top: place.top - 23.0, ..place } } else { place };
    frame::panel_title(picture, above, panel.title);
    frame::rows(picture, place, y, 3.0, panel.say);
    panel_columns(picture, place, x);
    let at = |points: &[Point]| points.iter().map(|(t, v)| (x.at(*t), y.at(*v))).collect::<Vec<_>>();
    for ((case, thick), thin) in cases.iter().zip(&thick).zip(&thin) {
        frame::case_line(picture, case, &at(thin), 1.0);
        frame::case_line(picture, case, &at(thick), 2.5);
    }
    if thick.iter().all(Vec::is_empty) {
        frame::instead(picture, place, "not measured");
    }
    thick.iter().map(|points| at(points)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at_s: f64, cpu_s_total: f64) -> CostRow {
        CostRow { of: "target".into(), at_s, cpu_s_total, ..CostRow::default() }
    }

    #[test]
    fn readings_that_nearly_coincide_tell_no_rate() {
        let rows = [row(0.0, 1.0), row(1.0, 1.5), row(1.01, 1.6), row(2.0, 1.7)];
        let told = rates(&rows.iter().collect::<Vec<_>>(), |r| r.cpu_s_total);
        // The reading at the end of a phase is joined to the next one.
        assert_eq!(told.len(), 2);
        assert!((told[0].1 - 0.5).abs() < 1e-12 && (told[1].1 - 0.2).abs() < 1e-12, "{told:?}");
    }
}
