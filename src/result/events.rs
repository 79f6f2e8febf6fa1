//! The files of `pushbench run --trace-events`, one for each run and worker.
//!
//! Streamed to a temporary name while the run goes on, because they may be larger than the memory, and
//! given their own when it is over: under that name a file is whole. What stands in them is written by
//! who sees it; here is only where, and the two lines that are known last or never change.

use super::{Folder, ResultError};
use crate::model::Nanos;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;

/// The first line of every file: its format. `docs/events.md` tells it to the word.
const SCHEMA: &str = "# pushbench/events/1\n";

/// Where the files of events are.
#[derive(Clone, Debug)]
pub struct EventFiles {
    folder: PathBuf,
}

impl EventFiles {
    /// Those of this results folder.
    pub fn within(folder: &Folder) -> EventFiles {
        EventFiles { folder: folder.path().join("events") }
    }

    /// Begins the file of worker `worker` in run `run`, both from 0.
    ///
    /// # Errors
    /// When it cannot be made or has no room.
    pub fn open(&self, run: usize, worker: usize) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let mut file = File::create(self.temporary(run, worker))?;
        file.write_all(SCHEMA.as_bytes())?;
        // Room for what is known when the run is over.
        file.write_all(window(&(Nanos::ZERO..Nanos::ZERO), true).as_bytes())?;
        Ok(file)
    }

    /// The run is over: writes when `measure` really was, and whether what was under way at its end had
    /// as long to arrive as planned, syncs the file and gives it its name.
    ///
    /// # Errors
    /// Names the file, which is not there then.
    pub fn keep(
        &self,
        run: usize,
        worker: usize,
        measure: &Range<Nanos>,
        drained: bool,
    ) -> Result<(), ResultError> {
        let path = self.folder.join(name(run, worker));
        let kept = || -> io::Result<()> {
            let mut file = File::options().write(true).open(self.temporary(run, worker))?;
            file.seek(SeekFrom::Start(SCHEMA.len() as u64))?;
            file.write_all(window(measure, drained).as_bytes())?;
            file.sync_all()?;
            fs::rename(self.temporary(run, worker), &path)?;
            File::open(&self.folder)?.sync_all()
        };
        kept().map_err(|source| {
            self.discard(run, worker);
            ResultError::Write { path: path.clone(), source }
        })
    }

    /// Takes away what was written of a file that is not to stay, and the folder when it is empty.
    pub fn discard(&self, run: usize, worker: usize) {
        // Best effort: what is in the way has been told by who could not write.
        let _ = fs::remove_file(self.temporary(run, worker));
        let _ = fs::remove_file(self.folder.join(name(run, worker)));
        let _ = fs::remove_dir(&self.folder);
    }

    fn temporary(&self, run: usize, worker: usize) -> PathBuf {
        self.folder.join(format!(".{}.tmp", name(run, worker)))
    }
}

fn name(run: usize, worker: usize) -> String {
    format!("run-{run}-worker-{worker}.tsv")
}

/// The line of `measure`, always of the same length, so that it can be put in afterwards.
fn window(measure: &Range<Nanos>, drained: bool) -> String {
    let drained = if drained { "yes" } else { "no " };
    format!("# measure\t{:020}\t{:020}\tdrained\t{drained}\n", measure.start.0, measure.end.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_has_its_name_when_it_is_whole_and_tells_when_measure_really_was() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::create(&dir.path().join("r")).unwrap();
        let files = EventFiles::within(&folder);
        let mut file = files.open(2, 1).unwrap();
        file.write_all(b"end\t9\n").unwrap();
        let events = folder.path().join("events");
        assert_eq!(names(&events), [".run-2-worker-1.tsv.tmp"]);
        files.keep(2, 1, &(Nanos(7)..Nanos(u64::MAX)), false).unwrap();
        assert_eq!(names(&events), ["run-2-worker-1.tsv"]);
        let text = fs::read_to_string(events.join("run-2-worker-1.tsv")).unwrap();
        let measure = "# measure\t00000000000000000007\t18446744073709551615\tdrained\tno \n";
        assert_eq!(text, format!("# pushbench/events/1\n{measure}end\t9\n"));
    }

    #[test]
    fn what_is_not_whole_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::create(&dir.path().join("r")).unwrap();
        let files = EventFiles::within(&folder);
        drop(files.open(0, 0).unwrap());
        files.discard(0, 0);
        drop(files.open(0, 1).unwrap());
        files.keep(0, 1, &(Nanos(1)..Nanos(2)), true).unwrap();
        files.discard(0, 1);
        assert_eq!(names(folder.path()), [""; 0]);
        assert!(files.keep(0, 0, &(Nanos(1)..Nanos(2)), true).is_err(), "there is none to keep");
    }
}
