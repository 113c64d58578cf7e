//! Merges several files into one data set.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use vexil::Text;
use vexil::model::{DataKind, DataSet, Entry, Flag, Segment};

use crate::duplicate_keys::DuplicateKeys;
use crate::error::FileDataError;
use crate::read::{Contents, turned_off};

/// Collects the contents of the files, in their order.
pub(crate) struct Merge<'p> {
    duplicates: DuplicateKeys,
    items: Items,
    flags: Collected<'p, Flag>,
    segments: Collected<'p, Segment>,
}

/// The use of the items.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Items {
    /// As the data of the client. All items have this version.
    Data { version: u64 },
    /// As overrides. Items have the version in the file, or 1 if there is none, and plain values
    /// are flags that are off (FDV2-9.4).
    Overrides,
}

impl<'p> Merge<'p> {
    pub(crate) fn new(duplicates: DuplicateKeys, items: Items) -> Self {
        Self {
            duplicates,
            items,
            flags: HashMap::new(),
            segments: HashMap::new(),
        }
    }

    pub(crate) fn add(&mut self, path: &'p Path, contents: Contents) -> Result<(), FileDataError> {
        let Contents {
            flags,
            values,
            segments,
            ..
        } = contents;
        let values = match self.items {
            Items::Data { .. } => values,
            Items::Overrides => values.into_iter().map(turned_off).collect(),
        };
        for entries in [flags, values] {
            add(&mut self.flags, entries, path, self.duplicates, self.items)?;
        }
        add(
            &mut self.segments,
            segments,
            path,
            self.duplicates,
            self.items,
        )
    }

    pub(crate) fn finish(self) -> DataSet {
        DataSet::new(entries(self.flags), entries(self.segments))
    }
}

/// Items by key, each with its file.
type Collected<'p, T> = HashMap<Text, (&'p Path, Entry<T>)>;

fn entries<T>(collected: Collected<'_, T>) -> Vec<Entry<T>> {
    collected.into_values().map(|(_, entry)| entry).collect()
}

/// Adds the entries of one section of one file.
fn add<'p, T: Item>(
    to: &mut Collected<'p, T>,
    section: Vec<Entry<T>>,
    path: &'p Path,
    duplicates: DuplicateKeys,
    items: Items,
) -> Result<(), FileDataError> {
    // Within one object the last of equal keys wins, as is usual for JSON.
    let mut last: HashMap<Text, Entry<T>> = HashMap::with_capacity(section.len());
    let mut order = Vec::with_capacity(section.len());
    for entry in section {
        let key = key(&entry).clone();
        if last.insert(key.clone(), entry).is_none() {
            order.push(key);
        }
    }
    for key in order {
        let Some(entry) = last.remove(&key) else {
            continue;
        };
        match to.get(&key) {
            None => {
                to.insert(key, (path, numbered(entry, items)));
            }
            Some(_) if duplicates == DuplicateKeys::Ignore => {}
            Some((first, _)) => {
                let (first, second) = ((*first).to_owned(), path.to_owned());
                return Err(FileDataError::Duplicate {
                    kind: T::KIND,
                    key,
                    first,
                    second,
                });
            }
        }
    }
    Ok(())
}

/// Common interface of flags and segments.
trait Item: Clone {
    const KIND: DataKind;

    fn key(&self) -> &Text;
    fn version(&self) -> u64;
    fn with_version(self, version: u64) -> Self;
}

fn key<T: Item>(entry: &Entry<T>) -> &Text {
    match entry {
        Entry::Present(item) => item.key(),
        Entry::Deleted(tombstone) => &tombstone.key,
    }
}

fn numbered<T: Item>(entry: Entry<T>, items: Items) -> Entry<T> {
    let version = match (items, &entry) {
        (Items::Data { version }, _) => version,
        (Items::Overrides, Entry::Present(item)) => item.version().max(1),
        (Items::Overrides, Entry::Deleted(tombstone)) => tombstone.version,
    };
    match entry {
        Entry::Present(item) => Arc::unwrap_or_clone(item).with_version(version).into(),
        Entry::Deleted(tombstone) => Entry::deleted(tombstone.key, version),
    }
}

impl Item for Flag {
    const KIND: DataKind = DataKind::Flag;

    fn key(&self) -> &Text {
        Self::key(self)
    }

    fn version(&self) -> u64 {
        Self::version(self)
    }

    fn with_version(self, version: u64) -> Self {
        Self::with_version(self, version)
    }
}

impl Item for Segment {
    const KIND: DataKind = DataKind::Segment;

    fn key(&self) -> &Text {
        Self::key(self)
    }

    fn version(&self) -> u64 {
        Self::version(self)
    }

    fn with_version(self, version: u64) -> Self {
        Self::with_version(self, version)
    }
}
