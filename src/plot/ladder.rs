//! The steps of ladders of idle connections and the lines through them: whether a cost is a slope at all.

use super::axis::Axis;
use super::caption::Caption;
use super::case::Case;
use super::frame::{self, SideLabel};
use super::idle::cost_of;
use super::picture::{Picture, Point, Rect};
use super::text;
use crate::result::{ConnectionCost, LadderResult, LadderStep, Results, Slope};

const TOP: f64 = 118.0;
const FOOT: f64 = 600.0;
/// Left and right edges of the three panels.
const SPANS: [(f64, f64); 3] = [(88.0, 334.0), (406.0, 652.0), (714.0, 960.0)];
const MIB: f64 = 1_048_576.0;

/// One panel: what it shows of a step, and the slope that belongs to it.
struct Measure {
    title: &'static str,
    value: fn(&LadderResult, &LadderStep) -> Option<f64>,
    slope: fn(&ConnectionCost) -> Option<Slope>,
    /// What the axis counts in.
    unit: f64,
}

const MEASURES: [Measure; 3] = [
    Measure {
        title: "process memory (PSS), MiB",
        value: |_, step| step.pss_bytes.map(|b| b as f64),
        slope: |cost| cost.slopes.user_bytes_per_connection,
        unit: MIB,
    },
    Measure {
        title: "kernel memory, MiB",
        value: kernel,
        slope: |cost| cost.slopes.kernel_bytes_per_connection,
        unit: MIB,
    },
    Measure {
        title: "idle CPU, ms a second",
        value: |_, step| step.cpu_us_per_s,
        slope: |cost| cost.slopes.idle_cpu_us_per_s_per_connection,
        unit: 1e3,
    },
];

fn kernel(ladder: &LadderResult, step: &LadderStep) -> Option<f64> {
    let bytes = match ladder.kernel_of.as_str() {
        "control group" => step.group_kernel_bytes? + step.group_socket_bytes.unwrap_or(0),
        "machine" => step.slab_bytes?,
        _ => return None,
    };
    Some(bytes as f64)
}

/// The points of a case, each ladder's above the level at which its line begins, and the slope of the line.
struct Climb {
    points: Vec<Point>,
    slope: Option<f64>,
}

/// Draws the chart.
pub(super) fn draw(results: &Results, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let subtitle = format!("{} · each line's level at no connection is left out", results.summary.title);
    let mut picture =
        frame::framed("Idle connections step by step: memory and CPU by number", &subtitle, caption);
    let mut ends: Vec<Option<Point>> = vec![None; cases.len()];
    for (measure, (left, right)) in MEASURES.iter().zip(SPANS) {
        let climbs: Vec<Climb> = cases.iter().map(|case| climb(results, case, measure)).collect();
        ends = panel(&mut picture, Rect::new(left, TOP, right, FOOT), measure, cases, &climbs);
    }
    let labels: Vec<_> =
        cases.iter().zip(ends).map(|(case, end)| SideLabel { case, end, more: String::new() }).collect();
    frame::side_labels(&mut picture, Rect::new(SPANS[2].0, TOP, SPANS[2].1, FOOT), &labels);
    picture
}

fn climb(results: &Results, case: &Case<'_>, measure: &Measure) -> Climb {
    let slope = cost_of(results, case).and_then(|cost| (measure.slope)(cost)).map(|s| s.value);
    let slope = slope.filter(|s| s.is_finite());
    let mut points = Vec::new();
    for ladder in results.summary.ladders.iter().filter(|l| l.case == case.name) {
        let value = |step: &LadderStep| Some((f64::from(step.clients), (measure.value)(ladder, step)?));
        let of_ladder: Vec<Point> = ladder.steps.iter().filter_map(value).collect();
        let n = of_ladder.len().max(1) as f64;
        let mean = |of: fn(&Point) -> f64| of_ladder.iter().map(of).sum::<f64>() / n;
        let level = match slope {
            Some(slope) => mean(|p| p.1) - slope * mean(|p| p.0),
            None => of_ladder.iter().map(|p| p.1).fold(f64::MAX, f64::min),
        };
        points.extend(of_ladder.iter().map(|p| (p.0, (p.1 - level) / measure.unit)));
    }
    Climb { points, slope: slope.map(|slope| slope / measure.unit) }
}

/// One panel; gives where the lines end.
fn panel(
    picture: &mut Picture,
    panel: Rect,
    measure: &Measure,
    cases: &[Case<'_>],
    climbs: &[Climb],
) -> Vec<Option<Point>> {
    let points = || climbs.iter().flat_map(|c| &c.points);
    let x = Axis::from_zero(points().map(|p| p.0), panel.left, panel.right);
    let least = points().map(|p| p.1).fold(0.0, f64::min);
    let most = points().map(|p| p.1).fold(0.0, f64::max);
    let y = match least < 0.0 {
        true => Axis::linear(least, most, panel.bottom, panel.top),
        false => Axis::from_zero(std::iter::once(most), panel.bottom, panel.top),
    };
    frame::panel_title(picture, panel, measure.title);
    frame::rows(picture, panel, y, 6.0, text::plain);
    frame::columns(picture, panel, x, &x.ticks(4.0), text::count);
    frame::edges(picture, panel);
    frame::level_title(picture, panel, "connections");
    if points().next().is_none() {
        frame::instead(picture, panel, "not measured");
    }
    cases.iter().zip(climbs).map(|(case, climb)| line(picture, case, climb, x, y)).collect()
}

/// The fitted line from no connection to the last, and the steps.
fn line(picture: &mut Picture, case: &Case<'_>, climb: &Climb, x: Axis, y: Axis) -> Option<Point> {
    let last = climb.points.iter().map(|p| p.0).fold(0.0, f64::max);
    let end = climb.slope.map(|slope| (x.at(last), y.at(slope * last)));
    if let Some(end) = end {
        frame::case_line(picture, case, &[(x.at(0.0), y.at(0.0)), end], 2.0);
    }
    climb.points.iter().for_each(|p| frame::case_mark(picture, case, (x.at(p.0), y.at(p.1))));
    let highest = climb.points.iter().map(|p| (x.at(p.0), y.at(p.1))).next_back();
    end.or(highest)
}
