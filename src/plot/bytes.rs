//! Bytes of one delivered message by purpose. One case may take a hundred times the bytes of another,
//! so the same bytes stand twice: on one common axis, and as shares of their own sum; the numbers are
//! printed beside them.

use super::axis::Axis;
use super::bars::{self, Part};
use super::caption::Caption;
use super::case::Case;
use super::font;
use super::frame;
use super::picture::{Anchor, Colour, Picture, Rect, Text};
use super::text;
use crate::result::Bytes;

const SUM: Rect = Rect::new(292.0, bars::TOP - 6.0, 596.0, bars::BOTTOM);
const SHARE: Rect = Rect::new(742.0, bars::TOP - 6.0, 1092.0, bars::BOTTOM);
/// Right edge of the ratios.
const RATIO: f64 = 1252.0;

/// What the colours mean, in the order of stacking. Also apart in grey: dark, light, middle, pale.
const KEY: [(&str, Colour); 4] = [
    ("payload", Colour::new(0x00, 0x4a, 0x80)),
    ("framing", Colour::new(0xf0, 0xc8, 0x30)),
    ("headers", Colour::new(0xd5, 0x5e, 0x00)),
    ("TLS", Colour::new(0xb8, 0xb8, 0xb8)),
];

/// Draws the chart.
pub(super) fn draw(subtitle: &str, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let mut picture = frame::framed("Bytes on the wire for one delivered message", subtitle, caption);
    let all: Vec<Option<[f64; 4]>> = cases.iter().map(each).collect();
    let foot = bars::foot(cases.len());
    let (sums, shares) = (Rect { bottom: foot, ..SUM }, Rect { bottom: foot, ..SHARE });
    let most = all.iter().flatten().map(|b| b.iter().sum());
    let x = Axis::from_zero(most, sums.left, sums.right);
    let share = Axis::linear(0.0, 1.0, shares.left, shares.right);
    heads(&mut picture, sums, shares, x, share);
    bars::names(&mut picture, cases);
    for (i, (case, bytes)) in cases.iter().zip(&all).enumerate() {
        let (top, bottom, y) = bars::row(i, cases.len());
        match bytes {
            None => bars::instead(&mut picture, sums.left, y, "no deliveries"),
            Some(bytes) => one(&mut picture, case, bytes, (x, share), (top, bottom, y)),
        }
    }
    frame::edges(&mut picture, sums);
    frame::edges(&mut picture, shares);
    picture
}

fn heads(picture: &mut Picture, sums: Rect, shares: Rect, x: Axis, share: Axis) {
    bars::key(picture, 28.0, 112.0, &KEY);
    frame::panel_title(picture, sums, "bytes per delivered message");
    frame::panel_title(picture, shares, "share of each kind, with its bytes");
    let right = |y, words: &str| Text::new((RATIO, y), words).bold().anchor(Anchor::Right);
    picture.text(right(shares.top - 47.0, "headers, framing"));
    picture.text(right(shares.top - 28.0, "and TLS"));
    picture.text(right(shares.top - 9.0, "to payload"));
    frame::columns(picture, sums, x, &x.ticks(4.0), |v| format!("{} B", text::count(v)));
    frame::columns(picture, shares, share, &share.ticks(4.0), |v| format!("{} %", text::plain(100.0 * v)));
}

/// Bytes of one message of a case by the order of [`KEY`], its repeats pooled; `None` without messages.
fn each(case: &Case<'_>) -> Option<[f64; 4]> {
    let sum = |of: fn(&Bytes) -> u64| case.runs.iter().map(|r| of(&r.result.bytes)).sum::<u64>() as f64;
    let messages = sum(|b| b.messages);
    // What crossed the wire: compression takes off the payload, and what is left off what it came in.
    let payload = |b: &Bytes| b.payload.saturating_sub(b.saved);
    let framing = |b: &Bytes| b.framing - b.saved.saturating_sub(b.payload).min(b.framing);
    let kinds = [sum(payload), sum(framing), sum(|b| b.headers), sum(|b| b.tls)];
    (messages > 0.0).then(|| kinds.map(|bytes| bytes / messages))
}

/// One row.
fn one(
    picture: &mut Picture,
    case: &Case<'_>,
    bytes: &[f64; 4],
    (x, share): (Axis, Axis),
    (top, bottom, y): (f64, f64, f64),
) {
    let sum: f64 = bytes.iter().sum();
    let parts = |scale: f64| [0, 1, 2, 3].map(|i: usize| Part { value: bytes[i] / scale, colour: KEY[i].1 });
    let end = bars::stacked(picture, case, x, (top, bottom), &parts(1.0));
    bars::value(picture, end, y, 18.0, format!("{} B", text::plain(sum)));
    bars::stacked(picture, case, share, (top, bottom), &parts(sum.max(f64::MIN_POSITIVE)));
    if bottom - top > 50.0 {
        beneath(picture, bytes, share, bottom + 20.0);
    } else {
        inside(picture, case, bytes, share, y);
    }
    bars::number(picture, RATIO, y, ratio(bytes));
}

/// The bytes of each part in words, under the bar.
fn beneath(picture: &mut Picture, bytes: &[f64; 4], share: Axis, baseline: f64) {
    let parts = bytes.iter().zip(KEY).filter(|(value, _)| **value > 0.0);
    let words = parts.map(|(value, (name, _))| format!("{name} {}", text::plain(*value)));
    let words = words.collect::<Vec<_>>().join(" + ");
    let words = font::shorten(&words, 16.0, false, RATIO - share.at(0.0));
    picture.text_on_white(Text::new((share.at(0.0) + 4.0, baseline), words));
}

/// The bytes of each part within it, where they fit.
fn inside(picture: &mut Picture, case: &Case<'_>, bytes: &[f64; 4], share: Axis, y: f64) {
    let sum: f64 = bytes.iter().sum();
    let mut from = 0.0;
    for (value, (_, colour)) in bytes.iter().zip(KEY) {
        let (left, right) = (share.at(from / sum), share.at((from + value) / sum));
        from += value;
        let words = text::plain(*value);
        let width = font::width(&words, 16.0, true);
        if right - left < width + 6.0 {
            continue;
        }
        let middle = (left + right) / 2.0;
        if case.is_doubtful() {
            // Letters on hatching are hard to read.
            let pad = width / 2.0 + 4.0;
            picture.block(Rect::new(middle - pad, y - 16.0, middle + pad, y + 5.0), colour);
        }
        let ink = if colour.is_dark() { Colour::WHITE } else { Colour::INK };
        picture.text(Text::new((middle, y), words).bold().colour(ink).anchor(Anchor::Centre));
    }
}

/// `11.8 : 1`.
fn ratio([payload, framing, headers, tls]: &[f64; 4]) -> String {
    if *payload > 0.0 {
        format!("{} : 1", text::plain((framing + headers + tls) / payload))
    } else {
        "no payload".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::ratio;

    #[test]
    fn the_ratio_counts_all_that_is_not_payload() {
        assert_eq!(ratio(&[64.0, 0.0, 755.2, 0.0]), "11.8 : 1");
        assert_eq!(ratio(&[64.0, 2.0, 0.0, 0.0]), "0.0312 : 1");
        assert_eq!(ratio(&[0.0, 0.0, 9.0, 0.0]), "no payload");
    }
}
