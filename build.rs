//! Puts the commit into the binary, so that every result can name the build that made it, and the
//! list of the shipped presets: a preset is one file in `scenarios/presets/`, nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    commit();
    presets();
}

fn commit() {
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/refs/heads");
    let described = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]).output();
    if let Ok(output) = described
        && output.status.success()
    {
        println!("cargo::rustc-env=PUSHBENCH_COMMIT={}", String::from_utf8_lossy(&output.stdout).trim());
    }
}

/// Writes `presets.rs`: a slice of names and texts, sorted by name.
fn presets() {
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let folder = Path::new(&root).join("scenarios/presets");
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = std::fs::read_dir(&folder).expect("the folder of presets is there");
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let row = |file: &PathBuf| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        format!("    ({name:?}, include_str!({:?})),\n", file.display().to_string())
    };
    let rows: String = files.iter().map(row).collect();
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("presets.rs"), format!("&[\n{rows}]\n"))
        .expect("OUT_DIR is writable");
}
