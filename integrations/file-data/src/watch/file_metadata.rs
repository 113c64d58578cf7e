//! [`FileMetadata`]: metadata of the files, which reveals changes without reading them.

use std::path::PathBuf;
use std::time::SystemTime;

/// One entry per file; `None` for a file that does not exist.
#[derive(Debug)]
pub(super) struct FileMetadata(Vec<Option<Metadata>>);

#[derive(Debug, PartialEq, Eq)]
struct Metadata {
    modified: Option<SystemTime>,
    len: u64,
    /// The resolved path: some tools set the same time on all files.
    real: Option<PathBuf>,
}

impl FileMetadata {
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let metadata_of = |path: &PathBuf| {
            let metadata = std::fs::metadata(path).ok()?;
            let real = std::fs::canonicalize(path).ok();
            Some(Metadata {
                modified: metadata.modified().ok(),
                len: metadata.len(),
                real,
            })
        };
        Self(paths.iter().map(metadata_of).collect())
    }

    /// Updates the metadata and returns whether a reload is needed. A file that disappears does not
    /// cause a reload, but its return does.
    pub(super) fn update(&mut self, now: Self) -> bool {
        let changed = now
            .0
            .iter()
            .zip(&self.0)
            .any(|(now, before)| now.is_some() && now != before);
        *self = now;
        changed
    }
}
