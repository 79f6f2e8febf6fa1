//! The embedded font: how wide a text is, how it is shortened, and the font as CSS for an SVG. No
//! font of the system is ever asked for.

use ab_glyph::{Font, FontRef, ScaleFont};
use std::sync::LazyLock;

static REGULAR_TTF: &[u8] = include_bytes!("font/Roboto-Regular-subset.ttf");
static BOLD_TTF: &[u8] = include_bytes!("font/Roboto-Bold-subset.ttf");
static REGULAR: LazyLock<FontRef<'static>> = LazyLock::new(|| parse(REGULAR_TTF));
static BOLD: LazyLock<FontRef<'static>> = LazyLock::new(|| parse(BOLD_TTF));

/// The families an SVG asks for: ours first, then what looks most like it.
pub(super) const FAMILY: &str = "pushbench, Roboto, Arial, sans-serif";

/// plotters' font size over the height of an em, in its SVG; the fonts' line metrics are cut to it.
pub(super) const SIZE_PER_EM: f64 = 1.24;

fn parse(ttf: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(ttf).expect("the embedded font is a font")
}

/// The face.
pub(super) fn face(bold: bool) -> &'static FontRef<'static> {
    if bold { &BOLD } else { &REGULAR }
}

/// Width of `text` when an em is `em` high.
pub(super) fn width(text: &str, em: f64, bold: bool) -> f64 {
    let font = face(bold).as_scaled((em * SIZE_PER_EM) as f32);
    text.chars().map(|c| f64::from(font.h_advance(font.glyph_id(c)))).sum()
}

/// `text`, or as much of its beginning as fits into `room`, ended by an ellipsis.
pub(super) fn shorten(text: &str, em: f64, bold: bool, room: f64) -> String {
    if width(text, em, bold) <= room {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let short: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
        if width(&short, em, bold) <= room {
            return short;
        }
    }
    String::new()
}

/// The same for a name, cut in its middle: what tells names apart (a swept value) often ends them.
/// What stands behind the name (`suffix`: a verdict) is never cut.
pub(super) fn shorten_name(name: &str, suffix: &str, em: f64, bold: bool, room: f64) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut kept = letters.len();
    let mut short = name.to_owned();
    while kept > 0 && width(&short, em, bold) + width(suffix, em, bold) > room {
        kept -= 1;
        let head: String = letters[..kept - kept * 2 / 5].iter().collect();
        let tail: String = letters[letters.len() - kept * 2 / 5..].iter().collect();
        short = format!("{}…{}", head.trim_end(), tail.trim_start());
    }
    short + suffix
}

/// Both faces as `@font-face` rules with the font inside.
pub(super) fn css() -> String {
    let rule = |weight: &str, ttf: &[u8]| {
        let data = data_encoding::BASE64.encode(ttf);
        format!(
            "@font-face{{font-family:pushbench;font-weight:{weight};src:url(data:font/ttf;base64,{data}) format(\"truetype\")}}\n"
        )
    };
    rule("400", REGULAR_TTF) + &rule("700", BOLD_TTF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font() {
        // Digits are 1151/2048 of an em wide; line metrics are whole font units, hence the tolerance.
        assert!((width("00", 2048.0, false) - 2302.0).abs() < 1.0);
        assert!(width("bold", 16.0, true) > width("bold", 16.0, false));
    }

    #[test]
    fn every_symbol_of_the_charts_is_in_both_faces() {
        for c in "µ×÷–—…·≥≤±−é ".chars() {
            for bold in [false, true] {
                assert_ne!(face(bold).glyph_id(c).0, 0, "{c}");
            }
        }
    }

    #[test]
    fn long_names_end_in_an_ellipsis_and_keep_their_suffix() {
        let name = "polling every second with a browser's headers";
        let short = shorten_name(name, " (invalid)", 18.0, false, 240.0);
        assert!(short.starts_with("polling e") && short.ends_with("headers (invalid)"), "{short}");
        assert!(short.contains('…'), "{short}");
        assert!(width(&short, 18.0, false) <= 240.0);
        assert_eq!(shorten_name("websocket", "", 18.0, false, 240.0), "websocket");
        assert_eq!(shorten("websocket", 18.0, false, 240.0), "websocket");
        assert_eq!(shorten_name("websocket", "", 18.0, false, 240.0), "websocket");
        assert_eq!(shorten("websocket", 18.0, false, 1.0), "");
    }
}
