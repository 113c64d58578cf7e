//! [`FileMetadata`]: metadata of the files, which reveals changes without reading them.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// The coarsest resolution of file times, that of FAT. A file that is changed twice within it keeps
/// its time.
const RESOLUTION: Duration = Duration::from_secs(2);

/// One entry per file; `None` for a file that does not exist.
#[derive(Debug)]
pub(super) struct FileMetadata(Vec<Option<Metadata>>);

#[derive(Debug, PartialEq, Eq)]
struct Metadata {
    modified: Option<SystemTime>,
    len: u64,
    /// The resolved path: some tools set the same time on all files.
    real: Option<PathBuf>,
    /// Whether a later change would have another time. Metadata that becomes settled counts as
    /// changed, because a change before that may have left no other trace.
    is_settled: bool,
}

impl FileMetadata {
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        Self::at(SystemTime::now(), paths)
    }

    fn at(now: SystemTime, paths: &[PathBuf]) -> Self {
        let metadata_of = |path: &PathBuf| {
            let metadata = std::fs::metadata(path).ok()?;
            let real = std::fs::canonicalize(path).ok();
            let modified = metadata.modified().ok();
            Some(Metadata {
                modified,
                len: metadata.len(),
                real,
                // A time in the future is that of no recent change.
                is_settled: modified
                    .and_then(|modified| now.duration_since(modified).ok())
                    .is_none_or(|age| RESOLUTION <= age),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recent_change_counts_again_once_a_later_one_would_have_another_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let modified = file.as_file().metadata().unwrap().modified().unwrap();
        let paths = [file.path().to_owned()];
        let after = |seconds| FileMetadata::at(modified + Duration::from_secs(seconds), &paths);
        let mut metadata = after(0);
        assert!(!metadata.update(after(1)));
        assert!(metadata.update(after(2)));
        assert!(!metadata.update(after(3)));
    }
}
