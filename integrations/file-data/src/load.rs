//! [`Loader`]: reads all files, again and again.
//!
//! Each attempt gets a new version, which all items take: so every flag of a reload counts as
//! changed, and listeners hear of it, whatever versions people write into files by hand. Files that
//! still hold the bytes that were loaded last are not loaded again, so that a touched file wakes
//! nobody.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;

use vexil::model::DataSet;

use crate::builder::{DuplicateKeys, FileData};
use crate::error::FileDataError;
use crate::merge::Merge;
use crate::read;

#[derive(Debug)]
pub(crate) struct Loader {
    paths: Arc<[PathBuf]>,
    duplicates: DuplicateKeys,
    /// Whether the items are to have their JSON.
    keep_json: bool,
    /// The attempts so far.
    version: u64,
    /// Keyed anew for each loader, so that nobody can write two files that it takes for the same.
    hasher: RandomState,
    /// What the files held when they last gave data.
    loaded: Option<Fingerprint>,
    /// The same, once that data was stored.
    stored: Option<Fingerprint>,
}

/// Whether a file that has become empty is looked at for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It may be about to be written: `generate > flags.json` empties the file before anything is
    /// generated.
    First,
    /// It has been empty for a while.
    Second,
}

/// What reading the files has led to.
#[derive(Debug)]
pub(crate) enum Loaded {
    /// New data.
    New(DataSet),
    /// The data that was stored last.
    Unchanged,
    /// This file, which was not empty before, is empty. Its data should stay until a second look.
    Emptied(PathBuf),
}

/// Whether a file has the same contents in both.
fn is_same(before: &Fingerprint, now: Option<&Fingerprint>, index: usize) -> bool {
    now.is_some_and(|now| now.get(index) == before.get(index))
}

/// Length and hash of each file: the bytes themselves could be many.
type Fingerprint = Vec<(usize, u64)>;

impl Loader {
    pub(crate) fn new(data: &FileData, keep_json: bool) -> Self {
        Self {
            paths: Arc::clone(&data.paths),
            duplicates: data.duplicates,
            keep_json,
            version: 0,
            hasher: RandomState::new(),
            loaded: None,
            stored: None,
        }
    }

    /// Reads the files. `look` tells whether an empty file counts.
    pub(crate) fn load(&mut self, look: Look) -> Result<Loaded, FileDataError> {
        let paths = Arc::clone(&self.paths);
        let files = paths
            .iter()
            .map(|path| read::bytes(path))
            .collect::<Result<Vec<_>, _>>();
        let fingerprint = files.as_ref().ok().map(|files| {
            let print = |bytes: &Vec<u8>| (bytes.len(), self.hasher.hash_one(bytes));
            files.iter().map(print).collect::<Fingerprint>()
        });
        if fingerprint.is_some() && fingerprint == self.stored {
            return Ok(Loaded::Unchanged);
        }
        self.version += 1;
        let before = self.stored.as_ref().or(self.loaded.as_ref());
        let mut merge = Merge::new(self.duplicates, self.version);
        for (index, (path, bytes)) in paths.iter().zip(files?).enumerate() {
            let contents = read::contents(path, &bytes, self.keep_json)?;
            if contents.may_be_cut_off
                && before.is_some_and(|before| !is_same(before, fingerprint.as_ref(), index))
            {
                if look == Look::First {
                    return Ok(Loaded::Emptied(path.clone()));
                }
                tracing::warn!(path = %path.display(), "a flag file is still empty: its flags and segments are gone");
            }
            merge.add(path, contents)?;
        }
        // From here on the store may hold neither the one nor the other.
        self.stored = None;
        self.loaded = fingerprint;
        Ok(Loaded::New(merge.finish()))
    }

    /// To be told when the data that was loaded last is stored.
    pub(crate) fn stored(&mut self) {
        self.stored = self.loaded.take();
    }
}
