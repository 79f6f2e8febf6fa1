//! Strokes that are made of simpler shapes: dashes, hatching, markers. The same in grey and on a bad
//! projector: no meaning hangs on colour alone.

use super::picture::{Colour, Picture, Point, Rect};

/// Length of a dash and of the gap after it.
const DASH: (f64, f64) = (11.0, 8.0);
/// Distance of hatch lines along an edge.
const HATCH: f64 = 9.0;

/// The form of a case's markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Disc,
    Square,
    Up,
    Diamond,
    Down,
}

impl Mark {
    pub(super) const ALL: [Mark; 5] = [Mark::Disc, Mark::Square, Mark::Up, Mark::Diamond, Mark::Down];
}

/// A dashed line.
pub(super) fn dashed(picture: &mut Picture, points: &[Point], width: f64, colour: Colour) {
    for dash in dashes(points) {
        picture.line(dash, width, colour);
    }
}

/// Cuts a line into its dashes, bends kept.
fn dashes(points: &[Point]) -> Vec<Vec<Point>> {
    let mut done = Vec::new();
    let (mut on, mut left) = (true, DASH.0);
    let mut dash: Vec<Point> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        let mut rest = (to.0 - from.0).hypot(to.1 - from.1);
        while rest > left {
            let part = left / rest;
            from = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            rest -= left;
            if on {
                dash.push(from);
                done.push(std::mem::take(&mut dash));
            } else {
                dash = vec![from];
            }
            on = !on;
            left = if on { DASH.0 } else { DASH.1 };
        }
        left -= rest;
        if on {
            dash.push(to);
        }
    }
    done.push(dash);
    done.retain(|d| d.len() > 1);
    done
}

/// White diagonals over a bar: do not trust this one.
pub(super) fn hatch(picture: &mut Picture, r: Rect) {
    let mut c = r.left + r.top + HATCH;
    while c < r.right + r.bottom {
        // The line x + y = c, cut at the rectangle's edges.
        let from = if c - r.left <= r.bottom { (r.left, c - r.left) } else { (c - r.bottom, r.bottom) };
        let to = if c - r.top <= r.right { (c - r.top, r.top) } else { (r.right, c - r.right) };
        picture.line(vec![from, to], 2.0, Colour::WHITE);
        c += HATCH;
    }
}

/// A marker of about 12 units, with a white rim so that it stands off lines.
pub(super) fn marker(picture: &mut Picture, at: Point, mark: Mark, colour: Colour, hollow: bool) {
    solid(picture, at, mark, 8.0, Colour::WHITE);
    solid(picture, at, mark, 6.0, colour);
    if hollow {
        solid(picture, at, mark, 3.4, Colour::WHITE);
    }
}

fn solid(picture: &mut Picture, (x, y): Point, mark: Mark, r: f64, colour: Colour) {
    let (s, d, h) = (r * 0.9, r * 1.25, r * 1.15);
    match mark {
        Mark::Disc => picture.disc((x, y), r, colour),
        Mark::Square => picture.block(Rect::new(x - s, y - s, x + s, y + s), colour),
        Mark::Up => picture.area(vec![(x, y - h), (x + h, y + 0.8 * h), (x - h, y + 0.8 * h)], colour),
        Mark::Diamond => picture.area(vec![(x, y - d), (x + d, y), (x, y + d), (x - d, y)], colour),
        Mark::Down => picture.area(vec![(x, y + h), (x + h, y - 0.8 * h), (x - h, y - 0.8 * h)], colour),
    }
}

#[cfg(test)]
mod tests {
    use super::{DASH, Rect, dashes, hatch};
    use crate::plot::picture::{Picture, Shape};

    #[test]
    fn dashes_have_their_length_also_around_a_bend() {
        let cut = dashes(&[(0.0, 0.0), (5.0, 0.0), (5.0, 100.0)]);
        let length = |d: &Vec<(f64, f64)>| -> f64 {
            d.windows(2).map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1)).sum()
        };
        assert_eq!(cut[0].len(), 3, "the first dash goes around the bend");
        for dash in &cut[..cut.len() - 1] {
            assert!((length(dash) - DASH.0).abs() < 1e-9);
        }
    }

    #[test]
    fn hatching_stays_inside() {
        let mut picture = Picture::default();
        hatch(&mut picture, Rect::new(10.0, 20.0, 90.0, 45.0));
        assert!(picture.shapes.len() > 5);
        for shape in &picture.shapes {
            let Shape::Line { points, .. } = shape else { panic!("only lines") };
            for (x, y) in points {
                assert!((10.0..=90.0).contains(x) && (20.0..=45.0).contains(y), "{x} {y}");
            }
        }
    }
}
