//! `rows`: a CSV file with a row for each client.

use super::super::Report;
use crate::scenario::Rows;
use crate::scenario::path::KeyPath;
use std::sync::Arc;

/// Largest file: it is held in memory.
const MOST_BYTES: u64 = 64 << 20;

/// Reads it, relative to the scenario file.
pub(super) fn read(file: &str, at: &KeyPath, r: &mut Report<'_>) -> Option<Arc<Rows>> {
    let path = r.folder.join(file);
    let size = std::fs::metadata(&path).map(|m| m.len());
    let read = match size {
        Ok(n) if n > MOST_BYTES => Err(format!("has more than {MOST_BYTES} bytes")),
        Ok(_) => rows(&path).map_err(|e| format!("cannot be read: {e}")),
        Err(e) => Err(format!("cannot be read: {e}")),
    };
    match read {
        Ok(rows) if rows.rows.is_empty() => {
            r.wrong(at, format!("`{at}`: {file} has no row below its head"), None);
            None
        }
        Ok(rows) => Some(Arc::new(rows)),
        Err(why) => {
            r.wrong(at, format!("`{at}`: {file} {why}"), None);
            None
        }
    }
}

fn rows(path: &std::path::Path) -> Result<Rows, csv::Error> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_path(path)?;
    let columns = reader.headers()?.iter().map(str::to_owned).collect();
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        record.map(|r| r.iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let rows = reader.records().map(row).collect::<Result<_, _>>()?;
    Ok(Rows { columns, rows })
}
