//! [`Loader`]: reads all files, as often as needed.
//!
//! Each attempt has a new version number, which is assigned to all items, except to overrides. Every
//! flag of a reload therefore counts as changed and its listeners are notified, whatever versions
//! the files contain. Files whose bytes equal those of the last load are not loaded again, so that touching a file
//! notifies no listener.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;

use vexil::model::DataSet;

use crate::duplicate_keys::DuplicateKeys;
use crate::error::FileDataError;
use crate::merge::{Items, Merge};
use crate::read;

#[derive(Debug)]
pub(crate) struct Loader {
    paths: Arc<[PathBuf]>,
    duplicates: DuplicateKeys,
    /// Whether items keep their JSON.
    keep_json: bool,
    /// Whether the items are overrides.
    for_overrides: bool,
    /// Number of attempts so far.
    version: u64,
    /// Keyed randomly per loader, so that hash collisions cannot be constructed.
    hasher: RandomState,
    /// Fingerprint of the last data that was loaded.
    loaded: Option<Fingerprint>,
    /// Fingerprint of the last data that was stored.
    stored: Option<Fingerprint>,
}

/// Whether a file that has become empty is seen so for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EmptyFileCheck {
    /// The file may be about to be written: `generate > flags.json` truncates the file before
    /// `generate` has written anything.
    First,
    /// The file has been empty for a while.
    Second,
}

/// The outcome of reading the files.
#[derive(Debug)]
pub(crate) enum Loaded {
    /// New data.
    New(DataSet),
    /// The data equals the data stored last.
    Unchanged,
    /// This file has become empty. Its data should stay until it is checked again.
    Emptied(PathBuf),
}

/// Whether a file has the same contents in both fingerprints.
fn is_same(before: &Fingerprint, now: Option<&Fingerprint>, index: usize) -> bool {
    now.is_some_and(|now| now.get(index) == before.get(index))
}

/// Length and hash of each file, since the bytes could take much memory.
type Fingerprint = Vec<(usize, u64)>;

impl Loader {
    pub(crate) fn new(paths: Arc<[PathBuf]>, duplicates: DuplicateKeys, keep_json: bool) -> Self {
        Self {
            paths,
            duplicates,
            keep_json,
            for_overrides: false,
            version: 0,
            hasher: RandomState::new(),
            loaded: None,
            stored: None,
        }
    }

    /// Loads the items as overrides or not.
    pub(crate) fn for_overrides(mut self, on: bool) -> Self {
        self.for_overrides = on;
        self
    }

    /// Reads the files. `check` decides whether a file that became empty is accepted.
    pub(crate) fn load(&mut self, check: EmptyFileCheck) -> Result<Loaded, FileDataError> {
        let paths = Arc::clone(&self.paths);
        let files = paths
            .iter()
            .map(|path| read::bytes(path))
            .collect::<Result<Vec<_>, _>>();
        let fingerprint = files.as_ref().ok().map(|files| {
            let fingerprint_of = |bytes: &Vec<u8>| (bytes.len(), self.hasher.hash_one(bytes));
            files.iter().map(fingerprint_of).collect::<Fingerprint>()
        });
        if fingerprint.is_some() && fingerprint == self.stored {
            return Ok(Loaded::Unchanged);
        }
        self.version += 1;
        let before = self.stored.as_ref().or(self.loaded.as_ref());
        let items = if self.for_overrides {
            Items::Overrides
        } else {
            Items::Data {
                version: self.version,
            }
        };
        let mut merge = Merge::new(self.duplicates, items);
        for (index, (path, bytes)) in paths.iter().zip(files?).enumerate() {
            let contents = read::contents(path, &bytes, self.keep_json)?;
            if contents.may_be_cut_off
                && before.is_some_and(|before| !is_same(before, fingerprint.as_ref(), index))
            {
                if check == EmptyFileCheck::First {
                    return Ok(Loaded::Emptied(path.clone()));
                }
                tracing::warn!(
                    path = %path.display(),
                    "flag file is still empty, removing its flags and segments"
                );
            }
            merge.add(path, contents)?;
        }
        // Until the new data is stored, the contents of the store are unknown.
        self.stored = None;
        self.loaded = fingerprint;
        Ok(Loaded::New(merge.finish()))
    }

    /// To be called when the data that was loaded last has been stored.
    pub(crate) fn stored(&mut self) {
        self.stored = self.loaded.take();
    }
}
