//! [`Stamps`]: what can be seen of files without reading them.

use std::path::PathBuf;
use std::time::SystemTime;

/// One stamp for each file; none for a file that is not there.
#[derive(Debug)]
pub(super) struct Stamps(Vec<Option<Stamp>>);

#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    /// Where the links lead: some tools give all files the same time.
    real: Option<PathBuf>,
}

impl Stamps {
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let stamp = |path: &PathBuf| {
            let metadata = std::fs::metadata(path).ok()?;
            let real = std::fs::canonicalize(path).ok();
            Some(Stamp {
                modified: metadata.modified().ok(),
                len: metadata.len(),
                real,
            })
        };
        Self(paths.iter().map(stamp).collect())
    }

    /// Takes over what is seen now: whether that calls for a reload. A file that vanished does not,
    /// its return does.
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
