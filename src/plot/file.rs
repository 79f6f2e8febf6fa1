//! A picture as the bytes of an SVG and of a PNG file.

use super::PlotError;
use super::font;
use super::paint::{Joins, paint};
use super::picture::{HEIGHT, Picture, WIDTH};
use plotters::backend::{BitMapBackend, SVGBackend};

/// Backend units to one unit of a picture: plotters takes whole numbers only, and curves need finer
/// steps. The PNG is painted as finely and averaged, which smooths its edges.
const SCALE: u32 = 4;
/// Painted pixels, along one edge, that make one pixel of the PNG: it is twice the SVG's size.
const AVERAGED: usize = 2;
const FINE: (u32, u32) = (WIDTH as u32 * SCALE, HEIGHT as u32 * SCALE);

/// Pixels of a PNG, across and down.
pub(super) const PNG_SIZE: (u32, u32) = (FINE.0 / AVERAGED as u32, FINE.1 / AVERAGED as u32);

/// An SVG document with the font inside.
pub(super) fn svg(picture: &Picture) -> Result<String, PlotError> {
    let mut drawn = String::new();
    let mut backend = SVGBackend::with_string(&mut drawn, FINE);
    paint(picture, &mut backend, f64::from(SCALE), Joins::Backend).map_err(PlotError::painting)?;
    drop(backend);
    // plotters' own root element speaks in painted units; ours speaks in units of the slide.
    let from = drawn.find('>').map_or(0, |at| at + 1);
    let till = drawn.rfind("</svg>").unwrap_or(drawn.len());
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n<title>{}</title>\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n<style>\n{}\
         polyline{{stroke-linejoin:round}}\n</style>\n<g transform=\"scale({})\">{}</g>\n</svg>\n",
        escape(&picture.title),
        font::css(),
        1.0 / f64::from(SCALE),
        &drawn[from..till],
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A PNG of [`PNG_SIZE`].
pub(super) fn png(picture: &Picture) -> Result<Vec<u8>, PlotError> {
    let mut pixels = vec![0xff; FINE.0 as usize * FINE.1 as usize * 3];
    let mut backend = BitMapBackend::with_buffer(&mut pixels, FINE);
    paint(picture, &mut backend, f64::from(SCALE), Joins::Discs).map_err(PlotError::painting)?;
    drop(backend);
    encode(&averaged(&pixels)).map_err(|e| PlotError::painting(&e))
}

/// Each block of two by two pixels as one.
fn averaged(fine: &[u8]) -> Vec<u8> {
    let row = FINE.0 as usize * 3;
    let mut out = Vec::with_capacity(fine.len() / (AVERAGED * AVERAGED));
    for rows in fine.chunks_exact(row * AVERAGED) {
        let (upper, lower) = rows.split_at(row);
        for (a, b) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            for c in 0..3 {
                let sum = u16::from(a[c]) + u16::from(a[c + 3]) + u16::from(b[c]) + u16::from(b[c + 3]);
                out.push((sum / 4) as u8);
            }
        }
    }
    out
}

fn encode(pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, PNG_SIZE.0, PNG_SIZE.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Flat colours: plain rows deflate best, and fastest.
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}
