//! Bytes of one delivered message by layer. One case may take a hundred times the bytes of another, so
//! the same bytes stand twice: on one common axis, and as shares of their own sum; the numbers are printed
//! beside them.

use super::axis::Axis;
use super::bars::{self, Part};
use super::caption::Caption;
use super::case::Case;
use super::font;
use super::frame;
use super::picture::{Anchor, Colour, Picture, Rect, Text};
use super::text;
use crate::result::RunResult;

const SUM: Rect = Rect::new(292.0, bars::TOP - 6.0, 596.0, bars::BOTTOM);
const SHARE: Rect = Rect::new(742.0, bars::TOP - 6.0, 1092.0, bars::BOTTOM);
/// Right edge of the ratios.
const RATIO: f64 = 1252.0;

/// What the colours mean, in the order of stacking. Also apart in grey: dark, light, middle, pale.
const KEY: [(&str, Colour); 4] = [
    ("payload", Colour::new(0x00, 0x4a, 0x80)),
    ("message overhead", Colour::new(0xf0, 0xc8, 0x30)),
    ("TLS (stream)", Colour::new(0xd5, 0x5e, 0x00)),
    ("TCP/IP, handshakes (wire)", Colour::new(0xb8, 0xb8, 0xb8)),
];
/// How the last is called where any of it is an estimate.
const ESTIMATE: &str = "TCP/IP, handshakes (wire; estimate: loopback)";
/// The same, in the words under a bar.
const LAYERS: [&str; 4] = ["payload", "message", "TLS", "wire"];

/// Draws the chart.
pub(super) fn draw(subtitle: &str, cases: &[Case<'_>], caption: &Caption) -> Picture {
    let mut picture = frame::framed("Bytes of one delivered message, by layer", subtitle, caption);
    let all: Vec<Option<Layered>> = cases.iter().map(each).collect();
    let foot = bars::foot(cases.len());
    let (sums, shares) = (Rect { bottom: foot, ..SUM }, Rect { bottom: foot, ..SHARE });
    let most = all.iter().flatten().map(|b| b.bytes.iter().sum());
    let x = Axis::from_zero(most, sums.left, sums.right);
    let share = Axis::linear(0.0, 1.0, shares.left, shares.right);
    let is_estimate = cases.iter().flat_map(|c| &c.runs).any(|r| r.result.layers.wire_is_estimate);
    let mut key = KEY;
    if is_estimate {
        key[3].0 = ESTIMATE;
    }
    bars::key(&mut picture, 28.0, 112.0, &key);
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
    frame::panel_title(picture, sums, "bytes per delivered message");
    frame::panel_title(picture, shares, "share of each layer, with its bytes");
    let right = |y, words: &str| Text::new((RATIO, y), words).bold().anchor(Anchor::Right);
    picture.text(right(shares.top - 47.0, "message"));
    picture.text(right(shares.top - 28.0, "overhead"));
    picture.text(right(shares.top - 9.0, ": payload"));
    frame::columns(picture, sums, x, &x.ticks(4.0), |v| format!("{} B", text::count(v)));
    frame::columns(picture, shares, share, &share.ticks(4.0), |v| format!("{} %", text::plain(100.0 * v)));
}

/// What one message of a case took.
struct Layered {
    /// In the order of [`KEY`]: what each layer adds to the one before.
    bytes: [f64; 4],
    /// Message layer: what is not payload, over the payload; `None` without payload.
    message_ratio: Option<f64>,
    /// What is to be said of the wire: that nobody told.
    wire: &'static str,
}

/// One message of a case, its repeats pooled; `None` without messages.
fn each(case: &Case<'_>) -> Option<Layered> {
    let runs = || case.runs.iter().map(|r| r.result);
    let sum = |of: fn(&RunResult) -> u64| runs().map(of).sum::<u64>() as f64;
    let messages = sum(|r| r.bytes.messages);
    // What crossed the wire: compression takes off the payload, and what is left off what it came in.
    let payload = |r: &RunResult| r.bytes.payload.saturating_sub(r.bytes.saved);
    let overhead = |r: &RunResult| {
        let rest = r.bytes.saved.saturating_sub(r.bytes.payload).min(r.bytes.framing);
        r.bytes.framing - rest + r.bytes.headers
    };
    let wire =
        |r: &RunResult| r.layers.wire_bytes.map_or(0, |wire| wire.saturating_sub(r.layers.stream_bytes));
    let kinds = [sum(payload), sum(overhead), sum(|r| r.bytes.tls), sum(wire)];
    let whole = sum(|r| r.bytes.payload);
    let message_ratio = (sum(|r| r.bytes.framing + r.bytes.headers) - sum(|r| r.bytes.saved)) / whole;
    let told = runs().all(|r| r.layers.wire_bytes.is_some());
    (messages > 0.0).then(|| Layered {
        bytes: kinds.map(|bytes| bytes / messages),
        message_ratio: (whole > 0.0).then_some(message_ratio),
        wire: if told { "" } else { " (wire not told)" },
    })
}

/// One row.
fn one(
    picture: &mut Picture,
    case: &Case<'_>,
    layered: &Layered,
    (x, share): (Axis, Axis),
    (top, bottom, y): (f64, f64, f64),
) {
    let bytes = &layered.bytes;
    let sum: f64 = bytes.iter().sum();
    let parts = |scale: f64| [0, 1, 2, 3].map(|i: usize| Part { value: bytes[i] / scale, colour: KEY[i].1 });
    let end = bars::stacked(picture, case, x, (top, bottom), &parts(1.0));
    bars::value(picture, end, y, 18.0, format!("{} B", text::plain(sum)));
    bars::stacked(picture, case, share, (top, bottom), &parts(sum.max(f64::MIN_POSITIVE)));
    if bottom - top > 50.0 {
        beneath(picture, layered, share, bottom + 20.0);
    } else {
        inside(picture, case, bytes, share, y);
    }
    bars::number(picture, RATIO, y, ratio(layered.message_ratio));
}

/// The bytes of each part in words, under the bar.
fn beneath(picture: &mut Picture, layered: &Layered, share: Axis, baseline: f64) {
    let parts = layered.bytes.iter().zip(LAYERS).filter(|(value, _)| **value > 0.0);
    let words = parts.map(|(value, name)| format!("{name} {}", text::plain(*value)));
    let words = words.collect::<Vec<_>>().join(" + ") + layered.wire;
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
fn ratio(of: Option<f64>) -> String {
    of.map_or("no payload".to_owned(), |ratio| format!("{} : 1", text::plain(ratio)))
}

#[cfg(test)]
mod tests {
    use super::super::case::cases;
    use super::super::fixture;
    use super::*;

    #[test]
    fn each_layer_adds_to_the_one_before_and_the_ratio_is_of_messages() {
        let results = fixture::lopsided();
        let of = cases(&results).iter().map(|c| each(c).unwrap()).next().unwrap();
        assert_eq!(of.bytes[..3], [64.0, 7_550.0, 29.0]);
        let run = &results.summary.runs[0];
        let layers = run.layers;
        let wire = layers.wire_bytes.unwrap() as f64 / run.bytes.messages as f64;
        assert!((of.bytes.iter().sum::<f64>() - wire).abs() < 1e-6, "{:?} {wire}", of.bytes);
        assert_eq!((ratio(of.message_ratio), of.wire), ("118 : 1".to_owned(), ""));
        assert_eq!(ratio(None), "no payload");
    }

    #[test]
    fn results_of_before_the_layers_have_no_wire() {
        let mut results = fixture::three_cases();
        results.summary.runs.iter_mut().for_each(|r| r.layers = crate::result::Layers::default());
        let of = each(&cases(&results)[2]).unwrap();
        assert_eq!((of.bytes, of.wire), ([64.0, 2.0, 0.0, 0.0], " (wire not told)"));
        assert_eq!(ratio(of.message_ratio), "0.0312 : 1");
    }
}
