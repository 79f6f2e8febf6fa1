//! Charts of a results folder, as SVG and PNG. Reads results only; runs and changes nothing.
//!
//! A chart is drawn once, as a list of shapes in units of a 1280 x 720 slide, and painted twice by
//! plotters' backends. The font is embedded. The same results give the same bytes.

mod axis;
mod bars;
mod by_clients;
mod bytes;
mod caption;
mod case;
mod cost;
mod cost_sweep;
mod counted;
mod curve;
mod fan_out;
mod file;
#[cfg(test)]
mod fixture;
mod font;
mod frame;
mod herd;
mod idle;
mod ladder;
mod omission;
mod over_time;
mod paint;
mod percentiles;
mod picture;
mod place;
mod seconds;
mod stroke;
mod target_time;
mod text;

use crate::result::Results;
use case::Case;
use cost_sweep::Over;
use picture::Picture;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Why charts could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The results hold no run.
    #[error("failed to draw charts: there are no runs in these results")]
    NoRuns,
    /// A file could not be written.
    #[error("failed to write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A picture could not be painted or encoded.
    #[error("failed to paint a chart: {0}")]
    Paint(String),
}

impl PlotError {
    fn painting(error: impl Display) -> PlotError {
        PlotError::Paint(error.to_string())
    }
}

/// Draws every chart that `results` have data for as `into/NAME.svg` and `into/NAME.png`, and gives
/// the paths in that order. Makes the folder when it is missing; a file appears whole or not at all.
/// Holds about 60 MB while a PNG is painted.
///
/// # Errors
/// When there is no run, or a file cannot be written.
pub fn draw_all(results: &Results, into: &Path) -> Result<Vec<PathBuf>, PlotError> {
    let charts = charts(results)?;
    std::fs::create_dir_all(into).map_err(|source| PlotError::Write { path: into.to_owned(), source })?;
    let mut written = Vec::new();
    for (name, picture) in &charts {
        written.push(write(into, &format!("{name}.svg"), file::svg(picture)?.as_bytes())?);
        written.push(write(into, &format!("{name}.png"), &file::png(picture)?)?);
    }
    Ok(written)
}

/// Every chart with the name of its files.
fn charts(results: &Results) -> Result<Vec<(&'static str, Picture)>, PlotError> {
    let ladders = ladder_charts(results);
    let mut all = case::cases(results);
    let found = all.len();
    all.truncate(case::MOST);
    if all.is_empty() {
        return if ladders.is_empty() { Err(PlotError::NoRuns) } else { Ok(ladders) };
    }
    let largest: Vec<Case<'_>> = all.iter().map(Case::at_most_clients).collect();
    let title = results.summary.title.as_str();
    let caption = caption::caption(results, &largest, found);
    let mut charts = vec![
        ("delivery-percentiles", percentiles::draw(title, &largest, &caption)),
        ("delivery-over-time", over_time::draw(title, &largest, &caption)),
        ("bytes-per-message", bytes::draw(title, &largest, &caption)),
        ("target-cost", cost::draw(results, &largest, &caption)),
    ];
    if herd::has_herd(&largest) {
        charts.push(("herd", herd::draw(title, &largest, &caption)));
    }
    if by_clients::has_sweep(&all) {
        let caption = caption::caption(results, &all, found);
        charts.push(("by-clients", by_clients::draw(title, &all, &caption)));
    }
    if omission::has_both(&largest) {
        charts.push(("coordinated-omission", omission::draw(title, &largest, &caption)));
    }
    if fan_out::has_fan_out(&largest) {
        charts.push(("fan-out", fan_out::draw(title, &largest, &caption)));
    }
    if counted::has_values(&largest) {
        charts.push(("target-metrics", counted::draw(title, &largest, &caption)));
    }
    for (name, over) in [("cost-by-clients", Over::Clients), ("cost-by-rate", Over::Rate)] {
        let mut all = cost_sweep::cases(results, over);
        let found = all.len();
        all.truncate(case::MOST);
        if !all.is_empty() {
            let caption = caption::caption(results, &all, found);
            charts.push((name, cost_sweep::draw(results, &all, over, &caption)));
        }
    }
    let mut largest = cost_sweep::largest(results);
    let found = largest.len();
    largest.truncate(case::MOST);
    if target_time::has_readings(&largest) {
        let caption = caption::caption(results, &largest, found);
        charts.push(("target", target_time::draw(results, &largest, &caption)));
    }
    charts.extend(ladders);
    Ok(charts)
}

/// The server whose costs a chart shows: the same transport costs another one something else.
fn whose(results: &Results) -> String {
    match results.summary.target.as_str() {
        "" => "costs of the server under test, not of a transport in general".to_owned(),
        // What a chart says of itself stands behind it and has to have room: how it was started has none.
        target => {
            let place = target.split(" that `").next().unwrap_or(target);
            let name = font::shorten(place, 18.0, false, 310.0);
            format!("costs of {name}, not of a transport in general")
        }
    }
}

/// What an idle connection costs; none without ladders.
fn ladder_charts(results: &Results) -> Vec<(&'static str, Picture)> {
    let stand_ins = idle::as_runs(results);
    let mut cases = case::cases(&stand_ins);
    let found = cases.len();
    cases.truncate(case::MOST);
    if cases.is_empty() {
        return Vec::new();
    }
    let caption = idle::caption(results, &stand_ins, &cases, found);
    vec![
        ("bytes-per-connection", idle::draw(results, &cases, &caption)),
        ("idle-connections", ladder::draw(results, &cases, &caption)),
    ]
}

/// Writes to a temporary name and renames.
fn write(into: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, PlotError> {
    let path = into.join(name);
    let temporary = into.join(format!(".{name}.tmp"));
    let failed = |source| PlotError::Write { path: path.clone(), source };
    std::fs::write(&temporary, bytes).map_err(failed)?;
    std::fs::rename(&temporary, &path).map_err(failed)?;
    Ok(path)
}

#[cfg(test)]
mod tests;
