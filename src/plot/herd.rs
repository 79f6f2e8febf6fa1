//! The herd: attempts to attach and sessions lost in each second, and the clients that are there.

use super::axis::Axis;
use super::caption::Caption;
use super::case::Case;
use super::frame::{self, SideLabel};
use super::over_time::{Series, panel_columns, shade};
use super::picture::{Picture, Rect};
use super::seconds::{Second, phases, seconds};
use super::text;
use crate::result::Reconnects;

const ATTEMPTS: Rect = Rect::new(96.0, 132.0, 960.0, 386.0);
const ATTACHED: Rect = Rect::new(96.0, 428.0, 960.0, 606.0);

/// Whether any run had clients that came back, or gave up.
pub(super) fn has_herd(cases: &[Case<'_>]) -> bool {
    let some = |r: &Reconnects| r.count > 0 || r.gave_up > 0;
    cases.iter().flat_map(|c| &c.runs).any(|run| some(&run.result.reconnects))
}

/// Draws the chart.
pub(super) fn draw(subtitle: &str, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let mut picture = frame::framed("The herd: who tries to attach, and who is there", subtitle, caption);
    let all: Vec<Series<'_, '_>> = cases.iter().map(|case| Series { case, seconds: seconds(case) }).collect();
    let phases = phases(cases);
    let end = phases.last().map_or(10.0, |p| p.to_s);
    let from = phases.first().map_or(0.0, |p| p.from_s.min(0.0));
    let x = Axis::linear(from, end, ATTEMPTS.left, ATTEMPTS.right);
    shade(&mut picture, &phases, x, &[ATTEMPTS, ATTACHED]);
    let y = attempts_panel(&mut picture, &all, x);
    attached_panel(&mut picture, &all, x);
    frame::level_title(&mut picture, ATTACHED, "seconds since the first connect was due");
    let labels: Vec<_> = all.iter().map(|s| label(s, x, y)).collect();
    frame::side_labels(&mut picture, ATTEMPTS, &labels);
    picture
}

fn attempts_panel(picture: &mut Picture, all: &[Series<'_, '_>], x: Axis) -> Axis {
    let values = all.iter().flat_map(|s| &s.seconds).flat_map(|s| [s.attempts_per_s, s.lost_per_s]);
    let y = Axis::from_zero(values.flatten().map(|v| v * 1.04), ATTEMPTS.bottom, ATTEMPTS.top);
    // Above the names of the phases.
    let title = Rect { top: ATTEMPTS.top - 23.0, ..ATTEMPTS };
    frame::panel_title(picture, title, "per second: attempts to attach thick, sessions lost thin");
    frame::rows(picture, ATTEMPTS, y, 6.0, text::count);
    panel_columns(picture, ATTEMPTS, x);
    for s in all {
        steps(picture, s, x, y, 1.5, |s| s.lost_per_s);
        steps(picture, s, x, y, 3.0, |s| s.attempts_per_s);
    }
    for s in all {
        if let Some((at, v)) = peak(s) {
            frame::case_mark(picture, s.case, (x.at(at), y.at(v)));
        }
    }
    y
}

/// A line of counts, level over each second: a slope would tell of instants that were not looked at.
fn steps(
    picture: &mut Picture,
    s: &Series<'_, '_>,
    x: Axis,
    y: Axis,
    width: f64,
    value: fn(&Second) -> Option<f64>,
) {
    let level = |second: &Second| {
        let v = y.at(value(second)?);
        Some([(x.at(2.0 * second.at_s - second.end_s), v), (x.at(second.end_s), v)])
    };
    let points: Vec<_> = s.seconds.iter().filter_map(level).flatten().collect();
    frame::case_line(picture, s.case, &points, width);
}

fn attached_panel(picture: &mut Picture, all: &[Series<'_, '_>], x: Axis) {
    let values = all.iter().flat_map(|s| &s.seconds).filter_map(|s| s.attached);
    let y = Axis::from_zero(values.map(|v| v * 1.04), ATTACHED.bottom, ATTACHED.top);
    frame::panel_title(picture, ATTACHED, "clients attached at the end of each second");
    frame::rows(picture, ATTACHED, y, 5.0, text::count);
    frame::columns(picture, ATTACHED, x, &x.ticks(9.0), text::plain);
    frame::edges(picture, ATTACHED);
    for (i, s) in all.iter().enumerate() {
        // Cases that lose nobody lie on each other: what comes later is thinner, so all stay visible.
        let width = 2.0 + 2.0 * (all.len() - 1 - i).min(3) as f64;
        let points: Vec<_> = s
            .seconds
            .iter()
            .filter_map(|second| Some((x.at(second.end_s), y.at(second.attached?))))
            .collect();
        frame::case_line(picture, s.case, &points, width);
    }
}

/// The greatest number of attempts in a second in which sessions were lost or after one: that of the
/// herd, not of the connect phase.
fn peak(s: &Series<'_, '_>) -> Option<(f64, f64)> {
    let lost = s.seconds.iter().position(|second| second.lost_per_s.is_some_and(|n| n > 0.0))?;
    let after = s.seconds[lost..].iter().filter_map(|second| Some((second.at_s, second.attempts_per_s?)));
    after.max_by(|a, b| a.1.total_cmp(&b.1))
}

fn label<'c, 'a>(s: &Series<'c, 'a>, x: Axis, y: Axis) -> SideLabel<'c, 'a> {
    let top = peak(s);
    let gave_up: u64 = s.case.runs.iter().map(|r| r.result.reconnects.gave_up).sum();
    let slowest = s.case.runs.iter().filter_map(|r| r.result.reconnects.max_ns).max();
    let more = match (slowest, gave_up) {
        (None, 0) => "nobody was lost".to_owned(),
        (None, n) => format!("{} gave up", text::count(n as f64)),
        (Some(ns), 0) => format!("all back within {}", text::time(ns as f64)),
        (Some(ns), n) => format!("{} gave up, others {}", text::count(n as f64), text::time(ns as f64)),
    };
    SideLabel { case: s.case, end: top.map(|(t, v)| (x.at(t), y.at(v))), more }
}
