//! What the target pays: CPU for a delivered message, memory for a connection.

use super::axis::Axis;
use super::bars::{self, Part};
use super::caption::Caption;
use super::case::{Case, median};
use super::frame;
use super::picture::{Colour, Picture, Rect};
use super::text;
use crate::result::TargetCost;

const CPU: Rect = Rect::new(292.0, bars::TOP - 6.0, 640.0, bars::BOTTOM);
const MEMORY: Rect = Rect::new(754.0, bars::TOP - 6.0, 1030.0, bars::BOTTOM);
const USER: Colour = Colour::new(0x00, 0x72, 0xb2);
const KERNEL: Colour = Colour::new(0xe6, 0x9f, 0x00);
const NOT_MEASURED: &str = "not measured";

/// The values of one case: medians, and each run.
struct Costs {
    cpu_us: Vec<f64>,
    user: Vec<f64>,
    kernel: Vec<f64>,
    /// User and kernel together, of runs that have the first.
    memory: Vec<f64>,
}

/// Draws the chart.
pub(super) fn draw(subtitle: &str, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let title = "What the target pays: CPU per delivery, memory per connection";
    let mut picture = frame::framed(title, subtitle, caption);
    let all: Vec<Costs> = cases.iter().map(costs).collect();
    let foot = bars::foot(cases.len());
    let (cpu, memory) = (Rect { bottom: foot, ..CPU }, Rect { bottom: foot, ..MEMORY });
    let x = Axis::from_zero(all.iter().flat_map(|c| &c.cpu_us).copied(), cpu.left, cpu.right);
    let kibibytes = all.iter().flat_map(|c| &c.memory).map(|b| b / 1024.0);
    let m = Axis::from_zero(kibibytes, memory.left, memory.right);
    let repeats = all.iter().any(|c| c.cpu_us.len().max(c.user.len()) > 1);
    // The kernel's part is rarely large enough to be told: then nothing is said of it in each row.
    let kernel = all.iter().any(|c| !c.kernel.is_empty());
    cpu_head(&mut picture, cpu, x, repeats);
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

fn cpu_head(picture: &mut Picture, cpu: Rect, x: Axis, repeats: bool) {
    let dots = if repeats { " (bar: median, dots: runs)" } else { "" };
    frame::panel_title(picture, cpu, &format!("CPU µs per delivery{dots}"));
    frame::columns(picture, cpu, x, &x.ticks(4.0), |v| format!("{} µs", text::plain(v)));
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
    let of = |value: fn(&TargetCost) -> Option<f64>| all().filter_map(value).collect::<Vec<f64>>();
    Costs {
        cpu_us: of(|c| c.cpu_us_per_delivery),
        user: of(|c| c.bytes_per_connection),
        kernel: of(|c| c.kernel_bytes_per_connection),
        memory: of(|c| Some(c.bytes_per_connection? + c.kernel_bytes_per_connection.unwrap_or(0.0))),
    }
}

type Row = (f64, f64, f64);

fn cpu_row(picture: &mut Picture, case: &Case<'_>, costs: &Costs, x: Axis, (top, bottom, y): Row) {
    let Some(middle) = median(costs.cpu_us.iter().copied()) else {
        return bars::instead(picture, CPU.left, y, NOT_MEASURED);
    };
    let part = Part { value: middle, colour: USER };
    let end = bars::stacked(picture, case, x, (top, bottom), &[part]);
    let end = dots(picture, x, (top, bottom), &costs.cpu_us, 1.0).max(end);
    bars::value(picture, end, y, 18.0, format!("{} µs", text::plain(middle)));
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
