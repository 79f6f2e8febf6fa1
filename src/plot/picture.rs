//! A chart as a list of shapes, in units of a 1280 x 720 slide. Knows nothing of SVG or PNG, so that
//! there is one drawing of each chart and tests can look at what was placed where.

use super::font;

/// Width of every picture.
pub(super) const WIDTH: f64 = 1280.0;
/// Height of every picture.
pub(super) const HEIGHT: f64 = 720.0;

/// Right and down from the upper left corner.
pub(super) type Point = (f64, f64);

/// Red, green, blue and how much of it covers what lies below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Colour {
    pub(super) rgb: (u8, u8, u8),
    pub(super) alpha: f64,
}

impl Colour {
    pub(super) const INK: Colour = Colour::new(0x20, 0x20, 0x20);
    pub(super) const MUTED: Colour = Colour::new(0x55, 0x55, 0x55);
    pub(super) const GRID: Colour = Colour::new(0xdd, 0xdd, 0xdd);
    pub(super) const SHADE: Colour = Colour::new(0xf1, 0xf1, 0xf1);
    pub(super) const WHITE: Colour = Colour::new(0xff, 0xff, 0xff);
    pub(super) const ALARM: Colour = Colour::new(0xb0, 0x20, 0x00);

    pub(super) const fn new(r: u8, g: u8, b: u8) -> Colour {
        Colour { rgb: (r, g, b), alpha: 1.0 }
    }

    pub(super) const fn faint(self, alpha: f64) -> Colour {
        Colour { alpha, ..self }
    }

    /// Whether white letters are easier to read on it than black ones.
    pub(super) fn is_dark(self) -> bool {
        let (r, g, b) = self.rgb;
        0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b) < 140.0
    }
}

/// An upright rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Rect {
    pub(super) const fn new(left: f64, top: f64, right: f64, bottom: f64) -> Rect {
        Rect { left, top, right, bottom }
    }

    pub(super) fn width(self) -> f64 {
        self.right - self.left
    }

    /// Whether the two share more than an edge.
    #[cfg(test)]
    pub(super) fn overlaps(self, other: Rect) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

/// Which end of a text its point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Centre,
    Right,
}

/// One line of text; `at` lies on its baseline.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub(super) at: Point,
    pub(super) text: String,
    /// Height of an em.
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) colour: Colour,
    pub(super) anchor: Anchor,
}

impl Text {
    /// Sixteen units, ink, from the left: what most texts are.
    pub(super) fn new(at: Point, text: impl Into<String>) -> Text {
        let text = text.into();
        Text { at, text, size: 16.0, bold: false, colour: Colour::INK, anchor: Anchor::Left }
    }

    pub(super) fn size(self, size: f64) -> Text {
        Text { size, ..self }
    }

    pub(super) fn bold(self) -> Text {
        Text { bold: true, ..self }
    }

    pub(super) fn colour(self, colour: Colour) -> Text {
        Text { colour, ..self }
    }

    pub(super) fn anchor(self, anchor: Anchor) -> Text {
        Text { anchor, ..self }
    }

    /// Where its left end lies.
    pub(super) fn left(&self) -> f64 {
        let width = font::width(&self.text, self.size, self.bold);
        match self.anchor {
            Anchor::Left => self.at.0,
            Anchor::Centre => self.at.0 - width / 2.0,
            Anchor::Right => self.at.0 - width,
        }
    }

    /// What it covers, from the top of capitals to the foot of descenders.
    #[cfg(test)]
    pub(super) fn covers(&self) -> Rect {
        let left = self.left();
        let right = left + font::width(&self.text, self.size, self.bold);
        Rect::new(left, self.at.1 - 0.72 * self.size, right, self.at.1 + 0.2 * self.size)
    }
}

/// What a picture is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// A line through points.
    Line { points: Vec<Point>, width: f64, colour: Colour },
    /// A filled polygon.
    Area { points: Vec<Point>, colour: Colour },
    /// A filled rectangle.
    Block { rect: Rect, colour: Colour },
    /// A filled circle.
    Disc { centre: Point, radius: f64, colour: Colour },
    /// A text.
    Text(Text),
}

/// One chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) shapes: Vec<Shape>,
}

impl Picture {
    pub(super) fn line(&mut self, points: Vec<Point>, width: f64, colour: Colour) {
        if points.len() > 1 {
            self.shapes.push(Shape::Line { points, width, colour });
        }
    }

    pub(super) fn area(&mut self, points: Vec<Point>, colour: Colour) {
        if points.len() > 2 {
            self.shapes.push(Shape::Area { points, colour });
        }
    }

    pub(super) fn block(&mut self, rect: Rect, colour: Colour) {
        self.shapes.push(Shape::Block { rect, colour });
    }

    pub(super) fn disc(&mut self, centre: Point, radius: f64, colour: Colour) {
        self.shapes.push(Shape::Disc { centre, radius, colour });
    }

    pub(super) fn text(&mut self, text: Text) {
        self.shapes.push(Shape::Text(text));
    }

    /// A text on white, so that no grid line runs through it.
    pub(super) fn text_on_white(&mut self, text: Text) {
        let (left, size) = (text.left(), text.size);
        let right = left + font::width(&text.text, size, text.bold);
        let rect = Rect::new(left - 3.0, text.at.1 - 0.8 * size, right + 3.0, text.at.1 + 0.3 * size);
        self.block(rect, Colour::WHITE);
        self.text(text);
    }

    /// Its texts, in the order of drawing.
    #[cfg(test)]
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        self.shapes.iter().filter_map(|s| match s {
            Shape::Text(t) => Some(t),
            _ => None,
        })
    }
}
