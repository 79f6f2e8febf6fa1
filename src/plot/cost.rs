//! What the target pays: CPU for a million deliveries, memory for a connection.

use super::axis::Axis;
use super::bars::{self, Part};
use super::caption::Caption;
use super::case::Case;
use super::frame;
use super::picture::{Colour, Picture, Rect};
use super::stroke;
use super::text;
use crate::result::median;
use crate::result::{Results, TargetCost, mean_interval};

const CPU: Rect = Rect::new(292.0, bars::TOP - 6.0, 640.0, bars::BOTTOM);
const MEMORY: Rect = Rect::new(754.0, bars::TOP - 6.0, 1030.0, bars::BOTTOM);
const USER: Colour = Colour::new(0x00, 0x72, 0xb2);
const KERNEL: Colour = Colour::new(0xe6, 0x9f, 0x00);
/// CPU time of which no tick told what it was.
const WHOLE: Colour = Colour::new(0x8a, 0x93, 0x9b);
const NOBODY: Colour = Colour::new(0xd9, 0xd9, 0xd9);
const NOT_MEASURED: &str = "not measured";

/// The values of one case, of each run that is drawn; of a part, none when one of these lacks it.
struct Costs {
    /// CPU microseconds for a delivery: the same number as CPU seconds for a million.
    cpu: Vec<f64>,
    /// Of it, in user space.
    cpu_user: Vec<f64>,
    /// Beside it, what no process was charged for.
    nobody: Vec<f64>,
    /// How far that may be off.
    nobody_error: Vec<f64>,
    user: Vec<f64>,
    kernel: Vec<f64>,
    /// What is drawn of a run: user, and kernel where all have it.
    memory: Vec<f64>,
}

/// Draws the chart.
pub(super) fn draw(results: &Results, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let all: Vec<Costs> = cases.iter().map(costs).collect();
    let title = "What the target pays: CPU per million deliveries, memory per connection";
    let mut picture = frame::framed(title, &subtitle(results, &all), caption);
    let foot = bars::foot(cases.len());
    let (cpu, memory) = (Rect { bottom: foot, ..CPU }, Rect { bottom: foot, ..MEMORY });
    let x = Axis::from_zero(all.iter().flat_map(reach), cpu.left, cpu.right);
    let kibibytes = all.iter().flat_map(|c| &c.memory).map(|b| b / 1024.0);
    let m = Axis::from_zero(kibibytes, memory.left, memory.right);
    // The kernel's part is rarely large enough to be told: then nothing is said of it in each row.
    let kernel = all.iter().any(|c| !c.kernel.is_empty());
    cpu_head(&mut picture, cpu, x, &all);
    memory_head(&mut picture, memory, m, kernel);
    bars::names(&mut picture, cases);
    for (i, (case, costs)) in cases.iter().zip(&all).enumerate() {
        let row = bars::row(i, cases.len());
        cpu_row(&mut picture, case, costs, x, row);
        memory_row(&mut picture, case, costs, m, kernel, row);
    }
    frame::edges(&mut picture, cpu);
    frame::edges(&mut picture, memory);
    picture
}

fn subtitle(results: &Results, all: &[Costs]) -> String {
    let most = all.iter().map(|c| c.cpu.len().max(c.user.len())).max().unwrap_or(0);
    let repeats = match most {
        0 | 1 => "",
        2 => " · bars: medians, dots: runs",
        _ => " · bars: medians, dots: runs, whiskers: 95 % of the mean",
    };
    format!("{}{repeats}", super::whose(results))
}

fn cpu_head(picture: &mut Picture, cpu: Rect, x: Axis, all: &[Costs]) {
    frame::panel_title(picture, cpu, "CPU seconds per million deliveries");
    let split = all.iter().any(|c| !c.cpu_user.is_empty());
    let whole = all.iter().any(|c| c.cpu_user.is_empty() && !c.cpu.is_empty());
    let nobody = all.iter().any(|c| median(c.nobody.iter().copied()).is_some_and(|v| v > 0.0));
    let mut parts = Vec::new();
    parts.extend(split.then_some([("user", USER), ("system", KERNEL)]).into_iter().flatten());
    parts.extend((whole && (split || nobody)).then_some(("charged to it", WHOLE)));
    let error = all.iter().filter_map(|c| median(c.nobody_error.iter().copied())).reduce(f64::max);
    // The largest of any row, where the key has room for it.
    let told = match error.filter(|_| parts.len() < 3) {
        Some(error) => format!("charged to nobody, \u{b1} {} s", text::plain(error)),
        None => "charged to nobody".to_owned(),
    };
    parts.extend(nobody.then_some((told.as_str(), NOBODY)));
    bars::key(picture, cpu.left, cpu.top - 38.0, &parts);
    frame::columns(picture, cpu, x, &x.ticks(4.0), |v| format!("{} s", text::plain(v)));
}

fn memory_head(picture: &mut Picture, memory: Rect, m: Axis, kernel: bool) {
    if kernel {
        frame::panel_title(picture, memory, "memory per connection, KiB");
        let parts = [("process (PSS)", USER), ("kernel sockets", KERNEL)];
        bars::key(picture, memory.left, memory.top - 38.0, &parts);
    } else {
        frame::panel_title(picture, memory, "process memory (PSS) per connection, KiB");
    }
    frame::columns(picture, memory, m, &m.ticks(4.0), |v| format!("{} KiB", text::count(v)));
}

fn costs(case: &Case<'_>) -> Costs {
    let all = || case.runs.iter().filter_map(|r| r.result.target_cost.as_ref());
    let cpu: Vec<&TargetCost> = all().filter(|c| c.cpu_us_per_delivery.is_some()).collect();
    let memory: Vec<&TargetCost> = all().filter(|c| c.bytes_per_connection.is_some()).collect();
    let kernel = every(&memory, |c| c.kernel_bytes_per_connection);
    let and_kernel = |c: &TargetCost| c.kernel_bytes_per_connection.filter(|_| !kernel.is_empty());
    Costs {
        cpu: every(&cpu, |c| c.cpu_us_per_delivery),
        cpu_user: every(&cpu, |c| {
            Some(c.cpu_us_per_delivery? * c.cpu.user_s.filter(|_| c.cpu_s > 0.0)? / c.cpu_s)
        }),
        nobody: every(&cpu, |c| c.cpu.unattributed_us_per_delivery),
        nobody_error: every(&cpu, TargetCost::unattributed_error_us_per_delivery),
        user: every(&memory, |c| c.bytes_per_connection),
        memory: every(&memory, |c| Some(c.bytes_per_connection? + and_kernel(c).unwrap_or(0.0))),
        kernel,
    }
}

/// The values of all these runs; none when one has none: medians of different runs do not add up.
fn every(costs: &[&TargetCost], of: impl Fn(&TargetCost) -> Option<f64>) -> Vec<f64> {
    costs.iter().map(|c| of(c)).collect::<Option<Vec<f64>>>().unwrap_or_default()
}

/// All that the axis has to hold.
fn reach(costs: &Costs) -> Vec<f64> {
    let sum = median(costs.cpu.iter().copied()).unwrap_or(0.0)
        + median(costs.nobody.iter().copied()).unwrap_or(0.0).max(0.0);
    let whisker = mean_interval(&costs.cpu).map(|(_, high)| high);
    costs.cpu.iter().copied().chain([sum]).chain(whisker).collect()
}

type Row = (f64, f64, f64);

fn cpu_row(picture: &mut Picture, case: &Case<'_>, costs: &Costs, x: Axis, (top, bottom, y): Row) {
    let Some(middle) = median(costs.cpu.iter().copied()) else {
        return bars::instead(picture, CPU.left, y, NOT_MEASURED);
    };
    let part = |value, colour| Part { value, colour };
    let mut parts = match median(costs.cpu_user.iter().copied()) {
        Some(user) => vec![part(user.min(middle), USER), part((middle - user).max(0.0), KERNEL)],
        None => vec![part(middle, WHOLE)],
    };
    let nobody = median(costs.nobody.iter().copied());
    parts.push(part(nobody.unwrap_or(0.0).max(0.0), NOBODY));
    let end = bars::stacked(picture, case, x, (top, bottom), &parts);
    if let Some(nobody) = nobody.filter(|v| *v > 0.0) {
        let pale = Rect::new(x.at(middle), top, x.at(middle + nobody), bottom);
        if pale.width() > 3.0 {
            stroke::hatch(picture, pale);
        }
    }
    let end = end.max(whisker(picture, x, y - 6.0, &costs.cpu));
    let end = dots(picture, x, (top, bottom), &costs.cpu, 1.0).max(end);
    let words = match nobody.filter(|v| *v > 0.0) {
        Some(nobody) => format!("{} + {} s", text::plain(middle), text::plain(nobody)),
        None => format!("{} s", text::plain(middle)),
    };
    let words = super::font::shorten(&words, 18.0, true, MEMORY.left - 14.0 - end);
    bars::value(picture, end, y, 18.0, words);
}

/// The 95 % interval of the mean where there are runs enough; gives its right end.
fn whisker(picture: &mut Picture, x: Axis, y: f64, values: &[f64]) -> f64 {
    let Some((low, high)) = mean_interval(values) else { return 0.0 };
    let (left, right) = (x.at(low), x.at(high));
    for (width, colour) in [(4.5, Colour::WHITE), (2.0, Colour::INK)] {
        picture.line(vec![(left, y), (right, y)], width, colour);
        for end in [left, right] {
            picture.line(vec![(end, y - 7.0), (end, y + 7.0)], width, colour);
        }
    }
    right
}

fn memory_row(
    picture: &mut Picture,
    case: &Case<'_>,
    costs: &Costs,
    x: Axis,
    with_kernel: bool,
    (top, bottom, y): Row,
) {
    let Some(user) = median(costs.user.iter().copied()) else {
        return bars::instead(picture, MEMORY.left, y, NOT_MEASURED);
    };
    let kernel = median(costs.kernel.iter().copied());
    let part = |bytes: f64, colour| Part { value: bytes / 1024.0, colour };
    let parts = [part(user, USER), part(kernel.unwrap_or(0.0), KERNEL)];
    let end = bars::stacked(picture, case, x, (top, bottom), &parts);
    let end = dots(picture, x, (top, bottom), &costs.memory, 1024.0).max(end);
    let words = match kernel {
        Some(kernel) => format!("{} + {}", text::size(user), text::size(kernel)),
        None if with_kernel => format!("{} (kernel not measured)", text::size(user)),
        None => text::size(user),
    };
    let words = super::font::shorten(&words, 16.0, true, 1270.0 - end - 9.0);
    bars::value(picture, end, y, 16.0, words);
}

/// A dot for each run when there are several; gives the right edge of the last.
fn dots(picture: &mut Picture, x: Axis, (top, bottom): (f64, f64), values: &[f64], unit: f64) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mut right = 0.0_f64;
    for (i, value) in values.iter().enumerate() {
        // Runs stand one below the other, in their order, so that equal ones do not hide each other.
        let y = top + (bottom - top) * (i as f64 + 0.5) / values.len() as f64;
        let at = x.at((value / unit).max(0.0));
        picture.disc((at, y), 4.5, Colour::WHITE);
        picture.disc((at, y), 3.2, Colour::INK);
        right = right.max(at + 4.5);
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{case, fixture};
    use crate::result::Verdict;

    fn told(results: &Results) -> Costs {
        let name = &results.summary.runs[0].case;
        costs(case::cases(results).iter().find(|c| c.name == *name).unwrap())
    }

    fn full() -> Results {
        let mut results = fixture::repeats();
        for run in &mut results.summary.runs {
            let cost = run.target_cost.as_mut().unwrap();
            (cost.cpu_s, cost.cpu.user_s, cost.cpu.unattributed_us_per_delivery) =
                (2.0, Some(1.0), Some(3.0));
            (cost.bytes_per_connection, cost.kernel_bytes_per_connection) = (Some(1_000.0), Some(500.0));
        }
        results
    }

    #[test]
    fn a_part_that_one_run_lacks_is_not_drawn() {
        let mut results = full();
        let all = told(&results);
        let n = all.cpu.len();
        assert!(n > 1);
        assert_eq!([all.cpu_user.len(), all.nobody.len(), all.kernel.len(), all.memory.len()], [n; 4]);
        assert_eq!(all.memory[0], 1_500.0);
        let cost = results.summary.runs[0].target_cost.as_mut().unwrap();
        (cost.cpu.user_s, cost.cpu.unattributed_us_per_delivery) = (None, None);
        cost.kernel_bytes_per_connection = None;
        let some = told(&results);
        assert_eq!([some.cpu_user.len(), some.nobody.len(), some.kernel.len()], [0; 3]);
        assert_eq!((some.cpu, some.memory), (all.cpu, vec![1_000.0; n]));
    }

    #[test]
    fn an_invalid_run_is_in_no_median() {
        let mut results = full();
        let run = &mut results.summary.runs[0];
        run.verdict = Verdict::Invalid;
        run.target_cost.as_mut().unwrap().cpu_us_per_delivery = Some(1e6);
        assert!(told(&results).cpu.iter().all(|us| *us < 1e5));
    }
}
