//! What an idle connection costs: memory in user space and in the kernel, and CPU, as slopes over ladders of
//! connection counts, each with its interval.

use super::axis::Axis;
use super::bars;
use super::caption::{self, Caption};
use super::case::Case;
use super::font;
use super::frame;
use super::picture::{Colour, Picture, Rect};
use super::text;
use crate::result::{ConnectionCost, LadderResult, Results, RunResult, Slope, Summary, TargetCost};

const MEMORY: Rect = Rect::new(292.0, bars::TOP - 6.0, 596.0, bars::BOTTOM);
const CPU: Rect = Rect::new(896.0, bars::TOP - 6.0, 1072.0, bars::BOTTOM);
/// Where texts right of the bars end.
const MEMORY_TEXT: f64 = 884.0;
const CPU_TEXT: f64 = 1270.0;
const USER: Colour = Colour::new(0x00, 0x72, 0xb2);
const KERNEL: Colour = Colour::new(0xe6, 0x9f, 0x00);
const KIB: f64 = 1024.0;

/// Ladders as runs, so that cases have the order, the looks and the marks that they have in other charts.
pub(super) fn as_runs(results: &Results) -> Results {
    let ladders = results.summary.ladders.iter();
    let runs = ladders.map(as_run).collect();
    Results {
        summary: Summary { runs, partial: results.summary.partial, ..Summary::default() },
        ..Results::default()
    }
}

fn as_run(ladder: &LadderResult) -> RunResult {
    let seen = !ladder.steps.is_empty();
    RunResult {
        case: ladder.case.clone(),
        transport: ladder.transport.clone(),
        repeat: ladder.repeat,
        clients: 0,
        verdict: ladder.verdict,
        reasons: ladder.reasons.clone(),
        measured_s: ladder.hold_s,
        target_cost: seen.then(|| TargetCost { co_located: ladder.co_located, ..TargetCost::default() }),
        ..RunResult::default()
    }
}

/// The lines beneath both charts.
pub(super) fn caption(results: &Results, stand_ins: &Results, cases: &[Case<'_>], all: usize) -> Caption {
    let ladders = &results.summary.ladders;
    let counts = || ladders.iter().flat_map(|l| &l.steps).map(|s| f64::from(s.clients));
    let (least, most) = (counts().fold(f64::MAX, f64::min), counts().fold(0.0, f64::max));
    let steps = ladders.iter().map(|l| l.steps.len()).max().unwrap_or_default();
    let each = ladders.len().div_ceil(cases.len().max(1));
    let mut facts = vec![
        "nothing published".to_owned(),
        format!("{}–{} idle clients in {steps} steps", text::plain(least.min(most)), text::plain(most)),
        text::counted(each, "ladder each", "ladders each"),
        caption::place_of(cases).to_owned(),
        "bars and lines: 95 % intervals".to_owned(),
    ];
    if all > cases.len() {
        facts.push(format!("{} of {all} cases shown", cases.len()));
    }
    Caption { facts: facts.join(" · "), ..caption::caption(stand_ins, cases, all) }
}

/// What all ladders of a case tell.
pub(super) fn cost_of<'a>(results: &'a Results, case: &Case<'_>) -> Option<&'a ConnectionCost> {
    results.summary.connection_costs.iter().find(|cost| cost.case == case.name)
}

fn finite(slope: Option<Slope>) -> Option<Slope> {
    slope.filter(|s| s.value.is_finite() && s.low.is_finite() && s.high.is_finite())
}

/// The slopes of one case that are drawn.
#[derive(Clone, Copy, Default)]
struct Costs {
    user: Option<Slope>,
    kernel: Option<Slope>,
    cpu: Option<Slope>,
}

/// Draws the chart of bars.
pub(super) fn draw(results: &Results, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let title = "What an idle connection costs: memory in user space and kernel, CPU";
    let mut picture = frame::framed(title, &results.summary.title, caption);
    let of = |case: &Case<'_>| {
        cost_of(results, case).map_or(Costs::default(), |cost| Costs {
            user: finite(cost.slopes.user_bytes_per_connection),
            kernel: finite(cost.slopes.kernel_bytes_per_connection),
            cpu: finite(cost.slopes.idle_cpu_us_per_s_per_connection),
        })
    };
    let all: Vec<Costs> = cases.iter().map(of).collect();
    let foot = bars::foot(cases.len());
    let (memory, cpu) = (Rect { bottom: foot, ..MEMORY }, Rect { bottom: foot, ..CPU });
    let m = axis(all.iter().flat_map(|c| [c.user, c.kernel]), KIB, memory);
    let c = axis(all.iter().map(|c| c.cpu), 1.0, cpu);
    heads(&mut picture, (memory, m), (cpu, c));
    bars::names(&mut picture, cases);
    for (i, (case, costs)) in cases.iter().zip(&all).enumerate() {
        let row = bars::row(i, cases.len());
        memory_row(&mut picture, case, costs, m, row);
        cpu_row(&mut picture, case, costs.cpu, c, row);
    }
    frame::edges(&mut picture, memory);
    frame::edges(&mut picture, cpu);
    picture
}

/// To the end of the longest interval, but no longer than twice the longest bar: a ladder that tells nothing
/// hides no other.
fn axis(slopes: impl Iterator<Item = Option<Slope>> + Clone, unit: f64, panel: Rect) -> Axis {
    let most = slopes.clone().flatten().map(|s| s.value).fold(0.0, f64::max);
    let ends = slopes.flatten().map(|s| s.high.min(2.0 * most) / unit);
    Axis::from_zero(ends, panel.left, panel.right)
}

fn heads(picture: &mut Picture, (memory, m): (Rect, Axis), (cpu, c): (Rect, Axis)) {
    frame::panel_title(picture, memory, "memory per connection, KiB");
    bars::key(picture, memory.left, memory.top - 38.0, &[("process (PSS)", USER), ("kernel", KERNEL)]);
    frame::columns(picture, memory, m, &m.ticks(4.0), |v| format!("{} KiB", text::count(v)));
    frame::panel_title(picture, cpu, "CPU µs a second per connection");
    frame::columns(picture, cpu, c, &c.ticks(3.0), |v| format!("{} µs", text::plain(v)));
}

type Row = (f64, f64, f64);

fn memory_row(picture: &mut Picture, case: &Case<'_>, costs: &Costs, x: Axis, (top, bottom, y): Row) {
    let middle = f64::midpoint(top, bottom);
    let user = bar(picture, case, x, (top, middle - 1.0), (costs.user, KIB, USER));
    let kernel = bar(picture, case, x, (middle + 1.0, bottom), (costs.kernel, KIB, KERNEL));
    let said = |slope: Option<Slope>| slope.map_or("?".to_owned(), |s| in_kib(&s));
    let words = match (costs.user, costs.kernel) {
        (None, None) => return bars::instead(picture, MEMORY.left, y, "not measured"),
        (user, None) => format!("{} (kernel not measured)", said(user)),
        (user, kernel) => {
            format!("{} + {} KiB", said(user).trim_end_matches(" KiB"), said(kernel).trim_end_matches(" KiB"))
        }
    };
    let end = user.max(kernel).max(MEMORY.left);
    let words = font::shorten(&words, 16.0, true, MEMORY_TEXT - end - 9.0);
    bars::value(picture, end, y, 16.0, words);
}

fn in_kib(slope: &Slope) -> String {
    format!("{} ± {} KiB", text::plain(slope.value / KIB), bound(slope.half() / KIB))
}

/// Two digits are enough of how far a value may be wrong.
fn bound(half: f64) -> String {
    match half {
        h if h < 5e-4 => "0".to_owned(),
        h if h < 0.1 => format!("{h:.3}"),
        h if h < 1.0 => format!("{h:.2}"),
        h if h < 10.0 => format!("{h:.1}"),
        h => text::plain(h.round()),
    }
}

fn cpu_row(picture: &mut Picture, case: &Case<'_>, cpu: Option<Slope>, x: Axis, (top, bottom, y): Row) {
    let Some(slope) = cpu else { return bars::instead(picture, CPU.left, y, "not measured") };
    let end = bar(picture, case, x, (top, bottom), (Some(slope), 1.0, USER)).max(CPU.left);
    let words = format!("{} ± {} µs", text::plain(slope.value), bound(slope.half()));
    let words = font::shorten(&words, 16.0, true, CPU_TEXT - end - 9.0);
    bars::value(picture, end, y, 16.0, words);
}

/// A bar with the interval of its end as a line with two caps; gives the right edge of both.
fn bar(
    picture: &mut Picture,
    case: &Case<'_>,
    x: Axis,
    (top, bottom): (f64, f64),
    (slope, unit, colour): (Option<Slope>, f64, Colour),
) -> f64 {
    let Some(slope) = slope else { return 0.0 };
    let part = bars::Part { value: slope.value / unit, colour };
    let end = bars::stacked(picture, case, x, (top, bottom), &[part]);
    let (from, to) = (x.at(slope.low / unit), x.at(slope.high / unit));
    let (middle, half) = (f64::midpoint(top, bottom), (bottom - top).min(14.0) / 4.0);
    picture.line(vec![(from, middle), (to, middle)], 1.5, Colour::INK);
    for at in [from, to] {
        picture.line(vec![(at, middle - half), (at, middle + half)], 1.5, Colour::INK);
    }
    end.max(to + 1.0)
}
