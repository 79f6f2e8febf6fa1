//! What the target's CPU time does when clients or rate are swept: a dot for each run, and the model's line
//! where there is a model.

use super::axis::Axis;
use super::caption::Caption;
use super::case::{self, Case, Run};
use super::frame::{self, SideLabel};
use super::picture::{Colour, Picture, Point, Rect};
use super::text;
use crate::result::median;
use crate::result::{CostModel, Results, RunResult};
use std::collections::BTreeSet;

const TOP: f64 = 118.0;
const FOOT: f64 = 600.0;
/// Left and right edges of the two panels.
const SPANS: [(f64, f64); 2] = [(88.0, 484.0), (564.0, 960.0)];
/// Pieces of a model's line.
const PIECES: u32 = 32;

/// Which of the two is on the level axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Clients,
    Rate,
}

impl Over {
    fn of(self, run: &RunResult) -> f64 {
        match self {
            Over::Clients => f64::from(run.clients),
            Over::Rate => rate(run),
        }
    }

    fn other(self) -> Over {
        if self == Over::Clients { Over::Rate } else { Over::Clients }
    }

    fn title(self) -> &'static str {
        match self {
            Over::Clients => "Target CPU by number of clients",
            Over::Rate => "Target CPU by rate",
        }
    }

    fn axis_title(self) -> &'static str {
        match self {
            Over::Clients => "clients (log scale)",
            Over::Rate => "messages/s of each channel (log scale)",
        }
    }
}

/// Messages of a second of one channel, as swept or as offered.
fn rate(run: &RunResult) -> f64 {
    let swept = run.swept.get("rate").and_then(|text| text.strip_suffix("/s")?.parse().ok());
    swept.unwrap_or(run.offered_per_s / f64::from(run.channels.max(1)))
}

/// The cases of the chart: with the most of what is not on its axis, so that each has one line. Empty when
/// nothing was swept over it, or no target was seen.
pub(super) fn cases(results: &Results, over: Over) -> Vec<Case<'_>> {
    let other = over.other();
    if !is_swept(results, over) {
        return Vec::new();
    }
    // Rates that nobody swept are as offered, and differ by what a run was longer or shorter.
    let choose = is_swept(results, other);
    let mut cases = case::cases_without(results, &["clients", "rate"]);
    for case in &mut cases {
        let most = case.runs.iter().map(|r| other.of(r.result)).fold(0.0, f64::max);
        let before = case.runs.len();
        case.retain(|r| r.target_cost.is_some() && (!choose || other.of(r) >= most));
        case.left_out = case.runs.len() < before && other == Over::Clients;
        case.runs.sort_by(|a, b| over.of(a.result).total_cmp(&over.of(b.result)));
    }
    cases.retain(|case| !case.runs.is_empty());
    if values(&cases, over).len() < 2 { Vec::new() } else { cases }
}

/// The cases with the most clients and the highest rate of a sweep, so that each has one line.
pub(super) fn largest(results: &Results) -> Vec<Case<'_>> {
    let mut cases = case::cases_without(results, &["clients", "rate"]);
    for case in cases.iter_mut().filter(|_| is_swept(results, Over::Rate)) {
        let most = case.runs.iter().map(|r| rate(r.result)).fold(0.0, f64::max);
        case.retain(|r| rate(r) >= most);
    }
    cases.iter().map(Case::at_most_clients).collect()
}

fn is_swept(results: &Results, over: Over) -> bool {
    let runs = &results.summary.runs;
    match over {
        Over::Clients => runs.iter().any(|r| r.clients != runs[0].clients),
        Over::Rate => runs.iter().any(|r| r.swept.contains_key("rate")),
    }
}

/// The different values on the level axis, rising.
fn values(cases: &[Case<'_>], over: Over) -> Vec<f64> {
    let all = cases.iter().flat_map(|c| &c.runs).map(|r| over.of(r.result));
    // As bits numbers above zero sort as they are, and equal ones are one.
    let bits: BTreeSet<u64> = all.filter(|v| *v > 0.0).map(f64::to_bits).collect();
    bits.into_iter().map(f64::from_bits).collect()
}

/// One panel: what it shows of a run, and of the model where a second takes `us` for `deliveries`.
struct Measure {
    title: &'static str,
    of_run: fn(Run<'_>) -> Option<f64>,
    of_model: fn(us: f64, deliveries: f64) -> f64,
    say: fn(f64) -> String,
}

const MEASURES: [Measure; 2] = [
    Measure {
        title: "CPU, share of one core (log scale)",
        of_run: |r| Some(r.result.target_cost.as_ref()?.cpu_share),
        of_model: |us, _| us / 1e6,
        say: |v| format!("{} %", text::plain(100.0 * v)),
    },
    Measure {
        title: "CPU µs per delivery (log scale)",
        of_run: |r| r.result.target_cost.as_ref()?.cpu_us_per_delivery,
        of_model: |us, deliveries| us / deliveries,
        say: text::plain,
    },
];

/// Draws the chart of `cases`, as [`cases`] gives them.
pub(super) fn draw(results: &Results, cases: &[Case<'_>], over: Over, caption: &Caption) -> Picture {
    let models: Vec<Option<&CostModel>> = cases.iter().map(|c| model(results, c)).collect();
    let mut picture = frame::framed(over.title(), &subtitle(results, cases, over, &models), caption);
    let mut ends = vec![None; cases.len()];
    for (measure, (left, right)) in MEASURES.iter().zip(SPANS) {
        let panel = Rect::new(left, TOP, right, FOOT);
        ends = one(&mut picture, panel, measure, over, (cases, &models));
    }
    let labels: Vec<_> = cases
        .iter()
        .zip(ends)
        .zip(&models)
        .map(|((case, end), model)| SideLabel { case, end, more: said(*model) })
        .collect();
    frame::side_labels(&mut picture, Rect::new(SPANS[1].0, TOP, SPANS[1].1, FOOT), &labels);
    picture
}

fn subtitle(results: &Results, cases: &[Case<'_>], over: Over, models: &[Option<&CostModel>]) -> String {
    let other = values(cases, over.other());
    let at = match (over, other.as_slice()) {
        (Over::Clients, [rate]) => format!(" · at {}/s of each channel", text::plain(*rate)),
        _ => String::new(),
    };
    let lines = match (models.iter().any(Option::is_some), models.iter().any(Option::is_none)) {
        (true, false) => "lines: cost model",
        (true, true) => "lines: cost model, or medians without one",
        _ => "lines: medians",
    };
    format!("{}{at} · dots: runs, {lines}", super::whose(results))
}

/// The model that the runs of a case belong to, where there is one.
fn model<'r>(results: &'r Results, case: &Case<'_>) -> Option<&'r CostModel> {
    let run = case.runs.first()?.result;
    let apart = run.swept.iter().filter(|(k, _)| !["clients", "rate"].contains(&k.as_str()));
    let apart: Vec<_> = apart.collect();
    let of = |m: &&CostModel| m.case == run.case && m.swept.iter().eq(apart.iter().copied());
    results.summary.cost_models.iter().filter(|m| m.reason.is_none()).find(of)
}

/// The two costs, beneath the name.
fn said(model: Option<&CostModel>) -> String {
    let costs = model.and_then(|m| m.cpu_us_per_delivery.zip(m.cpu_us_per_s_per_connection));
    costs.map_or(String::new(), |(delivery, client)| {
        format!("{} µs each, idle {} µs/s", text::plain(delivery.value), text::plain(client.value))
    })
}

/// One panel; gives where the lines end.
fn one(
    picture: &mut Picture,
    panel: Rect,
    measure: &Measure,
    over: Over,
    (cases, models): (&[Case<'_>], &[Option<&CostModel>]),
) -> Vec<Option<Point>> {
    let ticks = values(cases, over);
    let (lo, hi) = (ticks.first().copied().unwrap_or(1.0), ticks.last().copied().unwrap_or(10.0));
    let margin = (hi / lo).powf(0.07);
    let x = Axis::log(lo / margin, hi * margin, panel.left, panel.right);
    let shown = cases.iter().flat_map(|c| &c.runs).filter_map(|r| (measure.of_run)(*r));
    let y = Axis::log_around(shown, (0.01, 1.0), panel.bottom, panel.top);
    frame::panel_title(picture, panel, measure.title);
    frame::rows(picture, panel, y, 9.0, measure.say);
    frame::columns(picture, panel, x, &ticks, text::count);
    frame::edges(picture, panel);
    frame::level_title(picture, panel, over.axis_title());
    for (case, model) in cases.iter().zip(models) {
        let line = match model {
            Some(model) => model_line(case, model, measure, over),
            None => medians(case, measure, over),
        };
        let line: Vec<Point> = line.into_iter().map(|(at, v)| (x.at(at), y.at(v))).collect();
        frame::case_line(picture, case, &line, 2.5);
    }
    cases.iter().map(|case| dots(picture, case, measure, over, x, y)).collect()
}

fn medians(case: &Case<'_>, measure: &Measure, over: Over) -> Vec<Point> {
    let at = |v: f64| case.runs.iter().filter(move |r| over.of(r.result) == v);
    let of = |v: f64| Some((v, median(at(v).filter_map(|r| (measure.of_run)(*r)))?));
    values(std::slice::from_ref(case), over).into_iter().filter_map(of).collect()
}

/// Deliveries and publishes grow with what is on the axis; clients do, or stay.
fn model_line(case: &Case<'_>, model: &CostModel, measure: &Measure, over: Over) -> Vec<Point> {
    let each = |of: fn(&RunResult) -> Option<f64>| {
        median(case.runs.iter().filter_map(|r| Some(of(r.result)? / over.of(r.result)))).unwrap_or(0.0)
    };
    let (deliveries, clients) = (each(deliveries), each(|r| Some(f64::from(r.clients))));
    let publishes = median(case.runs.iter().map(|r| r.result.achieved_per_s / rate(r.result)));
    let publishes = publishes.filter(|p| p.is_finite()).unwrap_or(0.0);
    let rates = median(case.runs.iter().map(|r| rate(r.result))).unwrap_or(0.0);
    let most = case.runs.iter().map(|r| f64::from(r.result.clients)).fold(0.0, f64::max);
    let cost = |e: &Option<crate::result::Estimate>| e.map_or(0.0, |e| e.value);
    let ends = values(std::slice::from_ref(case), over);
    let (Some(lo), Some(hi)) = (ends.first(), ends.last()) else { return Vec::new() };
    let at = |i: u32| lo * (hi / lo).powf(f64::from(i) / f64::from(PIECES));
    let point = |v: f64| {
        let by_rate = over == Over::Rate;
        let us = cost(&model.base_cpu_us_per_s)
            + cost(&model.cpu_us_per_delivery) * deliveries * v
            + cost(&model.cpu_us_per_s_per_connection) * if by_rate { most } else { clients * v }
            + cost(&model.cpu_us_per_publish) * publishes * if by_rate { v } else { rates };
        (v, (measure.of_model)(us, deliveries * v))
    };
    // Below zero a log scale has no place.
    (0..=PIECES).map(|i| point(at(i))).filter(|(_, y)| y.is_finite() && *y > 0.0).collect()
}

/// Deliveries of a second, as its cost counts them.
fn deliveries(run: &RunResult) -> Option<f64> {
    let cost = run.target_cost.as_ref()?;
    cost.cpu_us_per_delivery.filter(|us| *us > 0.0).map(|us| cost.cpu_share * 1e6 / us)
}

/// A mark for each run; gives the last one.
fn dots(
    picture: &mut Picture,
    case: &Case<'_>,
    measure: &Measure,
    over: Over,
    x: Axis,
    y: Axis,
) -> Option<Point> {
    let mut last = None;
    for run in &case.runs {
        let Some(value) = (measure.of_run)(*run).filter(|v| *v > 0.0) else { continue };
        let at = (x.at(over.of(run.result)), y.at(value));
        picture.disc(at, 6.0, Colour::WHITE);
        frame::case_mark(picture, case, at);
        last = Some(at);
    }
    last
}
