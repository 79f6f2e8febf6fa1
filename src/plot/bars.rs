//! Level bars, one row a case, with the names at the left: what two charts share.

use super::axis::Axis;
use super::case::Case;
use super::frame;
use super::picture::{Anchor, Colour, Picture, Rect, Text};
use super::stroke;

/// Upper and lower end of all rows.
pub(super) const TOP: f64 = 168.0;
pub(super) const BOTTOM: f64 = 606.0;
/// The most that a row takes.
const TALLEST: f64 = 146.0;
/// Where names begin, and the room they have.
const NAMES: f64 = 28.0;
pub(super) const NAMES_WIDTH: f64 = 250.0;

/// A coloured part of a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) value: f64,
    pub(super) colour: Colour,
}

/// Upper and lower edge of the bar in row `i` of `n`, and the y of text beside it.
pub(super) fn row(i: usize, n: usize) -> (f64, f64, f64) {
    let height = ((BOTTOM - TOP) / n as f64).min(TALLEST);
    let middle = TOP + height * (i as f64 + 0.5);
    let half = (height * 0.32).min(36.0);
    (middle - half, middle + half, middle + 6.0)
}

/// The foot of the last of `n` rows.
pub(super) fn foot(n: usize) -> f64 {
    TOP + ((BOTTOM - TOP) / n.max(1) as f64).min(TALLEST) * n.max(1) as f64
}

/// The name of each case left of its row.
pub(super) fn names(picture: &mut Picture, cases: &[Case<'_>]) {
    for (i, case) in cases.iter().enumerate() {
        let (_, _, y) = row(i, cases.len());
        let name = Text::new((NAMES, y), frame::case_name(case, 18.0, NAMES_WIDTH)).size(18.0);
        picture.text(if case.is_doubtful() { name.bold() } else { name });
    }
}

/// A stacked bar from the axis' 0; hatched when its case is doubtful. Gives the x where it ends.
pub(super) fn stacked(
    picture: &mut Picture,
    case: &Case<'_>,
    axis: Axis,
    (top, bottom): (f64, f64),
    parts: &[Part],
) -> f64 {
    let mut sum = 0.0;
    for part in parts.iter().filter(|p| p.value > 0.0) {
        let left = axis.at(sum);
        sum += part.value;
        picture.block(Rect::new(left, top, axis.at(sum), bottom), part.colour);
    }
    let whole = Rect::new(axis.at(0.0), top, axis.at(sum), bottom);
    if case.is_doubtful() && whole.width() > 3.0 {
        stroke::hatch(picture, whole);
    }
    whole.right
}

/// Colours and what they mean, in one line from `x`.
pub(super) fn key(picture: &mut Picture, x: f64, baseline: f64, entries: &[(&str, Colour)]) {
    let mut x = x;
    for (name, colour) in entries {
        picture.block(Rect::new(x, baseline - 13.0, x + 16.0, baseline + 3.0), *colour);
        let text = Text::new((x + 23.0, baseline), *name);
        x += 23.0 + super::font::width(name, 16.0, false) + 26.0;
        picture.text(text);
    }
}

/// The value of a bar, right of its end.
pub(super) fn value(picture: &mut Picture, end: f64, y: f64, size: f64, words: String) {
    picture.text_on_white(Text::new((end + 8.0, y), words).size(size).bold());
}

/// Words in a row instead of a bar, just right of `x`.
pub(super) fn instead(picture: &mut Picture, x: f64, y: f64, words: &str) {
    picture.text_on_white(Text::new((x + 10.0, y), words).colour(Colour::MUTED));
}

/// A number at a right edge.
pub(super) fn number(picture: &mut Picture, right: f64, y: f64, words: String) {
    picture.text(Text::new((right, y), words).size(18.0).bold().anchor(Anchor::Right));
}
