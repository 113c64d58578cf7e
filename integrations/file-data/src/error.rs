//! [`FileDataError`]: the reason why flag files cannot be loaded.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use vexil::Text;
use vexil::model::DataKind;

/// An error that prevents flag files from being loaded.
///
/// It is the source of the [`DataSourceError`](vexil::data_source::DataSourceError) that the client
/// reports.
///
/// ```
/// use vexil_file_data::{FileData, FileDataError};
///
/// let error = FileData::path("no-such-file.yaml").build()?.load().unwrap_err();
/// match &error {
///     FileDataError::Unreadable { path, .. } => assert!(path.ends_with("no-such-file.yaml")),
///     other => panic!("{other}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileDataError {
    /// No file was added to the builder.
    #[error("no file was added")]
    NoFile,
    /// A path cannot be made absolute.
    #[error("\"{}\" cannot be made absolute", path.display())]
    Path {
        /// The path as passed to the builder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file is missing, is not a regular file, or cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The contents of a file are not valid flag data.
    #[error("{}:{line}:{column}: {} cannot be read", path.display(), describe(item.as_ref()))]
    #[non_exhaustive]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1; 0 if unknown.
        line: usize,
        /// The column, counted from 1; 0 if unknown.
        column: usize,
        /// The flag or segment in which parsing failed; `None` if it failed outside of them.
        item: Option<(DataKind, Text)>,
        /// The parser's error.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A key appears twice.
    #[error("{kind} \"{key}\" of {} appears again in {}", first.display(), second.display())]
    Duplicate {
        /// Whether the key belongs to a flag or a segment.
        kind: DataKind,
        /// The key.
        key: Text,
        /// The file that contains it first.
        first: PathBuf,
        /// The file that repeats it; the same as `first` if that file contains both a flag and a
        /// plain value for the key.
        second: PathBuf,
    },
}

impl FileDataError {
    /// Returns the file that caused the error, if any.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// let error = FileData::path("no-such-file.yaml").build()?.load().unwrap_err();
    /// assert!(error.path().is_some_and(|path| path.ends_with("no-such-file.yaml")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    /// Returns the line that caused the error, counted from 1, if known.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("flags.yaml");
    /// std::fs::write(&path, "flags:\n  banner: { on: 7 }\n")?;
    /// let error = FileData::path(&path).build()?.load().unwrap_err();
    /// assert_eq!((error.line(), error.column()), (Some(2), Some(17)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Malformed { line, .. } => Some(*line).filter(|line| *line > 0),
            _ => None,
        }
    }

    /// Returns the column that caused the error, counted from 1, if known.
    ///
    /// ```
    /// use vexil_file_data::FileData;
    ///
    /// let missing = FileData::path("no-such-file.yaml").build()?.load().unwrap_err();
    /// assert_eq!(missing.column(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        match self {
            Self::Malformed { column, .. } => Some(*column).filter(|column| *column > 0),
            _ => None,
        }
    }

    /// Returns the flag or segment that caused the error, if known.
    ///
    /// ```
    /// use vexil::model::DataKind;
    /// use vexil_file_data::FileData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("flags.yaml");
    /// std::fs::write(&path, "flags:\n  banner: { on: 7 }\n")?;
    /// let error = FileData::path(&path).build()?.load().unwrap_err();
    /// let (kind, key) = error.item().expect("the flag is known");
    /// assert_eq!((kind, key.as_str()), (DataKind::Flag, "banner"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
