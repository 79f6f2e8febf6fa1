//! What all charts have around their data: title, caption, panels with axes, names at the side.

use super::axis::Axis;
use super::caption::Caption;
use super::case::Case;
use super::font;
use super::picture::{Anchor, Colour, HEIGHT, Picture, Point, Rect, Text, WIDTH};
use super::place::{Wish, keep_apart, spread};
use super::stroke;

/// Left and right edge of titles and captions.
const MARGIN: f64 = 28.0;
/// Where the names at the side begin, and how wide they may be.
pub(super) const SIDE: f64 = 992.0;
const SIDE_WIDTH: f64 = WIDTH - 14.0 - SIDE - 18.0;

/// An empty picture with title, the scenario's title beneath it, and caption.
pub(super) fn framed(title: &str, subtitle: &str, caption: &Caption) -> Picture {
    let mut picture = Picture { title: title.to_owned(), shapes: Vec::new() };
    let room = WIDTH - 2.0 * MARGIN;
    let fit = |text: &str, size, bold| font::shorten(text, size, bold, room);
    picture.text(Text::new((MARGIN, 42.0), fit(title, 28.0, true)).size(28.0).bold());
    let under = Text::new((MARGIN, 69.0), fit(subtitle, 18.0, false));
    picture.text(under.size(18.0).colour(Colour::MUTED));
    picture.line(vec![(MARGIN, 663.0), (WIDTH - MARGIN, 663.0)], 1.0, Colour::GRID);
    picture.text(Text::new((MARGIN, 684.0), fit(&caption.facts, 16.0, false)).colour(Colour::MUTED));
    let colour = if caption.good { Colour::MUTED } else { Colour::ALARM };
    let verdict = Text::new((MARGIN, 707.0), fit(&caption.verdict, 16.0, !caption.good)).colour(colour);
    picture.text(if caption.good { verdict } else { verdict.bold() });
    picture
}

/// The title of a panel or of its upright axis, above its upper left corner.
pub(super) fn panel_title(picture: &mut Picture, panel: Rect, title: &str) {
    picture.text(Text::new((panel.left, panel.top - 9.0), title).bold());
}

/// Horizontal grid lines with their values at the left.
pub(super) fn rows(picture: &mut Picture, panel: Rect, axis: Axis, wanted: f64, say: fn(f64) -> String) {
    let ticks = axis.ticks(wanted);
    let stretches: Vec<_> = ticks.iter().map(|t| (-axis.at(*t) - 6.0, 6.0 - axis.at(*t))).collect();
    for (tick, keep) in ticks.iter().zip(keep_apart(&stretches, 6.0)) {
        let y = axis.at(*tick);
        picture.line(vec![(panel.left, y), (panel.right, y)], 1.0, Colour::GRID);
        if keep {
            picture.text(Text::new((panel.left - 9.0, y + 5.5), say(*tick)).anchor(Anchor::Right));
        }
    }
}

/// Vertical grid lines at `ticks` with their values beneath, as many as stand clear of each other.
pub(super) fn columns(
    picture: &mut Picture,
    panel: Rect,
    axis: Axis,
    ticks: &[f64],
    say: impl Fn(f64) -> String,
) {
    let texts: Vec<Text> = ticks
        .iter()
        .map(|t| Text::new((axis.at(*t), panel.bottom + 21.0), say(*t)).anchor(Anchor::Centre))
        .collect();
    let stretches: Vec<_> = texts.iter().map(|t| (t.left(), 2.0 * t.at.0 - t.left())).collect();
    for (text, keep) in texts.into_iter().zip(keep_apart(&stretches, 8.0)) {
        let x = text.at.0;
        picture.line(vec![(x, panel.top), (x, panel.bottom)], 1.0, Colour::GRID);
        if keep {
            picture.text(text);
        }
    }
}

/// The name of a panel's level axis, beneath its values.
pub(super) fn level_title(picture: &mut Picture, panel: Rect, title: &str) {
    let middle = (panel.left + panel.right) / 2.0;
    picture.text(Text::new((middle, panel.bottom + 45.0), title).anchor(Anchor::Centre));
}

/// The edges of a panel that carry values.
pub(super) fn edges(picture: &mut Picture, panel: Rect) {
    let corner = (panel.left, panel.bottom);
    picture.line(vec![(panel.left, panel.top), corner, (panel.right, panel.bottom)], 1.5, Colour::MUTED);
}

/// Words in the middle of a panel that has nothing else to show.
pub(super) fn instead(picture: &mut Picture, panel: Rect, words: &str) {
    let middle = ((panel.left + panel.right) / 2.0, (panel.top + panel.bottom) / 2.0 + 7.0);
    let words = Text::new(middle, words).size(20.0).colour(Colour::MUTED).anchor(Anchor::Centre);
    picture.text_on_white(words);
}

/// The line of a case; dashed when it is not to be trusted.
pub(super) fn case_line(picture: &mut Picture, case: &Case<'_>, points: &[Point], width: f64) {
    if case.is_doubtful() {
        stroke::dashed(picture, points, width, case.look.colour);
    } else {
        picture.line(points.to_vec(), width, case.look.colour);
    }
}

/// The marker of a case.
pub(super) fn case_mark(picture: &mut Picture, case: &Case<'_>, at: Point) {
    stroke::marker(picture, at, case.look.mark, case.look.colour, case.look.hollow);
}

/// The name of a case, fit into `room`, its verdict kept.
pub(super) fn case_name(case: &Case<'_>, size: f64, room: f64) -> String {
    font::shorten_name(&case.name, case.suffix(), size, case.is_doubtful(), room)
}

/// A name at the side, with the end of the line it belongs to.
pub(super) struct SideLabel<'c, 'a> {
    pub(super) case: &'c Case<'a>,
    /// Where its line ends; `None`: it has none.
    pub(super) end: Option<Point>,
    /// A second line, in smaller letters; left away when there is no room.
    pub(super) more: String,
}

/// Names right of a panel, each as near to the end of its line as can be, joined to it by a hair.
pub(super) fn side_labels(picture: &mut Picture, panel: Rect, labels: &[SideLabel<'_, '_>]) {
    let (from, to) = (panel.top - 12.0, HEIGHT - 66.0);
    let without = if labels.iter().any(|l| l.end.is_some()) { to } else { from };
    let wish = |l: &SideLabel<'_, '_>, length| Wish { middle: l.end.map_or(without, |e| e.1), length };
    let with_more = |l: &SideLabel<'_, '_>| wish(l, if l.more.is_empty() { 26.0 } else { 48.0 });
    let roomy: Vec<Wish> = labels.iter().map(with_more).collect();
    let tight: Vec<Wish> = labels.iter().map(|l| wish(l, 24.0)).collect();
    let (wishes, middles) = match spread(&roomy, from, to) {
        Some(middles) => (roomy, middles),
        None => (tight.clone(), spread(&tight, from, to).unwrap_or_default()),
    };
    for ((label, wish), middle) in labels.iter().zip(wishes).zip(middles) {
        side_label(picture, panel.right, label, middle, wish.length > 40.0);
    }
}

fn side_label(picture: &mut Picture, edge: f64, label: &SideLabel<'_, '_>, middle: f64, with_more: bool) {
    let mark = (SIDE, if with_more { middle - 10.0 } else { middle });
    if let Some(end) = label.end {
        // Level as far as the panel goes, so that no hair runs down over the panels beneath.
        let from = ((end.0 + 9.0).min(edge), end.1);
        picture.line(
            vec![from, (edge + 2.0, end.1), (SIDE - 11.0, mark.1), mark],
            1.0,
            Colour::MUTED.faint(0.6),
        );
    }
    case_mark(picture, label.case, mark);
    let name = case_name(label.case, 18.0, SIDE_WIDTH);
    let name = Text::new((SIDE + 14.0, mark.1 + 6.0), name).size(18.0);
    picture.text(if label.case.is_doubtful() { name.bold() } else { name });
    if with_more {
        let more = font::shorten(&label.more, 16.0, false, SIDE_WIDTH);
        picture.text(Text::new((SIDE + 14.0, mark.1 + 27.0), more).colour(Colour::MUTED));
    }
}
