//! Which layer may import which. The table is the house; `docs/design.md` tells why.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A layer, and what it may import beside itself, `model`, `clock` and `std`.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &[]),
    ("analysis", &[]),
    ("scenario", &[]),
    ("pace", &[]),
    ("record", &[]),
    ("net", &[]),
    ("probe", &["net"]),
    ("transport", &["net", "scenario"]),
    ("client", &["transport", "pace", "record", "net"]),
    ("result", &["analysis", "record", "scenario"]),
    ("scrape", &["probe", "scenario"]),
    (
        "engine",
        &[
            "analysis",
            "client",
            "probe",
            "scenario",
            "scrape",
            "result",
            "record",
            "pace",
            "net",
            "transport",
        ],
    ),
    ("server", &["net", "transport"]),
    ("beside", &["probe", "server"]),
    ("report", &["result"]),
    ("plot", &["result"]),
    ("selftest", &["analysis", "engine", "net", "pace", "probe", "record", "result", "scenario", "server"]),
    (
        "cli",
        &[
            "beside",
            "client",
            "engine",
            "net",
            "pace",
            "plot",
            "probe",
            "record",
            "report",
            "result",
            "scenario",
            "selftest",
            "server",
            "transport",
        ],
    ),
];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false if path.extension().is_some_and(|e| e == "rs") => vec![path],
            false => vec![],
        })
        .collect()
}

/// The layers named behind `crate::` in a line, `use crate::{a, b}` included.
fn named(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let list = rest.strip_prefix('{').map(|r| r.split('}').next().unwrap_or(r));
        let items: Vec<&str> = list.map_or_else(|| vec![rest], |l| l.split(',').collect());
        let word =
            |s: &str| s.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        found.extend(items.into_iter().map(word));
    }
    found
}

#[test]
fn layers_import_only_what_they_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut broken = Vec::new();
    for (layer, allowed) in &table {
        for file in rust_files(&root.join(layer)) {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
            for name in code.flat_map(named).filter(|n| table.contains_key(n.as_str())) {
                let fine = name == *layer
                    || ["model", "clock"].contains(&name.as_str())
                    || allowed.contains(&name.as_str());
                if !fine {
                    broken.push(format!("{} imports {name}", file.strip_prefix(&root).unwrap().display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_folder_is_a_layer_of_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders = fs::read_dir(root).unwrap().map(|e| e.unwrap()).filter(|e| e.file_type().unwrap().is_dir());
    for folder in folders {
        let name = folder.file_name().into_string().unwrap();
        assert!(MAY_IMPORT.iter().any(|(layer, _)| *layer == name), "{name} is in no row of the table");
    }
}

#[test]
fn no_file_has_outgrown_its_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in rust_files(&root.join("src")) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines: make it a folder of that name", file.display());
    }
}
