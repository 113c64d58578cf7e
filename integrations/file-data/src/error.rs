//! [`FileDataError`]: why files give no flags.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use vexil::Text;
use vexil::model::DataKind;

/// Why files give no flags.
///
/// It is the source of the [`DataSourceError`](vexil::data_source::DataSourceError) that a client
/// reports.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileDataError {
    /// There is nothing to read.
    #[error("no file was named")]
    NoFile,
    /// A path has no absolute form.
    #[error("\"{}\" cannot be made an absolute path", path.display())]
    Path {
        /// The path as it was given.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is missing, is no regular file, or may not be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What a file holds is not flag data.
    #[error("{}:{line}:{column}: {} cannot be read", path.display(), describe(item.as_ref()))]
    #[non_exhaustive]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1; 0 if it is not known.
        line: usize,
        /// The column, counted from 1; 0 if it is not known.
        column: usize,
        /// The flag or segment in which reading ended; none if it ended outside all of them.
        item: Option<(DataKind, Text)>,
        /// What is wrong, in the words of the format's parser.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A key appears twice.
    #[error("{kind} \"{key}\" of {} appears again in {}", first.display(), second.display())]
    Duplicate {
        /// Whether it is that of a flag or of a segment.
        kind: DataKind,
        /// The key.
        key: Text,
        /// The file that has it first.
        first: PathBuf,
        /// The file that has it again; the same one if it has both a flag and a plain value of that
        /// key.
        second: PathBuf,
    },
}

impl FileDataError {
    /// The file at fault.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::NoFile => None,
            Self::Path { path, .. }
            | Self::Unreadable { path, .. }
            | Self::Malformed { path, .. } => Some(path),
            Self::Duplicate { second, .. } => Some(second),
        }
    }

    /// The line at fault, counted from 1, where there is one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Malformed { line, .. } => Some(*line).filter(|line| *line > 0),
            _ => None,
        }
    }

    /// The column at fault, counted from 1, where there is one.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        match self {
            Self::Malformed { column, .. } => Some(*column).filter(|column| *column > 0),
            _ => None,
        }
    }

    /// The flag or segment at fault, where it is one.
    #[must_use]
    pub fn item(&self) -> Option<(DataKind, &Text)> {
        match self {
            Self::Malformed { item, .. } => item.as_ref().map(|(kind, key)| (*kind, key)),
            Self::Duplicate { kind, key, .. } => Some((*kind, key)),
            _ => None,
        }
    }
}

fn describe(item: Option<&(DataKind, Text)>) -> String {
    item.map_or_else(
        || "flag data".to_owned(),
        |(kind, key)| format!("{kind} \"{key}\""),
    )
}
