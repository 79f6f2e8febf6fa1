//! Paints a picture by one of plotters' backends. The same integers go to the SVG and to the PNG, so
//! the two are the same drawing.

use super::font::{self, SIZE_PER_EM};
use super::picture::{Anchor, Colour, Picture, Point, Shape, Text};
use ab_glyph::{Font, ScaleFont, point};
use plotters_backend::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontFamily,
    FontStyle, FontTransform,
};
use std::convert::Infallible;

/// From the point that plotters calls the top of a text to its baseline, in ems: the `dy` of its SVG.
const TOP_TO_BASELINE: f64 = 0.76;

/// Who bends thick lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joins {
    /// The backend (an SVG viewer does it well).
    Backend,
    /// Discs at the corners: plotters' bitmap polygons have spikes at sharp bends.
    Discs,
}

/// Paints `picture`, `scale` backend units to one of its own.
pub(super) fn paint<B: DrawingBackend>(
    picture: &Picture,
    backend: &mut B,
    scale: f64,
    joins: Joins,
) -> Result<(), DrawingErrorKind<B::ErrorType>> {
    for shape in &picture.shapes {
        shape_by(backend, shape, scale, joins)?;
    }
    backend.present()
}

fn shape_by<B: DrawingBackend>(
    backend: &mut B,
    shape: &Shape,
    scale: f64,
    joins: Joins,
) -> Result<(), DrawingErrorKind<B::ErrorType>> {
    let to = |p: &Point| ((p.0 * scale).round() as i32, (p.1 * scale).round() as i32);
    let length = |l: f64| (l * scale).round().max(1.0) as u32;
    match shape {
        Shape::Line { points, width, colour } => {
            let mut points: Vec<BackendCoord> = points.iter().map(to).collect();
            points.dedup();
            line(backend, &points, &Ink { colour: *colour, width: length(*width) }, joins)
        }
        Shape::Area { points, colour } => backend.fill_polygon(points.iter().map(to), &Ink::of(*colour)),
        Shape::Block { rect, colour } => {
            let (from, till) = (to(&(rect.left, rect.top)), to(&(rect.right, rect.bottom)));
            backend.draw_rect(from, till, &Ink::of(*colour), true)
        }
        Shape::Disc { centre, radius, colour } => {
            backend.draw_circle(to(centre), length(*radius), &Ink::of(*colour), true)
        }
        Shape::Text(text) => {
            let at = (text.at.0, text.at.1 - TOP_TO_BASELINE * text.size);
            backend.draw_text(&text.text, &Letters { text, scale }, to(&at))
        }
    }
}

fn line<B: DrawingBackend>(
    backend: &mut B,
    points: &[BackendCoord],
    ink: &Ink,
    joins: Joins,
) -> Result<(), DrawingErrorKind<B::ErrorType>> {
    if joins == Joins::Backend {
        return backend.draw_path(points.iter().copied(), ink);
    }
    for pair in points.windows(2) {
        backend.fill_polygon(bar(pair[0], pair[1], f64::from(ink.width) / 2.0), ink)?;
    }
    let bends = if points.len() > 2 { &points[1..points.len() - 1] } else { &[] };
    for bend in bends {
        backend.draw_circle(*bend, ink.width / 2, ink, true)?;
    }
    Ok(())
}

/// The four corners of a straight stroke.
fn bar(a: BackendCoord, b: BackendCoord, half: f64) -> [BackendCoord; 4] {
    let (dx, dy) = (f64::from(b.0 - a.0), f64::from(b.1 - a.1));
    let by = half / dx.hypot(dy).max(1e-9);
    let (nx, ny) = (-dy * by, dx * by);
    let shift = |p: BackendCoord, s: f64| {
        ((f64::from(p.0) + s * nx).round() as i32, (f64::from(p.1) + s * ny).round() as i32)
    };
    [shift(a, 1.0), shift(b, 1.0), shift(b, -1.0), shift(a, -1.0)]
}

/// Colour and width.
struct Ink {
    colour: Colour,
    width: u32,
}

impl Ink {
    fn of(colour: Colour) -> Ink {
        Ink { colour, width: 1 }
    }
}

impl BackendStyle for Ink {
    fn color(&self) -> BackendColor {
        BackendColor { alpha: self.colour.alpha, rgb: self.colour.rgb }
    }

    fn stroke_width(&self) -> u32 {
        self.width
    }
}

/// A text in the embedded font.
struct Letters<'a> {
    text: &'a Text,
    scale: f64,
}

impl BackendTextStyle for Letters<'_> {
    type FontError = Infallible;

    fn color(&self) -> BackendColor {
        Ink::of(self.text.colour).color()
    }

    fn size(&self) -> f64 {
        self.text.size * self.scale * SIZE_PER_EM
    }

    fn transform(&self) -> FontTransform {
        FontTransform::None
    }

    fn style(&self) -> FontStyle {
        if self.text.bold { FontStyle::Bold } else { FontStyle::Normal }
    }

    fn anchor(&self) -> Pos {
        let h_pos = match self.text.anchor {
            Anchor::Left => HPos::Left,
            Anchor::Centre => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        Pos { h_pos, v_pos: VPos::Top }
    }

    fn family(&self) -> FontFamily<'_> {
        FontFamily::Name(font::FAMILY)
    }

    fn layout_box(&self, text: &str) -> Result<((i32, i32), (i32, i32)), Infallible> {
        let em = self.text.size * self.scale;
        Ok(((0, 0), (font::width(text, em, self.text.bold).round() as i32, em.round() as i32)))
    }

    fn draw<E, F: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        text: &str,
        (left, top): BackendCoord,
        mut pixel: F,
    ) -> Result<Result<(), E>, Infallible> {
        let font = font::face(self.text.bold).as_scaled(self.size() as f32);
        let mut x = left as f32;
        let baseline = top as f32 + (TOP_TO_BASELINE * self.text.size * self.scale) as f32;
        let mut done = Ok(());
        for c in text.chars() {
            let id = font.glyph_id(c);
            let glyph = id.with_scale_and_position(font.scale(), point(x, baseline));
            x += font.h_advance(id);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let at = outline.px_bounds().min;
            outline.draw(|dx, dy, cover| {
                if done.is_ok() {
                    let colour = self.color().mix(f64::from(cover.min(1.0)));
                    done = pixel(at.x as i32 + dx as i32, at.y as i32 + dy as i32, colour);
                }
            });
        }
        Ok(done)
    }
}
