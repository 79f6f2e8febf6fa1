//! What can go wrong with a results folder. Each text says where, what, and what would do.

use std::io;
use std::path::PathBuf;

/// Failures of writing or reading a results folder.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The folder holds an earlier run.
    #[error(
        "{path} already holds results, which are never overwritten: choose another --out, or move it away"
    )]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds something else.
    #[error("{path} is not empty and is no results folder: choose an --out that is empty or does not exist")]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// There is a file of that name.
    #[error("{path} is a file, results need a folder: choose another --out")]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// The folder cannot be made or written to.
    #[error("cannot write results to {path}: give an --out that this user may write to and that has room")]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// One file could not be written; files written before it are whole.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no such folder.
    #[error("{path} does not exist: give the folder that `pushbench run` named when it ended")]
    Missing {
        /// The folder asked for.
        path: PathBuf,
    },
    /// The folder has no summary.
    #[error(
        "{path} is no results folder: it has no summary.json; give the folder that `pushbench run` named"
    )]
    NoSummary {
        /// The folder.
        path: PathBuf,
    },
    /// A file is there and cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is there and is not what it should be.
    #[error("{path} is damaged or not ours: {found}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        found: String,
    },
    /// A file was written by a build with another schema.
    #[error(
        "{path} has schema \"{found}\", this build reads \"{want}\": use the pushbench version that wrote it"
    )]
    UnknownSchema {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What would be read.
        want: &'static str,
    },
}
