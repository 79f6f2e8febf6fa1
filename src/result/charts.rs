//! The charts of a results folder, as reports embed and name them. Draws nothing.

use super::ResultError;
use std::path::{Path, PathBuf};

/// One chart of `charts/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// File name without its ending, such as `delivery`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// The SVG.
    pub svg: String,
}

/// The SVG charts in `charts/` of the results folder `dir`, by name; none when there is no such
/// folder.
///
/// # Errors
/// When the folder or a chart is there and cannot be read.
pub fn read_charts(dir: &Path) -> Result<Vec<Chart>, ResultError> {
    let folder = dir.join("charts");
    let entries = match std::fs::read_dir(&folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| ResultError::Read { path: folder.clone(), source })?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|source| ResultError::Read { path: folder.clone(), source })?.path());
    }
    paths.retain(|p| p.extension().is_some_and(|e| e == "svg"));
    paths.sort();
    paths.into_iter().map(chart).collect()
}

fn chart(path: PathBuf) -> Result<Chart, ResultError> {
    let svg =
        std::fs::read_to_string(&path).map_err(|source| ResultError::Read { path: path.clone(), source })?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Chart { name, path, svg })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn svgs_by_name_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_charts(dir.path()).unwrap(), Vec::new());
        let charts = dir.path().join("charts");
        std::fs::create_dir(&charts).unwrap();
        for name in ["b.svg", "a.svg", "a.png"] {
            std::fs::write(charts.join(name), "<svg/>").unwrap();
        }
        let names: Vec<_> = read_charts(dir.path()).unwrap().into_iter().map(|c| c.name).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
