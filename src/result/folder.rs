//! A results folder being written. Never overwrites what an earlier run left.
//!
//! Each file is written under a temporary name, synced and renamed: a crash, or a full disk, leaves
//! the last whole version. The summary comes last, so that it never tells of more than is there.

use super::{ResultError, Results, hlog, read, series};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The schema of `manifest.json` that this build writes.
pub(super) const MANIFEST_SCHEMA: &str = "pushbench/manifest/1";

/// A results folder that this process made and may write to.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder `path`, parents too, and proves that it can be written to: call it before
    /// any load starts.
    ///
    /// # Errors
    /// When it holds anything already, is a file, or cannot be made or written to.
    pub fn create(path: &Path) -> Result<Folder, ResultError> {
        let refused = |source| ResultError::NotWritable { path: path.to_owned(), source };
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(refused)?;
        }
        match fs::create_dir(path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => refuse_unless_empty(path)?,
            made => made.map_err(refused)?,
        }
        let folder = Folder { path: path.to_owned() };
        let probe = path.join(".writable");
        write_synced(&probe, b"pushbench").and_then(|()| fs::remove_file(&probe)).map_err(refused)?;
        Ok(folder)
    }

    /// `<base>/<UTC time>-<title>/`, such as `results/20260321T140502Z-which-transport`; with a
    /// number behind it while a folder of that name is there.
    pub fn default_path(base: &Path, title: &str, now: jiff::Timestamp) -> PathBuf {
        let name = format!("{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), slug(title));
        let numbered = (2_u32..).map(|n| base.join(format!("{name}-{n}")));
        std::iter::once(base.join(&name)).chain(numbered).find(|p| !p.exists()).unwrap_or(base.join(&name))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes everything known so far; to be called after every run, so that a crash keeps the
    /// earlier ones. Blocks until the disk has it.
    ///
    /// # Errors
    /// Names the file that could not be written; the others are whole, in this version or the last.
    pub fn write(&self, results: &Results) -> Result<(), ResultError> {
        self.put("manifest.json", &json(&manifest(&results.manifest)))?;
        self.put_made("intervals.csv", series::intervals(results))?;
        self.put_made("cost.csv", series::cost(results))?;
        if let Some(made) = series::metrics(results) {
            self.put_made("metrics.csv", made)?;
        }
        self.put_made("latency.hlog", hlog::write(results))?;
        let mut summary = results.summary.clone();
        summary.schema = super::SUMMARY_SCHEMA.to_owned();
        let summary = serde_json::to_value(&summary).expect("a summary is plain values with text keys");
        self.put("summary.json", &json(&summary))
    }

    /// Takes the folder away again when nothing was written into it: a run that never began leaves
    /// no trace.
    pub fn remove_if_empty(&self) {
        // It fails when there is something in it, as it should.
        let _ = fs::remove_dir(&self.path);
    }

    /// Writes one more file, such as `report.html` or `charts/delivery.svg`, whole or not at all.
    ///
    /// # Errors
    /// Names the file.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ResultError> {
        let path = self.path.join(name);
        replace(&path, bytes).map_err(|source| ResultError::Write { path, source })
    }

    fn put_made(&self, name: &str, made: io::Result<Vec<u8>>) -> Result<(), ResultError> {
        let bytes = made.map_err(|source| ResultError::Write { path: self.path.join(name), source })?;
        self.put(name, &bytes)
    }
}

fn refuse_unless_empty(path: &Path) -> Result<(), ResultError> {
    let owned = || path.to_owned();
    if !path.is_dir() {
        return Err(ResultError::NotAFolder { path: owned() });
    }
    let mut entries =
        fs::read_dir(path).map_err(|source| ResultError::NotWritable { path: owned(), source })?;
    match entries.next() {
        None => Ok(()),
        Some(_) if read::is_results(path) => Err(ResultError::Occupied { path: owned() }),
        Some(_) => Err(ResultError::Foreign { path: owned() }),
    }
}

/// The manifest with its schema in front.
fn manifest(given: &Value) -> Value {
    let mut whole = serde_json::Map::new();
    whole.insert("schema".to_owned(), MANIFEST_SCHEMA.into());
    if let Value::Object(keys) = given {
        whole.extend(keys.iter().filter(|(k, _)| *k != "schema").map(|(k, v)| (k.clone(), v.clone())));
    }
    Value::Object(whole)
}

fn json(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

/// Writes beside `path`, syncs, renames over it and syncs the folder, so that the name lasts too.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.tmp"));
    let written = write_synced(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Best effort: the error that matters is the one above.
        let _ = fs::remove_file(&temporary);
    }
    written.and_then(|()| File::open(folder)?.sync_all())
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Lower-case letters and digits of a title with single dashes between, at most 40 characters, cut
/// at a word where that leaves something.
fn slug(title: &str) -> String {
    let lower = title.to_ascii_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let mut slug = String::new();
    for word in words {
        if slug.len() + 1 + word.len() > 40 && !slug.is_empty() {
            break;
        }
        slug = if slug.is_empty() { word.chars().take(40).collect() } else { format!("{slug}-{word}") };
    }
    if slug.is_empty() { "run".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_read_as_titles() {
        let now: jiff::Timestamp = "2026-03-21T14:05:02.9Z".parse().unwrap();
        let base = tempfile::tempdir().unwrap();
        let first = Folder::default_path(base.path(), "Which transport, 20 Hz?", now);
        assert_eq!(first, base.path().join("20260321T140502Z-which-transport-20-hz"));
        Folder::create(&first).unwrap();
        let second = Folder::default_path(base.path(), "Which transport, 20 Hz?", now);
        assert_eq!(second, base.path().join("20260321T140502Z-which-transport-20-hz-2"));
    }

    #[test]
    fn slugs_are_short_and_never_empty() {
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("Übung … ?"), "bung");
        assert_eq!(slug("¿?"), "run");
        assert_eq!(slug(&"x".repeat(300)).len(), 40);
        assert_eq!(
            slug("Which transport should carry a 20 Hz feed to 500 clients"),
            "which-transport-should-carry-a-20-hz"
        );
    }

    #[test]
    fn an_empty_folder_will_do() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Folder::create(dir.path()).unwrap().path(), dir.path());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the proof is tidied away");
        Folder::create(&dir.path().join("a/b/c")).unwrap();
    }

    #[test]
    fn evidence_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        Folder::create(dir.path()).unwrap().write(&Results::default()).unwrap();
        let error = Folder::create(dir.path()).unwrap_err();
        assert!(matches!(error, ResultError::Occupied { .. }), "{error}");
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        let error = Folder::create(dir.path()).unwrap_err();
        assert!(matches!(error, ResultError::Foreign { .. }), "{error}");
        let error = Folder::create(&dir.path().join("thesis.tex")).unwrap_err();
        assert!(matches!(error, ResultError::NotAFolder { .. }), "{error}");
    }

    #[test]
    fn what_cannot_be_written_is_said_with_path_and_reason() {
        // /proc takes no folder from anybody, root included.
        let error = Folder::create(Path::new("/proc/pushbench-results")).unwrap_err();
        assert!(error.to_string().contains("/proc/pushbench-results"), "{error}");
        assert!(matches!(error, ResultError::NotWritable { .. }), "{error}");
    }

    #[test]
    fn a_failed_write_names_the_file_and_keeps_the_last_version() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::create(&dir.path().join("r")).unwrap();
        folder.put("report.html", b"first").unwrap();
        // A folder where the temporary file belongs: no write can succeed, even for root.
        fs::create_dir(folder.path().join(".report.html.tmp")).unwrap();
        let error = folder.put("report.html", b"second").unwrap_err();
        assert!(error.to_string().ends_with("report.html"), "{error}");
        assert_eq!(fs::read(folder.path().join("report.html")).unwrap(), b"first");
    }

    #[test]
    fn manifests_open_with_their_schema() {
        let given = serde_json::json!({"seed": 7, "schema": "other"});
        assert_eq!(manifest(&given).to_string(), r#"{"schema":"pushbench/manifest/1","seed":7}"#);
    }
}
